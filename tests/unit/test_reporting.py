"""What dashboards read follows from the schemas: a name that nothing gives any more is an error."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import loader
from pipeline.sql import views
from tests.support import workspace

REPORTS = ("metrics.yaml", "dashboard", "powerbi")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the repository with its dashboards."""
    workspace.copy(tmp_path)
    for name in REPORTS:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        elif source.is_file():
            shutil.copy(source, tmp_path / name)
    return tmp_path


def _mistakes(root: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        loader.load(root)
    return [str(mistake).removeprefix(f"{root}/") for mistake in caught.value.mistakes]


def test_the_repository_fits_together(root: Path) -> None:
    loader.load(root)


def test_a_field_that_a_schema_gives_no_more_is_told_where_a_view_reads_it(root: Path) -> None:
    file = root / "schemas" / "patient_labs_clean.avsc"
    schema = json.loads(file.read_text())
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "test_unit"]
    file.write_text(json.dumps(schema))
    # Not the statements, which are checked with the schemas before.
    shutil.rmtree(root / "ksql")
    for sink in (root / "connectors" / "sinks").glob("*.yaml"):
        if sink.stem not in workspace.DETAILS:
            sink.unlink()
    script = (root / "postgres" / "db_setup.sql").read_text().splitlines()
    told = _mistakes(root)
    lines = [int(line.split(":")[1]) for line in told]
    assert all("test_unit" in script[line - 1] for line in lines)
    assert len(lines) == 2, told
    assert "there is no column test_unit in lab_results or admissions" in told[-1]


METRICS = "metrics.yaml"
PAGE = "dashboard/laboratory.yaml"
MODEL = "powerbi/hospital.SemanticModel/definition/tables/Admissions.tmdl"


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (METRICS, "view: labs", "view: lab", "makes no view bi.lab; did you mean labs?"),
        (METRICS, "avg(abnormal)", "avg(abnorml)", "no column abnorml in bi.labs; did you mean"),
        (METRICS, "time: admitted_at", "time: admited_at", "has no column admited_at; did you"),
        (METRICS, "sql: count(*)", "sql: count(", "is no SQL"),
        (METRICS, "unit: hours", "units: hours", "unknown key; did you mean unit?"),
        (PAGE, "metric: lab_results", "metric: labs", "there is no metric labs"),
        (PAGE, "by: department", "by: departmnt", "bi.labs has no column departmnt; did you mean"),
        (PAGE, "split: direction", "split: way", "bi.labs has no column way"),
        (PAGE, "time: collected_at", "time: taken_at", "bi.labs has no column taken_at"),
        (PAGE, "sets: test", "sets: tset", "there is no filter tset; did you mean test?"),
        (PAGE, "chart: bars", "chart: pie", "pie"),
        (PAGE, "name: test", "name: from", "the name from is taken"),
        (PAGE, "column: test_name", "column: nosuch", "no tile's view has a column nosuch"),
        (PAGE, "%(test)s", "%(tset)s", "there is no parameter tset; did you mean test?"),
        (PAGE, "FROM bi.labs", "FROM patients", "there is no table or view patients"),
        (PAGE, "metric: lab_results}", "state: stages}", "number shows a metric or a query"),
        (PAGE, ", by: time, width", ", width", "line of a metric need `by`"),
        (PAGE, "metric: abnormal_share\n    by: department", "metric: abnormal_share", "need `by`"),
        (
            "dashboard/pipeline.yaml",
            "metric: rejects, by: time",
            "metric: behind, by: time",
            "behind has no `time` in metrics.yaml",
        ),
        (MODEL, 'Item = "admissions"', 'Item = "admission"', "makes no view bi.admission; did"),
        (MODEL, "sourceColumn: patient_id", "sourceColumn: pid", "bi.admissions has no column pid"),
    ],
)
def test_a_mistake_has_its_place(root: Path, path: str, old: str, new: str, told: str) -> None:
    file = root / path
    before, _, after = file.read_text().partition(old)
    assert after
    file.write_text(before + new + after)
    line = before.count("\n") + 1
    # What a query or a tile says is told where it begins.
    near = tuple(f"{path}:{number}: " for number in range(max(1, line - 12), line + 1))
    assert any(told in one for one in _mistakes(root) if one.startswith(near)), _mistakes(root)


def test_a_name_in_the_query_of_a_tile_is_looked_up(root: Path) -> None:
    file = root / PAGE
    file.write_text(
        file.read_text().replace(
            "SELECT test_name, direction, count", "SELECT name, direction, count"
        )
    )
    (told,) = _mistakes(root)
    assert told.startswith(f"{PAGE}:")
    assert "tiles.5.query: there is no column name in bi.labs" in told


TABLES = {"people": ("id", "born"), "visits": ("id", "person", "at")}


@pytest.mark.parametrize(
    ("sql", "missing"),
    [
        ("SELECT id, born FROM people", []),
        ("SELECT p.id, v.at FROM people p JOIN visits v ON v.person = p.id", []),
        ("SELECT x FROM people, generate_series(1, 2) AS s (x)", []),
        ("SELECT y.x FROM people p, LATERAL (SELECT p.born AS x) y", []),
        ("WITH a AS (SELECT id AS b FROM people) SELECT b FROM a ORDER BY b", []),
        ("SELECT count(*) FROM people WHERE id = (SELECT max(person) FROM visits)", []),
        ("SELECT id, bron FROM people", ["bron"]),
        ("SELECT p.bron FROM people p", ["p.bron"]),
        (
            "SELECT id FROM people\nWHERE EXISTS (SELECT FROM visits WHERE whom = people.id)",
            ["whom"],
        ),
        ("WITH a AS (SELECT id AS b FROM people) SELECT c FROM a", ["c"]),
        ("SELECT id FROM persons", ["persons"]),
    ],
)
def test_names_in_a_query_are_looked_up(sql: str, missing: list[str]) -> None:
    _, found = views.query(sql, TABLES)
    assert [one.message.split(" in ")[0].split(";")[0].split()[-1] for one in found] == missing


def test_a_view_of_what_the_script_does_not_make_is_left_to_postgresql() -> None:
    script = "CREATE VIEW a AS SELECT x FROM elsewhere;\nCREATE VIEW b AS SELECT x, y FROM a;"
    found = views.read(script, TABLES)
    assert found.relations["a"] == ("x",)
    assert [(one.line, one.message) for one in found.missing] == [(2, "there is no column y in a")]
