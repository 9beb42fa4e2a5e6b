"""Microsoft's language service for M, run at test time only: it knows the functions' arguments."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.powerbi import npm
from tests.powerbi.sources import SOURCES

PACKAGE = "@microsoft/powerquery-language-services"
VERSION = "1.1.2"
CHECK = Path(__file__).parent / "language.cjs"
CLOCK = SOURCES["Clock"]
# By what is put into a source: what is told of it.
FAULTS = {
    "Databas(Server": "Cannot find the name 'PostgreSQL.Databas'",
    "Database(Sever": "Cannot find the name 'Sever'",
    "Database(1": "expected the argument for 'server' to be 'text', but got 'number'",
    "Database(Server, Database, [], Server": "Expected between 2-3 arguments",
}


def _told(documents: dict[str, str]) -> dict[str, list[str]]:
    """What is wrong with each document."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    folder = npm.installed(PACKAGE, VERSION).parent
    done = subprocess.run(
        [node, CHECK, folder],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: dict[str, list[str]] = json.loads(done.stdout)
    return answers


def test_it_finds_nothing_in_the_sources() -> None:
    assert _told(SOURCES) == {name: [] for name in SOURCES}


def test_it_finds_each_fault() -> None:
    documents = {fault: CLOCK.replace("Database(Server", fault) for fault in FAULTS}
    documents["twice"] = CLOCK.replace("Rows =", "Source =")
    documents["unclosed"] = CLOCK.replace("}[Data]", "[Data]")
    assert CLOCK not in documents.values()
    told = _told(documents)
    for fault, message in FAULTS.items():
        assert any(message in one for one in told[fault]), told[fault]
    assert "Duplicate identifier 'Source'" in told["twice"]
    assert any("right brace" in one for one in told["unclosed"])
