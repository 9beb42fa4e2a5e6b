"""A connector spec with its file and its template."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import Mistake
from pipeline.repository import yamlfile
from pipeline.repository.specs import Spec
from pipeline.repository.templates import Template

# The folder of connectors/ that has the sinks.
SINKS = "sinks"
DEAD_LETTER_QUEUE = "errors.deadletterqueue.topic.name"


@dataclass(frozen=True)
class Source:
    """A connector spec. `template` is None if the spec has the complete configuration.

    `from_target` has the properties of its configuration that the target's file gives, with their
    keys there.
    """

    file: Path
    spec: Spec
    template: Template | None
    target_file: Path = Path()
    from_target: Mapping[str, str] = field(default_factory=dict)

    def given(self, type_: str) -> dict[str, Any]:
        """The values in the spec for variables of a type, by variable; without those of null."""
        variables = self.template.header.variables if self.template else {}
        return {
            name: getattr(self.spec, name)
            for name, variable in variables.items()
            if variable.type == type_ and getattr(self.spec, name) is not None
        }

    @property
    def is_sink(self) -> bool:
        """Whether it is a sink: its folder says so."""
        return self.file.parent.name == SINKS

    @property
    def writes(self) -> tuple[str, ...]:
        """The topics that the connector writes; empty for a source without a template."""
        return tuple(self.given("topic").values())

    @property
    def reads(self) -> tuple[str, ...]:
        """The topics that the connector reads."""
        names = [topic for topics in self.given("topics").values() for topic in topics]
        if self.template is None and self.is_sink:
            listed = str(self.spec.config.get("topics", "")).split(",")
            names = [name for topic in listed if (name := topic.strip())]
        return tuple(names)

    @property
    def queue(self) -> str:
        """A sink's dead letter queue; "" for a source. The name is that of every-sink.yaml.j2."""
        default = f"{self.spec.name}_dlq" if self.is_sink else ""
        return str(self.spec.config.get(DEAD_LETTER_QUEUE, default))

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that the connector writes or reads."""
        return (*self.writes, *self.reads)

    @property
    def table(self) -> str:
        """The table that the connector writes; "" if it writes none."""
        return next(iter(self.given("table").values()), "")

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the table's primary key."""
        return tuple(next(iter(self.given("columns").values()), ()))

    def mistake(self, key: str, message: str) -> Mistake:
        """A mistake at a dotted key of the spec, or of the target if that has it."""
        of_target = self.from_target.get(key.removeprefix("config."))
        if of_target:
            return yamlfile.mistake(self.target_file, of_target, message)
        return yamlfile.mistake(self.file, key, message)
