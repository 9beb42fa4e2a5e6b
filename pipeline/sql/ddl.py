"""PostgreSQL's statements that make and alter a table. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.sql.columns import Column


def create_table(name: str, columns: Iterable[Column], key: tuple[str, ...]) -> str:
    """A table, unless it is there."""
    lines = [definition(column) for column in columns]
    body = ",\n  ".join([*lines, f"PRIMARY KEY ({', '.join(map(quoted, key))})"])
    return f"CREATE TABLE IF NOT EXISTS {quoted(name)} (\n  {body}\n)"


def add_column(table: str, column: Column) -> str:
    """A column, unless it is there. Rows that are there before it get the schema's default."""
    has_default = column.default is not None and not column.nullable
    default = f" DEFAULT {literal(column.default)}" if has_default else ""
    return f"ALTER TABLE {quoted(table)} ADD COLUMN IF NOT EXISTS {definition(column)}{default}"


def set_nullable(table: str, column: Column) -> str:
    """Whether a column takes nulls."""
    verb = "DROP" if column.nullable else "SET"
    return f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column.name)} {verb} NOT NULL"


def add_key(table: str, key: Iterable[str]) -> str:
    """The primary key of a table that has none."""
    return f"ALTER TABLE {quoted(table)} ADD PRIMARY KEY ({', '.join(map(quoted, key))})"


def set_type(table: str, column: Column) -> str:
    """Another type of a column. Never run here: it can lose what the column holds."""
    name = quoted(column.name)
    return (
        f"ALTER TABLE {quoted(table)} ALTER COLUMN {name} TYPE {column.type}"
        f" USING {name}::{column.type}"
    )


def comment_on_table(table: str, comment: str) -> str:
    """What a table is."""
    return f"COMMENT ON TABLE {quoted(table)} IS {literal(comment)}"


def comment_on_column(table: str, column: Column) -> str:
    """What a column is."""
    return f"COMMENT ON COLUMN {quoted(table)}.{quoted(column.name)} IS {literal(column.comment)}"


def grants(table: str, privileges: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """What each role may do."""
    for role, allowed in privileges.items():
        yield f"GRANT {', '.join(allowed)} ON {quoted(table)} TO {quoted(role)}"


def definition(column: Column) -> str:
    """A column as CREATE TABLE has it."""
    return f"{quoted(column.name)} {column.type}{'' if column.nullable else ' NOT NULL'}"


def quoted(name: str) -> str:
    """A name as it is, whatever word it is."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value as a literal, for PostgreSQL to cast."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"
