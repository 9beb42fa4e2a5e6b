"""Airflow's daemons, as services of the stack that `make airflow` starts."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from pipeline import servicelog
from pipeline.clients.database import in_url
from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY
from pipeline.repository import envfile
from scripts import health
from stack.layout import Layout
from stack.service import Service, address

PROGRAM = Path(sys.executable).parent / "airflow"
# Settings of both targets; compose.yaml reads this file too.
SETTINGS = REPOSITORY / "airflow" / "settings.env"
# Airflow's settings by the variables of the supervisor's environment that hold them.
VARIABLES = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "AIRFLOW_DATABASE_URL",
    "AIRFLOW__API_AUTH__JWT_SECRET": "AIRFLOW_JWT_SECRET",
    "AIRFLOW__API__SECRET_KEY": "AIRFLOW_SECRET_KEY",
    "AIRFLOW__CORE__FERNET_KEY": "AIRFLOW_FERNET_KEY",
    "AIRFLOW_CONN_HOSPITAL_DB": "HOSPITAL_DB_URL",
    "AIRFLOW_CONN_HOSPITAL": "HOSPITAL_URL",
}


def services(layout: Layout) -> tuple[Service, ...]:
    """Airflow's four daemons; none if the target has no `airflow`."""
    url = layout.target.airflow
    if url is None:
        return ()
    host, port = address(url)
    settings = _settings(layout, host, port)

    def daemon(name: str, *command: str, at: tuple[str, int] | None = None) -> Service:
        return Service(
            f"airflow-{name}",
            at,
            " ".join([str(PROGRAM), *command]),
            lambda: health.airflow(url, name),
            variables=VARIABLES,
            settings=settings,
        )

    return (
        daemon("api", "api-server", at=(host, port)),
        daemon("scheduler", "scheduler", "--skip-serve-logs"),
        daemon("dags", "dag-processor"),
        daemon("triggerer", "triggerer", "--skip-serve-logs"),
    )


def _settings(layout: Layout, host: str, port: int) -> dict[str, str]:
    home = layout.state / "airflow"
    options = {
        "CORE__DAGS_FOLDER": REPOSITORY / "airflow" / "dags",
        "CORE__EXECUTION_API_SERVER_URL": f"http://{host}:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
        # The default listens on every interface.
        "API__HOST": host,
        "API__PORT": port,
    }
    return {
        **envfile.read(SETTINGS),
        "AIRFLOW_HOME": str(home),
        # Its tasks run programs of ours, which are no services.
        servicelog.VARIABLE: "",
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'airflow'}",
        **{f"AIRFLOW__{name}": str(value) for name, value in options.items()},
    }


def environment(layout: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    """Airflow's variables in the supervisor's environment. The passwords are URL-safe."""
    postgres = layout.target.postgres
    address, tls = f"{postgres.host}:{postgres.port}", in_url(postgres)
    target_file = layout.run / "target.yaml"
    return {
        "AIRFLOW_DATABASE_URL": (
            f"postgresql+psycopg2://airflow:{secrets['AIRFLOW_DB_PASSWORD']}@{address}/airflow{tls}"
        ),
        "HOSPITAL_DB_URL": (
            f"postgresql://orchestrator:{secrets['ORCHESTRATOR_PASSWORD']}@{address}/"
            f"{postgres.database}{tls}"
        ),
        "HOSPITAL_URL": f"generic:///?{urlencode({'target': target_file}, safe='/')}",
    }


def set_password(layout: Layout, secrets: Mapping[str, str]) -> None:
    """The password of Airflow's user, which is read at each login."""
    home = layout.state / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    passwords.touch(0o600)
    passwords.write_text(json.dumps({"admin": secrets["AIRFLOW_ADMIN_PASSWORD"]}))


def prepare(layout: Layout, secrets: Mapping[str, str]) -> None:
    """Creates Airflow's tables.

    Raises:
        PipelineError: the migration failed; the message has the end of its output.
    """
    done = subprocess.run(
        [str(PROGRAM), "db", "migrate"],
        env=_daemon_environment(layout, secrets),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PipelineError(f"airflow db migrate failed:\n{(done.stdout + done.stderr)[-1500:]}")


def cli(layout: Layout, secrets: Mapping[str, str], arguments: list[str]) -> None:
    """Replaces this process by Airflow's own command line, with the daemons' settings."""
    os.execve(PROGRAM, [str(PROGRAM), *arguments], _daemon_environment(layout, secrets))  # noqa: S606


def _daemon_environment(layout: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    values = {**secrets, **environment(layout, secrets)}
    variables = {name: values[source] for name, source in VARIABLES.items()}
    return {**os.environ, **services(layout)[0].settings, **variables}
