"""Every test here runs on each target."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support import workspace
from tests.support.byhand import SOURCE
from tests.support.stacks import Cluster, Embedded, Stack
from tests.support.workspace import Workspace

ON_CLUSTER = pytest.param("cluster", marks=pytest.mark.cluster)


@pytest.fixture(scope="session", params=["embedded", "compose", ON_CLUSTER])
def stack(request: pytest.FixtureRequest) -> Stack:
    if request.param == "embedded":
        return Embedded(request.getfixturevalue("embedded"))
    if request.param == "cluster":
        return Cluster(request.getfixturevalue("cluster"))
    found: Stack = request.getfixturevalue("compose")
    return found


@pytest.fixture(scope="session")
def target_file(stack: Stack) -> Path:
    return stack.target_file


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory, target_file: Path) -> Iterator[Workspace]:
    """A small repository, deployed; the tests of a module share it."""
    name = f"widgets{uuid4().hex[:6]}"
    made = workspace.small(tmp_path_factory.mktemp("space"), target_file, name)
    made.edit(SOURCE, iterations=20)
    made.ok("deploy")
    yield made
    workspace.destroy(made)
