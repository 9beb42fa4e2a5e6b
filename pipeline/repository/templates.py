"""Reads and renders the templates of connectors: connectors/templates/*.yaml.j2.

A template begins with a YAML header between two lines of `---`. The header describes the template
and declares the variables of its specs, each with a type. The rest is Jinja, and yields the
connector's configuration in YAML. A new kind of connector needs a new template, and no Python code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from pydantic import Field, create_model

from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.repository.specs import Identifier, Spec, TopicName

FOLDER = Path("connectors") / "templates"
SUFFIX = ".yaml.j2"
# Renders the properties that all sinks share. It has no header.
EVERY_SINK = f"every-sink{SUFFIX}"
FENCE = "---"
# The types of variables, each with the values that a spec can give. checks.py and source.py use
# the names.
TYPES: Mapping[str, Any] = {
    "topic": TopicName,
    "topics": Annotated[list[TopicName], Field(min_length=1)],
    "field": Identifier,
    "by-field": dict[Identifier, dict[str, Any]],
    "table": Identifier,
    "columns": Annotated[list[Identifier], Field(min_length=1)],
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
}


class Variable(yamlfile.Model):
    """A variable of a template. If it has no default, every spec must give a value."""

    type: Literal[
        "topic", "topics", "field", "by-field", "table", "columns", "text", "integer", "number",
        "boolean",
    ] = Field(
        description="topic: a topic to write. topics: topics to read. field: a field of the topic's"
        " schema. by-field: a mapping by field of the topic's schema. table: a table of PostgreSQL,"
        " made from the topics' schemas. columns: columns of that table. Or a plain type."
    )  # fmt: skip
    description: str = Field(description="Text that editors show.")
    default: Any = Field(None, description="Value if a spec does not give one. Can be null.")
    minimum: int | None = Field(None, description="Smallest value of a number.")
    schema_: bool = Field(
        default=False, alias="schema", description="Whether the topic needs a file in schemas/."
    )


class Header(yamlfile.Model):
    """The header of a template."""

    description: str = Field(description="What the connector does.")
    variables: dict[Identifier, Variable] = Field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A template, and the model of its specs."""

    name: str
    file: Path
    header: Header
    model: type[Spec]


def load(root: Path) -> dict[str, Template]:
    """Reads the templates' headers; returns the templates by name.

    Raises:
        SpecError: headers have mistakes; the error has those of all templates.
    """
    mistakes: list[Mistake] = []
    templates: dict[str, Template] = {}
    for file in sorted((root / FOLDER).glob(f"*{SUFFIX}")):
        if file.name == EVERY_SINK:
            continue
        try:
            template = _template(file)
        except SpecError as error:
            mistakes += error.mistakes
        else:
            templates[template.name] = template
    if mistakes:
        raise SpecError(tuple(mistakes))
    return templates


def _template(file: Path) -> Template:
    name = file.name.removesuffix(SUFFIX)
    lines = file.read_text().split("\n")
    if lines[0] != FENCE or FENCE not in lines[1:]:
        message = f"must begin with a header between two lines of {FENCE}: see docs/specs.md"
        raise SpecError((Mistake(file, 1, "", message),))
    header: Header = yamlfile.parse(file, "\n".join(["", *lines[1 : _end(lines)]]), Header)
    return Template(name, file, header, _model(name, header))


def _end(lines: list[str]) -> int:
    return lines.index(FENCE, 1)


def _model(name: str, header: Header) -> type[Spec]:
    fields: dict[str, Any] = {"template": (Literal[name], Field(description=header.description))}
    for key, variable in header.variables.items():
        fields[key] = _field(variable)
    return create_model(f"{name} spec", __base__=Spec, **fields)


def _field(variable: Variable) -> tuple[Any, Any]:
    type_ = TYPES[variable.type]
    options: dict[str, Any] = {"description": variable.description}
    if variable.minimum is not None:
        options["ge"] = variable.minimum
    if "default" not in variable.model_fields_set:
        return type_, Field(**options)
    if variable.default is None:
        type_ = type_ | None
    return type_, Field(variable.default, **options)


class Renderer:
    """Renders the templates of one repository."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        # The output is YAML: autoescape would write HTML entities into it.
        self._jinja = Environment(  # noqa: S701
            loader=_Bodies(self._folder), undefined=StrictUndefined, trim_blocks=True
        )

    def render(self, name: str, variables: Mapping[str, Any], spec: Path) -> dict[str, Any]:
        """The properties that a template yields. `spec` is the spec's file, for messages.

        Raises:
            SpecError: the template cannot be rendered, or does not yield a mapping.
        """
        file = self._folder / name
        try:
            text = self._jinja.get_template(name).render(variables)
            properties = yaml.load(text, Loader=yamlfile.Loader)  # noqa: S506 - a safe loader
        except (TemplateError, yaml.YAMLError) as error:
            line = getattr(error, "lineno", None)
            message = f"cannot be rendered for {spec}: {type(error).__name__}: {error}"
            raise SpecError((Mistake(file, line, "", message),)) from None
        if not isinstance(properties, dict):
            raise SpecError((Mistake(file, None, "", "must yield a mapping of properties"),))
        return properties


class _Bodies(FileSystemLoader):
    """Loads templates with blank lines in place of the header, so that line numbers stay right."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        text, file, is_current = super().get_source(environment, template)
        lines = text.split("\n")
        if lines[0] == FENCE:
            end = _end(lines) + 1
            text = "\n".join([""] * end + lines[end:])
        return text, file, is_current
