"""What is shown of files: each kind of block but the commands, and how it is checked."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.paths import REPOSITORY
from pipeline.repository import desired, loader
from pipeline.repository import target as targets
from tests.docs.commands import ANY_LINES, fits
from tests.docs.pages import Block, words
from tests.support import examples

FIRST_COMMENT = re.compile(r"(?:#|--) (\S+)")
ELISION = re.compile(r"\s*(#|--) …")
DIAGRAMS = ("flowchart ", "erDiagram")
# By the key that tells what it is.
YAML = {"template": "spec", "kafka": "target", "tiles": "page", "apiVersion": "manifest"}
# The keys by which a manifest refers to what another one, or a command, makes.
REFERENCES = {"secretName", "claimName", "image"}


def kind(block: Block) -> str | None:
    """What the block shows; None if nothing checks it."""
    if block.verb:
        return "generated" if block.verb == "generated" else "file"
    if excerpt_of(block):
        return "excerpt"
    if block.language == "yaml":
        return next((kind for key, kind in YAML.items() if key in _mapping(block)), None)
    if block.language == "sql":
        return "query" if block.text.startswith("SELECT ") else None
    if block.language == "diff":
        return "example" if block.text in examples.diffs().values() else None
    return "diagram" if block.language == "mermaid" else None


def _mapping(block: Block) -> Mapping[str, Any]:
    found = yaml.safe_load(block.text)
    return found if isinstance(found, dict) else {}


def excerpt_of(block: Block) -> Path | None:
    """The file that the block's first comment names, if it is one of the repository."""
    first = FIRST_COMMENT.fullmatch(block.lines[0]) if block.lines else None
    file = REPOSITORY / first[1] if first else None
    return file if file and file.is_file() else None


def check_excerpt(block: Block) -> None:
    """All lines but the first are lines of the file, one after the other."""
    file = excerpt_of(block)
    assert file
    shown = [ANY_LINES if ELISION.fullmatch(line) else line.rstrip() for line in block.lines[1:]]
    whole = [line.rstrip() for line in file.read_text().splitlines()]
    assert fits([ANY_LINES, *shown, ANY_LINES], whole), f"{block.place}: is not in {file}"


def check_spec(block: Block, root: Path) -> None:
    """The repository with this spec in it, in the place of the one of its name, is rendered."""
    name = str(_mapping(block)["name"])
    specs = {file: yaml.safe_load(file.read_text()) for file in root.glob("connectors/s*/*.yaml")}
    own = root / "connectors" / "sinks" / f"{name}.yaml"
    place = next((file for file, spec in specs.items() if spec["name"] == name), own)
    place.write_text(block.text)
    declared = desired.render(loader.load(root), "docs")
    assert name in {connector.name for connector in declared.connectors}


def check_target(block: Block, root: Path) -> None:
    """The file is a target."""
    file = root / "target.yaml"
    file.write_text(block.text)
    targets.load(root, str(file))


def check_page(block: Block, root: Path) -> None:
    """The repository with this page of the dashboard in it fits together."""
    shutil.copytree(REPOSITORY / "dashboard", root / "dashboard", dirs_exist_ok=True)
    shutil.copy(REPOSITORY / "metrics.yaml", root)
    (root / "dashboard" / "shown.yaml").write_text(block.text)
    loader.load(root)


def check_manifest(block: Block, known: frozenset[str]) -> None:
    """What it refers to is known: images, claims, Secrets, ConfigMaps."""
    manifest = _mapping(block)
    assert manifest["kind"]
    assert manifest["metadata"]["namespace"] == "hospital"
    missing = [name for name in _references(manifest) if name not in known]
    assert not missing, f"{block.place}: {missing}"


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in REFERENCES and isinstance(item, str):
                yield item
            elif key in {"secretRef", "configMap"}:
                yield item["name"]
            else:
                yield from _references(item)


def write_file(block: Block, root: Path) -> None:
    """Writes or appends the block to its file, as a person does who follows the page."""
    file = root / block.object
    before = file.read_text() if block.verb == "append" else ""
    assert file.exists() == (block.verb == "append"), f"{block.place}: {block.object}"
    file.write_text(before + block.text)


def check_diagram(block: Block) -> None:
    """It is of a type that is drawn, and the files and names in it are there."""
    assert block.text.startswith(DIAGRAMS), f"{block.place}: {block.lines[0]}"
    # Line breaks, and the slanted shape.
    text = re.sub(r"<br>|\[/|/\]", " ", block.text)
    paths = re.findall(r"[\w.*-]+/[\w./*-]*", text)
    missing = [path for path in paths if not any(REPOSITORY.glob(path.rstrip("/")))]
    named = [word for word in re.findall(r"\w+", text) if "_" in word.strip("_")]
    missing += [word for word in named if word not in words()]
    assert not missing, f"{block.place}: {missing}"


def write_generated(block: Block, printed: str) -> None:
    """Puts what the command printed into the page."""
    lines = block.page.file.read_text().splitlines()
    inside = slice(block.line, block.line + len(block.lines))
    lines[inside] = printed.splitlines()
    block.page.file.write_text("\n".join([*lines, ""]))
