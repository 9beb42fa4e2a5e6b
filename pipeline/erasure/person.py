"""Which records are of a person. Pure.

A record is a person's if a field of the kind `code` has an identifier of the person, or if its key
is one. Its own key is such an identifier then, too: so the diagnoses of the person's admissions are
found, which do not name the person.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Where a record is: its topic, its key and its partition.
Place = tuple[str, bytes, int]


@dataclass
class Person:
    """A person, as far as the search has come: identifiers, and the places of records."""

    ids: set[str]
    places: set[Place] = field(default_factory=set)

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """What matches bytes with an identifier in them."""
        return pattern_of(self.ids)

    def topics(self) -> frozenset[str]:
        """The topics that have records of the person."""
        return frozenset(topic for topic, _, _ in self.places)

    def owns(self, key: bytes, codes: Mapping[str, Any] | None) -> bool:
        """Whether a record with an identifier in it is the person's.

        `codes` has its fields of that kind. It is None if the record cannot be read: then there is
        nothing but the identifier to go by.
        """
        named = key.decode(errors="replace") in self.ids
        return named or codes is None or any(value in self.ids for value in codes.values())

    def add(self, place: Place, codes: Mapping[str, Any] | None, key_field: str) -> None:
        """Adds a record that is the person's, and its own identifier if it has one."""
        self.places.add(place)
        if codes and codes.get(key_field):
            self.ids.add(str(codes[key_field]))


def pattern_of(ids: set[str]) -> re.Pattern[bytes]:
    """What matches bytes with one of these identifiers in them."""
    return re.compile(b"|".join(sorted(re.escape(one.encode()) for one in ids)))
