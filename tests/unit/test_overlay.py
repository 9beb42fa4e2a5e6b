"""What a target overrides of topics.yaml and of connectors' specs."""

import json
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from pipeline import report
from pipeline.change import Action
from pipeline.errors import SpecError
from pipeline.live import LiveConnector, LiveTopic, Task
from pipeline.paths import REPOSITORY
from pipeline.plan import Plan
from pipeline.repository import desired, loader
from pipeline.repository import target as targets
from pipeline.repository.checks import POLICY
from pipeline.repository.target import Target
from pipeline.resources.connector import Connectors
from pipeline.resources.desired import Desired
from pipeline.resources.topic import Topics

OVERLAY = {
    "topics": {"replication": 3, "config": {"min.insync.replicas": 2, "retention.ms": 1000}},
    "connectors": {
        "*-sink": {"config": {"tasks.max": 2}},
        "labs-sink": {"config": {"tasks.max": 4}},
    },
}


def _target(folder: Path, overlay: object) -> Target:
    base = yaml.safe_load((REPOSITORY / "targets" / "embedded.yaml").read_text())
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump({**base, **overlay}, sort_keys=False))  # type: ignore[dict-item]
    return targets.load(REPOSITORY, str(file))


def _declared(target: Target) -> Desired:
    return desired.render(loader.load(REPOSITORY, target), target.pipeline)


def test_topics_have_the_targets_defaults_and_keep_what_is_their_own(tmp_path: Path) -> None:
    target = _target(tmp_path, OVERLAY)
    topics = {topic.name: topic for topic in _declared(target).topics}
    assert {topic.replication for topic in topics.values()} == {3}
    assert {topic.config["min.insync.replicas"] for topic in topics.values()} == {"2"}
    clean = topics["patients_clean"]
    assert clean.config["cleanup.policy"] == "compact"
    assert clean.origins == dict.fromkeys(
        ["replication", "min.insync.replicas", "retention.ms"], str(target.file)
    )


def test_connectors_are_overridden_by_pattern_and_the_last_one_wins(tmp_path: Path) -> None:
    declared = {c.name: c.config for c in _declared(_target(tmp_path, OVERLAY)).connectors}
    assert declared["admissions-sink"]["tasks.max"] == "2"
    assert declared["labs-sink"]["tasks.max"] == "4"
    assert declared["patients-source"]["tasks.max"] == "1"
    queues = {
        config.get("errors.deadletterqueue.topic.replication.factor")
        for config in declared.values()
    }
    assert queues == {None, "3"}


def test_a_plan_says_which_file_an_edit_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = _target(tmp_path, OVERLAY)
    declared = _declared(target)
    topic = next(t for t in declared.topics if t.name == "patient_labs")
    labs = next(c for c in declared.connectors if c.name == "labs-sink")
    live_topic = LiveTopic(topic.name, 4, 3, {"retention.ms": "1000", POLICY: topic.config[POLICY]})
    config = {**labs.config, "tasks.max": "1", "batch.size": "1"}
    live = LiveConnector("labs-sink", config, "RUNNING", "", (Task(0, "RUNNING"),), is_sink=True)
    changes = (
        *Topics().difference(topic, live_topic),
        *Connectors("sink").difference(labs, live),
    )
    assert [change.action for change in changes] == [Action.UPDATE, Action.UPDATE]
    plan = Plan(changes=changes)
    edits = [edit for c in json.loads(report.plan_json(plan))["changes"] for edit in c["edits"]]
    origins = {edit["key"]: edit.get("origin") for edit in edits}
    file = str(target.file)
    assert origins == {"min.insync.replicas": file, "tasks.max": file, "batch.size": None}
    report.print_plan(plan, Console())
    shown = capsys.readouterr().out
    assert f"~ tasks.max: 1 → 4  {file}" in shown
    assert f"+ min.insync.replicas: 2  {file}" in shown


def test_a_pattern_that_matches_nothing_is_a_mistake(tmp_path: Path) -> None:
    target = _target(tmp_path, {"connectors": {"lab-sink": {"config": {}}}})
    with pytest.raises(SpecError, match=r"mine\.yaml:\d+: connectors\.lab-sink: .*labs-sink"):
        loader.load(REPOSITORY, target)


def test_a_mistake_in_an_overlay_is_told_in_the_targets_file(tmp_path: Path) -> None:
    overlay = {"connectors": {"labs-sink": {"config": {"topics": "x"}}}}
    with pytest.raises(SpecError, match=r"mine\.yaml:\d+: connectors\.labs-sink\.config\.topics: "):
        _declared(_target(tmp_path, overlay))
