"""Tables of PostgreSQL: those that sinks write, and db_setup.sql, which needs them.

One transaction makes all changes: first the tables, then the script, which creates the roles, then
the roles' privileges. `check` runs the same transaction and rolls it back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.change import Action, Change, edits
from pipeline.errors import PipelineError, SlowError
from pipeline.live import LiveColumn, LiveScript, LiveTable
from pipeline.resources.resource import Resource, Result, Run
from pipeline.resources.script import KIND, PRIVILEGES, Script
from pipeline.sql import ddl
from pipeline.sql.columns import Column
from pipeline.sql.objects import Catalog

if TYPE_CHECKING:
    from pipeline.clients.postgres import Transaction
    from pipeline.services import Services


@dataclass(frozen=True)
class Table:
    """A table that sinks write, made from their topics' schemas. `file` is the first sink's spec.

    If `columns` is empty, the topics have no schema; db_setup.sql must create the table.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    comment: str
    file: Path

    def difference(self, live: LiveTable | None) -> Change | None:
        """Compares columns, comments and privileges, one by one."""
        if not self.columns:
            return None
        after = _described(self.columns, self.comment, PRIVILEGES)
        if live is None:
            created = edits({}, {**after, "primary key": ", ".join(self.key)})
            return Change(KIND, self.name, Action.CREATE, created, declared=self)
        if not live.has_primary_key:
            after["primary key"] = ", ".join(self.key)
        changed = edits(_existing(live, after), after)
        return Change(KIND, self.name, Action.UPDATE, changed, "", self, live) if changed else None

    def statements(self, live: LiveTable | None) -> Iterator[str]:
        """The SQL that turns the live table into this one, without the privileges."""
        if live is None:
            yield ddl.create_table(self.name, self.columns, self.key)
        else:
            yield from self._alterations(live)
        yield from self._comments(live)

    def _alterations(self, live: LiveTable) -> Iterator[str]:
        for column in self.columns:
            existing = live.columns.get(column.name)
            if existing is None:
                yield ddl.add_column(self.name, column)
            elif existing.nullable != column.nullable and column.name not in self.key:
                yield ddl.set_nullable(self.name, column)
        if not live.has_primary_key:
            yield ddl.add_key(self.name, self.key)

    def _comments(self, live: LiveTable | None) -> Iterator[str]:
        """Sets the schema's comments. Other comments stay, because a person may have set them."""
        if self.comment and self.comment != (live.comment if live else ""):
            yield ddl.comment_on_table(self.name, self.comment)
        for column in self.columns:
            existing = live.columns.get(column.name) if live else None
            if column.comment and column.comment != (existing.comment if existing else ""):
                yield ddl.comment_on_column(self.name, column)

    def grants(self) -> Iterator[str]:
        """The SQL that gives each role its privileges."""
        return ddl.grants(self.name, PRIVILEGES)

    def unfit(self, live: LiveTable | None) -> Iterator[str]:
        """Why the sink would fail on its first record, and what a person has to do.

        What a deployment makes may be missing: `--only` can leave it out.
        """
        if live is None:
            if not self.columns:
                yield (
                    f"{self.file}: table: there is no table {self.name}, and its topics have no"
                    " schema to make it from: create it in postgres/db_setup.sql"
                )
            return
        for column in self.columns:
            existing = live.columns.get(column.name)
            if existing and existing.type != column.type:
                yield (
                    f"{self.file}: table {self.name}: {column.name} is {existing.type}, the topic's"
                    f" schema makes it {column.type}. No type is changed by itself: run"
                    f" {ddl.set_type(self.name, column)}"
                )
        names = {column.name for column in self.columns}
        for name, extra in live.columns.items() if names else ():
            if name not in names and not extra.nullable and not extra.filled:
                yield (
                    f"{self.file}: table {self.name}: {name} is NOT NULL, and the topic's schema"
                    f" has no such field. `deploy` drops no column: run ALTER TABLE"
                    f" {ddl.quoted(self.name)} DROP COLUMN {ddl.quoted(name)}"
                )
        if tuple(sorted(self.key)) not in live.keys:
            yield (
                f"{self.file}: key: {', '.join(self.key)} is not the primary key of {self.name}:"
                " an upsert needs a unique key"
            )


