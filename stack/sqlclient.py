"""`make ksql` without ksqlDB: Flink's SQL client, with the streams and tables of ksql/ in it."""

import os
import re
from pathlib import Path

from pipeline.engines import choice
from pipeline.errors import UsageError
from pipeline.repository import loader
from pipeline.sql.flink.translate import catalog
from stack import requirements
from stack.layout import LIB, REPOSITORY, Layout
from stack.services import FLINK_JARS

EMIT = re.compile(r"\s+EMIT\s+CHANGES\b", re.IGNORECASE)
SETTINGS = (
    "SET 'sql-client.execution.result-mode' = 'tableau'",
    "SET 'table.local-time-zone' = 'UTC'",
)


def ask(where: Layout, file: Path | None) -> None:
    """Becomes Flink's SQL client; with a file, it runs the file's statements and ends.

    Raises:
        SpecError: ksql/ has a mistake.
        UsageError: the target has no Flink.
    """
    flink = where.target.flink
    if flink is None:
        raise UsageError(f"{where.target.pipeline}: this target has no `flink` to ask")
    project = loader.load(REPOSITORY)
    script = where.run / "catalog.sql"
    tables = catalog(project.analysis, choice.addresses(where.target))
    script.write_text("".join(f"{statement};\n" for statement in (*SETTINGS, *tables)))
    classpath = f"{FLINK_JARS}/lib/*:{FLINK_JARS}/opt/*:{LIB / 'flink'}/*"
    logging = f"-Dlog4j2.configurationFile={where.run / 'client-log4j2.properties'}"
    command = [requirements.java(), "-Xmx256m", logging, "-cp", classpath]
    command += ["org.apache.flink.table.client.SqlClient", "gateway"]
    command += ["--endpoint", flink.gateway, "--init", str(script)]
    if file:
        # Every SELECT of Flink emits changes; it has no word for it.
        questions = where.run / "questions.sql"
        questions.write_text(EMIT.sub("", file.read_text()))
        command += ["--file", str(questions)]
    os.environ["FLINK_CONF_DIR"] = str(where.run)
    os.execvp(command[0], command)  # noqa: S606
