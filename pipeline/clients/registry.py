"""The REST API of Confluent's Schema Registry, which Apicurio has as well."""

import json
from typing import Any
from urllib.parse import quote

from pydantic import Field

from pipeline.clients.http import Answer, Service
from pipeline.live import LiveSubject
from pipeline.repository.connections import Http
from pipeline.schemas import Schema, text

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
AVRO = "AVRO"
# The other types of schemas, as people call them.
NAMES = {"PROTOBUF": "Protobuf", "JSON": "JSON Schema"}


class _Version(Answer):
    version: int
    id: int
    text: str = Field(alias="schema")
    # Of Avro, a registry may leave it out.
    type: str | None = Field(None, alias="schemaType")


class _Level(Answer):
    level: str = Field(alias="compatibilityLevel")


class _Verdict(Answer):
    is_compatible: bool
    messages: list[str] | None = None


class _Registered(Answer):
    id: int


class _Known(Answer):
    version: int


class Registry:
    """A Schema Registry. `place` has the root of its Confluent-compatible API."""

    def __init__(self, place: Http) -> None:
        self.url = place.url
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        self._http = Service("Schema Registry", place, "registry", headers)

    def subjects(self) -> list[str]:
        """The names of all subjects.

        Raises:
            ServiceError: as in every method, the registry is unreachable or answers with an error.
        """
        return self._http.json(list[str], "GET", "/subjects")

    def latest(self, subject: str) -> LiveSubject:
        """The latest version of a subject, with the compatibility level that applies to it."""
        return self.version(subject, "latest")

    def versions(self, subject: str) -> list[int]:
        """The version numbers of a subject."""
        return self._http.json(list[int], "GET", f"/subjects/{_quoted(subject)}/versions")

    def version(self, subject: str, number: int | str) -> LiveSubject:
        """A version of a subject, with the compatibility level that applies to it."""
        path = f"/subjects/{_quoted(subject)}/versions/{number}"
        found = self._http.json(_Version, "GET", path)
        schema, foreign = _parsed(found)
        return LiveSubject(
            name=subject,
            version=found.version,
            id=found.id,
            schema=schema,
            compatibility=self._level(subject),
            foreign=foreign,
        )

    def _level(self, subject: str) -> str:
        own = self._http.find(_Level, "GET", f"/config/{_quoted(subject)}")
        return (own or self._http.json(_Level, "GET", "/config")).level

    def incompatibilities(self, subject: str, schema: Schema) -> tuple[str, ...]:
        """Why a schema is not compatible with the subject's latest version; empty if it is."""
        path = f"/compatibility/subjects/{_quoted(subject)}/versions/latest?verbose=true"
        verdict = self._http.json(_Verdict, "POST", path, _body(schema))
        if verdict.is_compatible:
            return ()
        return tuple(verdict.messages or ("the registry gives no reason",))

    def register(self, subject: str, schema: Schema) -> int:
        """Registers a schema, if it is not registered yet; returns its id."""
        path = f"/subjects/{_quoted(subject)}/versions"
        return self._http.json(_Registered, "POST", path, _body(schema)).id

    def registered(self, subject: str, schema: Schema) -> int | None:
        """The version of a subject that has this schema; None if no version has it."""
        known = self._http.find(_Known, "POST", f"/subjects/{_quoted(subject)}", _body(schema))
        return known.version if known else None

    def set_compatibility(self, subject: str, level: str) -> None:
        """Sets a subject's compatibility level."""
        self._http.send("PUT", f"/config/{_quoted(subject)}", {"compatibility": level})

    def delete(self, subject: str, *, for_good: bool = True) -> None:
        """Deletes a subject with all its versions; if not for good, its schemas keep their ids."""
        path = f"/subjects/{_quoted(subject)}"
        self._http.send("DELETE", path)
        if not for_good:
            return
        response = self._http.call("DELETE", f"{path}?permanent=true")
        # Some registries have no second, permanent deletion.
        if not response.ok and response.status_code not in {404, 405}:
            raise self._http.error("DELETE", f"{path}?permanent=true", response)


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _body(schema: Schema) -> dict[str, str]:
    return {"schema": text(schema), "schemaType": AVRO}


def _parsed(version: _Version) -> tuple[Schema, str]:
    """The schema; or else an empty one, and what the version is in place of an Avro record."""
    kind = version.type or AVRO
    if kind != AVRO:
        return {}, NAMES.get(kind, kind)
    try:
        schema: Any = json.loads(version.text)
    except ValueError:
        schema = version.text
    if isinstance(schema, dict) and schema.get("type") == "record" and "fields" in schema:
        return schema, ""
    return {}, f"Avro's {version.text[:50]}"
