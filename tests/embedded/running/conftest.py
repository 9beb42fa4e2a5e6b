"""The whole pipeline, running: what people watch it with is tested on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import workspace
from tests.support.delivery import feed
from tests.support.workspace import Workspace


@pytest.fixture(scope="package")
def fed_whole(tmp_path_factory: pytest.TempPathFactory, target_file: Path) -> Iterator[Workspace]:
    """The whole pipeline, after a feed as fast as the sources can."""
    space = workspace.full(tmp_path_factory.mktemp("seen"), target_file, trends=True)
    feed(space)
    yield space
    workspace.wipe(space)
