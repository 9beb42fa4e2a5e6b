"""An HTTP server on loopback that answers in JSON, in place of a service that we lack."""

import base64
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

# Method, path and body to status and body; None is no body.
Answer = Callable[[str, str, Any], tuple[int, Any]]


@dataclass(frozen=True)
class Page:
    """A body that is no JSON, and headers of its own."""

    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serving(
    answer: Answer, *, tls: ssl.SSLContext | None = None, login: str | None = None
) -> Iterator[str]:
    """Serves until the end of the block; the value is the server's address.

    With `login` (user:password), whoever does not log in gets a 401.
    """
    wanted = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            is_known = wanted in {None, self.headers.get("Authorization")}
            status, body = answer(self.command, self.path, sent) if is_known else (401, None)
            headers: Mapping[str, str] = {"Content-Type": "application/json"}
            if isinstance(body, Page):
                data, headers = body.text.encode(), {"Content-Type": "text/html", **body.headers}
            elif body is None:
                data = b""
            else:
                data = json.dumps(body, separators=(",", ":")).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    # It looks that often whether it is to end.
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent() -> Iterator[int]:
    """A port of loopback that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Connections are made by the kernel; nobody takes them.
        yield listener.getsockname()[1]


@contextmanager
def hanging_up(greeting: bytes = b"") -> Iterator[int]:
    """A port of loopback that says something which is no HTTP, if at all, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(greeting)

        thread = Thread(target=hang_up)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
