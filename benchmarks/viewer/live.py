"""From `log()` in another process to the picture in an open page, beside 100,000 other images."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.viewer.browser import GRID_CELL, fresh_page, open_until, serving
from benchmarks.viewer.findings import Spread

_RUN = "live"
_MAX_PAUSE_MS = 400


def measure_live(browser: Browser, archive: Path, photos: Path, count: int) -> Spread:
    """Log a photo at a time into a copy of the store; each waits until the one before is seen."""
    store = _copied(archive)
    pauses = random.Random(1)
    with _logging(store, photos) as logger, serving(store) as server, fresh_page(browser) as page:
        _log(logger, 0)
        open_until(page, f"{server.url}?runs={_RUN}&cell={GRID_CELL}", "isAt(0, 1)")
        times = []
        for step in range(1, count + 1):
            page.wait_for_timeout(pauses.uniform(0, _MAX_PAUSE_MS))
            times.append(_visible_ms(page, logger, step))
    return Spread.of(times)


def _visible_ms(page: Page, logger: subprocess.Popen[str], step: int) -> float:
    page.evaluate(f"() => {{ window.seen = bench.when(() => bench.isAt({step}, 1)) }}")
    logged_ms = _log(logger, step)
    return float(page.evaluate("() => seen")) - logged_ms


def _log(logger: subprocess.Popen[str], step: int) -> float:
    """Have it log a step; return when it called `log()`, in milliseconds since 1970."""
    if logger.stdin is None or logger.stdout is None:
        raise SystemExit("the logging process has no pipes")
    logger.stdin.write(f"{step}\n")
    logger.stdin.flush()
    return float(logger.stdout.readline())


def _copied(archive: Path) -> Path:
    """Return the same store once more: its shards as hard links, its index as a copy."""
    store = archive.with_name("live")
    shutil.rmtree(store, ignore_errors=True)

    def copy(source: str, target: str) -> None:
        if source.endswith(".tar"):
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(archive, store, copy_function=copy)
    return store


@contextmanager
def _logging(store: Path, photos: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.viewer.live_logger", str(store), _RUN, str(photos)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait()
        if process.stdout:
            process.stdout.close()
