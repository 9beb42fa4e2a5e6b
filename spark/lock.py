"""One job works on a checkpoint: the lock that sees to it, on whatever machines the jobs run."""

from pathlib import Path

import psycopg

from pipeline.clients import locks
from pipeline.clients.database import connect, reason_of
from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.errors import DeniedError, PipelineError, ServiceError
from pipeline.repository import target as targets
from pipeline.repository.target import Target
from spark.status import checkpoint_of, lock_of

ROLE = "cleanser"
SECRET = ROLE_PASSWORDS[ROLE]


class Lock:
    """The lock on a checkpoint, for as long as this program lives.

    `checkpoint` is its URL if it is not the target's own.
    """

    def __init__(self, root: Path, target: Target, checkpoint: str | None = None) -> None:
        self._root = root
        self._target = target
        self._checkpoint = checkpoint or checkpoint_of(root, target)
        self._name = lock_of(target, checkpoint)
        self._connection: psycopg.Connection | None = None

    def take(self) -> None:
        """Takes the lock.

        Raises:
            ServiceError: PostgreSQL is unreachable, or refuses the role.
            PipelineError: another job has it; the message says which.
        """
        # Read each time: a password may have been rotated since.
        password = targets.secrets(self._root, self._target, SECRET)[SECRET]
        connection = connect(self._target.postgres, ROLE, password, autocommit=True)
        try:
            other = locks.take(connection, self._name, "cleansing job")
        except psycopg.OperationalError as error:
            connection.close()
            raise ServiceError(f"PostgreSQL: {reason_of(error)}") from None
        if other is not None:
            connection.close()
            raise PipelineError(
                f"{self._checkpoint}: a cleansing job works on this checkpoint already"
                f"{f' ({other})' if other else ''}: stop it first, or give another --checkpoint"
            )
        self._connection = connection

    def close(self) -> None:
        """Gives the lock back."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def keep(self) -> None:
        """Takes the lock again if PostgreSQL has lost the connection.

        Without PostgreSQL, the job goes on: no other one could start.

        Raises:
            PipelineError: another job has taken it meanwhile, or the password is refused.
        """
        try:
            if self._connection:
                self._connection.execute("SELECT 1")
                return
        except psycopg.OperationalError:
            self.close()
        try:
            self.take()
        except DeniedError:
            raise
        except ServiceError:
            return
