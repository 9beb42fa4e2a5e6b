"""A session with an HTTP service: whom it trusts, and how it logs in."""

from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

from pipeline import textfile
from pipeline.errors import UsageError
from pipeline.repository.connections import USER_INFO, Http, resolve

# Concurrent requests. More would not help: a Connect worker handles its writes one by one.
CONCURRENCY = 8


def session(place: Http, setting: str = "") -> requests.Session:
    """A session that trusts and logs in as the target says. `setting` is its key, for messages.

    Raises:
        UsageError: a secret has no value, or a certificate is missing.
    """
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(pool_maxsize=CONCURRENCY))
    for file in filter(None, (place.ca, place.certificate, place.key)):
        if not textfile.exists(Path(file)):
            raise UsageError(f"{setting}: {file} is missing")
    if place.ca:
        made.verify = place.ca
    if place.certificate:
        made.cert = (place.certificate, place.key) if place.key else place.certificate
    _log_in(made, place, setting)
    return made


def _log_in(made: requests.Session, place: Http, setting: str) -> None:
    if place.user_info:
        user, colon, password = resolve(f"{setting}.{USER_INFO}", place.user_info).partition(":")
        if not colon:
            raise UsageError(f"{setting}.{USER_INFO}: is user:password")
        made.auth = (user, password)
    if place.bearer:
        token = resolve(f"{setting}.bearer", place.bearer)
        made.headers["Authorization"] = f"Bearer {token}"
