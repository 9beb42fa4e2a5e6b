import logging
import os
import tempfile

# Airflow makes its home when it is imported: not in a person's own.
HOME = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name


def pytest_unconfigure() -> None:
    HOME.cleanup()
    # py4j says good-bye at exit, when pytest has closed the stream of Airflow's handler.
    logging.raiseExceptions = False
