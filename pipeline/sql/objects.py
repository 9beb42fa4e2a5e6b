"""Objects of a database, and what differs between two readings of its catalog. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

PUBLIC = "PUBLIC"
INSIDE = ("column", "constraint", "index", "trigger", "policy")
RELATIONS = ("table", "view", "materialized view", "foreign table")
OWN = ("index", "trigger", "function", "schema", "role", "sequence", "type", "domain")
# Made again by each run of a script, or the script fails.
REPLACED = ("view", "materialized view", "function")
# What a role may do, beside logging in. Its catalog entry names those that it has.
ATTRIBUTES = ("SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS")
COLUMN = re.compile(
    r"(?P<type>.*?)(?P<not_null> not null)?(?P<generated> generated .*)?(?P<default> default .*)?",
    re.DOTALL,
)


@dataclass(frozen=True, order=True)
class Object:
    """A thing in a database. Names are as SQL has them: quoted if need be.

    `parent` is the table of a column, an index or the like; what privileges are on; the role of
    which a membership is.
    """

    kind: str
    name: str
    parent: str = ""

    @property
    def label(self) -> str:
        """What a plan calls it."""
        if self.kind == "privileges":
            return f"privileges of {self.name} on {self.parent}"
        if self.kind == "membership":
            return f"membership of {self.name} in {self.parent}"
        if self.kind == "comment":
            return f"comment on {self.name}"
        return f"{self.kind} {self.name}{f' of {self.parent}' if self.parent else ''}"


# Definitions by object.
Catalog = Mapping[Object, str]
# Whether a script has a name in it.
Naming = Callable[[str], bool]
# A definition before and after; None if there is no such object.
Drift = Mapping[Object, tuple[str | None, str | None]]


def drift(made: Catalog, found: Catalog) -> Drift:
    """What is not as it was made: the definition that is found, and the one that was made.

    What a person has added is none of it, but for privileges of our roles on our objects, and
    memberships of our roles. What is in an object that is gone is not listed beside it.
    """
    gone = {
        item for item in made.keys() - found.keys() if not item.parent and item.kind != "comment"
    }
    within = {item.name for item in gone}
    return {
        item: (found.get(item), made.get(item))
        for item in sorted({*made, *_taken(made, found)})
        if found.get(item) != made.get(item) and (item in gone or not _names(item) & within)
    }


def _names(item: Object) -> set[str]:
    """What an object is in, or on."""
    if item.kind == "comment":
        name = item.name.partition(" ")[2]
        return {name, name.rpartition(".")[0]}
    return {item.name, item.parent}


def _taken(made: Catalog, found: Catalog) -> Iterator[Object]:
    """What our roles, or all, have been given by hand."""
    roles = {item.name for item in made if item.kind == "role"}
    places = {_place(item) for item in made}
    for item in found.keys() - made.keys():
        if item.kind == "membership" and item.name in roles:
            yield item
        if item.kind == "privileges" and item.name in roles | {PUBLIC} and item.parent in places:
            yield item


def _place(item: Object) -> str:
    """How a privilege names what it is on."""
    return item.name if item.kind in RELATIONS else f"{item.kind} {item.name}"


def settling(found: str | None, made: str | None, item: Object) -> Iterator[str]:
    """The SQL that a deployment runs before the script, which would not do it."""
    if item.kind == "privileges":
        for privilege in sorted(_listed(found) - _listed(made)):
            yield f"REVOKE {privilege} ON {item.parent} FROM {item.name}"
    elif item.kind == "membership" and made is None:
        yield f"REVOKE {item.parent} FROM {item.name}"
    elif item.kind == "role" and found is not None and made is not None:
        yield f"ALTER ROLE {item.name} {_attributes(made)}"
    elif item.kind == "index" and found is not None:
        yield f"DROP INDEX {item.name}"


def is_lossy(found: str | None, made: str | None, item: Object) -> bool:
    """Whether to make an object as it was made can lose rows or values: only a person does that."""
    if item.kind != "column" or found is None or made is None:
        return False
    before, after = COLUMN.fullmatch(found), COLUMN.fullmatch(made)
    return before is None or after is None or before[1] != after[1] or before[3] != after[3]


def remedy(found: str | None, made: str | None, item: Object) -> str:
    """The SQL for what a run of the script has left as it was; "" if there is none."""
    missing = ", ".join(sorted(_listed(made) - _listed(found)))
    drop = f"DROP CONSTRAINT {item.name}, " if found is not None else ""
    comment = str(made).replace("'", "''")
    by_kind = {
        "column": _remedy_of_column(found, made, item),
        "constraint": f"ALTER TABLE {item.parent} {drop}ADD CONSTRAINT {item.name} {made}",
        "privileges": f"GRANT {missing} ON {item.parent} TO {item.name}",
        "membership": f"GRANT {item.parent} TO {item.name}",
        "index": made,
        "trigger": made,
        "comment": f"COMMENT ON {item.name} IS '{comment}'",
    }
    return by_kind.get(item.kind) or ""


def _listed(privileges: str | None) -> set[str]:
    return set(privileges.split(", ")) if privileges else set()


def _attributes(made: str) -> str:
    held = made.split()
    flags = [word if word in held else f"NO{word}" for word in ("LOGIN", *ATTRIBUTES)]
    inherit = "NOINHERIT" if "NOINHERIT" in held else "INHERIT"
    limit = re.search(r"CONNECTION LIMIT \d+", made)
    until = re.search(r"VALID UNTIL '[^']*'", made)
    return " ".join(
        [
            *flags,
            inherit,
            limit[0] if limit else "CONNECTION LIMIT -1",
            until[0] if until else "VALID UNTIL 'infinity'",
        ]
    )


def _remedy_of_column(found: str | None, made: str | None, item: Object) -> str:
    table = f"ALTER TABLE {item.parent}"
    if found is None or made is None:
        return f"{table} ADD COLUMN {item.name} {made}"
    before, after = COLUMN.fullmatch(found), COLUMN.fullmatch(made)
    if before is None or after is None or before["generated"] or after["generated"]:
        return ""
    column = f"ALTER COLUMN {item.name}"
    parts = []
    if before["type"] != after["type"]:
        parts.append(f"{column} TYPE {after['type']} USING {item.name}::{after['type']}")
    if before["default"] != after["default"]:
        parts.append(
            f"{column} SET{after['default']}" if after["default"] else f"{column} DROP DEFAULT"
        )
    if before["not_null"] != after["not_null"]:
        parts.append(f"{column} {'SET' if after['not_null'] else 'DROP'} NOT NULL")
    return f"{table} {', '.join(parts)}"


def ours(before: Catalog, after: Catalog, old: Collection[Object], named: Naming) -> Catalog:
    """Of a catalog, what a run of the script has made, or an earlier one.

    That is what is new or changed since `before`; what is in `old`; and what the script names: it
    may have found it there.
    """
    return {
        item: definition
        for item, definition in after.items()
        if before.get(item) != definition
        or item in old
        or (named(item.name) and (not item.parent or named(item.parent)))
    }


def kept(old: Iterable[Object], were_named: Naming, named: Naming) -> frozenset[Object]:
    """What a changed script still makes: what it names, or what is in something that it names.

    A name that it had and has no more is that of an object that it does not make any more.
    """

    def is_kept(item: Object) -> bool:
        if not item.parent:
            return named(item.name)
        anonymous = item.kind in INSIDE and not were_named(item.name)
        return named(item.parent) and (named(item.name) or anonymous)

    return frozenset(filter(is_kept, old))


def names_of(script: str, tables: Iterable[str]) -> Naming:
    """Whether a script names an object. The pipeline's tables count as named."""
    words = set(re.findall(r"[^\W\d][\w$]*", re.sub(r"--[^\n]*", "", script).lower()))
    words |= {table.lower() for table in tables}

    def named(name: str) -> bool:
        bare = re.sub(r"\(.*", "", name).replace('"', "").split(" ")[-1].split(".")[-1]
        return bare.lower() in words

    return named


def beyond(
    catalog: Catalog,
    tables: Mapping[str, Iterable[str]],
    privileges: Mapping[str, Iterable[str]],
) -> Catalog:
    """A catalog without what follows from the schemas of the sinks' topics.

    `tables` has each table's columns, `privileges` what each role has on all of them.
    """
    left: dict[Object, str] = {Object("table", name): "" for name in tables}
    for item, definition in catalog.items():
        if item.kind == "privileges" and item.parent in tables:
            more = _listed(definition) - set(privileges.get(item.name, ()))
            if more:
                left[item] = ", ".join(sorted(more))
        elif not _derived(item, definition, tables):
            left.setdefault(item, definition)
    return left


def _derived(item: Object, definition: str, tables: Mapping[str, Iterable[str]]) -> bool:
    if item.kind == "column" and item.parent in tables:
        return item.name.strip('"') in tables[item.parent]
    if item.kind == "constraint" and item.parent in tables:
        return definition.startswith("PRIMARY KEY")
    if item.kind != "comment":
        return False
    on, _, name = item.name.partition(" ")
    table, _, column = name.partition(".")
    if on == "table":
        return name in tables
    return on == "column" and column.strip('"') in tables.get(table, ())
