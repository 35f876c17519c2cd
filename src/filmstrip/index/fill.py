"""Filling the index from the shards: only what is new is read, and each shard is claimed in parts.

A stretch of samples and how far its shard has been read are stored in one transaction. A process
that finds its shard read further than it thought was beaten by another: it drops its stretch and
goes on from there. So any number of processes may fill one index, each sample is stored once, and
whoever is killed loses nothing but the stretch in hand.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import Connection, delete, insert, select, update

from filmstrip.index import schema
from filmstrip.index.batch import Numbering, ShardAt, insert_images, new_generation
from filmstrip.index.database import Database, chunks
from filmstrip.index.reader import Reader, ShardPart
from filmstrip.index.rows import IndexChanges, KeyChange
from filmstrip.index.scalars import insert_values, recount_values
from filmstrip.index.shelf import ShardFile, Shelf, read_tail
from filmstrip.index.stretch import Stretch
from filmstrip.index.tally import StepKey, tally

__all__ = ["Filler", "Progress"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes of shards that are read, and that are to be read."""


@dataclass(frozen=True, slots=True)
class _ShardRow:
    """What the index knows of a shard."""

    num: int
    inode: int
    size_bytes: int
    mtime_ns: int
    end_offset: int
    tail_offset: int
    tail: bytes


@dataclass(slots=True)
class _Changes:
    """What has changed so far."""

    steps: dict[tuple[str, int], int] = field(default_factory=dict)
    """The last changed step, by run and number of the key."""
    runs: set[str] = field(default_factory=set)
    num_images: int = 0


