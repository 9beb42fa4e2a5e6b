"""Opening a connection to PostgreSQL, and what differs in it from what was deployed."""

from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.change import Action, Edit
from pipeline.clients import scram
from pipeline.clients.database import connect
from pipeline.clients.postgres import ROLE_PASSWORDS, Transaction
from pipeline.errors import DeniedError, ServiceError, UsageError
from pipeline.live import LiveScript
from pipeline.repository.target import Postgres
from pipeline.resources.script import UPGRADED, Script
from pipeline.sql import objects
from pipeline.sql.objects import Object

VERIFIER = (
    "SCRAM-SHA-256$4096:ZINNEea+uA2TrKwsJipfrA=="
    "$OScbuSEJG5e7LnToaOVA0jgdOBf5U8HQgzgMQcZAYL8=:/05HLaGwlUVx8vkeqRimSU97ypDWfrPx5YFAQuziB/M="
)


def test_a_server_that_is_down_is_one_line_without_the_password() -> None:
    nobody = Postgres.model_validate({"host": "127.0.0.1", "port": 1, "database": "d"})
    with pytest.raises(ServiceError) as caught:
        connect(nobody, "postgres", "hidden")
    message = str(caught.value)
    assert message.startswith("PostgreSQL at 127.0.0.1:1: ")
    assert message.endswith("; `make status` shows if it is up")
    assert "\n" not in message
    assert "hidden" not in message
    assert not isinstance(caught.value, DeniedError)


def test_a_password_of_a_role_that_is_missing_is_named() -> None:
    secrets = {name: "a-password" for name in ROLE_PASSWORDS.values() if "EXPORTER" not in name}
    transaction = Transaction(cast("Any", None), cast("Any", None), "hospital", secrets)
    for ask in (transaction.rotated, transaction.set_passwords):
        with pytest.raises(UsageError, match=r"^EXPORTER_PASSWORD: missing among the target's"):
            ask()


def _script(text: str, tables: dict[str, frozenset[str]] | None = None) -> Script:
    return Script(Path("db_setup.sql"), text, tables or {})


VIEW = Object("view", "v")
ROLE = Object("role", "reader")
INDEX = Object("index", "i", "t")
MADE = {
    Object("table", "t"): "",
    Object("column", "c", "t"): "text not null default 'a'",
    INDEX: "CREATE INDEX i ON public.t USING btree (c)",
    VIEW: "SELECT c\n   FROM t;",
    ROLE: "LOGIN",
    Object("privileges", "reader", "v"): "SELECT",
    Object("comment", "view v"): "It's a view",
    Object("comment", "column t.c"): "A column",
}


def _without(*items: Object, **changed: str) -> dict[Object, str]:
    """MADE without some objects, and with other definitions of those of a kind."""
    kept = {item: MADE[item] for item in MADE if item not in items}
    return {item: changed.get(item.kind, definition) for item, definition in kept.items()}


def _edits(found: dict[Object, str], text: str = "") -> list[Edit]:
    live = LiveScript("", MADE, found)
    change = _script(text).difference(live)
    return list(change.edits) if change else []


def test_what_is_there_as_it_was_made_is_no_change() -> None:
    assert _edits(MADE) == []
    theirs = {Object("table", "theirs"): "", Object("index", "by_hand", "t"): "CREATE INDEX"}
    analyst = {Object("role", "analyst"): "LOGIN", Object("privileges", "analyst", "v"): "SELECT"}
    assert _edits({**MADE, **theirs, **analyst}) == []


@pytest.mark.parametrize(
    ("found", "edit"),
    [
        (_without(INDEX), Edit("index i of t", None, MADE[INDEX])),
        (_without(view="SELECT 1"), Edit("view v", "SELECT 1", "SELECT c FROM t;")),
        (_without(role="NOLOGIN"), Edit("role reader", "NOLOGIN", "LOGIN")),
        (_without(column="text"), Edit("column c of t", "text", "text not null default 'a'")),
        (
            _without(Object("privileges", "reader", "v")),
            Edit("privileges of reader on v", None, "SELECT"),
        ),
        (
            {**MADE, Object("privileges", "PUBLIC", "t"): "INSERT"},
            Edit("privileges of PUBLIC on t", "INSERT", None),
        ),
        (
            {**MADE, Object("membership", "reader", "pg_read_all_data"): ""},
            Edit("membership of reader in pg_read_all_data", "exists", None),
        ),
        (
            _without(Object("comment", "view v")),
            Edit("comment on view v", None, "It's a view"),
        ),
    ],
)
def test_each_drift_is_one_edit(found: dict[Object, str], edit: Edit) -> None:
    assert _edits(found) == [edit]


