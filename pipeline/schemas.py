"""Avro schemas, with Datagen's annotations and without them."""

import json
from collections.abc import Mapping
from typing import Any

from fastavro.schema import SchemaParseException, UnknownType, parse_schema

ANNOTATION = "arg.properties"
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
        kept = {k: _without(v, attributes) for k, v in schema.items() if k not in attributes}
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
    try:
        parse_schema(contract(schema), _write_hint=False)
    except (SchemaParseException, UnknownType, KeyError, TypeError) as error:
        return f"not an Avro schema: {error}"
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return "the top level must be a record"
    return None


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
