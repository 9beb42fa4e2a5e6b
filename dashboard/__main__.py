"""The web dashboard: `python -m dashboard --help`.

It serves the pages of dashboard/*.yaml at the target's `dashboard` address. It reads PostgreSQL as
bi_reader and writes nothing. Whoever reaches the address sees all pages: a log-in is the business
of a reverse proxy before it.
"""

from typing import Annotated
from urllib.parse import urlsplit

import typer
import waitress

from dashboard.app import create
from dashboard.contents import Contents
from dashboard.database import Database
from dashboard.state import State
from pipeline import command, servicelog
from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.errors import UsageError
from pipeline.paths import here
from pipeline.repository import dashboards
from pipeline.repository import target as targets

THREADS = 8
app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    target_name: Annotated[
        str, typer.Option("--target", help="A file in targets/, or a path.")
    ] = "embedded",
    host: Annotated[
        str | None, typer.Option(help="Address to listen at, if it is not the target's.")
    ] = None,
) -> None:
    """Serves the pages until it is stopped."""
    root = here()
    target = targets.load(root, target_name)
    if target.dashboard is None:
        raise UsageError(f"{target_name} has no `dashboard`: the address to serve it at")
    secret = ROLE_PASSWORDS["bi_reader"]
    database = Database(target.postgres, targets.secrets(root, target, secret)[secret])
    pages = {file.stem: page for file, page in dashboards.pages(root).items()}
    contents = Contents(pages, dashboards.metrics(root), database, State(root, target, database))
    address = urlsplit(target.dashboard)
    server = create(contents, str(address.hostname)).server
    servicelog.logger().info("serving %s", target.dashboard)
    waitress.serve(server, host=host or address.hostname, port=address.port, threads=THREADS)


if __name__ == "__main__":
    command.run(app)
