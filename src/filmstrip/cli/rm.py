"""``filmstrip rm``: delete runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import StoreOption

if TYPE_CHECKING:
    from filmstrip.store import StoredRun

__all__ = ["rm"]


def rm(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Ids of runs, or beginnings of them, or names.",
            show_default=False,
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    store: StoreOption = None,
) -> None:
    """Delete runs and all that they hold."""
    import filmstrip
    from filmstrip.cli.find import find_run
    from filmstrip.cli.output import print_line
    from filmstrip.cli.text import count_text, size_text

    opened = filmstrip.open(store)
    found = {run.id: run for run in (find_run(opened, text) for text in runs)}
    if not yes:
        _confirm(list(found.values()))
    freed_bytes = 0
    for run_id, run in found.items():
        size_bytes = run.size_bytes
        opened.remove(run_id)
        freed_bytes += size_bytes
        print_line(f"deleted {run_id}: {size_text(size_bytes)} freed")
    if len(found) > 1:
        print_line(f"{count_text(len(found), 'run')}, {size_text(freed_bytes)} freed")


def _confirm(runs: list[StoredRun]) -> None:
    """Ask, and end the command unless the answer is yes."""
    from filmstrip.cli.errors import ConfirmationError
    from filmstrip.cli.text import count_text

    if not sys.stdin.isatty():
        raise ConfirmationError(count_text(len(runs), "run"))
    for run in runs:
        typer.echo(_described(run), err=True)
    question = "Delete it?" if len(runs) == 1 else f"Delete these {len(runs)} runs?"
    try:
        is_sure = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C at the prompt
        raise typer.Exit(130) from None
    if not is_sure:
        typer.echo("nothing was deleted", err=True)
        raise typer.Exit


def _described(run: StoredRun) -> str:
    from filmstrip.cli.text import safe_text, size_text

    info = run.info
    name = f" ({safe_text(info.name)})" if info.name != run.id else ""
    state = ", running: it may still be written to" if run.state == "running" else ""
    return f"{run.id}{name}, {size_text(run.size_bytes)}{state}"
