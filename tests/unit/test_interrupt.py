"""A deployment that is cut off, or refused in the middle: no connector is left stopped."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest

from pipeline import deploy, interrupt
from pipeline.change import Action, Change
from pipeline.clients.connect import Connect
from pipeline.errors import InterruptedRunError, InterruptError, PipelineError, ServiceError
from pipeline.live import LiveConnector
from pipeline.plan import Plan
from pipeline.repository.connections import at
from pipeline.resources import worker as worker_steps
from pipeline.resources.connector import Connector, Connectors
from pipeline.resources.resource import Result, Run
from pipeline.services import Services
from pipeline.wait import until
from tests.support.serving import serving

# A sink that Connect does not get to stop, one that does not get to run, and one that is refused.
STUCK, LAME, REFUSED = "stuck-sink", "lame-sink", "refused-sink"


class Worker:
    """Keeps the states of its connectors. `asked` has what it was asked for."""

    def __init__(self, config: dict[str, str] | None = None) -> None:
        self.config = config or {}
        self.states = dict.fromkeys((STUCK, LAME, REFUSED), "RUNNING")
        self.asked: list[str] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        del body
        if method == "GET":
            return 200, {name: self.described(name) for name in self.states}
        _, _, name, what = path.split("/")
        self.asked.append(f"{name} {what}")
        if what == "config" and name == REFUSED:
            return 500, {"message": "no"}
        if what in {"stop", "resume"}:
            self.states[name] = "STOPPED" if what == "stop" else "RUNNING"
        return 200, {}

    def described(self, name: str) -> dict[str, Any]:
        state = self.states[name]
        has_task = state == "RUNNING" or name == STUCK
        tasks = [{"id": 0, "state": "UNASSIGNED" if name == LAME else "RUNNING"}]
        status = {"connector": {"state": state}, "tasks": tasks if has_task else []}
        return {"info": {"config": self.config}, "status": status}


def _changes(*names: str) -> tuple[Change, ...]:
    connectors = [Connector(name, {"topics": "t"}, Path("s.yaml"), is_sink=True) for name in names]
    return tuple(Change("sink", c.name, Action.UPDATE, declared=c) for c in connectors)


def _run(url: str, results: list[Result], told: list[str]) -> Run:
    services = cast("Services", type("Clients", (), {"connect": Connect(at(url))})())
    return Run(services, 30, lambda change, error: results.append((change, error)), told.append)


def _signalled(number: int, when: Callable[[], bool]) -> AbstractContextManager[None]:
    """Sends this process a signal, and another one, once `when` is true."""

    def send() -> None:
        until(when, seconds=10, describe=lambda _: "it did not come to that", every=0.01)
        # What is under way waits for its states now.
        time.sleep(0.3)
        os.kill(os.getpid(), number)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    return _Thread(send)


class _Thread(AbstractContextManager[None]):
    def __init__(self, target: Callable[[], None]) -> None:
        self._thread = Thread(target=target)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_deployment_that_is_cut_off_resumes_what_it_stopped(number: int, code: int) -> None:
    worker = Worker()
    results: list[Result] = []
    told: list[str] = []
    source = Change("source", "d", Action.CREATE)
    plan = Plan((*_changes(STUCK, LAME), source))
    before = [signal.getsignal(each) for each in interrupt.SIGNALS]

    def both_wait() -> bool:
        return {f"{STUCK} stop", f"{LAME} resume"} <= set(worker.asked)

    with serving(worker.answer) as url:
        run = _run(url, results, told)
        begun = time.monotonic()
        with (
            pytest.raises(InterruptedRunError) as caught,
            _signalled(number, both_wait),
        ):
            deploy.apply(plan, run)
        assert time.monotonic() - begun < 10
    assert caught.value.exit_code == code
    assert worker.states == dict.fromkeys((STUCK, LAME, REFUSED), "RUNNING")
    assert f"{STUCK} config" not in worker.asked
    assert told == ["interrupted: what is under way comes to its end, nothing new is begun"]
    last = str(caught.value)
    assert last.startswith("interrupted: 0 of 3 changes were made; ")
    assert f"sink {STUCK}: it runs on as it was" in last
    assert f"sink {LAME}: it is as declared, and was not waited for" in last
    assert last.endswith("not made: source d. `deploy` makes the rest")
    assert [signal.getsignal(each) for each in interrupt.SIGNALS] == before


def test_a_connector_whose_change_is_refused_runs_on() -> None:
    worker = Worker()
    results: list[Result] = []
    with serving(worker.answer) as url:
        outcome = deploy.apply(Plan(_changes(REFUSED)), _run(url, results, []))
    path = f"/connectors/{REFUSED}/config"
    assert outcome.failures == (f"sink {REFUSED}: Kafka Connect: PUT {path}: 500: no",)
    assert worker.states[REFUSED] == "RUNNING"


def test_the_first_error_is_told_if_the_connector_cannot_be_resumed_either() -> None:
    worker = Worker()

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/resume"):
            return 500, {"message": "nor this"}
        return worker.answer(method, path, body)

    with serving(answer) as url:
        outcome = deploy.apply(Plan(_changes(REFUSED)), _run(url, [], []))
    (said,) = outcome.failures
    assert "/config: 500: no; refused-sink could not be resumed: " in said
    assert said.endswith("/resume: 500: nor this")


def test_an_interruption_is_no_failure_of_a_connector_that_cannot_be_resumed() -> None:
    told: list[str] = []

    class Refusing:
        def stop(self, name: str) -> None:
            raise InterruptError(name)

        def resume(self, name: str) -> None:
            raise ServiceError(f"{name} does not")

    services = cast("Services", type("Clients", (), {"connect": Refusing()})())
    with pytest.raises(InterruptError):
        worker_steps.remove("s", Run(services, 1, lambda *_: None, told.append))
    assert told == ["s could not be resumed: s does not"]


def test_a_paused_connector_is_resumed_and_not_configured_again() -> None:
    worker = Worker({"topics": "t"})
    live = LiveConnector("s", {"topics": "t"}, "PAUSED", "", (), is_sink=True)
    (change,) = _changes(STUCK)
    with serving(worker.answer) as url:
        worker.states = {LAME: "RUNNING", "s": "PAUSED"}
        paused = replace(change, name="s", live=live)
        worker_steps.make(paused, _run(url, [], []))
    assert worker.asked == ["s stop", "s resume"]


def test_a_removal_that_does_not_come_to_its_end_leaves_the_connector_running() -> None:
    worker = Worker()

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        return (500, {"message": "no"}) if method == "DELETE" else worker.answer(method, path, body)

    sink = Connector(LAME, {"topics": "t"}, Path("s.yaml"), is_sink=True)
    with serving(answer) as url, pytest.raises(PipelineError, match="offsets: 500: no"):
        Connectors("sink").remove((sink,), _run(url, [], []), lambda _: None)
    assert worker.states[LAME] == "RUNNING"


@pytest.mark.parametrize(
    ("mark", "whose"),
    [({"managed.by": "billing"}, "belongs to billing"), ({}, "runs, but was not deployed from")],
)
def test_a_removal_leaves_alone_what_is_not_ours(mark: dict[str, str], whose: str) -> None:
    worker = Worker(mark)
    told: list[str] = []
    removed: list[str] = []
    sink = Connector(LAME, {"topics": "t", "managed.by": "us"}, Path("s.yaml"), is_sink=True)
    with serving(worker.answer) as url:
        Connectors("sink").remove((sink,), _run(url, [], told), removed.append)
    assert (worker.asked, removed) == ([], [])
    assert [f"sink {LAME} {whose}" in line and line.endswith("it stays") for line in told] == [True]


def test_a_connector_that_kafka_would_not_keep_is_a_problem() -> None:
    sinks = Connectors("sink")
    large = Connector(
        "s", {"topics": "t", "schema.string": "x" * 2_000_000}, Path("s.yaml"), is_sink=True
    )
    assert list(sinks.problems(large, None, "us", adopt=False)) == [
        "s.yaml: s has 2.0 MB, most of it `schema.string`: Connect keeps a connector in a record"
        " of Kafka, which takes 1 MB"
    ]
    small = Connector("s", {"topics": "t"}, Path("s.yaml"), is_sink=True)
    assert list(sinks.problems(small, None, "us", adopt=False)) == []


def test_the_last_line_of_a_run_that_was_done_when_it_was_cut_off() -> None:
    (change,) = _changes(LAME)
    done = [(change, None)]
    assert deploy.interrupted(Plan((change,)), done) == "interrupted: 1 of 1 changes were made."
    assert deploy.cut_short(["sink a", "sink b"]) == (
        "interrupted: removed: sink a, sink b. The rest is still there, and runs"
    )
