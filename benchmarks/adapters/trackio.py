"""trackio, local: one key an image, because its log call takes no lists. uint8 and PNG only."""

from collections.abc import Sequence
from pathlib import Path

import trackio

from benchmarks.adapters import Array, as_uint8, count_files


class Adapter:
    """Logs with ``trackio.log({key: trackio.Image(...), ...}, step=step)``."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder  # trackio itself reads TRACKIO_DIR, which the driver sets to this
        trackio.init(project="bench", embed=False)

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        photos = {f"photos/{i}": trackio.Image(as_uint8(each)) for i, each in enumerate(images)}
        trackio.log(photos, step=step)

    def close(self) -> None:
        trackio.finish()

    def count_stored(self) -> int:
        return count_files(self._folder, ".png")
