"""The REST API of Confluent's Schema Registry, which Apicurio has as well."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.clients.http import Service
from pipeline.live import LiveSubject
from pipeline.schemas import Schema, text

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class Registry:
    """A Schema Registry. `url` is the root of its Confluent-compatible API."""

    def __init__(self, url: str) -> None:
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        self.url = url
        self._http = Service("Schema Registry", url, headers)

    def subjects(self) -> list[str]:
        """The names of all subjects.

        Raises:
            ServiceError: as in every method, the registry is unreachable or answers with an error.
        """
        return [str(name) for name in self._http.json("GET", "/subjects")]

    def latest(self, subject: str) -> LiveSubject:
        """The latest version of a subject, with the compatibility level that applies to it."""
        return self.version(subject, "latest")

    def versions(self, subject: str) -> list[int]:
        """The version numbers of a subject."""
        return [int(number) for number in self._http.json("GET", f"/subjects/{subject}/versions")]

    def version(self, subject: str, number: int | str) -> LiveSubject:
        """A version of a subject, with the compatibility level that applies to it."""
        version = self._http.json("GET", f"/subjects/{subject}/versions/{number}")
        return LiveSubject(
            name=subject,
            version=version["version"],
            id=version["id"],
            schema=_parsed(version["schema"]),
            compatibility=self._level(subject),
        )

    def _level(self, subject: str) -> str:
        response = self._http.call("GET", f"/config/{subject}")
        if response.status_code == 404:
            response = self._http.call("GET", "/config")
        if not response.ok:
            raise self._http.error("GET", f"/config/{subject}", response)
        return str(response.json()["compatibilityLevel"])

    def incompatibilities(self, subject: str, schema: Schema) -> tuple[str, ...]:
        """Why a schema is not compatible with the subject's latest version; empty if it is."""
        path = f"/compatibility/subjects/{subject}/versions/latest?verbose=true"
        answer: Mapping[str, Any] = self._http.json("POST", path, _body(schema))
        if answer["is_compatible"]:
            return ()
        return tuple(answer.get("messages") or ("the registry gives no reason",))

    def register(self, subject: str, schema: Schema) -> int:
        """Registers a schema, if it is not registered yet; returns its id."""
        answer = self._http.json("POST", f"/subjects/{subject}/versions", _body(schema))
        return int(answer["id"])

    def registered(self, subject: str, schema: Schema) -> int | None:
        """The version of a subject that has this schema; None if no version has it."""
        path = f"/subjects/{subject}"
        response = self._http.call("POST", path, _body(schema))
        if response.status_code == 404:
            return None
        if not response.ok:
            raise self._http.error("POST", path, response)
        return int(response.json()["version"])

    def set_compatibility(self, subject: str, level: str) -> None:
        """Sets a subject's compatibility level."""
        self._http.json("PUT", f"/config/{subject}", {"compatibility": level})

    def delete(self, subject: str) -> None:
        """Deletes a subject with all its versions."""
        self._http.json("DELETE", f"/subjects/{subject}")
        response = self._http.call("DELETE", f"/subjects/{subject}?permanent=true")
        # Some registries have no second, permanent deletion.
        if not response.ok and response.status_code not in {404, 405}:
            raise self._http.error("DELETE", f"/subjects/{subject}?permanent=true", response)


def _body(schema: Schema) -> dict[str, str]:
    return {"schema": text(schema), "schemaType": "AVRO"}


def _parsed(text: str) -> Schema:
    parsed: Schema = json.loads(text)
    return parsed
