"""Much is read in a process of its own; whatever becomes of it, the index holds the same."""

from __future__ import annotations

import multiprocessing
import os
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.index.stores import Sample, append, make_store
from tests.index.test_scan import all_items, check_is_the_same

from filmstrip.index import Index, fill, parse_query, reader
from filmstrip.index.reader import Reader, ShardPart
from filmstrip.index.stretch import FIRST_SAMPLES, Stretch, read_stretches

NUM_SAMPLES = 3 * FIRST_SAMPLES + 500
"""Three stretches."""


def samples(num: int, **options) -> list[Sample]:
    values = {"run": 0, "rank": 0, "session": 0, "key": "val", "loss": 0.5}
    return [
        Sample(
            **{**values, "step": i % 40, "msecs": i, "picture": i % 9, "caption": f"w{i % 7}"}
            | options
        )
        for i in range(num)
    ]


def shards(store: Path) -> list[Path]:
    return sorted(store.glob("runs/*/*.tar"))


def parts(store: Path) -> list[ShardPart]:
    return [ShardPart(str(path), 0, path.stat().st_size) for path in shards(store)]


def numbers(stretches: list[Stretch]) -> list[int]:
    return [num for stretch in stretches for num in stretch.images.nums]


@pytest.fixture
def store() -> Path:
    rich = samples(30, session=1, classes=[1, 7], score=0.5, camera="front", group="A")
    more = samples(20, run=1, camera=2.5)
    return make_store(Path("store").absolute(), samples(60) + rich + more)


@pytest.fixture
def long_store() -> Path:
    return make_store(Path("long").absolute(), samples(NUM_SAMPLES, loss=None) + samples(9, run=1))


@pytest.fixture
def at_once(monkeypatch) -> list[subprocess.Popen]:
    """Have a process read from the first byte; give those that were started."""
    monkeypatch.setattr(reader, "ALONE_SECS", 0.0)
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(reader.subprocess, "Popen", Noted)
    return started


def test_what_a_process_reads_is_what_is_read_here(long_store, at_once):
    gone_through = Reader(parts(long_store))
    for path in shards(long_store):
        assert list(gone_through.stretches(str(path), 0)) == list(read_stretches(path, 0))
    gone_through.close()
    assert [process.poll() is not None for process in at_once] == [True]


def test_an_index_that_a_process_reads_for_is_the_same(store, open_index, at_once):
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)
    append(store, samples(7, session=2, loss=1.0), writer="x")
    assert index.refresh().num_images == 7
    check_is_the_same(index, store)
    assert len(at_once) == 2


def test_little_is_read_here(store, monkeypatch, open_index):
    monkeypatch.delattr(reader.subprocess, "Popen")
    index = open_index(store)
    assert index.refresh().num_images == 110


def test_a_process_is_started_once_much_is_read_and_as_much_is_left(
    long_store, at_once, monkeypatch
):
    now = [0.0]
    monkeypatch.setattr(reader.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(reader, "ALONE_SECS", 0.2)
    big, small = shards(long_store)
    read_on = Reader(parts(long_store))
    stretches = read_on.stretches(str(big), 0)
    next(stretches)
    assert at_once == []
    now[0] = 0.3
    rest = [*stretches, *read_on.stretches(str(small), 0)]
    assert len(at_once) == 1
    assert numbers(rest) == numbers([*list(read_stretches(big, 0))[1:], *read_stretches(small, 0)])
    read_on.close()
    late = Reader(parts(long_store))
    first, *_ = list(late.stretches(str(big), 0))
    assert len(at_once) == 1  # the time that counts begins with the reader
    late.close()
    assert first.images.nums


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        "import sys; sys.stdout.write('no frames at all' * 1000)",
        "import sys; sys.stdout.buffer.write(bytes([255] * 4) + b'short')",
        "import os; os.kill(os.getpid(), 9)",
    ],
    ids=["ends", "writes something else", "writes half a frame", "is killed"],
)
def test_a_process_that_fails_costs_nothing(store, open_index, at_once, monkeypatch, code):
    monkeypatch.setattr(reader, "_command", lambda: [sys.executable, "-I", "-S", "-c", code])
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)
    assert len(at_once) == 1


def test_a_process_that_is_killed_midway_costs_nothing(long_store, at_once):
    big, small = shards(long_store)
    expected = [*read_stretches(big, 0), *read_stretches(small, 0)]
    broken = Reader(parts(long_store))
    found = []
    for stretch in broken.stretches(str(big), 0):
        found.append(stretch)
        at_once[0].kill()
        at_once[0].wait()
    found += broken.stretches(str(small), 0)
    broken.close()
    assert numbers(found) == numbers(expected)


