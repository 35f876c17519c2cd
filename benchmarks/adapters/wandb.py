"""wandb, offline: a list of images a step under one key.

Since 0.29 wandb does not scale floats, so the user must.
"""

from collections.abc import Sequence
from pathlib import Path

import wandb

from benchmarks.adapters import Array, as_uint8, count_files


class Adapter:
    """Logs with ``run.log({"photos": [wandb.Image(...), ...]}, step=step)``."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder
        self._file_type = file_type
        self._run = wandb.init(project="bench", dir=folder, mode="offline")

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        photos = [wandb.Image(as_uint8(image), file_type=self._file_type) for image in images]
        self._run.log({"photos": photos}, step=step)

    def close(self) -> None:
        self._run.finish()

    def count_stored(self) -> int:
        return count_files(self._folder, ".png", ".jpg")
