"""``filmstrip export``: images as files that other programs read."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import RunArgument, StoreOption

if TYPE_CHECKING:
    from filmstrip.export import ExportSummary

__all__ = ["ExportFormat", "export"]

_MAX_SKIPPED = 10
"""Images left out that are named one by one."""


class ExportFormat(str, Enum):
    """What ``filmstrip.export.FORMATS`` names, known without loading it."""

    FILES = "files"
    ZIP = "zip"
    HTML = "html"
    GIF = "gif"
    MP4 = "mp4"
    WEBDATASET = "webdataset"
    COCO = "coco"
    YOLO = "yolo"


def export(
    run: RunArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="OUT", help="File or folder to write.", show_default=False
        ),
    ],
    format: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="What to write.")
    ] = ExportFormat.FILES,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", "-k", metavar="KEY", show_default=False,
            help="Only this key; may be given again.",
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps", "-s", metavar="STEPS", show_default=False,
            help="Only these steps: 5, or 1,2,7, or 0:100:10, or first, last. All by default.",
        ),
    ] = None,
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Draw boxes and masks into the pictures.")
    ] = False,
    fps: Annotated[
        float,
        typer.Option(
            "--fps", metavar="N", min=0.1, max=240, help="Pictures a second in gif and mp4."
        ),
    ] = 8,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of the same name.")
    ] = False,
    store: StoreOption = None,
) -> None:  # fmt: skip
    """Write images as files, zip, an HTML page, gif, mp4 or a dataset."""
    import filmstrip
    from filmstrip.cli.find import find_run
    from filmstrip.cli.progress import progress
    from filmstrip.export import export_run
    from filmstrip.export.steps import parse_steps

    found = find_run(filmstrip.open(store), run)
    with progress("exporting") as report:
        summary = export_run(
            found,
            out,
            format=format.value,
            keys=key,
            steps=None if steps is None else parse_steps(steps),
            overlays=overlays,
            fps=fps,
            overwrite=overwrite,
            progress=report,
        )
    _print_summary(summary)
    if summary.skipped:
        raise typer.Exit(1)


def _print_summary(summary: ExportSummary) -> None:
    from filmstrip.cli.output import print_hint, print_line
    from filmstrip.cli.text import count_text, safe_text, size_text

    print_line(
        f"{count_text(summary.images, 'image')} in {count_text(summary.files, 'file')}, "
        f"{size_text(summary.size_bytes)}: {safe_text(str(summary.path))}"
    )
    if summary.num_boxes_left_out:
        left_out = count_text(summary.num_boxes_left_out, "box")
        print_hint(f"left out {left_out} that the format cannot hold")
    for image in summary.skipped[:_MAX_SKIPPED]:
        print_hint(
            safe_text(
                f"left out {image.key!r} step {image.step} index {image.index}: {image.reason}"
            )
        )
    if len(summary.skipped) > _MAX_SKIPPED:
        print_hint(f"left out {len(summary.skipped) - _MAX_SKIPPED} more; run `filmstrip verify`")
