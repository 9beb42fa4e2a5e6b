from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from stack.layout import Layout
from tests.support import reporting
from tests.support.embedded import TARGET
from tests.support.reporting import Known


@pytest.fixture(scope="session")
def stack(embedded: Layout) -> Layout:
    return embedded


@pytest.fixture(scope="session")
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
