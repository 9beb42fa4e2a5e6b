"""A table that sinks write, as their topics' schemas declare it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.change import Action, Change, edits
from pipeline.live import LiveColumn, LiveTable
from pipeline.resources.script import DASHBOARDS, KIND, PRIVILEGES, Script
from pipeline.sql import ddl
from pipeline.sql.columns import Column


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
        after = _described(self.columns, self.comment, self.privileges)
        if live is None:
            created = edits({}, {**after, "primary key": ", ".join(self.key)})
            return Change(KIND, self.name, Action.CREATE, created, declared=self)
        if not live.has_primary_key:
            after["primary key"] = ", ".join(self.key)
        changed = edits(self._existing(live, after), after)
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
            elif existing.nullable != column.nullable and not self._is_keyed(column, live):
                yield ddl.set_nullable(self.name, column)
        if not live.has_primary_key:
            yield ddl.add_key(self.name, self.key)

    def _is_keyed(self, column: Column, live: LiveTable) -> bool:
        """Whether the primary key that is added makes the column NOT NULL."""
        return column.name in self.key and not live.has_primary_key

    def _comments(self, live: LiveTable | None) -> Iterator[str]:
        """Sets the schema's comments. Other comments stay, because a person may have set them."""
        if self.comment and self.comment != (live.comment if live else ""):
            yield ddl.comment_on_table(self.name, self.comment)
        for column in self.columns:
            existing = live.columns.get(column.name) if live else None
            if column.comment and column.comment != (existing.comment if existing else ""):
                yield ddl.comment_on_column(self.name, column)

    def grants(self) -> Iterator[str]:
        """The SQL that gives each role its privileges, and takes those to read what it may not."""
        return ddl.grants(self.name, self.privileges)

    @property
    def privileges(self) -> Mapping[str, tuple[str, ...]]:
        """What each role may do. Dashboards get no column that they may not read."""
        readable = [column.name for column in self.columns if column.is_readable]
        if len(readable) == len(self.columns):
            return PRIVILEGES
        part = (ddl.select_of(readable),) if readable else ()
        return {
            role: part if role in DASHBOARDS else allowed for role, allowed in PRIVILEGES.items()
        }

    def _existing(self, live: LiveTable, wanted: Mapping[str, str]) -> dict[str, str]:
        """The live table in the same words, with the wanted entries only."""
        privileges = {
            role: [held for held in sorted(live.grants[role]) if _concerns(held, allowed)]
            for role, allowed in self.privileges.items()
            if role in live.grants
        }
        described = _described(live.columns.values(), live.comment, privileges)
        return {key: value for key, value in described.items() if key in wanted}

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


def _described(
    columns: Iterable[Column | LiveColumn], comment: str, privileges: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """A table in words, one entry for each thing that a plan shows by itself."""
    listed = tuple(columns)
    return {
        **{f"column {c.name}": f"{c.type}{'' if c.nullable else ' not null'}" for c in listed},
        **{f"comment on {c.name}": c.comment for c in listed if c.comment},
        **({"comment": comment} if comment else {}),
        **{f"privileges of {role}": ", ".join(sorted(held)) for role, held in privileges.items()},
    }


def _concerns(held: str, allowed: Sequence[str]) -> bool:
    """Whether a privilege that a role holds is to be compared with those that it is to have."""
    reads_columns = any(privilege.startswith("SELECT (") for privilege in allowed)
    return held in allowed or (reads_columns and held.startswith("SELECT"))
