"""The configuration of the embedded services, as `make up` writes it."""

from pathlib import Path

from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from stack import bootstrap
from stack.layout import layout_of


def written(folder: Path) -> Path:
    """The folder with the files for targets/embedded.yaml, but with its state elsewhere."""
    target = targets.load(REPOSITORY, "embedded").model_copy(update={"state": folder})
    layout = layout_of(REPOSITORY, target)
    bootstrap.configuration(layout, ())
    return layout.run
