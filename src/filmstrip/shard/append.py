"""Appending to shards: members first, the record last, one write a batch.

A writer has its files to itself, so there is nothing to lock. A write that fails is taken back, so
that a full disk leaves whole samples and the next write starts on a block boundary.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from filmstrip.recent import Recent
from filmstrip.record import ImageRecord, Member, ValuesRecord, encode_record
from filmstrip.shard.names import RECORD_MEMBER, Place, sample_path, values_path
from filmstrip.shard.revisits import MAX_REVISIT_BYTES, RevisitsPacker
from filmstrip.shard.tar import BLOCK_SIZE, END_OF_ARCHIVE, MAX_PATH_BYTES, pack_header, padding

__all__ = [
    "SHARD_BYTES",
    "EncodedImage",
    "EncodedMember",
    "KnownMember",
    "ShardAppender",
    "StoredFile",
    "sync_path",
]

SHARD_BYTES = 256 * 2**20
"""Size in bytes at which a shard is sealed and the next one begun."""

_MAX_BUFFERS = 512
"""Buffers handed to one ``writev``; Linux takes 1024."""


_REMEMBERED = 2**16
"""Files that are surely found again when they come once more; a run may store any number."""


class StoredFile(msgspec.Struct, frozen=True, gc=False):
    """A file that is stored already, and where."""

    path: str
    shard: str
    size_bytes: int
    sha256: bytes


class EncodedMember(msgspec.Struct, frozen=True):
    """One file of a sample, ready to be stored."""

    name: str
    data: bytes
    sha256: bytes
    key: bytes = b""
    """What it was made of: under this key it is known from now on."""


class KnownMember(msgspec.Struct, frozen=True):
    """One file of a sample that is stored already, with an earlier one."""

    name: str
    file: StoredFile


class EncodedImage(msgspec.Struct, frozen=True):
    """A sample: its files, and its record, whose list of members is still empty."""

    record: ImageRecord
    members: Sequence[EncodedMember | KnownMember]


class ShardAppender:
    """Appends samples to ``<writer>-00000.tar``, ``<writer>-00001.tar``, … in a run's folder.

    Identical bytes are stored once. Later members are hard links to the first; an image all of
    whose files are stored already is a record among other revisits.
    """

    def __init__(
        self,
        run_dir: Path,
        writer: str,
        *,
        shard_bytes: int = SHARD_BYTES,
        first_shard: int = 0,
        first_values: int = 0,
        is_power_safe: bool = False,
    ) -> None:
        self.run_dir, self._writer, self._shard_bytes = run_dir, writer, shard_bytes
        self._is_power_safe = is_power_safe
        self._fd: int | None = None
        self._shard = ""
        self._offset = 0
        self._num_shards = first_shard
        self._num_values = first_values
        self._stored: Recent[bytes, StoredFile] = Recent(_REMEMBERED)
        self.known: Recent[bytes, StoredFile] = Recent(_REMEMBERED)
        """Files that are stored, by what they were made of."""
        self.num_images = 0
        self.num_values = 0
        self.size_bytes = 0
        self.sealed: dict[str, int] = {}
        """Size in bytes of each shard that is complete, by file name."""

    def append(self, batch: Sequence[EncodedImage | ValuesRecord]) -> None:
        """Store a batch of samples, all or none of them.

        Raises
        ------
        OSError
            The file could not be written; nothing of the batch is stored.
        """
        self._check_linked()
        if self._fd is None or self._offset >= self._shard_bytes:
            self._next_shard()
        buffers: list[bytes] = []
        fresh: dict[bytes, StoredFile] = {}
        revisits = RevisitsPacker()
        num_images = 0
        for item in batch:
            if isinstance(item, ValuesRecord):
                buffers += revisits.flush()
                self._pack_values(buffers, item)
                continue
            num_images += 1
            if (line := self._revisit(item, fresh)) is not None:
                buffers += revisits.add(line, mtime_secs=int(item.record.time))
            else:
                buffers += revisits.flush()
                self._pack_image(buffers, item, fresh)
        self._write([*buffers, *revisits.flush()])
        if self._is_power_safe:
            self._sync()
        for sha256, stored in fresh.items():
            self._stored[sha256] = stored
        self._remember(batch)
        self.num_images += num_images
        self.num_values += len(batch) - num_images

    def follow(self, moved: Mapping[Place, Place | None], sizes: Mapping[str, int]) -> None:
        """Know where stored bytes are after sealed shards were rewritten.

        Parameters
        ----------
        moved
            Where bytes are now that are no longer where they were; None for nowhere.
        sizes
            New size in bytes of rewritten shards, by file name.
        """
        self.sealed.update(sizes)

        def updated(file: StoredFile) -> StoredFile | None:
            place = Place(file.shard, file.path)
            if place not in moved:
                return file
            now = moved[place]
            return (
                None
                if now is None
                else msgspec.structs.replace(file, shard=now.shard, path=now.path)
            )

        if moved:
            self._stored.update_all(updated)
            self.known.update_all(updated)

    def _remember(self, batch: Sequence[EncodedImage | ValuesRecord]) -> None:
        for item in batch:
            for member in item.members if isinstance(item, EncodedImage) else ():
                if isinstance(member, EncodedMember) and member.key:
                    stored = self._stored.get(member.sha256)
                    if stored is not None:
                        self.known[member.key] = stored

    def _known_file(
        self, member: EncodedMember | KnownMember, fresh: dict[bytes, StoredFile]
    ) -> StoredFile | None:
        if isinstance(member, KnownMember):
            return member.file
        return fresh.get(member.sha256) or self._stored.get(member.sha256)

    def _check_linked(self) -> None:
        """Raise when somebody deleted the open shard: what goes there would be gone unseen."""
        if self._fd is not None and os.fstat(self._fd).st_nlink == 0:
            self._give_up()
            raise FileNotFoundError(errno.ENOENT, "the shard was deleted", self._shard)

    def close(self) -> None:
        """Seal the last shard.

        Raises
        ------
        OSError
            The end of the archive could not be written; all samples are stored.
        """
        if self._fd is None:
            return
        self._write([END_OF_ARCHIVE])
        if self._is_power_safe:
            self._sync()
        self.sealed[self._shard] = self._offset
        self._give_up()

    def _next_shard(self) -> None:
        self.close()
        self._shard = f"{self._writer}-{self._num_shards:05d}.tar"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(self.run_dir / self._shard, flags, 0o644)
        self._num_shards += 1
        self._offset = 0
        if self._is_power_safe:
            sync_path(self.run_dir)

    def _revisit(self, image: EncodedImage, fresh: dict[bytes, StoredFile]) -> bytes | None:
        """Return the record of an image that brings no file; None when it needs a sample."""
        members = []
        for member in image.members:
            if (known := self._known_file(member, fresh)) is None:
                return None
            members.append(_linked(member.name, known))
        line = encode_record(msgspec.structs.replace(image.record, members=members))
        return line if len(line) <= MAX_REVISIT_BYTES else None

    def _pack_image(
        self, buffers: list[bytes], image: EncodedImage, fresh: dict[bytes, StoredFile]
    ) -> None:
        record = image.record
        path = sample_path(record.key, record.step, record.index)
        mtime_secs = int(record.time)
        members = []
        for member in image.members:
            member_path = f"{path}.{member.name}"
            known = self._known_file(member, fresh)
            if known is not None:
                buffers.append(pack_header(member_path, 0, mtime_secs=mtime_secs, link=known.path))
                members.append(_linked(member.name, known))
            elif isinstance(member, EncodedMember):
                if len(member_path) <= MAX_PATH_BYTES:  # a hard link can name no longer path
                    fresh[member.sha256] = StoredFile(
                        member_path, self._shard, len(member.data), member.sha256
                    )
                _pack_file(buffers, member_path, member.data, mtime_secs)
                members.append(
                    Member(
                        name=member.name,
                        size_bytes=len(member.data),
                        sha256=member.sha256.hex(),
                    )
                )
        line = encode_record(msgspec.structs.replace(record, members=members))
        _pack_file(buffers, f"{path}.{RECORD_MEMBER}", line, mtime_secs)

    def _pack_values(self, buffers: list[bytes], record: ValuesRecord) -> None:
        path = values_path(record.step, self._num_values)
        self._num_values += 1
        _pack_file(buffers, path, encode_record(record), int(record.time))

    def _write(self, buffers: list[bytes]) -> None:
        fd = self._fd
        if fd is None:
            raise OSError("the shard is closed")
        end = self._offset
        try:
            for start in range(0, len(buffers), _MAX_BUFFERS):
                end += _write_all(fd, buffers[start : start + _MAX_BUFFERS])
        except OSError:
            self._take_back(fd)
            raise
        self.size_bytes += end - self._offset
        self._offset = end

    def _take_back(self, fd: int) -> None:
        """Cut off what a failed write left; a shard where that fails too is not written again."""
        try:
            os.ftruncate(fd, self._offset)
        except OSError:
            self._give_up()

    def _sync(self) -> None:
        """Wait until the disk holds the open shard."""
        if self._fd is not None:
            os.fsync(self._fd)

    def _give_up(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def sync_path(path: Path) -> None:
    """Wait until the disk holds a file, or the names in a folder.

    Raises
    ------
    OSError
        The disk failed.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _linked(name: str, file: StoredFile) -> Member:
    return Member(
        name=name,
        size_bytes=file.size_bytes,
        sha256=file.sha256.hex(),
        link=file.path,
        link_shard=file.shard,
    )


def _pack_file(buffers: list[bytes], path: str, data: bytes, mtime_secs: int) -> None:
    buffers.append(pack_header(path, len(data), mtime_secs=mtime_secs))
    buffers.append(data)
    if len(data) % BLOCK_SIZE:
        buffers.append(padding(len(data)))


def _write_all(fd: int, buffers: list[bytes]) -> int:
    """Write every buffer and return their total size, however often the kernel writes less."""
    total = sum(map(len, buffers))
    written = os.writev(fd, buffers)
    if written < total:
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]
    return total