def test_what_was_in_an_object_that_is_gone_is_not_listed_beside_it() -> None:
    view = _without(VIEW, Object("privileges", "reader", "v"), Object("comment", "view v"))
    assert [edit.key for edit in _edits(view)] == ["view v"]
    role = _without(ROLE, Object("privileges", "reader", "v"))
    assert [edit.key for edit in _edits(role)] == ["role reader"]
    everything = _edits({})
    assert [edit.key for edit in everything] == ["role reader", "table t", "view v"]


def test_a_changed_script_is_shown_line_by_line() -> None:
    live = LiveScript("SELECT 1;\n\nSELECT 2;\n", {}, {})
    change = _script("SELECT 1;\nSELECT 3;\n").difference(live)
    assert change is not None
    assert [(edit.before, edit.after) for edit in change.edits] == [
        ("", None),
        ("SELECT 2;", None),
        (None, "SELECT 3;"),
    ]
    assert _script("SELECT 1;\n\nSELECT 2;").difference(live) is None


def test_another_password_is_told_without_it_and_takes_no_run_of_the_script() -> None:
    live = LiveScript("SELECT 1", {}, {}, {"reader": "READER_PASSWORD"})
    script = _script("SELECT 1")
    change = script.difference(live)
    assert change is not None
    assert change.edits == (Edit("role reader", "another password", "that of READER_PASSWORD"),)
    assert script.needs_only_passwords(change)
    assert list(script.notes(live)) != []


def test_nothing_stored_is_a_new_script_and_another_server_another_reading() -> None:
    first = _script("SELECT 1").difference(None)
    assert first is not None
    assert (first.action, first.edits) == (Action.CREATE, ())
    upgraded = _script("SELECT 1").difference(LiveScript("SELECT 1", None, MADE))
    assert upgraded is not None
    assert (upgraded.action, upgraded.edits, upgraded.note) == (Action.UPDATE, (), UPGRADED)
    assert not _script("SELECT 1").needs_only_passwords(upgraded)


@pytest.mark.parametrize(
    ("item", "found", "made", "statements"),
    [
        (
            Object("privileges", "reader", "schema s"),
            "CREATE, GRANT OPTION FOR USAGE, USAGE",
            "USAGE",
            [
                "REVOKE CREATE ON schema s FROM reader",
                "REVOKE GRANT OPTION FOR USAGE ON schema s FROM reader",
            ],
        ),
        (Object("privileges", "reader", "t"), None, "SELECT", []),
        (Object("membership", "reader", "a"), "", None, ["REVOKE a FROM reader"]),
        (INDEX, "CREATE INDEX other", "CREATE INDEX i", ["DROP INDEX i"]),
        (INDEX, None, "CREATE INDEX i", []),
        (
            ROLE,
            "NOLOGIN SUPERUSER CONNECTION LIMIT 3",
            "LOGIN CREATEDB",
            [
                "ALTER ROLE reader LOGIN NOSUPERUSER CREATEDB NOCREATEROLE NOREPLICATION"
                " NOBYPASSRLS INHERIT CONNECTION LIMIT -1 VALID UNTIL 'infinity'"
            ],
        ),
        (VIEW, "SELECT 1", "SELECT 2", []),
    ],
)
def test_what_a_script_would_leave_is_settled_before_it(
    item: Object, found: str | None, made: str | None, statements: list[str]
) -> None:
    assert list(objects.settling(found, made, item)) == statements


@pytest.mark.parametrize(
    ("item", "found", "made", "statement", "lossy"),
    [
        (
            Object("column", "c", "t"),
            "character varying(9)",
            "text not null default 'a'::text",
            "ALTER TABLE t ALTER COLUMN c TYPE text USING c::text, ALTER COLUMN c SET default"
            " 'a'::text, ALTER COLUMN c SET NOT NULL",
            True,
        ),
        (
            Object("column", "c", "t"),
            "text not null default 'a'::text",
            "text",
            "ALTER TABLE t ALTER COLUMN c DROP DEFAULT, ALTER COLUMN c DROP NOT NULL",
            False,
        ),
        (
            Object("column", "c", "t"),
            "text",
            "text generated always as (lower(d)) stored",
            "",
            True,
        ),
        (Object("column", "c", "t"), None, "text", "ALTER TABLE t ADD COLUMN c text", False),
        (
            Object("constraint", "k", "t"),
            "CHECK (c > 0)",
            "CHECK (c > 1)",
            "ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k CHECK (c > 1)",
            False,
        ),
        (Object("comment", "view v"), None, "It's", "COMMENT ON view v IS 'It''s'", False),
        (
            Object("privileges", "r", "v"),
            "SELECT",
            "INSERT, SELECT",
            "GRANT INSERT ON v TO r",
            False,
        ),
        (Object("type", "mood"), "a, b", "a", "", False),
    ],
)
def test_what_a_script_leaves_has_a_remedy_and_a_person_decides_what_loses_data(
    item: Object, found: str | None, made: str, statement: str, *, lossy: bool
) -> None:
    assert objects.remedy(found, made, item) == statement
    assert objects.is_lossy(found, made, item) == lossy


