"""The index at 100,000 and 10,000,000 images, in SQLite and PostgreSQL; and how fast it is filled.

``python -m benchmarks.viewer.index`` prints both tables. The rows are made in the database; what
they point to is a shard of a thousand real records, so that a query is timed to its last record.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy
from sqlalchemy import select
from sqlalchemy.schema import CreateIndex, DropIndex
from tests.postgresql import postgresql_server

from benchmarks.viewer.index_fill import make_store, time_filling
from benchmarks.viewer.index_rows import NUM_KEYS, NUM_RUNS, Shape, fill_tables
from filmstrip.folder import prepare_store
from filmstrip.index import Index, parse_query, schema

NUM_TURNS = 40
SERVER_OPTIONS = [
    "shared_buffers=2GB", "maintenance_work_mem=1GB", "max_wal_size=16GB",
    "synchronous_commit=off", "full_page_writes=off", "autovacuum=off",
]  # fmt: skip
GOAL_P95_MS, GOAL_RATIO = 15.0, 2.0


@dataclass(frozen=True)
class Timing:
    """How long one kind of question took."""

    median_ms: float
    p95_ms: float


def questions(index: Index, shape: Shape) -> dict[str, Callable[[random.Random], Any]]:
    """Return every kind of question, each with other parameters at each turn."""
    runs = [f"run{i:03d}" for i in range(NUM_RUNS)]
    keys = [f"key{i}" for i in range(NUM_KEYS)]
    last_step = shape.num_steps - 1

    def find(text: str) -> Callable[[random.Random], Any]:
        def ask(rng: random.Random) -> Any:
            low = rng.randrange(shape.num_steps)
            query = text.format(
                run=rng.choice(runs), key=rng.choice(keys), low=low, high=low + 20,
                cls=rng.randrange(80), word=rng.randrange(1000), tint=rng.randrange(10),
                p=0.5 + rng.random() / 2, cam=rng.randrange(4),
            )  # fmt: skip
            return index.images(parse_query(query), limit=50)

        return ask

    def next_page(text: str) -> Callable[[random.Random], Any]:
        cursors = {}
        for run in runs:
            query = parse_query(text.format(run=run, key="key1"))
            cursor = None
            for _ in range(5):
                cursor = index.images(query, cursor=cursor, limit=50).cursor or cursor
            cursors[run] = query, cursor

        def ask(rng: random.Random) -> Any:
            query, cursor = cursors[rng.choice(runs)]
            return index.images(query, cursor=cursor, limit=50)

        return ask

    found = index.images(parse_query(""), limit=200).items
    with index._home.database.read() as connection:
        heads = connection.scalars(select(schema.members.c.head).limit(1000)).all()
    digests = [f"{head * 2:016x}{0:048x}" for head in heads]
    return {
        "runs": lambda rng: index.runs(),
        "steps of a key": lambda rng: index.steps(rng.choice(runs), rng.choice(keys)),
        "series of a run": lambda rng: index.series(rng.choice(runs), ["loss"]),
        "values at a step": lambda rng: index.values_at(
            rng.choice(runs), rng.randint(0, last_step)
        ),
        "one image": lambda rng: index.item(rng.choice(found).id),
        "one picture": lambda rng: index.member(rng.choice(digests)),
        "latest, 10 runs, 1 key": lambda rng: index.latest(
            rng.sample(runs, 10), ["key1"], rng.randint(0, last_step), max_images=4
        ),
        "latest, 10 runs, 4 keys": lambda rng: index.latest(
            rng.sample(runs, 10), None, rng.randint(0, last_step), max_images=1
        ),
        "latest by time": lambda rng: index.latest(
            rng.sample(runs, 10),
            ["key1"],
            shape.start + rng.random() * shape.seconds,
            "time",
            max_images=4,
        ),
        "latest by a number": lambda rng: index.latest(
            rng.sample(runs, 10), ["key1"], rng.random(), "loss", max_images=4
        ),
        "newest": find(""),
        "newest of a run": find("run:{run}"),
        "newest of a run and key": find("run:{run} key:{key}"),
        "next page of a run and key": next_page("run:{run} key:{key}"),
        "steps a..b of a run and key": find("run:{run} key:{key} step:{low}..{high} sort:step"),
        "steps a..b of all": find("step:{low}..{high}"),
        "index 0 of a run and key": find("run:{run} key:{key} index:0 sort:step"),
        "a class": find("class:class{cls}"),
        "a class of a run and key": find("run:{run} key:{key} class:class{cls}"),
        "a rare class": find("class:rare"),
        "not a class": find("-class:class{cls}"),
        "a word": find("w{word}"),
        "a word's beginning": find("w{word} -tint"),
        "two words together": find('caption:"w{word} tint{tint}"'),
        "a rare word": find("needle"),
        "a common word of a run": find("run:{run} tint{tint}"),
        "a word and a class": find("w{word} class:class{cls}"),
        "score above": find("score:confidence>{p}"),
        "score hardly ever above": find("score:confidence>0.9999"),
        "score above, of a run and key": find("run:{run} key:{key} score:confidence>{p}"),
        "score and class and meta": find(
            "score:confidence>{p} class:class{cls} meta.camera=cam{cam}"
        ),
        "by score": find("sort:-score:confidence"),
        "by score, of a run and key": find("run:{run} key:{key} sort:score:confidence"),
        "by score, of a class": find("class:class{cls} sort:-score:confidence"),
        "a meta field": find("meta.camera=cam{cam}"),
        "by a meta field": find("sort:meta.camera"),
        "loss below": find("loss<{p}"),
        "loss hardly ever below": find("loss<0.0001"),
        "loss below, of a run": find("run:{run} loss<{p}"),
        "by loss": find("sort:loss"),
        "by loss, of a run and key": find("run:{run} key:{key} sort:-loss"),
        "by step": find("sort:-step"),
        "by caption": find("sort:caption"),
        "completion of a field": lambda rng: index.suggestions("cl"),
        "completion of a word": lambda rng: index.suggestions(f"w{rng.randrange(1000)}"),
        "completion of a class": lambda rng: index.suggestions("class:cl"),
    }


def timed(ask: Callable[[random.Random], Any]) -> Timing:
    rng = random.Random(1)
    taken = []
    for turn in range(NUM_TURNS + 3):
        start = time.perf_counter()
        ask(rng)
        if turn >= 3:  # the first ones compile statements and warm caches
            taken.append((time.perf_counter() - start) * 1000)
    taken.sort()
    return Timing(median(taken), taken[int(len(taken) * 0.95)])


def time_questions(index: Index, shape: Shape) -> dict[str, Timing]:
    return {name: timed(ask) for name, ask in questions(index, shape).items()}


@contextmanager
def filled_index(folder: Path, url: str | None, shape: Shape) -> Iterator[Index]:
    """Give an index that holds this many images."""
    index = Index.open(prepare_store(folder), url)
    engine = index._home.database.engine
    start = time.perf_counter()
    indexes = [i for table in schema.metadata.tables.values() for i in table.indexes]
    with engine.begin() as connection:
        for each in indexes:
            connection.execute(DropIndex(each))
    fill_tables(index, shape)
    for each in indexes:
        with engine.begin() as connection:
            connection.execute(CreateIndex(each))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if url is None else "VACUUM ANALYZE")
    print(f"  made {shape.num_images:,} images in {time.perf_counter() - start:.0f} s", flush=True)
    with in_memory(database_files(engine)):
        yield index
    index.close()


def database_files(engine: sqlalchemy.Engine) -> list[Path]:
    """Return the files in which a database stands."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return [Path(engine.url.database or "")]
        connection.exec_driver_sql("CHECKPOINT")
        data = connection.exec_driver_sql("SHOW data_directory").scalar_one()
        number = connection.exec_driver_sql(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).scalar_one()
    return [path for path in Path(data, "base", str(number)).iterdir() if path.is_file()]


