"""``filmstrip prune``: delete images that a retention policy does not keep."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import JsonOption, RunArgument, StoreOption

if TYPE_CHECKING:
    from filmstrip.prune import PruneReport
    from filmstrip.retention import Keep
    from filmstrip.store import StoredRun

__all__ = ["prune"]


def prune(
    run: RunArgument,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="POLICY",
            help="What stays: last:20, every:10 (steps), best:loss:5, best:acc:5:max.",
            show_default=False,
        ),
    ],
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="PATTERN",
            help="Keys to prune, such as 'val/*'; all by default.",
        ),
    ] = "*",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only show what would be deleted.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Delete images of a run that a policy does not keep.

    Their space comes back at once. Numbers and texts stay. Stopping it loses nothing that is to
    stay; doing it again finishes it.
    """
    import filmstrip
    from filmstrip.cli.find import find_run
    from filmstrip.cli.output import print_json
    from filmstrip.retention import parse_keep

    policies = parse_keep({key: keep})
    found = find_run(filmstrip.open(store), run)
    _check_pattern(key, found)
    report = _pruned(found, policies, is_dry_run=True)
    if not json:
        _print_keys(report)
    if report.images and not dry_run:
        if not yes:
            _confirm(report)
        report = _pruned(found, policies, is_dry_run=False)
    if json:
        print_json(report)
    else:
        _print_sum(report)
    if report.failure:
        _print_failure(report)
        raise typer.Exit(1)


def _check_pattern(pattern: str, run: StoredRun) -> None:
    import fnmatch

    from filmstrip.errors import KeyNotFoundError

    keys = run.keys()
    if not any(fnmatch.fnmatchcase(key, pattern) for key in keys):
        raise KeyNotFoundError(pattern, known=keys)


def _pruned(run: StoredRun, keep: Keep, *, is_dry_run: bool) -> PruneReport:
    from filmstrip.cli.progress import progress
    from filmstrip.prune import prune_run

    with progress(f"{'reading' if is_dry_run else 'pruning'} {run.id}") as report:
        return prune_run(run, keep, is_dry_run=is_dry_run, on_bytes=report)


def _print_keys(report: PruneReport) -> None:
    from filmstrip.cli.output import print_table
    from filmstrip.cli.table import Column
    from filmstrip.cli.text import safe_text, size_text, span_text

    if not report.keys:
        return
    columns = [
        Column(title="key", min_width=16, max_width=60),
        Column(title="keep", rank=3),
        Column(title="images", align="right"),
        Column(title="steps", align="right", rank=4),
        Column(title="from–to", align="right", rank=5),
        Column(title="size", align="right", rank=1),
        Column(title="stay", align="right", rank=2),
    ]
    rows = [
        [
            safe_text(key.key),
            safe_text(key.policy),
            f"{key.images:,}",
            f"{len(key.steps):,}",
            span_text(key.steps[0], key.steps[-1]),
            size_text(key.size_bytes),
            f"{key.kept_images:,}",
        ]
        for key in report.keys
    ]
    print_table(columns, rows)


def _print_sum(report: PruneReport) -> None:
    from filmstrip.cli.output import print_hint, print_line
    from filmstrip.cli.text import count_text, safe_text, size_text

    images, freed = count_text(report.images, "image"), size_text(report.freed_bytes)
    if not report.images:
        print_line("nothing to delete" + " now" * bool(report.waiting_images))
    elif report.is_dry_run:
        print_line(f"would delete {images} of {report.run_id}: {freed} freed")
    else:
        print_line(f"deleted {images} of {report.run_id}: {freed} freed")
    shared_bytes = sum(key.size_bytes for key in report.keys) - report.freed_bytes
    if shared_bytes > 0:
        print_hint(f"{size_text(shared_bytes)} of it stay: images that stay share them")
    if report.waiting_images:
        print_hint(f"{count_text(report.waiting_images, 'image')} stay for now")
    for left in report.left:
        print_hint(safe_text(f"left {left.shard} as it is: {left.reason}"))


def _print_failure(report: PruneReport) -> None:
    from filmstrip.cli.output import print_error
    from filmstrip.cli.text import safe_text

    print_error(
        safe_text(
            f"expected to rewrite the shards of {report.run_id}, got {report.failure}; "
            "nothing that stays is lost, prune again when that is mended"
        )
    )


def _confirm(report: PruneReport) -> None:
    """Ask, and end the command unless the answer is yes."""
    from filmstrip.cli.errors import ConfirmationError
    from filmstrip.cli.text import count_text, size_text

    images = count_text(report.images, "image")
    if not sys.stdin.isatty():
        raise ConfirmationError(images)
    question = f"Delete {images} and free {size_text(report.freed_bytes)}?"
    try:
        is_sure = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C at the prompt
        raise typer.Exit(130) from None
    if not is_sure:
        typer.echo("nothing was deleted", err=True)
        raise typer.Exit
