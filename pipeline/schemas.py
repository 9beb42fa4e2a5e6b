"""Avro schemas, with the annotations of this repository and without them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline import privacy
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
# Attributes with Connect's types. ksqlDB registers each of its schemas with and without them.
CONNECTS_OWN = {"connect.name", "connect.version"}
NAMED = ("record", "enum", "fixed", "error")
PRIMITIVE = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
# Attributes in the order in which Avro's own libraries write them; all others come in between.
FIRST = ("type", "name", "namespace", "doc", "fields", "symbols", "items", "values", "size")
FIRST_OF_FIELD = ("name", "type", "doc", "default", "order")
LAST = ("aliases",)
# Attributes that hold schemas.
INNER = {"type", "fields", "items", "values"}

Schema = dict[str, Any]


def subject_of(topic: str) -> str:
    """The subject of a topic's values, as the registry's TopicNameStrategy names it."""
    return f"{topic}-value"


def contract(schema: Any) -> Any:
    """The schema as it is registered: without the annotations of Datagen and of privacy."""
    return _without(schema, {ANNOTATION, privacy.ATTRIBUTE})


def tagged(schema: Any) -> Any:
    """The schema without Datagen's annotations, but with those of privacy."""
    return _without(schema, {ANNOTATION})


def generated(schema: Any) -> Any:
    """The schema as Datagen gets it: without the annotations of privacy."""
    return _without(schema, {privacy.ATTRIBUTE})


def _without(schema: Any, attributes: set[str]) -> Any:
    def bare(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        kept = {key: value for key, value in part.items() if key not in attributes}
        return kept["type"] if set(kept) == {"type"} else kept

    return _mapped(schema, bare)


def _mapped(schema: Any, change: Callable[[Any], Any]) -> Any:
    """The schema with each schema and field in it changed, the inner ones first.

    Defaults and other attributes are values, even if they look like schemas.
    """
    if isinstance(schema, list):
        return [_mapped(item, change) for item in schema]
    if not isinstance(schema, dict):
        return change(schema)
    return change({k: _mapped(v, change) if k in INNER else v for k, v in schema.items()})


def compact(schema: Any) -> str:
    """JSON without white space."""
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def text(schema: Any) -> str:
    """The text to register. Registries and writers find a schema only by its exact text.

    So it is the text that Avro's own libraries write, whatever the order in the file.
    """
    return compact(_mapped(schema, _in_order))


def _in_order(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    first = FIRST_OF_FIELD if "name" in part and part.get("type") not in NAMED else FIRST
    start = [key for key in first if key in part]
    end = [key for key in LAST if key in part]
    others = [key for key in part if key not in {*start, *end}]
    return {key: part[key] for key in (*start, *others, *end)}


def canonical(schema: Any) -> str:
    """A text that is equal for equal contracts, in whatever order and style they are written.

    Avro's Parsing Canonical Form drops documentation and logical types. Here they are part of the
    contract.
    """
    return json.dumps(meaning(schema), sort_keys=True, separators=(",", ":"))


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


def meaning(schema: Any) -> Any:
    """The contract in one style: one order, full names, and nothing that holds without it."""
    bare = _without(contract(schema), CONNECTS_OWN)
    return _mapped(_full(bare, ""), _in_one_order)


def _in_one_order(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    values = {k: part[k] if k in INNER else _sorted(part[k]) for k in sorted(part)}
    return _in_order(values)


def _sorted(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


def _full(schema: Any, namespace: str) -> Any:
    if isinstance(schema, list):
        return [_full(item, namespace) for item in schema]
    if isinstance(schema, str):
        return schema if schema in PRIMITIVE else _name(schema, namespace)
    return _full_of(schema, namespace) if isinstance(schema, dict) else schema


def _full_of(schema: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    own = dict(schema)
    if own.get("type") in NAMED:
        own["name"] = _name(str(own.get("name")), own.pop("namespace", namespace))
        namespace = own["name"].rpartition(".")[0]
        if "aliases" in own:
            own["aliases"] = [_name(alias, namespace) for alias in own["aliases"]]
    if "fields" in own:
        own["fields"] = [_field(field, namespace) for field in own["fields"]]
    for key in ("items", "values"):
        if key in own:
            own[key] = _full(own[key], namespace)
    return own


def _field(field: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    # Avro's order of sorting; ascending is what holds without it.
    kept = {k: v for k, v in field.items() if (k, v) != ("order", "ascending")}
    return {**kept, "type": _full(field["type"], namespace)}


def _name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


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
