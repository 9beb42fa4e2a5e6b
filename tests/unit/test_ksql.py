"""ksqlDB's SQL: what is read, what it becomes on Flink, and what is refused and where."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository.loader import load
from pipeline.sql import reader
from pipeline.sql.flink.select import derive
from pipeline.sql.flink.tables import Addresses, Relation
from pipeline.sql.flink.translate import analyse, jobs
from tests.support import golden

ADDRESSES = Addresses({"bootstrap.servers": "kafka:9092"}, {"url": "http://registry"}, "group")
FILE = Path("ksql/test.sql")
SOURCES = """
CREATE STREAM s (id VARCHAR KEY, name VARCHAR, n INTEGER, big BIGINT, d DOUBLE, b BOOLEAN,
  at TIMESTAMP, day DATE) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'at');
CREATE STREAM s2 (id VARCHAR KEY, name VARCHAR) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO');
CREATE TABLE t (id VARCHAR PRIMARY KEY, name VARCHAR, n INTEGER)
  WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'AVRO');
CREATE TABLE t2 (id VARCHAR PRIMARY KEY, name VARCHAR, n INTEGER, d DOUBLE)
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
    statements = tuple(reader.parse(FILE, SOURCES + statement))
    *_, view, _ = jobs(analyse(statements, schemas), ADDRESSES)[-1].catalog
    return view


def _refused(statement: str, **columns: str) -> str:
    with pytest.raises(SpecError) as caught:
        _view(statement, **columns)
    return str(caught.value)


def test_the_repositorys_statements_are_golden() -> None:
    found = jobs(load(REPOSITORY).analysis, ADDRESSES)
    golden.check("flink.sql", "".join(job.text for job in found))


