"""What only the compose target has, as make runs it."""

import json
import shutil
from collections.abc import Iterator

import pytest
import requests
import yaml
from pytest_docker.plugin import Services

from pipeline.repository import envfile
from pipeline.wait import until
from tests.support.airflow import Airflow
from tests.support.stacks import Compose
from tests.support.workspace import Workspace


@pytest.fixture
def quiet(hospital: Workspace) -> Workspace:
    """Topics and sinks, and nobody who writes."""
    shutil.rmtree(hospital.root / "connectors" / "sources")
    hospital.ok("deploy")
    return hospital


@pytest.fixture
def whole(compose: Compose, hospital: Workspace) -> Iterator[Compose]:
    """All that the repository declares, deployed from a container."""
    del hospital  # removes the tables, too
    compose.run("pipeline render.py deploy --target compose")
    yield compose
    compose.run("pipeline render.py destroy --yes --target compose")


def test_a_record_through_the_rest_proxy_lands(quiet: Workspace, compose: Compose) -> None:
    said = compose.run("pipeline -m scripts.rest_proxy patient_labs --target compose")
    assert '"key": "L9000001"' in said
    landed = "SELECT test_value FROM lab_results WHERE lab_id = 'L9000001'"
    until(
        lambda: quiet.rows(landed),
        seconds=60,
        done=lambda rows: rows == [(2.5,)],
        describe=lambda rows: f"landed is {rows}",
    )


def test_kafdrop_shows_a_record_as_its_avro(
    quiet: Workspace, compose: Compose, docker_services: Services
) -> None:
    compose.run("pipeline -m scripts.rest_proxy patients --target compose")
    assert quiet.ok("status")
    url = f"http://127.0.0.1:{docker_services.port_for('kafdrop', 9000)}"
    # Without the last two, Kafdrop 4.2.0 fails on what it does not find in the request.
    options = "offset=0&count=10&format=AVRO&isAnyProto=false&keyFormat=DEFAULT"
    shown = [
        requests.get(
            f"{url}/topic/patients/messages?partition={partition}&{options}",
            headers={"Accept": "application/json"},
            timeout=10,
        ).text
        for partition in range(4)
    ]
    assert "Ada" in "".join(shown)


def test_ksqldbs_command_line_knows_the_streams_and_tables(whole: Compose) -> None:
    address = "http://ksqldb-server:8088"
    said = whole.run(f"ksqldb-cli --execute 'SHOW STREAMS; SHOW TABLES;' {address}")
    for name in ("ADMISSIONS_NAMED", "ADMISSIONS_HOURLY", "ADMISSIONS_BY_AGE_DAILY"):
        assert name in said


def test_a_second_deploy_from_a_container_changes_nothing(whole: Compose) -> None:
    assert "Nothing to change" in whole.run("pipeline render.py deploy --target compose")
    plan = whole.run("pipeline render.py plan --json --target compose")
    assert json.loads(plan[plan.index("{") :])["changes"] == []
    assert "rows/s into PostgreSQL" in whole.run("pipeline -m scripts.demo --target compose")


def test_airflow_has_the_dags_and_all_its_parts_are_healthy(compose: Compose) -> None:
    target = yaml.safe_load(compose.target_file.read_text())
    secrets = envfile.read(compose.target_file.parent / ".env")
    client = Airflow(target["airflow"], secrets["AIRFLOW_ADMIN_PASSWORD"])
    health = client.ask("GET", "/monitor/health")
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    assert {part: health[part]["status"] for part in parts} == dict.fromkeys(parts, "healthy")
    dags = {dag["dag_id"] for dag in client.ask("GET", "/dags")["dags"]}
    assert dags == {"kafka_to_postgres_dag", "spark_processing_dag", "alerts_dag"}
    assert client.ask("GET", "/importErrors")["import_errors"] == []
