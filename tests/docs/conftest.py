import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from stack.layout import Layout
from tests.docs import repository
from tests.docs.repository import Copy
from tests.support import workspace
from tests.support.embedded import TARGET
from tests.support.workspace import Workspace

# Enough for what the pages show; then the machine is calm.
RECORDS = 2_000


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the repository that needs no service."""
    return repository.copy(tmp_path_factory.mktemp("copied"))


@pytest.fixture(scope="module")
def space(embedded: Layout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of the repository whose target `embedded` is the test run's stack."""
    del embedded  # runs
    root = repository.copy(tmp_path_factory.mktemp("deployed")).root
    shutil.copy(TARGET, root / "targets" / "embedded.yaml")
    found = Workspace(root, TARGET, targets.load(REPOSITORY, str(TARGET)))
    for file in (root / "connectors" / "sources").glob("*.yaml"):
        if file.stem != "patients":
            found.edit(f"connectors/sources/{file.name}", iterations=RECORDS)
    yield found
    workspace.wipe(found)


@pytest.fixture(scope="module")
def deployed(space: Workspace) -> Copy:
    """The same, deployed by `make demo`."""
    found = Copy(space.root)
    found.known["make demo"] = found.bash("make demo")
    return found


@pytest.fixture
def edited(deployed: Copy) -> Iterator[Copy]:
    """The same, for a page that edits it."""
    before = deployed.files()
    yield deployed
    if deployed.restore(before):
        assert deployed.bash(".venv/bin/python render.py deploy --prune").code == 0


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    """A copy of what the repository declares."""
    return workspace.full(tmp_path, REPOSITORY / "targets" / "embedded.yaml", trends=True).root
