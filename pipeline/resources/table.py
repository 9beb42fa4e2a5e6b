"""Tables of PostgreSQL: those that sinks write, and db_setup.sql, which builds on them.

All changes are made in one transaction: the tables, then the script, which makes the roles, then
what each role may do. `check` runs the same and rolls it back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, edits
from pipeline.errors import PipelineError
from pipeline.live import LiveScript, LiveTable
from pipeline.resources.resource import Resource, Result, Run
from pipeline.sql import ddl
from pipeline.sql.columns import Column

if TYPE_CHECKING:
    from pipeline.clients.postgres import Transaction
    from pipeline.services import Services

KIND = "table"
# What the roles of db_setup.sql are for: Connect upserts, dashboards and Airflow read.
PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "connect_writer": ("SELECT", "INSERT", "UPDATE"),
    "bi_reader": ("SELECT",),
    "orchestrator": ("SELECT",),
}


@dataclass(frozen=True)
class Table:
    """The table of one sink, as its topics' schemas have it; `file` is the sink's spec.

    Without `columns`, the topics have no schema: the table is made by hand, in db_setup.sql.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    comment: str
    file: Path

    def difference(self, live: LiveTable | None) -> Change | None:
        """Columns, comments and privileges, one by one."""
        if not self.columns:
            return None
        after = self._described()
        if live is None:
            created = edits({}, {**after, "primary key": ", ".join(self.key)})
            return Change(KIND, self.name, Action.CREATE, created, declared=self)
        changed = edits(_described(live, after), after)
        return Change(KIND, self.name, Action.UPDATE, changed, "", self, live) if changed else None

    def _described(self) -> dict[str, str]:
        columns = {f"column {c.name}": _description(c.type, c.nullable) for c in self.columns}
        comments = {f"comment on {c.name}": c.comment for c in self.columns if c.comment}
        privileges = {f"privileges of {r}": ", ".join(p) for r, p in PRIVILEGES.items()}
        table = {"comment": self.comment} if self.comment else {}
        return {**columns, **comments, **table, **privileges}

    def statements(self, live: LiveTable | None) -> Iterator[str]:
        """What makes the live table this one, but for privileges."""
        if live is None:
            yield ddl.create_table(self.name, self.columns, self.key)
        for column in self.columns if live else ():
            found = live.columns.get(column.name) if live else None
            if found is None:
                yield ddl.add_column(self.name, column)
            elif found.nullable != column.nullable and column.name not in self.key:
                yield ddl.set_nullable(self.name, column)
        yield from self._comments(live)

    def _comments(self, live: LiveTable | None) -> Iterator[str]:
        """A comment that people wrote by hand stays where the schema says nothing."""
        if self.comment and self.comment != (live.comment if live else ""):
            yield ddl.comment_on_table(self.name, self.comment)
        for column in self.columns:
            found = live.columns.get(column.name) if live else None
            if column.comment and column.comment != (found.comment if found else ""):
                yield ddl.comment_on_column(self.name, column)

    def grants(self) -> Iterator[str]:
        """What gives each role its privileges."""
        return ddl.grants(self.name, PRIVILEGES)

    def unfit(self, live: LiveTable | None) -> Iterator[str]:
        """Why the sink would fail on its first record, and what a person has to do.

        A table that a deployment makes may be missing: `--only` can leave it out.
        """
        if live is None and self.columns:
            return
        if live is None:
            yield (
                f"{self.file}: table: there is no table {self.name}, and no schema of its topics to"
                " make it from: create it in postgres/db_setup.sql"
            )
            return
        for column in self.columns:
            found = live.columns[column.name]
            if found.type != column.type:
                yield (
                    f"{self.file}: table {self.name}: {column.name} is {found.type}, the topic's"
                    f" schema makes it {column.type}. No type is changed by itself: run"
                    f" {ddl.set_type(self.name, column)}"
                )
        names = {column.name for column in self.columns}
        for name, extra in live.columns.items() if names else ():
            if name not in names and not extra.nullable and not extra.filled:
                yield (
                    f"{self.file}: table {self.name}: {name} is NOT NULL, and the topic's schema"
                    f" has no such field. No column is dropped by itself: run ALTER TABLE"
                    f" {ddl.quoted(self.name)} DROP COLUMN {ddl.quoted(name)}"
                )
        if tuple(sorted(self.key)) not in live.keys:
            yield (
                f"{self.file}: key: {', '.join(self.key)} is not the primary key of {self.name}:"
                " an upsert needs a unique key"
            )


