"""Microsoft's own engine for models, run at test time only: it takes the files, and what it makes
of them is what the template has. It comes by npm, and is nothing of ours to pass on."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.paths import REPOSITORY
from powerbi import build, tmsl
from tests.powerbi import npm

PACKAGE = "@microsoft/powerbi-modeling-mcp"
VERSION = "0.5.0-beta.13"
MODEL = REPOSITORY / build.MODEL


class Engine:
    """The running engine. It is asked in JSON-RPC, a line each."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [program, "--start"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.count = 0
        client = {"name": "tests", "version": "1"}
        begin = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client}
        self.ask("initialize", begin)
        self._send({"method": "notifications/initialized"})

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        assert self.process.stdout
        self.count += 1
        self._send({"id": self.count, "method": method, "params": params})
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.count:
                return answer["result"]
        raise AssertionError("the engine has ended")

    def run(self, tool: str, operation: str, **request: str) -> tuple[bool, str]:
        """Whether an operation succeeds, and what it says."""
        arguments = {"request": {"operation": operation, **request}}
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        text = result["content"][0]["text"]
        return "Success" in text and not result.get("isError"), text

    def load(self, folder: Path) -> tuple[bool, str]:
        return self.run("connection_operations", "ConnectFolder", folderPath=str(folder))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    modules = npm.installed(PACKAGE, VERSION)
    running = Engine(next(modules.glob("@microsoft/*/dist/powerbi-modeling-mcp")))
    yield running
    running.process.terminate()
    running.process.communicate()


def test_it_takes_the_files_and_would_write_the_same(engine: Engine, tmp_path: Path) -> None:
    taken, said = engine.load(MODEL)
    assert taken, said
    engine.run("database_operations", "ExportToTmdlFolder", tmdlFolderPath=str(tmp_path))
    assert _texts(tmp_path) == _texts(MODEL)


def test_the_template_has_the_model_that_it_makes_of_the_files(
    engine: Engine, tmp_path: Path
) -> None:
    assert engine.load(MODEL)[0]
    file = tmp_path / "model.bim"
    engine.run("database_operations", "ExportToBimFile", bimFilePath=str(file))
    made = json.loads(file.read_text("utf-8-sig"))
    assert _joined(tmsl.database(build.load(REPOSITORY).model)) == made


def test_it_takes_the_model_of_the_template(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "model.bim"
    file.write_text(json.dumps(tmsl.database(build.load(REPOSITORY).model)))
    taken, said = engine.run("connection_operations", "ConnectBimFile", bimFilePath=str(file))
    assert taken, said
    folder = tmp_path / "tmdl"
    engine.run("database_operations", "ExportToTmdlFolder", tmdlFolderPath=str(folder))
    assert _texts(folder) == _texts(MODEL)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tables/Alerts.tmdl", "\t\tdataType: string", "  dataType: string"),
        ("tables/Alerts.tmdl", "dataType: string", "dataType: text"),
        ("tables/Alerts.tmdl", "isHidden", "isSecret"),
        ("tables/Calendar.tmdl", "sortByColumn: month", "sortByColumn: moon"),
        ("relationships.tmdl", "Calendar.date", "Calendar.day"),
    ],
)
def test_it_sees_a_mistake(engine: Engine, tmp_path: Path, file: str, old: str, new: str) -> None:
    shutil.copytree(MODEL, tmp_path / "definition")
    spoilt = tmp_path / "definition" / file
    assert old in spoilt.read_text()
    spoilt.write_text(spoilt.read_text().replace(old, new, 1))
    assert not engine.load(tmp_path / "definition")[0]


def _texts(folder: Path) -> dict[str, str]:
    """The files of a model. The engine ends each with a blank line."""
    return {
        str(file.relative_to(folder)): file.read_text("utf-8-sig").replace("\r\n", "\n").rstrip()
        for file in folder.rglob("*.tmdl")
    }


def _joined(value: Any) -> Any:
    """Expressions of several lines as one text, as the engine writes them."""
    if isinstance(value, dict):
        return {
            key: "\n".join(each)
            if key == "expression" and isinstance(each, list)
            else _joined(each)
            for key, each in value.items()
        }
    return [_joined(each) for each in value] if isinstance(value, list) else value
