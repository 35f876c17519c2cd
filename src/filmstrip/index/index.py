"""The index of a store: what the viewer and the command line ask."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from filmstrip.index import answers
from filmstrip.index.database import Database
from filmstrip.index.fill import Filler, Progress
from filmstrip.index.home import Home
from filmstrip.index.latest import latest_images
from filmstrip.index.query import ImageQuery
from filmstrip.index.rows import (
    IndexChanges,
    Item,
    MemberPlace,
    Page,
    RunRow,
    Series,
    StepRow,
    Suggestion,
)
from filmstrip.index.search import find_images
from filmstrip.index.shelf import Shelf
from filmstrip.index.suggest import suggestions

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Index"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_IMAGE_ID = re.compile("[0-7][0-9a-f]{15}")
_DIGEST = re.compile("[0-9a-f]{64}")
_PATIENCE_SECS = 2.0
"""How long a question waits for an index that is made anew, before it asks what there is of it."""


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

    def __init__(self, store_dir: Path, home: Home) -> None:
        self.store_dir = store_dir
        self._shelf = Shelf(store_dir)
        self._home = home
        self._filler = Filler(home.database, self._shelf)
        self._lock = threading.RLock()
        self._replacing = threading.Lock()
        """Held, inside the other lock, until the successor of an unusable database is full."""

    @classmethod
    def open(cls, store_dir: Path, url: str | None = None) -> Index:
        """Return the index of a store, its tables made; `refresh` fills them.

        Parameters
        ----------
        store_dir
            Folder of the store.
        url
            Of a PostgreSQL database, ``postgresql://…``; by default a file in the store.

        Raises
        ------
        StoreError
            The database at the URL does not answer, or there is no place for a file.
        """
        return cls(store_dir, Home(store_dir, url))

    @property
    def problems(self) -> list[str]:
        """What is wrong with the index, a line each."""
        return [self._home.problem] if self._home.problem else []

    def close(self) -> None:
        """Close the database."""
        self._home.close()

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

        Raises
        ------
        OSError
            The store is gone, or cannot be read.
        """
        wanted = None if run_ids is None else list(run_ids)
        with self._lock:
            if self._home.is_gone():
                self._home.reopen()
                self._filler, wanted = Filler(self._home.database, self._shelf), None
            try:
                return self._filler.refresh(wanted, progress)
            except SQLAlchemyError as error:
                return self._recover(self._home.database, error, progress)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Drop every row and read all shards anew."""
        with self._lock:
            try:
                self._home.database.clear()
            except SQLAlchemyError as error:
                self._recover(self._home.database, error, progress)
                return
            self._filler = Filler(self._home.database, self._shelf)
            self.refresh(None, progress)

    def runs(self) -> list[RunRow]:
        """Return the runs, oldest first."""
        return self._ask(answers.run_rows)

    def steps(self, run_id: str, key: str) -> list[StepRow]:
        """Return the steps at which a key has images, in ascending order; none if it has none."""
        return self._ask(answers.step_rows, run_id, key)

    def series(self, run_id: str, names: Sequence[str]) -> list[Series]:
        """Return logged numbers over the steps of a run, those of the names that it has."""
        return self._ask(answers.series_of, run_id, names)

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

        def find(connection: Connection) -> list[Item]:
            nums = latest_images(connection, run_ids, keys, at, axis=axis, max_images=max_images)
            return answers.items_of(connection, self._shelf, nums)

        return self._ask(find)

    def images(
        self,
        query: ImageQuery,
        *,
        cursor: str | None = None,
        limit: int = 100,
        budget_secs: float = 0.002,
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

        def find(connection: Connection) -> Page:
            found = find_images(
                connection, query, cursor=cursor, limit=limit, budget_secs=budget_secs
            )
            return Page(
                items=answers.items_of(connection, self._shelf, found.nums),
                cursor=found.cursor,
                total=found.total,
                is_total_exact=found.is_total_exact,
            )

        return self._ask(find)

    def item(self, image_id: str) -> Item | None:
        """Return one image; ``None`` when there is none of this id."""
        if not _IMAGE_ID.fullmatch(image_id):
            return None
        found = self._ask(answers.items_of, self._shelf, [int(image_id, 16)])
        return found[0] if found else None

    def member(self, digest: str) -> MemberPlace | None:
        """Return where the bytes of this sha256 stand; ``None`` when they are nowhere."""
        return self.members([digest]).get(digest)

    def members(self, digests: Iterable[str]) -> dict[str, MemberPlace]:
        """Return where the bytes of some sha256 stand; those that stand nowhere are left out."""
        wanted = [digest for digest in digests if _DIGEST.fullmatch(digest)]
        return self._ask(answers.member_places, self._shelf, wanted)

    def values_at(self, run_id: str, step: int) -> dict[str, Any]:
        """Return the numbers and texts that were logged at a step, by name."""
        return self._ask(answers.values_at, self._shelf, run_id, step)

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
        place = len(text) if at is None else at
        return self._ask(suggestions, text, place, limit)

    def _ask(
        self,
        question: Callable[Concatenate[Connection, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Ask the database; when it proves unusable, ask another one, filled anew."""
        if self._replacing.acquire(timeout=_PATIENCE_SECS):
            self._replacing.release()
        database = self._home.database
        try:
            with database.read() as connection:
                return question(connection, *args, **kwargs)
        except SQLAlchemyError as error:
            with self._lock:
                self._recover(database, error)
        with self._home.database.read() as connection:
            return question(connection, *args, **kwargs)

    def _recover(
        self, failed: Database, error: SQLAlchemyError, progress: Progress | None = None
    ) -> IndexChanges:
        """Take another database and fill it, unless another thread just did."""
        with self._replacing:
            if self._home.database is failed:
                self._home.recover(error)
                self._filler = Filler(self._home.database, self._shelf)
            return self._filler.refresh(None, progress)
