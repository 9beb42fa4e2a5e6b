"""Prometheus, Alertmanager and the exporters on the real stack, as `make metrics` starts them."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import yaml
from rich.console import Console

from pipeline.paths import REPOSITORY
from pipeline.wait import until
from stack import beside, exporters, metrics
from stack.layout import Layout
from stack.supervisor import Supervisor
from tests.support import hands
from tests.support.embedded import TARGET, listening, pid_of
from tests.support.serving import serving
from tests.support.workspace import Workspace

pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in metrics.PROGRAMS),
    reason="no Prometheus: make prometheus",
)
RULES = REPOSITORY / "monitoring" / "rules.yaml"
CASES = REPOSITORY / "monitoring" / "rules.test.yaml"
GRAFANA = json.loads((REPOSITORY / "monitoring" / "grafana.json").read_text())
PANELS = [panel for panel in GRAFANA["panels"] if panel["type"] != "row"]
TOKEN = "a-token-that-nobody-else-sees"


@dataclass(frozen=True)
class Watched:
    """Prometheus on the stack, and what a webhook got from Alertmanager: status, alert, labels."""

    prometheus: str
    alertmanager: str
    told: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer = requests.get(
            f"{self.prometheus}/api/v1/query", params={"query": query}, timeout=10
        )
        body = answer.json()
        assert body["status"] == "success", body
        found: list[dict[str, Any]] = body["data"]["result"]
        return found

    def await_series(self, query: str) -> list[dict[str, Any]]:
        return until(lambda: self.ask(query), seconds=90, describe=lambda _: f"nothing for {query}")

    def values(self, query: str, label: str) -> dict[str, float]:
        return {one["metric"][label]: float(one["value"][1]) for one in self.ask(query)}


@pytest.fixture(scope="module")
def watched(stack: Layout, fed_whole: Workspace) -> Iterator[Watched]:
    """As `make metrics` starts it; but an alert is told at once, not after minutes."""
    del fed_whole  # runs
    assert stack.target.metrics
    found = Watched(stack.target.metrics.prometheus, stack.target.metrics.alertmanager)

    def answer(_method: str, _path: str, body: Any) -> tuple[int, Any]:
        for alert in body["alerts"]:
            found.told.append((alert["status"], alert["labels"]["alertname"], alert["labels"]))
        return 200, None

    before = stack.secrets.read_text()
    supervisor = Supervisor(stack.socket)
    try:
        with serving(answer) as address:
            more = f"ALERTS_WEBHOOK_URL={address}/hook\nALERTS_WEBHOOK_TOKEN={TOKEN}\n"
            stack.secrets.write_text(before + more)
            beside.metrics(stack, Console(stderr=True))
            _hasten(stack)
            yield found
    finally:
        for service in metrics.services(stack):
            supervisor.stop(service.name)
        stack.secrets.write_text(before)


def _hasten(stack: Layout) -> None:
    """Takes the patience out of the rules and of Alertmanager."""
    quick = stack.run / "rules.yaml"
    quick.write_text(re.sub(r"for: \d+m", "for: 0s", RULES.read_text()).replace("[1m]", "[10s]"))
    _edit(stack, "prometheus", {str(RULES): str(quick), "interval: 10s": "interval: 1s"})
    _edit(
        stack, "alertmanager", {"group_wait: 10s": "group_wait: 1s", "interval: 1m": "interval: 1s"}
    )


def _edit(stack: Layout, service: str, words: dict[str, str]) -> None:
    file = stack.run / f"{service}.yaml"
    text = file.read_text()
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    os.kill(pid_of(stack, service), signal.SIGHUP)


def test_every_service_tells_its_metrics(stack: Layout, watched: Watched) -> None:
    jobs = {"prometheus", "alertmanager", *exporters.ports(stack)}
    until(
        lambda: watched.values("up", "job"),
        seconds=60,
        done=lambda up: up == dict.fromkeys(jobs, 1),
        describe=lambda up: f"up: {up}",
    )
    assert watched.ask("pg_up")[0]["value"][1] == "1"
    assert {address.rpartition(":")[0] for address in listening(stack)} == {"127.0.0.1"}


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_each_panel_of_grafana_has_numbers(watched: Watched, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        found = watched.await_series(target["expr"])
        labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
        for series in found:
            assert set(labels) <= series["metric"].keys()


def test_every_probe_gets_an_answer(watched: Watched) -> None:
    until(
        lambda: watched.values("hospital_probe_success", "probe"),
        seconds=60,
        done=lambda found: len(found) > 10 and set(found.values()) == {1},
        describe=lambda found: f"{found}",
    )


def test_the_numbers_are_those_of_the_pipeline(watched: Watched, fed_whole: Workspace) -> None:
    status = json.loads(fed_whole.run("status", "--json").stdout)
    states = watched.ask("hospital_connector_state == 1")
    assert {one["metric"]["connector"]: one["metric"]["state"] for one in states} == {
        connector["name"]: connector["state"] for connector in status["connectors"]
    }
    states = watched.ask("hospital_query_state == 1")
    assert {one["metric"]["query"]: one["metric"]["state"] for one in states} == status["queries"]
    lags = watched.values('hospital_lag_records{stage="sink"}', "reader")
    assert lags == {
        connector["name"]: connector["lag"]
        for connector in status["connectors"]
        if connector["lag"] is not None
    }
    (rejected,) = fed_whole.rows("SELECT count(*) FROM rejected_records")[0]
    until(
        lambda: sum(watched.values("hospital_rejects_total", "rule").values()),
        seconds=90,
        # A record can break several rules, and what was delivered again is counted again.
        done=lambda counted: counted >= rejected > 0,
        describe=lambda counted: f"{counted} rejects counted, {rejected} are there",
    )


def test_drift_is_what_plan_shows(watched: Watched) -> None:
    command = [".venv/bin/python", "render.py", "plan", "--json", "--target", str(TARGET)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    kinds = Counter(change["kind"] for change in json.loads(done.stdout)["changes"])
    # The sources run with other settings than those of the repository.
    assert kinds["source"] > 0
    found = watched.values("hospital_plan_changes > 0", "kind")
    assert found == kinds


def test_a_failed_task_is_told_to_a_webhook_and_so_is_its_end(
    stack: Layout, watched: Watched
) -> None:
    name = "labs-sink"
    path = f"/connectors/{name}/config"
    config = hands.ask(stack.target.connect, "GET", path).json()
    hands.ask(stack.target.connect, "PUT", path, {**config, "connection.password": "wrong"})
    _await_told(watched, "firing", name)
    hands.ask(stack.target.connect, "PUT", path, config)
    _await_told(watched, "resolved", name)


def _await_told(watched: Watched, status: str, name: str) -> None:
    until(
        lambda: [
            labels
            for told, alert, labels in watched.told
            if (told, alert, labels.get("connector")) == (status, "TaskFailed", name)
        ],
        seconds=90,
        describe=lambda _: f"the webhook was told {watched.told}",
    )


def test_no_secret_is_shown(stack: Layout, watched: Watched) -> None:
    port = exporters.ports(stack)["exporter"]
    pages = (
        f"http://127.0.0.1:{port}/metrics",
        f"{watched.prometheus}/api/v1/status/config",
        f"{watched.alertmanager}/api/v2/status",
    )
    lines = (line.partition("=") for line in stack.secrets.read_text().splitlines())
    secrets = [value for key, _, value in lines if value and not key.endswith("_URL")]
    assert TOKEN in secrets
    for page in pages:
        text = requests.get(page, timeout=10).text
        assert not [secret for secret in secrets if secret in text]


def test_each_rule_has_a_case_and_is_told_as_it_says() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"]
    alerts = {rule["alert"] for group in rules for rule in group["rules"]}
    cases = [
        case
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == alerts
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == alerts
    done = subprocess.run(
        ["promtool", "test", "rules", CASES.name],
        cwd=CASES.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
