"""One export on its way: what was asked for, and what has been done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from filmstrip.errors import ImageFileError, MaskError
from filmstrip.export.summary import SkippedImage

if TYPE_CHECKING:
    from filmstrip.store import LoggedImage, StoredRun

__all__ = ["ExportRequest", "Tally"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported, and how."""

    run: StoredRun
    """Whose pictures they are."""
    images: tuple[LoggedImage, ...]
    """By key, step and index."""
    is_file: bool
    """Whether the target is one file, for formats that can be either."""
    overlays: bool
    """Whether masks and boxes are drawn on the pictures."""
    fps: float
    """Frames per second of animations."""
    shard_bytes: int
    """Size in bytes at which a tar is sealed."""


@dataclass(slots=True)
class Tally:
    """Counts what is exported, and what is left out and why."""

    total: int
    progress: Callable[[int, int], None] | None = None
    images: int = 0
    skipped: list[SkippedImage] = field(default_factory=list)
    num_boxes_left_out: int = 0

    def readable(
        self, images: Iterable[LoggedImage], read: Callable[[LoggedImage], T]
    ) -> Iterator[tuple[LoggedImage, T]]:
        """Yield each picture with what `read` makes of it; note and leave out what cannot be read.

        Parameters
        ----------
        images
            In the order wanted.
        read
            Reads from the store only: what it raises is held against the picture.
        """
        for image in images:
            try:
                value = read(image)
            except (OSError, ImageFileError, MaskError) as error:
                self.skipped.append(SkippedImage(image.key, image.step, image.index, str(error)))
            else:
                yield image, value
                self.images += 1
            if self.progress:
                self.progress(self.images + len(self.skipped), self.total)
