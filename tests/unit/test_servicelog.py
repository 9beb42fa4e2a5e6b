import os
import re
import subprocess
import sys

import pytest

from pipeline.paths import REPOSITORY
from tests.support.logs import TIME


def _job(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spark.job", "--target", "nowhere"],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"SERVICE": "cleanse"}, f"{TIME} cleanse ERROR cleanse - "),
        ({"SERVICE": ""}, "error: "),
    ],
    ids=["service", "person"],
)
def test_an_error_is_a_line_of_log_or_a_message(variables: dict[str, str], line: str) -> None:
    done = _job(**variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"{line}unknown target nowhere; .*\n", done.stderr), done.stderr
