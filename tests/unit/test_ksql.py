"""ksqlDB's SQL: what is read, what it becomes on Flink, and what is refused and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import ksql
from pipeline.errors import SpecError
from pipeline.flink.relations import Services
from pipeline.flink.translate import translate
from stack.layout import REPOSITORY
from tests.unit import golden

SERVICES = Services("kafka:9092", "http://registry", "group")
FILE = Path("ksql/test.sql")
SOURCES = """
CREATE STREAM s (id VARCHAR KEY, name VARCHAR, n INTEGER, big BIGINT, d DOUBLE, b BOOLEAN,
  at TIMESTAMP, day DATE) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'at');
CREATE STREAM s2 (id VARCHAR KEY, name VARCHAR) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO');
CREATE TABLE t (id VARCHAR PRIMARY KEY, name VARCHAR, n INTEGER)
  WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO');
"""
AVRO: dict[str, Any] = {
    "STRING": "string",
    "INTEGER": "int",
    "BIGINT": "long",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "TIMESTAMP": {"type": "long", "logicalType": "timestamp-millis"},
    "DATE": {"type": "int", "logicalType": "date"},
}
FIELDS = {
    "name": "STRING", "n": "INTEGER", "big": "BIGINT", "d": "DOUBLE", "b": "BOOLEAN",
    "at": "TIMESTAMP", "day": "DATE",
}  # fmt: skip


def _schema(fields: dict[str, str]) -> dict[str, Any]:
    typed = [{"name": name, "type": ["null", AVRO[type_]]} for name, type_ in fields.items()]
    return {"type": "record", "name": "R", "fields": typed}


def _view(statement: str, **columns: str) -> str:
    """The view of a statement that makes OUT with these columns."""
    schemas = {"s": _schema(FIELDS), "OUT": _schema(columns)}
    statements = tuple(ksql.parse(FILE, SOURCES + statement))
    *_, view, _ = translate(statements, schemas, SERVICES).jobs[-1].catalog
    return view


def _refused(statement: str, **columns: str) -> str:
    with pytest.raises(SpecError) as caught:
        _view(statement, **columns)
    return str(caught.value)


def test_the_repositorys_statements_are_golden() -> None:
    schemas = {f.stem: json.loads(f.read_text()) for f in (REPOSITORY / "schemas").glob("*.avsc")}
    found = translate(ksql.load(REPOSITORY / "ksql"), schemas, SERVICES)
    golden.check("flink.sql", "".join(job.text for job in found.jobs))


# Each construct of the README's table, with what it becomes and its type by ksqlDB's rules.
EXPRESSIONS = {
    "n + 1": ("`S`.`N` + 1", "INTEGER"),
    "n * big": ("`S`.`N` * `S`.`BIG`", "BIGINT"),
    "n / 2": ("`S`.`N` / 2", "INTEGER"),
    "d - n": ("`S`.`D` - `S`.`N`", "DOUBLE"),
    "n % 3": ("MOD(`S`.`N`, 3)", "INTEGER"),
    "-(n)": ("-(`S`.`N`)", "INTEGER"),
    "name + 'x'": ("`S`.`NAME` || 'x'", "STRING"),
    "1.5": ("CAST(1.5 AS DOUBLE)", "DOUBLE"),
    "3000000000": ("3000000000", "BIGINT"),
    "'it''s'": ("'it''s'", "STRING"),
    "n > 1 AND NOT b": ("`S`.`N` > 1 AND NOT (`S`.`B`)", "BOOLEAN"),
    "n <= 1 OR TRUE": ("`S`.`N` <= 1 OR TRUE", "BOOLEAN"),
    "name IS NOT NULL": ("NOT (`S`.`NAME` IS NULL)", "BOOLEAN"),
    "n IN (1, 2)": ("`S`.`N` IN (1, 2)", "BOOLEAN"),
    "n BETWEEN 1 AND 2": ("`S`.`N` BETWEEN 1 AND 2", "BOOLEAN"),
    "CASE WHEN b THEN n ELSE big END": (
        "CASE WHEN `S`.`B` THEN `S`.`N` ELSE `S`.`BIG` END",
        "BIGINT",
    ),
    "CASE WHEN b THEN 'yes' END": (
        "CAST(CASE WHEN `S`.`B` THEN 'yes' ELSE NULL END AS STRING)",
        "STRING",
    ),
    "CAST(name AS INTEGER)": ("TRY_CAST(`S`.`NAME` AS INTEGER)", "INTEGER"),
    "CAST(n AS VARCHAR)": ("CAST(`S`.`N` AS STRING)", "STRING"),
    "COALESCE(name, 'none')": ("CAST(COALESCE(`S`.`NAME`, 'none') AS STRING)", "STRING"),
    "IFNULL(n, 0)": ("COALESCE(`S`.`N`, 0)", "INTEGER"),
    "UCASE(name)": ("UPPER(`S`.`NAME`)", "STRING"),
    "LCASE(name)": ("LOWER(`S`.`NAME`)", "STRING"),
    "TRIM(name)": ("TRIM(`S`.`NAME`)", "STRING"),
    "LEN(name)": ("CHAR_LENGTH(`S`.`NAME`)", "INTEGER"),
    "SUBSTRING(name, 1, 2)": ("SUBSTRING(`S`.`NAME`, 1, 2)", "STRING"),
    "ABS(d)": ("ABS(`S`.`D`)", "DOUBLE"),
    "FLOOR(d)": ("FLOOR(`S`.`D`)", "DOUBLE"),
    "CEIL(d)": ("CEIL(`S`.`D`)", "DOUBLE"),
    "FORMAT_TIMESTAMP(at, 'yyyy-MM-dd')": (
        "DATE_FORMAT(CAST(`S`.`AT` AS TIMESTAMP(3)), 'yyyy-MM-dd')",
        "STRING",
    ),
    "FORMAT_DATE(day, 'yyyyMMdd')": (
        "DATE_FORMAT(CAST(`S`.`DAY` AS TIMESTAMP(3)), 'yyyyMMdd')",
        "STRING",
    ),
    "FROM_UNIXTIME(big)": ("CAST(TO_TIMESTAMP_LTZ(`S`.`BIG`, 3) AS TIMESTAMP(3))", "TIMESTAMP"),
    "UNIX_TIMESTAMP(at)": (
        "(EXTRACT(EPOCH FROM `S`.`AT`) * 1000 + EXTRACT(MILLISECOND FROM `S`.`AT`))",
        "BIGINT",
    ),
    "TIMESTAMPADD(HOURS, n, at)": ("TIMESTAMPADD(HOUR, `S`.`N`, `S`.`AT`)", "TIMESTAMP"),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_becomes_flinks(expression: str) -> None:
    flink, type_ = EXPRESSIONS[expression]
    made = _view(f"CREATE STREAM out AS SELECT id, {expression} AS x FROM s EMIT CHANGES;", X=type_)
    assert made.startswith(f"CREATE VIEW `OUT` AS\nSELECT `S`.`ID` AS `ID`, {flink} AS `X`, ")


AGGREGATES = {
    "COUNT(*)": ("COUNT(*)", "BIGINT"),
    "COUNT(name)": ("COUNT(`S`.`NAME`)", "BIGINT"),
    "COUNT_DISTINCT(name)": ("COUNT(DISTINCT `S`.`NAME`)", "BIGINT"),
    "SUM(n)": ("SUM(`S`.`N`)", "INTEGER"),
    "SUM(d)": ("SUM(`S`.`D`)", "DOUBLE"),
    "AVG(n)": ("AVG(CAST(`S`.`N` AS DOUBLE))", "DOUBLE"),
    "MIN(n)": ("MIN(`S`.`N`)", "INTEGER"),
    "MAX(d)": ("MAX(`S`.`D`)", "DOUBLE"),
    "LATEST_BY_OFFSET(name)": ("LAST_VALUE(`S`.`NAME`)", "STRING"),
    "EARLIEST_BY_OFFSET(at)": ("FIRST_VALUE(`S`.`AT`)", "TIMESTAMP"),
    "SUM(CASE WHEN b THEN 1 ELSE 0 END) * 2": (
        "SUM(CASE WHEN `S`.`B` THEN 1 ELSE 0 END) * 2",
        "INTEGER",
    ),
}


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_an_aggregate_becomes_flinks(aggregate: str) -> None:
    flink, type_ = AGGREGATES[aggregate]
    made = _view(
        f"CREATE TABLE out AS SELECT name AS k, {aggregate} AS x FROM s GROUP BY name;",
        X=type_,
    )
    assert made == (
        f"CREATE VIEW `OUT` AS\nSELECT `S`.`NAME` AS `K`, {flink} AS `X`\nFROM `S` AS `S`"
        "\nWHERE NOT `S`.`__absent` AND `S`.`NAME` IS NOT NULL\nGROUP BY `S`.`NAME`"
    )


def test_a_tables_aggregate_counts_its_changes_so_that_no_group_goes() -> None:
    made = _view(
        "CREATE TABLE out AS SELECT name AS k, COUNT(*) AS c, SUM(n) AS s, AVG(n) AS a"
        " FROM t GROUP BY name EMIT CHANGES;",
        C="BIGINT",
        S="INTEGER",
        A="DOUBLE",
    )
    assert "TO_CHANGELOG(input => TABLE `T`)" in made
    assert "SUM(CAST(`__weight` AS BIGINT)) AS `C`, SUM(`T`.`N` * `__weight`) AS `S`" in made


@pytest.mark.parametrize(
    ("window", "parts"),
    [
        ("TUMBLING (SIZE 1 HOUR, GRACE PERIOD 3650 DAYS)", ["MOD(`ROWTIME`, 3600000) AS"]),
        (
            "HOPPING (SIZE 1 HOUR, ADVANCE BY 20 MINUTES, RETENTION 4000 DAYS,"
            " GRACE PERIOD 3650 DAYS)",
            ["UNNEST(ARRAY[0, 1200000, 2400000])", "`__step` + 3600000 > `ROWTIME`"],
        ),
    ],
)
def test_a_window_is_a_column_that_rows_are_grouped_by(window: str, parts: list[str]) -> None:
    made = _view(
        f"CREATE TABLE out AS SELECT name AS k, FROM_UNIXTIME(WINDOWSTART) AS w, COUNT(*) AS c"
        f" FROM s WINDOW {window} GROUP BY name EMIT CHANGES;",
        W="TIMESTAMP",
        C="BIGINT",
    )
    assert all(part in made for part in parts)
    assert made.endswith("GROUP BY `S`.`NAME`, `WINDOWSTART`, `WINDOWEND`")


JOINS = {
    "FROM s LEFT JOIN t ON s.name = t.id": "LAST_VALUE(`__row`) OVER",
    "FROM s JOIN t ON t.id = s.name": "WHERE `__left` AND `__row`.`__present`",
    "FROM s JOIN s2 WITHIN 1 DAY GRACE PERIOD 3650 DAYS ON s.name = s2.id": (
        "`S2`.`ROWTIME` BETWEEN `S`.`ROWTIME` - 86400000 AND `S`.`ROWTIME` + 86400000"
    ),
}


@pytest.mark.parametrize("join", JOINS)
def test_a_join_becomes_flinks(join: str) -> None:
    made = _view(
        f"CREATE STREAM out AS SELECT s.id AS k, s.n AS x {join} PARTITION BY s.id EMIT CHANGES;",
        X="INTEGER",
    )
    assert JOINS[join] in made


def test_tables_are_joined_as_tables() -> None:
    made = _view(
        "CREATE TABLE out AS SELECT a.id AS k, b.n AS x FROM t a LEFT JOIN t b ON a.name = b.id"
        " EMIT CHANGES;",
        X="INTEGER",
    )
    assert made.endswith("FROM `T` AS `A`\nLEFT JOIN `T` AS `B` ON `A`.`NAME` = `B`.`ID`")


# What does not mean the same on both engines, where the mistake is, and what is said of it.
OUT = "CREATE STREAM out AS SELECT id, "
REFUSED = {
    "INSERT INTO s SELECT * FROM s2;": "7: column 1, 'INSERT': expected CREATE",
    "DROP STREAM s;": "7: column 1, 'DROP': expected CREATE",
    "CREATE OR REPLACE STREAM x (id VARCHAR KEY);": "7: column 11, 'REPLACE': OR REPLACE is added",
    "CREATE STREAM x;": "7: column 15, 'x': columns or AS SELECT are missing",
    "CREATE STREAM x (id VARCHAR KEY, m MAP<VARCHAR, VARCHAR>);": "'MAP': the type is none of",
    f"{OUT}TOPK(n, 3) AS x FROM s;": "7: column 33, 'TOPK': unknown function TOPK",
    f"{OUT}nme AS x FROM s;": "7: column 33, 'nme': unknown column NME; did you mean NAME?",
    f"{OUT}n + name AS x FROM s;": "7: column 33, 'n': expected a number, this is STRING",
    f"{OUT}n = name AS x FROM s;": "INTEGER and STRING cannot be compared",
    f"{OUT}CAST(d AS VARCHAR) AS x FROM s;": "CAST from DOUBLE to VARCHAR does not run on both",
    f"{OUT}name LIKE 'a%' AS x FROM s;": "Like does not run on both targets",
    f"{OUT}n FROM s WHERE n;": "expected a condition, this is INTEGER",
    f"{OUT}n + 1 FROM s;": "every column needs a name",
    f"{OUT}n AS x FROM s ORDER BY n;": "ORDER does not run on both targets",
    f"{OUT}n n n FROM s;": "7: column 37, 'n': Invalid expression",
    f"{OUT}n AS x FROM s LEFT JOIN s2 WITHIN 1 DAY GRACE PERIOD 3650 DAYS ON s.id = s2.id;": (
        "of two streams, only the inner JOIN runs on both targets"
    ),
    "CREATE STREAM out AS SELECT id, name AS x FROM s JOIN t ON s.id = t.id;": (
        "7: column 29, 'id': ID is in more than one source: say which"
    ),
    "CREATE STREAM out AS SELECT s.id, s.n AS x FROM s JOIN s2 ON s.id = s2.id;": (
        "two streams are joined WITHIN a time"
    ),
    "CREATE STREAM out AS SELECT s.id, s.n AS x FROM s JOIN t ON s.id = t.name;": (
        "a table is joined by its key, ID"
    ),
    "CREATE TABLE out AS SELECT s.id, s.n AS x FROM s;": "this query yields a STREAM",
    "CREATE STREAM out AS SELECT n AS x FROM s;": "the key `S`.`ID` must be among the columns",
    "CREATE TABLE out AS SELECT name, n AS x FROM s GROUP BY name;": (
        "7: column 34, 'n': is neither in GROUP BY nor in an aggregate"
    ),
    "CREATE TABLE out AS SELECT name, COUNT(*) AS x FROM s GROUP BY name HAVING COUNT(*) > 1;": (
        "HAVING does not run on both targets"
    ),
    "CREATE TABLE out AS SELECT name, MAX(n) AS x FROM t GROUP BY name;": (
        "MAX of a table cannot be undone"
    ),
    "CREATE TABLE out AS SELECT name, COUNT(*) AS x FROM s WINDOW SESSION (1 DAY) GROUP BY b;": (
        "'SESSION': only TUMBLING and HOPPING windows"
    ),
    "CREATE TABLE out AS SELECT name, COUNT(*) AS x FROM s WINDOW TUMBLING (SIZE 1 HOUR)"
    " GROUP BY name;": "late records count, however late: say GRACE PERIOD 3650 DAYS",
    "CREATE TABLE out AS SELECT name, SUM(n) AS x FROM s GROUP BY name EMIT FINAL;": (
        "'FINAL': expected CHANGES"
    ),
    "SET 'auto.offset.reset' = 'latest'; CREATE STREAM x (id VARCHAR KEY);": (
        "SET 'auto.offset.reset' = 'latest' has no meaning on Flink"
    ),
    f"{OUT}n AS x FROM s": "does not end with a semicolon",
    f"{OUT}'${{who}}' AS x FROM s;": "${who} has no DEFINE who = '…';",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_would_not_mean_the_same_is_refused_with_its_place(statement: str) -> None:
    assert REFUSED[statement] in _refused(statement, X="INTEGER").replace("ksql/test.sql:", "")


def test_a_source_is_made_before_it_is_read_and_once(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("CREATE STREAM a AS SELECT id FROM b;")
    (tmp_path / "2.sql").write_text(
        "CREATE STREAM b (id VARCHAR KEY);\nCREATE STREAM b (c VARCHAR);"
    )
    with pytest.raises(SpecError) as caught:
        ksql.load(tmp_path)
    unmade, repeated = map(str, caught.value.mistakes)
    assert unmade.endswith(
        "1.sql:1: column 35, 'b': no stream or table B is made before this statement"
    )
    assert repeated.endswith("2.sql:2: column 1, 'CREATE': B is made twice")


def test_a_query_has_to_yield_its_topics_schema() -> None:
    said = _refused("CREATE STREAM out AS SELECT id, SUM(n) AS x FROM s;", X="BIGINT")
    assert "ksql/test.sql:7" in said
    said = _refused("CREATE STREAM out AS SELECT id, n AS x FROM s;", X="BIGINT")
    assert "yields (X INTEGER), but schemas/OUT.avsc says (X BIGINT)" in said


def test_variables_are_filled_in_and_names_in_quotes_keep_their_case() -> None:
    made = _view(
        "DEFINE least = '3';\nCREATE STREAM out AS SELECT id, n AS `x` FROM s WHERE n > ${least};",
        x="INTEGER",
    )
    assert "AS `x`" in made
    assert made.endswith("WHERE (`S`.`N` > 3) AND NOT `S`.`__absent`")


def test_comments_and_strings_may_hold_semicolons() -> None:
    text = "-- one; two\n/* ; */\nCREATE STREAM a (id VARCHAR KEY) WITH (KAFKA_TOPIC = 'a;b');"
    (statement,) = ksql.parse(FILE, text)
    assert (statement.topic, statement.line) == ("a;b", 3)
