"""The index of a store: what the viewer and the command line ask."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from filmstrip.index.batch import chunks, digest_head
from filmstrip.index.database import INDEX_FILE, Database
from filmstrip.index.fill import Filler, Progress
from filmstrip.index.latest import latest_images
from filmstrip.index.query import ImageQuery
from filmstrip.index.rows import (
    IndexChanges,
    Item,
    KeyRow,
    MemberPlace,
    Page,
    RunRow,
    Series,
    StepRow,
    Suggestion,
)
from filmstrip.index.scalars import merged_values, value_entries
from filmstrip.index.schema import (
    images,
    keys,
    members,
    names,
    numbers,
    runs,
    series,
    shards,
    steps,
)
from filmstrip.index.search import find_images
from filmstrip.index.shelf import Shelf
from filmstrip.index.suggest import suggestions
from filmstrip.record import RecordDamagedError, decode_run_info

__all__ = ["Index"]

_DIGEST_LENGTH = 64


class Index:
    """Rows about every image of a store, in SQLite or PostgreSQL; `open` returns it.

    Threads may share it. Whatever happens to its database, the shards hold everything: it is made
    again, in another place if it must be, and `problems` says so.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> from pathlib import Path
    >>> from filmstrip.index import parse_query
    >>> folder = Path(tempfile.mkdtemp())
    >>> with filmstrip.init(dir=folder, id="first") as run:
    ...     run.log({"digit": filmstrip.Image(np.eye(8), caption="seven"), "loss": 0.5}, step=7)
    >>> index = Index.open(folder)
    >>> index.refresh().num_images
    1
    >>> [item.record.caption for item in index.images(parse_query("seven loss<1")).items]
    ['seven']
    """

    def __init__(self, store_dir: Path, database: Database) -> None:
        self.store_dir = store_dir
        self.problems: list[str] = []
        """What is wrong with the index or its store, a line each."""
        self._shelf = Shelf(store_dir)
        self._database = database
        self._filler = Filler(database, self._shelf)
        self._lock = threading.Lock()

    @classmethod
    def open(cls, store_dir: Path, url: str | None = None) -> Index:
        """Return the index of a store, its tables made; `refresh` fills them.

        Parameters
        ----------
        store_dir
            Folder of the store.
        url
            Of a PostgreSQL database, ``postgresql://…``; by default a file in the store.
        """
        database = Database(url) if url else Database.at(store_dir / INDEX_FILE)
        database.prepare()
        return cls(store_dir, database)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def refresh(
        self, run_ids: Iterable[str] | None = None, progress: Progress | None = None
    ) -> IndexChanges:
        """Read what is new in the shards, and say what it was.

        Parameters
        ----------
        run_ids
            Only these runs; all by default.
        progress
            Called now and then with the bytes read and the bytes to read.
        """
        with self._lock:
            return self._filler.refresh(run_ids, progress)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Drop every row and read all shards anew."""
        with self._lock:
            self._database.clear()
            self._filler.refresh(None, progress)

    def runs(self) -> list[RunRow]:
        """Return the runs, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(runs.c.num, runs.c.run_id, runs.c.info)).all()
            its_keys: dict[int, list[KeyRow]] = {}
            for run_num, row in _key_rows(connection):
                its_keys.setdefault(run_num, []).append(row)
            names_of = _series_names(connection)
        found = [
            RunRow(
                run_id=run_id,
                info=decode_run_info(info),
                num_images=sum(key.num_images for key in its_keys.get(num, [])),
                num_stored=sum(key.num_stored for key in its_keys.get(num, [])),
                keys=its_keys.get(num, []),
                series=names_of.get(num, []),
            )
            for num, run_id, info in rows
        ]
        return sorted(found, key=lambda row: (row.info.created, row.run_id))

    def steps(self, run_id: str, key: str) -> list[StepRow]:
        """Return the steps at which a key has images, in ascending order; none if it has none."""
        with self._database.read() as connection:
            key_num = _key_num(connection, run_id, key)
            c = steps.c
            rows = connection.execute(
                select(c.step, c.time, c.num_images).where(c.key_num == key_num).order_by(c.step)
            )
            return [StepRow(step=row[0], time=row[1], num_images=row[2]) for row in rows]

    def series(self, run_id: str, names: Sequence[str]) -> list[Series]:
        """Return logged numbers over the steps of a run, those of the names that it has."""
        with self._database.read() as connection:
            found = [_series(connection, run_id, name) for name in names]
        return [one for one in found if one.steps]

    def latest(
        self,
        run_ids: Sequence[str] | None,
        keys: Sequence[str] | None,
        at: float,
        axis: str = "step",
        max_images: int = 108,
    ) -> list[Item]:
        """Return the newest images at or before a place on an axis, for many runs and keys at once.

        Parameters
        ----------
        run_ids, keys
            ``None`` for all.
        at
            Place on the axis.
        axis
            ``step``, ``time`` in seconds since 1970, or the name of a logged number: then the step
            counts where it came nearest to `at` without passing it.
        max_images
            How many of a step.
        """
        with self._database.read() as connection:
            nums = latest_images(connection, run_ids, keys, at, axis=axis, max_images=max_images)
            return self._items(connection, nums)

    def images(
        self,
        query: ImageQuery,
        *,
        cursor: str | None = None,
        limit: int = 100,
        budget_secs: float = 0.008,
    ) -> Page:
        """Return the next images that a query finds.

        Parameters
        ----------
        query
            What `parse_query` makes of a text.
        cursor
            That of the page before; the beginning by default.
        limit
            How many at most.
        budget_secs
            How long to look for more, in seconds. A query whose images are few and far between
            gives a page that is not full, or empty, with a cursor to go on from.

        Raises
        ------
        QueryError
            The cursor is not one of this query's.
        """
        with self._database.read() as connection:
            found = find_images(
                connection, query, cursor=cursor, limit=limit, budget_secs=budget_secs
            )
            return Page(
                items=self._items(connection, found.nums),
                cursor=found.cursor,
                total=found.total,
                is_total_exact=found.is_total_exact,
            )

    def item(self, image_id: str) -> Item | None:
        """Return one image; ``None`` when there is none of this id."""
        try:
            num = int(image_id, 16)
        except ValueError:
            return None
        with self._database.read() as connection:
            return next(iter(self._items(connection, [num])), None)

    def member(self, digest: str) -> MemberPlace | None:
        """Return where the bytes of this sha256 stand; ``None`` when they are nowhere."""
        try:
            wanted = bytes.fromhex(digest)
        except ValueError:
            return None
        if len(digest) != _DIGEST_LENGTH:
            return None
        c = members.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(runs.c.run_id, shards.c.name, c.offset, c.size_bytes, c.format, c.digest)
                .join(shards, shards.c.num == c.shard_num)
                .join(runs, runs.c.num == shards.c.run_num)
                .where(c.head == digest_head(wanted))
            )
            for run_id, name, offset, size_bytes, file_type, found in rows:
                if bytes(found) == wanted:
                    return MemberPlace(
                        digest=digest,
                        shard=self._shelf.runs_dir / run_id / name,
                        offset=offset,
                        size_bytes=size_bytes,
                        format=file_type,
                    )
        return None

    def values_at(self, run_id: str, step: int) -> dict[str, Any]:
        """Return the numbers and texts that were logged at a step, by name."""
        with self._database.read() as connection:
            run_num = connection.scalar(select(runs.c.num).where(runs.c.run_id == run_id))
            if run_num is None:
                return {}
            entries = value_entries(connection, run_num, [step]).get(step, [])
        return merged_values(self._shelf, run_id, entries)[1]

    def suggestions(self, text: str, at: int | None = None, limit: int = 12) -> list[Suggestion]:
        """Return ways to go on with a query's text.

        Parameters
        ----------
        text
            The whole text of the bar.
        at
            Where its cursor is, in characters; the end by default.
        limit
            How many at most.
        """
        with self._database.read() as connection:
            return suggestions(connection, text, len(text) if at is None else at, limit)

    def _items(self, connection: Connection, nums: list[int]) -> list[Item]:
        """Return the images of these numbers, in this order; damaged records are left out."""
        c = images.c
        by_num = {}
        for some in chunks(nums):
            rows = connection.execute(
                select(
                    c.num, runs.c.run_id, keys.c.key, c.step, c.place, shards.c.name, c.offset,
                    c.size_bytes,
                )
                .join(shards, shards.c.num == c.shard_num)
                .join(runs, runs.c.num == c.run_num)
                .join(keys, keys.c.num == c.key_num)
                .where(c.num.in_(some), c.place.is_not(None))
            )  # fmt: skip
            by_num.update({row[0]: row for row in rows})
        found = (self._item(*by_num[num]) for num in nums if num in by_num)
        return [item for item in found if item is not None]

    def _item(
        self, num: int, run_id: str, key: str, step: int, place: int, shard: str, *where: int
    ) -> Item | None:
        try:
            record = self._shelf.image(run_id, shard, *where)
        except RecordDamagedError:
            return None  # the shard was replaced: the next refresh reads it anew
        digests = {member.name: member.sha256 for member in record.members}
        return Item(
            id=f"{num:016x}",
            run_id=run_id,
            key=key,
            step=step,
            index=place,
            digest=record.members[0].sha256,
            record=record,
            mask_digests={layer.name: digests[layer.member] for layer in record.masks},
        )


def _key_num(connection: Connection, run_id: str, key: str) -> int | None:
    found: int | None = connection.scalar(
        select(keys.c.num)
        .join(runs, runs.c.num == keys.c.run_num)
        .where(runs.c.run_id == run_id, keys.c.key == key)
    )
    return found


def _key_rows(connection: Connection) -> list[tuple[int, KeyRow]]:
    c = keys.c
    rows = connection.execute(
        select(
            c.run_num, c.key, c.num_images, c.num_stored, c.num_steps, c.first_step, c.last_step,
            c.max_per_step,
        ).order_by(c.run_num, c.session, c.first_shard, c.first_offset)
    )  # fmt: skip
    return [
        (row[0], KeyRow(**dict(zip(KeyRow.__struct_fields__, row[1:], strict=True))))
        for row in rows
    ]


def _series_names(connection: Connection) -> dict[int, list[str]]:
    """Return the names of the numbers that each run has."""
    found: dict[int, list[str]] = {}
    c = series.c
    pairs = connection.execute(
        select(c.run_num, names.c.name)
        .join(names, names.c.num == c.name_num)
        .order_by(c.run_num, names.c.name)
    )
    for run_num, name in pairs:
        found.setdefault(run_num, []).append(name)
    return found


def _series(connection: Connection, run_id: str, name: str) -> Series:
    c = numbers.c
    rows = connection.execute(
        select(c.step, c.time, c.value)
        .join(names, names.c.num == c.name_num)
        .join(runs, runs.c.num == c.run_num)
        .where(runs.c.run_id == run_id, names.c.name == name)
        .order_by(c.step)
    ).all()
    return Series(
        run_id=run_id,
        name=name,
        steps=[row[0] for row in rows],
        times=[row[1] for row in rows],
        values=[float("nan") if row[2] is None else row[2] for row in rows],
    )
