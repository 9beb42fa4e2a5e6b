"""deploy --recreate: a statement anew, with its topic and all that reads it."""

from typing import Any

from pipeline.clients.kafka import Kafka
from tests.support import hands
from tests.support.trends import admit, wait_until_equal, wait_until_trends_equal
from tests.support.workspace import Workspace

TREND = "ADMISSIONS_HOURLY"
OF_TREND = {
    ("topic", "admissions_hourly"),
    ("subject", "admissions_hourly-value"),
    ("query", TREND),
    ("sink", "admissions-hourly-sink"),
}


def _keys(plan: dict[str, Any], action: str) -> set[tuple[str, str]]:
    return {(c["kind"], c["name"]) for c in plan["changes"] if c["action"] == action}


def test_what_is_made_anew_ends_right_and_goes_on(trends: Workspace) -> None:
    admit(trends, range(60))
    wait_until_equal(trends, 60)
    kafka = Kafka(hands.kafka(trends.target))
    topics = ["admissions_hourly", "discharges_hourly"]
    before = kafka.topic_ids(topics)
    plan = trends.plan("--recreate", TREND.lower())
    assert _keys(plan, "recreate") == OF_TREND
    assert len(plan["changes"]) == len(OF_TREND)
    # Nothing has been counted anew yet: the rows would not come back by themselves.
    with trends.database() as connection:
        connection.execute("DELETE FROM admissions_hourly")
    done = trends.run("deploy", "--recreate", TREND)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 changes made." in done.stderr
    wait_until_trends_equal(trends)
    after = kafka.topic_ids(topics)
    assert [name for name in topics if before[name] != after[name]] == ["admissions_hourly"]
    assert trends.plan()["changes"] == []
    # One on which, on ksqlDB, all of them build.
    trends.ok("deploy", "--recreate", "ADMISSIONS_NAMED")
    admit(trends, range(60, 100))
    wait_until_equal(trends, 100)
    trends.await_well()
    assert trends.plan()["changes"] == []


def test_an_unknown_statement_is_refused(trends: Workspace) -> None:
    done = trends.run("deploy", "--recreate", "ADMISSIONS_HURLY")
    assert done.returncode == 2
    assert "unknown statement ADMISSIONS_HURLY; did you mean ADMISSIONS_HOURLY?" in done.stderr
