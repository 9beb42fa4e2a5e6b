"""Subjects on a registry that reorders keys and keeps a known schema under its old version."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from pipeline.change import Change
from pipeline.clients.registry import Registry
from pipeline.repository.connections import at
from pipeline.resources.resource import Run
from pipeline.resources.subject import Subject, Subjects
from pipeline.services import Services
from tests.support.notes import Notes
from tests.support.registry import ConfluentRegistry
from tests.support.serving import serving

# The doc comes before the type, as in the files.
FIELD = {"name": "id", "doc": "Its id.", "type": {"logicalType": "uuid", "type": "string"}}
SCHEMA = {"doc": "R", "namespace": "n", "name": "R", "fields": [FIELD], "type": "record"}
FIRST = Subject("t-value", SCHEMA, "BACKWARD", Path("schemas/t.avsc"))
SECOND = replace(FIRST, schema={**SCHEMA, "doc": "R, again"})
SUBJECTS = Subjects()


@pytest.fixture
def services() -> Iterator[Services]:
    with serving(ConfluentRegistry().answer) as url:
        clients = {"registry": Registry(at(url)), "database": Notes()}
        yield cast("Services", type("Clients", (), clients)())


def _changes(subject: Subject, services: Services) -> list[Change]:
    live = SUBJECTS.read(services, [subject])
    return list(SUBJECTS.difference(subject, live.get(subject.name)))


def _deploy(subject: Subject, services: Services) -> list[str | None]:
    run = Run(services, 1, report=lambda *_: None, tell=lambda _: None)
    return [error for _, error in SUBJECTS.apply(_changes(subject, services), run)]


def test_what_was_registered_is_no_change_in_whatever_order_its_keys_come_back(
    services: Services,
) -> None:
    assert _deploy(FIRST, services) == [None]
    given: Any = services.registry.latest("t-value").schema
    assert (list(given), list(given["fields"][0])) == (
        ["type", "name", "namespace", "doc", "fields"],
        ["name", "type", "doc"],
    )
    assert _changes(FIRST, services) == []


def test_a_schema_that_is_an_older_version_is_refused_with_a_way_out_that_works(
    services: Services,
) -> None:
    for subject in (FIRST, SECOND):
        assert _deploy(subject, services) == [None]
    (problem,) = SUBJECTS.check(_changes(FIRST, services), [FIRST], services)
    assert "this schema is version 1 of t-value" in problem.message
    requests.delete(problem.message.rpartition("-X DELETE ")[2], timeout=5).raise_for_status()
    assert _changes(FIRST, services) == []


def test_a_registration_after_which_another_version_is_the_latest_has_failed(
    services: Services,
) -> None:
    for subject in (FIRST, SECOND):
        assert _deploy(subject, services) == [None]
    (error,) = _deploy(FIRST, services)
    assert error == (
        "schemas/t.avsc: registered, but the latest version of t-value is still 2, with another"
        " schema. `plan` shows the difference"
    )


def test_a_subject_that_is_made_anew_has_one_version_and_its_level(services: Services) -> None:
    for subject in (FIRST, SECOND):
        _deploy(subject, services)
    known = services.registry.latest("t-value").id
    run = Run(services, 1, report=lambda *_: None, tell=lambda _: None)
    incompatible = replace(FIRST, compatibility="FULL", schema={**SCHEMA, "name": "Other"})
    live = SUBJECTS.read(services, [incompatible])["t-value"]
    (change,) = SUBJECTS.anew(incompatible, live, ())
    assert SUBJECTS.check([change], [incompatible], services) == []
    for result in (*SUBJECTS.clear([change], run), *SUBJECTS.apply([change], run)):
        assert result == (change, None)
    assert services.registry.versions("t-value") == [3]
    assert _changes(incompatible, services) == []
    # Who remembers the id of a schema may go on to use it.
    (change,) = SUBJECTS.anew(SECOND, services.registry.latest("t-value"), ())
    for result in (*SUBJECTS.clear([change], run), *SUBJECTS.apply([change], run)):
        assert result == (change, None)
    assert services.registry.latest("t-value").id == known
