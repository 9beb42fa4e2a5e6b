"""References to secrets, as pods resolve them: a variable or a file is a key of a Secret.

What a Secret holds is nowhere in the manifests.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pipeline.errors import UsageError
from pipeline.repository.connections import REFERENCE

# Strimzi's provider, by the name that references to it have.
PROVIDER = "secrets"
CLASS = "io.strimzi.kafka.KubernetesSecretConfigProvider"
WRITTEN = re.compile(r"\$\{secrets:[^:}]+:([^}]+)\}")


@dataclass(frozen=True)
class Secret:
    """A Secret of Kubernetes, by its place."""

    namespace: str
    name: str

    def at(self, key: str) -> str:
        """The reference to one of its keys."""
        return f"${{{PROVIDER}:{self.namespace}/{self.name}:{key}}}"

    def of_text(self, setting: str, text: str) -> str:
        """A text with its references to the environment as references to this Secret.

        Raises:
            UsageError: it refers to a file; the message names the setting.
        """
        return REFERENCE.sub(lambda found: self.at(_key(setting, found)), text)

    def keys(self, manifest: Any) -> Iterator[str]:
        """The keys that a manifest refers to."""
        if isinstance(manifest, Mapping):
            if manifest.get("secretName") == self.name:
                yield from (value for name, value in manifest.items() if name != "secretName")
            for value in manifest.values():
                yield from self.keys(value)
        elif isinstance(manifest, list):
            for item in manifest:
                yield from self.keys(item)
        elif isinstance(manifest, str):
            yield from WRITTEN.findall(manifest)


def key_of(setting: str, text: str) -> str:
    """The key for a text that is one reference, and nothing else.

    Raises:
        UsageError: it is none, or refers to a file.
    """
    found = REFERENCE.fullmatch(text)
    if not found:
        raise UsageError(f"{setting}: write ${{env:NAME}}, for the key NAME of a Secret")
    return _key(setting, found)


def keys_of(setting: str, text: str) -> list[str]:
    """The keys for all references of a text.

    Raises:
        UsageError: it refers to a file.
    """
    return [_key(setting, found) for found in REFERENCE.finditer(text)]


def file_key(path: str) -> str:
    """The key for a file: its name, as `kubectl create secret --from-file` calls it."""
    return PurePosixPath(path).name


def _key(setting: str, found: re.Match[str]) -> str:
    provider, name, _ = found.groups()
    if provider != "env":
        raise UsageError(
            f"{setting}: {found.group()} is on no pod: write ${{env:NAME}}, for the key NAME of a"
            " Secret"
        )
    return name
