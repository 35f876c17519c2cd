"""Where an index lives: in its store, or, when that cannot be, in a temporary folder."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import suppress
from enum import Enum
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from filmstrip.errors import StoreError, one_line
from filmstrip.index.database import INDEX_FILE, Database

__all__ = ["Home", "Trouble", "trouble_of"]

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # used only behind mkdtemp, when all disks are full

_SAYS_DAMAGED = ("malformed", "not a database", "no such table", "no such column", "has no column")
_SAYS_UNUSABLE = ("readonly", "is full", "is locked", "unable to open", "i/o error", "is busy")


class Trouble(Enum):
    """What a database's error means."""

    DAMAGED = "damaged"
    """The file holds something else than our tables: it is made anew."""
    UNUSABLE = "unusable"
    """The file cannot be read or written now: another place is taken."""
    OTHER = "other"
    """Nothing that another file would help with."""


def trouble_of(error: SQLAlchemyError) -> Trouble:
    """Return what an error means; that of a server is for the caller."""
    if not isinstance(error, DBAPIError) or "sqlite3" not in type(error.orig).__module__:
        return Trouble.OTHER
    text = str(error.orig).lower()
    if any(said in text for said in _SAYS_DAMAGED):
        return Trouble.DAMAGED
    return Trouble.UNUSABLE if any(said in text for said in _SAYS_UNUSABLE) else Trouble.OTHER


class Home:
    """The database of an index, and how it is come by.

    Parameters
    ----------
    store_dir
        Folder of the store.
    url
        Of a PostgreSQL database; by default a file in the store.
    """

    def __init__(self, store_dir: Path, url: str | None) -> None:
        self._store_dir, self._url = store_dir, url
        self._places = iter([Path(tempfile.gettempdir()), _SHARED_MEMORY])
        self._path = store_dir / INDEX_FILE
        self._inode: int | None = None
        self.problem = ""
        """Why the index is not in its store; empty when it is."""
        self.database = self._served(url) if url else self._opened()

    def recover(self, error: SQLAlchemyError) -> None:
        """Take another database, after an error that another one helps with.

        Raises
        ------
        sqlalchemy.exc.SQLAlchemyError
            The error, when none does.
        """
        trouble = trouble_of(error)
        if self._url or trouble is Trouble.OTHER:
            raise error
        self.database.close()
        if trouble is Trouble.DAMAGED:
            _remove(self._path)
        else:
            self._move(error)
        self.database = self._opened()

    def is_gone(self) -> bool:
        """Return whether the file was deleted or replaced since it was opened."""
        return self._url is None and _inode(self._path) != self._inode

    def reopen(self) -> None:
        """Open the file anew: it was deleted or replaced."""
        self.database.close()
        self.database = self._opened()

    def close(self) -> None:
        """Close the database; a temporary one is deleted."""
        self.database.close()
        if self.problem:
            shutil.rmtree(self._path.parent, ignore_errors=True)

    def _opened(self) -> Database:
        while True:
            database = Database.at(self._path)
            try:
                database.prepare()
                database.touch()
            except SQLAlchemyError as error:
                database.close()
                trouble = trouble_of(error)
                if trouble is Trouble.OTHER:
                    raise
                if trouble is Trouble.UNUSABLE or not _remove(self._path):
                    self._move(error)
                continue
            self._inode = _inode(self._path)
            return database

    def _move(self, error: SQLAlchemyError) -> None:
        """Take the next place, with a copy of what can be read of the one before."""
        cause = one_line(str(error.orig if isinstance(error, DBAPIError) else error))
        before = self._path
        for place in self._places:
            try:
                folder = Path(tempfile.mkdtemp(prefix="filmstrip-index-", dir=place))
            except OSError:
                continue
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._path = folder / INDEX_FILE
            self.problem = (
                f"the index cannot be kept in the store ({cause}): a temporary one is used"
            )
            _copy(before, self._path)
            return
        raise StoreError(
            "a place for the index", got=cause, fix="free some space on the disk"
        ) from error

    def _served(self, url: str) -> Database:
        database = Database(url)
        try:
            database.prepare()
        except SQLAlchemyError as error:
            database.close()
            cause = str(error.orig if isinstance(error, DBAPIError) else error)
            shown = database.url.render_as_string(hide_password=True)
            raise StoreError(
                f"a database that answers at {shown}",
                got=cause.strip().splitlines()[0],
                fix="start it or correct its URL",
            ) from error
        return database


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _files(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]


def _remove(path: Path) -> bool:
    """Delete a database's files; return whether the first is gone."""
    for file in _files(path):
        with suppress(OSError):
            file.unlink(missing_ok=True)
    return not path.exists()


def _copy(before: Path, after: Path) -> None:
    """Copy a database's files, to save reading all shards; a damaged copy is made anew."""
    try:
        for source, target in zip(_files(before)[:2], _files(after)[:2], strict=True):
            if source.is_file():
                shutil.copyfile(source, target)
    except OSError:
        _remove(after)
