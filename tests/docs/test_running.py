"""The commands of the pages, in their order, on one pipeline that `make demo` has deployed."""

import pytest

from tests.docs.commands import WITH_THE_STACK, commands, difference
from tests.docs.pages import PAGES, Block, Page
from tests.docs.repository import Copy
from tests.docs.snippets import kind
from tests.support.workspace import Workspace


def _is_run(block: Block) -> bool:
    return kind(block) == "query" or (
        block.language == "console"
        and any(command.is_one_of(WITH_THE_STACK) for command in commands(block))
    )


@pytest.mark.stack
@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(map(_is_run, p.blocks))], ids=lambda page: page.name
)
def test_a_page_shows_what_happens(page: Page, edited: Copy, space: Workspace) -> None:
    for block in filter(_is_run, page.blocks):
        if kind(block) == "query":
            assert space.rows(block.text), block.place
            continue
        for command in commands(block):
            printed = edited.run(command)
            assert not difference(command, printed.lines), difference(command, printed.lines)
            assert bool(printed.code) == command.fails, f"{command.place}: {printed}"
