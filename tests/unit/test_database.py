"""Opening a connection to PostgreSQL."""

import pytest

from pipeline.clients.database import connect
from pipeline.errors import DeniedError, ServiceError
from pipeline.repository.target import Postgres


def test_a_server_that_is_down_is_one_line_without_the_password() -> None:
    nobody = Postgres.model_validate({"host": "127.0.0.1", "port": 1, "database": "d"})
    with pytest.raises(ServiceError) as caught:
        connect(nobody, "postgres", "hidden")
    message = str(caught.value)
    assert message.startswith("PostgreSQL at 127.0.0.1:1: ")
    assert message.endswith("; `make status` shows if it is up")
    assert "\n" not in message
    assert "hidden" not in message
    assert not isinstance(caught.value, DeniedError)
