"""What the pages name is there: files, make targets, words of the code, links."""

import ast
import importlib
import re
from pathlib import Path

import pytest
import typer.main

from pipeline.cli import app
from pipeline.paths import REPOSITORY
from tests.docs import commands, snippets
from tests.docs.pages import CONTRIBUTING, DOCS, PAGES, README, Block, Page, files, words

BLOCKS = [block for page in PAGES for block in page.blocks]
PATH = re.compile(r"[\w.*<>-]+(/[\w.*<>-]*)+")
FILE = re.compile(r"[\w.*<>-]*\.(py|yaml|sql|avsc|j2|mk|json|md|sh|xml|toml|lock|env)")
# What is made by running something, is of people, or is written by who follows a page.
MADE = ("build/", "var/", ".venv/", "my/", ".env")
WRITTEN = {block.object for block in BLOCKS if block.verb == "write"}
# Docker Compose's own.
OF_OTHERS = {"COMPOSE_PROFILES"}
TARGETS = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
MODULE = re.compile(r"(pipeline|spark|stack|scripts)(\.\w+)+")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert len(README.file.read_text().splitlines()) <= 150
    linked = {link.partition("#")[0] for link in README.links}
    assert {page.name for page in [*DOCS, CONTRIBUTING]} <= linked


def test_the_versions_are_those_that_are_installed() -> None:
    installed = ("stack/pom.xml", "pyproject.toml", "compose.yaml", "images/connect.Dockerfile")
    texts = "".join((REPOSITORY / file).read_text() for file in installed)
    page = (REPOSITORY / "docs" / "targets.md").read_text()
    shown = re.findall(r"\b\d+\.\d+(?:\.\d+)?\b", page.replace("127.0.0.1", ""))
    assert "4.3.1" in shown
    assert [version for version in shown if version not in texts] == []


@each_page
def test_links_and_their_anchors_are_there(page: Page) -> None:
    anchors = {other.file: other.anchors for other in PAGES}
    for link in page.links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        file = (page.file.parent / path).resolve() if path else page.file
        assert file.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors[file], f"{page.name}: {link}"


@each_page
def test_what_inline_code_names_is_there(page: Page) -> None:
    found = [mistake for code in page.inline_code for mistake in _mistakes(code)]
    assert not found, f"{page.name}: {found}"


def _mistakes(code: str) -> list[str]:
    """What a piece of inline code names that is not there."""
    missing = [f"make {target}" for target in _made(code) if target not in TARGETS]
    if (PATH.fullmatch(code) or FILE.fullmatch(code)) and not code.startswith(MADE):
        missing += [] if _exists(code) else [code]
    if MODULE.fullmatch(code):
        missing += [] if _imports(code) else [code]
    missing += [word for word in _named(code) if word not in words() | OF_OTHERS]
    return missing


def _made(code: str) -> list[str]:
    return re.findall(r"^(?:\w+=\S+ )*make ([\w-]+)", code)


def _named(code: str) -> list[str]:
    """Identifiers that only code has, and options."""
    options = [o for o in re.findall(r"--([a-z-]+)", code) if o not in OPTIONS]
    return [f"--{option}" for option in options if option.replace("-", "_") not in words()] + [
        word for word in re.findall(r"\w+", code) if "_" in word.strip("_")
    ]


def _options() -> set[str]:
    command = typer.main.get_command(app)
    found = [o for one in command.commands.values() for p in one.params for o in p.opts]  # type: ignore[attr-defined]
    return {option.removeprefix("--") for option in found} | {"help"}


OPTIONS = _options()


def _exists(path: str) -> bool:
    if path in WRITTEN:
        return True
    pattern = re.sub(r"<\w+>", "*", path)
    if "/" not in pattern:
        return any(file.match(pattern) for file in files())
    return any(REPOSITORY.glob(pattern.rstrip("/")))


def _imports(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize(
    "code",
    [
        "make depoly",
        "pipeline/nothing.py",
        "nothing.yaml",
        "connectors/<name>/nothing",
        "pipeline.wait.untill",
        "--detailed-exit",
        "department_cencus",
    ],
)
def test_what_is_not_there_is_found(code: str) -> None:
    assert _mistakes(code)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_something_checks_every_block(block: Block) -> None:
    if block.language == "console":
        assert not commands.of_nobody(block)
        return
    kind = snippets.kind(block)
    assert kind, f"{block.place}: nobody checks this {block.language}"
    assert kind != "file" or _is_used(block), f"{block.place}: no command is run after it"


def _is_used(file: Block) -> bool:
    later = [block for block in file.page.blocks if block.line > file.line]
    return any(map(commands.needs_the_stack, later))


@pytest.mark.parametrize("pattern", commands.ELSEWHERE)
def test_what_is_run_elsewhere_is_shown_and_its_test_exists(pattern: str) -> None:
    entry = commands.ELSEWHERE[pattern]
    assert entry.because
    path, _, test = entry.test.partition("::")
    assert test in _functions(REPOSITORY / path)
    shown = [c for b in BLOCKS if b.language == "console" for c in commands.commands(b)]
    assert any(command.elsewhere is entry for command in shown), f"no page shows {pattern}"


def _functions(file: Path) -> set[str]:
    return {n.name for n in ast.parse(file.read_text()).body if isinstance(n, ast.FunctionDef)}
