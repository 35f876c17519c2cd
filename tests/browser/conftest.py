"""The viewer in a real Chromium, on the store that the demo makes, served as users serve it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser.picture_store import write_store

import filmstrip
from filmstrip.demo import run_demo

SCREENSHOTS_DIR = os.environ.get("SCREENSHOTS_DIR")
"""Where `make screenshots` wants the pictures of all views."""
STEPS = 30 if SCREENSHOTS_DIR else 10
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

SETTLED = """() => {
  const cells = [...document.querySelectorAll("[data-digest]")];
  const all = [...document.querySelectorAll("main canvas")].filter((c) => "painted" in c.dataset);
  return document.querySelector("progress, main .stale, main .ghost:not(.none)") === null
    && cells.every((cell) => cell.querySelector("canvas")?.dataset.painted === cell.dataset.digest)
    && all.every((canvas) => canvas.dataset.painted !== "")
    && all.length > 0;
}"""
"""Whether all pictures that the page wants are on the screen."""


class Viewer:
    """A page on the viewer, and what it said that it should not have said."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self.is_forgiven = False
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._on_console)
        page.on("request", self._on_request)

    def open(self, query: str = "", *, is_settled: bool = True) -> Page:
        """Open the page at a state, and wait until all its pictures are painted."""
        self.page.goto(self.url + query)
        if is_settled:
            self.settle()
        return self.page

    def settle(self) -> None:
        self.page.wait_for_function(SETTLED)

    def forgive(self) -> None:
        """Say no more: the browser notes each request that fails, as the test wants it to."""
        self.is_forgiven = True

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"a request to {request.url}")


@pytest.fixture(scope="session")
def screenshots_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(SCREENSHOTS_DIR) if SCREENSHOTS_DIR else tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_demo(tmp_path_factory.mktemp("demo"), steps=STEPS).store_path


@pytest.fixture(scope="session")
def picture_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose every pixel is known."""
    with pytest.warns(filmstrip.FilmstripWarning, match="boxes of layer 'found'"):
        return write_store(tmp_path_factory.mktemp("pictures"))


class Server:
    """The command that users type, serving a store until it is stopped."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-m", "filmstrip.cli", "view", str(store), "--no-browser"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        line = self._process.stdout.readline()
        if " is at http://" not in line:
            self.stop()
            raise AssertionError(line)
        self.url = line.split(" is at ")[1].strip()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Server]]:
    """Serve stores until the test ends."""
    servers: list[Server] = []

    def start(store: Path) -> Server:
        servers.append(Server(store))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(demo_store: Path) -> Iterator[str]:
    server = Server(demo_store)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "these tests need Debian's chromium: make test-browser installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_viewer(chromium: Browser, serve: object) -> Iterator[Callable[..., Viewer]]:
    """Make viewers, closed before their servers end; none of them may have complained."""
    made: list[tuple[BrowserContext, Viewer]] = []

    def make(url: str, *, width: int = 1280, height: int = 800, scheme: str = "light") -> Viewer:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
        )
        context.set_default_timeout(30_000)
        viewer = Viewer(context.new_page(), url)
        made.append((context, viewer))
        return viewer

    yield make
    for context, _ in made:
        context.close()
    strict = [viewer for _, viewer in made if not viewer.is_forgiven]
    assert [complaint for viewer in strict for complaint in viewer.complaints] == []


@pytest.fixture
def viewer(new_viewer: Callable[..., Viewer], server: str) -> Viewer:
    return new_viewer(server)


@pytest.fixture(scope="session")
def picture_server(picture_store: Path) -> Iterator[str]:
    server = Server(picture_store)
    yield server.url
    server.stop()


@pytest.fixture
def pictures(new_viewer: Callable[..., Viewer], picture_server: str) -> Viewer:
    """A viewer on the store whose every pixel is known."""
    return new_viewer(picture_server)
