"""The options that several commands of the command line have."""

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """What `render` writes."""

    FILES = "files"
    STRIMZI = "strimzi"


TargetOption = Annotated[
    str, typer.Option("--target", "-t", help="Name of a file in targets/, or a path to a file.")
]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format", help="What each service is sent, or manifests for Kubernetes and Strimzi."
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only resources of this name, or of a file of this name, and what they need."
        " * and ? match. Can be repeated.",
    ),
]
PruneOption = Annotated[
    bool,
    typer.Option(
        "--prune",
        help="Also delete what we deployed and do not declare any more: connectors, queries,"
        " subjects, and topics with their records.",
    ),
]
RecreateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--recreate",
        help="Make this statement of ksql/ anew, with its topic and all that reads it. Can be"
        " repeated.",
    ),
]
AdoptOption = Annotated[
    bool,
    typer.Option("--adopt", help="Also take over what others deployed under our names."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DeadlineOption = Annotated[
    float, typer.Option("--deadline", help="Seconds to wait for each connector to run.", min=1)
]
