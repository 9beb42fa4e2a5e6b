"""ksql/ on Flink: joins in order of arrival, what a change costs, and what comes back."""

import json
import re
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import requests

from pipeline.clients.registry import Registry
from pipeline.repository.loader import load
from pipeline.schemas import subject_of
from pipeline.wait import until
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support import records, workspace
from tests.support.stacks import Embedded
from tests.support.trends import admit, wait_until_equal, wait_until_trends_equal, write_clean
from tests.support.workspace import Workspace

STREAM_TABLE = """
CREATE STREAM visits (id VARCHAR KEY, person VARCHAR)
  WITH (KAFKA_TOPIC = '{0}_visits', VALUE_FORMAT = 'AVRO');
CREATE TABLE people (id VARCHAR PRIMARY KEY, name VARCHAR)
  WITH (KAFKA_TOPIC = '{0}_people', VALUE_FORMAT = 'AVRO');
CREATE STREAM named WITH (KAFKA_TOPIC = '{0}_named') AS
  SELECT v.id AS id, p.name AS name FROM visits v LEFT JOIN people p ON v.person = p.id
  PARTITION BY v.id EMIT CHANGES;
"""


CHECKPOINTS = "checkpoints/*/chk-*/_metadata"


def _record(**fields: str) -> dict[str, Any]:
    listed = [
        {"name": name, "type": ["null", type_], "default": None} for name, type_ in fields.items()
    ]
    return {"type": "record", "name": "R", "namespace": "test", "fields": listed}


def _versions_of_derived(space: Workspace) -> set[tuple[int, ...]]:
    registry = Registry(space.target.registry)
    return {tuple(registry.versions(subject_of(topic))) for topic in load(space.root).queries}


def test_a_stream_takes_the_tables_row_of_its_moment(widgets: Workspace) -> None:
    name = "joined"
    schemas = {
        f"{name}_visits": _record(person="string"),
        f"{name}_people": _record(name="string"),
        # In another order than Avro's own, and with documentation.
        f"{name}_named": dict(sorted({**_record(NAME="string"), "doc": "Who."}.items())),
    }
    own: dict[str, Any] = {topic: {} for topic in [*load(widgets.root).topics.topics, *schemas]}
    widgets.edit("topics.yaml", topics=own)
    for topic, schema in schemas.items():
        widgets.write(f"schemas/{topic}.avsc", schema)
    widgets.write("ksql/1.sql", STREAM_TABLE.format(name))
    widgets.ok("deploy")
    registry = Registry(widgets.target.registry)

    def visit(number: int) -> str | None:
        write_clean(widgets, f"{name}_visits", [(f"V{number}", {"person": "P1"})])

        def names() -> list[str | None]:
            joined = records.read(widgets.target, f"{name}_named")
            return [r.value["NAME"] for r in joined if r.key == f"V{number}"]

        (value,) = until(names, seconds=60, describe=lambda _: f"V{number} is not joined")
        return value

    def await_read(mark: str) -> None:
        """Another person's row and visit, so that we know how far the table has been read."""
        write_clean(widgets, f"{name}_people", [("P2", {"name": mark})])

        def names() -> set[str | None]:
            write_clean(widgets, f"{name}_visits", [("probe", {"person": "P2"})])
            joined = records.read(widgets.target, f"{name}_named")
            return {r.value["NAME"] for r in joined if r.key == "probe"}

        until(
            names,
            seconds=60,
            done=lambda seen: mark in seen,
            describe=lambda seen: f"the table is not read to {mark}: {seen}",
            every=0.5,
        )

    def rename(to: str | None) -> None:
        write_clean(widgets, f"{name}_people", [("P1", {"name": to})])
        await_read(str(to))

    assert visit(1) is None
    rename("Ann")
    assert visit(2) == "Ann"
    rename("Bea")
    assert visit(3) == "Bea"
    rename(None)
    assert visit(4) is None
    rename("Eve")
    assert visit(5) == "Eve"
    # The row goes, and is joined no more.
    records.write_raw(widgets.target, f"{name}_people", [(b"P1", None)])
    await_read("gone")
    assert visit(6) is None
    # The job has found the schema that was deployed, and has registered none of its own.
    assert registry.versions(f"{name}_named-value") == [1]


