"""Tables of PostgreSQL: those that sinks write, and db_setup.sql, which needs them.

One transaction makes all changes: first the tables, then the script, which creates the roles, then
the roles' privileges. `check` runs the same transaction and rolls it back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.change import Change
from pipeline.errors import PipelineError, SlowError
from pipeline.live import LiveScript, LiveTable
from pipeline.resources.resource import Resource, Result, Run
from pipeline.resources.script import KIND, Script
from pipeline.resources.table import Table
from pipeline.sql.objects import Catalog

if TYPE_CHECKING:
    from pipeline.clients.postgres import Transaction
    from pipeline.services import Services


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