@contextmanager
def in_memory(files: list[Path]) -> Iterator[None]:
    """Keep the pages of files in memory: what is timed is the index, warm, and no disk."""
    with ExitStack() as stack:
        for path in files:
            if path.stat().st_size:
                file = stack.enter_context(path.open("rb"))
                pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
                stack.callback(pages.close)
                pages.madvise(mmap.MADV_WILLNEED)
                pages[:: mmap.PAGESIZE]  # a byte of each: only pages that are in use stay
        yield


def measure(url_of: Callable[[int], str | None], folder: Path, sizes: list[int]) -> dict[int, dict]:
    found = {}
    for size in sizes:
        store = folder / f"store-{size}"
        with filled_index(store, url_of(size), Shape.of(size, store)) as index:
            found[size] = time_questions(index, Shape.of(size, store))
    return found


def print_table(title: str, found: dict[int, dict[str, Timing]]) -> list[str]:
    """Print medians and 95th percentiles; return what misses a goal."""
    small, large = min(found), max(found)
    print(f"\n{title}: ms at {small:,} and {large:,} images, median and p95")
    missed = []
    for name in found[small]:
        one, other = found[small][name], found[large][name]
        ratio = other.median_ms / one.median_ms
        is_missed = other.p95_ms > GOAL_P95_MS or ratio > GOAL_RATIO
        missed += [name] * is_missed
        print(
            f"  {name:32} {one.median_ms:7.2f} {one.p95_ms:7.2f}   "
            f"{other.median_ms:7.2f} {other.p95_ms:7.2f}   {ratio:5.2f}×{' MISSED' * is_missed}"
        )
    return missed


