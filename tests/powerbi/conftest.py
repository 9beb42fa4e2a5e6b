"""A copy of the report's files that a test may spoil."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from powerbi import build

COPIED = ("metrics.yaml", "powerbi", "powerbi_dashboard.pbit")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of what `make powerbi` reads and writes."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.py")
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


@pytest.fixture
def refused(root: Path) -> Callable[[Path, str, str], str]:
    """Replaces a text of a file in the copy, and gives what `make powerbi` says to it then."""

    def edit(file: Path, old: str, new: str) -> str:
        before, found, after = (root / file).read_text().partition(old)
        assert found, f"{file} has no {old}"
        (root / file).write_text(before + new + after)
        template = (root / build.TEMPLATE).read_bytes()
        with pytest.raises(SpecError) as caught:
            list(build.build(root))
        assert (root / build.TEMPLATE).read_bytes() == template
        return str(caught.value).replace(f"{root}/", "")

    return edit
