"""Paths of this repository on disk."""

from pathlib import Path

from pipeline.errors import UsageError

REPOSITORY = Path(__file__).resolve().parent.parent
# Jars and binaries that `make install` fetches.
LIB = REPOSITORY / "build" / "stack"


def here() -> Path:
    """The repository that the command runs in: the folder, not one above or below.

    Raises:
        UsageError: it is none.
    """
    if not _is_repository(Path()):
        above = next((folder for folder in Path.cwd().parents if _is_repository(folder)), None)
        hint = f": run this in {above}" if above else ", nor in a folder above"
        raise UsageError(f"no topics.yaml and no connectors/ are here{hint}")
    return Path()


def _is_repository(folder: Path) -> bool:
    return (folder / "topics.yaml").exists() or (folder / "connectors").is_dir()
