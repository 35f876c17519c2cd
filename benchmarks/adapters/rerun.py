"""Rerun, saving to an .rrd file: raw pixels, which is its default; JPEG by `compress`."""

from collections.abc import Sequence
from pathlib import Path

import rerun as rr
from rerun.chunk import RrdReader

from benchmarks.adapters import Array
from benchmarks.workloads import JPEG_QUALITY, FileType


class Adapter:
    """Logs with ``rr.log(path, rr.Image(image))``, one path an image."""

    def open(self, folder: Path, file_type: str) -> None:
        self._path = folder / "bench.rrd"
        self._as_jpeg = file_type == FileType.JPEG
        rr.init("bench")
        rr.save(self._path)

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        rr.set_time("step", sequence=step)
        for index, image in enumerate(images):
            picture = rr.Image(image)
            if self._as_jpeg:
                picture = picture.compress(jpeg_quality=JPEG_QUALITY)
            rr.log(f"photos/{index}", picture)

    def close(self) -> None:
        rr.disconnect()

    def count_stored(self) -> int:
        chunks = RrdReader(self._path).stream()
        return sum(each.num_rows for each in chunks if each.entity_path.startswith("/photos/"))
