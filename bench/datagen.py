"""How fast one Datagen task writes diagnoses into Kafka."""

import requests

from bench import topics
from bench.space import SINKS, Space
from pipeline.wait import until

RECORDS = 600_000
TOPIC = "patient_diagnoses"


def measure(space: Space) -> float:
    """Records per second, by the records' own timestamps. Leaves the topic full."""
    space.declare("sources/diagnoses-primary")
    space.edit("connectors/sources/diagnoses-primary.yaml", iterations=RECORDS, max_interval_ms=0)
    space.run("deploy")
    # Their tables are needed, and what they would take of the machine is not.
    for name in SINKS:
        url = f"{space.target.connect}/connectors/{name}-sink/stop"
        requests.put(url, timeout=60).raise_for_status()
    kafka = space.target.kafka

    until(
        lambda: topics.count(kafka, TOPIC),
        seconds=180,
        done=lambda count: count >= RECORDS,
        describe=lambda count: f"{count} of {RECORDS} records",
    )
    return RECORDS * 1000 / topics.span_ms(kafka, TOPIC)
