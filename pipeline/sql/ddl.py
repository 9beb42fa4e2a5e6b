"""The PostgreSQL statements that create and alter a table. Pure functions: text in, text out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.sql.columns import Column


def create_table(name: str, columns: Iterable[Column], key: tuple[str, ...]) -> str:
    """Creates the table if it does not exist."""
    lines = [definition(column) for column in columns]
    body = ",\n  ".join([*lines, f"PRIMARY KEY ({', '.join(map(quoted, key))})"])
    return f"CREATE TABLE IF NOT EXISTS {quoted(name)} (\n  {body}\n)"


def add_column(table: str, column: Column) -> str:
    """Adds the column if it does not exist. Existing rows get the schema's default."""
    has_default = column.default is not None and not column.nullable
    default = f" DEFAULT {literal(column.default)}" if has_default else ""
    return f"ALTER TABLE {quoted(table)} ADD COLUMN IF NOT EXISTS {definition(column)}{default}"


def set_nullable(table: str, column: Column) -> str:
    """Makes the column nullable or NOT NULL, as `column.nullable` says."""
    verb = "DROP" if column.nullable else "SET"
    return f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column.name)} {verb} NOT NULL"


def add_key(table: str, key: Iterable[str]) -> str:
    """The primary key of a table that has none."""
    return f"ALTER TABLE {quoted(table)} ADD PRIMARY KEY ({', '.join(map(quoted, key))})"


def set_type(table: str, column: Column) -> str:
    """Changes a column's type. Only printed, never run: the conversion can lose data."""
    name = quoted(column.name)
    return (
        f"ALTER TABLE {quoted(table)} ALTER COLUMN {name} TYPE {column.type}"
        f" USING {name}::{column.type}"
    )


def comment_on_table(table: str, comment: str) -> str:
    """Sets the table's comment."""
    return f"COMMENT ON TABLE {quoted(table)} IS {literal(comment)}"


def comment_on_column(table: str, column: Column) -> str:
    """Sets the column's comment."""
    return f"COMMENT ON COLUMN {quoted(table)}.{quoted(column.name)} IS {literal(column.comment)}"


def select_of(columns: Iterable[str]) -> str:
    """The privilege to read some columns, in one order."""
    return f"SELECT ({', '.join(map(quoted, sorted(columns)))})"


def grants(table: str, privileges: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Grants each role its privileges, given by role. One that may read columns reads no others."""
    for role, allowed in privileges.items():
        if any(privilege.startswith("SELECT (") for privilege in allowed):
            yield f"REVOKE SELECT ON {quoted(table)} FROM {quoted(role)}"  # noqa: S608 - quoted
        yield f"GRANT {', '.join(allowed)} ON {quoted(table)} TO {quoted(role)}"


def definition(column: Column) -> str:
    """The column's definition in CREATE TABLE."""
    return f"{quoted(column.name)} {column.type}{'' if column.nullable else ' NOT NULL'}"


def quoted(name: str) -> str:
    """The name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """The value as a string literal, which PostgreSQL casts to the column's type."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"
