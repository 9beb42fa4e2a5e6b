"""Every test here runs on each target."""

from pathlib import Path

import pytest

from tests.support.stacks import Embedded, Stack


@pytest.fixture(scope="session", params=["embedded", "compose"])
def stack(request: pytest.FixtureRequest) -> Stack:
    if request.param == "embedded":
        return Embedded(request.getfixturevalue("embedded"))
    found: Stack = request.getfixturevalue("compose")
    return found


@pytest.fixture(scope="session")
def target_file(stack: Stack) -> Path:
    return stack.target_file