@pytest.mark.parametrize("executable", ["", "/no/such/python"])
def test_without_an_interpreter_all_is_read_here(
    store, open_index, at_once, monkeypatch, executable
):
    monkeypatch.setattr(sys, "executable", executable)
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)
    assert at_once == []


def test_what_another_stored_meanwhile_is_passed_over(long_store, at_once):
    big, small = shards(long_store)
    first, second, third = read_stretches(big, 0)
    behind = Reader(parts(long_store))
    assert next(behind.stretches(str(big), 0)) == first
    assert next(behind.stretches(str(big), second.end)) == third
    (last,) = behind.stretches(str(big), third.end)
    assert (last.is_last, last.images.nums) == (True, [])
    assert list(behind.stretches(str(small), 0)) == list(read_stretches(small, 0))
    behind.close()


def test_a_place_that_the_process_did_not_come_to_is_read_here(long_store, at_once):
    big, small = shards(long_store)
    first = next(read_stretches(big, 0))
    middle = next(read_stretches(big, 0)).images.offsets
    behind = Reader(parts(long_store))
    assert next(behind.stretches(str(big), 0)) == first
    again = list(behind.stretches(str(big), 0))
    assert sum(len(stretch.images.nums) for stretch in again) == NUM_SAMPLES
    assert middle == again[0].images.offsets
    assert list(behind.stretches(str(small), 0)) == list(read_stretches(small, 0))
    behind.close()


def test_an_error_ends_the_process(long_store, open_index, at_once, monkeypatch):
    def fail(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(fill, "insert_images", fail)
    index = open_index(long_store)
    with pytest.raises(KeyboardInterrupt):
        index.refresh()
    assert [process.poll() is not None for process in at_once] == [True]


def fill_with_a_process(store: Path, url: str | None, barrier) -> None:
    reader.ALONE_SECS = 0.0
    index = Index.open(store, url)
    barrier.wait()
    index.refresh()
    index.close()


def test_processes_that_fill_at_once_with_processes_of_their_own(
    long_store, database_url, open_index
):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    workers = [
        context.Process(target=fill_with_a_process, args=(long_store, database_url, barrier))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    index = open_index(long_store)
    assert not index.refresh()
    assert sum(row.num_stored for row in index.runs()) == NUM_SAMPLES + 9


def test_it_works_on_a_thread(store, open_index, at_once):
    index = open_index(store)
    thread = threading.Thread(target=index.refresh)
    thread.start()
    thread.join()
    check_is_the_same(index, store)
    assert len(at_once) == 1


UNGUARDED = """
import sys
from pathlib import Path
from filmstrip.index import Index, reader
reader.ALONE_SECS = 0.0
index = Index.open(Path(sys.argv[1]))
print(index.refresh().num_images)
index.close()
"""


@pytest.mark.parametrize("how", ["a script", "stdin", "-c"])
def test_a_program_needs_no_guard(store, how):
    Path("script.py").write_text(UNGUARDED)
    arguments = {"a script": ["script.py"], "stdin": ["-"], "-c": ["-c", UNGUARDED]}[how]
    found = subprocess.run(
        [sys.executable, *arguments, store],
        input=UNGUARDED,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert (found.stdout, found.stderr, found.returncode) == ("110\n", "", 0)


def test_readers_see_a_whole_state_while_it_is_filled(long_store, open_index, at_once):
    index, other = open_index(long_store), open_index(long_store)
    seen = []
    index.refresh(progress=lambda *_: seen.append(sum(row.num_images for row in other.runs())))
    assert seen == [FIRST_SAMPLES, 3 * FIRST_SAMPLES, NUM_SAMPLES, NUM_SAMPLES + 9]
    assert len(all_items(other, "run:run1")) == 9
    assert other.images(parse_query("run:run0 w1")).items


KILLED = """
import os, sys
from pathlib import Path
from filmstrip.index import Index, reader
reader.ALONE_SECS, reader._PIPE_BYTES = 0.0, 4096
class Told(reader.subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        print(self.pid, flush=True)
reader.subprocess.Popen = Told
def end(*_):
    sys.stdin.read()
    os.kill(os.getpid(), 9)
Index.open(Path(sys.argv[1])).refresh(progress=end)
"""


def test_the_process_ends_when_the_one_that_stores_is_killed(long_store):
    command = [sys.executable, "-c", KILLED, long_store]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as storing:
        descriptor = os.pidfd_open(int(storing.stdout.readline()))
        assert not select.select([descriptor], [], [], 0)[0]  # it waits for room in the pipe
        storing.stdin.close()
    assert storing.returncode == -9
    assert select.select([descriptor], [], [], 30)[0]
    os.close(descriptor)
