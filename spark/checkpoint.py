"""The query's checkpoint: what it is about, and how far each batch has read."""

import json
import shutil
from collections import Counter
from pathlib import Path

from pipeline.clients.kafka import Kafka
from pipeline.repository.rules import Rules


def forget_deleted_topics(kafka: Kafka, rules: Rules, checkpoint: Path) -> bool:
    """Empties the checkpoint if a raw topic was deleted and created again; says whether it did.

    The old offsets point behind the end of the new topic.
    """
    note = checkpoint.parent / f"{checkpoint.name}.topics.json"
    ids = kafka.topic_ids(rules.topics)
    is_stale = note.is_file() and json.loads(note.read_text()) != ids
    if is_stale:
        for child in checkpoint.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    note.write_text(json.dumps(ids))
    return is_stale


def raw_records(checkpoint: Path, batch: int) -> Counter[str]:
    """How many records a batch read by topic, duplicates included, by the checkpoint's offsets.

    The query's own progress has it too, but not for a batch that is run again after a kill.
    """
    ends = _offsets(checkpoint, batch)
    starts = _offsets(checkpoint, batch - 1) if batch else {}
    counts: Counter[str] = Counter()
    for (topic, partition), end in ends.items():
        counts[topic] += end - starts.get((topic, partition), 0)
    return +counts


def _offsets(checkpoint: Path, batch: int) -> dict[tuple[str, str], int]:
    # Spark's offset log: a version, metadata, and the offsets of each source, a line each.
    source = json.loads((checkpoint / "offsets" / str(batch)).read_text().splitlines()[2])
    return {
        (topic, partition): offset
        for topic, partitions in source.items()
        for partition, offset in partitions.items()
    }
