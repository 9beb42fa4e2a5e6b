"""How the services of a target are reached, in the names of their clients' own properties.

Kafka's are those of librdkafka (its CONFIGURATION.md). A secret is a reference, which is resolved
when a client connects: nothing that is printed or written has its value.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from pipeline import textfile
from pipeline.errors import UsageError
from pipeline.repository import envfile, yamlfile
from pipeline.repository.confidential import in_clear_text
from pipeline.repository.sentences import NO_VALUE

# Of consumers that join no group. Their client asks for its coordinator nevertheless.
NO_GROUP = "none"
SERVERS = "bootstrap.servers"
USER_INFO = "basic.auth.user.info"
# ${env:NAME}, ${file:path} for the whole file, ${file:path:KEY} for a KEY=value line of it.
REFERENCE = re.compile(r"\$\{(env|file):([^}:]+)(?::([^}:]+))?\}")
HOW = "write ${env:NAME}, ${file:path}, or ${file:path:KEY} for a KEY=value line"
# What a property's name ends with, if its value is a path.
PATH = re.compile(r"\.location$|^ssl(rootcert|cert|key|crl)$")
# In place of a path: the CAs of the machine, in libpq's word and in librdkafka's.
OF_THE_MACHINE = {"system", "probe"}
SERVER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:/\s,\[\]]+):([0-9]{1,5})")

Scalar = str | int | float | bool


def _url(text: str) -> str:
    if re.search(r"\s", text):
        raise ValueError("has a space within")
    if "@" in text.rsplit("://", maxsplit=1)[-1].split("/", maxsplit=1)[0]:
        raise ValueError("has a user or a password within: addresses are no place for them")
    try:
        port = urlsplit(text).port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("has no port between 1 and 65535 after the colon")
    return text


def _servers(text: str) -> str:
    """The brokers' addresses, without the blanks between them."""
    servers = [server.strip() for server in text.split(",")]
    for server in servers:
        matched = SERVER.fullmatch(server)
        if not matched:
            raise ValueError(f"{server!r} is no host:port ([::1]:9092 for IPv6)")
        if not 1 <= int(matched.group(1)) <= 65535:
            raise ValueError(f"{server!r} has no port between 1 and 65535")
    return ",".join(servers)


Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/]+(/.*)?$"), AfterValidator(_url)]


def _no_secret(key: str, value: str) -> None:
    if in_clear_text(key, REFERENCE.sub("", value)):
        raise ValueError(f"{key} is a secret in clear text: {HOW}")


def _texts(given: Any) -> Any:
    """YAML's numbers and booleans as the texts that they are to the clients."""
    if not isinstance(given, dict):
        return given
    for key, value in given.items():
        if value is None:
            raise ValueError(f"{key} {NO_VALUE}")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
    }


def _properties(given: dict[str, str]) -> dict[str, str]:
    for key, value in given.items():
        _no_secret(key, value)
    return given


def _kafka(given: dict[str, str]) -> dict[str, str]:
    if SERVERS not in given:
        raise ValueError(f"{SERVERS} is missing: host:port of one broker or more, with commas")
    return {**given, SERVERS: _servers(given[SERVERS])}


Properties = Annotated[
    dict[str, str],
    AfterValidator(_properties),
    BeforeValidator(_texts, json_schema_input_type=dict[str, Scalar]),
]
Kafka = Annotated[
    Properties,
    AfterValidator(_kafka),
    BeforeValidator(
        lambda given: {SERVERS: given} if isinstance(given, str) else given,
        json_schema_input_type=str | dict[str, Scalar],
    ),
]


class Http(yamlfile.Model):
    """An HTTP service: its URL, and what it takes to talk to it."""

    url: Url
    user_info: str | None = Field(
        None, alias="basic.auth.user.info", description="`user:password`, of basic authentication."
    )
    bearer: str | None = Field(None, description="A token, sent as `Authorization: Bearer`.")
    ca: str | None = Field(
        None, alias="ssl.ca.location", description="PEM file of the CA that signs its certificate."
    )
    certificate: str | None = Field(
        None, alias="ssl.certificate.location", description="PEM file of the client's certificate."
    )
    key: str | None = Field(
        None, alias="ssl.key.location", description="PEM file of the client's key, unencrypted."
    )

    def __str__(self) -> str:
        """The URL: the rest is nobody's business."""
        return self.url


def _http(given: Any) -> Any:
    return {"url": given} if isinstance(given, str) else given


def _http_checked(http: Http) -> Http:
    for key, value in http.model_dump(by_alias=True, exclude_none=True).items():
        _no_secret(key, value)
    if http.user_info and http.bearer:
        raise ValueError("has basic.auth.user.info and bearer: one of them logs in")
    return http


Service = Annotated[
    Http, BeforeValidator(_http, json_schema_input_type=Url | Http), AfterValidator(_http_checked)
]


def at(url: str) -> Http:
    """A service that needs no more than its URL."""
    return Http.model_validate({"url": url})


def anchored(root: Path, key: str, text: str) -> str:
    """A property with its relative paths, and those of its references, below a folder."""
    if PATH.search(key) and "${" not in text and text not in OF_THE_MACHINE:
        return str((root / text).absolute())

    def absolute(found: re.Match[str]) -> str:
        provider, place, line = found.groups()
        place = str((root / place).absolute()) if provider == "file" else place
        return f"${{{provider}:{place}{f':{line}' if line else ''}}}"

    return REFERENCE.sub(absolute, text)


def resolved(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties with the values of their references.

    Raises:
        UsageError: a reference has no value; the message names the property.
    """
    return {key: resolve(key, text) for key, text in properties.items()}


def resolve(key: str, text: str) -> str:
    """A text with the values of its references. `key` is its property, for messages."""
    return REFERENCE.sub(lambda found: _value(key, *found.groups()), text)


def secrets_of(key: str, text: str) -> Iterator[str]:
    """The values of the references in a property, as far as they have some now."""
    for found in REFERENCE.finditer(text):
        try:
            yield _value(key, *found.groups())
        except UsageError:
            continue


def lines_of(text: str) -> Iterator[tuple[Path, str]]:
    """The KEY=value lines that a text refers to: the file and the key of each."""
    for provider, place, key in REFERENCE.findall(text):
        if provider == "file" and key:
            yield Path(place), key


def _value(key: str, provider: str, place: str, line: str | None) -> str:
    if provider == "env":
        if place not in os.environ:
            raise UsageError(f"{key}: the environment has no {place}")
        return os.environ[place]
    path = Path(place)
    if not textfile.exists(path):
        raise UsageError(f"{key}: {path} is missing")
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{key}: other users can read {path}: chmod 600 {path}")
    if line is None:
        return textfile.read(path).strip()
    values = envfile.read(path)
    if line not in values:
        raise UsageError(f"{key}: {path} has no line {line}=value")
    return values[line]
