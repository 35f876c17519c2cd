"""Files and zip: pictures as they are stored, with their masks, their records, and an index."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import msgspec

from filmstrip.export.request import ExportRequest, Tally
from filmstrip.export.samples import read_sample
from filmstrip.shard.names import sample_path

__all__ = ["IndexEntry", "write_files", "write_zip"]

_Add: TypeAlias = Callable[[str, bytes], None]
"""Takes the path of a file inside the export, and its bytes."""

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip holds, for all files: the same run gives the same bytes."""
_READABLE_FILE = 0o100644 << 16


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One picture in ``index.json`` and ``index.csv``, the only place for keys as they are."""

    key: str
    step: int
    index: int
    caption: str | None
    grouping: int | str | None
    width: int
    height: int
    file: str
    """Path inside the export, with ``/``."""


def write_files(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write ``<slug of key>/<step>-<index>.<ending>`` for each file, and the index, to a folder."""

    def add(path: str, data: bytes) -> None:
        place = staged / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)

    _add_all(request, tally, add)


def write_zip(request: ExportRequest, staged: Path, tally: Tally) -> None:
    """Write the same files to a zip; stored, not deflated: pictures are compressed already."""
    with ZipFile(staged, "w", ZIP_STORED) as archive:

        def add(path: str, data: bytes) -> None:
            info = ZipInfo(path, _ZIP_EPOCH)
            info.create_system = 3  # Unix, on every system
            info.external_attr = _READABLE_FILE
            archive.writestr(info, data)

        _add_all(request, tally, add)


def _add_all(request: ExportRequest, tally: Tally, add: _Add) -> None:
    entries = []
    read = partial(read_sample, overlays=request.overlays)
    for image, sample in tally.readable(request.images, read):
        stem = sample_path(image.key, image.step, image.index)
        for file in sample:
            add(f"{stem}.{file.name}", file.data)
        entries.append(
            IndexEntry(
                key=image.key,
                step=image.step,
                index=image.index,
                caption=image.caption,
                grouping=image.grouping,
                width=image.width,
                height=image.height,
                file=f"{stem}.{sample.files[0].name}",
            )
        )
    add("index.json", msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n")
    add("index.csv", _csv(entries))


def _csv(entries: list[IndexEntry]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(IndexEntry.__struct_fields__)
    writer.writerows(msgspec.structs.astuple(entry) for entry in entries)
    return text.getvalue().encode()