class Tables(Resource[Table | Script, LiveTable | LiveScript]):
    """Tables. Deployments add columns, comments and privileges, and drop nothing."""

    kind = KIND

    def read(
        self, services: "Services", declared: Sequence[Table | Script]
    ) -> Mapping[str, LiveTable | LiveScript]:
        """All tables of the schema public, and what became of the script that ran last."""
        with services.database.transaction() as transaction:
            scripts = [item for item in declared if isinstance(item, Script)]
            ran = {item.name: live for item in scripts if (live := _live(item, transaction))}
            return {**transaction.tables(), **ran}

    def difference(
        self, declared: Table | Script, live: LiveTable | LiveScript | None
    ) -> Iterator[Change]:
        """See Table.difference and Script.difference."""
        change = declared.difference(live)  # type: ignore[arg-type]  # `live` is of its own type
        if change:
            yield change

    def problems(
        self, declared: Table | Script, live: LiveTable | LiveScript | None, owner: str
    ) -> Iterator[str]:
        """What a deployment cannot run of the script."""
        del live, owner
        if isinstance(declared, Script):
            yield from declared.problems()

    def remarks(
        self, declared: Sequence[Table | Script], live: Mapping[str, LiveTable | LiveScript]
    ) -> Iterator[str]:
        """Columns that are in no schema and not in the script, and what was removed from that."""
        script = " ".join(item.text for item in declared if isinstance(item, Script))
        for item in declared:
            existing = live.get(item.name)
            if isinstance(item, Script) and isinstance(existing, LiveScript):
                yield from item.left_behind(existing)
            if isinstance(item, Table) and isinstance(existing, LiveTable) and item.columns:
                names = {column.name for column in item.columns}
                for name in existing.columns.keys() - names:
                    if not re.search(rf"\b{re.escape(name)}\b", script):
                        yield f"column {name} of {item.name}, which is in no schema"

    def check(
        self, changes: Sequence[Change], declared: Sequence[Table | Script], services: "Services"
    ) -> list[str]:
        """Makes the changes, checks that the tables fit their sinks, and rolls back.

        A statement that takes long, such as an index of a large table, ends the check: what it
        locks is not to wait twice.
        """
        if any(p for item in declared if isinstance(item, Script) for p in item.problems()):
            return []
        with services.database.transaction() as transaction:
            left: list[str] = []
            try:
                left = _make(changes, transaction)
            except SlowError:
                return []
            except PipelineError as error:
                return [str(error)]
            finally:
                tables = transaction.rolled_back()
        declared_tables = [item for item in declared if isinstance(item, Table)]
        unfit = [p for table in declared_tables for p in table.unfit(tables.get(table.name))]
        return [*unfit, *left]

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Makes all changes or none."""
        error: str | None
        try:
            with run.services.database.transaction(deploying=True) as transaction:
                left = _make(changes, transaction)
                if left:
                    transaction.rolled_back()
            error = "\n".join(left) or None
        except PipelineError as failure:
            error = str(failure)
        for change in changes:
            run.report(change, error)
            if isinstance(change.declared, Script) and not error:
                for note in change.declared.notes(change.live):
                    run.tell(note)
        return [(change, error) for change in changes]


def whole_script(tables: Sequence[Table], script: Script) -> str:
    """One re-runnable psql script that sets up an empty database: tables, script, privileges."""
    creates = [sql for table in tables if table.columns for sql in table.statements(None)]
    grants = [sql for table in tables for sql in table.grants()]
    return "\n".join(
        [
            "-- Made by `make render` from connectors/, schemas/, ksql/ and postgres/db_setup.sql.",
            "\\set ON_ERROR_STOP on",
            "BEGIN;",
            *(f"{sql};" for sql in creates),
            "",
            script.text,
            *(f"{sql};" for sql in grants),
            "COMMIT;",
            "",
        ]
    )


def _live(script: Script, transaction: "Transaction") -> LiveScript | None:
    stored = transaction.stored()
    if stored is None:
        return None
    made = None if stored.made is None else script.beyond(stored.made)
    found = script.beyond(transaction.catalog())
    return LiveScript(stored.script, made, found, transaction.rotated())


def _make(changes: Sequence[Change], transaction: "Transaction") -> list[str]:
    """Makes the changes; returns what differs after that from what was made before."""
    script = next((change for change in changes if isinstance(change.declared, Script)), None)
    tables = [change for change in changes if isinstance(change.declared, Table)]
    if script and script.declared.needs_only_passwords(script):
        transaction.set_passwords()
        script = None
    before = _settled(script, transaction) if script else {}
    for change in tables:
        for statement in change.declared.statements(change.live):
            transaction.execute(statement, change.declared.file)
    if script:
        transaction.run_script(script.declared.file, script.declared.steps)
        transaction.set_passwords()
    for change in tables:
        for statement in change.declared.grants():
            transaction.execute(statement, change.declared.file)
    return _stored(script, before, transaction) if script else []


def _settled(change: Change, transaction: "Transaction") -> Catalog:
    """Undoes what the script would not; returns the catalog before that."""
    before = transaction.catalog()
    for statement in change.declared.settling(change.live):
        transaction.execute(statement, change.declared.file)
    return before


def _stored(change: Change, before: Catalog, transaction: "Transaction") -> list[str]:
    script: Script = change.declared
    after = transaction.catalog()
    mending = list(script.mending(change.live, after))
    for statement in mending:
        transaction.execute(statement, script.file)
    if mending:
        after = transaction.catalog()
    transaction.store(script.text, script.made(before, after, change.live))
    return list(script.unsettled(change.live, after))


def _described(
    columns: Iterable[Column | LiveColumn], comment: str, privileges: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """A table in words, one entry for each thing that a plan shows by itself."""
    listed = tuple(columns)
    return {
        **{f"column {c.name}": f"{c.type}{'' if c.nullable else ' not null'}" for c in listed},
        **{f"comment on {c.name}": c.comment for c in listed if c.comment},
        **({"comment": comment} if comment else {}),
        **{f"privileges of {role}": ", ".join(held) for role, held in privileges.items()},
    }


def _existing(live: LiveTable, wanted: Mapping[str, str]) -> dict[str, str]:
    """The live table in the same words, with the wanted entries only."""
    privileges = {
        role: [privilege for privilege in allowed if privilege in live.grants[role]]
        for role, allowed in PRIVILEGES.items()
        if role in live.grants
    }
    described = _described(live.columns.values(), live.comment, privileges)
    return {key: value for key, value in described.items() if key in wanted}
