"""`render.py erase`: a person's right to be forgotten."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from pipeline import command, context
from pipeline.clients import records
from pipeline.context import Context
from pipeline.erasure import compaction, rows, scan, search
from pipeline.erasure.person import Person
from pipeline.errors import PipelineError
from pipeline.options import DeadlineOption, TargetOption
from pipeline.paths import here
from pipeline.repository import target as targets
from pipeline.wait import until

PatientOption = Annotated[str, typer.Option("--patient", help="The patient's id, such as P10042.")]
stdout = Console()
stderr = Console(stderr=True)


@command.placing
def erase(
    patient: PatientOption,
    target: TargetOption = "embedded",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    deadline: DeadlineOption = 300,
) -> None:
    """Erase a patient from everywhere, and look for what may be left. THERE IS NO WAY BACK.

    Tombstones go through the raw topics: so the rows of the tables go, and the trends are counted
    without the patient. Then Kafka, the queries and PostgreSQL forget what was before. At the end,
    every file of the stack is searched for the patient's identifiers, and those of all records of
    the patient. A note stays, in the table `erasures`: when, and a keyed hash of the patient's id.
    A run that was cut off is taken up by the next one for the same patient.

    Stop what sends the patient's records first: what comes later is not seen.
    """
    loaded = context.load(here(), target)
    secrets = targets.secrets(here(), loaded.target)
    if not yes:
        typer.confirm(f"Erase {patient} on the target {target}, for ever?", abort=True)
    alone = loaded.services.database.locked("render.py erase")
    with alone, rows.connected(loaded.target, secrets) as connection:
        Erasure(loaded, connection, secrets, deadline).run(patient)


@dataclass(frozen=True)
class Erasure:
    """One erasure, step by step. Each step waits until it can be seen to be done."""

    loaded: Context
    connection: psycopg.Connection
    secrets: Mapping[str, str]
    deadline_s: float

    def run(self, patient: str) -> None:
        """Erases a patient.

        Raises:
            PipelineError: there is no such patient, or something is left.
        """
        target, services = self.loaded.target, self.loaded.services
        digest = rows.digest(self.secrets, patient)
        kafka = target.kafka_of("erase")
        looking = search.Search(kafka, services.registry, self.loaded.project)
        person = Person(self._taken_up(patient, digest))
        with stderr.status("looking for the records"):
            looking.find(person)
            tables = self._columns()
            found = rows.count(self.connection, tables, person.ids)
        if not person.places and not found and not self._file(digest).is_file():
            raise PipelineError(f"no record of {patient} in Kafka or PostgreSQL")
        said = f"{len(person.places):,} records in {len(person.topics())} topics; {found:,} rows"
        self._told(f"found: {said}")
        self._refuse_keyless(kafka, person.topics())
        rows.begin(self.connection, digest)
        self._keep(digest, person)
        self._send(kafka, person)
        self._await_rows(tables, person)
        self._compact(kafka, looking.topics, person)
        self._purge(person)
        self._forget(tables, person)
        self._search(person, digest)
        rows.end(self.connection, digest, len(person.places))
        self._file(digest).unlink(missing_ok=True)
        self._told(f"{patient} is erased; the note is in the table {rows.NOTES}")

    def _told(self, text: str) -> None:
        stderr.print(f"[green]✓[/] {text}", highlight=False, soft_wrap=True)

    def _file(self, digest: str) -> Path:
        """Where a run keeps the identifiers until it ends: another one could not find them all."""
        return here() / self.loaded.target.state / "run" / f"erasing-{digest[:16]}.json"

    def _taken_up(self, patient: str, digest: str) -> set[str]:
        file = self._file(digest)
        return {patient, *(json.loads(file.read_text()) if file.is_file() else ())}

    def _keep(self, digest: str, person: Person) -> None:
        file = self._file(digest)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(sorted(person.ids)))

    def _columns(self) -> tuple[rows.Column, ...]:
        types = {
            table.name: {column.name: column.type for column in table.columns}
            for table in self.loaded.desired.tables
        }
        return tuple(rows.columns(self.loaded.project, types))

    def _refuse_keyless(self, kafka: Mapping[str, str], topics: Iterable[str]) -> None:
        found = search.keyless(kafka, sorted(topics))
        if found:
            raise PipelineError(
                f"{', '.join(found)}: there are records without a key, which compaction would"
                " delete. Wait until their retention has ended, or delete them"
            )

    def _send(self, kafka: Mapping[str, str], person: Person) -> None:
        """Tombstones: to each topic that nothing derives from another."""
        project = self.loaded.project
        derived = {*project.queries}
        places = set(person.places)
        if project.rules:
            raw_of = {own.clean: raw for raw, own in project.rules.topics.items()}
            derived |= raw_of.keys()
            places |= {(raw_of[t], key, -1) for t, key, _ in person.places if t in raw_of}
        known = {(topic, key) for topic, key, number in places if number >= 0}
        sender = records.Sender(kafka)
        for topic, key, number in sorted(places):
            if topic in derived or (number < 0 and (topic, key) in known):
                continue
            options = {"partition": number} if number >= 0 else {}
            sender.send(topic, key, None, **options)
        sender.settle()
        self._told("tombstones are sent")

    def _await_rows(self, tables: Sequence[rows.Column], person: Person) -> None:
        """Until the sinks have deleted the rows; those of other sinks are deleted here."""
        deleting = {
            connector.table
            for connector in self.loaded.desired.connectors
            if connector.config.get("delete.enabled") == "true"
        }
        by_sinks = [column for column in tables if column.table in deleting]
        with stderr.status("waiting for the sinks"):
            until(
                lambda: rows.count(self.connection, by_sinks, person.ids),
                seconds=self.deadline_s,
                done=lambda left: left == 0,
                describe=lambda left: f"the sinks have left {left} rows: make status",
                every=0.5,
            )
        rows.delete(self.connection, tables, person.ids)
        self._told("the rows are gone")

    def _compact(self, kafka: Mapping[str, str], topics: Sequence[str], person: Person) -> None:
        pattern = person.pattern
        with stderr.status("waiting for Kafka to compact the topics"):
            dirty = [topic for topic in topics if search.left(kafka, topic, pattern)]
            compaction.compact(
                self.loaded.services.kafka,
                kafka,
                dirty,
                lambda topic: search.left(kafka, topic, pattern),
                self.deadline_s,
            )
        self._told(f"{len(dirty)} topics are compacted")

    def _purge(self, person: Person) -> None:
        engine, project = self.loaded.services.engine, self.loaded.project
        topic_of = {statement.name: statement.topic for statement in project.statements}
        names = [
            query.name
            for query in self.loaded.desired.queries
            if any(topic in project.identifying for topic in query.reads)
        ]
        if engine is None or not topic_of:
            return
        pattern = person.pattern
        with stderr.status("starting the queries from clean savepoints"):
            note = engine.purge(names, lambda path: scan.has(path, pattern), self.deadline_s)
        if note:
            stderr.print(note, soft_wrap=True, highlight=False)
        else:
            self._told(f"{len(names)} queries have a clean state")

    def _forget(self, tables: Sequence[rows.Column], person: Person) -> None:
        with stderr.status("writing the tables anew"):
            if rows.count(self.connection, tables, person.ids):
                raise PipelineError("rows of the patient have come again: who sends them?")
            names = dict.fromkeys(column.table for column in tables)
            rows.forget(self.connection, tuple(names))
        self._told(f"PostgreSQL has written {len(names)} tables anew")

    def _search(self, person: Person, digest: str) -> None:
        """Every file of the stack, until nothing is found: some are deleted a moment later."""
        if self.loaded.target.embedded is None:
            stderr.print("The services' files are elsewhere, and were not searched.")
            return
        folder = (here() / self.loaded.target.state).resolve()
        kept, pattern = self._file(digest).resolve(), person.pattern
        with stderr.status(f"searching {folder}"):
            looked = self._until_clean(folder, pattern, kept)
        for part, count in sorted(looked.files.items()):
            stdout.print(f"{part:<24} {count:>7,} files {looked.size[part]:>15,} bytes")
        total = f"{looked.files.total():,} files, {looked.size.total():,} bytes"
        self._told(f"no file has an identifier of the patient's records: {total}")
        backups = sorted((here() / "var" / "backups").glob("*/backup.json"))
        if backups:
            listed = ", ".join(str(file.parent.relative_to(here())) for file in backups)
            stderr.print(f"Backups are not changed: delete {listed}", soft_wrap=True)

    def _until_clean(self, folder: Path, pattern: re.Pattern[bytes], kept: Path) -> scan.Scan:
        return until(
            lambda: scan.scan(folder, pattern, kept),
            seconds=self.deadline_s,
            done=lambda looked: not looked.left,
            describe=lambda looked: looked.left if looked else "",
            every=2,
        )
