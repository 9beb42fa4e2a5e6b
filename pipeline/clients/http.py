"""HTTP requests to a service: patience, retries, and answers of the right shape.

Errors name the service. What comes from another program than the service is a WrongAnswerError.
"""

import re
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_random_exponential
from urllib3.exceptions import HTTPError, MaxRetryError, ProtocolError, ReadTimeoutError

from pipeline.clients import tls, waiting
from pipeline.clients.websession import session
from pipeline.errors import (
    DeniedError,
    ServiceError,
    SilentError,
    UnreachableError,
    WrongAnswerError,
)
from pipeline.repository.connections import Http

CONNECT_TIMEOUT_S = 3
# A command is to have an answer within 15 s, and takes a few of its own.
READ_TIMEOUT_S = 8
# A change may have to wait for a worker's rebalance.
CHANGE_TIMEOUT_S = 60
RETRY_S = 30
# Whose page of errors a worker shows that does not know its own paths yet.
JETTY = "Powered by Jetty"
# What a worker says of a path that it does not have: another service has it.
NO_SUCH_PATH = "HTTP 404 Not Found"
# What a worker says while its group rebalances, or has not read a change of a moment ago.
MOMENTARY = ("rebalance", "momentarily due to stale configuration")
# Of a wrong answer, an error shows so many characters.
SHOWN = 100

T = TypeVar("T")


class Answer(BaseModel):
    """Base of the models of answers: what we read of them has to be there, the rest may be."""

    model_config = ConfigDict(frozen=True)


class _Refusal(Answer):
    """An error as the services put it; Flink has a list."""

    message: str | None = None
    errors: list[str] = Field(default_factory=list)


