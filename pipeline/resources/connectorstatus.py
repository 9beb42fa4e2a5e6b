"""What `status` says of connectors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.live import LiveConnector
from pipeline.resources.resource import DEPLOY, Status, Wrong

if TYPE_CHECKING:
    from pipeline.clients.lags import Lag

ABSENT = "ABSENT"
# What to do about a state; about any other, deploy.
REMEDIES = {
    "FAILED": "mend the cause, then `make deploy`: it starts failed tasks again",
    "UNASSIGNED": "wait: a worker takes it within seconds; else `make status` shows which is down",
    "RESTARTING": "wait",
}


def of(
    names: Sequence[str], live: Mapping[str, LiveConnector], lags: Mapping[str, "Lag"]
) -> Status:
    """The status of the declared connectors, by name."""
    states = {name: live.get(name) for name in names}
    return Status(
        columns=("connector", "state", "tasks", "lag"),
        rows=tuple(_row(name, state, lags) for name, state in states.items()),
        wrong=tuple(
            _wrong(name, state)
            for name, state in states.items()
            if state is None or not state.settled
        ),
        notes=(),
        data={"connectors": [_data(name, state, lags) for name, state in states.items()]},
    )


def _wrong(name: str, live: LiveConnector | None) -> Wrong:
    state = live.summary if live else ABSENT
    what = "; ".join(live.failed) if live and live.failed else state
    return Wrong(name, what, REMEDIES.get(state, DEPLOY))


def _row(name: str, live: LiveConnector | None, lags: Mapping[str, "Lag"]) -> tuple[str, ...]:
    tasks = " ".join(task.state for task in live.tasks) if live else ""
    lag = str(lags[name]) if name in lags else ""
    return (name, live.summary if live else ABSENT, tasks, lag)


def _data(name: str, live: LiveConnector | None, lags: Mapping[str, "Lag"]) -> dict[str, Any]:
    lag = lags.get(name)
    return {
        "name": name,
        "state": live.summary if live else ABSENT,
        "failed": list(live.failed) if live else [],
        "tasks": [asdict(task) for task in live.tasks] if live else [],
        "lag": lag.records if lag else None,
        "lag_s": round(lag.seconds, 1) if lag else None,
    }
