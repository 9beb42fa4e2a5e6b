"""`make ksql` on embedded: Flink's SQL client, with the streams and tables of ksql/."""

import os
import re
from pathlib import Path

from pipeline.engines import choice
from pipeline.errors import UsageError
from pipeline.paths import LIB, REPOSITORY
from pipeline.repository import loader
from pipeline.repository.target import Flink
from pipeline.sql.flink.translate import catalog
from stack import requirements
from stack.layout import Layout
from stack.service import FLINK_JARS

EMIT = re.compile(r"\s+EMIT\s+CHANGES\b", re.IGNORECASE)
SETTINGS = (
    "SET 'sql-client.execution.result-mode' = 'tableau'",
    "SET 'table.local-time-zone' = 'UTC'",
)


def _gateway(layout: Layout, flink: Flink) -> str:
    """Where the gateway itself listens: the client has no log-in for the proxy before it."""
    return f"http://127.0.0.1:{layout.cluster.gateway}" if layout.cluster else flink.gateway.url


def ask(layout: Layout, file: Path | None) -> None:
    """Replaces this process by Flink's SQL client. With a file, it runs the statements and exits.

    Raises:
        SpecError: ksql/ has a mistake.
        UsageError: the target has no Flink.
    """
    flink = layout.target.flink
    if flink is None:
        raise UsageError(f"{layout.target.pipeline}: this target has no `flink`")
    project = loader.load(REPOSITORY, layout.target)
    script = layout.run / "catalog.sql"
    tables = catalog(project.analysis, choice.addresses(layout.target))
    script.write_text("".join(f"{statement};\n" for statement in (*SETTINGS, *tables)))
    classpath = f"{FLINK_JARS}/lib/*:{FLINK_JARS}/opt/*:{LIB / 'flink'}/*"
    logging = f"-Dlog4j2.configurationFile={layout.run / 'client-log4j2.properties'}"
    command = [requirements.java(), "-Xmx256m", logging, "-cp", classpath]
    command += ["org.apache.flink.table.client.SqlClient", "gateway"]
    command += ["--endpoint", _gateway(layout, flink), "--init", str(script)]
    if file:
        # Flink SQL has no EMIT CHANGES: every SELECT emits changes.
        questions = layout.run / "questions.sql"
        questions.write_text(EMIT.sub("", file.read_text()))
        command += ["--file", str(questions)]
    os.environ["FLINK_CONF_DIR"] = str(layout.run)
    os.execvp(command[0], command)  # noqa: S606
