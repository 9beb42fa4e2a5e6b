"""What the model's files may say, and that its measures are those of metrics.yaml."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.paths import REPOSITORY
from pipeline.repository import dashboards
from powerbi import build
from powerbi import model as models

TABLES = build.MODEL / "tables"
ADMISSIONS = TABLES / "Admissions.tmdl"
RELATIONSHIPS = build.MODEL / "relationships.tmdl"
MODEL = build.MODEL / "model.tmdl"
METRICS = dashboards.metrics(REPOSITORY)

Refused = Callable[[Path, str, str], str]


def test_the_committed_files_are_what_make_powerbi_writes(root: Path) -> None:
    assert list(build.build(root)) == []


def test_each_measure_is_what_metrics_yaml_says() -> None:
    model = models.load(REPOSITORY / build.MODEL)
    found = {m.name: (m.value, m.description) for _, m in model.measures}
    assert found == {m.title: (m.dax, m.meaning) for m in METRICS.values()}


def test_a_measure_follows_its_metric(root: Path) -> None:
    file = root / "metrics.yaml"
    file.write_text(
        file.read_text()
        .replace("dax: MAX(Freshness[behind_hours])", "dax: MIN(Freshness[behind_hours])")
        .replace("How far the slowest table is", "How much the slowest table is")
    )
    changed = [path.name for path in build.build(root)]
    assert changed == ["Freshness.tmdl", "powerbi_dashboard.pbit"]
    text = (root / TABLES / "Freshness.tmdl").read_text()
    assert "\t/// How much the slowest table is" in text
    assert "measure 'Behind the clock' = MIN(Freshness[behind_hours])\n" in text
    assert list(build.build(root)) == []


def test_a_new_metric_gets_a_measure_in_the_table_of_its_view(root: Path) -> None:
    file = root / "metrics.yaml"
    file.write_text(
        file.read_text()
        + "stages:\n  title: Stages\n  meaning: Tables that are watched.\n  unit: tables\n"
        "  view: freshness\n  sql: count(*)\n  dax: |\n    VAR Found = COUNTROWS(Freshness)\n"
        "    RETURN\n      Found\n"
    )
    assert len(list(build.build(root))) == 2
    (measure,) = (m for _, m in build.load(root).model.measures if m.name == "Stages")
    assert measure.file.name == "Freshness.tmdl"
    assert measure.value == "VAR Found = COUNTROWS(Freshness)\nRETURN\n  Found"
    assert list(build.build(root)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "told"),
    [
        (ADMISSIONS, "\tcolumn patient_id", "  column patient_id", "", "with spaces: use tabs"),
        (ADMISSIONS, "\t\tdataType: string", "\t\t\tdataType: string", "", "by 3 tabs: expected 2"),
        (ADMISSIONS, "column patient_id", "colum patient_id", "", "is no object or property"),
        (ADMISSIONS, "dataType: string", "datatype: string", "", "did you mean dataType?"),
        (ADMISSIONS, "dataType: string", "dataType: text", "", "unknown dataType text"),
        (ADMISSIONS, "\t\tdataType: string\n", "", "column admission_id", "has no dataType"),
        (ADMISSIONS, "column patient_id", "column admission_id", "", "is a column admission_id on"),
        (ADMISSIONS, "mode: directQuery", "mode: direct", "", "unknown mode direct"),
        (ADMISSIONS, "partition Admissions = m", "partition Admissions", "", "needs = and its m"),
        (ADMISSIONS, "= m", "= dax", "", "must be in M"),
        (ADMISSIONS, "\t\tisHidden", "\t\tisHidden: yes", "", "must be true or false, not yes"),
        (ADMISSIONS, "\t\tisHidden", "\t\tisHidden\n\t\tisHidden", "", "is on line"),
        (ADMISSIONS, '[Schema = "bi"', '[Schema = bi', "table Admissions\n", "one partition"),
        (ADMISSIONS, "table Admissions\n", "table Admission\n", "", "must be Admission.tmdl"),
        (ADMISSIONS, "\tmeasure Encounters =", "\tmeasure Encounter =", "", "has the title"),
        (ADMISSIONS, "\tmeasure Encounters =", "\tmeasure Admissions =", "", "a measure Admissi"),
        (TABLES / "Calendar.tmdl", "ByColumn: month", "ByColumn: moon", "", "no column moon"),
        (TABLES / "Calendar.tmdl", "\t\tisKey\n", "", "dataCategory", "needs a dateTime column"),
        (MODEL, "ref table Clock", "ref table Clocks", "", "no table Clocks; did you mean Clock?"),
        (MODEL, "culture: en-GB", "culture: en-GB\n\t/// x", "", "stands above an object only"),
        (RELATIONSHIPS, "Calendar.date", "Calendar.day", "", "Calendar has no column day"),
        (RELATIONSHIPS, "toColumn: Calendar", "toColumn: Calender", "", "mean Calendar?"),
        (RELATIONSHIPS, "toColumn: Calendar.date", "toColumn: date", "", "is no Table.column"),
        (RELATIONSHIPS, "Calendar.date", "Calendar.month", "", "needs isKey"),
        (RELATIONSHIPS, "Admissions.admitted_on", "Admissions.department", "", "columns differ"),
        (RELATIONSHIPS, "\tisActive: false\n", "", "", "Admissions has two ways to Calendar"),
        (
            RELATIONSHIPS,
            "relationship admissions-department",
            "relationship patients-calendar\n\tfromColumn: Patients.patient_id"
            "\n\ttoColumn: Calendar.date\n\nrelationship admissions-department",
            "",
            "Admissions has two ways to Calendar",
        ),
        (build.MODEL / "database.tmdl", "1567", "new", "", "must be a number, not new"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_model_has_its_place(
    root: Path, refused: Refused, file: Path, old: str, new: str, line: str, told: str
) -> None:
    said = refused(file, old, new)
    lines = (root / file).read_text().splitlines()
    places = [
        int(each.removeprefix(f"{file}:").split(":")[0])
        for each in said.splitlines()
        if told in each and each.startswith(f"{file}:")
    ]
    assert places, said
    if line:
        assert line.strip() in lines[places[0] - 1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("SUM(Alerts[is_open])", "SUM(Alerts[isopen])", "Alerts has no column isopen; did you"),
        ("SUM(Alerts[is_open])", "SUM(Alert[is_open])", "there is no table Alert; did you mean"),
        ("COUNTROWS(Diagnoses)", "COUNTROWS(Diagnosis)", "there is no table Diagnosis; did you"),
        (
            "COUNTROWS(Diagnoses) + 0",
            "0 + [Diagnose]",
            "no measure [Diagnose]; did you mean Dia",
        ),
        ("REMOVEFILTERS('Calendar')", "REMOVEFILTERS('Calender')", "there is no table Calender"),
        ("> Moment)", "> Momnet)", "there is no table Momnet"),
    ],
)
def test_a_mistake_in_the_dax_of_a_metric_has_its_place(
    root: Path, refused: Refused, old: str, new: str, told: str
) -> None:
    said = refused(Path("metrics.yaml"), old, new)
    number = (root / "metrics.yaml").read_text().partition(new)[0].count("\n") + 1
    place = said.partition(": ")[0]
    assert told in said
    # A text of several lines has the place where it begins.
    assert 0 <= number - int(place.removeprefix("metrics.yaml:")) <= 2


def test_a_metric_of_a_view_without_a_table_is_refused(refused: Refused) -> None:
    wards = "wards:\n  title: Wards\n  meaning: All.\n  unit: wards\n  view: wards\n"
    wards += "  sql: count(*)\n  dax: COUNTROWS(Departments)\nopen_alerts:"
    said = refused(Path("metrics.yaml"), "open_alerts:", wards)
    assert "wards.view: no table of the Power BI model reads bi.wards: add one" in said


def test_a_measure_with_the_name_of_a_column_of_its_table_is_refused(
    root: Path, refused: Refused
) -> None:
    file = root / ADMISSIONS
    block, text = "\tmeasure Admissions = SUM('Admissions per Hour'[admissions]) + 0\n", ""
    before, text, after = file.read_text().partition(block)
    assert text
    file.write_text(before.rpartition("\t///")[0] + after.partition("\n\n")[2])
    said = refused(Path("metrics.yaml"), "Patients admitted in", "People admitted in")
    assert "Admissions per Hour has a column with the name of the measure Admissions" in said
