"""SwanLab, offline: a list of images a step under one key. Turns floats black: the user scales."""

from collections.abc import Sequence
from pathlib import Path

import swanlab

from benchmarks.adapters import Array, as_uint8, count_files


class Adapter:
    """Logs with ``swanlab.log({"photos": [swanlab.Image(...), ...]}, step=step)``."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder
        self._file_type = file_type
        swanlab.init(project="bench", log_dir=str(folder), mode="offline")

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        photos = [swanlab.Image(as_uint8(image), file_type=self._file_type) for image in images]
        swanlab.log({"photos": photos}, step=step)

    def close(self) -> None:
        swanlab.finish()

    def count_stored(self) -> int:
        return count_files(self._folder, ".png", ".jpg")
