"""A Schema Registry that answers as Confluent's was seen to do."""

import json
from collections.abc import Mapping
from typing import Any

# Avro's Schema.toString() gives keys in this order, whatever the order they were registered in.
ORDER = ("type", "name", "namespace", "doc", "fields", "items", "values", "default", "aliases")


def as_avro_writes_it(schema: Any) -> Any:
    """A schema with its keys in Avro's order."""
    if isinstance(schema, list):
        return [as_avro_writes_it(item) for item in schema]
    if isinstance(schema, Mapping):
        if "fields" not in schema and {"name", "type"} <= schema.keys():
            # A field begins with its name.
            keys = sorted(schema, key=("name", "type", "doc", "default").index)
        else:
            keys = sorted(schema, key=lambda key: ORDER.index(key) if key in ORDER else len(ORDER))
        return {key: as_avro_writes_it(schema[key]) for key in keys}
    return schema


class ConfluentRegistry:
    """Subjects with their versions, by number. A schema that is known keeps its id and version.

    A subject that is deleted, but not for good, goes on with the next number; its schemas keep
    their ids.
    """

    def __init__(self) -> None:
        self.versions: dict[str, dict[int, str]] = {}
        self.levels: dict[str, str] = {}
        self.ids: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        parts = path.strip("/").split("/")
        if "permanent=true" in query:
            return self._forget(parts[1])
        if parts[0] == "config":
            return self._config(method, parts[1:], body)
        if parts[0] == "compatibility":
            return 200, {"is_compatible": True, "messages": []}
        if parts == ["subjects"]:
            return 200, sorted(self.versions)
        return self._subject(method, parts[1], parts[2:], body)

    def _subject(self, method: str, subject: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            text = json.dumps(as_avro_writes_it(json.loads(body["schema"])))
            return self._register(subject, text) if rest else self._look_up(subject, text)
        known = self.versions.get(subject)
        if not known:
            return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
        if method == "DELETE":
            return self._delete(subject, rest)
        if len(rest) == 1:
            return 200, sorted(known)
        number = max(known) if rest[1] == "latest" else int(rest[1])
        return 200, self._version(subject, number)

    def _version(self, subject: str, number: int) -> dict[str, Any]:
        text = self.versions[subject][number]
        return {"subject": subject, "version": number, "id": self.ids[text], "schema": text}

    def _config(self, method: str, subject: list[str], body: Any) -> tuple[int, Any]:
        name = subject[0] if subject else ""
        if method == "PUT":
            self.levels[name] = body["compatibility"]
            return 200, body
        if name and name not in self.levels:
            return 404, {"error_code": 40408, "message": f"Subject '{name}' does not have one"}
        return 200, {"compatibilityLevel": self.levels.get(name, "BACKWARD")}

    def _register(self, subject: str, text: str) -> tuple[int, Any]:
        known = self.versions.setdefault(subject, {})
        identity = self.ids.setdefault(text, len(self.ids) + 1)
        if text not in known.values():
            number = self.last.get(subject, 0) + 1
            known[number] = text
            self.last[subject] = number
        return 200, {"id": identity}

    def _look_up(self, subject: str, text: str) -> tuple[int, Any]:
        for number, known in self.versions.get(subject, {}).items():
            if known == text:
                return 200, self._version(subject, number)
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def _delete(self, subject: str, rest: list[str]) -> tuple[int, Any]:
        if rest:
            del self.versions[subject][int(rest[1])]
        else:
            del self.versions[subject]
        return 200, 1

    def _forget(self, subject: str) -> tuple[int, Any]:
        del self.last[subject]
        return 200, 1