class Service:
    """An HTTP service. `setting` is its key in a target's file."""

    def __init__(
        self, name: str, place: Http, setting: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.url = place.url.rstrip("/")
        self._place = place
        self._setting = setting
        self._silent_until = 0.0
        self._session = session(place, setting)
        self._session.headers.update(headers or {})

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Sends a request and returns the response, even if its status is an error.

        While the service answers that it is rebalancing, the request is repeated for up to 30 s.

        Raises:
            ServiceError: the service is unreachable or silent.
        """
        retrying = Retrying(
            stop=stop_after_delay(RETRY_S),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            retry=retry_if_result(_is_rebalancing),
            before_sleep=lambda _: waiting.LOG.info(
                f"{self.name} is rebalancing: it is asked again, for up to {RETRY_S} s"
            ),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        with waiting.told(f"{self.name} at {self.url}"):
            response: requests.Response = retrying(self._send, method, path, body)
        return response

    def send(self, method: str, path: str, body: Any = None) -> None:
        """Sends a request whose answer says nothing but that it succeeded.

        Raises:
            ServiceError: the service is unreachable or answers with an error.
            DeniedError: the service answers with status 401 or 403.
        """
        response = self.call(method, path, body)
        if not response.ok:
            raise self.error(method, path, response)

    def json(self, shape: type[T], method: str, path: str, body: Any = None) -> T:
        """Sends a request; returns the answer's JSON as a `shape`: a model, or a list of some.

        Raises:
            ServiceError: the service is unreachable or answers with an error.
            DeniedError: the service answers with status 401 or 403.
            WrongAnswerError: the answer has another shape.
        """
        response = self.call(method, path, body)
        if not response.ok:
            raise self.error(method, path, response)
        return self.read(shape, method, path, response)

    def find(self, shape: type[T], method: str, path: str, body: Any = None) -> T | None:
        """The same as `json`; None if the service answers with status 404."""
        response = self.call(method, path, body)
        if response.status_code == 404:
            return None
        if not response.ok:
            raise self.error(method, path, response)
        return self.read(shape, method, path, response)

    def read(self, shape: type[T], method: str, path: str, response: requests.Response) -> T:
        """The JSON of a response as a `shape`.

        Raises:
            WrongAnswerError: it has another shape.
        """
        try:
            value: T = _adapter(shape).validate_json(response.content)  # type: ignore[arg-type]
        except ValidationError:
            raise self._wrong(method, path, f"gave {_described(response)}") from None
        return value

    def error(self, method: str, path: str, response: requests.Response) -> ServiceError:
        """The error for a response with a status of 4xx or 5xx."""
        message = message_of(response)
        if message == NO_SUCH_PATH:
            return self._of_another(method, path, response)
        if response.status_code in {401, 403}:
            reason = f"{response.status_code}: {message or response.reason}"
            if response.status_code == 401:
                reason += f": is the log-in of `{self._setting}:` right, in the target's file?"
            return DeniedError(f"{self.name}: {method} {path}: {reason}")
        if message:
            return ServiceError(f"{self.name}: {method} {path}: {response.status_code}: {message}")
        if response.status_code >= 500:
            return ServiceError(f"{self.name}: {method} {path} gave {_described(response)}")
        return self._of_another(method, path, response)

    def _of_another(self, method: str, path: str, response: requests.Response) -> ServiceError:
        """The error for a response that the service itself would hardly give."""
        if response.status_code == 400 and self._speaks_tls():
            return self._clear_text_to_tls()
        if response.status_code == 404 and JETTY in response.text:
            return ServiceError(
                f"{self.name} at {self.url} is starting: try again in a moment. If it goes on, this"
                f" is another server: {method} {path} gave {_described(response)}"
            )
        return self._wrong(method, path, f"gave {_described(response)}")

    def _send(self, method: str, path: str, body: Any) -> requests.Response:
        patience_s = READ_TIMEOUT_S if method == "GET" else CHANGE_TIMEOUT_S
        if time.monotonic() < self._silent_until:
            raise self._silent(method, path, patience_s)
        try:
            return self._session.request(
                method,
                self.url + path,
                json=body,
                timeout=(CONNECT_TIMEOUT_S, patience_s),
                # Given here: in place of a session's, requests prefers what the environment has.
                verify=self._session.verify,
            )
        except (requests.RequestException, HTTPError) as error:
            cause = error.args[0] if error.args else None
            if isinstance(error, requests.ReadTimeout) or isinstance(cause, ReadTimeoutError):
                # Other requests need not find out for themselves.
                self._silent_until = time.monotonic() + READ_TIMEOUT_S
                raise self._silent(method, path, patience_s) from None
            raise self._failure(method, path, error, cause) from None

    def _silent(self, method: str, path: str, patience_s: float) -> SilentError:
        return SilentError(
            f"{self.name} at {self.url} accepts connections, but said nothing for {patience_s} s"
            f" ({method} {path}): `make status` shows if it is up"
        )

    def _failure(self, method: str, path: str, error: Exception, cause: Any) -> ServiceError:
        if isinstance(error, requests.exceptions.SSLError):
            reason = (cause.reason if isinstance(cause, MaxRetryError) else None) or error
            return self._of_tls(reason)
        if isinstance(cause, ProtocolError):
            if self._speaks_tls():
                return self._clear_text_to_tls()
            return self._wrong(method, path, "gave no answer in HTTP: the connection was ended")
        if isinstance(error, requests.ConnectionError):
            return UnreachableError(
                f"{self.name} cannot be reached at {self.url}: is it up? `make status` shows it,"
                " `make up` starts it"
            )
        return self._wrong(method, path, f"failed: {_shortened(str(error))}")

    def _clear_text_to_tls(self) -> WrongAnswerError:
        text = f"{self.name} at {self.url}: it speaks TLS at this port: write https://"
        return WrongAnswerError(text, self._setting)

    def _of_tls(self, error: Exception) -> ServiceError:
        begin = f"{self.name} at {self.url}"
        found = error.args[0] if error.args and isinstance(error.args[0], ssl.SSLError) else error
        if not isinstance(found, ssl.SSLError):
            return ServiceError(f"{begin}: TLS fails: {_shortened(str(error))}")
        reason = tls.reason(found, str(urlsplit(self.url).hostname), self._place.ca)
        if reason == tls.NO_TLS:
            return WrongAnswerError(f"{begin}: {reason}: write http://", self._setting)
        return ServiceError(f"{begin}: {reason}")

    def _speaks_tls(self) -> bool:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            return False
        asked = tls.probe(str(parts.hostname), parts.port or 80, None)
        return asked is not None and asked.speaks_tls

    def _wrong(self, method: str, path: str, what: str) -> WrongAnswerError:
        text = f"{self.name} at {self.url}: {method} {path} {what}: is this the right address?"
        return WrongAnswerError(text, self._setting)


def message_of(response: requests.Response) -> str:
    """The error message in a response's body; "" if it has none."""
    try:
        refusal = _adapter(_Refusal).validate_json(response.content)
    except ValidationError:
        return ""
    return refusal.message or " ".join(refusal.errors)


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _is_rebalancing(response: requests.Response) -> bool:
    # 409 can also mean "already exists", and then a retry does not help.
    text = response.text
    return response.status_code in {409, 500} and any(words in text for words in MOMENTARY)


def _described(response: requests.Response) -> str:
    """What a response is, in a few words."""
    text = response.text.strip()
    if not text:
        return f"{response.status_code} and nothing else"
    if text.startswith("<"):
        without = re.sub(r"(?s)<(script|style)\b.*?</\1>|<!--.*?-->|<[^>]*>", " ", text)
        return f"{response.status_code} and HTML ({_shortened(without)})"
    kind = "JSON of another kind" if text[0] in "{[" else "text"
    return f"{response.status_code} and {kind} ({_shortened(text)})"


def _shortened(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text[: 100 * SHOWN])
    words = " ".join(printable.split())
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"
