"""Schemas of tests, whose fields tell nothing of a person."""

from typing import Any

from pipeline.privacy import ATTRIBUTE, NONE


def tagged(schema: Any) -> Any:
    """The schema with a tag for each field that needs one and has none."""
    if isinstance(schema, list):
        return [tagged(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    fields = schema.get("fields")
    inner = {**schema, "type": tagged(schema.get("type"))} if "type" in schema else schema
    return (
        {**inner, "fields": [_of(field) for field in fields]} if isinstance(fields, list) else inner
    )


def _of(field: Any) -> Any:
    if not isinstance(field, dict):
        return field
    inner = tagged(field)
    options = inner.get("type")
    options = options if isinstance(options, list) else [options]
    is_record = any(isinstance(o, dict) and o.get("type") == "record" for o in options)
    return inner if is_record else {ATTRIBUTE: NONE, **inner}
