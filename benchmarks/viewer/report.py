"""Writes what was found: ``viewer.json``, ``viewer.md``, and the tables on the terminal."""

from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks.tables import Table
from benchmarks.viewer.findings import DATABASES, Findings, Queries, Spread

METHOD = """\
Headless Chromium 1600×1000, on the same machine as the server and, for `log()`, the logging
process. A time ends when the frame that shows all pictures has gone to the compositor. Each page
begins with an empty browser cache. Files are in the page cache of the system. The store is made of
200 photos, each stored under different bytes 25 times over, and 20 times linked.

The indexes of 100,000 and of 10,000,000 images have the same 100 runs of 4 keys and 250 steps, with
1 and with 100 images at each, so that no answer grows with the index. Their pages are in memory.
Each question is asked 40 times with other parameters; a page has 50 images and their records.
"""
_VERDICTS = {True: "reached", False: "missed", None: "not measured"}


def write(findings: Findings, folder: Path) -> list[Path]:
    """Write both files; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "viewer.json", folder / "viewer.md"]
    encoded = msgspec.json.format(msgspec.json.encode(findings), indent=2)
    paths[0].write_bytes(encoded + b"\n")
    paths[1].write_text(markdown(findings))
    return paths


def markdown(findings: Findings) -> str:
    """Return the whole report."""
    head = f"# The viewer and the index\n\n{_machine_line(findings)}\n\n{METHOD}\n"
    return head + "\n".join(table.markdown() for table in _tables(findings))


def show(findings: Findings, console: Console) -> None:
    """Print every table."""
    for table in _tables(findings):
        console.print(table.terminal())
    console.print(_machine_line(findings), style="dim")


def _tables(findings: Findings) -> list[Table]:
    goals = tuple(
        (goal.name, goal.target, goal.measured or "–", _VERDICTS[goal.reached])
        for goal in findings.goals
    )
    return [
        Table(title="Goals", heads=("goal", "target", "measured", "outcome"), rows=goals),
        Table(
            title="All times, ms",
            heads=("what", "times", "median", "p95", "max"),
            rows=tuple(_spread_row(name, each) for name, each in _spreads(findings)),
            notes=tuple(
                f"{name}: {grid.failure}" for name, grid in findings.grids.items() if grid.failure
            ),
        ),
        *(_query_table(name, found) for name, found in findings.queries.items()),
    ]


def _query_table(database: str, found: Queries) -> Table:
    return Table(
        title=f"Queries of an index in {DATABASES[database]}, ms",
        heads=("query", "100,000: median", "p95", "10,000,000: median", "p95", "times"),
        rows=tuple(
            (name, *(f"{figure:.2f}" for figure in ms), f"{ms[2] / ms[0]:.2f}")
            for name, ms in found.all_ms.items()
        ),
    )


def _spreads(findings: Findings) -> list[tuple[str, Spread]]:
    found: list[tuple[str, Spread]] = []
    if findings.start:
        title = f"{findings.start.num_images:,} images, cold server to full grid"
        found += [(f"{title}, no thumbnails", findings.start.fresh_ms)]
        found += [(f"{title}, thumbnails kept", findings.start.kept_ms)]
    if findings.moves:
        found += [("slider one step, key held down", findings.moves.held_ms)]
        found += [("slider one step, pauses", findings.moves.paced_ms)]
        found += [("between frames while scrolling", findings.moves.frame_ms)]
    if findings.large:
        side = findings.large.side
        found += [(f"forty {side}×{side}, first view", findings.large.first_ms)]
        found += [(f"forty {side}×{side}, second view", findings.large.second_ms)]
    if findings.live_ms:
        found += [("log() to visible", findings.live_ms)]
    return found + [
        (f"forty photos in {name}", grid.painted_ms)
        for name, grid in findings.grids.items()
        if grid.painted_ms
    ]


def _spread_row(name: str, spread: Spread) -> tuple[str, ...]:
    return (
        name,
        str(spread.count),
        f"{spread.median:,.0f}",
        f"{spread.p95:,.0f}",
        f"{spread.max:,.0f}",
    )


def _machine_line(findings: Findings) -> str:
    machine = findings.machine
    quick = " Quick run: too short and too small to quote." if findings.quick else ""
    return (
        f"{machine.date}, {machine.cores} cores of {machine.cpu}, "
        f"{machine.memory_bytes / 2**30:.0f} GiB, {machine.system}, Python {machine.python}, "
        f"load {machine.load_before:.1f} before the start, "
        f"{findings.duration_secs / 60:.0f} minutes.{quick}"
    )
