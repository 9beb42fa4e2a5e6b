"""What ksql/ means on Flink: joins in order of arrival, and what a changed statement costs."""

from typing import Any

from pipeline.project import load
from pipeline.wait import until
from tests import records
from tests.endtoend.test_trends import admit, wait_until_equal, write_clean
from tests.workspace import Workspace

STREAM_TABLE = """
CREATE STREAM visits (id VARCHAR KEY, person VARCHAR)
  WITH (KAFKA_TOPIC = '{0}_visits', VALUE_FORMAT = 'AVRO');
CREATE TABLE people (id VARCHAR PRIMARY KEY, name VARCHAR)
  WITH (KAFKA_TOPIC = '{0}_people', VALUE_FORMAT = 'AVRO');
CREATE STREAM named WITH (KAFKA_TOPIC = '{0}_named') AS
  SELECT v.id AS id, p.name AS name FROM visits v LEFT JOIN people p ON v.person = p.id
  PARTITION BY v.id EMIT CHANGES;
"""


def _record(**fields: str) -> dict[str, Any]:
    listed = [
        {"name": name, "type": ["null", type_], "default": None} for name, type_ in fields.items()
    ]
    return {"type": "record", "name": "R", "namespace": "test", "fields": listed}


def test_a_stream_takes_the_tables_row_of_its_moment(widgets: Workspace) -> None:
    name = "joined"
    schemas = {
        f"{name}_visits": _record(person="string"),
        f"{name}_people": _record(name="string"),
        f"{name}_named": _record(NAME="string"),
    }
    own: dict[str, Any] = {topic: {} for topic in [*load(widgets.root).topics.topics, *schemas]}
    widgets.edit("topics.yaml", topics=own)
    for topic, schema in schemas.items():
        widgets.write(f"schemas/{topic}.avsc", schema)
    widgets.write("ksql/1.sql", STREAM_TABLE.format(name))
    widgets.ok("deploy")

    def visit(number: int) -> str | None:
        write_clean(widgets, f"{name}_visits", [(f"V{number}", {"person": "P1"})])

        def probe() -> list[Any] | None:
            found = records.read(widgets.target, f"{name}_named")
            return [r.value["NAME"] for r in found if r.key == f"V{number}"] or None

        (value,) = until(probe, seconds=60, describe=lambda: f"V{number} is not joined")
        return value  # type: ignore[no-any-return]

    def rename(to: str | None) -> None:
        write_clean(widgets, f"{name}_people", [("P1", {"name": to})])
        # Another person's visit, so that we know how far the table has been read.
        write_clean(widgets, f"{name}_people", [("P2", {"name": str(to)})])

        def probe() -> bool | None:
            write_clean(widgets, f"{name}_visits", [("probe", {"person": "P2"})])
            found = records.read(widgets.target, f"{name}_named")
            return any(r.key == "probe" and r.value["NAME"] == str(to) for r in found) or None

        until(probe, seconds=60, describe=lambda: f"the table does not become {to}", every=0.5)

    assert visit(1) is None
    rename("Ann")
    assert visit(2) == "Ann"
    rename("Bea")
    assert visit(3) == "Bea"
    rename(None)
    assert visit(4) is None


def test_a_changed_statement_starts_over_and_nothing_else_changes(trends: Workspace) -> None:
    trends.ok("deploy")
    admit(trends, range(50))
    wait_until_equal(trends, 50)
    file = trends.root / "ksql" / "03_trends.sql"
    file.write_text(file.read_text().replace("age_at_admission < 18 ", "age_at_admission < 21 "))
    (change,) = trends.plan()["changes"]
    assert (change["kind"], change["action"]) == ("query", "update")
    assert "starts over from the earliest record" in change["note"]
    trends.ok("deploy")
    assert trends.plan()["changes"] == []
    wait_until_equal(trends, 50)
