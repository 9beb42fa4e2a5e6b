"""The Dash application: its callbacks, and the headers of every answer."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, State, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import Response

from dashboard import files, layout, morph, tiles
from dashboard import selection as selections
from dashboard.contents import Contents, Moment
from dashboard.layout import Sheet
from dashboard.morph import ShapeError
from dashboard.rows import Failed
from dashboard.selection import Selection
from dashboard.tiles import Drawing
from pipeline.repository.dashboards import Page

TITLE = "Hospital admissions"
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body>
</html>"""
# Bodies of tiles that are kept, to turn them into later ones.
KEPT = 300
# In place of a tile's number.
FILTERS = -1
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create(contents: Contents, host: str) -> Dash:
    """The application over the pages' contents.

    It answers to `host` and to loopback's names only: no other site can pass itself off as it.
    """
    app = Dash(
        __name__,
        title=TITLE,
        update_title="",
        index_string=INDEX,
        suppress_callback_exceptions=True,
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "description", "content": layout.SYNTHETIC},
        ],
    )
    app.layout = layout.shell(TITLE)
    app.server.config["TRUSTED_HOSTS"] = [host, "localhost", "127.0.0.1"]
    Callbacks(app, contents).register()
    files.register(app.server, contents, app.config.requests_pathname_prefix)
    policy = _policy(app)

    def secured(response: Response) -> Response:
        response.headers.update({**HEADERS, "Content-Security-Policy": policy})
        return response

    app.server.after_request(secured)
    return app


def _policy(app: Dash) -> str:
    """Nothing from elsewhere. Plotly and Dash set the style of elements."""
    scripts = " ".join(app.csp_hashes())
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )


