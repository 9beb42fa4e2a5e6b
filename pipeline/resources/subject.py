"""Subjects of the Schema Registry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.avro import incompatibilities
from pipeline.change import Action, Change, Edit, Problem, edits
from pipeline.errors import PipelineError
from pipeline.live import LiveSubject
from pipeline.resources import owned
from pipeline.resources.resource import CONCURRENCY, Resource, Result, Run, at_once
from pipeline.schemas import Schema, canonical, compact, meaning

if TYPE_CHECKING:
    from pipeline.clients.registry import Registry
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
    loses = "with its versions"
    holds_data = True

    def read(self, services: "Services", declared: Sequence[Subject]) -> Mapping[str, LiveSubject]:
        """The subjects that are registered, of those that are declared or that we made."""
        registered = services.registry.subjects()
        ours = owned.names(KIND, services)
        wanted = {*ours, *(subject.name for subject in declared)}
        names = [name for name in registered if name in wanted]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            found = zip(names, pool.map(services.registry.latest, names), strict=True)
            return {name: replace(live, ours=name in ours) for name, live in found}

    def difference(self, declared: Subject, live: LiveSubject | None) -> Iterator[Change]:
        """Compares the level, the schema's attributes and its fields, by what they mean."""
        level = {"compatibility": declared.compatibility}
        if live is None:
            created = (*edits({}, level), *_edits({}, declared.schema))
            yield Change(KIND, declared.name, Action.CREATE, created, declared=declared)
            return
        if live.foreign:
            return
        changed = (
            *edits({"compatibility": live.compatibility}, level),
            *_edits(live.schema, declared.schema),
        )
        if changed:
            note = f"after version {live.version}"
            yield Change(KIND, declared.name, Action.UPDATE, changed, note, declared, live)

    def problems(
        self, declared: Subject, live: LiveSubject | None, owner: str, *, adopt: bool
    ) -> Iterator[str]:
        """Somebody else registered something that no deployment replaces."""
        del owner, adopt
        if live and live.foreign:
            yield (
                f"{declared.file}: {declared.name} is registered, but its latest version"
                f" ({live.version}) is {live.foreign}, no Avro record: delete the subject if"
                " nobody needs it, or give your topic another name"
            )

    def undeclared(
        self, names: frozenset[str], live: Mapping[str, LiveSubject], owner: str
    ) -> Iterator[Change]:
        """Deletes subjects that we made and that are not declared any more, with all versions."""
        del owner
        return owned.undeclared(KIND, names, live, "with all its versions")

    def check(
        self, changes: Sequence[Change], declared: Sequence[Subject], services: "Services"
    ) -> list[Problem]:
        """Whether each schema is compatible at the declared level, and can become the latest."""
        del declared
        registered = [c for c in changes if c.found and not c.live.foreign and _is_new(c)]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            found = pool.map(lambda change: list(_problems(change, services.registry)), registered)
            return [
                Problem(KIND, change.name, message)
                for change, messages in zip(registered, found, strict=True)
                for message in messages
            ]

    def clear(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Deletes the subjects with all their versions."""
        registry = run.services.registry

        def delete(change: Change) -> None:
            if change.name in registry.subjects():
                # ksqlDB and the converters remember the ids of schemas.
                registry.delete(change.name, for_good=False)

        return at_once(changes, delete, run)

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Sets levels, registers schemas, which are the latest afterwards, and deletes subjects."""
        registry = run.services.registry

        def make(change: Change) -> None:
            if change.action is Action.DELETE:
                registry.delete(change.name)
            else:
                _make(change, registry)

        return owned.at_once(KIND, changes, make, run)

    def remove(self, declared: Sequence[Subject], run: Run, report: Callable[[str], None]) -> None:
        """Deletes the subjects with all their versions."""
        registered = set(run.services.registry.subjects())
        for subject in declared:
            if subject.name in registered:
                run.services.registry.delete(subject.name)
                owned.forget(KIND, [subject.name], run.services)
                report(f"{KIND} {subject.name}")

    def status(self, declared: Sequence[Subject], services: "Services") -> None:
        """Nothing, if the registry answers."""
        del declared
        services.registry.subjects()


def _is_new(change: Change) -> bool:
    """Whether the declared schema means something else than the latest version."""
    live: LiveSubject | None = change.found
    return live is None or canonical(change.declared.schema) != canonical(live.schema)


def _problems(change: Change, registry: "Registry") -> Iterator[str]:
    subject: Subject = change.declared
    live: LiveSubject = change.live
    known = registry.registered(subject.name, subject.schema)
    if known is not None and known != live.version:
        newer = [number for number in registry.versions(subject.name) if number > known]
        yield _outrun(subject, known, newer, registry)
        return
    reasons = incompatibilities(
        subject.compatibility, subject.schema, _older(subject, live, registry)
    )
    if not reasons and live.compatibility == subject.compatibility:
        reasons = registry.incompatibilities(subject.name, subject.schema)
    if reasons:
        yield (
            f"{subject.file}: not {subject.compatibility}-compatible with version"
            f" {live.version} of {subject.name}: {'; '.join(reasons)}. Give every new field a"
            " default, and remove only fields that have a default; or write to a new topic"
        )


def _older(subject: Subject, live: LiveSubject, registry: "Registry") -> Mapping[int, Schema]:
    """The versions that the level is about."""
    if not subject.compatibility.endswith("_TRANSITIVE"):
        return {live.version: live.schema}
    numbers = registry.versions(subject.name)
    return {number: registry.version(subject.name, number).schema for number in numbers}


def _outrun(subject: Subject, known: int, newer: Sequence[int], registry: "Registry") -> str:
    """The schema is an older version: registering it again would leave the newer one in place."""
    urls = " ".join(f"{registry.url}/subjects/{subject.name}/versions/{n}" for n in newer)
    return (
        f"{subject.file}: this schema is version {known} of {subject.name}, and a registry does not"
        f" make an older version the latest again. Change a `doc` in it, so that it is a new"
        f" version; or delete what is newer: curl -X DELETE {urls}"
    )


def _make(change: Change, registry: "Registry") -> None:
    subject: Subject = change.declared
    live: LiveSubject | None = change.found
    # The level comes first: the registry has to judge the schema by the declared one. Only a
    # subject without a version cannot have a level yet.
    if live is not None and subject.compatibility != live.compatibility:
        registry.set_compatibility(subject.name, subject.compatibility)
    if _is_new(change):
        registry.register(subject.name, subject.schema)
    if live is None:
        registry.set_compatibility(subject.name, subject.compatibility)
    latest = registry.latest(subject.name)
    if canonical(latest.schema) != canonical(subject.schema):
        raise PipelineError(
            f"{subject.file}: registered, but the latest version of {subject.name} is still"
            f" {latest.version}, with another schema. `plan` shows the difference"
        )


def _edits(before: Schema, after: Schema) -> tuple[Edit, ...]:
    """What differs in meaning: attributes of the record, fields, and attributes of fields."""
    old, new = meaning(before), meaning(after)
    old_fields = {field["name"]: field for field in old.get("fields", ())}
    new_fields = {field["name"]: field for field in new.get("fields", ())}
    both = [name for name in new_fields if name in old_fields]
    found = list(edits(_attributes(old), _attributes(new)))
    for name in new_fields.keys() ^ old_fields.keys():
        added, removed = new_fields.get(name), old_fields.get(name)
        found.append(Edit(f"field {name}", removed and _field(removed), added and _field(added)))
    for name in both:
        of = f" of field {name}"
        found += edits(_attributes(old_fields[name], of), _attributes(new_fields[name], of))
    if [name for name in old_fields if name in new_fields] != both:
        found.append(Edit("order of fields", ", ".join(old_fields), ", ".join(new_fields)))
    return tuple(sorted(found, key=lambda edit: edit.key))


def _attributes(part: Mapping[str, Any], of: str = "") -> dict[str, str]:
    """The attributes of a record or of a field, in words."""
    elsewhere = {"name", "fields"} if of else {"type", "fields"}
    return {
        f"{key}{of}": value if isinstance(value, str) else compact(value)
        for key, value in part.items()
        if key not in elsewhere
    }


def _field(field: Mapping[str, Any]) -> str:
    return compact({key: value for key, value in field.items() if key != "name"})
