"""Tables of PostgreSQL: those that sinks write, and db_setup.sql, which needs them.

One transaction makes all changes: first the tables, then the script, which creates the roles, then
the roles' privileges. `check` runs the same transaction and rolls it back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.change import Change, Key, Problem
from pipeline.errors import DeniedError, PipelineError, ServiceError, SlowError
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
    stays = True

    def read(
        self, services: "Services", declared: Sequence[Table | Script]
    ) -> Mapping[str, LiveTable | LiveScript]:
        """All tables of the schema public, and what the last run of the script made."""
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
        self,
        declared: Table | Script,
        live: LiveTable | LiveScript | None,
        owner: str,
        *,
        adopt: bool,
    ) -> Iterator[str]:
        """What a deployment cannot run of the script."""
        del live, owner, adopt
        if isinstance(declared, Script):
            yield from declared.problems()

    def unseen(
        self, declared: Sequence[Table | Script], live: Mapping[str, LiveTable | LiveScript]
    ) -> Iterator[str]:
        """The passwords of roles, unless we are a superuser."""
        del declared
        scripts = (item for item in live.values() if isinstance(item, LiveScript))
        if any(script.rotated is None for script in scripts):
            yield "whether roles have the passwords of the secrets: only a superuser may see that"

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
    ) -> list[Problem]:
        """Makes the changes, checks that the tables fit their sinks, and rolls back.

        A statement that takes long, such as an index of a large table, ends the check: what it
        locks is not to wait twice.
        """
        refused = [change for change in changes if _is_refused(change)]
        if any(change.live is None for change in refused):
            # It makes the roles, without which nothing can be made.
            return []
        possible = [change for change in changes if change not in refused]
        try:
            left, tables = _tried(possible, services)
        except SlowError:
            return []
        except _NotMadeError as error:
            found = Problem(KIND, error.change.name, str(error))
            others = [change for change in possible if change is not error.change]
            is_script = isinstance(error.change.declared, Script)
            # Without what the script makes, no privilege can be granted.
            return [found] if is_script else [found, *self.check(others, declared, services)]
        except DeniedError:
            raise
        except PipelineError as error:
            return [Problem(KIND, "", str(error))]
        declared_tables = [item for item in declared if isinstance(item, Table)]
        unfit = [
            Problem(KIND, table.name, message)
            for table in declared_tables
            for message in table.unfit(tables.get(table.name))
        ]
        return [*unfit, *left]

    def apply(self, changes: Sequence[Change], run: Run) -> list[Result]:
        """Makes all changes or none."""
        errors: dict[Key, str | None] = {change.key: None for change in changes}
        try:
            with run.services.database.transaction(deploying=True) as transaction:
                left = _make(changes, transaction)
                if left:
                    transaction.rolled_back()
                    errors = dict.fromkeys(errors, "\n".join(p.message for p in left))
        except _NotMadeError as failure:
            culprit = failure.change
            errors = dict.fromkeys(errors, f"not made, because {KIND} {culprit.name} failed")
            errors[culprit.key] = str(failure)
        except PipelineError as failure:
            errors = dict.fromkeys(errors, str(failure))
        for change in changes:
            run.report(change, errors[change.key])
            if isinstance(change.declared, Script) and not errors[change.key]:
                for note in change.declared.notes(change.live):
                    run.tell(note)
        return [(change, errors[change.key]) for change in changes]

    def status(self, declared: Sequence[Table | Script], services: "Services") -> None:
        """Nothing, if PostgreSQL answers."""
        del declared
        with services.database.transaction():
            pass


def _is_refused(change: Change) -> bool:
    return isinstance(change.declared, Script) and any(change.declared.problems())


def _live(script: Script, transaction: "Transaction") -> LiveScript | None:
    stored = transaction.stored()
    if stored is None:
        return None
    made = None if stored.made is None else script.beyond(stored.made)
    found = script.beyond(transaction.catalog())
    return LiveScript(stored.script, made, found, transaction.rotated())


class _NotMadeError(PipelineError):
    """PostgreSQL refuses a change."""

    def __init__(self, change: Change, message: str) -> None:
        self.change = change
        super().__init__(message)


@contextmanager
def _making(change: Change) -> Iterator[None]:
    try:
        yield
    except (ServiceError, SlowError):
        # It is not the change's fault.
        raise
    except PipelineError as error:
        raise _NotMadeError(change, str(error)) from None


def _tried(
    changes: Sequence[Change], services: "Services"
) -> tuple[list[Problem], Mapping[str, LiveTable]]:
    """What is left of the changes, and the tables as they would be. Writes nothing."""
    with services.database.transaction() as transaction:
        try:
            left = _make(changes, transaction)
        finally:
            tables = transaction.rolled_back()
    return left, tables


def _make(changes: Sequence[Change], transaction: "Transaction") -> list[Problem]:
    """Makes the changes; returns what differs after that from what was made before."""
    script = next((change for change in changes if isinstance(change.declared, Script)), None)
    tables = [change for change in changes if isinstance(change.declared, Table)]
    if script and script.declared.needs_only_passwords(script):
        transaction.set_passwords()
        script = None
    before = _settled(script, transaction) if script else {}
    for change in tables:
        with _making(change):
            for statement in change.declared.statements(change.live):
                transaction.execute(statement, change.declared.file)
    if script:
        with _making(script):
            transaction.run_script(script.declared.file, script.declared.steps)
        transaction.set_passwords()
    for change in tables:
        with _making(change):
            for statement in change.declared.grants():
                transaction.execute(statement, change.declared.file)
    return _stored(script, before, transaction) if script else []


def _settled(change: Change, transaction: "Transaction") -> Catalog:
    """Undoes what the script would not; returns the catalog before that."""
    before = transaction.catalog()
    for statement in change.declared.settling(change.live):
        transaction.execute(statement, change.declared.file)
    return before


def _stored(change: Change, before: Catalog, transaction: "Transaction") -> list[Problem]:
    script: Script = change.declared
    after = transaction.catalog()
    mending = list(script.mending(change.live, after))
    for statement in mending:
        transaction.execute(statement, script.file)
    if mending:
        after = transaction.catalog()
    transaction.store(script.text, script.made(before, after, change.live))
    left = script.unsettled(change.live, after)
    return [Problem(KIND, script.name, message) for message in left]
