"""What the pages show is so, as far as it needs no service."""

import os
import re
from pathlib import Path

import pytest
import yaml

from pipeline.options import Format
from pipeline.paths import REPOSITORY
from pipeline.writing import write
from tests.docs import snippets
from tests.docs.commands import (
    WITHOUT_SERVICES,
    Command,
    commands,
    difference,
    fits,
    needs_the_stack,
)
from tests.docs.pages import PAGES, Block
from tests.docs.repository import Copy

BLOCKS = [block for page in PAGES for block in page.blocks]
COMMANDS = [
    command
    for block in BLOCKS
    if block.language == "console" and not needs_the_stack(block)
    for command in commands(block)
    if command.is_one_of(WITHOUT_SERVICES)
]


def _each(kind: str) -> pytest.MarkDecorator:
    found = [block for block in BLOCKS if snippets.kind(block) == kind]
    return pytest.mark.parametrize("block", found, ids=lambda block: block.place)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.place)
def test_a_command_that_needs_no_service_prints_what_is_shown(
    command: Command, copied: Copy
) -> None:
    printed = copied.run(command)
    assert not difference(command, printed.lines), difference(command, printed.lines)
    assert bool(printed.code) == command.fails, printed


@_each("excerpt")
def test_an_excerpt_is_in_its_file(block: Block) -> None:
    snippets.check_excerpt(block)


@_each("spec")
def test_a_spec_is_one(block: Block, declared: Path) -> None:
    snippets.check_spec(block, declared)


@_each("target")
def test_a_target_is_one(block: Block, declared: Path) -> None:
    snippets.check_target(block, declared)


@_each("page")
def test_a_page_of_the_dashboard_is_one(block: Block, declared: Path) -> None:
    snippets.check_page(block, declared)


@_each("manifest")
def test_a_manifest_refers_to_what_there_is(block: Block, tmp_path: Path) -> None:
    written = write(REPOSITORY, "example-kubernetes", Format.STRIMZI, tmp_path / "out")
    named = {yaml.safe_load(file.read_text())["metadata"]["name"] for file in written}
    pages = "\n".join(other.text for other in BLOCKS if other.page == block.page)
    made = re.findall(r"create secret generic (\S+)|--tag (\S+)|PersistentVolumeClaim\nmetadata: "
                      r"\{name: ([\w-]+)", pages)  # fmt: skip
    snippets.check_manifest(block, frozenset({*named, *(name for found in made for name in found)}))


@_each("diagram")
def test_the_names_in_a_diagram_are_there(block: Block) -> None:
    snippets.check_diagram(block)


@_each("generated")
def test_what_is_generated_is_what_the_command_prints(block: Block, copied: Copy) -> None:
    printed = copied.bash(block.object)
    if os.environ.get("GOLDEN") == "write":
        snippets.write_generated(block, "\n".join(printed.lines))
        return
    assert printed.code == 0
    assert block.lines == list(printed.lines), f"{block.place}: GOLDEN=write writes it"


@pytest.mark.parametrize(
    ("shown", "is_so"),
    [
        ("a|b|c", True),
        ("a|b", False),
        ("a|b|d", False),
        ("a|…", True),
        ("…|c", True),
        ("…|b|…", True),
        ("a|…|b|c", True),
        ("a|…|c|b", False),
        ("b|…", False),
        ("…|b", False),
        ("…|a|c|…", False),
        ("a|b|…|b|c", False),
    ],
)
def test_any_lines_stand_for_any_lines_and_nothing_else(shown: str, *, is_so: bool) -> None:
    assert fits(shown.split("|"), ["a", "b", "c"]) is is_so


@pytest.mark.parametrize(
    ("command", "shown", "printed", "is_so"),
    [
        ("make plan", "batch.size: 1 → 2", "batch.size: 1 → 3", False),
        ("make status", " sink  RUNNING  5", " sink RUNNING  10,123", True),
        ("make status", " sink  RUNNING  5", " sink FAILED   5", False),
        ("make demo", "A1  2025-01-02 10:00 Wei Ali  Surgery", "A20  2025-02-03 11:05  None", True),
        ("make demo", "A1  2025-01-02 10:00 Wei Ali", "A20  2025-02-03 11:05  error", False),
        ("make deploy", "error: x", "error: x\nmake: *** [Makefile:1: deploy] Error 2", True),
    ],
)
def test_what_may_differ_and_what_may_not(
    command: str, shown: str, printed: str, *, is_so: bool
) -> None:
    found = difference(Command("page:1", command, tuple(shown.splitlines())), printed.splitlines())
    assert (found is None) is is_so