# Each construct of docs/trends.md's table, with what it becomes and its type by ksqlDB's rules.
NULL_N1 = "(`S`.`N` + 1) IS NOT NULL"
WHOLE = r"'\A[\x00-\x20]*([+-]?[0-9]+)[\x00-\x20]*\z'"
EXPRESSIONS = {
    # Numbers: a null, and a whole number divided by 0, make the column null on both.
    "n + 1": ("`S`.`N` + 1", "INTEGER"),
    "n * big": ("`S`.`N` * `S`.`BIG`", "BIGINT"),
    "n / 2": ("`S`.`N` / 2", "INTEGER"),
    "10 / n": ("10 / NULLIF(`S`.`N`, 0)", "INTEGER"),
    "n / (n - 1)": ("`S`.`N` / NULLIF((`S`.`N` - 1), 0)", "INTEGER"),
    "n / 0": ("`S`.`N` / NULLIF(0, 0)", "INTEGER"),
    "d / n": ("`S`.`D` / `S`.`N`", "DOUBLE"),
    "d - n": ("`S`.`D` - `S`.`N`", "DOUBLE"),
    "n % 3": ("MOD(`S`.`N`, 3)", "INTEGER"),
    "n % big": ("MOD(`S`.`N`, NULLIF(`S`.`BIG`, 0))", "BIGINT"),
    "big % 3": ("CAST(MOD(`S`.`BIG`, 3) AS BIGINT)", "BIGINT"),
    "-(n)": ("- (`S`.`N`)", "INTEGER"),
    "-2147483648": ("-2147483648", "INTEGER"),
    "2147483648": ("2147483648", "BIGINT"),
    "-9223372036854775808": ("-9223372036854775808", "BIGINT"),
    "d * 1.5": ("`S`.`D` * CAST(CAST(1.5 AS DECIMAL(2, 1)) AS DOUBLE)", "DOUBLE"),
    "1.5E0": ("CAST(1.5E0 AS DOUBLE)", "DOUBLE"),
    "ABS(d)": ("ABS(`S`.`D`)", "DOUBLE"),
    "FLOOR(d)": ("FLOOR(`S`.`D`)", "DOUBLE"),
    "CEIL(n)": ("`S`.`N`", "INTEGER"),
    "ROUND(n)": ("CAST(`S`.`N` AS BIGINT)", "BIGINT"),
    # What is passed through stays in one piece.
    "FLOOR(n + 1) * 2": ("(`S`.`N` + 1) * 2", "INTEGER"),
    "CEIL(n + 1) * 2": ("(`S`.`N` + 1) * 2", "INTEGER"),
    "CAST(n + 1 AS INTEGER) * 2": ("(`S`.`N` + 1) * 2", "INTEGER"),
    "AS_VALUE(n + 1) * 2": ("(`S`.`N` + 1) * 2", "INTEGER"),
    "- FLOOR(-n)": ("- (- `S`.`N`)", "INTEGER"),
    "AS_VALUE(n > 1 OR TRUE) AND FALSE": ("(((`S`.`N` > 1) IS TRUE) OR TRUE) AND FALSE", "BOOLEAN"),
    "10 - ROUND(d)": (
        "10 - ((CASE WHEN FLOOR(`S`.`D`) >= 9.223372036854775807E18 THEN 9223372036854775807"
        " WHEN FLOOR(`S`.`D`) <= -9.223372036854775808E18 THEN -9223372036854775807 - 1"
        " ELSE CAST(FLOOR(`S`.`D`) AS BIGINT) END)"
        " + CASE WHEN `S`.`D` - FLOOR(`S`.`D`) >= 0.5E0 THEN 1 ELSE 0 END)",
        "BIGINT",
    ),
    "ROUND(d, 1)": (
        "CASE WHEN `S`.`D` < 0 AND TRY_CAST(`S`.`D` AS DECIMAL(38, 18))"
        " - TRUNCATE(TRY_CAST(`S`.`D` AS DECIMAL(38, 18)), 1) = -0.05"
        " THEN TRUNCATE(`S`.`D`, 1) ELSE ROUND(`S`.`D`, 1) END",
        "DOUBLE",
    ),
    "GREATEST(n, 0)": (
        "CASE WHEN `S`.`N` IS NOT NULL AND (0 IS NULL OR `S`.`N` >= 0) THEN `S`.`N` ELSE 0 END",
        "INTEGER",
    ),
    # Texts: + makes 'null' of a null, CONCAT passes it over.
    "'it''s'": ("'it''s'", "STRING"),
    "name + 'x'": ("COALESCE(`S`.`NAME`, 'null') || 'x'", "STRING"),
    "CONCAT(name, '-', id)": (
        "COALESCE(`S`.`NAME`, '') || '-' || COALESCE(`S`.`ID`, '')",
        "STRING",
    ),
    "UCASE(name)": ("UPPER(`S`.`NAME`)", "STRING"),
    "LCASE(name)": ("LOWER(`S`.`NAME`)", "STRING"),
    "TRIM(name)": (
        r"REGEXP_REPLACE(`S`.`NAME`, '\A[\x00-\x20]+|[\x00-\x20]+\z', '')",
        "STRING",
    ),
    "LEN(name)": (
        r"CHAR_LENGTH(REGEXP_REPLACE(`S`.`NAME`, '[\x{10000}-\x{10FFFF}]', '__'))",
        "INTEGER",
    ),
    "SUBSTRING(name, 0, 2)": ("SUBSTRING(`S`.`NAME`, 1, 2)", "STRING"),
    "SUBSTRING(name, 3)": ("SUBSTRING(`S`.`NAME`, 3)", "STRING"),
    # Conditions: a comparison with a null is false, a null BOOLEAN fails.
    "n > 1": ("((`S`.`N` > 1) IS TRUE)", "BOOLEAN"),
    "NOT (name = 'x')": ("NOT ((((`S`.`NAME` = 'x') IS TRUE)))", "BOOLEAN"),
    "name <> 'x'": ("((`S`.`NAME` <> 'x') IS TRUE)", "BOOLEAN"),
    "d > 1.5E0": ("((`S`.`D` > CAST(1.5E0 AS DOUBLE)) IS TRUE)", "BOOLEAN"),
    "n > 1.5": ("((`S`.`N` > CAST(1.5 AS DECIMAL(2, 1))) IS TRUE)", "BOOLEAN"),
    "- -n": ("- - `S`.`N`", "INTEGER"),
    "n + 1 > 2": ("`S`.`N` + 1 > 2", "BOOLEAN"),
    "n + 1 > big": (
        f"CASE WHEN {NULL_N1} THEN (`S`.`N` + 1 > `S`.`BIG`) IS TRUE END",
        "BOOLEAN",
    ),
    "big < n + 1": (
        "CASE WHEN (`S`.`BIG`) IS NULL THEN FALSE ELSE `S`.`BIG` < `S`.`N` + 1 END",
        "BOOLEAN",
    ),
    "n > 1 AND NOT b": ("((`S`.`N` > 1) IS TRUE) AND NOT (`S`.`B`)", "BOOLEAN"),
    "b AND n > 1": (
        "CASE WHEN (`S`.`B`) IS NOT NULL THEN `S`.`B` AND ((`S`.`N` > 1) IS TRUE) END",
        "BOOLEAN",
    ),
    "n <= 1 OR TRUE": ("((`S`.`N` <= 1) IS TRUE) OR TRUE", "BOOLEAN"),
    "b OR b OR TRUE": (
        "CASE WHEN (`S`.`B`) IS NOT NULL THEN `S`.`B` OR"
        " CASE WHEN (`S`.`B`) IS NOT NULL THEN `S`.`B` OR TRUE END END",
        "BOOLEAN",
    ),
    "name IS NOT NULL": ("NOT (`S`.`NAME` IS NULL)", "BOOLEAN"),
    "n IN (1, 2)": ("((`S`.`N` IN (1, 2)) IS TRUE)", "BOOLEAN"),
    "n NOT IN (1, NULL)": ("NOT (((`S`.`N` IN (1)) IS TRUE))", "BOOLEAN"),
    "n BETWEEN 1 AND 2": (
        "(((`S`.`N` >= 1) IS TRUE) AND ((`S`.`N` <= 2) IS TRUE))",
        "BOOLEAN",
    ),
    "name LIKE 'a%_.'": (r"REGEXP(`S`.`NAME`, '\Aa.*.\.\z')", "BOOLEAN"),
    "name NOT LIKE '100!%' ESCAPE '!'": (r"NOT (REGEXP(`S`.`NAME`, '\A100%\z'))", "BOOLEAN"),
    "CASE WHEN b THEN n ELSE 0 END": (
        "CASE WHEN (`S`.`B`) IS NULL THEN NULL WHEN `S`.`B` THEN `S`.`N` ELSE 0 END",
        "INTEGER",
    ),
    "CASE WHEN n IS NULL THEN 'none' WHEN n < 18 THEN 'low' END": (
        "CAST(CASE WHEN `S`.`N` IS NULL THEN 'none' WHEN ((`S`.`N` < 18) IS TRUE) THEN 'low'"
        " ELSE NULL END AS STRING)",
        "STRING",
    ),
    # CAST: null for what is no number.
    "CAST(name AS INTEGER)": (
        f"TRY_CAST(REGEXP_EXTRACT(`S`.`NAME`, {WHOLE}, 1) AS INTEGER)",
        "INTEGER",
    ),
    "CAST(n AS VARCHAR)": ("CAST(`S`.`N` AS STRING)", "STRING"),
    "CAST(d AS INTEGER)": (
        "CASE WHEN `S`.`D` >= 2147483647E0 THEN 2147483647 WHEN `S`.`D` <= -2147483648E0"
        " THEN -2147483648 ELSE CAST(`S`.`D` AS INTEGER) END",
        "INTEGER",
    ),
    "CAST(1.5 AS DOUBLE)": ("CAST(CAST(1.5 AS DECIMAL(2, 1)) AS DOUBLE)", "DOUBLE"),
    "COALESCE(name, 'none')": ("CAST(COALESCE(`S`.`NAME`, 'none') AS STRING)", "STRING"),
    "COALESCE(UNIX_TIMESTAMP(at), big)": (
        "COALESCE((EXTRACT(EPOCH FROM `S`.`AT`) * 1000 + EXTRACT(MILLISECOND FROM `S`.`AT`)),"
        " `S`.`BIG`)",
        "BIGINT",
    ),
    "COALESCE(CAST(n + 1 AS BIGINT), big)": (
        "COALESCE(CAST(`S`.`N` + 1 AS BIGINT), `S`.`BIG`)",
        "BIGINT",
    ),
    "IFNULL(n, 0)": ("COALESCE(`S`.`N`, 0)", "INTEGER"),
    "FORMAT_TIMESTAMP(at, 'yyyy-MM-dd')": (
        "DATE_FORMAT(CAST(`S`.`AT` AS TIMESTAMP(3)), 'yyyy-MM-dd')",
        "STRING",
    ),
    "FORMAT_DATE(day, 'yyyyMMdd')": (
        "DATE_FORMAT(CAST(`S`.`DAY` AS TIMESTAMP(3)), 'yyyyMMdd')",
        "STRING",
    ),
    "FROM_UNIXTIME(big)": ("CAST(TO_TIMESTAMP_LTZ(`S`.`BIG`, 3) AS TIMESTAMP(3))", "TIMESTAMP"),
    "UNIX_TIMESTAMP(at) / 3600000 * 3600000": (
        "(EXTRACT(EPOCH FROM `S`.`AT`) * 1000 + EXTRACT(MILLISECOND FROM `S`.`AT`))"
        " / 3600000 * 3600000",
        "BIGINT",
    ),
    "TIMESTAMPADD(HOURS, n, at)": ("TIMESTAMPADD(HOUR, `S`.`N`, `S`.`AT`)", "TIMESTAMP"),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_becomes_flinks(expression: str) -> None:
    flink, type_ = EXPRESSIONS[expression]
    made = _view(f"CREATE STREAM out AS SELECT id, {expression} AS x FROM s EMIT CHANGES;", X=type_)
    assert made.startswith(f"CREATE VIEW `OUT` AS\nSELECT `S`.`ID` AS `ID`, {flink} AS `X`, ")


# Of nothing, SUM and AVG are 0.
AGGREGATES = {
    "COUNT(*)": ("COUNT(*)", "BIGINT"),
    "COUNT(name)": ("COUNT(`S`.`NAME`)", "BIGINT"),
    "COUNT_DISTINCT(name)": ("COUNT(DISTINCT `S`.`NAME`)", "BIGINT"),
    "SUM(n)": ("COALESCE(SUM(`S`.`N`), 0)", "INTEGER"),
    "SUM(d)": ("COALESCE(SUM(`S`.`D`), 0E0)", "DOUBLE"),
    "AVG(n)": ("COALESCE(AVG(CAST(`S`.`N` AS DOUBLE)), 0E0)", "DOUBLE"),
    "MIN(n)": ("MIN(`S`.`N`)", "INTEGER"),
    "MAX(d)": ("MAX(`S`.`D`)", "DOUBLE"),
    "LATEST_BY_OFFSET(name)": ("LAST_VALUE(`S`.`NAME`)", "STRING"),
    "EARLIEST_BY_OFFSET(at)": ("FIRST_VALUE(`S`.`AT`)", "TIMESTAMP"),
    "SUM(CASE WHEN name = 'low' THEN 1 ELSE 0 END) * 2": (
        "COALESCE(SUM(CASE WHEN ((`S`.`NAME` = 'low') IS TRUE) THEN 1 ELSE 0 END), 0) * 2",
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
    assert "SUM(CAST(`__weight` AS BIGINT)) AS `C`, COALESCE(SUM(`T`.`N` * `__weight`), 0)" in made
    assert "CAST(`__weight` AS BIGINT) END), 0), 0E0) AS `A`" in made


@pytest.mark.parametrize("given", ["PARTITIONS = 'abc'", "PARTITIONS = 0", "RETENTION_MS = '1 d'"])
def test_a_number_of_with_is_one(given: str) -> None:
    said = _refused(f"CREATE STREAM out WITH (KAFKA_TOPIC = 'OUT', {given}) AS SELECT id FROM s;")
    assert said.startswith("ksql/test.sql:")
    assert f"{given.split(maxsplit=1)[0]} is a whole number" in said


def test_a_tables_sum_counts_the_whole_argument() -> None:
    made = _view(
        "CREATE TABLE out AS SELECT name AS k, SUM(n + 1) AS s FROM t GROUP BY name EMIT CHANGES;",
        S="INTEGER",
    )
    assert "COALESCE(SUM((`T`.`N` + 1) * `__weight`), 0) AS `S`" in made


@pytest.mark.parametrize(
    ("window", "parts"),
    [
        ("TUMBLING (SIZE 1 HOUR, GRACE PERIOD 3650 DAYS)", ["MOD(`ROWTIME`, 3600000) AS"]),
        (
            "HOPPING (SIZE 1 HOUR, ADVANCE BY 20 MINUTES, RETENTION 4000 DAYS,"
            " GRACE PERIOD 3650 DAYS)",
            [
                "UNNEST(ARRAY[0, 1200000, 2400000])",
                "`__step` + 3600000 > `ROWTIME` AND `ROWTIME` - MOD(`ROWTIME`, 1200000)"
                " - `__step` >= 0)",
            ],
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


DECIMALS = {
    "p": ("`S`.`P`", "DECIMAL(10, 2)"),
    "p > 1.5": ("((`S`.`P` > CAST(1.5 AS DECIMAL(2, 1))) IS TRUE)", "BOOLEAN"),
    "p = n": ("((`S`.`P` = `S`.`N`) IS TRUE)", "BOOLEAN"),
    "p * CAST(2 AS DOUBLE)": ("CAST(`S`.`P` AS DOUBLE) * CAST(2 AS DOUBLE)", "DOUBLE"),
    "CAST(p AS DOUBLE)": ("CAST(`S`.`P` AS DOUBLE)", "DOUBLE"),
    "CAST(p AS INTEGER)": ("CAST(`S`.`P` AS INTEGER)", "INTEGER"),
    "CAST(p AS VARCHAR)": ("CAST(`S`.`P` AS STRING)", "STRING"),
    "CAST(p AS DECIMAL(12,1))": ("CAST(`S`.`P` AS DECIMAL(12, 1))", "DECIMAL(12, 1)"),
    "CAST(n AS DECIMAL(12, 2))": ("CAST(`S`.`N` AS DECIMAL(12, 2))", "DECIMAL(12, 2)"),
    "CAST(n AS DECIMAL(4, 2))": ("TRY_CAST(`S`.`N` AS DECIMAL(4, 2))", "DECIMAL(4, 2)"),
}


@pytest.mark.parametrize("expression", DECIMALS)
def test_a_decimal_is_declared_passed_on_compared_and_cast(expression: str) -> None:
    text = f"CREATE STREAM out AS SELECT id, {expression} AS x FROM s;"
    declared, made = reader.parse(
        FILE, f"CREATE STREAM s (id VARCHAR KEY, n INTEGER, p DECIMAL( 10,2 ));{text}"
    )
    assert declared.columns[2].type == "DECIMAL(10, 2)"
    types = {column.name: column.type for column in declared.columns}
    fields = {name: name for name in types if name != "ID"}
    source = Relation("S", "s", types, ("ID",), fields, is_table=False)
    assert made.query is not None
    relation, view = derive(made, made.query, {"S": source})
    flink, type_ = DECIMALS[expression]
    assert relation.columns["X"] == type_
    assert f" {flink} AS `X`, " in view


def test_having_is_asked_of_groups() -> None:
    made = _view(
        f"{BY} s GROUP BY name HAVING COUNT(*) > 1 AND SUM(n) < 9 EMIT CHANGES;", X="BIGINT"
    )
    assert made.endswith(
        "\nGROUP BY `S`.`NAME`\nHAVING COUNT(*) > 1 AND COALESCE(SUM(`S`.`N`), 0) < 9"
    )
    made = _view(f"{BY} t GROUP BY name HAVING COUNT(*) > 1 EMIT CHANGES;", X="BIGINT")
    assert made.endswith("\nHAVING SUM(CAST(`__weight` AS BIGINT)) > 1")


def test_in_where_what_fails_and_what_is_false_are_one() -> None:
    made = _view(f"{OUT}n AS x FROM s WHERE CAST(name AS INTEGER) > 1 AND n + 1 > 2;", X="INTEGER")
    assert made.endswith("AS INTEGER) > 1 AND `S`.`N` + 1 > 2) AND NOT `S`.`__absent`")


def test_tables_are_joined_as_tables() -> None:
    made = _view(
        "CREATE TABLE out AS SELECT a.id AS k, b.n AS x FROM t a LEFT JOIN t2 b ON a.name = b.id"
        " EMIT CHANGES;",
        X="INTEGER",
    )
    assert made.endswith("FROM `T` AS `A`\nLEFT JOIN `T2` AS `B` ON `A`.`NAME` = `B`.`ID`")


# What does not mean the same on both engines, where the mistake is, and what is said of it.
OUT = "CREATE STREAM out AS SELECT id, "
REFUSED = {
    "INSERT INTO s SELECT * FROM s2;": "9: column 1, 'INSERT': expected CREATE",
    "DROP STREAM s;": "9: column 1, 'DROP': expected CREATE",
    "CREATE OR REPLACE STREAM x (id VARCHAR KEY);": "9: column 11, 'REPLACE': remove OR REPLACE",
    "CREATE STREAM x;": "9: column 15, 'x': expected columns or AS SELECT",
    "CREATE STREAM x (id VARCHAR KEY, m MAP<VARCHAR, VARCHAR>);": "'MAP': unknown type: use",
    f"{OUT}TOPK(n, 3) AS x FROM s;": "9: column 33, 'TOPK': unknown function TOPK",
    f"{OUT}nme AS x FROM s;": "9: column 33, 'nme': unknown column NME; did you mean NAME?",
    f"{OUT}n + name AS x FROM s;": "9: column 33, 'n': expected a number, this is STRING",
    f"{OUT}n = name AS x FROM s;": "cannot compare INTEGER with STRING",
    f"{OUT}CAST(d AS VARCHAR) AS x FROM s;": "CAST from DOUBLE to VARCHAR does not run on both",
    f"{OUT}name LIKE id AS x FROM s;": "LIKE takes a VARCHAR and a pattern in quotes",
    f"{OUT}name LIKE 'a!' ESCAPE '!' AS x FROM s;": "the pattern ends with the escape character",
    f"{OUT}n FROM s WHERE n;": "expected a condition, this is INTEGER",
    f"{OUT}n + 1 FROM s;": "every column needs a name",
    f"{OUT}n AS x FROM s ORDER BY n;": "ORDER does not run on both targets",
    f"{OUT}n n n FROM s;": "9: column 37, 'n': Invalid expression",
    f"{OUT}n AS x FROM s LEFT JOIN s2 WITHIN 1 DAY GRACE PERIOD 3650 DAYS ON s.id = s2.id;": (
        "two streams: only the inner JOIN runs on both targets"
    ),
    "CREATE STREAM out AS SELECT id, name AS x FROM s JOIN t ON s.id = t.id;": (
        "9: column 29, 'id': both sources have a column ID, so ksqlDB renames it: add AS …"
    ),
    "CREATE STREAM out AS SELECT s.id AS k, name AS x FROM s JOIN t ON s.name = t.id;": (
        "9: column 40, 'name': both sources have a column NAME: write <source>.NAME"
    ),
    "CREATE STREAM out AS SELECT s.id, s.n AS x FROM s JOIN s2 ON s.id = s2.id;": (
        "a join of two streams needs WITHIN"
    ),
    "CREATE STREAM out AS SELECT s.id, s.n AS x FROM s JOIN t ON s.id = t.name;": (
        "ON must use the key of the table on the right, ID"
    ),
    "CREATE TABLE out AS SELECT s.id, s.n AS x FROM s;": "this query yields a STREAM",
    "CREATE STREAM out AS SELECT n AS x FROM s;": "requires the key `S`.`ID` among the columns",
    "CREATE TABLE out AS SELECT name, n AS x, COUNT(*) AS c FROM s GROUP BY name;": (
        "9: column 34, 'n': the column is neither in GROUP BY nor in an aggregate"
    ),
    "CREATE TABLE out AS SELECT name, COUNT(*) AS x FROM s GROUP BY name HAVING n > 1;": (
        "9: column 76, 'n': the column is neither in GROUP BY nor in an aggregate"
    ),
    f"{OUT}n AS x FROM s HAVING n > 1;": "HAVING needs GROUP BY: write WHERE",
    "CREATE TABLE out AS SELECT name, MAX(n) AS x FROM t GROUP BY name;": (
        "ksqlDB has no MAX of a table"
    ),
    "CREATE TABLE out AS SELECT name, COUNT(*) AS x FROM s WINDOW SESSION (1 DAY) GROUP BY b;": (
        "'SESSION': only TUMBLING and HOPPING windows"
    ),
    "CREATE TABLE out AS SELECT name, COUNT(*) AS x FROM s WINDOW TUMBLING (SIZE 1 HOUR)"
    " GROUP BY name;": "Flink counts every late record: write GRACE PERIOD 3650 DAYS",
    "CREATE TABLE out AS SELECT name, SUM(n) AS x FROM s GROUP BY name EMIT FINAL;": (
        "'FINAL': expected CHANGES"
    ),
    "SET 'auto.offset.reset' = 'latest'; CREATE STREAM x (id VARCHAR KEY);": (
        "SET 'auto.offset.reset' = 'latest' does not run on Flink: remove it"
    ),
    f"{OUT}n AS x FROM s": "does not end with a semicolon",
    f"{OUT}'${{who}}' AS x FROM s;": "${who} has no DEFINE who = '…';",
}


UNCLEAR = "can be null, or can make the whole column fail in ksqlDB, depending on the record"
BY = "CREATE TABLE out AS SELECT name AS k, COUNT(*) AS x FROM"
LATE = "GRACE PERIOD 3650 DAYS"
DEEP = "(" * 3000 + "n" + ")" * 3000
MADE = "CREATE STREAM x (id VARCHAR KEY)"
# Where ksqlDB's null is not Flink's, and where the one ignores, or refuses, what the other takes.
REFUSED |= {
    # What fails as a whole, where a null is looked for.
    f"{OUT}COALESCE(n + 1, 0) AS x FROM s;": f"9: column 33, 'COALESCE': an argument {UNCLEAR}",
    f"{OUT}n AS x FROM s WHERE n + 1 IS NULL;": f"the operand {UNCLEAR}",
    f"{OUT}n AS x FROM s WHERE CAST(name AS INTEGER) IS NULL;": f"the operand {UNCLEAR}",
    f"{OUT}n AS x FROM s WHERE NOT (CAST(name AS INTEGER) > 1);": f"an operand {UNCLEAR}",
    f"{OUT}n AS x FROM s WHERE CAST(name AS INTEGER) > 1 OR b;": f"an operand {UNCLEAR}",
    f"{OUT}CASE WHEN b THEN n + 1 ELSE n END > 2 AS x FROM s;": f"an operand {UNCLEAR}",
    f"{OUT}GREATEST(n + 1, n) AS x FROM s;": f"an argument {UNCLEAR}",
    f"{OUT}n = NULL AS x FROM s;": "9: column 33, 'n': a comparison with NULL is never true",
    f"{OUT}NULL <> NULL AS x FROM s;": "a comparison with NULL is never true",
    f"{OUT}n IN (NULL) AS x FROM s;": "IN needs a value that is not NULL",
    f"{OUT}b > TRUE AS x FROM s;": "BOOLEANs can be compared with = and <> only",
    # Types.
    f"{OUT}n * 1.5 AS x FROM s;": "this is DECIMAL(2, 1): CAST it AS DOUBLE first",
    f"{OUT}d % 2 AS x FROM s;": "% of a DOUBLE does not run on both targets",
    f"{OUT}d > 1.5 AS x FROM s;": "cannot compare DOUBLE with DECIMAL(2, 1): CAST it AS DOUBLE",
    f"{OUT}n AS x FROM s WHERE b;": "a null here would stop ksqlDB's query: write … = TRUE",
    f"{OUT}CASE WHEN b THEN n ELSE big END AS x FROM s;": "different types: BIGINT, INTEGER. CAST",
    f"{OUT}COALESCE(d, 0) AS x FROM s;": "different types: DOUBLE, INTEGER. CAST them to one type",
    f"{OUT}n IN (1, 1.5) AS x FROM s;": "IN compares INTEGER with DECIMAL(2, 1): CAST one",
    f"{OUT}9223372036854775808 AS x FROM s;": "the number does not fit into a BIGINT",
    f"{OUT}1E999 AS x FROM s;": "the number does not fit into a DOUBLE",
    f"{OUT}CAST(d AS DECIMAL(4, 2)) AS x FROM s;": "CAST from DOUBLE to DECIMAL(4, 2) does not run",
    f"{OUT}SUBSTRING(name, -3) AS x FROM s;": "takes a VARCHAR, a position (1 or greater)",
    f"{OUT}SUBSTRING(name, n, 2) AS x FROM s;": "takes a VARCHAR, a position (1 or greater)",
    f"{OUT}ROUND(d, n) AS x FROM s;": "or a DOUBLE and 0 to 10 places",
    f"{OUT}CONCAT(name) AS x FROM s;": "takes two or more VARCHARs",
    f"{OUT}CONCAT(name, n) AS x FROM s;": "takes two or more VARCHARs",
    # Aggregates.
    f"{OUT}SUM(n) AS x FROM s;": "9: column 33, 'SUM': SUM is an aggregate, for SELECT or HAVING",
    f"{OUT}n AS x FROM s WHERE COUNT(*) > 1;": "COUNT is an aggregate, for SELECT or HAVING",
    f"{BY} s GROUP BY MAX(n);": "9: column 69, 'MAX': MAX is an aggregate",
    "CREATE TABLE out AS SELECT name AS k, SUM(MAX(n)) AS x FROM s GROUP BY name;": (
        "9: column 43, 'MAX': MAX in SUM: aggregates cannot be nested"
    ),
    "CREATE TABLE out AS SELECT name AS k, MIN(WINDOWSTART) AS x FROM s WINDOW TUMBLING"
    f" (SIZE 1 HOUR, {LATE}) GROUP BY name;": "9: column 43, 'WINDOWSTART': ksqlDB allows",
    f"{BY} s WINDOW TUMBLING (SIZE 1 HOUR, {LATE}) GROUP BY name HAVING WINDOWEND > 1;": (
        "ksqlDB allows WINDOWEND only in SELECT"
    ),
    "CREATE TABLE out AS SELECT name AS k, WINDOWSTART AS x, COUNT(*) AS c FROM s GROUP BY name;": (
        "WINDOWSTART needs a WINDOW"
    ),
    "CREATE TABLE out AS SELECT name AS k, AS_VALUE(name) AS x FROM s GROUP BY name;": (
        "GROUP BY needs an aggregate in SELECT or HAVING"
    ),
    # Windows.
    f"{BY} s WINDOW TUMBLING (SIZE 0 HOURS, {LATE}) GROUP BY name;": (
        "9: column 82, '0': expected a number greater than 0"
    ),
    f"{BY} s WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 0 HOURS, {LATE}) GROUP BY name;": (
        "9: column 100, '0': expected a number greater than 0"
    ),
    f"{BY} s WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 2 HOURS, {LATE}) GROUP BY name;": (
        "9: column 100, '2': ADVANCE must be at most SIZE"
    ),
    f"{BY} s WINDOW HOPPING (SIZE 1 HOUR, {LATE}) GROUP BY name;": "'GRACE': expected ADVANCE",
    f"{BY} s WINDOW TUMBLING (SIZE 1 HOUR, {LATE}) WINDOW TUMBLING (SIZE 1 DAY, {LATE})"
    " GROUP BY name;": "'WINDOW': a second WINDOW",
    f"{BY} s WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 3650 DAYS, {LATE}) GROUP BY name;": (
        "RETENTION to be at least SIZE plus GRACE PERIOD"
    ),
    # Keys.
    "CREATE STREAM out AS SELECT id, name, n AS x FROM s PARTITION BY id, name;": (
        "9: column 70, 'name': PARTITION BY takes one VARCHAR column"
    ),
    "CREATE STREAM out AS SELECT n AS k, big AS x FROM s PARTITION BY n;": (
        "9: column 66, 'n': PARTITION BY takes a VARCHAR, this is INTEGER: CAST it"
    ),
    "CREATE TABLE out AS SELECT id, n AS x FROM t PARTITION BY id;": "PARTITION BY is only for",
    f"{BY} s GROUP BY name PARTITION BY name;": "GROUP BY sets the result's key: remove",
    "CREATE TABLE out AS SELECT n AS k, COUNT(*) AS x FROM s GROUP BY n;": (
        "the key must be VARCHAR, this is INTEGER: CAST it"
    ),
    "CREATE TABLE out AS SELECT name, n, COUNT(*) AS x FROM s GROUP BY name, n;": (
        "the key has several columns: write KEY_FORMAT = 'DELIMITED'"
    ),
    "CREATE TABLE out WITH (KEY_FORMAT = 'DELIMITED') AS SELECT name, COUNT(*) AS x FROM s"
    " GROUP BY name;": "9: column 24, 'KEY_FORMAT': the key is one column",
    "CREATE STREAM out AS SELECT id AS k, id AS x FROM s;": "the key is selected twice: write",
    "CREATE STREAM out AS SELECT id AS k FROM s;": "only the key is selected",
    f"{OUT}n AS ROWTIME FROM s;": "9: column 38, 'ROWTIME': ROWTIME is reserved",
    "CREATE TABLE out AS SELECT name AS k, WINDOWSTART, COUNT(*) AS x FROM s WINDOW TUMBLING"
    f" (SIZE 1 HOUR, {LATE}) GROUP BY name;": "WINDOWSTART is reserved",
    "CREATE STREAM x (id VARCHAR KEY, ROWOFFSET BIGINT);": "9: column 34, 'ROWOFFSET': ROW",
    "CREATE STREAM x (id VARCHAR KEY, n INTEGER, n BIGINT);": "9: column 45, 'n': N is declared",
    # What ends too early.
    "CREATE STREAM x (id;": "'id': expected a type",
    "CREATE STREAM x (id VARCHAR KEY, p DECIMAL;": "unknown type: use",
    "CREATE STREAM x (id VARCHAR KEY, p DECIMAL(39, 2));": "DECIMAL(precision, scale)",
    f"{OUT}n AS x, FROM s;": "9: column 41, 'FROM': expected a column after the comma",
    f"{OUT}n AS x FROM s WHERE;": "Required keyword: 'this' missing",
    # Joins.
    "CREATE STREAM out AS SELECT s.id AS k, s.n AS x FROM s JOIN s2"
    f" WITHIN 1 DAY {LATE} ON s.n = s2.name;": "ON compares INTEGER with STRING: CAST one",
    "CREATE STREAM out AS SELECT s.id AS k, s.n AS x FROM s JOIN t"
    f" WITHIN 1 DAY {LATE} ON s.name = t.id;": "WITHIN is only for a join of two streams",
    "CREATE TABLE out AS SELECT a.id AS k, b.n AS x FROM t a JOIN t b ON a.name = b.id;": (
        "ksqlDB cannot join a source with itself"
    ),
    "CREATE STREAM out AS SELECT s.id AS k, s.n AS x FROM s JOIN t ON MAX(s.name) = t.id;": (
        "ON must have the form <column> = <column>"
    ),
    # Properties.
    f"{MADE} WITH (KEY_FORMAT = 'JSON');": (
        "KEY_FORMAT must be KAFKA or DELIMITED: no other runs on both targets"
    ),
    f"{MADE} WITH (KEY_FORMAT = 'DELIMITED');": "'KEY_FORMAT': the key is one column",
    f"{MADE} WITH (VALUE_FORMAT = 'JSON');": "VALUE_FORMAT must be AVRO: no other runs",
    "CREATE STREAM out WITH (VALUE_FORMAT = 'JSON') AS SELECT id, n AS x FROM s;": (
        "VALUE_FORMAT must be AVRO: no other runs on both targets"
    ),
    f"{MADE} WITH (FORMAT = 'AVRO');": "'FORMAT': replace FORMAT by",
    f"{MADE} WITH (KAFKA_TOPIC = 'a', KAFKA_TOPIC = 'b');": "'KAFKA_TOPIC': KAFKA_TOPIC is given",
    f"{MADE} WITH (KAFKA_TOPICS = 'a');": (
        "9: column 40, 'KAFKA_TOPICS': WITH: unknown property KAFKA_TOPICS; did you mean"
    ),
    f"{MADE} WITH (KAFKA_TOPIC =);": "9: column 53, ')': expected",
    # What sqlglot reads, and ksqlDB does not have.
    f"{OUT}n::BIGINT AS x FROM s;": "9: column 34, ':': ksqlDB has no ::, write CAST(… AS …)",
    f"{OUT}DATE '2025-01-01' AS x FROM s;": "DATE '…' does not run on both targets: CAST",
    f"{OUT}n AS x FROM s QUALIFY n = 1;": "9: column 55, 'n': QUALIFY does not run on both",
    f"{OUT}n AS x FROM s TABLESAMPLE (10);": "9: column 60, '10': TABLESAMPLE does not run on both",
    f"{OUT}n AS x FROM a.s;": "9: column 45, 'a': a qualified name does not run",
    "CREATE STREAM out AS SELECT DISTINCT id, n AS x FROM s;": "DISTINCT does not run on both",
    f"{OUT}n AS x FROM s LIMIT 3;": "LIMIT does not run on both targets",
    f"{OUT}n AS x FROM s EMIT CHANGES LIMIT 3;": "'LIMIT': EMIT CHANGES ends a statement",
    f"{OUT}n AS x FROM s LATERAL VIEW explode(n) z AS q;": "LATERAL does not run on both targets",
    f"{OUT}name || 'x' AS x FROM s;": "9: column 33, 'name': || does not run on both targets",
    f"{OUT}COUNT(DISTINCT n) AS x FROM s;": "DISTINCT does not run on both targets: write COUNT",
    f"{OUT}SUM(n) OVER (PARTITION BY b) AS x FROM s;": "9: column 45, '(': Expecting )",
    f"{OUT}(SELECT n FROM s2) AS x FROM s;": "a subquery does not run on both",
    f"{OUT}n AS x FROM (SELECT n FROM s);": "FROM and JOIN take the name of a stream or table",
    f"{OUT}n AS x;": "FROM is missing",
    f"{OUT}n IS DISTINCT FROM 2 AS x FROM s;": "IS DISTINCT FROM does not run on both targets",
    f"{OUT}{DEEP} AS x FROM s;": "9: column 63, '(': is nested more than 30 levels deep",
    f"{OUT}{'NOT ' * 3000}b AS x FROM s;": "is nested more than 30 levels deep",
    f"{OUT}{'n + ' * 3000}n AS x FROM s;": "is nested more than 30 levels deep",
}


@pytest.mark.parametrize("statement", REFUSED, ids=lambda statement: statement[:120])
def test_what_would_not_mean_the_same_is_refused_with_its_place(statement: str) -> None:
    assert REFUSED[statement] in _refused(statement, X="INTEGER").replace("ksql/test.sql:", "")


def test_a_source_is_made_before_it_is_read_and_once(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("CREATE STREAM a AS SELECT id FROM b;")
    (tmp_path / "2.sql").write_text(
        "CREATE STREAM b (id VARCHAR KEY);\nCREATE STREAM b (c VARCHAR);"
    )
    with pytest.raises(SpecError) as caught:
        reader.load(tmp_path)
    unmade, repeated = map(str, caught.value.mistakes)
    assert unmade.endswith("1.sql:1: column 35, 'b': no statement before this one creates B")
    assert repeated.endswith("2.sql:2: column 1, 'CREATE': B is created twice")


def test_a_query_has_to_yield_its_topics_schema() -> None:
    said = _refused("CREATE STREAM out AS SELECT id, SUM(n) AS x FROM s;", X="BIGINT")
    assert "ksql/test.sql:9" in said
    said = _refused("CREATE STREAM out AS SELECT id, n AS x FROM s;", X="BIGINT")
    assert "the query yields (X INTEGER), but schemas/OUT.avsc has (X BIGINT)" in said


def test_variables_are_filled_in_and_names_in_quotes_keep_their_case() -> None:
    made = _view(
        "DEFINE least = '3';\nCREATE STREAM out AS SELECT id, n AS `x` FROM s WHERE n > ${least};",
        x="INTEGER",
    )
    assert "AS `x`" in made
    assert made.endswith("WHERE (((`S`.`N` > 3) IS TRUE)) AND NOT `S`.`__absent`")


def test_comments_and_strings_may_hold_semicolons() -> None:
    text = "-- one; two\n/* ; */\nCREATE STREAM a (id VARCHAR KEY) WITH (KAFKA_TOPIC = 'a;b');"
    (statement,) = reader.parse(FILE, text)
    assert (statement.topic, statement.line) == ("a;b", 3)
