from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipeline.repository.target import Spark
from spark.session import session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session for all tests: it takes seconds to start."""
    started = session(Path(tmp_path_factory.mktemp("spark")), Spark.model_validate({}), 2)
    yield started
    started.stop()