def _jobs(space: Workspace) -> dict[str, str]:
    """The id of each statement's job."""
    jobs = requests.get(f"{_cluster(space)}/jobs/overview", timeout=10).json()["jobs"]
    live = [job for job in jobs if job["state"] == "RUNNING" and job["name"].startswith("ksql ")]
    return {job["name"].removeprefix("ksql "): job["jid"] for job in live}


def _declared(space: Workspace) -> set[str]:
    """The statements that have a job."""
    return {statement.name for statement in load(space.root).statements if statement.query}


def _cluster(space: Workspace) -> str:
    assert space.target.flink
    return space.target.flink.cluster.url


def _edit_band(space: Workspace, years: int) -> None:
    file = space.root / "ksql" / "02_details.sql"
    changed = re.sub(
        r"age_at_admission < \d+ THEN '0-17'",
        f"age_at_admission < {years} THEN '0-17'",
        file.read_text(),
    )
    file.write_text(changed)


def _end(space: Workspace, name: str) -> None:
    """Ends a statement's job behind the back of the repository; returns once plan tells of it."""
    job = _jobs(space)[name]
    requests.patch(f"{_cluster(space)}/jobs/{job}?mode=cancel", timeout=10).raise_for_status()
    space.await_changes([(name, "restart")])


def _await_plan(space: Workspace) -> None:
    """Until Flink has resumed its jobs; before, no plan takes them for gone."""

    def plan() -> CompletedProcess[str]:
        run = space.run("plan", "--json")
        if run.returncode != 0:
            assert re.search("Flink is starting|Flink cannot be reached", run.stderr), run.stderr
        return run

    resumed = until(
        plan,
        seconds=90,
        done=lambda run: run.returncode == 0,
        describe=lambda run: run.stderr if run else "",
        every=0.5,
    )
    assert json.loads(resumed.stdout)["changes"] == []


def _admit(space: Workspace, count: int) -> None:
    """So many admissions more; returns once they and their trends have landed."""
    landed = workspace.counts(space, ("admissions",))["admissions"]
    admit(space, range(landed, landed + count))
    wait_until_equal(space, landed + count)


def _drop_state(query: Path) -> None:
    """Leaves checkpoints whole, but for the state that they speak of."""
    for file in [*query.glob("checkpoints/*/shared/*"), *query.glob("checkpoints/*/chk-*/*")]:
        if file.name != "_metadata":
            file.unlink()


def _damage(query: Path) -> None:
    for file in query.glob(CHECKPOINTS):
        file.write_bytes(b"damaged")


