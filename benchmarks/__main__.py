"""``python -m benchmarks``: the whole comparison in one run, with table, picture and JSON."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console

from benchmarks import documents, goals, photos, report, venvs
from benchmarks.alone.driver import study_all
from benchmarks.alone.findings import Alone
from benchmarks.imports import import_times
from benchmarks.machine import this_machine
from benchmarks.peers import OURS, PEERS, Peer, peer_named
from benchmarks.results import Results
from benchmarks.schedule import Places, run_all
from benchmarks.workloads import QUICK_COUNTS, WORKLOADS, workload_named

_HERE = Path(__file__).parent


def main(
    *,
    quick: Annotated[bool, typer.Option(help="Few images, one repeat: is all in order?")] = False,
    only: Annotated[str, typer.Option(help="Loggers to run, separated by commas.")] = "",
    workloads: Annotated[str, typer.Option(help="Workloads, separated by commas.")] = "",
    studies: Annotated[bool, typer.Option(help="What is asked of filmstrip alone.")] = True,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each logger.")] = 3,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the results.", show_default="benchmarks/results, or work/part"
        ),
    ] = None,
) -> None:
    """Log the same images with every logger and compare.

    Results of the whole comparison go to `benchmarks/results` and into the documents, those of a
    part of it to `benchmarks/work/part`.
    """
    console = Console(width=None if sys.stdout.isatty() else 132)
    start = time.monotonic()
    machine = this_machine()
    peers = _chosen(only, PEERS, peer_named)
    chosen = _chosen(workloads, WORKLOADS, workload_named)
    if quick:
        chosen = [workload.cut_to(QUICK_COUNTS[workload.name]) for workload in chosen]
        repeats = 1
    broken = _make_venvs(peers, console)
    working = [peer for peer in peers if peer.name not in broken]
    places = _places(console)
    with console.status("timing imports"):
        imports = import_times(working, 1 if quick else 5, places.home)
    rows = run_all(peers, broken, chosen, repeats, places, console)
    is_ours_there = any(peer.name == OURS for peer in working)
    with_studies = is_ours_there and studies
    alone = study_all(places, console, is_quick=quick) if with_studies else Alone()
    results = Results(
        machine=machine,
        versions={peer.name: venvs.versions(peer) for peer in working},
        quick=quick,
        duration_secs=time.monotonic() - start,
        rows=rows,
        imports=imports,
        alone=alone,
        goals=(),
    )
    results = msgspec.structs.replace(results, goals=goals.outcomes(results))
    is_whole = with_studies and not (quick or only or workloads)
    folder = out or (_HERE / "results" if is_whole else _HERE / "work" / "part")
    paths = report.write(results, peers, chosen, folder)
    if folder == _HERE / "results":
        paths += documents.fill(results)
    report.show(results, peers, chosen, console)
    for path in paths:
        console.print(f"wrote {os.path.relpath(path)}")


_Item = TypeVar("_Item")


def _chosen(names: str, everything: Sequence[_Item], find: Callable[[str], _Item]) -> list[_Item]:
    if not names:
        return list(everything)
    try:
        return [find(name.strip()) for name in names.split(",")]
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error


def _make_venvs(peers: Sequence[Peer], console: Console) -> dict[str, str]:
    broken: dict[str, str] = {}
    for peer in peers:
        try:
            venvs.make(peer, console.print)
        except venvs.InstallError as error:
            broken[peer.name] = str(error)
            console.print(f"[red]{error}[/]")
    return broken


def _places(console: Console) -> Places:
    work = _HERE / "work"
    for folder in ("output", "home"):
        shutil.rmtree(work / folder, ignore_errors=True)
        (work / folder).mkdir(parents=True)
    arrays = photos.make_missing(work / "images", console.print)
    return Places(arrays=arrays, output=work / "output", home=work / "home")


if __name__ == "__main__":
    typer.run(main)
