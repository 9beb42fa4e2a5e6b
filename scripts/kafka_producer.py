"""Produces synthetic records to a raw topic, as Avro under its registered schema.

Without Connect: for a burst, a demonstration, or a test. On both targets.

Exit codes: 0 every record was delivered; 1 some were not; 2 usage.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from confluent_kafka import KafkaError, Message, Producer
from rich.console import Console

from pipeline import command
from pipeline.clients import records
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError, UsageError
from pipeline.repository import loader
from pipeline.repository import target as targets
from pipeline.schemas import canonical
from pipeline.suggest import unknown
from scripts.generate import Generator

KEYS = {
    "patients": "patient_id",
    "patient_admissions": "admission_id",
    "patient_diagnoses": "diagnosis_id",
    "patient_labs": "lab_id",
}
FLUSH_S = 30
words = Console(stderr=True)
app = typer.Typer(add_completion=False)


class Deliveries:
    """What became of each record, by Kafka's delivery reports."""

    def __init__(self) -> None:
        self.delivered = 0
        self.first_error = ""

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Takes one report."""
        del message
        if error is None:
            self.delivered += 1
        elif not self.first_error:
            self.first_error = error.str()


@app.command(help=__doc__)
def main(
    topic: Annotated[str, typer.Argument(help=f"One of {', '.join(KEYS)}.")],
    count: Annotated[int, typer.Option(min=1, help="Records to produce.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Records per second; 0: all at once.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same records.")] = 1,
    target: Annotated[str, typer.Option(help="A file in targets/, or a path.")] = "embedded",
) -> None:
    """Produces, and says what was delivered."""
    if topic not in KEYS:
        raise UsageError(unknown("topic", topic, KEYS))
    root = Path()
    place = targets.load(root, target)
    schema = loader.load(root).schemas[topic]
    live = Registry(place.registry).latest(f"{topic}-value")
    if canonical(live.schema) != canonical(schema):
        raise PipelineError(f"schemas/{topic}.avsc is not what is registered: make deploy")
    encode = records.encoder(schema, live.id)
    options = {
        "bootstrap.servers": place.kafka,
        # A retry of the client neither doubles nor reorders.
        "enable.idempotence": True,
        # As Datagen's producer chooses it: all records of a key are in one partition.
        "partitioner": "murmur2_random",
    }
    producer = Producer(options)
    deliveries = Deliveries()
    begun = time.monotonic()
    with words.status(f"producing to {topic}"):
        for number, record in enumerate(Generator(schema, seed).records(count)):
            if rate:
                time.sleep(max(0, begun + number / rate - time.monotonic()))
            _produce(producer, topic, str(record[KEYS[topic]]), encode(record), deliveries)
        producer.flush(FLUSH_S)
    words.print(f"{deliveries.delivered} of {count} records delivered to {topic}")
    if deliveries.delivered < count:
        reason = deliveries.first_error or f"no report within {FLUSH_S} s"
        raise PipelineError(f"{count - deliveries.delivered} records were not delivered: {reason}")


def _produce(
    producer: Producer, topic: str, key: str, value: bytes, deliveries: Deliveries
) -> None:
    while True:
        try:
            producer.produce(topic, key=key, value=value, on_delivery=deliveries.report)
        except BufferError:
            # The client's queue is full: reports make room.
            producer.poll(1)
        else:
            producer.poll(0)
            return


if __name__ == "__main__":
    command.run(app)
