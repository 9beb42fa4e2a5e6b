import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from xdist.scheduler import LoadScopeScheduling

from pipeline.paths import REPOSITORY
from stack import throwaway
from stack.layout import Layout
from tests.support import stacks, workspace
from tests.support.delivery import feed
from tests.support.embedded import CLUSTER, FOLDER, JAVA
from tests.support.workspace import Workspace

# Airflow makes its home when it is imported: not in a person's own.
AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME.name
os.environ.update(JAVA)


# Tests that share something, such as a stack or a Spark session, by where they are.
ON_STACK = ("tests/compose/", "tests/embedded/")
CLUSTERED = ("tests/cluster/",)
PAGES = ("tests/docs/test_running.py",)
END_TO_END = ("tests/endtoend/",)
SHARING = (ON_STACK, CLUSTERED, PAGES, END_TO_END, ("tests/spark/",), ("tests/dags/",))
# What waits for services leaves the cores idle for a third of the time: of two workers, one has the
# tests on the stack. The other one has those without services, and then these, each on its own.
TURNS = {ON_STACK: 0, CLUSTERED: 2, PAGES: 3, END_TO_END: 4}


class ByStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types here
    """Keeps the tests that share something with one worker, and shares the others out by file."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (places[0] for places in SHARING if nodeid.startswith(places))
        return next(shared, nodeid.split("::", maxsplit=1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack:
    """The scheduler of `make test`."""
    return ByStack(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests into the order in which the workers take them."""

    def turn(item: pytest.Item) -> int:
        return next((n for places, n in TURNS.items() if item.nodeid.startswith(places)), 1)

    items.sort(key=turn)


def pytest_unconfigure(config: pytest.Config) -> None:
    if config.getoption("numprocesses"):
        # After Ctrl-C, workers are killed.
        for folder in FOLDER.parent.glob("test*"):
            throwaway.clean(REPOSITORY, folder)
    AIRFLOW_HOME.cleanup()
    # py4j says good-bye at exit, when pytest has closed the stream of Airflow's handler.
    logging.raiseExceptions = False


@pytest.fixture(scope="session")
def embedded() -> Iterator[Layout]:
    """The embedded stack, once for each worker of a run."""
    with throwaway.running(REPOSITORY, FOLDER) as layout:
        yield layout


@pytest.fixture(scope="session")
def cluster() -> Iterator[Layout]:
    """The embedded stack as a cluster, once for each worker of a run."""
    with stacks.cluster(CLUSTER) as layout:
        yield layout


@pytest.fixture(scope="session")
def compose_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compose")


@pytest.fixture(scope="session")
def docker_compose_command(compose_folder: Path) -> str:
    return f"docker compose --env-file {stacks.environment(compose_folder)} --profile full"


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(stacks.COMPOSE_FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return "hospital-test"


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """Nothing: pytest-docker cleans up only what came after its own setup."""
    return []


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    return ["down --volumes --remove-orphans"]


@pytest.fixture(scope="session")
def compose(request: pytest.FixtureRequest) -> stacks.Compose:
    """compose.yaml, all of it, once for the whole run."""
    reason = stacks.no_engine()
    if reason:
        pytest.skip(reason)
    names = ("docker_compose_command", "docker_compose_project_name", "docker_services")
    command, project, services = map(request.getfixturevalue, names)
    return stacks.Compose(command, project, services, request.getfixturevalue("compose_folder"))


@pytest.fixture
def widgets(tmp_path: Path, target_file: Path) -> Iterator[Workspace]:
    """A small repository, not deployed yet; destroyed after the test."""
    space = workspace.small(tmp_path, target_file, f"widgets{uuid4().hex[:6]}")
    yield space
    workspace.destroy(space)


@pytest.fixture
def hospital(tmp_path: Path, target_file: Path) -> Iterator[Workspace]:
    """A copy of this repository but its trends, not deployed yet; destroyed after the test."""
    space = workspace.full(tmp_path, target_file)
    yield space
    workspace.wipe(space)


@pytest.fixture
def whole(tmp_path: Path, target_file: Path) -> Iterator[Workspace]:
    """A copy of this repository, not deployed yet; destroyed after the test."""
    space = workspace.full(tmp_path, target_file, trends=True)
    yield space
    workspace.wipe(space)


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory, target_file: Path) -> Iterator[Workspace]:
    """The pipeline without its trends, after a feed as fast as the sources can."""
    space = workspace.full(tmp_path_factory.mktemp("fed"), target_file)
    feed(space)
    yield space
    workspace.wipe(space)


@pytest.fixture(scope="module")
def trends(tmp_path_factory: pytest.TempPathFactory, target_file: Path) -> Iterator[Workspace]:
    """A copy of this repository without its sources, deployed: the tests write the clean topics."""
    space = workspace.full(tmp_path_factory.mktemp("trends"), target_file, trends=True)
    workspace.without_sources(space)
    space.ok("deploy")
    yield space
    workspace.wipe(space)
