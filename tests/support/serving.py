"""An HTTP server on loopback that answers in JSON, in place of a service that we lack."""

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

# Method, path and body to status and body; None is no body.
Answer = Callable[[str, str, Any], tuple[int, Any]]


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
            data = json.dumps(body, separators=(",", ":")).encode() if body is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815 - the base class's names

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
