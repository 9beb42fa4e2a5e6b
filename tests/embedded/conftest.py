import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from stack.layout import Layout
from tests.embedded import workspace
from tests.embedded.stack_fixture import running_stack
from tests.embedded.workspace import Workspace


@pytest.fixture(scope="session")
def stack() -> Iterator[Layout]:
    with running_stack() as where:
        yield where


@pytest.fixture
def widgets(tmp_path: Path, stack: Layout) -> Iterator[Workspace]:
    """A small repository, not deployed yet; destroyed after the test."""
    space = workspace.small(tmp_path, stack, f"widgets{uuid4().hex[:6]}")
    yield space
    workspace.destroy(space)


@pytest.fixture
def hospital(tmp_path: Path, stack: Layout) -> Iterator[Workspace]:
    """A copy of this repository but its trends, not deployed yet; destroyed after the test."""
    space = workspace.full(tmp_path, stack)
    yield space
    workspace.wipe(space)


@pytest.fixture
def trends(tmp_path: Path, stack: Layout) -> Iterator[Workspace]:
    """A copy of this repository without its sources: the tests write the clean topics."""
    space = workspace.full(tmp_path, stack, trends=True)
    shutil.rmtree(space.root / "connectors" / "sources")
    yield space
    workspace.wipe(space)
