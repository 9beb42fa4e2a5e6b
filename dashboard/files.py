"""A tile's rows as a file for download."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, abort, request

from dashboard.contents import Contents
from dashboard.rows import Failed

# A spreadsheet takes what begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def register(server: Flask, contents: Contents, prefix: str) -> None:
    """Serves <page>/<number of the tile>.csv, with the parameters of the page's address."""

    @server.get(f"{prefix}<name>/<int:index>.csv")
    def rows(name: str, index: int) -> Response:
        page = contents.pages.get(name)
        if page is None or index >= len(page.tiles):
            abort(404)
        found = contents.tile(page, index, request.query_string.decode())
        if isinstance(found, Failed):
            return Response(f"{found.reason}\n", 503, mimetype="text/plain")
        return Response(text([found.found.columns, *found.found.rows]), mimetype="text/csv")


def text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as RFC 4180 has them. Text that a spreadsheet would compute gets an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return file.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
