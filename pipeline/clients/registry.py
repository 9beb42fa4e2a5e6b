"""The Schema Registry's REST API, in Confluent's dialect."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.clients.http import Service
from pipeline.live import LiveSubject
from pipeline.schemas import Schema, compact

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class Registry:
    """A registry under the root of its Confluent API."""

    def __init__(self, url: str) -> None:
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        self._http = Service("Schema Registry", url, headers)

    def subjects(self) -> list[str]:
        """Every subject.

        Raises:
            ServiceError: here and in every method, the registry is unreachable or refuses.
        """
        return [str(name) for name in self._http.json("GET", "/subjects")]

    def latest(self, subject: str) -> LiveSubject:
        """The newest version, with the compatibility level in force."""
        return self.version(subject, "latest")

    def versions(self, subject: str) -> list[int]:
        """The numbers of a subject's versions."""
        return [int(number) for number in self._http.json("GET", f"/subjects/{subject}/versions")]

    def version(self, subject: str, number: int | str) -> LiveSubject:
        """One version, with the compatibility level in force."""
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
        """Why the schema may not become the subject's next version; empty if it may."""
        path = f"/compatibility/subjects/{subject}/versions/latest?verbose=true"
        answer: Mapping[str, Any] = self._http.json("POST", path, _body(schema))
        if answer["is_compatible"]:
            return ()
        return tuple(answer.get("messages") or ("the registry gives no reason",))

    def register(self, subject: str, schema: Schema) -> int:
        """The id of the schema, registered if it was not."""
        answer = self._http.json("POST", f"/subjects/{subject}/versions", _body(schema))
        return int(answer["id"])

    def set_compatibility(self, subject: str, level: str) -> None:
        """Sets the level that the next version is checked against."""
        self._http.json("PUT", f"/config/{subject}", {"compatibility": level})

    def delete(self, subject: str) -> None:
        """Removes a subject with all its versions."""
        self._http.json("DELETE", f"/subjects/{subject}")
        response = self._http.call("DELETE", f"/subjects/{subject}?permanent=true")
        # Some registries have but one kind of deletion.
        if not response.ok and response.status_code not in {404, 405}:
            raise self._http.error("DELETE", f"/subjects/{subject}?permanent=true", response)


def _body(schema: Schema) -> dict[str, str]:
    return {"schema": compact(schema), "schemaType": "AVRO"}


def _parsed(text: str) -> Schema:
    parsed: Schema = json.loads(text)
    return parsed
