"""What is wrong with a lock: a requirements file of exact versions and hashes, and nothing else."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

HASH = re.compile(r"\s--hash=(\S+)")
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
EXACT = re.compile(r"==[\w.!+-]+")


@dataclass(frozen=True)
class Pin:
    """One requirement of a lock, which holds where its marker does."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> NormalizedName:
        """The package, as an index knows it."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> Version:
        """The one version that it allows."""
        return Version(str(self.requirement.specifier).removeprefix("=="))

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether it is installed there; see PEP 508 for an environment's variables."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate(dict(environment))


def lines(text: str) -> Iterator[str]:
    """The lines that say something, continued ones as one."""
    for line in text.replace("\\\n", " ").splitlines():
        said = re.sub(r"(^|\s)#.*", "", line).strip()
        if said:
            yield said


def problems(text: str) -> Iterator[str]:
    """What a lock must not say."""
    if "://" in text:
        yield "it has a URL"
    for line in lines(text):
        try:
            pin = parse(line)
        except InvalidRequirement:
            yield f"{line}: is no requirement"
            continue
        if not EXACT.fullmatch(str(pin.requirement.specifier)):
            yield f"{line}: has no exact version"
        if not pin.hashes or not all(map(SHA256.fullmatch, pin.hashes)):
            yield f"{line}: has no hash of SHA-256"


def parse(line: str) -> Pin:
    """The pin that a line is.

    Raises:
        InvalidRequirement: it is something else.
    """
    return Pin(Requirement(HASH.sub("", line)), tuple(HASH.findall(line)))


def unpinned(wanted: list[str], pins: list[Pin]) -> Iterator[str]:
    """The requirements that no pin answers, or a pin that they do not allow."""
    for text in wanted:
        requirement = Requirement(text)
        found = [pin for pin in pins if pin.name == canonicalize_name(requirement.name)]
        if not found:
            yield f"{text}: is not pinned"
        for pin in found:
            if not requirement.specifier.contains(pin.version):
                yield f"{text}: is pinned to {pin.version}"


def clashes(pins: list[Pin], environment: Mapping[str, str]) -> Iterator[str]:
    """The packages of which the environment would need two versions."""
    versions: dict[str, Version] = {}
    for pin in pins:
        if pin.holds(environment):
            first = versions.setdefault(pin.name, pin.version)
            if first != pin.version:
                yield f"{pin.name}: {first} and {pin.version}"
