"""Whatever happens to the index's file, questions are answered and no image is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import traceback
from pathlib import Path

import pytest
import sqlalchemy
from tests.index.stores import Sample, make_store

import filmstrip
from filmstrip.errors import StoreError
from filmstrip.index import Index, database, home, parse_query

NUM_IMAGES = 12
SAMPLES = [Sample(0, 0, 0, "val", step, step % 6, step % 4, "red") for step in range(NUM_IMAGES)]


@pytest.fixture
def store() -> Path:
    return make_store(Path("store").absolute(), SAMPLES)


@pytest.fixture
def index(store):
    index = Index.open(store)
    index.refresh()
    yield index
    index.close()


def count(index: Index) -> int:
    return index.images(parse_query("red")).total


def temporary(cause: str) -> str:
    return f"the index cannot be kept in the store ({cause}): a temporary one is used"


def file_of(store: Path) -> Path:
    return store / "index.sqlite"


def test_an_index_is_found_as_it_was_left(store, index):
    again = Index.open(store)
    assert count(again) == NUM_IMAGES
    assert not again.refresh()
    again.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 10_000, b"SQLite format 3\0" + b"\xff" * 8192],
    ids=["empty", "something else", "damaged behind its first bytes"],
)
def test_a_file_that_is_no_database_is_made_anew(store, content):
    file_of(store).write_bytes(content)
    index = Index.open(store)
    index.refresh()
    assert count(index) == NUM_IMAGES
    assert index.problems == []
    index.close()


def test_an_index_of_another_version_is_made_anew(store, index):
    index.close()
    with sqlite3.connect(file_of(store)) as connection:
        connection.execute("UPDATE filmstrip_settings SET value = '0' WHERE name = 'version'")
        connection.execute("DROP TABLE filmstrip_steps")
    connection.close()
    again = Index.open(store)
    assert again.refresh().num_images == NUM_IMAGES
    again.close()


def test_an_index_that_was_deleted_is_made_anew_by_the_next_refresh(store, index):
    for file in store.glob("index.sqlite*"):
        file.unlink()
    assert count(index) == NUM_IMAGES
    assert index.refresh().num_images == NUM_IMAGES
    assert file_of(store).exists()
    assert count(index) == NUM_IMAGES


@pytest.mark.parametrize("ask", [count, lambda index: index.refresh(), Index.runs])
def test_an_index_that_is_damaged_while_it_is_used_is_made_anew(store, index, ask):
    with sqlite3.connect(file_of(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("DROP TABLE filmstrip_keys")
    connection.close()
    ask(index)
    assert count(index) == NUM_IMAGES
    assert index.problems == []


def test_pages_that_are_overwritten_are_noticed(store, index):
    index.close()
    file = file_of(store)
    file.write_bytes(file.read_bytes()[:4096] + b"\xaa" * (file.stat().st_size - 4096))
    again = Index.open(store)
    again.refresh()
    assert count(again) == NUM_IMAGES
    again.close()


def test_many_threads_that_meet_a_damaged_index_make_it_anew_together(store, index):
    with sqlite3.connect(file_of(store)) as connection:
        connection.execute("DROP TABLE filmstrip_keys")
    connection.close()
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(count(index))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [NUM_IMAGES] * 8


def test_a_place_that_cannot_be_opened_gives_a_temporary_index(store):
    file_of(store).mkdir()
    index = Index.open(store)
    index.refresh()
    assert count(index) == NUM_IMAGES
    assert index.problems == [temporary("unable to open database file")]
    folder = index._home._path.parent
    index.close()
    assert not folder.exists()


def test_a_locked_index_is_read_around_with_a_copy_of_it(store, index, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_SECS", 0.05)
    index.close()
    holder = sqlite3.connect(file_of(store), isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    again = Index.open(store)
    again.refresh()
    assert count(again) == NUM_IMAGES
    assert again.problems == [temporary("database is locked")]
    again.close()
    holder.close()


def test_a_full_disk_moves_the_index_to_another(store, monkeypatch):
    prepare = database._sqlite_engine

    def small(url):
        engine = prepare(url)
        if url.database == str(file_of(store)):

            @sqlalchemy.event.listens_for(engine, "connect")
            def _limit(connection, _record):
                connection.execute("PRAGMA max_page_count=60")

        return engine

    monkeypatch.setattr(database, "_sqlite_engine", small)
    index = Index.open(store)
    assert index.problems == []
    for _ in range(40):  # until its pages are used up
        index._home.database.clear()
    big = [Sample(0, 1, 0, "val", step, 0, step % 250, f"w{step} x{step}") for step in range(800)]
    make_store(store, big)
    index.refresh()
    assert index.problems == [temporary("database or disk is full")]
    assert count(index) == NUM_IMAGES
    assert index.images(parse_query("run:run0")).total == NUM_IMAGES + 800
    index.close()


def test_without_any_place_the_error_says_what_to_do(store, monkeypatch):
    file_of(store).mkdir()

    def full(**_options):
        raise OSError("No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(StoreError) as caught:
        Index.open(store)
    assert str(caught.value) == (
        "expected a place for the index, got unable to open database file; "
        "free some space on the disk"
    )


def test_a_server_that_does_not_answer_is_an_error_that_names_it(store):
    with pytest.raises(StoreError) as caught:
        Index.open(store, "postgresql://me:secret@/none?host=/nowhere")
    beginning, _, rest = str(caught.value).partition(", got ")
    url = "postgresql+psycopg://me:***@/none?host=%2Fnowhere"
    assert beginning == f"expected a database that answers at {url}"
    assert rest.endswith("; start it or correct its URL")
    assert "secret" not in rest


def in_a_process_without_rights(work) -> str:
    """Do some work in a child that may write nothing, and return what it says."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        said = "died"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            said = work()
        except BaseException:
            said = traceback.format_exc()
        finally:
            os.write(write_end, said.encode())
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("is_there", [False, True])
def test_a_read_only_store_is_read_through_a_temporary_index(is_there):
    folder = Path(tempfile.mkdtemp(prefix="read-only-"))  # where other users may go
    store = make_store(folder / "store", SAMPLES)
    if is_there:
        index = Index.open(store)
        index.refresh()
        index.close()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)

    def work() -> str:
        index = Index.open(store)
        num_read = index.refresh().num_images
        found = len(filmstrip.open(store).run("run0").images("val"))
        said = f"{count(index)} {found} {num_read} {index.problems}"
        index.close()
        return said

    said = in_a_process_without_rights(work)
    num_read = 0 if is_there else NUM_IMAGES
    cause = "attempt to write a readonly database" if is_there else "unable to open database file"
    assert said == f"{NUM_IMAGES} {NUM_IMAGES} {num_read} {[temporary(cause)]}"
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_an_error_of_the_statement_is_raised_as_it_is(index):
    def ask(connection):
        connection.exec_driver_sql("SELECT no_such_function()")

    with pytest.raises(sqlalchemy.exc.OperationalError, match="no such function"):
        index._ask(ask)
    assert index.problems == []


def test_an_error_of_a_server_is_for_the_caller():
    error = sqlalchemy.exc.OperationalError("SELECT", {}, ValueError("the disk is full"))
    assert home.trouble_of(error) is home.Trouble.OTHER