def database_urls(server: str) -> Callable[[int], str]:
    """Return a function that makes an empty database for a size."""

    def url_of(size: int) -> str:
        url = sqlalchemy.make_url(server)
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE images_{size}")
        engine.dispose()
        return url.set(database=f"images_{size}").render_as_string(hide_password=False)

    return url_of


def print_filling(folder: Path, num_images: int) -> dict[str, Any]:
    """Fill an index from shards, and print how fast that was."""
    store = make_store(folder / "filled", num_images, size_bytes=20_000)
    found = {"sqlite": time_filling(store)}
    with postgresql_server(SERVER_OPTIONS) as server:
        found["postgresql"] = time_filling(store, server)
    for backend, timing in found.items():
        print(
            f"filled {backend} from shards: {timing.per_sec:,.0f} images/s, "
            f"{timing.per_cpu_sec:,.0f} a second of processor time, in all processes"
        )
    return {backend: asdict(timing) for backend, timing in found.items()}


def figures_json(figures: dict[str, Any]) -> str:
    """Return what was measured: by database, size and question, median and p95 in ms."""
    plain = {
        backend: {
            str(size): {name: [t.median_ms, t.p95_ms] for name, t in timings.items()}
            for size, timings in found.items()
        }
        for backend, found in figures.items()
        if backend != "filling"
    }
    plain["filling"] = figures.get("filling", {})
    return json.dumps({"cores": os.cpu_count(), **plain}, indent=1) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--backends", default="sqlite,postgresql", help="which to ask")
    parser.add_argument("--fill", type=int, default=50_000, help="images to fill an index with")
    parser.add_argument("--folder", type=Path, help="where the databases are made, a temporary one")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    arguments = parser.parse_args()
    sizes = sorted({100_000, arguments.images})
    figures: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="filmstrip-index-", dir=arguments.folder))
    try:
        if arguments.fill:
            figures["filling"] = print_filling(folder, arguments.fill)
        if "sqlite" in arguments.backends:
            found = measure(lambda _: None, folder / "sqlite", sizes)
            figures["sqlite"] = found
            print("  missed:", print_table("SQLite", found) or "none")
        if "postgresql" in arguments.backends:
            with postgresql_server(SERVER_OPTIONS) as server:
                found = measure(database_urls(server), folder / "postgresql", sizes)
            figures["postgresql"] = found
            print("  missed:", print_table("PostgreSQL", found) or "none")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        arguments.json.write_text(figures_json(figures))


if __name__ == "__main__":
    main()
