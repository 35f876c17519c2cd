"""``filmstrip repair``: what killed processes left in their spools goes into the shards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from filmstrip.repair import Repaired

__all__ = ["repair"]


def repair(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE", help="Folder of the store; the same as --store.", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Store what processes that were killed had logged, and had no time to encode.

    Processes that still log are left alone. Exits with 1 when something stays behind or was lost.
    """
    import filmstrip
    from filmstrip.cli.output import print_json
    from filmstrip.cli.progress import progress
    from filmstrip.repair import repair_store

    opened = filmstrip.open(path or store)
    with progress("repairing"):
        repaired = repair_store(opened.path)
    if json:
        print_json(repaired)
    else:
        _print_repaired(repaired)
    if any(not one.is_done or one.num_lost or one.problem for one in repaired):
        raise typer.Exit(1)


def _print_repaired(repaired: list[Repaired]) -> None:
    from filmstrip.cli.output import print_line, print_table
    from filmstrip.cli.table import Column
    from filmstrip.cli.text import count_text

    if not repaired:
        print_line("nothing to repair", "bold green")
        return
    columns = [
        Column(title="run", min_width=8, max_width=32),
        Column(title="writer", rank=1),
        Column(title="images", align="right"),
        Column(title="values", align="right", rank=2),
        Column(title="lost", align="right"),
        Column(title="problem", min_width=12, max_width=120),
    ]
    print_table(columns, [_row(one) for one in repaired])
    num_images = sum(one.num_images for one in repaired)
    num_lost = sum(one.num_lost for one in repaired)
    parts = [f"{count_text(num_images, 'image')} of {count_text(len(repaired), 'writer')} stored"]
    parts += [f"{num_lost:,} records lost"] if num_lost else []
    num_left = sum(not one.is_done for one in repaired)
    parts += [f"{count_text(num_left, 'spool')} left for another time"] if num_left else []
    print_line(", ".join(parts), "bold red" if num_lost or num_left else "bold green")


def _row(one: Repaired) -> list[str]:
    from filmstrip.cli.text import safe_text

    counts = [f"{number:,}" for number in (one.num_images, one.num_values, one.num_lost)]
    return [safe_text(one.run_id), safe_text(one.writer), *counts, safe_text(one.problem)]
