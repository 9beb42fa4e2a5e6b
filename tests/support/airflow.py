"""Airflow's REST API, as the tests use it."""

from typing import Any

import requests

from pipeline.wait import until

RUN_S = 240


class Airflow:
    """Airflow's REST API, logged in."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        login = {"username": "admin", "password": password}
        token = requests.post(f"{url}/auth/token", json=login, timeout=10)
        token.raise_for_status()
        self._headers = {"Authorization": f"Bearer {token.json()['access_token']}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.url}/api/v2{path}"
        answer = requests.request(method, url, json=body, headers=self._headers, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def run(self, dag: str) -> dict[str, str]:
        """Runs a DAG and returns the state of each task."""
        return self.finish(dag, self.start(dag))

    def start(self, dag: str) -> str:
        """Starts a run of a DAG and returns its id."""
        run = self.ask("POST", f"/dags/{dag}/dagRuns", {"logical_date": None, "conf": {}})
        return str(run["dag_run_id"])

    def finish(self, dag: str, run: str) -> dict[str, str]:
        """Waits until a run has ended, and returns the state of each task."""
        until(
            lambda: self.ask("GET", f"/dags/{dag}/dagRuns/{run}")["state"],
            seconds=RUN_S,
            done=lambda state: state in {"success", "failed"},
            describe=lambda state: f"{dag} is {state}: {self.states(dag, run)}",
        )
        return self.states(dag, run)

    def states(self, dag: str, run: str) -> dict[str, str]:
        listed = self.ask("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in listed}
