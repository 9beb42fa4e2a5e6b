from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from stack import throwaway
from stack.layout import Layout
from tests.support import reporting
from tests.support.embedded import FOLDER, TARGET
from tests.support.reporting import Known


@pytest.fixture(scope="package")
def stack() -> Iterator[Layout]:
    """A stack of these tests' own, which ends with them: another one needs its memory."""
    with throwaway.running(REPOSITORY, FOLDER) as layout:
        yield layout


@pytest.fixture(scope="package")
def target_file(stack: Layout) -> Path:
    del stack  # runs
    return TARGET


@pytest.fixture(scope="module")
def known(stack: Layout) -> Iterator[Known]:
    """A database with known rows, for those who only read."""
    secrets = dict(targets.secrets(REPOSITORY, stack.target))
    with reporting.database(stack.target, secrets, "known") as database:
        with database.admin() as connection:
            reporting.fill(connection)
        yield database
