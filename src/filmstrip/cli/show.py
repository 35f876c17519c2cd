"""``filmstrip show``: a picture in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import KeyArgument, RunArgument, StoreOption
from filmstrip.cli.terminal import Protocol, Terminal, detect_terminal

if TYPE_CHECKING:
    from filmstrip.cli.legend import LayerLegend
    from filmstrip.store import LoggedImage, StoredRun

__all__ = ["show"]

_DEFAULT_COLUMNS = 80
"""Width of a picture when there is no terminal to ask."""

_LINES_BELOW = 6
"""Lines of the terminal that a picture leaves to the text below it."""

_MAX_CELL_PX = 16
"""Pixels that a graphics protocol is sent for the width of a cell: enough for dense screens."""

_MAX_ENTRIES = 12
"""Classes of a layer that the legend names."""


def show(
    run: RunArgument,
    key: KeyArgument,
    step: Annotated[
        int | None,
        typer.Option(
            "--step", "-s", metavar="N", show_default=False,
            help="Step of the image; the newest by default.",
        ),
    ] = None,
    index: Annotated[
        int, typer.Option("--index", "-i", metavar="N", min=0, help="Which of the step's images.")
    ] = 0,
    overlays: Annotated[
        bool, typer.Option("--overlays/--no-overlays", help="Draw boxes and masks.")
    ] = True,
    width: Annotated[
        int | None,
        typer.Option(
            "--width", "-w", metavar="COLS", min=1, max=1000, show_default=False,
            help="Columns that the picture takes; by default as many as keep it all in sight.",
        ),
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            "--protocol",
            help="Kitty graphics, iTerm2 images, coloured half blocks, or plain shades. auto takes "
            "the best that the terminal has, and shades when output is no terminal.",
        ),
    ] = Protocol.AUTO,
    store: StoreOption = None,
) -> None:  # fmt: skip
    """Show an image in the terminal, with its boxes, masks and caption."""
    import filmstrip
    from filmstrip.cli.find import find_run

    found = find_run(filmstrip.open(store), run)
    images = _images_at(found, key, step)
    image = _image_at(images, index)
    terminal = detect_terminal(os.environ, is_tty=sys.stdout.isatty())
    if protocol is not Protocol.AUTO:
        terminal = Terminal(protocol, terminal.has_true_color, terminal.is_tmux)
    sys.stdout.write(_drawn(image, terminal, width, has_overlays=overlays))
    _print_below(image, num_images=len(images), has_overlays=overlays)


def _images_at(run: StoredRun, key: str, step: int | None) -> list[LoggedImage]:
    from filmstrip.errors import KeyNotFoundError

    steps = run.steps(key)
    if step is not None and step not in steps:
        raise KeyNotFoundError(key, known=[str(s) for s in steps], step=step)
    return run.images(key, steps=steps[-1] if step is None else step)


def _image_at(images: list[LoggedImage], index: int) -> LoggedImage:
    from filmstrip.cli.errors import ImageIndexError

    if index >= len(images):
        first = images[0]
        raise ImageIndexError(index, key=first.key, step=first.step, num_images=len(images))
    return images[index]


def _drawn(image: LoggedImage, terminal: Terminal, width: int | None, *, has_overlays: bool) -> str:
    """Return the picture as what the terminal shows."""
    from filmstrip.cli import terminal_image as encode
    from filmstrip.cli.picture import scaled_picture

    columns, rows = shutil.get_terminal_size((_DEFAULT_COLUMNS, 0))
    max_rows = max(1, rows - _LINES_BELOW) if width is None and sys.stdout.isatty() else None
    box = encode.fit_cells(
        image.width,
        image.height,
        max_columns=width or columns,
        max_rows=max_rows,
        fill=width is not None,
    )
    if terminal.protocol in (Protocol.KITTY, Protocol.ITERM):
        cell_px = _cell_px(image.width, box.columns)
        size = (box.columns * cell_px, box.half_rows * cell_px)
        picture = scaled_picture(image, size, has_overlays=has_overlays)
        is_kitty = terminal.protocol is Protocol.KITTY
        escapes = (encode.kitty_image if is_kitty else encode.iterm_image)(picture, box.columns)
        if terminal.is_tmux:
            escapes = [encode.through_tmux(escape) for escape in escapes]
        return "".join(escapes) + "\n"
    picture = scaled_picture(image, (box.columns, box.half_rows), has_overlays=has_overlays)
    if terminal.protocol is Protocol.SHADES:
        return encode.shade_blocks(picture)
    depth = encode.ColorDepth.TRUE if terminal.has_true_color else encode.ColorDepth.INDEXED
    return encode.half_blocks(picture, depth)


def _cell_px(width: int, columns: int) -> int:
    """Return the pixels to send for each column: those that the picture has, within bounds."""
    return min(_MAX_CELL_PX, max(_MAX_CELL_PX // 2, round(width / columns)))


def _print_below(image: LoggedImage, *, num_images: int, has_overlays: bool) -> None:
    from filmstrip.cli.legend import box_legends, mask_legends, title_text
    from filmstrip.cli.output import print_line
    from filmstrip.cli.text import safe_text

    print_line(title_text(image, num_images=num_images), "bold")
    if image.caption:
        print_line(safe_text(image.caption))
    if has_overlays:
        for layer in [*box_legends(image.boxes), *mask_legends(image.masks)]:
            _print_layer(layer)


def _print_layer(layer: LayerLegend) -> None:
    from rich.text import Text

    from filmstrip.cli.output import print_entry

    line = Text(layer.summary)
    for entry in layer.entries[:_MAX_ENTRIES]:
        line.append("  ")
        line.append("■ " if entry.color else "□ ", style=entry.color or "dim")
        line.append(f"{entry.name} {entry.amount}")
    if len(layer.entries) > _MAX_ENTRIES:
        line.append(f"  and {len(layer.entries) - _MAX_ENTRIES} more")
    print_entry(f"{layer.name}: ", line)
