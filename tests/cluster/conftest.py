"""Tests of what only the cluster has. They share one, with the whole pipeline deployed on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import stacks, workspace
from tests.support.delivery import bounded
from tests.support.embedded import CLUSTER
from tests.support.stacks import Cluster
from tests.support.workspace import Workspace

FOLDER = CLUSTER.with_name(CLUSTER.name.replace("cluster", "brokers"))


@pytest.fixture(scope="package")
def stack() -> Iterator[Cluster]:
    """Ends with these tests: it takes 8 GB."""
    with stacks.cluster(FOLDER) as layout:
        yield Cluster(layout)


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory, stack: Cluster) -> Iterator[Workspace]:
    """The whole pipeline. Its sources take half a minute."""
    root = tmp_path_factory.mktemp("cluster")
    space = workspace.full(root, stack.target_file, trends=True)
    bounded(space, max_interval_ms=10)
    space.ok("deploy", "--deadline", "120")
    yield space
    # Of what is deployed, each program has the right to remove its part.
    workspace.destroy(space)


@pytest.fixture
def own_target(tmp_path: Path, stack: Cluster) -> Path:
    """A copy of the target's file, for a test to break."""
    file = tmp_path / "target.yaml"
    file.write_text(stack.target_file.read_text())
    return file
