"""The whole pipeline on three brokers, two workers of Connect and Spark, and two task managers."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from confluent_kafka import KafkaError, Message
from confluent_kafka.admin import AdminClient

from pipeline.clients import librdkafka
from pipeline.clients.kafka import Kafka
from pipeline.repository import target as targets
from pipeline.wait import until
from stack.cluster.ports import BROKERS
from stack.services import services
from stack.supervisor import Supervisor
from tests.support import hands, records, terminal
from tests.support.delivery import ENTITIES, TABLES, wait_until_landed
from tests.support.embedded import listening
from tests.support.stacks import Cluster
from tests.support.trends import wait_until_trends_equal
from tests.support.workspace import Workspace, counts

# What is killed, once the table diagnoses has so many rows.
KILLS = ((500, "kafka"), (2500, "connect"), (4500, "spark"), (6500, "trends"))


def test_whatever_is_killed_every_record_is_there_and_every_trend_right(
    deployed: Workspace, stack: Cluster
) -> None:
    for rows, part in KILLS:
        _await_diagnoses(deployed, rows)
        stack.kill(part)
    wait_until_landed(deployed, ENTITIES)
    for raw, (clean, *_) in TABLES.items():
        keys = {message.key() for message in records.raw(deployed.target, raw)}
        passed = {message.key() for message in records.raw(deployed.target, clean)}
        refused = deployed.rows(
            f"SELECT record_key FROM rejected_records WHERE source_topic = '{raw}'"
        )
        assert keys == passed | {bytes(key) for (key,) in refused if key}
    wait_until_trends_equal(deployed)


def _await_diagnoses(space: Workspace, rows: int) -> None:
    until(
        lambda: counts(space, ("diagnoses",))["diagnoses"],
        seconds=180,
        done=lambda found: found >= rows,
        describe=lambda found: f"{found} diagnoses, not {rows}",
    )


def test_both_workers_have_tasks_after_one_was_killed(deployed: Workspace) -> None:
    def workers() -> set[str]:
        answer = hands.ask(deployed.target.connect, "GET", "/connectors?expand=status")
        # The worker that was killed may be starting.
        connectors = answer.json() if answer.ok else {}
        return {
            task["worker_id"]
            for connector in connectors.values()
            for task in connector["status"]["tasks"]
        }

    until(
        workers,
        seconds=60,
        done=lambda found: len(found) == 2,
        describe=lambda found: f"tasks are at {found}",
    )


def test_topics_have_three_replicas_that_are_in_sync(deployed: Workspace) -> None:
    _await_in_sync(librdkafka.admin(hands.kafka(deployed.target)))


def _await_in_sync(admin: AdminClient) -> None:
    def out_of_sync() -> list[str]:
        topics = admin.list_topics(timeout=10).topics
        return [
            f"{name}-{number}"
            for name, topic in topics.items()
            for number, partition in topic.partitions.items()
            if len(partition.isrs) < 3
        ]

    until(
        out_of_sync,
        seconds=60,
        done=lambda found: not found,
        describe=lambda found: f"out of sync: {found}",
    )


def test_a_rolling_restart_of_all_brokers_under_load_loses_nothing(
    deployed: Workspace, stack: Cluster
) -> None:
    properties = hands.kafka(deployed.target)
    Kafka(properties).create("rolling", 6, 3, {"min.insync.replicas": "2"})
    admin, supervisor = librdkafka.admin(properties), Supervisor(stack.layout.socket)
    with _writing(properties, "rolling") as written:
        for number in BROKERS:
            supervisor.stop(f"kafka-{number}")
            supervisor.start(f"kafka-{number}")
            _await_in_sync(admin)
    assert len(written) > 1000
    found = {message.key() for message in records.raw(deployed.target, "rolling")}
    assert found == written


@contextmanager
def _writing(properties: Mapping[str, str], topic: str) -> Iterator[set[bytes]]:
    """Records are written all the time; the keys of those that the brokers have confirmed."""
    written: set[bytes] = set()
    failed: list[str] = []
    ended = Event()

    def confirmed(error: KafkaError | None, message: Message) -> None:
        if error is None:
            written.add(message.key() or b"")
        else:
            failed.append(error.str())

    def write() -> None:
        producer = librdkafka.producer(properties)
        number = 0
        while not ended.wait(0.005):
            producer.produce(topic, key=f"{number}".encode(), value=b"", on_delivery=confirmed)
            producer.poll(0)
            number += 1
        assert producer.flush(60) == 0

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            yield written
        finally:
            ended.set()
        writer.result()
    assert failed == []


def test_everything_listens_on_loopback_only(deployed: Workspace, stack: Cluster) -> None:
    del deployed
    addresses = listening(stack.layout)
    places = {service.listens_at for service in services(stack.layout, {}) if service.address}
    assert places <= addresses
    assert {address.rpartition(":")[0] for address in addresses} == {"127.0.0.1"}


def test_a_second_deploy_changes_nothing(deployed: Workspace) -> None:
    assert deployed.plan()["changes"] == []


def test_monitor_reads_with_a_principal_of_its_own(deployed: Workspace) -> None:
    with terminal.monitor(deployed.target_file, "patients_clean") as shown:
        terminal.await_text(shown, "'patient_id': 'P")


def test_no_secret_is_in_a_log_a_plan_an_answer_or_the_process_list(
    deployed: Workspace, stack: Cluster
) -> None:
    target = deployed.target
    secrets = {*deployed.secrets.values(), *targets.referenced(target)}
    shown = {
        "log": stack.logs(),
        "plan": deployed.run("plan", "--json").stdout,
        "status": deployed.run("status", "--json").stdout,
        "connect": json.dumps(deployed.connectors()),
        "processes": _commands(stack),
    }
    assert target.flink
    jobs = hands.ask(target.flink.cluster, "GET", "/jobs").json()["jobs"]
    shown["flink"] = "".join(
        hands.ask(target.flink.cluster, "GET", f"/jobs/{job['id']}{path}").text
        for job in jobs
        for path in ("", "/config", "/plan", "/exceptions")
    )
    places = {name for name, text in shown.items() if any(secret in text for secret in secrets)}
    assert places == set()
    plans = "".join(file.read_text() for file in stack.layout.data.rglob("plan.json"))
    assert "${file:" in plans
    assert not [secret for secret in secrets if secret in plans]


def _commands(stack: Cluster) -> str:
    own = Supervisor(stack.layout.socket).processes().values()
    assert {"kafka-1", "kafka-2", "kafka-3"} <= {process.name for process in own}
    return "".join(_read(file) for file in Path("/proc").glob("[0-9]*/cmdline"))


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
