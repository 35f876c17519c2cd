"""tensorboardX: one tag an image, because `add_images` makes one grid of a batch. PNG only."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event

from benchmarks.adapters import Array


class Adapter:
    """Logs with ``writer.add_image(tag, image, step, dataformats="HWC")``."""

    def open(self, folder: Path, file_type: str) -> None:
        self._folder = folder
        self._writer = SummaryWriter(str(folder))

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        for index, image in enumerate(images):
            layout = "HWC" if image.ndim == 3 else "HW"
            self._writer.add_image(f"photos/{index}", image, step, dataformats=layout)

    def close(self) -> None:
        self._writer.close()

    def count_stored(self) -> int:
        return sum(
            value.HasField("image")
            for path in self._folder.rglob("*tfevents*")
            for event in _events(path)
            for value in event.summary.value
        )


def _events(path: Path) -> Iterator[Event]:
    # A TFRecord: length (8 bytes), its checksum (4), the message, its checksum (4).
    with path.open("rb") as file:
        while header := file.read(12):
            (size_bytes,) = struct.unpack("<Q", header[:8])
            yield Event.FromString(file.read(size_bytes))
            file.seek(4, 1)
