"""filmstrip: a list of images a step under one key."""

from collections.abc import Sequence
from pathlib import Path

import filmstrip
from benchmarks.adapters import Array
from benchmarks.workloads import JPEG_QUALITY, FileType


class Adapter:
    """Logs with ``run.log({"photos": [filmstrip.Image(...), ...]}, step=step)``."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder
        self._quality = JPEG_QUALITY if file_type == FileType.JPEG else None
        self._file_type = file_type
        self._run = filmstrip.init(project="bench", dir=folder)

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        photos = [
            filmstrip.Image(image, file_type=self._file_type, quality=self._quality)
            for image in images
        ]
        self._run.log({"photos": photos}, step=step)

    def close(self) -> None:
        self._run.finish()

    def count_stored(self) -> int:
        return len(filmstrip.open(self._folder).run(self._run.id).images("photos"))

    def limit_bytes(self) -> int:
        """Return filmstrip's default limit on the pixels that wait to be encoded."""
        from filmstrip import writer

        # The writer with a spool calls it SPOOL_BYTES, the one with a queue QUEUE_BYTES.
        limit: int = getattr(writer, "SPOOL_BYTES", None) or writer.QUEUE_BYTES
        return limit
