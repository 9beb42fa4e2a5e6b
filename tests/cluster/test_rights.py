"""Rights that are missing: what needs them fails alone, and says what it may not do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from pipeline.clients import librdkafka
from pipeline.clients.kafka import Kafka
from pipeline.errors import DeniedError
from pipeline.wait import until
from spark import status as cleansing
from tests.support import hands
from tests.support.program import run
from tests.support.stacks import Cluster
from tests.support.workspace import Workspace

TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP


@contextmanager
def _taken(
    space: Workspace, principal: str, kind: ResourceType, name: str, operation: AclOperation
) -> Iterator[None]:
    """A right is taken away."""
    right = AclBindingFilter(
        kind,
        name,
        ResourcePatternType.LITERAL,
        principal,
        None,  # type: ignore[arg-type]  # of any host
        operation,
        AclPermissionType.ALLOW,
    )
    admin = librdkafka.admin(hands.kafka(space.target))
    (taken,) = admin.delete_acls([right]).values()
    assert taken.result(timeout=20)
    try:
        yield
    finally:
        hands.grant(space.root, space.target)


def test_a_right_that_is_missing_is_named(deployed: Workspace) -> None:
    with _taken(deployed, "User:deploy", TOPIC, "patients", AclOperation.ALTER_CONFIGS):
        # Not by the workspace, which would give the right back.
        target = str(deployed.target_file)
        done = run("render.py", "plan", "--target", target, folder=deployed.root)
    assert done.returncode == 0, done.stderr
    assert "Nothing to change" in done.stdout
    assert "Not seen: patients: this principal may not see what they are like" in done.stdout
    with _taken(deployed, "User:produce", TOPIC, "patient_labs", AclOperation.WRITE):
        command = ["-m", "scripts.kafka_producer", "patient_labs", "--count", "1"]
        done = run(*command, "--target", str(deployed.target_file))
    assert done.returncode == 1
    assert "Topic authorization failed" in done.stderr


@pytest.mark.parametrize(
    ("program", "topic", "said"),
    [
        ("connect", "patients_clean", r"patients-sink.*FAILED"),
        ("flink", "patient_admissions_clean", r"ADMISSIONS_NAMED.*FAILING"),
    ],
)
def test_a_program_without_a_right_stops_alone_and_status_says_why(
    deployed: Workspace, program: str, topic: str, said: str
) -> None:
    def status() -> str:
        return run(
            "render.py", "status", "--target", str(deployed.target_file), folder=deployed.root
        ).stdout

    with _taken(deployed, f"User:{program}", TOPIC, topic, AclOperation.READ):
        shown = until(
            status,
            seconds=60,
            done=lambda text: re.search(said, text) is not None,
            describe=lambda text: f"status shows no {said}:\n{text}",
            every=1,
        )
        assert f"Not authorized to access topics: [{topic}]" in shown
    deployed.ok("deploy")
    deployed.await_well(120)


def test_the_cleansing_without_a_right_waits_for_it_and_says_why(
    deployed: Workspace, stack: Cluster
) -> None:
    file = cleansing.file_of(stack.layout.state)

    def state() -> str:
        written = cleansing.read(file)
        return written.state if written else "none is written"

    with _taken(deployed, "User:cleanse", TOPIC, "patients", AclOperation.READ):
        until(
            state,
            seconds=60,
            done=lambda found: "it may not see patients" in found,
            describe=lambda found: f"the cleansing is {found}",
            every=1,
        )
    until(state, seconds=90, done=lambda found: found == "running", describe=str, every=1)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        # The brokers hear of it one after the other.
        (TOPIC, "patients_clean", r"see patients_clean|authorization failed \(patients_clean\)"),
        (GROUP, "connect-patients-sink", r"authorization failed \(connect-patients-sink\)"),
    ],
)
def test_airflow_without_a_right_is_told_so(
    deployed: Workspace, kind: ResourceType, name: str, said: str
) -> None:
    kafka = Kafka(deployed.target.kafka_of("airflow"))
    groups = {"connect-patients-sink": ["patients_clean"]}
    assert kafka.lags(groups)
    with (
        _taken(deployed, "User:airflow", kind, name, AclOperation.DESCRIBE),
        pytest.raises(DeniedError, match=said),
    ):
        kafka.lags(groups)