class Callbacks:
    """What the browser asks: a page, what has changed on it, and the address of a selection."""

    def __init__(self, app: Dash, contents: Contents) -> None:
        self._app = app
        self._contents = contents
        self._prefix = app.config.requests_pathname_prefix
        # Bodies of tiles that a browser may show.
        self._drawn: OrderedDict[tuple[str, int, str], Component] = OrderedDict()

    def register(self) -> None:
        """Tells Dash of the callbacks."""
        self._app.callback(
            Output("title", "children"),
            Output("pages", "children"),
            Output("filters", "children"),
            Output("problem", "children"),
            Output("clock", "children"),
            Output("tiles", "children"),
            Output("filtered", "data"),
            Input("url", "pathname"),
            State("url", "search"),
        )(self.page)
        self._app.callback(
            Output("pages", "children", allow_duplicate=True),
            Output("filters", "children", allow_duplicate=True),
            Output("filtered", "data", allow_duplicate=True),
            Output("problem", "children", allow_duplicate=True),
            Output("clock", "children", allow_duplicate=True),
            Output({"tile": ALL, "page": ALL}, "children"),
            Output({"version": ALL, "page": ALL}, "data"),
            Output({"csv": ALL, "page": ALL}, "children"),
            Input("tick", "n_intervals"),
            Input("url", "search"),
            State("url", "pathname"),
            State({"version": ALL, "page": ALL}, "data"),
            State({"version": ALL, "page": ALL}, "id"),
            State("filtered", "data"),
            prevent_initial_call=True,
        )(self.refresh)
        self._app.callback(
            Output("url", "search"),
            Output("problem", "children", allow_duplicate=True),
            Input({"date": ALL}, "value"),
            State("url", "search"),
            State("url", "pathname"),
            State("problem", "children"),
            prevent_initial_call=True,
        )(self.address)

    def page(self, path: str, search: str | None) -> Any:
        """A page, with what its tiles show."""
        sheet, moment = self._now(path, search)
        bodies = [self._body(sheet.name, index, new) for index, new in enumerate(moment.drawings)]
        return (
            sheet.page.title,
            self._navigation(sheet),
            self._filters(sheet),
            self._unknown(path) or moment.problem,
            layout.clock(sheet.page, moment.now),
            sheet.tiles(bodies, [drawing.version for drawing in moment.drawings]),
            _address(sheet),
        )

    def refresh(
        self,
        tick: int | None,
        search: str | None,
        path: str,
        shown: Sequence[str],
        ids: Sequence[Mapping[str, Any]],
        filtered: str | None,
    ) -> Any:
        """What has changed on a page, by the versions of the tiles that it shows."""
        del tick
        sheet, moment = self._now(path, search)
        if [one["page"] for one in ids] != [sheet.name] * len(sheet.page.tiles):
            # The browser is about to turn to another page.
            raise PreventUpdate
        is_chosen = _address(sheet) != filtered
        pairs = list(zip(moment.drawings, shown, strict=True))
        return (
            self._navigation(sheet) if is_chosen else no_update,
            self._filters_in_place(sheet, filtered) if is_chosen else no_update,
            _address(sheet) if is_chosen else no_update,
            # What was said of a day that is none stays until something else is chosen.
            moment.problem if is_chosen or moment.problem else no_update,
            layout.clock(sheet.page, moment.now),
            [self._turned(sheet.name, index, *pair) for index, pair in enumerate(pairs)],
            [no_update if new.version == old else new.version for new, old in pairs],
            [sheet.csv(index) if is_chosen else no_update for index in range(len(pairs))],
        )

    def address(
        self, days: Sequence[str | None], search: str | None, path: str, problem: str | None
    ) -> Any:
        """The address for the first and the last day that a person has typed, or what is wrong."""
        _, page = self._page(path)
        before = selections.parse(search or "", page)
        chosen, misread = before.dated(*days), Selection.misread(*days)
        is_told = selections.NO_DAY in (problem or "")
        return (
            no_update if chosen == before else chosen.search,
            misread if misread or is_told else no_update,
        )

    def _navigation(self, sheet: Sheet) -> Any:
        pages = self._contents.pages
        return layout.navigation(pages, self._prefix, sheet.name, sheet.selection)

    def _unknown(self, path: str) -> str:
        """What to say of an address that no page has."""
        name = self._name(path)
        known = ", ".join(self._contents.pages)
        is_known = not name or name in self._contents.pages
        return "" if is_known else f"There is no page {name}; there are: {known}"

    def _filters(self, sheet: Sheet) -> Component:
        """The filters, drawn anew."""
        drawn = morph.identified(sheet.filters(), f"{sheet.name}-filters")
        return self._keep((sheet.name, FILTERS, _address(sheet)), drawn)

    def _filters_in_place(self, sheet: Sheet, shown: str | None) -> Any:
        """What replaces the filters; nothing, if those that are shown can become them."""
        old = self._drawn.get((sheet.name, FILTERS, shown or ""))
        return self._become(old, self._filters(sheet))

    def _body(self, name: str, index: int, drawing: Drawing | Failed) -> Component:
        """What a tile shows, drawn anew."""
        body = morph.identified(tiles.body(drawing), f"{name}-{index}")
        return self._keep((name, index, drawing.version), body)

    def _turned(self, name: str, index: int, drawing: Drawing | Failed, shown: str) -> Any:
        """What replaces a tile's body; nothing, if what is there can become it."""
        if drawing.version == shown:
            return no_update
        return self._become(self._drawn.get((name, index, shown)), self._body(name, index, drawing))

    def _become(self, old: Component | None, new: Component) -> Any:
        """Changes what is shown in place; if that is not possible, the new is to be drawn."""
        if old is None:
            return new
        try:
            changes = morph.changes(old, new)
        except ShapeError:
            return new
        for identifier, properties in changes:
            set_props(identifier, dict(properties))
        return no_update

    def _keep(self, key: tuple[str, int, str], drawn: Component) -> Component:
        self._drawn[key] = drawn
        if len(self._drawn) > KEPT:
            self._drawn.popitem(last=False)
        return drawn

    def _name(self, path: str) -> str:
        return path.removeprefix(self._prefix).strip("/")

    def _page(self, path: str) -> tuple[str, Page]:
        """The page of an address; the first one, if there is no such page."""
        name = self._name(path)
        pages = self._contents.pages
        found = name if name in pages else next(iter(pages))
        return found, pages[found]

    def _now(self, path: str, search: str | None) -> tuple[Sheet, Moment]:
        name, page = self._page(path)
        address = f"{self._prefix}{name}"
        moment = self._contents.moment(address, page, search or "")
        return Sheet(name, page, address, moment.selection, self._contents.options), moment


def _address(sheet: Sheet) -> str:
    """The page with what is chosen on it."""
    return sheet.path + sheet.selection.search
