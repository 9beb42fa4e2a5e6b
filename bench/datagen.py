"""How fast one Datagen task writes diagnoses into Kafka."""

from bench import topics
from pipeline.wait import until
from tests.support.workspace import Workspace

RECORDS = 600_000
TOPIC = "patient_diagnoses"


def measure(space: Workspace) -> float:
    """Records per second, by the records' own timestamps. Leaves the topic full."""
    for file in (space.root / "connectors").glob("*/*.yaml"):
        if file.name != "diagnoses-primary.yaml":
            file.unlink()
    space.edit("connectors/sources/diagnoses-primary.yaml", iterations=RECORDS, max_interval_ms=0)
    space.ok("deploy")
    kafka = space.target.kafka

    until(
        lambda: topics.count(kafka, TOPIC),
        seconds=180,
        done=lambda count: count >= RECORDS,
        describe=lambda count: f"{count} of {RECORDS} records:\n{space.run('status').stdout}",
    )
    return RECORDS * 1000 / topics.span_ms(kafka, TOPIC)
