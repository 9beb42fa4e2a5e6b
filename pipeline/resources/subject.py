"""Subjects of the Schema Registry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, edits
from pipeline.live import LiveSubject
from pipeline.resources.resource import CONCURRENCY, Resource, Result, Run, at_once
from pipeline.schemas import Schema, canonical, compact

if TYPE_CHECKING:
    from pipeline.services import Services

KIND = "subject"


@dataclass(frozen=True)
class Subject:
    """The contract of one topic's values. `file` is where its schema comes from."""

    name: str
    schema: Schema
    compatibility: str
    file: Path


class Subjects(Resource[Subject, LiveSubject]):
    """Subjects: their latest schema and their compatibility level."""

    kind = KIND

    def read(self, services: "Services", declared: Sequence[Subject]) -> Mapping[str, LiveSubject]:
        """The declared subjects that are registered."""
        wanted = {subject.name for subject in declared}
        names = [name for name in services.registry.subjects() if name in wanted]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            return dict(zip(names, pool.map(services.registry.latest, names), strict=True))

    def difference(self, declared: Subject, live: LiveSubject | None) -> Iterator[Change]:
        """Compares the level, the schema's attributes and its fields, key by key."""
        after = {"compatibility": declared.compatibility, **_fields(declared.schema)}
        if live is None:
            created = edits({}, after)
            yield Change(KIND, declared.name, Action.CREATE, created, declared=declared)
            return
        if live.foreign:
            return
        before = {"compatibility": live.compatibility, **_fields(live.schema)}
        if canonical(declared.schema) != canonical(live.schema) or before != after:
            yield Change(
                KIND,
                declared.name,
                Action.UPDATE,
                edits(before, after),
                f"after version {live.version}",
                declared,
                live,
            )

    def problems(self, declared: Subject, live: LiveSubject | None, owner: str) -> Iterator[str]:
        """Somebody else registered something that no deployment replaces."""
        del owner
        if live and live.foreign:
            yield (
                f"{declared.file}: {declared.name} is registered, but its latest version"
                f" ({live.version}) is {live.foreign}, no Avro record: delete the subject if"
                " nobody needs it, or give your topic another name"
            )

    def check(
        self, changes: Sequence[Change], declared: Sequence[Subject], services: "Services"
    ) -> list[str]:
        """Asks the registry whether each schema is compatible with its subject's latest version."""
        del declared
        registered = [change for change in changes if change.live and not change.live.foreign]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            problems = pool.map(lambda change: _incompatibility(change, services), registered)
            return [problem for problem in problems if problem]

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Registers schemas and sets compatibility levels."""

        def make(change: Change) -> None:
            subject: Subject = change.declared
            live: LiveSubject | None = change.live
            registry = run.services.registry
            # The schema comes first: a subject without a version cannot have a level.
            if live is None or canonical(subject.schema) != canonical(live.schema):
                registry.register(subject.name, subject.schema)
            if live is None or subject.compatibility != live.compatibility:
                registry.set_compatibility(subject.name, subject.compatibility)

        return at_once(changes, make, run)

    def remove(self, declared: Sequence[Subject], run: Run, report: Callable[[str], None]) -> None:
        """Deletes the subjects with all their versions."""
        registered = set(run.services.registry.subjects())
        for subject in declared:
            if subject.name in registered:
                run.services.registry.delete(subject.name)
                report(f"{KIND} {subject.name}")

    def status(self, declared: Sequence[Subject], services: "Services") -> None:
        """Nothing, if the registry answers."""
        del declared
        services.registry.subjects()


def _incompatibility(change: Change, services: "Services") -> str:
    subject: Subject = change.declared
    reasons = services.registry.incompatibilities(subject.name, subject.schema)
    if not reasons:
        return ""
    return (
        f"{subject.file}: not {subject.compatibility}-compatible with version"
        f" {change.live.version} of {subject.name}: {'; '.join(reasons)}. Give every new field a"
        " default, and remove only fields that have a default; or write to a new topic"
    )


def _fields(schema: Schema) -> dict[str, str]:
    named = {f"field {field['name']}": _field(field) for field in schema["fields"]}
    rest = {key: str(value) for key, value in schema.items() if key not in {"fields", "type"}}
    return {**rest, **named}


def _field(field: Mapping[str, object]) -> str:
    return compact({key: value for key, value in field.items() if key != "name"})
