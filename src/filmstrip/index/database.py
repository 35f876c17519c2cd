"""The database behind an index: SQLite in a file or PostgreSQL, through the same statements."""

from __future__ import annotations

import secrets
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import Connection, Engine, Table, event, insert, select, update

from filmstrip.index import schema

__all__ = ["INDEX_FILE", "Database", "chunks", "insert_rows", "insert_texts"]

INDEX_FILE = "index.sqlite"

_BUSY_TIMEOUT_SECS = 10.0
_WRITE_LOCK = 0x66696C6D
"""Key of the advisory lock that a PostgreSQL transaction takes before it writes."""

_MAPPED_BYTES = 2**31 - 2**16
"""As much of a file as SQLite maps at the most: each page that is not mapped is read and copied."""

_MAX_VARIABLES = 30_000
"""Values in one statement; SQLite takes 32766."""

_MIN_LIST = 8
"""From so many images on SQLite gets the numbers of a text in one piece: half the time of rows."""


class Database:
    """One database with the index's tables.

    Parameters
    ----------
    url
        An SQLAlchemy URL: ``sqlite:///path`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str | sqlalchemy.URL) -> None:
        self.url = sqlalchemy.make_url(url)
        if self.url.drivername in ("postgresql", "postgres"):
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _server_engine(self.url)

    @classmethod
    def at(cls, path: Path) -> Database:
        """Return the SQLite database in a file, which need not exist yet."""
        return cls(sqlalchemy.URL.create("sqlite", database=str(path)))

    def prepare(self) -> None:
        """Make the tables; those of another version are dropped first.

        Raises
        ------
        sqlalchemy.exc.SQLAlchemyError
            The database cannot be read or written.
        """
        if self._version() == str(schema.INDEX_VERSION):
            return
        with self.write() as connection:
            if self._version(connection) != str(schema.INDEX_VERSION):
                schema.metadata.drop_all(connection)
                schema.metadata.create_all(connection)
                connection.execute(
                    insert(schema.settings).values(name="version", value=str(schema.INDEX_VERSION))
                )

    def touch(self) -> None:
        """Write something, to see that it can be.

        Raises
        ------
        sqlalchemy.exc.SQLAlchemyError
            The database is read-only, full, or locked for long.
        """
        with self.write() as connection:
            connection.execute(
                update(schema.settings)
                .where(schema.settings.c.name == "version")
                .values(value=str(schema.INDEX_VERSION))
            )

    def clear(self) -> None:
        """Drop every row."""
        with self.write() as connection:
            if self.is_sqlite:  # to drop a table is quicker there than to empty it
                schema.metadata.drop_all(connection)
                schema.metadata.create_all(connection)
            else:
                tables = ", ".join(f'"{name}"' for name in schema.metadata.tables)
                connection.exec_driver_sql(f"TRUNCATE {tables}")
            settings = {"version": str(schema.INDEX_VERSION), "generation": secrets.token_hex(8)}
            rows = [{"name": name, "value": value} for name, value in settings.items()]
            connection.execute(insert(schema.settings), rows)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose transaction is the only one that writes; the end commits."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.execution_options(filmstrip_write=True)
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(select(sqlalchemy.func.pg_advisory_xact_lock(_WRITE_LOCK)))
                yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _version(self, connection: Connection | None = None) -> str | None:
        if connection is None:
            with self.read() as opened:
                return self._version(opened)
        if not sqlalchemy.inspect(connection).has_table(schema.settings.name):
            return None
        found: str | None = connection.scalar(
            select(schema.settings.c.value).where(schema.settings.c.name == "version")
        )
        return found


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[tuple[Any, ...]],
    *,
    is_new: bool = True,
) -> None:
    """Insert whole rows, the columns in the table's order, as fast as the database takes them.

    Parameters
    ----------
    is_new
        False when rows of the same primary key may be there; those are left out.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        verb = "INSERT" if is_new else "INSERT OR IGNORE"
        connection.exec_driver_sql(f'{verb} INTO "{table.name}" VALUES ({marks})', list(rows))
    elif is_new:
        _copy(connection, table.name, rows)
    else:
        incoming = f"{table.name}_incoming"
        connection.exec_driver_sql(
            f'CREATE TEMPORARY TABLE "{incoming}" (LIKE "{table.name}") ON COMMIT DROP'
        )
        _copy(connection, incoming, rows)
        connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" SELECT * FROM "{incoming}" ON CONFLICT DO NOTHING'  # noqa: S608
        )
        connection.exec_driver_sql(f'DROP TABLE "{incoming}"')


def insert_texts(
    connection: Connection, table: Table, fields: Mapping[int, Mapping[str, Sequence[int]]]
) -> None:
    """Insert which images have which texts, by number of the field; what is there already stays.

    Parameters
    ----------
    table
        One of three columns: field, text and number of the image.
    """
    lists: list[tuple[int, str, str]] = []
    rows: list[tuple[int, str, int]] = []
    min_list = _MIN_LIST if connection.dialect.name == "sqlite" else sys.maxsize
    for field, nums_by_text in sorted(fields.items()):
        for text, nums in sorted(nums_by_text.items()):
            if len(nums) < min_list:
                rows += [(field, text, num) for num in nums]
            else:
                lists.append((field, text, msgspec.json.encode(nums).decode()))
    insert_rows(connection, table, rows, is_new=False)
    if lists:
        connection.exec_driver_sql(
            f'INSERT OR IGNORE INTO "{table.name}" SELECT ?, ?, value FROM json_each(?)',  # noqa: S608
            lists,
        )


def chunks(values: Iterable[Any], size: int = _MAX_VARIABLES) -> Iterator[list[Any]]:
    """Yield the values in lists short enough for one statement."""
    whole = list(values)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def _copy(connection: Connection, table_name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f'COPY "{table_name}" FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


def _server_engine(url: sqlalchemy.URL) -> Engine:
    return sqlalchemy.create_engine(url, pool_pre_ping=True)


def _sqlite_engine(url: sqlalchemy.URL) -> Engine:
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_SECS})

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "cache_size=-65536",
            f"mmap_size={_MAPPED_BYTES}",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        is_write = connection.get_execution_options().get("filmstrip_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine
