"""How a test reaches a target's services by hand: as somebody who may do everything."""

from collections.abc import Mapping
from pathlib import Path

import requests

from pipeline.clients.websession import session as session_of
from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import desired, loader
from pipeline.repository.connections import Http
from pipeline.repository.rights import rights
from pipeline.repository.target import Target
from stack.cluster import principals
from stack.layout import layout_of


def ask(
    place: Http,
    method: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    """A service's answer, whatever its status."""
    session = session_of(place)
    # In place of a session's CA, requests takes one that the environment names.
    trusted = session.verify
    url = f"{place}{path}"
    return session.request(method, url, json=body, headers=headers, timeout=30, verify=trusted)


def kafka(target: Target) -> Mapping[str, str]:
    """The properties of a client that may do all: on the cluster, a broker's."""
    layout = layout_of(REPOSITORY, target)
    return principals.as_broker(layout, layout.cluster) if layout.cluster else target.kafka


def grant(root: Path, target: Target) -> None:
    """On the cluster: the rights that what a folder declares needs, if it has no mistake."""
    layout = layout_of(REPOSITORY, target)
    if layout.cluster is None:
        return
    try:
        project = loader.load(root, target)
        declared = desired.render(project, target.pipeline)
    except SpecError:
        return
    principals.grant(layout, layout.cluster, rights(project, declared, target))
