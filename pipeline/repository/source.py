"""A connector spec and the file it stands in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Mistake
from pipeline.repository import yamlfile
from pipeline.repository.specs import Spec
from pipeline.repository.templates import Template


@dataclass(frozen=True)
class Source:
    """A spec with its template; None if the spec is all config."""

    file: Path
    spec: Spec
    template: Template | None

    def given(self, *types: str) -> dict[str, Any]:
        """What the spec gives for the variables of some types, by name."""
        variables = self.template.header.variables if self.template else {}
        return {
            name: getattr(self.spec, name)
            for name, variable in variables.items()
            if variable.type in types
        }

    @property
    def writes(self) -> tuple[str, ...]:
        """The topics that it writes, as far as the spec says."""
        return tuple(self.given("topic").values())

    @property
    def reads(self) -> tuple[str, ...]:
        """The topics that it reads."""
        listed = [topic for topics in self.given("topics").values() for topic in topics]
        if self.template is None:
            listed = [t for t in str(self.spec.config.get("topics", "")).split(",") if t]
        return tuple(listed)

    @property
    def topics(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.writes, *self.reads)

    @property
    def table(self) -> str:
        """The table that it writes; "" if none."""
        return next(iter(self.given("table").values()), "")

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the table's primary key."""
        return tuple(next(iter(self.given("columns").values()), ()))

    def mistake(self, key: str, message: str) -> Mistake:
        """A mistake at a dotted key of the spec."""
        return Mistake(self.file, yamlfile.line_of(self.file, key), key, message)
