"""Produces synthetic records to a raw topic, as Avro under its registered schema.

Without Connect: for a burst, a demonstration, or a test. On both targets.

Exit codes: 0 every record was delivered; 1 some were not; 2 usage.
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from confluent_kafka import KafkaError, Message
from rich.console import Console

from pipeline import codec, command
from pipeline.clients import librdkafka
from pipeline.clients.records import hand_on
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError, UsageError
from pipeline.repository import facts, loader
from pipeline.repository import target as targets
from pipeline.schemas import canonical, subject_of
from pipeline.suggest import unknown
from scripts.generate import Generator

FLUSH_S = 30
console = Console(stderr=True)
app = typer.Typer(add_completion=False)


class Deliveries:
    """Counts the records that Kafka confirms, and keeps the first error."""

    def __init__(self) -> None:
        self.delivered = 0
        self.first_error = ""

    def report(self, error: KafkaError | None, _: Message) -> None:
        """Takes the delivery report of one record."""
        if error is None:
            self.delivered += 1
        elif not self.first_error:
            self.first_error = error.str()


@app.command(help=__doc__)
def main(
    topic: Annotated[str, typer.Argument(help="A topic that a Datagen source writes.")],
    count: Annotated[int, typer.Option(min=1, help="Records to produce.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Records per second; 0: all at once.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same records.")] = 1,
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "embedded",
) -> None:
    """Produces, and prints how many records were delivered."""
    root = Path()
    target = targets.load(root, target_name)
    declared = loader.load(root)
    keys = facts.raw_topics(declared)
    if topic not in keys:
        raise UsageError(unknown("topic", topic, keys))
    schema = declared.schemas[topic]
    registered = Registry(target.registry).latest(subject_of(topic))
    if canonical(registered.schema) != canonical(schema):
        raise PipelineError(f"schemas/{topic}.avsc is not what is registered: make deploy")
    encode = codec.encoder(schema, registered.id)
    records = Generator(schema, seed).records(count)
    encoded = ((str(record[keys[topic]]), encode(record)) for record in records)
    with console.status(f"producing to {topic}"):
        deliveries = _produce(target.kafka_of("produce"), topic, encoded, rate)
    console.print(f"{deliveries.delivered} of {count} records delivered to {topic}")
    if deliveries.delivered < count:
        reason = deliveries.first_error or f"no report within {FLUSH_S} s"
        raise PipelineError(f"{count - deliveries.delivered} records were not delivered: {reason}")


def _produce(
    kafka: Mapping[str, str], topic: str, records: Iterable[tuple[str, bytes]], rate: float
) -> Deliveries:
    producer = librdkafka.producer(kafka)
    deliveries = Deliveries()
    begun = time.monotonic()
    for number, (key, value) in enumerate(records):
        if rate:
            time.sleep(max(0, begun + number / rate - time.monotonic()))
        hand_on(producer, topic, key, value, on_delivery=deliveries.report)
    producer.flush(FLUSH_S)
    return deliveries


if __name__ == "__main__":
    command.run(app)
