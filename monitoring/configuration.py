"""The configuration of Prometheus and Alertmanager, from the templates beside this file.

`python -m monitoring.configuration FOLDER NAME=HOST:PORT…` writes it, for compose.yaml.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline import command

TEMPLATES = Path(__file__).parent
RULES = TEMPLATES / "rules.yaml"
# The start of the names of the secrets that receivers of alerts have.
RECEIVERS = "ALERTS_"
app = typer.Typer(add_completion=False)


def write(folder: Path, places: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Writes prometheus.yaml and alertmanager.yaml, which only their owner may read.

    `places` has host and port of each service that tells metrics, `prometheus` and `alertmanager`
    among them; a receiver is there if `secrets` has its own.
    """
    values = {
        "rules": str(RULES),
        "places": places,
        "secrets": {
            name: value for name, value in secrets.items() if name.startswith(RECEIVERS) and value
        },
    }
    # No autoescape: the templates are YAML, not HTML.
    loader = FileSystemLoader(TEMPLATES)
    jinja = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("prometheus", "alertmanager"):
        file = folder / f"{name}.yaml"
        file.touch(0o600)
        file.write_text(jinja.get_template(f"{file.name}.j2").render(values) + "\n")


@app.command(help=__doc__)
def main(
    folder: Path,
    places: Annotated[list[str], typer.Argument(metavar="NAME=HOST:PORT…")],
) -> None:
    """Writes the configuration, with the secrets of the environment."""
    write(folder, dict(place.split("=", 1) for place in places), os.environ)


if __name__ == "__main__":
    command.run(app)
