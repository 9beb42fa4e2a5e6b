"""HTTP requests to a service, with retries during rebalances. Errors name the service."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_random_exponential

from pipeline.errors import DeniedError, ServiceError

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 60
RETRY_S = 30
# Concurrent requests. More would not help: a Connect worker handles its writes one by one.
CONCURRENCY = 8


class Service:
    """An HTTP service with a root URL."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update(headers or {})
        self._session.mount("http://", HTTPAdapter(pool_maxsize=CONCURRENCY))

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Sends a request and returns the response, even if its status is an error.

        While the service answers that it is rebalancing, the request is repeated for up to 30 s.

        Raises:
            ServiceError: the service is unreachable.
        """
        retrying = Retrying(
            stop=stop_after_delay(RETRY_S),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            retry=retry_if_result(_is_rebalancing),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        response: requests.Response = retrying(self._send, method, path, body)
        return response

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request and returns the JSON body of the response; None if it is empty.

        Raises:
            ServiceError: the service is unreachable or answers with an error.
            DeniedError: the service answers with status 401 or 403.
        """
        response = self.call(method, path, body)
        if not response.ok:
            raise self.error(method, path, response)
        return response.json() if response.content else None

    def error(self, method: str, path: str, response: requests.Response) -> ServiceError:
        """The error for a response with a status of 4xx or 5xx."""
        error_class = DeniedError if response.status_code in {401, 403} else ServiceError
        reason = f"{response.status_code}: {message_of(response)}"
        return error_class(f"{self.name}: {method} {path}: {reason}")

    def _send(self, method: str, path: str, body: Any) -> requests.Response:
        timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        try:
            return self._session.request(method, self.url + path, json=body, timeout=timeout)
        except requests.ConnectionError:
            raise ServiceError(
                f"{self.name} cannot be reached at {self.url}: is it up? `make status` shows it,"
                " `make up` starts it"
            ) from None
        except requests.Timeout:
            raise ServiceError(
                f"{self.name} at {self.url} does not answer {method} {path}"
                f" within {READ_TIMEOUT_S} s"
            ) from None


def message_of(response: requests.Response) -> str:
    """The error message in a response's body; without one, the start of the body."""
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:300] or response.reason


def _is_rebalancing(response: requests.Response) -> bool:
    # 409 can also mean "already exists", and then a retry does not help.
    return response.status_code in {409, 500} and "rebalance" in response.text
