"""What ksqlDB documents of a construct, asked of the real Flink: records in, rows out.

The source of each answer is ksqlDB's code (github.com/confluentinc/ksql), by the class that
pipeline/sql/flink names.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.clients import librdkafka
from tests.support import workspace
from tests.support.workspace import Workspace

STREAM, TABLE = "STREAM", "TABLE"
SOURCES = """
CREATE STREAM s (id VARCHAR KEY, name VARCHAR, n INTEGER, big BIGINT, d DOUBLE, b BOOLEAN,
  p DECIMAL(10, 2), at TIMESTAMP) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'at');
CREATE TABLE t (id VARCHAR PRIMARY KEY, name VARCHAR, n INTEGER)
  WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'AVRO');
CREATE STREAM r (id VARCHAR KEY, name VARCHAR, at TIMESTAMP)
  WITH (KAFKA_TOPIC = 'r', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'at');
CREATE TABLE u (id VARCHAR PRIMARY KEY, name VARCHAR)
  WITH (KAFKA_TOPIC = 'u', VALUE_FORMAT = 'AVRO');
"""
TIMESTAMP = {"type": "long", "logicalType": "timestamp-millis"}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
FIELDS: dict[str, dict[str, Any]] = {
    "s": {
        "name": "string", "n": "int", "big": "long", "d": "double", "b": "boolean", "p": DECIMAL,
        "at": TIMESTAMP,
    },
    "t": {"name": "string", "n": "int"},
    "u": {"name": "string"},
    "r": {"name": "string", "at": TIMESTAMP},
}  # fmt: skip
AT = datetime(2025, 1, 1, tzinfo=UTC)
MILLIS = int(AT.timestamp()) * 1000


@dataclass(frozen=True)
class Meaning:
    """A query, the Avro types of its columns, records by topic, and the rows that ksqlDB yields."""

    query: str
    columns: dict[str, Any]
    given: dict[str, list[dict[str, Any]]]
    rows: list[dict[str, Any]]
    kind: str = STREAM
    with_: str = ""


def _values(expression: str, type_: Any, pairs: list[tuple[dict[str, Any], Any]]) -> Meaning:
    """An expression over the records of S, with what each yields."""
    given = [{"at": AT, **record, "_key": f"k{i}"} for i, (record, _) in enumerate(pairs)]
    rows = [{"i": f"k{i}", "x": answer} for i, (_, answer) in enumerate(pairs)]
    query = f"SELECT id, AS_VALUE(id) AS i, {expression} AS x FROM s"
    return Meaning(query, {"I": "string", "X": type_}, {"s": given}, rows)


def _kept(condition: str, kept: list[dict[str, Any]], dropped: list[dict[str, Any]]) -> Meaning:
    """A WHERE over the records of S, with those that it keeps."""
    given = [{"at": AT, **r, "_key": f"k{i}"} for i, r in enumerate([*kept, *dropped])]
    query = f"SELECT id, AS_VALUE(id) AS i FROM s WHERE {condition}"
    return Meaning(query, {"I": "string"}, {"s": given}, [{"i": f"k{i}"} for i in range(len(kept))])


GROUPED = "SELECT name, AS_VALUE(name) AS k, {0} FROM {1} GROUP BY name"
NAMED: list[dict[str, Any]] = [{"name": "X"}, {"name": "Y"}, {"name": None}]
MEANINGS = {
    "a divisor of 0 gives null": _values(
        "10 / n", "int", [({"n": 0}, None), ({"n": 3}, 3), ({"n": None}, None)]
    ),
    "so does the remainder": _values(
        "big % n", "long", [({"big": 7, "n": 0}, None), ({"big": 7, "n": 4}, 3)]
    ),
    "an argument stays in one piece": _values(
        "FLOOR(n + 1) * 2 + CAST(n + 1 AS INTEGER) * 2 + AS_VALUE(n + 1) * 2", "int",
        [({"n": 2}, 18), ({"n": None}, None)],
    ),
    "so does what ROUND makes": _values("10 - ROUND(d)", "long", [({"d": 1.5}, 8)]),
    "a null is not equal, so NOT of it is true": _kept(
        "NOT (name = 'X')", [NAMED[1], NAMED[2]], [NAMED[0]]
    ),
    "a null is not in a list, so NOT IN is true": _kept(
        "name NOT IN ('X', 'Z')", [NAMED[1], NAMED[2]], [NAMED[0]]
    ),
    "a null is not between, so NOT BETWEEN is true": _kept(
        "NOT (n BETWEEN 1 AND 3)", [{"n": 5}, {"n": None}], [{"n": 2}]
    ),
    "a null differs from nothing": _values(
        "n <> 1", "boolean", [({"n": None}, False), ({"n": 2}, True), ({"n": 1}, False)]
    ),
    "a null condition fails the whole CASE": _values(
        "CASE WHEN b THEN 1 ELSE 0 END", "int", [({"b": None}, None), ({"b": False}, 0)]
    ),
    "a null is a word in a sum of texts": _values(
        "name + 'x'", "string", [({"name": None}, "nullx"), ({"name": "a"}, "ax")]
    ),
    "what is no number is null": _values(
        "COALESCE(CAST(name AS INTEGER), -1)", "int",
        [({"name": "a"}, -1), ({"name": " 7 "}, 7), ({"name": "1.5"}, -1)],
    ),
    "TRIM strips all white space, LEN counts": _values(
        "TRIM(name)", "string", [({"name": "\tx\n"}, "x"), ({"name": " a b "}, "a b")]
    ),
    "a number too large for its type is the largest": _values(
        "CAST(d AS INTEGER)", "int", [({"d": 1e300}, 2147483647), ({"d": -2.9}, -2)]
    ),
    "LIKE matches the whole text": _values(
        "name LIKE 'a%'", "boolean", [({"name": "ab"}, True), ({"name": "ba"}, False), ({}, None)]
    ),
    "CONCAT passes over nulls": _values(
        "CONCAT(name, '-')", "string", [({"name": None}, "-"), ({"name": "a"}, "a-")]
    ),
    "GREATEST passes over nulls": _values(
        "GREATEST(n, 5)", "int", [({"n": None}, 5), ({"n": 9}, 9)]
    ),
    "ROUND rounds half up": _values(
        "ROUND(d, 2)", "double", [({"d": -1.005}, -1.0), ({"d": 2.345}, 2.35)]
    ),
    "a decimal is kept, and compared": _values(
        "p > 1.50", "boolean", [({"p": "1.51"}, True), ({"p": "1.50"}, False), ({}, False)]
    ),
    "a record without a value goes on without one": Meaning(
        "SELECT id, n AS x FROM s", {"X": "int"},
        {"s": [{"_key": "a", "n": 1, "at": AT}, {"_key": "b", "_deleted": True}]},
        [{"x": 1}, {"_deleted": True}],
    ),
    "a record without a value is counted nowhere": Meaning(
        GROUPED.format("COUNT(*) AS c", "s"), {"K": "string", "C": "long"},
        {"s": [{"_key": "a", "name": "A", "at": AT}, {"_key": "b", "_deleted": True}]},
        [{"k": "A", "c": 1}], TABLE,
    ),
    "a record before 1970, or of no time, is passed over": Meaning(
        GROUPED.format("COUNT(*) AS c", "s"), {"K": "string", "C": "long"},
        {"s": [{"_key": "a", "name": "A", "at": AT}, {"_key": "b", "name": "A"},
               {"_key": "c", "name": "A", "at": AT.replace(year=1969)}]},
        [{"k": "A", "c": 1}], TABLE,
    ),
    "an aggregate of nulls alone": Meaning(
        GROUPED.format("SUM(n) AS s, AVG(n) AS a, MIN(n) AS m, COUNT(n) AS c", "s"),
        {"K": "string", "S": "int", "A": "double", "M": "int", "C": "long"},
        {"s": [{"_key": "a", "name": "A", "at": AT}]},
        [{"k": "A", "s": 0, "a": 0.0, "m": None, "c": 0}], TABLE,
    ),
    "a sum of a table has the whole of each row": Meaning(
        GROUPED.format("SUM(n + 1) AS s", "t"), {"K": "string", "S": "int"},
        {"t": [{"_key": "1", "name": "A", "n": 5}, {"_key": "2", "name": "A", "n": 3},
               {"_key": "2", "_deleted": True}]},
        [{"k": "A", "s": 6}], TABLE,
    ),
    "a row that moves leaves an empty group behind": Meaning(
        GROUPED.format("COUNT(*) AS c, SUM(n) AS s, AVG(n) AS a", "t"),
        {"K": "string", "C": "long", "S": "int", "A": "double"},
        {"t": [{"_key": "1", "name": "A", "n": 5}, {"_key": "1", "name": "B", "n": 5}]},
        [{"k": "A", "c": 0, "s": 0, "a": 0.0}, {"k": "B", "c": 1, "s": 5, "a": 5.0}], TABLE,
    ),
    "a deleted row counts no more, one without a key never did": Meaning(
        GROUPED.format("COUNT(*) AS c", "t"), {"K": "string", "C": "long"},
        {"t": [{"_key": "1", "name": "A"}, {"_key": "2", "name": "A"},
               {"_key": "1", "_deleted": True}, {"_key": None, "name": "A"}]},
        [{"k": "A", "c": 1}], TABLE,
    ),
    "a table joined with a row that is deleted": Meaning(
        "SELECT t.id AS k, AS_VALUE(t.id) AS i, u.name AS x FROM t LEFT JOIN u ON t.name = u.id",
        {"I": "string", "X": "string"},
        {"t": [{"_key": "1", "name": "a"}, {"_key": "2", "name": "b"}],
         "u": [{"_key": "a", "name": "Ann"}, {"_key": "b", "name": "Bea"},
               {"_key": "b", "_deleted": True}]},
        [{"i": "1", "x": "Ann"}, {"i": "2", "x": None}], TABLE,
    ),
    "HAVING of a stream": Meaning(
        GROUPED.format("COUNT(*) AS c", "s") + " HAVING COUNT(*) > 1", {"K": "string", "C": "long"},
        {"s": [{"_key": str(i), "name": name, "at": AT} for i, name in enumerate("AAB")]},
        [{"k": "A", "c": 2}], TABLE,
    ),
    "HAVING of a table takes a row back": Meaning(
        GROUPED.format("COUNT(*) AS c", "t") + " HAVING COUNT(*) > 1", {"K": "string", "C": "long"},
        {"t": [{"_key": "1", "name": "A"}, {"_key": "2", "name": "A"}, {"_key": "2", "name": "B"}]},
        [], TABLE,
    ),
    "a window has the records of its time, whenever they come": Meaning(
        "SELECT name, AS_VALUE(name) AS k, WINDOWSTART AS w, LATEST_BY_OFFSET(n) AS l FROM s"
        " WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 3650 DAYS) GROUP BY name",
        {"K": "string", "W": "long", "L": "int"},
        {"s": [{"_key": "a", "name": "A", "n": 1, "at": AT + timedelta(hours=1)},
               {"_key": "b", "name": "A", "n": 2, "at": AT},
               {"_key": "c", "name": "A", "n": 3, "at": AT + timedelta(minutes=59)}]},
        [{"k": "A", "w": MILLIS, "l": 3}, {"k": "A", "w": MILLIS + 3_600_000, "l": 1}], TABLE,
    ),
    "two streams are joined within a time": Meaning(
        "SELECT s.name AS k, AS_VALUE(s.name) AS i, s.n AS x FROM s JOIN r WITHIN 1 HOUR"
        " GRACE PERIOD 3650 DAYS ON s.name = r.name",
        {"I": "string", "X": "int"},
        {"s": [{"_key": "a", "name": "A", "n": 1, "at": AT},
               {"_key": "b", "name": "A", "n": 2, "at": AT + timedelta(hours=2)},
               {"_key": "c", "_deleted": True}],
         "r": [{"_key": "d", "name": "A", "at": AT + timedelta(minutes=30)}]},
        [{"i": "A", "x": 1}],
    ),
    "a stream is partitioned by another column": Meaning(
        "SELECT name AS k, AS_VALUE(name) AS i, n AS x FROM s PARTITION BY name",
        {"I": "string", "X": "int"},
        {"s": [{"_key": "a", "name": "A", "n": 1, "at": AT}]},
        [{"i": "A", "x": 1}],
    ),
    "no window begins before 1970": Meaning(
        "SELECT name, AS_VALUE(name) AS k, WINDOWSTART AS w, COUNT(*) AS c FROM s WINDOW HOPPING"
        " (SIZE 1 HOUR, ADVANCE BY 20 MINUTES, GRACE PERIOD 3650 DAYS) GROUP BY name",
        {"K": "string", "W": "long", "C": "long"},
        {"s": [{"_key": "a", "name": "A", "at": datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)},
               {"_key": "b", "name": "A", "at": datetime(1970, 1, 1, 2, tzinfo=UTC)}]},
        [{"k": "A", "w": w, "c": 1} for w in (0, 4_800_000, 6_000_000, 7_200_000)], TABLE,
    ),
}  # fmt: skip


def _record(fields: dict[str, Any]) -> dict[str, Any]:
    listed = [
        {"name": name, "type": ["null", type_], "default": None} for name, type_ in fields.items()
    ]
    return {"type": "record", "name": "R", "namespace": "test", "fields": listed}


def test_a_construct_means_what_it_means_on_ksqldb(widgets: Workspace) -> None:
    """One run of `render.py test`: a case for each."""
    statements, cases = [SOURCES], {}
    schemas = {topic: _record(fields) for topic, fields in FIELDS.items()}
    for number, (name, meaning) in enumerate(MEANINGS.items()):
        topic = f"out{number}"
        schemas[topic] = _record(meaning.columns)
        statements.append(
            f"CREATE {meaning.kind} {topic} WITH (KAFKA_TOPIC = '{topic}') AS {meaning.query}"
            " EMIT CHANGES;"
        )
        cases[name] = {"given": meaning.given, "expect": {topic: meaning.rows}}
    for topic, schema in schemas.items():
        widgets.write(f"schemas/{topic}.avsc", schema)
    widgets.edit("topics.yaml", topics={t: {} for t in schemas})
    for folder in ("sources", "sinks"):
        (widgets.root / "connectors" / folder / "widgets.yaml").unlink()
    next((widgets.root / "schemas").glob("widgets*.avsc")).unlink()
    widgets.write("ksql/1.sql", "\n".join(statements))
    widgets.write("ksql/cases/all.yaml", {"cases": cases})
    done = widgets.run("test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(MEANINGS)} cases, all as expected" in done.stderr


def test_a_case_that_fails_says_what_is_there_and_what_is_not(
    tmp_path: Path, target_file: Path
) -> None:
    space = workspace.full(tmp_path, target_file, trends=True)
    file = space.root / "ksql" / "cases" / "trends.yaml"
    file.write_text(file.read_text().replace("admissions: 0}", "admissions: 2}", 1))
    done = space.run("test", str(file))
    assert done.returncode == 1
    assert "error: 1 of 6 cases failed" in done.stderr, done.stdout
    assert "expected, not there: {department: Surgery, window_start: 2025" in done.stdout
    assert "there, not expected: {department: Surgery, " in done.stdout
    # Nothing of it is left behind.
    topics = librdkafka.admin(space.target.kafka).list_topics(timeout=20).topics
    assert not [name for name in topics if name.startswith("case_")]
