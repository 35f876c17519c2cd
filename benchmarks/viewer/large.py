"""Forty large pictures in one grid: the first time, and again."""

import time
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.viewer.browser import GRID_CELL, fresh_page, open_until, serving
from benchmarks.viewer.findings import Large, Spread
from benchmarks.viewer.start import forget_thumbnails
from benchmarks.viewer.stores import PER_STEP
from filmstrip.index import Index


def measure_large(browser: Browser, store: Path, side: int, repeats: int) -> Large:
    """Open the grid without thumbnails, then with them, as often as asked."""
    index = Index.open(store)
    index.refresh()
    index.close()
    first, second = [], []
    for _ in range(repeats):
        forget_thumbnails(store)
        with serving(store) as server:
            first.append(view_ms(browser, server.url))
            second.append(view_ms(browser, server.url))
    return Large(side=side, first_ms=Spread.of(first), second_ms=Spread.of(second))


def view_ms(browser: Browser, url: str) -> float:
    """Return the time from opening the page, its cache empty, to forty painted pictures."""
    with fresh_page(browser) as page:
        start_ms = time.time() * 1000
        return open_until(page, f"{url}?cell={GRID_CELL}", f"isFull({PER_STEP})") - start_ms