class Filler:
    """Brings the tables up to what the shards hold."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database, self._shelf = database, shelf
        self._numbering = Numbering()

    def refresh(
        self, run_ids: Iterable[str] | None = None, progress: Progress | None = None
    ) -> IndexChanges:
        """Read what is new, of some runs or all, and say what it was."""
        changes = _Changes()
        on_disk = self._shelf.run_ids()
        wanted = on_disk if run_ids is None else sorted(set(run_ids) & set(on_disk))
        with self._database.read() as connection:
            known = dict(connection.execute(select(schema.runs.c.run_id, schema.runs.c.info)).all())
        for run_id in sorted(known.keys() - set(on_disk)):
            self._drop_run(run_id, changes)
        todo: list[tuple[str, ShardFile, int]] = []
        for run_id in wanted:
            found = self._begin_run(run_id, known, changes)
            todo.extend((run_id, shard, start) for shard, start in found)
        total = sum(shard.size_bytes for _, shard, _ in todo)
        done = 0
        parts = [ShardPart(str(file.path), start, file.size_bytes) for _, file, start in todo]
        with closing(Reader(parts)) as reader:
            for run_id, shard, _ in todo:
                for num_bytes in self._read_shard(run_id, shard, reader, changes):
                    done += num_bytes
                    if progress is not None:
                        progress(min(done, total), total)
        return self._summary(changes)

    def _begin_run(
        self, run_id: str, known: dict[str, bytes], changes: _Changes
    ) -> list[tuple[ShardFile, int]]:
        """Bring a run's row up to date, drop shards that are gone; return what to read whence."""
        info = self._shelf.info_bytes(run_id)
        if known.get(run_id) != info:
            self._store_info(run_id, info)
            changes.runs.add(run_id)
        files = self._shelf.shards(run_id)
        with self._database.read() as connection:
            rows = _shard_rows(connection, run_id)
        for name in sorted(rows.keys() - {file.path.name for file in files}):
            self._drop_shard(run_id, name, rows[name], changes)
        fresh = []
        for file in files:
            row = rows.get(file.path.name)
            if row is not None and not self._is_same_file(file, row):
                self._drop_shard(run_id, file.path.name, row, changes)
                row = None
            if row is None or (row.size_bytes, row.mtime_ns) != (file.size_bytes, file.mtime_ns):
                fresh.append((file, row.end_offset if row else 0))
        return fresh

    def _is_same_file(self, file: ShardFile, row: _ShardRow) -> bool:
        """Return whether a shard is the one that was read, perhaps longer now."""
        if file.inode != row.inode or file.size_bytes < row.end_offset:
            return False
        is_untouched = (file.size_bytes, file.mtime_ns) == (row.size_bytes, row.mtime_ns)
        return is_untouched or self._shelf.has_tail(file.path, row.tail_offset, row.tail)

    def _store_info(self, run_id: str, info: bytes) -> None:
        c = schema.runs.c
        with self._database.write() as connection:
            found = connection.execute(
                update(schema.runs).where(c.run_id == run_id).values(info=info)
            )
            if not found.rowcount:
                connection.execute(insert(schema.runs).values(run_id=run_id, info=info))

    def _read_shard(
        self, run_id: str, file: ShardFile, reader: Reader, changes: _Changes
    ) -> Iterator[int]:
        """Store what is new in a shard; yield how many bytes each stretch took."""
        while True:
            with self._database.read() as connection:
                row = _shard_rows(connection, run_id).get(file.path.name)
                if _run_num(connection, run_id) is None:
                    return  # another process dropped the run, or all rows
            stretches = reader.stretches(str(file.path), row.end_offset if row else 0)
            is_last = False
            while not is_last:
                with _without_garbage_collection():
                    stretch = next(stretches)
                    stored = self._store(run_id, file, row, stretch, changes)
                if stored is None:
                    break  # another process was here: look again how far it is
                yield stored.end_offset - (row.end_offset if row else 0)
                row, is_last = stored, stretch.is_last
            else:
                return

    def _store(
        self,
        run_id: str,
        file: ShardFile,
        row: _ShardRow | None,
        stretch: Stretch,
        changes: _Changes,
    ) -> _ShardRow | None:
        """Store a stretch if the shard is still read as far as `row` says; return how far now."""
        try:
            with self._database.write() as connection:
                self._numbering.begin(connection)
                run_num = _run_num(connection, run_id)
                if run_num is None or _shard_rows(connection, run_id).get(file.path.name) != row:
                    return None
                stored = _claim(connection, run_num, file, row, stretch)
                shard = ShardAt(run_num, run_id, stored.num, file.path.name)
                self._insert(connection, shard, stretch, changes)
        except BaseException:
            self._numbering.forget()
            raise
        return stored

    def _insert(
        self, connection: Connection, shard: ShardAt, stretch: Stretch, changes: _Changes
    ) -> None:
        if stretch.images.nums:
            touched = insert_images(connection, self._numbering, self._shelf, shard, stretch)
            for key_num, step in touched:
                changes.steps[shard.run_id, key_num] = step
            changes.num_images += len(stretch.images.nums)
        if stretch.values:
            insert_values(
                connection,
                self._numbering,
                self._shelf,
                stretch.values,
                run=(shard.run_num, shard.run_id),
                shard=(shard.num, shard.name),
            )
            changes.runs.add(shard.run_id)

    def _drop_shard(self, run_id: str, name: str, row: _ShardRow, changes: _Changes) -> None:
        """Take a shard's rows out, and show again what they superseded."""
        with self._database.write() as connection:
            self._numbering.begin(connection)
            if _shard_rows(connection, run_id).get(name) != row:
                return
            run_num = _run_num(connection, run_id)
            images, values = schema.images, schema.value_records
            keys = select(schema.keys.c.num).where(schema.keys.c.run_num == run_num)
            its_images = images.c.key_num.in_(keys) & (images.c.shard_num == row.num)
            at = [
                StepKey(*pair)
                for pair in connection.execute(
                    select(images.c.key_num, images.c.step).where(its_images).distinct()
                )
            ]
            steps = list(
                connection.scalars(
                    select(values.c.step).where(values.c.shard_num == row.num).distinct()
                )
            )
            connection.execute(delete(images).where(its_images))
            connection.execute(delete(values).where(values.c.shard_num == row.num))
            connection.execute(delete(schema.shards).where(schema.shards.c.num == row.num))
            tally(connection, {pair: [] for pair in at}, is_shrunk=True)
            recount_values(
                connection, self._numbering, self._shelf, steps, run_num=run_num or 0, run_id=run_id
            )
            new_generation(connection)
        for pair in at:
            changes.steps[run_id, pair.key_num] = pair.step
        changes.runs.add(run_id)

    def _drop_run(self, run_id: str, changes: _Changes) -> None:
        """Take out everything of a run that is gone."""
        with self._database.write() as connection:
            run_num = _run_num(connection, run_id)
            if run_num is None:
                return
            keys = select(schema.keys.c.num).where(schema.keys.c.run_num == run_num)
            for table in (schema.steps, schema.images):
                connection.execute(delete(table).where(table.c.key_num.in_(keys)))
            for table in (
                schema.value_records, schema.numbers, schema.series, schema.keys, schema.shards,
            ):  # fmt: skip
                connection.execute(delete(table).where(table.c.run_num == run_num))
            connection.execute(delete(schema.runs).where(schema.runs.c.num == run_num))
            new_generation(connection)
        changes.runs.add(run_id)

    def _summary(self, changes: _Changes) -> IndexChanges:
        found: list[KeyChange] = []
        c = schema.keys.c
        wanted = {key_num: (run_id, step) for (run_id, key_num), step in changes.steps.items()}
        with self._database.read() as connection:
            for some in chunks(wanted):
                rows = connection.execute(select(c.num, c.key, c.num_images).where(c.num.in_(some)))
                found.extend(
                    KeyChange(run_id=wanted[n][0], key=key, step=wanted[n][1], num_images=count)
                    for n, key, count in rows
                )
        return IndexChanges(
            keys=sorted(found, key=lambda change: (change.run_id, change.key)),
            runs=sorted(changes.runs | {run_id for run_id, _ in changes.steps}),
            num_images=changes.num_images,
        )


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Let a batch be made without the collector, which would go through its rows again and again.

    They hold no cycles, and a batch takes a fraction of a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _shard_rows(connection: Connection, run_id: str) -> dict[str, _ShardRow]:
    c = schema.shards.c
    rows = connection.execute(
        select(
            c.name, c.num, c.inode, c.size_bytes, c.mtime_ns, c.end_offset, c.tail_offset, c.tail
        )
        .join(schema.runs, schema.runs.c.num == c.run_num)
        .where(schema.runs.c.run_id == run_id)
    )
    return {row[0]: _ShardRow(*row[1:]) for row in rows}


def _run_num(connection: Connection, run_id: str) -> int | None:
    found: int | None = connection.scalar(
        select(schema.runs.c.num).where(schema.runs.c.run_id == run_id)
    )
    return found


def _claim(
    connection: Connection, run_num: int, file: ShardFile, row: _ShardRow | None, stretch: Stretch
) -> _ShardRow:
    """Store how far a shard is read now, and return it."""
    tail_offset, tail = (row.tail_offset, row.tail) if row else (0, b"")
    if stretch.tail_offset is not None:
        tail_offset = stretch.tail_offset
        tail = read_tail(file.path, tail_offset)
    values: dict[str, Any] = {
        "inode": file.inode,
        "size_bytes": file.size_bytes if stretch.is_last else 0,
        "mtime_ns": file.mtime_ns if stretch.is_last else 0,
        "end_offset": stretch.end,
        "tail_offset": tail_offset,
        "tail": tail,
    }
    c = schema.shards.c
    if row is None:
        new = insert(schema.shards).values(run_num=run_num, name=file.path.name, **values)
        return _ShardRow(num=int(connection.scalar(new.returning(c.num)) or 0), **values)
    connection.execute(update(schema.shards).where(c.num == row.num).values(**values))
    return _ShardRow(num=row.num, **values)
