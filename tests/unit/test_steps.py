"""A script of PostgreSQL, split as psql splits it."""

import pytest

from pipeline.paths import REPOSITORY
from pipeline.sql.steps import UnclosedError, split


def _texts(script: str) -> list[str]:
    return [step.text for step in split(script)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a;b', 'it''s;', 'c\\'",
        r"SELECT E'it\';s', e'\\'",
        'SELECT "a;""b" FROM "t;"',
        "SELECT $$a;b$$, $tag$ $$;$$ $tag$",
        "SELECT x'1F', b'01', U&'d\\0061;', n';'",
        "SELECT a$b$, $1, c$$ FROM t",
        "SELECT 1 /* ; /* ; */ ; */ + 2 -- ;\n + 3",
        "DO $$ BEGIN PERFORM 1; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC\n"
        " SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        'SELECT "größe;", größe',
    ],
)
def test_only_a_semicolon_at_the_top_ends_a_statement(statement: str) -> None:
    assert _texts(f"-- first;\n{statement} ;\n\n;\nSELECT 2") == [statement, "SELECT 2"]


def test_a_statement_knows_its_line() -> None:
    steps = split("-- one\n\nSELECT 1;\nSELECT\n  2; SELECT 3;\n/* four\n */ SELECT 4")
    assert [step.line for step in steps] == [3, 4, 5, 7]


def test_nothing_is_no_statement() -> None:
    assert _texts("") == _texts(" -- only;\n/* this; */ ;;") == []


@pytest.mark.parametrize(
    ("script", "line", "quote"),
    [
        ("SELECT 1;\nSELECT 'a", 2, "'"),
        ('SELECT\n "a', 2, '"'),
        ("DO $x$ BEGIN $$", 1, "$x$"),
        ("/* /* */", 1, "/*"),
        (r"SELECT E'\'", 1, "E'"),
    ],
)
def test_what_is_not_closed_is_told_by_its_line(script: str, line: int, quote: str) -> None:
    with pytest.raises(UnclosedError) as caught:
        split(script)
    assert (caught.value.line, str(caught.value)) == (line, f"{quote} is not closed")


@pytest.mark.parametrize(
    "statement",
    [
        "BEGIN", "begin isolation level serializable", "START TRANSACTION", "COMMIT", "END",
        "ROLLBACK", "ABORT", "SAVEPOINT a", "RELEASE a", "ROLLBACK TO a", "COMMIT PREPARED 'a'",
        "PREPARE TRANSACTION 'a'", "/* so */ COMMIT", "VACUUM alerts", "CREATE DATABASE a",
        "CREATE INDEX CONCURRENTLY ON a (b)", "create unique index concurrently c on a (b)",
        "DROP INDEX CONCURRENTLY c", "ALTER SYSTEM SET a = 1", "\\connect other", "\\\\",
        "COPY alerts FROM STDIN", "COPY alerts TO STDOUT",
    ],
)  # fmt: skip
def test_what_no_transaction_of_ours_can_run_is_refused(statement: str) -> None:
    (step,) = split(statement)
    assert step.refusal


@pytest.mark.parametrize(
    "statement",
    [
        "PREPARE a AS SELECT 1", "CREATE INDEX c ON a (b)", "DO $$ BEGIN END $$", "SELECT 'COMMIT'",
        "CREATE TABLE begin_here (a int)", "COMMENT ON TABLE a IS 'BEGIN'", "COPY a FROM '/a'",
    ],
)  # fmt: skip
def test_what_it_can_run_is_not(statement: str) -> None:
    (step,) = split(statement)
    assert step.refusal is None


def test_the_script_of_the_repository_has_nothing_to_refuse() -> None:
    steps = split((REPOSITORY / "postgres" / "db_setup.sql").read_text())
    assert steps
    assert [step.refusal for step in steps if step.refusal] == []
