"""db_setup.sql: what a person decides about the database, and what it made. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.change import Action, Change, Edit, lines
from pipeline.live import Line, LiveScript
from pipeline.sql import objects
from pipeline.sql.objects import Catalog, Drift, Object
from pipeline.sql.steps import Step, UnclosedError, split

# The privileges of db_setup.sql's roles: Connect upserts and deletes; dashboards and Airflow read.
PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "connect_writer": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "bi_reader": ("SELECT",),
    "orchestrator": ("SELECT",),
}
# Who reads no column that tells who somebody is. Airflow's checks look at every column.
DASHBOARDS = frozenset({"bi_reader"})
KIND = "table"
UPGRADED = "PostgreSQL has been upgraded: what the script made is read again"


@dataclass(frozen=True)
class Script:
    """db_setup.sql: roles, indexes, views and tables that no schema can describe.

    `tables` has the columns of those that sinks write. They are not the script's.
    """

    file: Path
    text: str
    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its statements. A script with a problem has none."""
        return split(self.text)

    def problems(self) -> Iterator[str]:
        """Why a deployment cannot run it."""
        try:
            refused = [(step.line, step.refusal) for step in self.steps if step.refusal]
        except UnclosedError as error:
            refused = [(error.line, str(error))]
        yield from (f"{self.file}:{line}: {refusal}" for line, refusal in refused)

    def difference(self, live: LiveScript | None) -> Change | None:
        """Compares the text line by line, and what the script made object by object."""
        if live is None:
            return Change(KIND, self.name, Action.CREATE, declared=self)
        changed = (
            *self._lines(live),
            *(
                Edit(item.label, _said(before), _said(after))
                for item, (before, after) in self._drift(live).items()
            ),
            *(
                Edit(f"role {role}", "another password", f"that of {secret}")
                for role, secret in (live.rotated or {}).items()
            ),
        )
        note = UPGRADED if live.made is None else ""
        if not changed and not note:
            return None
        return Change(KIND, self.name, Action.UPDATE, changed, note, self, live)

    def _lines(self, live: LiveScript) -> Iterator[Edit]:
        return lines(_of(live.text), _of(self.text))

    def is_same(self, live: LiveScript | None) -> bool:
        """Whether its text is the one that ran last."""
        return live is not None and not any(self._lines(live))

    def needs_only_passwords(self, change: Change) -> bool:
        """Whether a change of it is of its roles' passwords alone."""
        live: LiveScript | None = change.live
        is_made = live is not None and live.made is not None
        return bool(change.edits) and is_made and self.is_same(live) and not self._drift(live)

    def _drift(self, live: LiveScript | None) -> Drift:
        """What is not as the script made it, of what it still makes."""
        if live is None or live.made is None:
            return {}
        made = {item: live.made[item] for item in self._kept(live)}
        return objects.drift(made, live.found)

    def settling(self, live: LiveScript | None) -> Iterator[str]:
        """The SQL that undoes by-hand changes that no run of the script would undo."""
        for item, (found, made) in self._drift(live).items():
            yield from objects.settling(found, made, item)

    def mending(self, live: LiveScript | None, after: Catalog) -> Iterator[str]:
        """The SQL that creates what a run of the same script does not create again."""
        for item, (found, made) in self._left(live, after).items():
            sql = objects.remedy(found, made, item)
            if sql and not objects.is_lossy(found, made, item):
                yield sql

    def unsettled(self, live: LiveScript | None, after: Catalog) -> Iterator[str]:
        """What is not as the same script has made it before, and what a person has to do."""
        for item, (found, made) in self._left(live, after).items():
            sql = objects.remedy(found, made, item)
            advice = f"run {sql}" if sql else "make it so by hand"
            now = "is gone" if found is None else f"is {_said(found)}"
            yield (
                f"{self.file}: {item.label} {now}, it was made {_said(made)}, and the script does"
                f" not change that: {advice}; or change the script, if that is meant"
            )

    def _left(self, live: LiveScript | None, after: Catalog) -> Drift:
        if live is None or live.made is None or not self.is_same(live):
            return {}
        return {
            item: (found, made)
            for item, (found, made) in objects.drift(live.made, self.beyond(after)).items()
            if item.kind not in objects.REPLACED or found is None
        }

    def beyond(self, catalog: Catalog) -> Catalog:
        """A catalog without what the sinks' tables are made of."""
        return objects.beyond(catalog, self.tables, PRIVILEGES)

    def made(self, before: Catalog, after: Catalog, live: LiveScript | None) -> Catalog:
        """What is the script's of a catalog, by how it was before the script ran."""
        left, right = self.beyond(before), self.beyond(after)
        made = objects.ours(left, right, self._kept(live), self._naming(self.text))
        # What is declared is none of it, even if it is not declared any more at the next time.
        return {item: made[item] for item in made if (item.kind, item.name) not in self._declared}

    @property
    def _declared(self) -> set[tuple[str, str]]:
        return {(KIND, name) for name in self.tables}

    def _kept(self, live: LiveScript | None) -> frozenset[Object]:
        old = live.made if live and live.made is not None else {}
        if live is None or self.is_same(live):
            return frozenset(old)
        return objects.kept(old, self._naming(live.text), self._naming(self.text))

    def _naming(self, text: str) -> objects.Naming:
        return objects.names_of(text, self.tables)

    def left_behind(self, live: LiveScript | None) -> Iterator[str]:
        """What a changed script does not make any more, and what stays all the same."""
        made = live.made if live and live.made is not None else {}
        kept = self._kept(live)
        for item in sorted(made):
            is_there = live is not None and item in live.found
            if is_there and item not in kept and item.kind in (*objects.RELATIONS, *objects.OWN):
                yield f"{item.label}, which {self.name} does not make any more"

    def notes(self, live: LiveScript | None) -> Iterator[str]:
        """What is left for a person to do after a deployment."""
        for role, secret in ((live and live.rotated) or {}).items():
            yield (
                f"{role} has the password {secret} now. `make up` hands it to the services that"
                " use it; dashboards have to be told"
            )


def _of(text: str) -> tuple[Line, ...]:
    return tuple(Line(line, line) for line in text.splitlines())


def _said(definition: str | None) -> str | None:
    """In one line; what has no definition is there or not."""
    return None if definition is None else " ".join(definition.split()) or "exists"
