"""What an export made, and what it had to leave out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ExportSummary", "SkippedImage"]


@dataclass(frozen=True, slots=True)
class SkippedImage:
    """A picture that was left out because it could not be read."""

    key: str
    step: int
    index: int
    reason: str
    """The whole message, with the shard and the byte offset where they are known."""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """The outcome of `filmstrip.export.export_run`."""

    path: Path
    """The folder or file that was written."""
    files: int
    images: int
    """Pictures that were exported; frames, for animations."""
    size_bytes: int
    """Size of the files together."""
    skipped: tuple[SkippedImage, ...] = ()
    num_boxes_left_out: int = 0
    """Boxes that the format cannot hold: with NaN, swapped corners, no area, or outside."""
