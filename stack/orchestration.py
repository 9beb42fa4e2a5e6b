"""Airflow, as services of the stack that `make airflow` starts."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from scripts import health
from stack.layout import Layout
from stack.services import Service, address

PROGRAM = Path(sys.executable).parent / "airflow"
# What is alike on both targets; compose.yaml reads it too.
SETTINGS = REPOSITORY / "airflow" / "settings.env"
# What the secrets of the environment are called in Airflow's own settings.
VARIABLES = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "AIRFLOW_DATABASE_URL",
    "AIRFLOW__API_AUTH__JWT_SECRET": "AIRFLOW_JWT_SECRET",
    "AIRFLOW__API__SECRET_KEY": "AIRFLOW_SECRET_KEY",
    "AIRFLOW__CORE__FERNET_KEY": "AIRFLOW_FERNET_KEY",
    "AIRFLOW_CONN_HOSPITAL_DB": "HOSPITAL_DB_URL",
    "AIRFLOW_CONN_HOSPITAL": "HOSPITAL_URL",
}


def services(where: Layout) -> tuple[Service, ...]:
    """The four daemons; none, if the target has no `airflow`."""
    url = where.target.airflow
    if url is None:
        return ()
    host, port = address(url)
    settings = _settings(where, host, port)

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


def _settings(where: Layout, host: str, port: int) -> dict[str, str]:
    home = where.state / "airflow"
    options = {
        "CORE__DAGS_FOLDER": REPOSITORY / "airflow" / "dags",
        "CORE__EXECUTION_API_SERVER_URL": f"http://{host}:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
        # The default listens on every interface.
        "API__HOST": host,
        "API__PORT": port,
    }
    return {
        **targets.env_file(SETTINGS),
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'airflow'}",
        **{f"AIRFLOW__{name}": str(value) for name, value in options.items()},
    }


def environment(where: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    """What the supervisor's environment has for Airflow; passwords are URL-safe."""
    postgres = where.target.postgres
    place = f"{postgres.host}:{postgres.port}"
    target = where.run / "target.yaml"
    return {
        "AIRFLOW_DATABASE_URL": (
            f"postgresql+psycopg2://airflow:{secrets['AIRFLOW_DB_PASSWORD']}@{place}/airflow"
        ),
        "HOSPITAL_DB_URL": (
            f"postgresql://orchestrator:{secrets['ORCHESTRATOR_PASSWORD']}@{place}/"
            f"{postgres.database}"
        ),
        "HOSPITAL_URL": f"generic:///?{urlencode({'target': target}, safe='/')}",
    }


def prepare(where: Layout, secrets: Mapping[str, str]) -> None:
    """Airflow's tables and the password of its user.

    Raises:
        PipelineError: the migration failed; with its last words.
    """
    home = where.state / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"admin": secrets["AIRFLOW_ADMIN_PASSWORD"]}))
    passwords.chmod(0o600)
    done = subprocess.run(
        [str(PROGRAM), "db", "migrate"],
        env=_whole_environment(where, secrets),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PipelineError(f"airflow db migrate failed:\n{(done.stdout + done.stderr)[-1500:]}")


def cli(where: Layout, secrets: Mapping[str, str], arguments: list[str]) -> None:
    """Becomes Airflow's own command line, as the daemons are set."""
    os.execve(PROGRAM, [str(PROGRAM), *arguments], _whole_environment(where, secrets))  # noqa: S606


def _whole_environment(where: Layout, secrets: Mapping[str, str]) -> dict[str, str]:
    values = {**secrets, **environment(where, secrets)}
    own = {name: values[source] for name, source in VARIABLES.items()}
    return {**os.environ, **services(where)[0].settings, **own}
