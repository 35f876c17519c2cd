"""``python -m benchmarks.viewer``: every goal of the viewer and the index, in a real browser."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from playwright.sync_api import Browser
from rich.console import Console

from benchmarks import photos
from benchmarks.machine import this_machine
from benchmarks.viewer import goals, queries, report, stores
from benchmarks.viewer.browser import chromium
from benchmarks.viewer.bundle import measure_bundle
from benchmarks.viewer.findings import Findings
from benchmarks.viewer.large import measure_large
from benchmarks.viewer.live import measure_live
from benchmarks.viewer.moves import measure_moves
from benchmarks.viewer.side_by_side import measure_grids
from benchmarks.viewer.start import measure_start

_BENCHMARKS = Path(__file__).parents[1]
PARTS = ("bundle", "start", "moves", "large", "live", "grids")


def main(
    *,
    quick: Annotated[
        bool, typer.Option(help="Small stores, few repeats: is all in order?")
    ] = False,
    only: Annotated[str, typer.Option(help=f"Of {', '.join(PARTS)}; with commas.")] = "",
    index: Annotated[
        bool, typer.Option(help="The index at 10,000,000 rows: many minutes, 20 GB.")
    ] = True,
    backends: Annotated[str, typer.Option(help="Databases of it.")] = "sqlite,postgresql",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results.", show_default="benchmarks/results, work/part"),
    ] = None,
) -> None:
    """Measure the viewer on a store of 100,000 images, which is made once.

    Results of all parts go to `benchmarks/results`, those of some to `benchmarks/work/part`.
    """
    console = Console(width=None if sys.stdout.isatty() else 132)
    start = time.monotonic()
    findings = Findings(machine=this_machine(), quick=quick, duration_secs=0)
    chosen = [part.strip() for part in only.split(",")] if only else list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        raise typer.BadParameter(f"no part {unknown.pop()!r}; choose from {', '.join(PARTS)}")
    parts = _parts(quick, console)
    with chromium() as browser:
        for part in chosen:
            console.print(f"measuring {part}")
            findings = msgspec.structs.replace(findings, **parts[part](browser))
    if index and not quick and not only:
        found = queries.measure_queries(_BENCHMARKS / "work", queries.LARGE, backends)
        findings = msgspec.structs.replace(findings, queries=found)
    findings = msgspec.structs.replace(findings, duration_secs=time.monotonic() - start)
    findings = msgspec.structs.replace(findings, goals=goals.outcomes(findings))
    folder = out or _BENCHMARKS / ("work/part" if quick or only else "results")
    report.show(findings, console)
    for path in report.write(findings, folder):
        console.print(f"wrote {os.path.relpath(path)}")


def _parts(quick: bool, console: Console) -> dict[str, Callable[[Browser], dict[str, object]]]:
    """Return what measures each part, and gives its fields of `Findings`."""
    work, say = _BENCHMARKS / "work", console.print
    arrays = photos.make_missing(work / "images", say)
    plan = stores.SMALL_ARCHIVE if quick else stores.ARCHIVE
    large = stores.SMALL_LARGE if quick else stores.LARGE
    archive = stores.make_missing(plan, work, arrays, say)
    large_store = stores.make_missing(large, work, arrays, say)
    repeats = 2 if quick else 5
    logs = 10 if quick else 60
    return {
        "bundle": lambda _: {"bundle": measure_bundle()},
        "start": lambda b: {"start": measure_start(b, archive, plan.num_images, repeats)},
        "moves": lambda b: {"moves": measure_moves(b, archive, plan)},
        "large": lambda b: {
            "large": measure_large(b, large_store, large.side, 1 if quick else 3)
        },
        "live": lambda b: {"live_ms": measure_live(b, archive, arrays["photos"], logs)},
        "grids": lambda b: {"grids": measure_grids(b, work, arrays["photos"], repeats, say)},
    }  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
