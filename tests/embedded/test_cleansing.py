"""The cleansing job as a person runs it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from pipeline import codec
from pipeline.clients import locks
from pipeline.clients.kafka import Kafka
from pipeline.clients.records import Sender
from pipeline.clients.registry import Registry
from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY
from pipeline.rejects.reject import FOR, OF, digests
from pipeline.repository.loader import load
from pipeline.schemas import subject_of
from pipeline.wait import until
from spark.lock import Lock
from spark.status import lock_of
from stack.layout import Layout
from stack.supervisor import Supervisor
from stack.throwaway import peak_mb
from tests.support import records
from tests.support.cluster import cluster
from tests.support.delivery import FED, TABLES
from tests.support.workspace import Workspace, cleanse_once

TOPIC, CLEAN = "patients", "patients_clean"
EMAIL = {"name": "email", "type": ["null", "string"], "default": None}
RAW_PARTITIONS = 4 * len(FED)
BROKEN = """
SELECT rule, count(*) FROM rejected_records, unnest(string_to_array(rules, ',')) rule GROUP BY rule
"""


def _raw(space: Workspace) -> int:
    return sum(len(records.read(space.target, topic)) for topic in FED)


def test_a_second_job_on_one_checkpoint_is_refused(fed: Workspace, stack: Layout) -> None:
    done = cleanse_once(fed, stack.data / "cleanse")
    assert done.returncode == 1
    assert "a cleansing job works on this checkpoint already (cleansing job, pid " in done.stderr
    assert done.stdout == ""


def test_a_lock_that_postgresql_lost_is_taken_again_unless_somebody_else_has_it(
    fed: Workspace,
) -> None:
    ours, theirs = (Lock(REPOSITORY, fed.target, "file:/of-a-test") for _ in range(2))
    held = lock_of(fed.target, "file:/of-a-test")
    ours.take()
    with pytest.raises(PipelineError, match="works on this checkpoint already"):
        theirs.take()
    _cut_off_cleansers(fed)
    ours.keep()
    with fed.database() as connection:
        assert locks.held(connection, held)
    _cut_off_cleansers(fed)
    theirs.take()
    with pytest.raises(PipelineError, match="works on this checkpoint already"):
        ours.keep()
    theirs.close()
    ours.take()
    ours.close()


def _cut_off_cleansers(space: Workspace) -> None:
    """Ends the connections of this process under the role."""
    mine = f"application_name LIKE 'cleansing job, pid {os.getpid()},%'"
    space.rows(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}")


@pytest.mark.parametrize(
    ("spark", "message"),
    [
        ({"master": "spark://127.0.0.1"}, "Spark does not start with master spark://127.0.0.1: "),
        ({"checkpoint": "nothing://there"}, "does not start"),
    ],
)
def test_a_place_that_is_none_is_one_line(
    fed: Workspace, tmp_path: Path, spark: dict[str, str], message: str
) -> None:
    target = yaml.safe_load(fed.target_file.read_text())
    file = tmp_path / "target.yaml"
    file.write_text(yaml.safe_dump({**target, "pipeline": "nowhere", "spark": spark}))
    command = [sys.executable, "-m", "spark.job", "--once", "--target", str(file)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [message in line for line in last] == [True], done.stderr[-2000:]


def test_once_catches_up_says_what_became_of_each_record_and_then_finds_nothing(
    fed: Workspace, stack: Layout, tmp_path: Path
) -> None:
    done = cleanse_once(fed, tmp_path / "checkpoint")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["raw"] == _raw(fed)
    assert said["clean"] + said["rejected"] == said["raw"]
    # What the continuous job has rejected: each record once, and those that came again as well.
    assert said["rules"] == dict(fed.rows(BROKEN))
    assert 200 < peak_mb(stack, "cleanse") < 1500
    again = json.loads(cleanse_once(fed, tmp_path / "checkpoint").stdout)
    assert (again["raw"], again["clean"], again["rejected"]) == (0, 0, 0)


def test_once_does_again_what_a_kill_has_cut_off(fed: Workspace, tmp_path: Path) -> None:
    before = _clean(fed)
    checkpoint = tmp_path / "checkpoint"
    command = [sys.executable, "-m", "spark.job", "--once", "--target", str(fed.target_file)]
    job = subprocess.Popen(
        [*command, "--checkpoint", str(checkpoint)],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(
            lambda: [
                *checkpoint.glob("patients-*/offsets"),
                *checkpoint.glob("patient_*/offsets/0"),
            ],
            seconds=60,
            done=lambda found: {path.name for path in found} == {"offsets", "0"},
            describe=lambda _: "the job has begun no batch",
            every=0.05,
        )
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    # As if the kill had come while the first offsets of one topic were written.
    (offsets,) = checkpoint.glob("patients-*/offsets")
    for file in [*offsets.iterdir(), *offsets.parent.glob("commits/*")]:
        file.unlink()
    (offsets / ".0.half.tmp").touch()
    done = cleanse_once(fed, checkpoint)
    assert done.returncode == 0, done.stderr
    assert "the job had been killed in a batch" in " ".join(done.stderr.split())
    after = _clean(fed)
    assert [key for key, count in before.items() if after[key] <= count] == []


def _clean(space: Workspace) -> Counter[tuple[str, bytes]]:
    """How often each key is in each clean topic."""
    topics = [clean for clean, *_ in TABLES.values()]
    return Counter((t, message.key()) for t in topics for message in records.raw(space.target, t))


def test_a_tombstone_goes_through_and_its_row_is_deleted(fed: Workspace) -> None:
    rows = "SELECT patient_id FROM patients WHERE patient_id IN ('P10000', 'NEXT') ORDER BY 1"
    assert fed.rows(rows) == [("P10000",)]
    records.write_raw(fed.target, TOPIC, [(b"P10000", None)])
    until(
        lambda: [m.value() for m in records.raw(fed.target, CLEAN) if m.key() == b"P10000"],
        seconds=30,
        done=lambda values: values[-1] is None,
        describe=lambda values: f"the clean records of P10000 are {values}",
    )
    encode = _encoder(fed)
    records.write_raw(fed.target, TOPIC, [(b"NEXT", encode("NEXT"))])
    until(
        lambda: fed.rows(rows),
        seconds=30,
        done=lambda found: found == [("NEXT",)],
        describe=lambda found: f"the rows of P10000 and NEXT: {found}",
    )
    assert list(records.raw(fed.target, "patients-sink_dlq")) == []


def test_an_id_that_was_garbage_is_none_once_a_schema_has_it(fed: Workspace) -> None:
    registry = Registry(fed.target.registry)
    schema = load(fed.root).schemas[TOPIC]
    other = {**schema, "fields": [schema["fields"][0]]}
    coming = registry.register(subject_of("of_nobody"), other) + 1
    newer = {**schema, "fields": [*schema["fields"], EMAIL]}
    encode = codec.encoder(newer, coming)
    value = encode({**records.PATIENT, "patient_id": "LATE", "email": "late@example.org"})
    records.write_raw(fed.target, TOPIC, [(b"LATE", value)])
    broken = "SELECT DISTINCT rules FROM rejected_records WHERE record_key = 'LATE'"
    until(
        lambda: fed.rows(broken),
        seconds=30,
        done=lambda found: found == [("unknown_schema",)],
        describe=lambda found: f"the rejects of an id that nobody registered: {found}",
    )
    assert registry.register(subject_of(TOPIC), newer) == coming
    until(
        lambda: _clean_after_another(fed, b"LATE", value),
        seconds=30,
        describe=lambda _: "what has the id is not clean",
        every=0.5,
    )
    registry.delete(subject_of("of_nobody"))


def _clean_after_another(space: Workspace, key: bytes, value: bytes) -> bool:
    records.write_raw(space.target, TOPIC, [(key, value)])
    return any(message.key() == key for message in records.raw(space.target, CLEAN))


def _encoder(space: Workspace) -> Callable[[str], bytes]:
    first = Registry(space.target.registry).version(subject_of(TOPIC), 1)
    encode = codec.encoder(first.schema, first.id)
    return lambda key: encode({**records.PATIENT, "patient_id": key})


def test_a_master_and_two_workers_run_it(fed: Workspace, tmp_path: Path) -> None:
    with cluster(tmp_path, cores=RAW_PARTITIONS // 2 + 1) as (master, page):
        conf = {
            "spark.executor.memory": "512m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
        target = yaml.safe_load(fed.target_file.read_text())
        file = tmp_path / "cluster.yaml"
        target |= {"pipeline": "on-cluster", "state": str(tmp_path / "state")}
        file.write_text(yaml.safe_dump({**target, "spark": {"master": master, "conf": conf}}))
        log = tmp_path / "job.log"
        command = [sys.executable, "-m", "spark.job", "--target", str(file)]
        with log.open("w") as out:
            job = subprocess.Popen(command, cwd=REPOSITORY, stdout=out, stderr=out)
        try:
            before = sum(m.key() == b"P10001" for m in records.raw(fed.target, CLEAN))
            until(
                lambda: sum(m.key() == b"P10001" for m in records.raw(fed.target, CLEAN)),
                seconds=120,
                done=lambda count: count > before,
                describe=lambda _: f"the cluster cleanses nothing: {log.read_text()[-2000:]}",
                every=1,
            )
            used = [w["coresused"] for w in requests.get(page, timeout=10).json()["workers"]]
            assert all(used), used
            # Each record is cleansed by the stack's own job, too.
            records.write_raw(fed.target, TOPIC, [(b"CLUSTER", _encoder(fed)("CLUSTER"))])
            until(
                lambda: sum(m.key() == b"CLUSTER" for m in records.raw(fed.target, CLEAN)),
                seconds=30,
                done=lambda count: count == 2,
                describe=lambda count: f"clean {count} times, and not by both jobs",
            )
            group = "on-cluster-cleanse"
            until(
                lambda: Kafka(fed.target.kafka).lags({group: FED})[group],
                seconds=30,
                done=lambda lag: lag == 0,
                describe=lambda lag: f"the workers say that the lag is {lag}",
            )
        finally:
            job.terminate()
            code = job.wait(60)
        assert code == 0, log.read_text()[-2000:]


RULE = "value_in_human_range"
LABS = "patient_labs"


def test_a_rule_is_mended_and_its_rejects_go_through_again_once(
    fed: Workspace, stack: Layout
) -> None:
    rejects = [found.value for found in records.read(fed.target, "patient_rejects")]
    mine = {reject["reject_id"]: reject for reject in rejects if reject["rules"] == RULE}
    listed = {
        tuple(group["rules"]): group["records"]
        for group in json.loads(fed.ok("rejects", "--json", "--topic", LABS))
    }
    assert listed[RULE,] == len(mine) > 0
    one = json.loads(fed.ok("rejects", "show", next(iter(mine))))
    assert one["rules"] == [RULE]
    assert one["value"]["lab_id"] == one["key"]
    rules = fed.root / "spark" / "rules.yaml"
    too_strict = rules.read_text()
    rules.write_text(re.sub(rf"( {RULE}): .*", r"\1: 'true'", too_strict))
    refused = fed.run("rejects", "replay", "--rule", RULE)
    assert "has not started since the rules or schemas of patient_labs changed" in refused.stderr
    supervisor = Supervisor(stack.socket)
    supervisor.stop("cleanse")
    try:
        _send_as_a_run_that_is_killed_then(fed, next(iter(mine.values())))
        for _ in range(2):
            _killed_once_it_sends(fed)
        fed.ok("rejects", "replay", "--rule", RULE)
        sent = _sent_again(fed)
        assert {of: count for of, count in sent.items() if of in mine} == dict.fromkeys(mine, 1)
        fed.ok("rejects", "replay", "--rule", RULE)
        assert _sent_again(fed) == sent
        done = cleanse_once(fed, stack.data / "cleanse", fed.root)
        assert done.returncode == 0, done.stderr
    finally:
        rules.write_text(too_strict)
        supervisor.start("cleanse")
    ids = [reject["record_key"].decode() for reject in mine.values()]
    until(
        lambda: fed.rows(f"SELECT count(*) FROM lab_results WHERE lab_id = ANY(ARRAY{ids})")[0][0],
        seconds=60,
        done=lambda rows: rows == len(set(ids)),
        describe=lambda rows: f"{rows} of {len(set(ids))} rows are there",
    )
    listed = json.loads(fed.ok("rejects", "--json", "--topic", LABS))
    assert [RULE] not in [group["rules"] for group in listed]


def _send_as_a_run_that_is_killed_then(space: Workspace, reject: dict[str, Any]) -> None:
    """Sends a record again, and does not take it from the rejects."""
    project = load(space.root)
    assert project.rules
    works_by = digests(project.rules, project.schemas)[LABS]
    sender = Sender(space.target.kafka)
    sender.send(
        LABS,
        reject["record_key"],
        reject["record_value"],
        partition=reject["source_partition"],
        headers=[(OF, reject["reject_id"].encode()), (FOR, works_by.encode())],
    )
    sender.settle()


def _killed_once_it_sends(space: Workspace) -> None:
    """Starts a replay, and kills it as soon as a record of it has come."""
    kafka = Kafka(space.target.kafka)
    before = kafka.ends([LABS])
    running = space.start("rejects", "replay", "--rule", RULE)
    until(
        lambda: kafka.ends([LABS]) != before or not running.alive,
        seconds=30,
        describe=lambda _: "nothing is sent again",
        every=0.01,
    )
    # A second one may have nothing left to send, and be over.
    with suppress(ProcessLookupError):
        running.cut_off(signal.SIGKILL)
    running.ended()


def _sent_again(space: Workspace) -> Counter[str]:
    """How often each reject was sent again."""
    found = (dict(message.headers() or ()).get(OF) for message in records.raw(space.target, LABS))
    return Counter(of.decode() for of in found if of)
