"""A browser at the dashboard, which complains of what no page may do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    sync_playwright,
)

CHROMIUM = shutil.which("chromium")
NONE = "no Chromium: make browser"
# A shared machine draws slowly.
PATIENCE_MS = 20_000
SERIOUS = {"serious", "critical"}


@dataclass
class Visit:
    """A page that is looked at, and what was wrong with it so far."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def note_message(self, message: ConsoleMessage) -> None:
        """An error or a warning in the console."""
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def note_error(self, error: Error) -> None:
        """An error that no script has caught."""
        self.complaints.append(f"error: {error}")

    def note_request(self, request: Request) -> None:
        """A request that leaves this machine."""
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.complaints.append(f"elsewhere: {request.url}")

    def note_response(self, response: Response) -> None:
        """An answer that is an error."""
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")

    def open(self, url: str) -> Page:
        """Opens an address, and waits until its tiles show something."""
        self.page.goto(url)
        self.settled()
        return self.page

    def settled(self) -> None:
        """Waits until every tile shows something, and figures are drawn."""
        self.page.wait_for_function(
            """() => {
              const bodies = [...document.querySelectorAll('.tile .body')];
              const graphs = [...document.querySelectorAll('.graph')];
              return bodies.length > 0 && bodies.every(body => body.textContent || body.firstChild)
                && graphs.every(graph => graph.querySelector('.main-svg'));
            }"""
        )

    def tile(self, title: str) -> str:
        """What a tile shows, as text."""
        return self._tile(title).locator(".body").inner_text()

    def number(self, title: str) -> float:
        """The number of a tile."""
        return _number(self.tile(title).split()[0])

    def bars(self, title: str) -> dict[str, float]:
        """The bars of a tile."""
        found: dict[str, str] = self._tile(title).evaluate(
            """tile => Object.fromEntries([...tile.querySelectorAll('.bars li')].map(
              bar => ['.name', '.amount'].map(part => bar.querySelector(part).textContent)))"""
        )
        return {name: _number(amount) for name, amount in found.items()}

    def _tile(self, title: str) -> Locator:
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section.tile", has=heading)

    def inaccessible(self) -> list[str]:
        """What axe-core finds that is serious."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for one in found
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def visit(
    browser: Browser, *, width: int = 1440, height: int = 1000, dark: bool = False
) -> Iterator[Visit]:
    """A new window. After the visit, nothing may have been wrong."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    visited = Visit(page)
    page.on("console", visited.note_message)
    page.on("pageerror", visited.note_error)
    page.on("request", visited.note_request)
    page.on("response", visited.note_response)
    yield visited
    context.close()
    assert not visited.complaints, "\n".join(visited.complaints)


def _number(text: str) -> float:
    return float(text.replace(",", ""))
