"""The worked examples of CONTRIBUTING.md, deployed: a field and a trend, from raw record to row."""

from pathlib import Path

from pipeline.wait import until
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support import examples
from tests.support.delivery import bounded
from tests.support.workspace import Workspace, cleanse_once

TREND = """
SELECT coalesce(admission_type, 'Unknown'), date_bin('1 day', admission_date, '1970-01-01+00'),
       count(*), sum(length_of_stay_hours)
FROM admissions GROUP BY 1, 2 ORDER BY 1, 2
"""


def test_a_field_and_a_trend_reach_postgresql(
    whole: Workspace, stack: Layout, tmp_path: Path
) -> None:
    bounded(whole, max_interval_ms=0)
    for name in ("A field", "A trend"):
        examples.apply(examples.diffs()[name], whole.root)
    # The stack's own cleansing has this repository's schemas.
    supervisor = Supervisor(stack.socket)
    supervisor.stop("cleanse")
    try:
        whole.ok("test", "ksql/cases/trends.yaml")
        whole.ok("deploy")
        done = cleanse_once(whole, tmp_path / "checkpoint", whole.root)
        assert done.returncode == 0, done.stderr
        specimens = "SELECT DISTINCT specimen FROM lab_results ORDER BY 1"
        until(
            lambda: whole.rows(specimens),
            seconds=60,
            done=lambda rows: [row[0] for row in rows] == ["Blood", "Plasma", "Serum", None],
            describe=lambda rows: f"specimens: {rows}",
        )
        until(
            lambda: (whole.rows("TABLE workload_daily ORDER BY 1, 2"), whole.rows(TREND)),
            seconds=60,
            done=lambda both: bool(both[0]) and both[0] == both[1],
            describe=lambda both: f"workload_daily: {both and both[0]}, not {both and both[1]}",
        )
        assert whole.plan()["changes"] == []
    finally:
        supervisor.start("cleanse")
