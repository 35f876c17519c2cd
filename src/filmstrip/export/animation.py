"""Animations: how the pictures of one key and index change over the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from filmstrip.draw import display_rgb, draw_overlays
from filmstrip.errors import ExportError
from filmstrip.export.request import ExportRequest, Tally
from filmstrip.shard.names import slug_from_text

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from filmstrip.store import LoggedImage

__all__ = ["Frames", "WriteFrames", "write_animations"]

_BLACK = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one animation, at least one, all of one size; can be gone through once."""

    width: int
    height: int
    fps: float
    pictures: Iterator[PILImage]
    """Mode ``RGB``."""


WriteFrames: TypeAlias = Callable[[Frames, Path], None]
"""Writes one animation to a file."""


class AnimationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One animation in ``index.json``: the only place where keys stand as they are."""

    key: str
    index: int
    steps: list[int]
    """Step of each frame."""
    file: str


def write_animations(
    request: ExportRequest, staged: Path, tally: Tally, *, ending: str, write: WriteFrames
) -> None:
    """Write one animation a key and index, and ``index.json``; or the only one to a file.

    Raises
    ------
    ExportError
        The target is one file, and the pictures are of several keys or indices, or none can be
        read.
    """
    series = _series(request)
    if request.is_file:
        if len(series) > 1:
            raise ExportError(
                f"one key with one picture a step for a single .{ending} file",
                got=f"{len(series)} series of pictures",
                fix="select one, or pass a folder that gets a file for each",
            )
        if _write_one(request, series[0], staged, tally, write) is None:
            raise ExportError(
                "a picture that can be read", got=tally.skipped[0].reason, fix="select other steps"
            )
        return
    entries = []
    for images in series:
        first = images[0]
        file = f"{slug_from_text(first.key)}-{first.index}.{ending}"
        steps = _write_one(request, images, staged / file, tally, write)
        if steps is not None:
            entries.append(AnimationEntry(key=first.key, index=first.index, steps=steps, file=file))
    (staged / "index.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n"
    )


def _series(request: ExportRequest) -> list[list[LoggedImage]]:
    """Return the pictures of each key and index, over the steps."""
    series: dict[tuple[str, int], list[LoggedImage]] = {}
    for image in request.images:
        series.setdefault((image.key, image.index), []).append(image)
    return list(series.values())


def _write_one(
    request: ExportRequest, images: list[LoggedImage], path: Path, tally: Tally, write: WriteFrames
) -> list[int] | None:
    """Write an animation and return the step of each frame; None when there is none to write."""
    width, height = max(image.width for image in images), max(image.height for image in images)
    steps: list[int] = []

    def pictures() -> Iterator[PILImage]:
        read = partial(_picture, overlays=request.overlays)
        for image, picture in tally.readable(images, read):
            steps.append(image.step)
            yield _letterboxed(picture, width, height)

    found = pictures()
    first = next(found, None)
    if first is None:
        return None
    write(Frames(width, height, request.fps, chain([first], found)), path)
    return steps


def _picture(image: LoggedImage, *, overlays: bool) -> PILImage:
    return draw_overlays(image) if overlays else display_rgb(image.pil())


def _letterboxed(picture: PILImage, width: int, height: int) -> PILImage:
    """Return the picture as large as fits, in the middle of a black frame of this size."""
    import PIL.Image

    if picture.size == (width, height):
        return picture
    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # Enlarged by a whole number pixels stay what they are: larger pixels.
    is_whole = size[0] % picture.width == 0 and size[1] % picture.height == 0
    method = PIL.Image.Resampling.NEAREST if is_whole else PIL.Image.Resampling.LANCZOS
    frame = PIL.Image.new("RGB", (width, height), _BLACK)
    frame.paste(picture.resize(size, method), ((width - size[0]) // 2, (height - size[1]) // 2))
    return frame
