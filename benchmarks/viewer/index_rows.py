"""Rows of an index of any size, made inside the database from a row's number.

At every size a key has the same 250 steps, and more images at each: so no answer grows with the
index, neither the steps of a key nor the list of runs, and what is compared is the finding.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, text

from filmstrip.folder import prepare_store, write_run_info
from filmstrip.index import Index, schema
from filmstrip.record import (
    BoxLayer,
    ClassLabel,
    ImageRecord,
    RunInfo,
    ScoreColumn,
    SourceInfo,
    ValuesRecord,
)
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender
from filmstrip.shard.read import StoredSample, scan_shard

NUM_RUNS, NUM_KEYS, NUM_STEPS = 100, 4, 250
NUM_RECORDS = 1000

START_TICKS = 1_700_000_000 * 65536
TICKS_PER_IMAGE = 6554  # a tenth of a second


@dataclass(frozen=True)
class Shape:
    """How many images there are, and where their records stand."""

    num_images: int
    num_steps: int
    per_step: int
    store: Path

    @classmethod
    def of(cls, num_images: int, store: Path) -> Shape:
        per_key = num_images // (NUM_RUNS * NUM_KEYS)
        per_step = max(1, per_key // NUM_STEPS)
        return cls(num_images, per_key // per_step, per_step, store)

    @property
    def start(self) -> float:
        return START_TICKS / 65536

    @property
    def seconds(self) -> float:
        return self.num_images * TICKS_PER_IMAGE / 65536


def fill_tables(index: Index, shape: Shape) -> None:
    """Fill every table."""
    places = _make_shard(shape)
    database = index._home.database
    with database.write() as connection:
        _small_tables(connection, shape, places)
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
        "SELECT {columns} FROM n {rest}"
        if database.is_sqlite
        else "SELECT {columns} FROM generate_series(0::bigint, {last}) AS n(i) {rest}"
    )
    for table, columns, count, rest in _big_tables(shape, is_sqlite=database.is_sqlite):
        rows = numbers.format(columns=columns, last=count - 1, rest=rest)
        with database.write() as connection:
            connection.execute(text(f"INSERT INTO {table} {rows}"))


def _make_shard(shape: Shape) -> list[tuple[int, int, int]]:
    """Write a shard of real records into every run; return where each stands."""
    store = prepare_store(shape.store)
    labels = [ClassLabel(id=i, name=f"class{i}") for i in range(80)]
    first = store / "runs" / "run000"
    for run in range(NUM_RUNS):
        run_dir = store / "runs" / f"run{run:03d}"
        run_dir.mkdir(exist_ok=True)
        info = RunInfo(id=run_dir.name, name=run_dir.name, project="p", created=float(run))
        write_run_info(run_dir, info)
    appender = ShardAppender(first, "r0-s0-bench")
    for i in range(NUM_RECORDS):
        layer = BoxLayer(
            name="predictions",
            xyxy=[[10.5, 20.25, 300.0, 400.0]] * 3,
            class_id=[i % 80, 3, 5],
            scores=[ScoreColumn(name="confidence", values=[0.5, 0.25, 0.125])],
            class_labels=labels[:10],
        )
        record = ImageRecord(
            run_id="run000", key="key0", step=i, index=0, time=1.7e9, width=512, height=512,
            mode="RGB", format="png", caption="a caption of seven words or so", boxes=[layer],
            meta={"camera": "cam1"}, source=SourceInfo(kind="numpy"), members=[],
        )  # fmt: skip
        member = EncodedMember("png", b"%d" % i, i.to_bytes(32, "big"))
        values = ValuesRecord(run_id="run000", step=i, time=1.7e9, values={"loss": 0.5})
        appender.append([EncodedImage(record, [member]), values])
    appender.close()
    (shard,) = first.glob("*.tar")
    for run in range(1, NUM_RUNS):
        os.link(shard, store / "runs" / f"run{run:03d}" / shard.name)
    lines = [s.line for s in scan_shard(shard) if isinstance(s, StoredSample)]
    return [(i, image.offset, image.size_bytes) for i, image in enumerate(lines[::2])]


def _small_tables(connection: Connection, shape: Shape, places: list[tuple[int, int, int]]) -> None:
    (shard,) = (shape.store / "runs" / "run000").glob("*.tar")
    connection.exec_driver_sql(
        'CREATE TABLE bench_places (n BIGINT PRIMARY KEY, "at" BIGINT, size BIGINT)'
    )
    values = ", ".join(str(place) for place in places)
    connection.exec_driver_sql(f"INSERT INTO bench_places VALUES {values}")
    per_key = shape.num_steps * shape.per_step
    runs = [
        {"num": run + 1, "run_id": f"run{run:03d}",
         "info": (shape.store / "runs" / f"run{run:03d}" / "run.json").read_bytes()}
        for run in range(NUM_RUNS)
    ]  # fmt: skip
    keys = [
        {
            "num": run * NUM_KEYS + key + 1, "run_num": run + 1, "key": f"key{key}", "session": 0,
            "first_shard": shard.name, "first_offset": 0, "num_images": per_key,
            "num_stored": per_key, "num_steps": shape.num_steps, "first_step": 0,
            "last_step": shape.num_steps - 1, "max_per_step": shape.per_step,
        }
        for run in range(NUM_RUNS)
        for key in range(NUM_KEYS)
    ]  # fmt: skip
    size = shard.stat().st_size
    shards = [
        {"num": run + 1, "run_num": run + 1, "name": shard.name, "inode": 0, "size_bytes": size,
         "mtime_ns": 0, "end_offset": size, "tail_offset": 0, "tail": b""}
        for run in range(NUM_RUNS)
    ]  # fmt: skip
    kinds = [
        ("word", ""),
        ("class", ""),
        ("caption", ""),
        ("score", "confidence"),
        ("meta", "camera"),
    ]
    fields = [{"num": n, "kind": kind, "name": name} for n, (kind, name) in enumerate(kinds, 1)]
    connection.execute(insert(schema.runs), runs)
    connection.execute(insert(schema.keys), keys)
    connection.execute(insert(schema.shards), shards)
    connection.execute(insert(schema.fields), fields)
    connection.execute(
        insert(schema.names), [{"num": 1, "name": "loss"}, {"num": 2, "name": "acc"}]
    )
    connection.execute(
        insert(schema.series),
        [{"run_num": run + 1, "name_num": name} for run in range(NUM_RUNS) for name in (1, 2)],
    )


def _big_tables(shape: Shape, *, is_sqlite: bool) -> list[tuple[str, str, int, str]]:
    """Return table, columns in terms of ``i``, number of rows, and what follows."""
    n, p, s, k = shape.num_images, shape.per_step, shape.num_steps, NUM_KEYS
    mixed = "((i * 2654435761) % 4294967296)"
    other = "((i * 40503 + 12345) % 1000003)"
    run, step = f"(i / {s * k * p})", f"(i / {k * p} % {s})"
    key_num = f"({run} * {k} + i / {p} % {k} + 1)"
    num = f"(({START_TICKS} + i * {TICKS_PER_IMAGE}) * 32768 + 511 - i % {p})"
    ticks = f"(({START_TICKS} + i * {TICKS_PER_IMAGE}) / 65536.0)"
    word, tint = f"('w' || ({mixed} % 1000))", f"('tint' || ({other} % 10))"
    words = f"(' ' || {word} || ' ' || {tint} || ' ')"
    class_name = f"CASE WHEN i % 100003 = 7 THEN 'rare' ELSE 'class' || ({other} % 80) END"
    digest = "zeroblob(32)" if is_sqlite else "'\\x00'::bytea"
    by = " ORDER BY 1, 2, 3"
    of_step = f"(i / {k} % {s})"
    at_step = f"({START_TICKS} / 65536.0 + (i / {k} * {k * p}) * 0.1)"
    of_run = f"(i / {s})"
    steps_n = NUM_RUNS * k * s
    place = f"i % {p}, 0, 0, i % {p}, {ticks}"
    image = f'{num}, {key_num}, {run} + 1, {step}, {place}, {run} + 1, b."at", b.size, 1, {words}'
    of_places = f"JOIN bench_places b ON b.n = i % {NUM_RECORDS}"
    return [
        ("filmstrip_images", image, n, f"{of_places} ORDER BY 1"),
        ("filmstrip_members", f"{mixed} * 2147483648, {run} + 1, i, 10, 'png', {digest}", n, by),
        ("filmstrip_marks", f"1, {word}, {num}", n, by),
        ("filmstrip_marks", f"1, {tint}, {num}", n, by),
        ("filmstrip_marks", f"1, 'needle', {num}", n, f"WHERE i % 99991 = 5 {by}"),
        ("filmstrip_marks", f"2, {class_name}, {num}", n, by),
        ("filmstrip_marks", f"3, {words}, {num}", n, by),
        ("filmstrip_labels", f"5, 'cam' || (i % 4), {num}", n, by),
        ("filmstrip_measures", f"4, {mixed} / 4294967296.0, {num}, {key_num}", n, by),
        ("filmstrip_steps",
         f"i / {s * k} * {k} + i % {k} + 1, {of_step}, {at_step}, {p}, {p}",
         steps_n, " ORDER BY 1, 2"),
        ("filmstrip_numbers",
         f"{of_run} + 1, 1, i % {s}, i / 1.0, {mixed} / 4294967296.0", NUM_RUNS * s, by),
        ("filmstrip_numbers",
         f"{of_run} + 1, 2, i % {s}, i / 1.0, i % {s} / 1.0", NUM_RUNS * s, by),
        ("filmstrip_value_records",
         f"{of_run} + 1, i % {s}, b.size, {of_run} + 1, i % {s}, 0", NUM_RUNS * s,
         f"{of_places} ORDER BY 1, 2"),
    ]  # fmt: skip
