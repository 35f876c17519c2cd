"""``filmstrip du``: which run and key takes how much."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from filmstrip.cli.table import Column
    from filmstrip.usage import KeyUsage, RunUsage, StoreUsage

__all__ = ["du"]


def du(
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="STORE|RUN",
            help="Folder of a store; or id of a run, beginning of one, or name.",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show which run and key takes how much, largest first.

    Bytes that several images share are counted once, with the first of them; the others show them
    as shared. All lines together are the size of all files.
    """
    import filmstrip
    from filmstrip.cli.find import find_run
    from filmstrip.cli.output import print_json
    from filmstrip.cli.progress import progress
    from filmstrip.usage import measure_run, measure_store

    if where is not None and _is_folder(where):
        store, where = Path(where), None
    opened = filmstrip.open(store)
    run = None if where is None else find_run(opened, where)
    usage: StoreUsage | RunUsage
    with progress("measuring") as report:
        if run is None:
            usage = measure_store(opened.path, on_bytes=report)
        else:
            usage = measure_run(run.dir, on_bytes=report)
    if json:
        print_json(usage)
    else:
        _print_usage(usage)


def _is_folder(where: str) -> bool:
    """Return whether a store is meant: an id of a run has no slash, and is rarely a folder here."""
    return "/" in where or where.startswith(".") or (Path(where) / "runs").is_dir()


def _print_usage(usage: StoreUsage | RunUsage) -> None:
    from filmstrip.cli.output import print_line, print_table
    from filmstrip.cli.text import count_text, size_text
    from filmstrip.usage import StoreUsage

    is_store = isinstance(usage, StoreUsage)
    runs = usage.runs if isinstance(usage, StoreUsage) else [usage]
    lines = [line for run in runs for line in _run_lines(run)]
    if isinstance(usage, StoreUsage) and usage.other_bytes:
        lines.append((usage.other_bytes, ["", "(index and other)", *_blank(usage.other_bytes)]))
    lines.sort(key=lambda line: -line[0])
    start = 0 if is_store else 1
    print_table(_columns()[start:], [cells[start:] for _, cells in lines])
    images = sum(key.images for run in runs for key in run.keys)
    counts = f"{count_text(len(runs), 'run')}, " if is_store else ""
    print_line(f"{counts}{count_text(images, 'image')}: {size_text(usage.size_bytes)}", "bold")


def _columns() -> list[Column]:
    from filmstrip.cli.table import Column

    return [
        Column(title="run", min_width=12),
        Column(title="key", min_width=18, max_width=60),
        Column(title="images", align="right", rank=1),
        Column(title="pictures", align="right", rank=3),
        Column(title="masks", align="right", rank=4),
        Column(title="records", align="right", rank=5),
        Column(title="headers", align="right", rank=6),
        Column(title="shared", align="right", rank=2),
        Column(title="size", align="right"),
    ]


def _run_lines(run: RunUsage) -> list[tuple[int, list[str]]]:
    """Return the lines of a run: size in bytes, and what the columns say."""
    others = [
        ("(numbers and texts)", run.values_bytes),
        ("(spool)", run.spool_bytes),
        ("(unreadable)", run.unreadable_bytes),
        ("(other)", run.ends_bytes + run.other_bytes),
    ]
    keys = [(key.size_bytes, [run.run_id, *_key_cells(key)]) for key in run.keys]
    return keys + [
        (size_bytes, [run.run_id, what, *_blank(size_bytes)])
        for what, size_bytes in others
        if size_bytes
    ]


def _key_cells(key: KeyUsage) -> list[str]:
    from filmstrip.cli.text import safe_text, size_text

    sizes = (key.picture_bytes, key.mask_bytes, key.record_bytes, key.header_bytes)
    return [
        safe_text(key.key),
        f"{key.images:,}",
        *(size_text(size) if size else "" for size in (*sizes, key.shared_bytes)),
        size_text(key.size_bytes),
    ]


def _blank(size_bytes: int) -> list[str]:
    from filmstrip.cli.text import size_text

    return [""] * 6 + [size_text(size_bytes)]
