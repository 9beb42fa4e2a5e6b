"""The components of the pages, around what their tiles show. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard import aria, numbers
from dashboard import selection as selections
from dashboard.selection import PERIODS, Selection
from pipeline.repository.dashboards import Filter, Page, Tile

REFRESH_MS = 2_000
SYNTHETIC = "All data is synthetic: no patient is real."


def shell(title: str) -> Component:
    """What all pages share."""
    return html.Div(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Interval(id="tick", interval=REFRESH_MS),
            # The address whose filters are shown.
            dcc.Store(id="filtered"),
            html.A("Skip to the numbers", href="#page", className="skip"),
            html.Header(
                [
                    html.P(title, className="brand"),
                    html.Nav(id="pages", **aria.label("Pages")),
                    html.P(
                        [html.Span(id="clock"), " ", html.Span(id="age", role="status")],
                        className="clock",
                    ),
                    html.Button("Light or dark", id="theme", type="button"),
                ]
            ),
            html.Main(
                [
                    html.H1(id="title"),
                    html.Div(id="filters"),
                    html.Div(id="problem", className="problem", role="status"),
                    html.Div(id="tiles", className="tiles"),
                ],
                id="page",
                tabIndex="-1",
            ),
            html.P(SYNTHETIC, className="synthetic", role="contentinfo"),
        ]
    )


def navigation(
    pages: Mapping[str, Page], prefix: str, current: str, selection: Selection
) -> list[Component]:
    """The links to the pages. What is chosen goes along, as far as the other page knows it."""
    return [
        html.Span(
            dcc.Link(
                page.title,
                href=f"{prefix}{name}{selections.parse(selection.search, page).search}",
            ),
            **aria.current("page", applies=name == current),
        )
        for name, page in pages.items()
    ]


def clock(page: Page, now: datetime | None) -> str:
    """What time the numbers are of."""
    whose = "Hospital's clock" if page.clock == "hospital" else "Clock, UTC"
    return f"{whose} {numbers.moment(now)}" if now else ""


@dataclass(frozen=True)
class Sheet:
    """A page at an address, with what is chosen. `options` are asked only if they are shown."""

    name: str
    page: Page
    path: str
    selection: Selection
    options: Callable[[Filter], Sequence[str]]

    def tiles(self, bodies: Sequence[Component], versions: Sequence[str]) -> list[Component]:
        """The tiles, with what they show."""
        return [
            self._tile(index, tile, bodies[index], versions[index])
            for index, tile in enumerate(self.page.tiles)
        ]

    def filters(self) -> Component:
        """What a person can choose."""
        return html.Div(
            [
                *(self._menu(one) for one in self.page.filters),
                html.Nav(self._periods(), className="periods", **aria.label("Period")),
                html.Div(self._dates(), className="dates"),
            ],
            className="filters",
        )

    def csv(self, index: int) -> Component:
        """The link to a tile's rows as a file."""
        title = self.page.tiles[index].title
        address = f"{self.path}/{index}.csv{self.selection.search}"
        label = aria.label(f"{title} as CSV")
        return html.A("CSV", href=address, download=f"{title}.csv", **label)

    def _id(self, part: str, index: int) -> dict[str, Any]:
        return {part: index, "page": self.name}

    def _menu(self, one: Filter) -> Component:
        """A filter's values to choose from, each a link that adds it or takes it away."""
        name, chosen = one.name, self.selection.filters[one.name]
        values = dict.fromkeys((*self.options(one), *chosen))
        links = [
            html.Li(
                dcc.Link(value, href=self._to(self.selection.switched(name, value))),
                **aria.current("true", applies=value in chosen),
            )
            for value in values
        ]
        everything = html.Li(dcc.Link("all", href=self._to(self.selection.choosing(name, ()))))
        told = ", ".join(chosen) if chosen else "all"
        summary = html.Summary([html.Span(one.title, className="label"), html.Span(told)])
        return html.Details([summary, html.Ul([everything, *links])], className="menu")

    def _to(self, selection: Selection) -> str:
        return self.path + selection.search

    def _periods(self) -> list[Component]:
        chosen = "" if self.selection.first else self.selection.period
        return [
            html.Span(
                dcc.Link(told, href=self._to(self.selection.within(name))),
                **aria.current("true", applies=name == chosen),
            )
            for name, (told, _) in PERIODS.items()
        ]

    def _dates(self) -> list[Component]:
        days = {"from": self.selection.first, "to": self.selection.last}
        return [
            html.Label(
                [
                    name.capitalize(),
                    dcc.Input(
                        id={"date": name},
                        value=day.isoformat() if day else "",
                        placeholder="YYYY-MM-DD",
                        debounce=True,
                        size="10",
                    ),
                ]
            )
            for name, day in days.items()
        ]

    def _tile(self, index: int, tile: Tile, body: Any, version: str) -> Component:
        title = f"tile-{index}"
        head = [
            html.H2(tile.title, id=title),
            html.Span(self.csv(index), id=self._id("csv", index)),
        ]
        note = [html.P(tile.note, className="note")] if tile.note else []
        return html.Section(
            [
                html.Div(head, className="head"),
                *note,
                html.Div(body, id=self._id("tile", index), className="body"),
                dcc.Store(id=self._id("version", index), data=version),
            ],
            className=f"tile chart-{tile.chart} width-{tile.columns}",
            **aria.labelled_by(title),
        )
