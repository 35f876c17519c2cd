"""Aim: a list of images a step under one name. Takes no float arrays, so the user scales them."""

from collections.abc import Sequence
from pathlib import Path

from aim import Image, Run
from aim.storage.context import Context

from benchmarks.adapters import Array, as_uint8
from benchmarks.workloads import JPEG_QUALITY, FileType


class Adapter:
    """Logs with ``run.track([aim.Image(...), ...], name="photos", step=step)``."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder
        is_jpeg = file_type == FileType.JPEG
        self._options = {"format": "jpeg", "quality": JPEG_QUALITY} if is_jpeg else {}
        self._run = Run(repo=str(folder), experiment="bench")

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        photos = [Image(as_uint8(image), **self._options) for image in images]
        self._run.track(photos, name="photos", step=step)

    def close(self) -> None:
        self._run.close()

    def count_stored(self) -> int:
        # Opened for writing, because Aim shows a closed run to readers only once it is indexed.
        run = Run(self._run.hash, repo=str(self._folder))
        sequence = run.get_image_sequence("photos", Context({}))
        return sum(len(images) for _, (images, *_) in sequence.data.items())
