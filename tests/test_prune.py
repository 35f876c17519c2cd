"""Pruning a run: what stays is what a dict says that stays, and its space comes back."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import tempfile
import warnings
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

import filmstrip
from filmstrip.folder import read_run_info, write_run_info
from filmstrip.prune import KeyPrune, prune_run, prune_writer
from filmstrip.record import (
    ImageRecord,
    RunInfo,
    SourceInfo,
    WriterInfo,
    decode_writer_info,
    encode_writer_info,
)
from filmstrip.retention import parse_keep
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender
from filmstrip.shard.rewrite import LeftShard
from filmstrip.store import StoredRun
from filmstrip.verify import verify_store

PICTURES = [b"p" * 10, b"q" * 600, b"r" * 512, b"s" * 1500]
FIRST, SECOND = "r0-s0-aaaaaa", "r1-s0-bbbbbb"
ALIVE = (
    "its writer is at work, or was killed and what it left is not stored yet: "
    "wait until it finishes, or run `filmstrip repair`"
)


def info(**changes) -> RunInfo:
    described = {"id": "r1", "name": "r1", "project": "p", "created": 1.0, "state": "finished"}
    return RunInfo(**(described | changes))


def new_run(folder: str | Path) -> Path:
    run_dir = Path(folder) / "runs" / "r1"
    run_dir.mkdir(parents=True)
    write_run_info(run_dir, info())
    return run_dir


def contents(run: StoredRun) -> dict[tuple[str, int], list[bytes]]:
    """The files of each image by key and step."""
    found = defaultdict(list)
    for key in run.keys():  # noqa: SIM118
        for image in run.images(key):
            found[key, image.step].append(image.bytes())
    return dict(found)


def disk_bytes(run_dir: Path) -> int:
    return sum(path.stat().st_size for path in run_dir.glob("*.tar"))


def problems(run_dir: Path) -> list:
    return list(verify_store(filmstrip.open(run_dir.parents[1])).problems)


@pytest.fixture
def run_dir(tmp_path) -> Path:
    return new_run(tmp_path)


POLICIES = st.sampled_from(
    ["all", "last:1", "last:3", "every:2", "every:3", "best:loss:2", "best:loss:1:max"]
)
KEEP = st.dictionaries(st.sampled_from(["a", "a*", "*", "b?"]), POLICIES, max_size=3)


@st.composite
def logs(draw: st.DrawFn) -> list:
    numbers = st.sampled_from([0.1, 0.2, 0.3, {"$float": "NaN"}, "text"])
    images = st.tuples(
        st.sampled_from(["a", "ab", "bc"]),
        st.integers(0, 9),
        st.sampled_from(PICTURES).map(lambda data: {"png": data}),
    )
    values = st.builds(lambda step, loss: {"step": step, "loss": loss}, st.integers(0, 9), numbers)
    return draw(st.lists(images | values, max_size=20))


def model(keep: dict[str, str], *written: list) -> dict[tuple[str, int], list[bytes]]:
    """What stays, from what was logged alone."""
    policies = parse_keep(keep)
    images, values = defaultdict(list), {}
    for key, step, files in (e for log in written for e in log if isinstance(e, tuple)):
        images[key, step].append(files["png"])
    for entry in (e for log in written for e in log if isinstance(e, dict)):
        loss = entry["loss"]
        values[entry["step"]] = math.nan if isinstance(loss, dict) else loss
    steps = defaultdict(list)
    for key, step in images:
        steps[key].append(step)
    kept = {key: policies.policy(key).kept_steps(found, values) for key, found in steps.items()}
    return {(key, step): found for (key, step), found in images.items() if step in kept[key]}


@settings(max_examples=80)
@given(logs(), logs(), KEEP, st.sampled_from([1, 4000, 2**40]))
def test_what_stays_is_what_a_dict_says_and_freed_bytes_come_back(
    write_shards, first, second, keep, shard_bytes
):
    with tempfile.TemporaryDirectory() as folder:
        run_dir = new_run(folder)
        write_shards(run_dir, first, writer=FIRST, shard_bytes=shard_bytes)
        write_shards(run_dir, second, writer=SECOND, shard_bytes=shard_bytes)
        run = StoredRun(run_dir)
        before, before_bytes, values = contents(run), disk_bytes(run_dir), run.values()
        kept = model(keep, first, second)
        planned = prune_run(run, parse_keep(keep), is_dry_run=True)
        assert contents(StoredRun(run_dir)) == before

        report = prune_run(run, parse_keep(keep))

        for seen in (run, StoredRun(run_dir)):
            assert sorted_contents(seen) == {key: sorted(found) for key, found in kept.items()}
            assert repr(seen.values()) == repr(values)
        assert problems(run_dir) == []
        assert disk_bytes(run_dir) == before_bytes - report.freed_bytes
        assert report.images == sum(map(len, before.values())) - sum(map(len, kept.values()))
        assert (report.keys, report.freed_bytes) == (planned.keys, planned.freed_bytes)
        assert {(k.key, s) for k in report.keys for s in k.steps} == before.keys() - kept.keys()
        again = prune_run(run, parse_keep(keep))
        assert (again.images, again.freed_bytes, again.keys) == (0, 0, [])


def sorted_contents(run: StoredRun) -> dict[tuple[str, int], list[bytes]]:
    return {key: sorted(found) for key, found in contents(run).items()}


@settings(max_examples=10)
@given(logs(), KEEP)
def test_tar_and_webdataset_still_read_it(write_shards, logged, keep):
    with tempfile.TemporaryDirectory() as folder:
        run_dir = new_run(folder)
        write_shards(run_dir, logged, writer=FIRST, is_packed=False)
        run = StoredRun(run_dir)
        prune_run(run, parse_keep(keep))
        (shard,) = run_dir.glob("*.tar")
        out = Path(folder) / "out"
        out.mkdir()
        subprocess.run(["tar", "xf", shard, "-C", out], check=True, capture_output=True)
        images = [image for key in run.keys() for image in run.images(key)]  # noqa: SIM118
        assert sorted(path.read_bytes() for path in out.rglob("*.png")) == sorted(
            image.bytes() for image in images
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # webdataset leaves its file open
            found = list(webdataset.WebDataset(str(shard), shardshuffle=False, empty_check=False))
            gc.collect()
        assert sorted(json.loads(sample["json"])["step"] for sample in found) == sorted(
            image.step for image in images
        )


def test_a_report_says_what_goes_of_each_key(write_shards, run_dir):
    log = [(key, step, {"png": PICTURES[3]}) for step in range(4) for key in ("a", "b")]
    write_shards(run_dir, log, writer=FIRST)
    report = prune_run(StoredRun(run_dir), parse_keep({"a": "last:1"}))
    (key,) = report.keys
    assert key == KeyPrune(
        key="a", policy="last:1", steps=[0, 1, 2], images=3, size_bytes=key.size_bytes,
        kept_steps=1, kept_images=1,
    )  # fmt: skip
    assert (report.images, report.left, report.waiting_images, report.failure) == (3, [], 0, "")
    # The picture itself stays, since all the others share it, and the first of them gets it.
    assert 0 <= report.freed_bytes <= key.size_bytes - 3 * 512


def test_real_runs_are_pruned_by_a_metric_of_a_resumed_session(tmp_path):
    import numpy as np

    for session, losses in enumerate([[0.1, 0.9, 0.5], [0.7, 0.2]]):
        with filmstrip.init(dir=tmp_path / "s", id="r", resume="allow") as run:
            for step, loss in enumerate(losses):
                picture = np.full((4, 4), 10 * session + step, np.uint8)
                run.log({"x": filmstrip.Image(picture, normalize=False), "loss": loss}, step=step)
    stored = filmstrip.open(tmp_path / "s").run("r")
    report = prune_run(stored, parse_keep("best:loss:1"))
    # At steps 0 and 1 the newer session's loss counts; images of both sessions go or stay.
    assert report.keys[0].steps == [0, 2]
    assert [int(image.array()[0, 0]) for image in stored.images("x")] == [11]
    assert sum(len(found) for found in stored.samples_by_shard().values()) == 2 + 5
    assert problems(stored.dir) == []


@pytest.mark.parametrize(
    ("writer_info", "has_spool", "is_pruned"),
    [
        (WriterInfo(name=FIRST, state="finished"), False, True),
        (WriterInfo(name=FIRST, state="killed"), False, True),
        (WriterInfo(name=FIRST, state="running"), False, True),  # the disk was full at its end
        (WriterInfo(name=FIRST, state="running"), True, False),
        (WriterInfo(name=FIRST, state="running", spool="/of/another/machine"), False, False),
        (WriterInfo(name=FIRST, state="killed"), True, False),
    ],
)
def test_shards_of_a_writer_that_may_be_at_work_are_left(
    write_shards, run_dir, writer_info, has_spool, is_pruned
):
    write_shards(run_dir, [("a", step, {"png": PICTURES[step]}) for step in range(3)], writer=FIRST)
    (run_dir / f"{FIRST}.json").write_bytes(encode_writer_info(writer_info))
    if has_spool:
        (run_dir / f"{FIRST}.spool").touch()
    run = StoredRun(run_dir)
    report = prune_run(run, parse_keep("last:1"))
    assert run.steps("a") == ([2] if is_pruned else [0, 1, 2])
    assert report.left == ([] if is_pruned else [LeftShard(f"{FIRST}-*.tar", ALIVE)])
    assert (report.images, report.waiting_images) == ((2, 0) if is_pruned else (0, 2))


def test_a_writer_without_a_description_is_at_work_while_its_session_runs(write_shards, run_dir):
    write_shards(run_dir, [("a", 0, {"png": PICTURES[0]})], writer="r0-s0-a")
    write_shards(run_dir, [("a", 1, {"png": PICTURES[1]})], writer="r0-s1-b", is_sealed=False)
    write_run_info(run_dir, info(state="running", sessions=2))
    run = StoredRun(run_dir)
    report = prune_run(run, parse_keep({"a": "last:1"}))
    assert (run.steps("a"), report.left) == ([1], [])
    write_shards(run_dir, [("a", 7, {"png": PICTURES[1]})], writer="r0-s0-a")
    report = prune_run(run, parse_keep({"a": "last:1"}))
    assert run.steps("a") == [1, 7]
    assert report.left == [LeftShard("r0-s1-b-*.tar", ALIVE)]


def test_the_sizes_of_sealed_shards_are_kept_true(write_shards, run_dir):
    for writer in (FIRST, SECOND):
        log = [("a", step, {"png": PICTURES[step]}) for step in range(3)]
        write_shards(run_dir, log, writer=writer)
    sizes = {path.name: path.stat().st_size for path in run_dir.glob("*.tar")}
    first, second = sorted(sizes)
    write_run_info(run_dir, info(shards={first: sizes[first]}, notes="kept"))
    described = WriterInfo(name=SECOND, state="finished", shards={second: sizes[second]}, pid=7)
    (run_dir / f"{SECOND}.json").write_bytes(encode_writer_info(described))
    prune_run(StoredRun(run_dir), parse_keep("last:1"))
    sizes = {path.name: path.stat().st_size for path in run_dir.glob("*.tar")}
    run_info = read_run_info(run_dir)
    assert (run_info.shards, run_info.notes) == ({first: sizes[first]}, "kept")
    writer_info = decode_writer_info((run_dir / f"{SECOND}.json").read_bytes())
    assert (writer_info.shards, writer_info.pid) == ({second: sizes[second]}, 7)
    assert problems(run_dir) == []


def test_a_link_to_another_writer_s_shard_holds_its_image(write_shards, run_dir):
    log = [("a", 0, {"png": PICTURES[0]}), ("a", 1, {"png": PICTURES[1]})]
    write_shards(run_dir, log, writer=SECOND)
    linked = [("a", 0, {"png": PICTURES[0]}), ("b", 0, {"png": PICTURES[0]})]
    write_shards(run_dir, linked, writer="w", is_packed=False)
    linking = (run_dir / "w-00000.tar").read_bytes()
    (run_dir / "w-00000.tar").unlink()
    write_shards(run_dir, [], writer=FIRST)
    (run_dir / f"{FIRST}-00000.tar").write_bytes(relinked(linking))
    run = StoredRun(run_dir)
    report = prune_run(run, parse_keep({"a": "last:1", "b": "all"}))
    assert (report.images, report.waiting_images) == (0, 1)
    samples = [s for found in run.samples_by_shard().values() for s in found]
    assert [m.link_shard for s in samples for m in s.record.members] == [
        f"{SECOND}-00000.tar",
        "",
        "",
    ]


def relinked(shard: bytes) -> bytes:
    """The second sample alone, its link leading to another writer's shard of the same content."""
    from filmstrip.record import relink_record
    from filmstrip.shard.tar import END_OF_ARCHIVE, pack_header, padding

    start = shard.index(b'{"kind":"image"', shard.index(b"b/0-0.json"))
    line = shard[start : shard.index(b"\0", start)]
    line = relink_record(line, {"png": ("a/0-0.png", f"{SECOND}-00000.tar")})
    link = pack_header("b/0-0.png", 0, mtime_secs=7, link="a/0-0.png")
    record = pack_header("b/0-0.json", len(line), mtime_secs=7) + line + padding(len(line))
    return link + record + END_OF_ARCHIVE


