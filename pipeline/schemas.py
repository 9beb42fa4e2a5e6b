"""Avro schemas, with Datagen's annotations and without them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from pipeline.suggest import unknown

ANNOTATION = "arg.properties"
# What Datagen knows there: Confluent's and ours use one generator.
OPTIONS: Mapping[str, frozenset[str]] = {
    "iteration": frozenset({"start", "restart", "step", "initial"}),
    "range": frozenset({"min", "max"}),
    "length": frozenset({"min", "max"}),
    "options": frozenset({"file", "encoding"}),
    **dict.fromkeys(("keys", "odds", "prefix", "regex", "suffix"), frozenset()),
}
TYPES = (
    "null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum",
    "array", "map", "fixed",
)  # fmt: skip
# Attributes with Connect's types. ksqlDB registers each of its schemas with and without them.
CONNECTS_OWN = {"connect.name", "connect.version"}

Schema = dict[str, Any]


def subject_of(topic: str) -> str:
    """The subject of a topic's values, as the registry's TopicNameStrategy names it."""
    return f"{topic}-value"


def contract(schema: Any) -> Any:
    """The schema as it is registered: without Datagen's annotations."""
    return _without(schema, {ANNOTATION})


def _without(schema: Any, attributes: set[str]) -> Any:
    if isinstance(schema, dict):
        kept = {
            k: v if k == "default" else _without(v, attributes)
            for k, v in schema.items()
            if k not in attributes
        }
        return kept["type"] if set(kept) == {"type"} else kept
    if isinstance(schema, list):
        return [_without(item, attributes) for item in schema]
    return schema


def compact(schema: Any) -> str:
    """JSON without white space. Some registries find a schema only by its exact text."""
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def canonical(schema: Any) -> str:
    """A text that is equal for equal contracts. Order of attributes and white space do not matter.

    Avro's Parsing Canonical Form drops documentation and logical types. Here they are part of the
    contract.
    """
    bare = _without(schema, {ANNOTATION, *CONNECTS_OWN})
    return json.dumps(bare, sort_keys=True, separators=(",", ":"))


def problem(schema: Any) -> str | None:
    """Why this is not an Avro record schema; None if it is one."""
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return "the top level must be a record"
    told = _problem_of_fields(schema.get("fields")) or _parsed(schema)
    return f"not an Avro schema: {told}" if told else None


def _problem_of_fields(fields: Any) -> str:
    if not isinstance(fields, list):
        return "a record has `fields`, a list"
    for field in fields:
        if not isinstance(field, dict) or not isinstance(field.get("name"), str):
            return "a field is a mapping with a `name`, a text"
        if "type" not in field:
            return f"the field {field['name']} has no `type`"
    return ""


def _parsed(schema: Schema) -> str:
    try:
        parse_schema(contract(schema), _write_hint=False)
    except UnknownType as error:
        return unknown("type", str(error.name), TYPES)
    except KeyError as error:
        return f"{error} is missing"
    except SchemaParseException as error:
        return str(error)
    # fastavro takes the shape of what it reads for granted.
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def bad_options(options: Any) -> Iterator[tuple[str, str]]:
    """The place and the mistake of each of Datagen's options that it does not know."""
    if not isinstance(options, Mapping):
        yield "", f"{ANNOTATION} is a mapping"
        return
    for name, value in options.items():
        if name not in OPTIONS:
            yield name, unknown("option", name, OPTIONS)
        elif isinstance(value, Mapping):
            for part in sorted(value.keys() - OPTIONS[name]):
                if name != "keys":
                    yield f"{name}.{part}", unknown("option", part, OPTIONS[name])


def bad_annotations(schema: Any) -> Iterator[str]:
    """What is wrong with the annotations anywhere in a schema."""
    if isinstance(schema, dict):
        if ANNOTATION in schema:
            yield from (message for _, message in bad_options(schema[ANNOTATION]))
        parts = [v for k, v in schema.items() if k not in {ANNOTATION, "default"}]
    else:
        parts = schema if isinstance(schema, list) else []
    for part in parts:
        yield from bad_annotations(part)


def annotate(schema: Schema, generator: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The schema with other Datagen annotations for some of its top-level fields."""
    fields = [
        {**field, "type": _annotated(field["type"], generator[field["name"]])}
        if field["name"] in generator
        else field
        for field in schema["fields"]
    ]
    return {**schema, "fields": fields}


def _annotated(field_type: Any, properties: Mapping[str, Any]) -> Any:
    plain = field_type if isinstance(field_type, dict) else {"type": field_type}
    return {**plain, ANNOTATION: properties}


def field_names(schema: Schema) -> list[str]:
    """The names of the top-level fields."""
    return [str(field["name"]) for field in schema["fields"]]