def test_what_is_left_names_the_object_and_what_to_do() -> None:
    live = LiveScript("", MADE, MADE)
    (left,) = _script("").unsettled(live, _without(column="integer"))
    assert left == (
        "db_setup.sql: column c of t is integer, it was made text not null default 'a', and the"
        " script does not change that: run ALTER TABLE t ALTER COLUMN c TYPE text USING c::text,"
        " ALTER COLUMN c SET default 'a', ALTER COLUMN c SET NOT NULL; or change the script, if"
        " that is meant"
    )
    # A run has replaced them.
    assert list(_script("").unsettled(live, _without(view="SELECT 2"))) == []
    # Another script may mean it.
    assert list(_script("-- more").unsettled(live, _without(column="integer"))) == []


def test_the_tables_of_sinks_are_not_the_scripts() -> None:
    script = _script("CREATE INDEX i ON t (c)", {"t": frozenset({"c"})})
    more = {
        Object("column", "more", "t"): "text",
        Object("constraint", "t_pkey", "t"): "PRIMARY KEY (c)",
        Object("privileges", "bi_reader", "t"): "DELETE, SELECT",
        Object("privileges", "connect_writer", "t"): "INSERT, SELECT, UPDATE",
        Object("comment", "table t"): "Of the schema",
    }
    assert script.beyond({**MADE, **more}) == {
        **_without(Object("column", "c", "t"), Object("comment", "column t.c")),
        Object("column", "more", "t"): "text",
        Object("privileges", "bi_reader", "t"): "DELETE",
    }


def test_a_run_makes_what_is_new_or_named_and_keeps_what_it_made_before() -> None:
    script = _script("CREATE TABLE a (b int); CREATE INDEX ON a (b); -- c\n")
    found, new = Object("table", "a"), Object("view", "dynamic")
    anonymous, theirs = Object("index", "a_b_idx", "a"), Object("table", "c")
    before = {found: "", anonymous: "CREATE INDEX", theirs: ""}
    after = {**before, new: "SELECT 1"}
    assert set(script.made(before, after, None)) == {found, new}
    live = LiveScript(script.text, {found: "", anonymous: "CREATE INDEX"}, before)
    assert set(script.made(before, after, live)) == {found, anonymous, new}
    changed = LiveScript("CREATE INDEX i ON a (b)", {**MADE, anonymous: "CREATE INDEX"}, before)
    assert set(script.made(before, after, changed)) == {found, anonymous, new}


def test_what_a_script_does_not_make_any_more_stays_and_is_told() -> None:
    live = LiveScript("CREATE VIEW v; CREATE INDEX i ON t", MADE, MADE)
    script = _script("CREATE TABLE t (c text); CREATE ROLE reader")
    assert list(script.left_behind(live)) == [
        "index i of t, which db_setup.sql does not make any more",
        "view v, which db_setup.sql does not make any more",
    ]
    assert list(_script(live.text).left_behind(live)) == []
    # What goes is nobody's change.
    gone = script.difference(LiveScript(live.text, MADE, _without(VIEW, INDEX)))
    assert gone is not None
    assert {edit.key for edit in gone.edits} == {"statement"}


@pytest.mark.parametrize(("password", "known"), [("secret", True), ("other", False), ("", False)])
def test_a_verifier_knows_its_password(password: str, *, known: bool) -> None:
    # As PostgreSQL 17 stored it.
    assert scram.is_of(VERIFIER, password) == known


def test_an_old_or_missing_verifier_knows_none() -> None:
    assert not scram.is_of("", "")
    assert not scram.is_of("md5d41d8cd98f00b204e9800998ecf8427e", "")
