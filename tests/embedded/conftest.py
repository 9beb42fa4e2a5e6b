from pathlib import Path

import pytest

from stack.layout import Layout
from tests.support.embedded import TARGET


@pytest.fixture(scope="session")
def stack(embedded: Layout) -> Layout:
    return embedded


@pytest.fixture(scope="session")
def target_file(stack: Layout) -> Path:
    del stack  # runs
    return TARGET
