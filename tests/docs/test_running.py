"""The commands of the pages, in their order, on one pipeline that `make demo` has deployed."""

import pytest

from tests.docs.commands import Command, commands, difference, needs_the_stack
from tests.docs.pages import PAGES, Page
from tests.docs.repository import Copy
from tests.docs.snippets import kind, write_file
from tests.support.workspace import Workspace


def _has_a_run(page: Page) -> bool:
    return any(needs_the_stack(block) or kind(block) == "query" for block in page.blocks)


@pytest.mark.stack
@pytest.mark.parametrize("page", [p for p in PAGES if _has_a_run(p)], ids=lambda page: page.name)
def test_a_page_shows_what_happens(page: Page, edited: Copy, space: Workspace) -> None:
    for block in page.blocks:
        if kind(block) == "query":
            assert space.rows(block.text), block.place
        elif kind(block) == "file":
            write_file(block, edited.root)
        elif needs_the_stack(block):
            for command in commands(block):
                _run(command, edited)


def _run(command: Command, edited: Copy) -> None:
    printed = edited.run(command)
    assert not difference(command, printed.lines), difference(command, printed.lines)
    assert bool(printed.code) == command.fails, f"{command.place}: {printed}"
