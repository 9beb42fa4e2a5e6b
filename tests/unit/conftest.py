import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark.job import session

# Airflow makes its home when it is imported: not in a person's own.
HOME = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name


def pytest_unconfigure() -> None:
    HOME.cleanup()
    # py4j says good-bye at exit, when pytest has closed the stream of Airflow's handler.
    logging.raiseExceptions = False


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session for all tests: it takes seconds to start."""
    started = session(Path(tmp_path_factory.mktemp("spark")))
    yield started
    started.stop()
