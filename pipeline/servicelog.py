"""The log lines of a program of ours that runs as a service: time in UTC, service, level, message.

The supervisor gives each program that it starts its name, in the variable SERVICE. The services
that are not ours have the same format, in their configuration below stack/templates.
"""

import logging
import os
import time

VARIABLE = "SERVICE"


def service() -> str | None:
    """The name under which the supervisor has started this process; None if a person has."""
    return os.environ.get(VARIABLE) or None


def configure() -> None:
    """Has a service write its log to stderr. A person who starts it gets the bare messages."""
    name = service()
    handler = logging.StreamHandler()
    logger().setLevel(logging.INFO)
    if name is None:
        logger().addHandler(handler)
        return
    line = f"%(asctime)s.%(msecs)03d UTC {name} %(levelname)-5s %(name)s - %(message)s"
    formatter = logging.Formatter(line, datefmt="%Y-%m-%d %H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    # Of libraries, only what they warn of.
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def logger() -> logging.Logger:
    """The logger of this service."""
    return logging.getLogger(service() or "hospital")
