"""A cold server to the first full grid, and the index from nothing."""

import shutil
import time
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.viewer.browser import GRID_CELL, ViewServer, fresh_page, open_until
from benchmarks.viewer.findings import Spread, Start
from benchmarks.viewer.stores import PER_STEP
from filmstrip.index import Index


def measure_start(browser: Browser, store: Path, num_images: int, repeats: int) -> Start:
    """Build the index anew, then start the server again and again."""
    rate = num_images / _index_secs(store)
    fresh = []
    for _ in range(repeats):
        forget_thumbnails(store)
        fresh.append(_start_ms(browser, store))
    kept = [_start_ms(browser, store) for _ in range(repeats)]
    return Start(
        num_images=num_images,
        fresh_ms=Spread.of(fresh),
        kept_ms=Spread.of(kept),
        index_images_per_sec=rate,
    )


def forget_thumbnails(store: Path) -> None:
    """Delete every small picture that is kept."""
    shutil.rmtree(store / "thumbnails", ignore_errors=True)


def _index_secs(store: Path) -> float:
    """Delete the index and fill it again, from the files to the last commit."""
    for path in store.glob("index.sqlite*"):
        path.unlink()
    start = time.perf_counter()
    index = Index.open(store)
    index.refresh()
    index.close()
    return time.perf_counter() - start


def _start_ms(browser: Browser, store: Path) -> float:
    """Start the command, open what it prints, and wait until all that is in sight is painted."""
    with fresh_page(browser) as page:
        server = ViewServer(store)
        try:
            painted_ms = open_until(page, f"{server.url}?cell={GRID_CELL}", f"isFull({PER_STEP})")
        finally:
            server.stop()
    return painted_ms - server.started_ms
