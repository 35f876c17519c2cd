"""WebDataset: tars with every picture in full, also those that the store has with another image.

The layout is that of filmstrip's own shards, so a tar can be read by either. Within a key, samples
with the same set of files come together: readers that take their columns from the first samples
then find the same columns in all of a tar.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from filmstrip.export.request import ExportRequest, Tally
from filmstrip.export.samples import Sample, member_names, read_sample
from filmstrip.shard.names import sample_path, slug_from_text
from filmstrip.shard.tar import END_OF_ARCHIVE, pack_header, padding

if TYPE_CHECKING:
    from filmstrip.store import LoggedImage

__all__ = ["write_webdataset"]


def write_webdataset(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write ``<slug of key>-00000.tar``, ``…-00001.tar``, … with samples named as in a shard."""
    names = {image: member_names(image, overlays=request.overlays) for image in request.images}
    for key, images in groupby(request.images, key=lambda image: image.key):
        kinds = sorted(images, key=names.__getitem__)
        _write_key(request, kinds, staged / slug_from_text(key), tally)


def _write_key(
    request: ExportRequest, images: list[LoggedImage], prefix: Path, tally: Tally
) -> None:
    read = partial(read_sample, overlays=request.overlays)
    shards = _Shards(prefix, request.shard_bytes)
    try:
        for image, sample in tally.readable(images, read):
            shards.add(
                sample_path(image.key, image.step, image.index), sample, mtime_secs=int(image.time)
            )
    finally:
        shards.close()


class _Shards:
    """Tars that are sealed when they reach a size, never inside a sample."""

    def __init__(self, prefix: Path, shard_bytes: int) -> None:
        self._prefix, self._shard_bytes = prefix, shard_bytes
        self._file: BinaryIO | None = None
        self._count = 0

    def add(self, stem: str, sample: Sample, *, mtime_secs: int) -> None:
        if self._file is None or self._file.tell() >= self._shard_bytes:
            self.close()
            self._file = Path(f"{self._prefix}-{self._count:05d}.tar").open("xb")  # noqa: SIM115
            self._count += 1
        for member in sample:
            header = pack_header(f"{stem}.{member.name}", len(member.data), mtime_secs=mtime_secs)
            self._file.writelines((header, member.data, padding(len(member.data))))

    def close(self) -> None:
        if self._file is not None:
            with self._file as file:
                file.write(END_OF_ARCHIVE)
            self._file = None