@dataclass(frozen=True)
class Script:
    """db_setup.sql: what only a person can decide."""

    file: Path
    text: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    def difference(self, live: LiveScript | None) -> Change | None:
        """It runs again when its text has changed."""
        if live and live.sha256 == self.sha256:
            return None
        before = {"sha256": live.sha256[:12]} if live else {}
        changed = edits(before, {"sha256": self.sha256[:12]})
        action = Action.UPDATE if live else Action.CREATE
        return Change(KIND, self.name, action, changed, "", self, live)


class Tables(Resource[Table | Script, LiveTable | LiveScript]):
    """Tables. They get columns, comments and privileges; nothing is dropped."""

    kind = KIND

    def read(
        self, services: "Services", declared: Sequence[Table | Script]
    ) -> Mapping[str, LiveTable | LiveScript]:
        """Every table of the schema public, and the script by its name."""
        names = [one.name for one in declared if isinstance(one, Script)]
        with services.database.transaction() as transaction:
            applied = transaction.applied()
            scripts = {name: LiveScript(applied) for name in names if applied}
            return {**transaction.tables(), **scripts}

    def difference(
        self, declared: Table | Script, live: LiveTable | LiveScript | None
    ) -> Iterator[Change]:
        """See Table and Script."""
        change = declared.difference(live)  # type: ignore[arg-type]  # each gets its own
        if change:
            yield change

    def remarks(
        self, declared: Sequence[Table | Script], live: Mapping[str, LiveTable | LiveScript]
    ) -> Iterator[str]:
        """Columns that neither a schema nor the script knows, of a field that was removed."""
        script = " ".join(one.text for one in declared if isinstance(one, Script))
        for one in declared:
            found = live.get(one.name)
            if isinstance(one, Table) and isinstance(found, LiveTable) and one.columns:
                known = {column.name for column in one.columns}
                for name in found.columns.keys() - known:
                    if not re.search(rf"\b{re.escape(name)}\b", script):
                        yield f"column {name} of {one.name} is in no schema: no column is dropped"

    def check(
        self, changes: Sequence[Change], declared: Sequence[Table | Script], services: "Services"
    ) -> list[str]:
        """Whether the changes can be made, and whether the tables then fit their sinks."""
        with services.database.transaction() as transaction:
            try:
                for change in changes:
                    _make(change, transaction)
                for change in changes:
                    _grant(change, transaction)
            except PipelineError as error:
                return [str(error)]
            finally:
                tables = transaction.rolled_back()
        fitting = [one for one in declared if isinstance(one, Table)]
        return [problem for one in fitting for problem in one.unfit(tables.get(one.name))]

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """All of them or none."""
        error = None
        try:
            with run.services.database.transaction() as transaction:
                for change in changes:
                    _make(change, transaction)
                for change in changes:
                    _grant(change, transaction)
        except PipelineError as failure:
            error = str(failure)
        for change in changes:
            run.report(change, error)
        return [(change, error) for change in changes]


def whole_script(tables: Sequence[Table], script: Script) -> str:
    """Everything as one script for psql, from an empty database; it can run again."""
    made = [statement for table in tables if table.columns for statement in table.statements(None)]
    granted = [statement for table in tables for statement in table.grants()]
    return "\n".join(
        [
            "-- Made by `make render` from connectors/, schemas/, ksql/ and postgres/db_setup.sql.",
            "\\set ON_ERROR_STOP on",
            "BEGIN;",
            *(f"{statement};" for statement in made),
            "",
            script.text,
            *(f"{statement};" for statement in granted),
            "COMMIT;",
            "",
        ]
    )


def _make(change: Change, transaction: "Transaction") -> None:
    if isinstance(change.declared, Script):
        transaction.run_script(change.declared.file, change.declared.text, change.declared.sha256)
        return
    for statement in change.declared.statements(change.live):
        transaction.execute(statement, change.declared.file)


def _grant(change: Change, transaction: "Transaction") -> None:
    if isinstance(change.declared, Table):
        for statement in change.declared.grants():
            transaction.execute(statement, change.declared.file)


def _described(live: LiveTable, wanted: Mapping[str, str]) -> dict[str, str]:
    """The live table in the words of `Table._described`, of what is wanted only."""
    columns = {f"column {c.name}": _description(c.type, c.nullable) for c in live.columns.values()}
    comments = {f"comment on {c.name}": c.comment for c in live.columns.values() if c.comment}
    table = {"comment": live.comment} if live.comment else {}
    privileges = {
        f"privileges of {role}": ", ".join(p for p in allowed if p in live.grants.get(role, ()))
        for role, allowed in PRIVILEGES.items()
        if role in live.grants
    }
    found = {**columns, **comments, **table, **privileges}
    return {key: value for key, value in found.items() if key in wanted}


def _description(type_: str, nullable: bool) -> str:  # noqa: FBT001 - a column's two properties
    return type_ if nullable else f"{type_} not null"
