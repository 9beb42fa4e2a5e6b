"""The faults, one by one. Each returns once it is over, with what has happened in a few words."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import psycopg
from confluent_kafka import Message
from rich.console import Console

from pipeline import context
from pipeline.clients import records
from pipeline.clients.database import connect
from pipeline.context import Context
from pipeline.errors import PipelineError, ServiceError
from pipeline.repository import target as targets
from pipeline.schemas import subject_of
from pipeline.wait import until
from stack import starting
from stack.layout import Layout
from stack.services import services
from stack.supervisor import Supervisor

QUIET = Console(quiet=True)
SOON_S = 120
DATABASE = "postgres"
ROTATED = "CONNECT_WRITER_PASSWORD"
GARBAGE = b"no Avro at all"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Place:
    """The stack that the faults are made on."""

    layout: Layout
    target_name: str

    @property
    def loaded(self) -> Context:
        """What is declared, and clients, with the passwords of now."""
        return context.load(self.layout.root, self.target_name)

    @property
    def supervisor(self) -> Supervisor:
        """What starts and stops its services."""
        return Supervisor(self.layout.socket)

    def database(self) -> psycopg.Connection:
        """A connection of the administrator."""
        target = self.layout.target
        password = targets.secrets(self.layout.root, target)["POSTGRES_PASSWORD"]
        return connect(target.postgres, target.postgres.admin, password, autocommit=True)

    def count(self, query: str) -> int:
        """The number that a query gives."""
        with self.database() as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    def await_count(self, query: str, more_than: int) -> None:
        """Waits until a query gives more than a number."""

        def found() -> int | None:
            try:
                return self.count(query)
            except ServiceError:
                return None

        until(
            found,
            seconds=SOON_S,
            done=lambda found: found > more_than,
            describe=lambda found: f"{query}: {found}, not more than {more_than}",
            every=0.5,
        )


@dataclass(frozen=True)
class Fault:
    """A fault, with what it does to a stack."""

    name: str
    make: Callable[[Place], str]


def all_faults(place: Place, away_s: float) -> Iterator[Fault]:
    """Every fault. `away_s` is for how long a service is away, in seconds."""
    for service in services(place.layout, {}):
        yield Fault(f"kill -9 of {service.name}", _Kill(service.name))
    yield Fault(f"postgres away for {away_s:.0f} s", _Away(DATABASE, away_s))
    yield Fault(f"registry away for {away_s:.0f} s", _Away("registry", away_s))
    yield Fault("a poison record", poison)
    yield Fault("an incompatible schema", incompatible)
    yield Fault("a clock that is a day ahead, one a day behind", skew)
    yield Fault("a password rotated", rotate)
    # Last: no deployment goes on from it until somebody declares the partition.
    yield Fault("a partition added by hand", grow)


@dataclass(frozen=True)
class _Kill:
    service: str

    def __call__(self, place: Place) -> str:
        pid = place.supervisor.processes()[self.service].pid
        os.killpg(pid, signal.SIGKILL)
        until(
            lambda: place.supervisor.processes()[self.service].pid,
            seconds=SOON_S,
            done=lambda now: now not in {0, pid},
            describe=lambda _: f"the supervisor does not start {self.service} again",
        )
        return _back(place, self.service, "the supervisor starts it again")


@dataclass(frozen=True)
class _Away:
    service: str
    seconds: float

    def __call__(self, place: Place) -> str:
        place.supervisor.stop(self.service)
        # The fault itself takes this long: nothing is waited for.
        time.sleep(self.seconds)
        known = targets.secrets(place.layout.root, place.layout.target)
        back = [one for one in services(place.layout, known) if one.name == self.service]
        starting.start(place.layout, place.supervisor, back, QUIET)
        return _back(place, self.service, "the others wait for it, and go on")


def _back(place: Place, service: str, happened: str) -> str:
    """What has happened; and, where it takes a person, what that person does."""
    if service != DATABASE:
        return happened
    place.await_count("SELECT 1", 0)
    _make(place, "render.py", "deploy")
    return "sinks FAIL without it; `make deploy`, or Airflow, starts them again"


def poison(place: Place) -> str:
    """A record that is no Avro, in a raw topic and in a clean one."""
    loaded = place.loaded
    rules = loaded.project.rules
    if rules is None:
        raise PipelineError("there is no spark/rules.yaml")
    raw, own = next(iter(rules.topics.items()))
    refused = "SELECT count(*) FROM rejected_records WHERE rules = 'not_avro'"
    before = place.count(refused)
    kafka = place.layout.target.kafka_of("replay")
    for topic in (raw, own.clean):
        records.write(kafka, topic, [(b"poison", GARBAGE)])
    place.await_count(refused, before)
    queue = next(sink.queue for sink in loaded.project.connectors if own.clean in sink.reads)
    until(
        lambda: any(message.value() == GARBAGE for message in records.messages(kafka, queue)),
        seconds=SOON_S,
        describe=lambda _: f"{queue} has no such letter",
        every=0.5,
    )
    return "one reject, one dead letter"


def incompatible(place: Place) -> str:
    """A schema that readers of the old one could not read."""
    services_ = place.loaded.services
    topic, schema = next(iter(place.loaded.project.schemas.items()))
    field = {"name": "needed_from_now_on", "type": "string"}
    broken = {**schema, "fields": [*schema["fields"], field]}
    try:
        services_.registry.register(subject_of(topic), broken)
    except PipelineError:
        return "the registry refuses it"
    raise PipelineError(f"the registry has taken a schema for {topic} that breaks its readers")


def skew(place: Place) -> str:
    """Records again, from senders whose clocks are wrong."""
    rules = place.loaded.project.rules
    raw = list(rules.topics)[1] if rules else ""
    kafka = place.layout.target.kafka_of("replay")
    good = (m for m in records.messages(kafka, raw) if m.value() is not None)
    taken = list(islice(good, 100))
    sender = records.Sender(kafka)
    for message in taken:
        _again(sender, raw, message, -DAY_MS)
    sender.settle()
    try:
        _again(sender, raw, taken[0], DAY_MS)
        sender.settle()
    except ServiceError:
        return "what is behind changes nothing; Kafka refuses what is ahead"
    raise PipelineError("Kafka has taken a record of tomorrow")


def _again(sender: records.Sender, topic: str, message: Message, later_ms: int) -> None:
    sender.send(
        topic,
        _key(message),
        bytes(message.value() or b""),
        timestamp=message.timestamp()[1] + later_ms,
        partition=int(message.partition() or 0),
    )


def grow(place: Place) -> str:
    """A raw topic gets one partition more, and a record in it."""
    loaded = place.loaded
    rules = loaded.project.rules
    raw = list(rules.topics)[-1] if rules else ""
    kafka = place.layout.target.kafka_of("replay")
    first = next(m for m in records.messages(kafka, raw) if m.value() is not None)
    partitions = loaded.services.kafka.existing([raw])[raw]
    loaded.services.kafka.grow(raw, partitions + 1)
    sender = records.Sender(kafka)
    value = bytes(first.value() or b"")
    refused = "SELECT count(*) FROM rejected_records WHERE rules = 'not_avro'"
    before = place.count(refused)
    sender.send(raw, _key(first), value, partition=partitions)
    # Its end is seen by what comes after it: a reject.
    sender.send(raw, b"drill", GARBAGE, partition=partitions)
    sender.settle()
    place.await_count(refused, before)
    return "the cleansing reads it; `make plan` says what to declare"


def _key(message: Message) -> bytes | None:
    key = message.key()
    return key.encode() if isinstance(key, str) else key


def rotate(place: Place) -> str:
    """Another password for the sinks' role, as an operator gives one."""
    file = place.layout.secrets
    lines = file.read_text().splitlines()
    new = f"{ROTATED}={secrets.token_urlsafe(24)}"
    changed = [new if line.startswith(f"{ROTATED}=") else line for line in lines]
    file.write_text("\n".join([*changed, ""]))
    _make(place, "-m", "stack", "up")
    _make(place, "render.py", "deploy")
    return "`make up deploy` gives it to the role and to the workers"


def _make(place: Place, *command: str) -> None:
    """Runs a command, as an operator does."""
    done = subprocess.run(
        [sys.executable, *command, "--target", place.target_name],
        cwd=place.layout.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PipelineError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
