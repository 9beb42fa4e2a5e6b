"""Reads the templates of connectors: connectors/templates/*.yaml.j2.

A template begins with a YAML header between two lines of `---`. The header describes the template
and declares the variables of its specs, each with a type. The rest is Jinja, and yields the
connector's configuration in YAML. A new kind of connector needs a new template, and no Python code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, create_model

from pipeline import textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import yamlfile
from pipeline.repository.specs import NO_TEMPLATE, Identifier, Spec, TopicName

FOLDER = Path("connectors") / "templates"
SUFFIX = ".yaml.j2"
# Renders the properties that all sinks share. It has no header.
EVERY_SINK = f"every-sink{SUFFIX}"
FENCE = "---"
# What every template is given beside its own variables: desired.py, rendering.py.
TAKEN = {"replication", "annotated", "as_in_topics", "is_key", "range", "dict", "namespace"}
# The types of variables, each with the values that a spec can give. checks.py and source.py use
# the names.
TYPES: Mapping[str, Any] = {
    "topic": TopicName,
    "topics": Annotated[list[TopicName], Field(min_length=1)],
    "field": Identifier,
    "by-field": dict[Identifier, dict[str, JsonValue]],
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
    maximum: int | None = Field(None, description="Largest value of a number.")
    schema_: bool = Field(
        default=False, alias="schema", description="Whether the topic needs a file in schemas/."
    )


class Header(yamlfile.Model):
    """The header of a template."""

    description: str = Field(description="What the connector does.")
    variables: dict[Identifier, Variable] = Field(default_factory=dict)
    not_secret: list[str] = Field(
        default_factory=list,
        description="Keys of the configuration that look like a secret's, and are none.",
    )


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
    templates: dict[str, Template] = {}
    files, mistakes = textfile.listed(root / FOLDER, SUFFIX, {EVERY_SINK})
    for file in files:
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
    lines = textfile.read(file).split("\n")
    if lines[0] != FENCE or FENCE not in lines[1:]:
        message = f"must begin with a header between two lines of {FENCE}: see docs/specs.md"
        raise SpecError((Mistake(file, 1, "", message),))
    header: Header = yamlfile.parse(file, "\n".join(["", *lines[1 : end_of(lines)]]), Header)
    mistakes = tuple(_unusable(file, name, header))
    if mistakes:
        raise SpecError(mistakes)
    return Template(name, file, header, _model(name, header))


def _unusable(file: Path, name: str, header: Header) -> Iterator[Mistake]:
    """What is right by itself, and yet makes no kind of connector."""
    if name == NO_TEMPLATE:
        yield Mistake(file, None, "", f"{NO_TEMPLATE} stands for no template: call yours otherwise")
    for key, variable in header.variables.items():
        place = f"variables.{key}"
        if key in TAKEN or hasattr(Spec, key) or key in Spec.model_fields:
            yield Mistake(file, None, place, "the name is taken: call the variable otherwise")
            continue
        bounded = variable.minimum is not None or variable.maximum is not None
        if bounded and variable.type not in {"integer", "number"}:
            message = "minimum and maximum are of an integer or a number"
            yield Mistake(file, None, place, message)
        elif not _fits(variable):
            yield Mistake(file, None, f"{place}.default", f"is no value of type {variable.type}")


def _fits(variable: Variable) -> bool:
    type_, field = _field(variable)
    try:
        annotated: Any = Annotated[type_, field]
        adapter: TypeAdapter[Any] = TypeAdapter(annotated, config=ConfigDict(strict=True))
        if "default" in variable.model_fields_set:
            adapter.validate_python(variable.default)
    except ValidationError:
        return False
    return True


def end_of(lines: list[str]) -> int:
    """The line that ends the header, counted from 0."""
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
    if variable.maximum is not None:
        options["le"] = variable.maximum
    if "default" not in variable.model_fields_set:
        return type_, Field(**options)
    if variable.default is None:
        type_ = type_ | None
    return type_, Field(variable.default, **options)
