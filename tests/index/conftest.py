"""An index on SQLite and on a real PostgreSQL server: what is promised holds on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy
from tests.postgresql import postgresql_server

from filmstrip.index import Index

_NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Run one server for all tests."""
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Give the URL of an empty database, ``None`` for SQLite in the store."""
    if request.param == "sqlite":
        yield None
        return
    server = sqlalchemy.make_url(request.getfixturevalue("postgresql"))
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"test_{next(_NUMBERS)}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture
def open_index(database_url: str | None) -> Iterator[Callable[[Path], Index]]:
    """Give a function that opens an index of a store; every one is closed at the end."""
    opened: list[Index] = []

    def open_it(store: Path) -> Index:
        opened.append(Index.open(store, database_url))
        return opened[-1]

    yield open_it
    for index in opened:
        index.close()
