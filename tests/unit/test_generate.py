"""The producer's generator, by the rules of schemas/*.avsc."""

import re
from typing import Any

import fastavro
import pytest

from pipeline.errors import UsageError
from pipeline.paths import REPOSITORY
from pipeline.repository import facts
from pipeline.repository.loader import load
from pipeline.schemas import contract
from scripts.generate import Generator

DECLARED = load(REPOSITORY)
SCHEMAS, KEYS = DECLARED.schemas, facts.raw_topics(DECLARED)


@pytest.mark.parametrize("topic", KEYS)
def test_records_fit_their_schema_and_are_the_same_for_the_same_seed(topic: str) -> None:
    records = list(Generator(SCHEMAS[topic], 1).records(50))
    avro = fastavro.parse_schema(contract(SCHEMAS[topic]))
    assert all(fastavro.validate(record, avro, raise_errors=True) for record in records)
    assert list(Generator(SCHEMAS[topic], 1).records(50)) == records
    assert list(Generator(SCHEMAS[topic], 2).records(50)) != records
    assert len({record[KEYS[topic]] for record in records}) == 50


def _one(**rules: Any) -> list[Any]:
    kind = {"type": "string", "arg.properties": rules}
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}
    return [record["f"] for record in Generator(schema, 1).records(4)]


def test_each_rule_does_what_the_java_generator_does() -> None:
    assert _one(iteration={"start": 5, "step": 10}) == [5, 15, 25, 35]
    assert _one(iteration={"start": 5, "restart": 7}) == [5, 6, 5, 6]
    assert _one(prefix="A", iteration={"start": 1}) == ["A1", "A2", "A3", "A4"]
    assert set(_one(range={"min": 3, "max": 4})) == {3}
    assert set(_one(options=["a"])) == {"a"}
    assert all(re.fullmatch("P[1-5][0-9]{4}", value) for value in _one(regex="P[1-5][0-9]{4}"))


def test_a_rule_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="f: this producer does not know the rule length"):
        _one(length=3)
