"""Writes what was found: JSON, Markdown, picture, and the tables on the terminal."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import picture, tables
from benchmarks.alone import picture as studies_picture
from benchmarks.alone import tables as studies
from benchmarks.peers import Peer
from benchmarks.results import Results
from benchmarks.workloads import Workload

METHOD = """\
Each logger in its own process and virtual environment, taking turns in one run; medians. Between
opening a run and its first log call everyone has the same second, in which a script loads its
model. In brackets: times filmstrip's figure. *held*: milliseconds an image, making the image object
and logging it, keep the training loop (p50 and p99 of steps, step time over images of the step);
the loop has no pause, so waiting for a full queue counts. *held paced*: the same with a pause
between steps, as in a training loop, so that encoders keep up: 50 ms, 1 s for 4096×4096.
*images/s*: from the first log call to the end of finish or close. *CPU*: user and system time of
all its processes. *peak*: highest resident memory of all its processes while logging, shared pages
once, interpreter and the workload's own images included; in brackets what logging added. *KB* (1000
bytes) and *files*: all files of the run.
"""


def write(
    results: Results, peers: Sequence[Peer], workloads: Sequence[Workload], folder: Path
) -> list[Path]:
    """Write ``latest.json``, ``.md``, ``.png`` and ``where-time-goes.png``; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"latest.{ending}" for ending in ("json", "md", "png")]
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=2)
    paths[0].write_bytes(encoded + b"\n")
    paths[1].write_text(_markdown(results, peers, workloads))
    picture.draw(results, peers, workloads, paths[2])
    if results.alone.stages:
        paths.append(folder / "where-time-goes.png")
        studies_picture.draw(results, peers, paths[-1])
    return paths


def show(
    results: Results, peers: Sequence[Peer], workloads: Sequence[Workload], console: Console
) -> None:
    """Print every table."""
    for table in _tables(results, peers, workloads):
        console.print(table.terminal())
    console.print(machine_line(results), style="dim")


def _markdown(results: Results, peers: Sequence[Peer], workloads: Sequence[Workload]) -> str:
    versions = ", ".join(
        f"{peer.title} {results.versions[peer.name][peer.package]}"
        for peer in peers
        if peer.name in results.versions
    )
    head = f"# Image loggers side by side\n\n{machine_line(results)}\n\n{versions}.\n\n{METHOD}\n"
    return head + "\n".join(each.markdown() for each in _tables(results, peers, workloads))


def _tables(
    results: Results, peers: Sequence[Peer], workloads: Sequence[Workload]
) -> list[tables.Table]:
    return [
        *(tables.workload_table(results, workload, peers) for workload in workloads),
        tables.import_table(results, peers),
        *studies.tables_of(results.alone),
        *tables.goal_tables(results),
    ]


def machine_line(results: Results) -> str:
    """Say where and when the run was made."""
    machine = results.machine
    quick = " Quick run: too short to quote." if results.quick else ""
    return (
        f"{machine.date}, {machine.cores} cores of {machine.cpu}, "
        f"{machine.memory_bytes / 2**30:.0f} GiB, {machine.system}, Python {machine.python}, "
        f"load {machine.load_before:.1f} before the start, "
        f"{results.duration_secs / 60:.0f} minutes.{quick}"
    )
