"""scripts/kafka_producer.py as a person runs it."""

import subprocess
import sys

from pipeline.paths import REPOSITORY
from tests.support import records, workspace
from tests.support.workspace import Workspace


def _produce(target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.kafka_producer", *arguments, "--target", target]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_every_topic_takes_its_records(hospital: Workspace) -> None:
    # No source writes to the topics beside it.
    workspace.without_sources(hospital)
    hospital.ok("deploy")
    for topic, key in {"patients": "patient_id", "patient_labs": "lab_id"}.items():
        done = _produce(str(hospital.target_file), topic, "--count", "25", "--rate", "1000")
        assert done.returncode == 0, done.stderr
        assert f"25 of 25 records delivered to {topic}" in done.stderr
        found = records.read(hospital.target, topic)
        assert len(found) == 25
        assert all(record.key == record.value[key] for record in found)


def test_what_cannot_be_delivered_is_said_and_is_no_success(widgets: Workspace) -> None:
    done = _produce(str(widgets.target_file), "patient_lab")
    assert done.returncode == 2
    assert "unknown topic patient_lab; did you mean patient_labs?" in done.stderr
    done = _produce(str(widgets.target_file), "patient_labs")
    assert done.returncode == 1
    assert "patient_labs-value" in done.stderr
