"""A real headless Chromium, the command that serves a store, and when a page shows what it should.

The browser is open before the clock starts: users have theirs open too. Each measurement gets a
fresh context, that is an empty cache.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

WIDTH, HEIGHT = 1600, 1000
GRID_CELL: Final = 120
"""Width of a cell in CSS pixels at which forty stand in sight."""

_SCRIPT: Final = Path(__file__).with_name("painted.js")
_PATIENCE_MS: Final = 60_000
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a running browser."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        raise SystemExit("no chromium here: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def fresh_page(browser: Browser) -> Iterator[Page]:
    """Give a page with an empty cache that knows when it is painted."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB")
    context.set_default_timeout(_PATIENCE_MS)
    context.add_init_script(path=_SCRIPT)
    page = context.new_page()
    try:
        yield page
    finally:
        context.close()


class ViewServer:
    """`filmstrip view` on a store, from the working tree, until it is stopped."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-m", "filmstrip.cli", "view", str(store), "--no-browser"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        self.started_ms = time.time() * 1000
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if " is at http://" not in line:
            self.stop()
            raise SystemExit(f"filmstrip view did not start: {line.strip()}")
        self.url = line.split(" is at ")[1].strip()

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


@contextmanager
def serving(store: Path) -> Iterator[ViewServer]:
    """Give a running server."""
    server = ViewServer(store)
    try:
        yield server
    finally:
        server.stop()


def open_until(page: Page, url: str, test: str) -> float:
    """Open an address; return when a test of `painted.js` held, in milliseconds since 1970."""
    page.goto(url, wait_until="commit")
    return page_until(page, test)


def page_until(page: Page, test: str) -> float:
    """Return when a test held in the open page, in milliseconds since 1970."""
    held: float = page.evaluate(f"() => bench.when(() => bench.{test})")
    return held