def test_a_writer_prunes_its_own_sealed_shards_by_what_all_of_them_stored(write_shards, run_dir):
    mine = [("a", step, {"png": PICTURES[step % 2]}) for step in range(4)]
    write_shards(run_dir, mine, writer=FIRST, shard_bytes=2500, is_sealed=False)
    others = [("a", step, {"png": PICTURES[3]}) for step in (9, 0)]
    others += [{"step": 2, "loss": 0}]
    write_shards(run_dir, others, writer=SECOND)
    (run_dir / f"{FIRST}.json").write_bytes(encode_writer_info(WriterInfo(name=FIRST)))
    assert prune_writer(run_dir, FIRST, parse_keep("best:loss:5")).sizes == {}
    result = prune_writer(run_dir, FIRST, parse_keep("best:loss:1"))
    # Step 2 is best and 9 waits for its loss. The shard that is still written has links to the
    # bytes of steps 0 and 1, which therefore stay for now.
    assert (result.num_dropped, result.num_pinned, len(result.left)) == (0, 2, 1)
    with next(run_dir.glob(f"{FIRST}-00001.tar")).open("ab") as shard:
        shard.write(bytes(1024))
    result = prune_writer(run_dir, FIRST, parse_keep("best:loss:1"))
    assert [sample.record.step for sample in result.dropped] == [3, 0, 1]
    assert StoredRun(run_dir).steps("a") == [0, 2, 9]
    assert problems(run_dir) == []


