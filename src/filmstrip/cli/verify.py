"""``filmstrip verify``: check every record and every checksum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from filmstrip.verify import Problem, StoreReport

__all__ = ["verify"]


def verify(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE", help="Folder of the store; the same as --store.", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Check every record and every checksum of a store.

    Names run, file, byte, sample and member of whatever is wrong, and then exits with 1.
    """
    import filmstrip
    from filmstrip.cli.output import print_json
    from filmstrip.cli.progress import progress
    from filmstrip.verify import verify_store

    opened = filmstrip.open(path or store)
    with progress("checking") as report:
        found = verify_store(opened, on_bytes=report)
    if json:
        print_json(found)
    else:
        _print_report(found)
    if found.problems:
        raise typer.Exit(1)


def _print_report(report: StoreReport) -> None:
    from filmstrip.cli.output import print_line
    from filmstrip.cli.text import count_text, size_text

    for problem in report.problems:
        _print_problem(problem)
    checked = (
        f"{count_text(report.runs, 'run')}, {count_text(report.samples, 'sample')}, "
        f"{size_text(report.size_bytes)}"
    )
    if report.problems:
        print_line(f"{count_text(len(report.problems), 'problem')} in {checked}", "bold red")
    else:
        print_line(f"all is well: {checked}, every checksum agrees", "bold green")


def _print_problem(problem: Problem) -> None:
    from filmstrip.cli.output import print_entry, print_line
    from filmstrip.cli.text import safe_text

    place = f"runs/{problem.run_id}/{problem.file}"
    if problem.offset is not None:
        place += f" at byte {problem.offset}"
    parts = []
    if problem.sample:
        parts.append(f"sample {problem.sample}")
    if problem.key is not None:
        parts.append(f"key {problem.key!r}, step {problem.step}")
    if problem.member:
        parts.append(f"member {problem.member}")
    print_line(safe_text(place), "bold")
    if parts:
        print_entry("  ", safe_text(", ".join(parts)))
    print_entry("  ", safe_text(problem.detail))
