"""How fast one Datagen task writes diagnoses into Kafka."""

from bench import topics
from bench.space import Space
from pipeline.wait import until

RECORDS = 600_000
TOPIC = "patient_diagnoses"


def measure(space: Space) -> float:
    """Records per second, by the records' own timestamps. Leaves the topic full."""
    space.declare("sources/diagnoses-primary", "sinks/diagnoses")
    space.edit("connectors/sources/diagnoses-primary.yaml", iterations=RECORDS, max_interval_ms=0)
    # The sink's table, and not the sink.
    space.run("deploy", *(f"--only={name}" for name in ("patient*", "diagnoses", "*-source")))
    kafka = space.target.kafka

    until(
        lambda: topics.count(kafka, TOPIC),
        seconds=180,
        done=lambda count: count >= RECORDS,
        describe=lambda count: f"{count} of {RECORDS} records",
    )
    return RECORDS * 1000 / topics.span_ms(kafka, TOPIC)