def test_what_cannot_be_read_or_restored_stops_nothing(trends: Workspace, stack: Layout) -> None:
    _admit(trends, 50)
    topic = "patient_admissions_clean"
    schema_id = records.header(trends.target, topic)
    garbage = [b"no Avro at all", b"", schema_id + b"\xff" * 40, b"\0\x7f\xff\xff\xff" + b"x" * 9]
    records.write_raw(trends.target, topic, [(b"A1", value) for value in garbage])
    _admit(trends, 10)
    counted = {topic: len(garbage)}

    def skipped() -> dict[str, int]:
        found: dict[str, int] = json.loads(trends.ok("status", "--json"))["skipped"]
        return found

    until(
        skipped,
        seconds=20,
        done=lambda counts: counts == counted,
        describe=lambda counts: f"passed over are {counts}, not {counted}",
    )
    assert f"4 records of {topic} could not be read and were passed over" in trends.ok("status")
    # A schema that nobody registered is the record's fault; a registry that is away is not.
    Supervisor(stack.socket).stop("registry")
    records.write_raw(trends.target, topic, [(b"A1", b"\0\0\x0f\x42\x40?")])

    until(
        lambda: json.loads(trends.run("status", "--json").stdout)["queries"],
        seconds=60,
        done=lambda states: states["ADMISSIONS_NAMED"] == "FAILING",
        describe=str,
        every=1,
    )
    assert "ADMISSIONS_NAMED: FAILING: Connection refused" in trends.run("status").stdout
    Supervisor(stack.socket).start("registry")
    trends.await_well(seconds=90)
    until(skipped, seconds=20, done=lambda counts: counts.keys() == {topic}, describe=str)
    queries = stack.data / "flink" / "queries"
    until(
        lambda: {q.name for q in queries.iterdir() if not list(q.glob(CHECKPOINTS))},
        seconds=60,
        done=lambda without: not without,
        describe=lambda without: f"without a checkpoint are {without}",
    )
    Supervisor(stack.socket).stop("flink")
    _drop_state(queries / "ADMISSIONS_HOURLY")
    _damage(queries / "DIAGNOSES_DAILY")
    Supervisor(stack.socket).start("flink")
    trends.await_well(seconds=90)
    log = (stack.logs / "flink.log").read_text()
    for name in ("ADMISSIONS_HOURLY", "DIAGNOSES_DAILY"):
        assert re.search(rf"{name}: its checkpoint .* cannot be restored .* starts over", log)
    assert _jobs(trends).keys() == _declared(trends)
    _admit(trends, 10)
    # The same, when deploy starts a job that somebody ended.
    _end(trends, "DISCHARGES_HOURLY")
    _damage(queries / "DISCHARGES_HOURLY")
    done = trends.run("deploy")
    assert done.returncode == 0, done.stderr
    assert "query DISCHARGES_HOURLY: its checkpoint could not be restored" in done.stderr
    assert "it started over from the earliest record" in done.stderr
    wait_until_trends_equal(trends)
    # The jobs have found the schemas that were deployed, and have registered none of their own.
    assert _versions_of_derived(trends) == {(1,)}


def test_a_changed_statement_starts_over_and_flink_comes_back_with_all(
    trends: Workspace, stack: Layout
) -> None:
    _admit(trends, 50)
    before = _jobs(trends)
    assert before.keys() == _declared(trends)
    _edit_band(trends, 21)
    band, trend = trends.plan()["changes"]
    assert (band["name"], band["action"]) == ("ADMISSIONS_BY_BAND", "update")
    assert band["note"].startswith("it starts over from the earliest record")
    assert (trend["name"], trend["edits"]) == ("ADMISSIONS_BY_AGE_DAILY", [])
    assert trend["note"].startswith("what it builds on has changed: it starts over")
    shown = trends.ok("plan")
    assert "- WHEN age_at_admission < 18 THEN '0-17'\n" in shown
    assert "+ WHEN age_at_admission < 21 THEN '0-17'\n" in shown
    trends.ok("deploy")
    _edit_band(trends, 18)
    trends.ok("deploy")
    after = _jobs(trends)
    assert {n for n in before if before[n] != after[n]} == {band["name"], trend["name"]}
    # Somebody ends a job by hand: it is told, and it goes on from where it was.
    _end(trends, "ADMISSIONS_NAMED")
    assert trends.run("status").returncode == 1
    trends.ok("deploy")
    assert trends.plan()["changes"] == []
    Embedded(stack).kill("trends")
    _await_plan(trends)
    _admit(trends, 50)
    trends.await_well(seconds=90)
    assert trends.plan()["changes"] == []
    # A statement that is dropped is told of, and goes with --prune. Its sink has to go too.
    file = trends.root / "ksql" / "03_trends.sql"
    kept = [s for s in file.read_text().split(";\n") if "admissions_by_age_daily" not in s]
    file.write_text(";\n".join(kept))
    assert "unknown topic admissions_by_age_daily" in trends.run("plan").stderr
    (trends.root / "connectors" / "sinks" / "admissions-by-age-daily.yaml").unlink()
    leftovers = trends.ok("plan")
    assert "query ADMISSIONS_BY_AGE_DAILY" in leftovers
    assert "sink admissions-by-age-daily-sink" in leftovers
    trends.ok("deploy", "--prune", "--only", "ADMISSIONS_BY_AGE_DAILY")
    assert set(_jobs(trends)) == set(before) - {"ADMISSIONS_BY_AGE_DAILY"}
    workspace.without_trends(trends)
    queries = {left for left in trends.plan()["leftovers"] if left.startswith("query ")}
    assert queries == {f"query {name}" for name in _jobs(trends)}