def test_progress_ends_where_it_should(write_shards, run_dir):
    for writer in (FIRST, SECOND):
        log = [("a", step, {"png": PICTURES[3]}) for step in range(6)]
        write_shards(run_dir, log, writer=writer, shard_bytes=1)
    seen = []

    def report(done: int, total: int) -> None:
        seen.append((done, total))

    prune_run(StoredRun(run_dir), parse_keep("last:2"), on_bytes=report)
    total = seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {total}
    assert seen[-1][0] <= total


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(PICTURES), st.booleans()), max_size=25),
    st.sampled_from([1, 2500, 6000]),
    st.sampled_from(["last:2", "every:5", "all"]),
)
def test_a_writer_that_prunes_as_it_goes_keeps_what_it_is_to_keep(logged, shard_bytes, policy):
    """It follows where bytes went: what it stores later links to what is there."""
    keep = parse_keep(policy)
    with tempfile.TemporaryDirectory() as folder:
        run_dir = new_run(folder)
        appender = ShardAppender(run_dir, FIRST, shard_bytes=shard_bytes)
        images: list[tuple[int, bytes]] = []
        for number, (step, picture, is_pruned) in enumerate(logged):
            appender.append([encoded(step, number, picture)])
            images.append((step, picture))
            if is_pruned:
                result = prune_writer(run_dir, FIRST, keep)
                appender.follow(result.moved, result.sizes)
                gone = {sample.record.index for sample in result.dropped}
                kept = keep.policy("a").kept_steps({step for step, _ in filter(None, images)})
                assert all(images[i] is not None and images[i][0] not in kept for i in gone)
                images = [None if i in gone else one for i, one in enumerate(images)]
        appender.close()
        result = prune_writer(run_dir, FIRST, keep)
        appender.follow(result.moved, result.sizes)
        left = [one for one in images if one is not None]
        kept = keep.policy("a").kept_steps({step for step, _ in left})
        found = StoredRun(run_dir).images("a") if left else []
        assert sorted((image.step, image.bytes()) for image in found) == sorted(
            one for one in left if one[0] in kept
        )
        assert appender.sealed == {path.name: path.stat().st_size for path in run_dir.glob("*.tar")}
        assert problems(run_dir) == []


def encoded(step: int, index: int, picture: bytes) -> EncodedImage:
    record = ImageRecord(
        run_id="r1", key="a", step=step, index=index, time=7.5, width=1, height=1, mode="L",
        format="png", source=SourceInfo(kind="numpy"), members=[],
    )  # fmt: skip
    return EncodedImage(record, [EncodedMember("png", picture, sha256(picture).digest())])
