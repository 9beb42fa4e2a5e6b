"""The commands of console blocks: where each is run, and whether it prints what the page shows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pipeline.paths import REPOSITORY
from pipeline.repository import facts, loader
from tests.docs.pages import Block

ANY_LINES = "…"
RENDER = r"\.venv/bin/python render\.py"
# Run in a copy of the repository.
WITHOUT_SERVICES = (
    r"make (help|render|graph)",
    rf"{RENDER} (render|graph|(\w+ )?--help)",
)
# Run in a copy of the repository that is deployed on the embedded stack of the test run.
WITH_THE_STACK = (
    r"make (demo|status|plan|deploy|validate|cases|ksql|produce)",
    rf"{RENDER} (status|plan|deploy|validate|test)",
)
# In a block with one of these: they change the copy for it.
EDITS = (r"(echo .* >>|sed -i|mv)",)
# What shows the moment: numbers, dates and names may be others than on the page.
OF_THE_MOMENT = re.compile(r"make (demo|status|ksql)\b")


@dataclass(frozen=True)
class Elsewhere:
    """Why a command is not run here, and the test that does."""

    because: str
    test: str


ELSEWHERE = {
    rf"{RENDER} erase": Elsewhere(
        "the rows that other pages count would be fewer",
        "tests/endtoend/test_erasure.py::test_a_patient_is_erased_and_everybody_else_stays",
    ),
    r"make (backup|restore|up)": Elsewhere(
        "the stack of these tests would lose its data",
        "tests/endtoend/test_delivery.py"
        "::test_nothing_is_lost_or_counted_twice_whatever_is_killed_or_comes_again",
    ),
    rf"{RENDER} rejects": Elsewhere(
        "another rule would have to cleanse all records again",
        "tests/embedded/test_cleansing.py"
        "::test_a_rule_is_mended_and_its_rejects_go_through_again_once",
    ),
    r"make metrics": Elsewhere(
        "`make status` on another page would show them",
        "tests/embedded/running/test_monitoring.py::test_every_service_tells_its_metrics",
    ),
    r"make dashboard": Elsewhere(
        "`make status` on the next page would show it",
        "tests/embedded/running/test_dashboard.py::test_admissions_are_those_of_the_tables",
    ),
    r"curl .*/v3/clusters/": Elsewhere(
        "the REST Proxy runs on compose only",
        "tests/unit/test_rest_proxy.py::test_curl_does_the_same",
    ),
    r"(TOKEN=.*)?curl .*(/auth/token|/api/v2/dags/)": Elsewhere(
        "Airflow takes minutes to start",
        "tests/embedded/test_airflow.py::test_all_three_dags_succeed",
    ),
    r"kubectl create secret": Elsewhere(
        "there is no Kubernetes here",
        "tests/unit/test_strimzi.py::test_the_page_makes_each_key_that_the_manifests_need",
    ),
    r"kubectl (apply|wait|create (serviceaccount|role|rolebinding|service)) ": Elsewhere(
        "there is no Kubernetes here",
        "tests/unit/test_strimzi.py::test_the_page_selects_what_the_manifests_are_labelled_with",
    ),
    r"docker build": Elsewhere(
        "there is no Docker engine here",
        "tests/unit/test_compose.py::test_a_dockerfile_is_clean_and_copies_what_is_there",
    ),
    r"\.venv/bin/python -m spark\.job --once": Elsewhere(
        "a second Spark beside the first takes minutes on two cores",
        "tests/embedded/test_cleansing.py"
        "::test_once_catches_up_says_what_became_of_each_record_and_then_finds_nothing",
    ),
}


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the lines that the page shows under it."""

    place: str
    text: str
    shown: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether the page shows that it fails."""
        return any(line.startswith("error:") for line in self.shown)

    def is_one_of(self, patterns: Sequence[str]) -> bool:
        return any(re.match(rf"{pattern}(?!\w)", self.text) for pattern in patterns)

    @property
    def elsewhere(self) -> Elsewhere | None:
        """The entry of ELSEWHERE for it."""
        found = (e for pattern, e in ELSEWHERE.items() if re.match(pattern, self.text))
        return next(found, None)


def commands(block: Block) -> list[Command]:
    """The commands of a console block. A line that ends with a backslash goes on."""
    found: list[Command] = []
    goes_on = False
    for number, line in enumerate(block.lines, block.line + 1):
        if goes_on:
            found[-1] = replace(found[-1], text=f"{found[-1].text}\n{line}")
        elif line.startswith("$ "):
            found.append(Command(f"{block.page.name}:{number}", line.removeprefix("$ "), ()))
        elif found:
            found[-1] = replace(found[-1], shown=(*found[-1].shown, line))
        else:
            raise AssertionError(f"{block.place}: begins with no $ command")
        goes_on = line.endswith("\\") and not (found[-1].shown)
    return found


def needs_the_stack(block: Block) -> bool:
    """Whether its commands are run on the stack, all of them, in their order."""
    return block.language == "console" and any(
        command.is_one_of(WITH_THE_STACK) and not command.is_one_of(WITHOUT_SERVICES)
        for command in commands(block)
    )


def of_nobody(block: Block) -> list[Command]:
    """The commands of a console block that nobody runs."""
    if needs_the_stack(block):
        here = (*WITH_THE_STACK, *WITHOUT_SERVICES, *EDITS)
        return [c for c in commands(block) if not c.is_one_of(here)]
    return [c for c in commands(block) if not (c.is_one_of(WITHOUT_SERVICES) or c.elsewhere)]


def difference(command: Command, printed: Sequence[str]) -> str | None:
    """How what was printed differs from what the page shows; None if it does not."""
    read = _of_the_moment if OF_THE_MOMENT.match(command.text) else str.rstrip
    shown = [read(line) for line in command.shown]
    # What make says of a recipe that failed is no part of the recipe.
    own = [line for line in printed if not line.startswith("make: *** ")]
    if fits(shown, [read(line) for line in own]):
        return None
    told = (f"{command.place}: $ {command.text}", "the page shows:", *command.shown)
    return "\n".join((*told, "printed was:", *own))


def fits(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the lines are those shown, where ANY_LINES stands for any, or none."""
    first, *others = _parts(shown)
    if not others:
        return list(printed) == first
    *middle, last = others
    if list(printed[: len(first)]) != first:
        return False
    at = len(first)
    for part in middle:
        found = _find(part, printed, at)
        if found is None:
            return False
        at = found + len(part)
    return len(printed) - len(last) >= at and list(printed[len(printed) - len(last) :]) == last


def _parts(shown: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in shown:
        if line.strip() == ANY_LINES:
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def _find(part: list[str], lines: Sequence[str], begin: int) -> int | None:
    places = range(begin, len(lines) - len(part) + 1)
    return next((at for at in places if list(lines[at : at + len(part)]) == part), None)


def _of_the_moment(line: str) -> str:
    """The line without what is another at each moment: a table's widths go with its values."""
    line = re.sub(r"\b[A-Z]?\d[\w,.:-]*", "#", line)
    line = _values().sub("~", line)
    return re.sub(r" +", " ", line).strip()


@cache
def _values() -> re.Pattern[str]:
    """One or more of the texts that the generator picks from: names, departments and others."""
    project = loader.load(REPOSITORY)
    raw = [project.schemas[topic] for topic in facts.raw_topics(project)]
    texts = {text for schema in raw for text in _options(schema)} | {"None"}
    one = "|".join(sorted(map(re.escape, texts), key=len, reverse=True))
    return re.compile(rf"\b(?:{one})(?:\s+(?:{one}))*\b")


def _options(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (o for o in schema.get("options", ()) if isinstance(o, str) and o.strip())
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _options(part)
