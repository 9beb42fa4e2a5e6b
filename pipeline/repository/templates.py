"""Templates of connectors: connectors/templates/*.yaml.j2.

A template begins with a header between two lines of `---`, in YAML: what it is for, and the
variables that a spec gives it, each with a type. The rest is Jinja, and yields the connector's
configuration. A new kind of connector is a new template: no Python knows its name.
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
# What every sink has, whatever its template; it has no header.
EVERY_SINK = f"every-sink{SUFFIX}"
FENCE = "---"
# The types of variables: what a spec may write there. The checks of the repository and the tables
# look for them by these names.
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
    """One variable of a template. Without a default, a spec has to give it."""

    type: Literal[
        "topic", "topics", "field", "by-field", "table", "columns", "text", "integer", "number",
        "boolean",
    ] = Field(
        description="topic: a topic to write. topics: topics to read. field: a field of the topic's"
        " schema. by-field: a mapping by field of the topic's schema. table: a table of PostgreSQL,"
        " made from the schemas of the topics. columns: columns of that table. Or a plain type."
    )  # fmt: skip
    description: str = Field(description="What editors show.")
    default: Any = Field(None, description="Value of a spec that does not give it; may be null.")
    minimum: int | None = Field(None, description="Least value of a number.")
    schema_: bool = Field(
        default=False, alias="schema", description="Whether a topic needs a file in schemas/."
    )


class Header(yamlfile.Model):
    """What a template declares of itself."""

    description: str = Field(description="What the connector does.")
    variables: dict[Identifier, Variable] = Field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A template and the model of the specs that use it."""

    name: str
    file: Path
    header: Header
    model: type[Spec]


def load(root: Path) -> dict[str, Template]:
    """The templates by name.

    Raises:
        SpecError: with every mistake in every header.
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
    for variable, declared in header.variables.items():
        fields[variable] = _field(declared)
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
        # The templates are YAML, and autoescape would write HTML into them.
        self._jinja = Environment(  # noqa: S701
            loader=_Bodies(self._folder), undefined=StrictUndefined, trim_blocks=True
        )

    def render(self, name: str, variables: Mapping[str, Any], spec: Path) -> dict[str, Any]:
        """The properties that a template yields for a spec.

        Raises:
            SpecError: it cannot be rendered, or yields no properties; with the template's file.
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
    """Templates without their headers; what remains keeps its lines."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        text, file, is_current = super().get_source(environment, template)
        lines = text.split("\n")
        if lines[0] == FENCE:
            end = _end(lines) + 1
            text = "\n".join([""] * end + lines[end:])
        return text, file, is_current
