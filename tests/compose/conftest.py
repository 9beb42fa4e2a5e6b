from pathlib import Path

import pytest

from tests.support.stacks import Compose


@pytest.fixture(scope="session")
def target_file(compose: Compose) -> Path:
    return compose.target_file
