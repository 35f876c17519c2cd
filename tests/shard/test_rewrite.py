"""Rewriting shards: what was to stay is there, once, whatever instant it is looked at."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filmstrip.shard.rewrite
from filmstrip.errors import DamagedError, RunBusyError
from filmstrip.record import ValuesRecord, _sealed
from filmstrip.shard.names import Place
from filmstrip.shard.plan import link_places
from filmstrip.shard.read import ShardEnd, StoredSample, scan_shard
from filmstrip.shard.revisits import RevisitsPacker
from filmstrip.shard.rewrite import LeftShard, rewrite_shards
from filmstrip.shard.tar import END_OF_ARCHIVE
from filmstrip.store import StoredRun
from filmstrip.verify.run_check import RunCheck

WRITER = "r0-s0-abcdef"
LONG_KEY = "a key whose members' paths are longer than a hard link can name: " + "x" * 40
LONG_MEMBER = f"{'layer' * 14}.mask.png"
PICTURES = [b"p" * 10, b"q" * 600, b"r" * 512, b"s" * 1500]


class Killed(BaseException):
    """What a test raises where a process would be killed."""


@st.composite
def entries(draw: st.DrawFn) -> list:
    """What a writer is given: few pictures, so that many are stored with another image."""
    picture = st.sampled_from(PICTURES)
    image = st.tuples(
        st.sampled_from(["x", "y", LONG_KEY]),
        st.integers(-2, 6),
        st.builds(
            lambda png, mask, name: {"png": png} | ({name: mask} if mask else {}),
            picture,
            st.none() | picture,
            st.sampled_from(["m.mask.png", LONG_MEMBER]),
        ),
    )
    values = st.builds(lambda step: {"step": step, "loss": 0.5}, st.integers(-2, 6))
    return draw(st.lists(image | values, max_size=14))


def read(run_dir: Path) -> tuple[list[tuple], list[ValuesRecord]]:
    """Everything a run holds as its reader gives it: images with their files, and values."""
    run = StoredRun(run_dir)
    images = [
        (image.key, image.step, image.index, image.record.seq, *files(image))
        for key in run.keys()  # noqa: SIM118
        for image in run.images(key)
    ]
    found = [s.record for samples in run.samples_by_shard().values() for s in samples]
    return sorted(images), [record for record in found if isinstance(record, ValuesRecord)]


def files(image) -> list[bytes]:
    return [image._read(member) for member in image.record.members]


def problems(run_dir: Path) -> list:
    """What ``verify`` would say of the shards."""
    check = RunCheck(run_dir)
    shards = sorted(run_dir.glob("*.tar"))
    for shard in shards:
        list(check.read_shard(shard))
    check.finish([shard.name for shard in shards])
    return check.problems


def unpacked(run_dir: Path) -> dict[str, bytes]:
    """Every file that ``tar x`` makes of the shards, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        for shard in sorted(run_dir.glob("*.tar")):
            with tarfile.open(shard) as archive:
                archive.extractall(folder, filter="fully_trusted")
        root = Path(folder)
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.suffix != ".json" and not path.name.startswith("__")
        }


def total_bytes(run_dir: Path) -> int:
    return sum(path.stat().st_size for path in run_dir.iterdir())


def names(run_dir: Path) -> list[str]:
    return sorted(path.name for path in run_dir.iterdir())


@pytest.fixture
def run_dir(tmp_path) -> Path:
    return tmp_path / "r1"


@pytest.fixture(scope="module")
def fresh_dir(tmp_path_factory) -> Callable[[], Path]:
    return lambda: tmp_path_factory.mktemp("run") / "r1"


some_steps = st.sets(st.integers(-2, 6))
shard_sizes = st.sampled_from([1, 3000, 6000, 2**40])


@settings(max_examples=150)
@given(entries(), some_steps, shard_sizes, st.booleans())
def test_what_stays_is_what_would_be_there_without_the_others(
    write_shards, fresh_dir, logged, steps, shard_bytes, is_packed
):
    run_dir, model_dir = fresh_dir(), fresh_dir()
    write_shards(run_dir, logged, shard_bytes=shard_bytes, is_packed=is_packed)
    before, before_bytes = names(run_dir), total_bytes(run_dir)
    images, values = read(run_dir)
    kept = [image for image in images if image[1] not in steps]
    planned = rewrite_shards(run_dir, WRITER, lambda r: r.step in steps, is_dry_run=True)
    assert total_bytes(run_dir) == before_bytes

    done = rewrite_shards(run_dir, WRITER, lambda r: r.step in steps)

    assert read(run_dir) == (kept, values)
    assert (problems(run_dir), names(run_dir)) == ([], before)
    assert done.num_dropped == len(images) - len(kept)
    assert total_bytes(run_dir) == before_bytes - done.freed_bytes
    assert (planned.freed_bytes, planned.sizes) == (done.freed_bytes, done.sizes)
    assert (done.left, done.failure, done.num_pinned) == ([], None, 0)
    # Not a byte more than if the others had never been logged.
    rest = [one for one in logged if isinstance(one, dict) or one[1] not in steps]
    write_shards(model_dir, rest, is_packed=is_packed)
    ends = len(END_OF_ARCHIVE) * (len(before) - 1)
    slack = 512 * len(rest)  # sequence numbers and indices are as long as they were
    assert abs(total_bytes(run_dir) - ends - total_bytes(model_dir)) <= slack
    assert owned_bytes(run_dir) == owned_bytes(model_dir)


def owned_bytes(run_dir: Path) -> int:
    found = [s for samples in StoredRun(run_dir).samples_by_shard().values() for s in samples]
    return sum(place.size_bytes for sample in found for place in sample.locations.values())


@settings(max_examples=50)
@given(entries(), some_steps, shard_sizes)
def test_tar_gives_every_picture_that_stays(write_shards, fresh_dir, logged, steps, shard_bytes):
    run_dir = fresh_dir()
    write_shards(run_dir, logged, shard_bytes=shard_bytes, is_packed=False)
    files = unpacked(run_dir)
    rewrite_shards(run_dir, WRITER, lambda r: r.step in steps)
    kept = {path: data for path, data in files.items() if step_of(path) not in steps}
    assert unpacked(run_dir) == kept


def step_of(path: str) -> int:
    return int(path.partition("/")[2].partition(".")[0].rpartition("-")[0])


@settings(max_examples=60)
@given(entries(), some_steps, some_steps, st.integers(0, 5), shard_sizes, st.booleans())
def test_killed_between_any_two_shards_nothing_is_missing_and_it_can_be_finished_or_changed(
    write_shards, fresh_dir, logged, steps, other_steps, num_replaced, shard_bytes, is_packed
):
    run_dir = fresh_dir()
    write_shards(run_dir, logged, shard_bytes=shard_bytes, is_packed=is_packed)
    images, values = read(run_dir)
    kept = [image for image in images if image[1] not in steps]
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, num_replaced)
        with contextlib.suppress(Killed):
            rewrite_shards(run_dir, WRITER, lambda r: r.step in steps)
    found, found_values = read(run_dir)
    assert [image for image in found if image[1] not in steps] == kept
    assert set(found) <= set(images)
    assert (found_values, problems(run_dir)) == (values, [])

    # A second prune finishes it, even one by another rule: then what is there and stays, stays.
    rewrite_shards(run_dir, WRITER, lambda r: r.step in other_steps)
    assert read(run_dir) == ([image for image in found if image[1] not in other_steps], values)
    assert problems(run_dir) == []
    assert not [name for name in names(run_dir) if name.startswith(".")]


def kill_after(patch: pytest.MonkeyPatch, num_replaced: int) -> None:
    """Let the process die when it has replaced so many shards, with another one written."""
    replace, left = Path.replace, [num_replaced]

    def replace_or_die(path: Path, target: Path) -> Path:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return replace(path, target)

    patch.setattr(Path, "replace", replace_or_die)
    patch.setattr(Path, "unlink", lambda *_args, **_options: None)  # a kill tidies nothing up


@pytest.mark.parametrize("is_packed", [False, True])
def test_records_that_stay_are_byte_for_byte_what_they_were_save_for_their_links(
    write_shards, run_dir, is_packed
):
    shared = {"png": PICTURES[0]}
    write_shards(run_dir, [("x", step, shared) for step in range(3)], is_packed=is_packed)
    (shard,) = run_dir.glob("*.tar")
    before = lines(shard)
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    links = (b',"link":"x/0-0.png","link_shard":"r0-s0-abcdef-00000.tar"', b'"link":"x/1-0.png"')
    assert [line[:-20] for line in lines(shard)] == [
        before[1].replace(links[0], b"")[:-20],
        before[2].replace(b'"link":"x/0-0.png"', links[1])[:-20],
    ]


def lines(shard: Path) -> list[bytes]:
    """Every record of an image, as it stands in the archive, revisits too."""
    found = []
    with tarfile.open(shard) as archive:
        for member in archive:
            if member.name.endswith(".json"):
                found.append(archive.extractfile(member).read())
            elif member.name.startswith("__revisits."):
                found += gzip.decompress(archive.extractfile(member).read()).splitlines()
    return found


def test_a_sample_that_does_not_change_is_copied_as_it_is(write_shards, run_dir):
    write_shards(run_dir, [("x", step, {"png": PICTURES[step]}) for step in range(4)])
    (shard,) = run_dir.glob("*.tar")
    third = next(s for s in scan_shard(shard) if s.record.step == 2)
    stored = shard.read_bytes()[third.offset : third.end_offset]
    rewrite_shards(run_dir, WRITER, lambda r: r.step != 2)
    assert shard.read_bytes() == stored + END_OF_ARCHIVE


def test_a_revisit_gets_the_bytes_of_the_image_that_goes_and_the_others_of_its_member_link_there(
    write_shards, run_dir
):
    a, b = PICTURES[:2]
    files = [{"png": b}, {"png": a}, *[{"png": each} for each in (b, a, b, a)]]
    write_shards(run_dir, [("x", step, each) for step, each in enumerate(files)])
    rewrite_shards(run_dir, WRITER, lambda r: r.step in (1, 2))
    (shard,) = run_dir.glob("*.tar")
    with tarfile.open(shard) as archive:
        names = archive.getnames()
        assert archive.extractfile("x/3-0.png").read() == a
    assert names[:4] == ["x/0-0.png", "x/0-0.json", "x/3-0.png", "x/3-0.json"]
    assert [name[:11] for name in names[4:]] == ["__revisits."]
    found = [s for s in scan_shard(shard) if isinstance(s, StoredSample)]
    assert [(s.record.step, s.record.members[0].link) for s in found] == [
        (0, ""), (3, ""), (4, "x/0-0.png"), (5, "x/3-0.png"),
    ]  # fmt: skip
    assert ([image[-1] for image in read(run_dir)[0]], problems(run_dir)) == ([b, a, b, a], [])


def test_a_revisit_of_two_files_that_gets_the_bytes_of_one_links_to_the_other(
    write_shards, run_dir
):
    a, b = PICTURES[:2]
    both = {"png": a, "m.mask.png": b}
    write_shards(run_dir, [("x", 0, {"png": a}), ("x", 1, {"png": b}), ("x", 2, both)])
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    (shard,) = run_dir.glob("*.tar")
    with tarfile.open(shard) as archive:
        links = {info.name: info.linkname for info in archive if info.islnk()}
    assert links == {"x/2-0.m.mask.png": "x/1-0.png"}
    assert (read(run_dir)[0][1][4:], problems(run_dir)) == ((a, b), [])


def test_revisits_of_several_members_come_together(write_shards, run_dir):
    a, b = PICTURES[:2]
    log = [("x", 0, {"png": a}), *(("x", step, {"png": a}) for step in range(1, 200))]
    write_shards(run_dir, [*log[:3], ("x", 200, {"png": b}), *log[3:]])
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 200 or r.step % 2 == 1)
    (shard,) = run_dir.glob("*.tar")
    with tarfile.open(shard) as archive:
        members = [name for name in archive.getnames() if name.startswith("__revisits.")]
    assert len(members) == 2
    assert StoredRun(run_dir).steps("x") == list(range(0, 200, 2))
    assert problems(run_dir) == []


def test_what_a_newer_version_says_of_a_revisit_stays(write_shards, run_dir):
    write_shards(run_dir, [("x", step, {"png": PICTURES[0]}) for step in range(3)])
    (shard,) = run_dir.glob("*.tar")
    second = [s for s in scan_shard(shard) if isinstance(s, StoredSample)][1]
    packer = RevisitsPacker()
    for line in lines(shard)[1:]:
        packer.add(_sealed(line[:-20] + b',"weather":"sun"'), mtime_secs=7)
    shard.write_bytes(
        shard.read_bytes()[: second.offset] + b"".join(packer.flush()) + END_OF_ARCHIVE
    )
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    assert [json.loads(line)["weather"] for line in lines(shard)] == ["sun", "sun"]
    assert [image[1] for image in read(run_dir)[0]] == [1, 2]


def test_a_shard_whose_revisits_change_while_it_is_read_is_left(write_shards, run_dir, monkeypatch):
    write_shards(run_dir, [("x", step, {"png": PICTURES[0]}) for step in range(3)])
    (shard,) = run_dir.glob("*.tar")
    second = [s for s in scan_shard(shard) if isinstance(s, StoredSample)][1]
    plan = filmstrip.shard.rewrite.plan_shards

    def plan_and_damage(*args, **options):
        plans = plan(*args, **options)
        shard.write_bytes(shard.read_bytes()[: second.line.offset + 30])
        monkeypatch.setattr(filmstrip.shard.rewrite, "plan_shards", plan)
        return plans

    monkeypatch.setattr(filmstrip.shard.rewrite, "plan_shards", plan_and_damage)
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    (left,) = result.left
    assert (left.shard, result.num_dropped) == (shard.name, 0)


def test_a_shard_of_which_nothing_stays_is_an_empty_archive(write_shards, run_dir):
    write_shards(
        run_dir, [("x", step, {"png": PICTURES[step]}) for step in range(3)], shard_bytes=1
    )
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step < 2)
    shards = sorted(run_dir.glob("*.tar"))
    assert [list(scan_shard(shard)) for shard in shards[:2]] == [[ShardEnd(0)]] * 2
    assert result.sizes == {shard.name: 1024 for shard in shards[:2]}
    assert subprocess.run(["tar", "tf", shards[0]], capture_output=True, check=True).stdout == b""
    assert problems(run_dir) == []


def test_what_a_newer_version_stored_beside_a_picture_stays(write_shards, run_dir):
    log = [("x", step, {"png": PICTURES[0]}) for step in range(2)]
    write_shards(run_dir, log, is_packed=False)
    (shard,) = run_dir.glob("*.tar")
    add_from_the_future(shard)
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    (record,) = map(json.loads, lines(shard))
    assert record["weather"] == {"sun": [1.50, "é"]}
    assert record["members"][0]["unit"] == "lux"
    assert b'{"sun": [1.50, "\\u00e9"]}' in lines(shard)[0]
    with tarfile.open(shard) as archive:
        assert archive.extractfile("x/1-0.depth.exr").read() == b"depth"
    assert problems(run_dir) == []


def add_from_the_future(shard: Path) -> None:
    """Give the last sample fields and a file that this version does not know."""
    from filmstrip.shard.tar import pack_header, padding

    data = shard.read_bytes()
    last = [s for s in scan_shard(shard) if isinstance(s, StoredSample)][-1]
    line = lines(shard)[-1]
    body = line[:-20].replace(b'{"name":', b'{"unit":"lux","name":')
    line = _sealed(body + b',"weather":{"sun": [1.50, "\\u00e9"]}')
    link = pack_header("x/1-0.png", 0, mtime_secs=7, link="x/0-0.png")
    parts = [data[: last.offset], link]
    for path, content in (("x/1-0.depth.exr", b"depth"), ("x/1-0.json", line)):
        parts += [pack_header(path, len(content), mtime_secs=7), content, padding(len(content))]
    shard.write_bytes(b"".join(parts) + END_OF_ARCHIVE)
    assert isinstance(list(scan_shard(shard))[-2], StoredSample)


def test_a_writer_is_told_where_bytes_are_now(write_shards, run_dir):
    a, b = PICTURES[:2]
    write_shards(
        run_dir, [("x", 0, {"png": a}), ("x", 1, {"png": b}), ("x", 2, {"png": a})], shard_bytes=1
    )
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step < 2)
    names = [f"{WRITER}-{number:05d}.tar" for number in range(3)]
    assert result.moved == {
        Place(names[0], "x/0-0.png"): Place(names[2], "x/2-0.png"),
        Place(names[1], "x/1-0.png"): None,
    }
    assert result.sizes == {name: (run_dir / name).stat().st_size for name in names}


def test_the_unsealed_shard_of_a_live_writer_is_left_and_what_it_links_to_stays(
    write_shards, run_dir
):
    a, b = PICTURES[:2]
    log = [("x", 0, {"png": a}), ("x", 1, {"png": b}), ("x", 2, {"png": a}), ("x", 3, {"png": b})]
    write_shards(run_dir, log, shard_bytes=2500, is_sealed=False)
    first, last = sorted(run_dir.glob("*.tar"))
    stored = last.read_bytes()
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step in (0, 1, 2))
    assert last.read_bytes() == stored
    assert [image[1] for image in read(run_dir)[0]] == [0, 1, 2, 3]
    assert result.left == [LeftShard(last.name, "it is not sealed: its writer may be at work")]
    assert (result.num_dropped, result.num_pinned, result.freed_bytes) == (0, 2, 0)
    assert first.exists()

    done = rewrite_shards(run_dir, WRITER, lambda r: r.step in (0, 1, 2), is_writer_alive=False)
    assert [image[1] for image in read(run_dir)[0]] == [3]
    assert (done.num_dropped, done.left, problems(run_dir)) == (3, [], [])


def test_what_another_writer_links_to_stays(write_shards, run_dir):
    write_shards(run_dir, [("x", 0, {"png": PICTURES[0]}), ("x", 1, {"png": PICTURES[1]})])
    pinned = [Place(f"{WRITER}-00000.tar", "x/1-0.png")]
    result = rewrite_shards(run_dir, WRITER, lambda _: True, pinned=pinned)
    assert [image[1] for image in read(run_dir)[0]] == [1]
    assert (result.num_dropped, result.num_pinned) == (1, 1)


def test_a_shard_with_a_damaged_record_is_left_and_the_others_are_not(write_shards, run_dir):
    log = [("x", step, {"png": PICTURES[step % 2]}) for step in range(4)]
    write_shards(run_dir, log, shard_bytes=3000)
    first = min(run_dir.glob("*.tar"))
    flip(first, first.read_bytes().index(b'"key"'))
    damaged = first.read_bytes()
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step != 3)
    assert first.read_bytes() == damaged
    assert [image[1] for image in read(run_dir)[0]] == [1, 3]
    (left,) = result.left
    assert left == LeftShard(
        first.name, "byte 1536: the record's checksum does not match its bytes"
    )
    # The image that stays still finds its bytes in the damaged shard.
    assert read(run_dir)[0][-1][-1] == PICTURES[1]


def flip(shard: Path, offset: int) -> None:
    data = bytearray(shard.read_bytes())
    data[offset] ^= 1
    shard.write_bytes(data)


@pytest.mark.parametrize("step", [1, 2], ids=["of an image that stays", "that two images share"])
def test_a_shard_with_altered_pixels_that_are_to_stay_is_left(write_shards, run_dir, step):
    a, b, c = PICTURES[:3]
    log = [("x", 0, {"png": c}), ("x", 1, {"png": a}), ("x", 2, {"png": b}), ("x", 3, {"png": b})]
    write_shards(run_dir, log, shard_bytes=6000)
    first = min(run_dir.glob("*.tar"))
    place = first.read_bytes().index((a, b)[step - 1][:10])
    flip(first, place)
    damaged = first.read_bytes()
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step in (0, 2))
    assert first.read_bytes() == damaged
    assert [(left.shard, left.reason[:9]) for left in result.left] == [
        (first.name, f"byte {place}")
    ]
    assert StoredRun(run_dir).steps("x") == [0, 1, 2, 3]


def test_a_copy_that_is_damaged_never_replaces_one_that_is_whole(write_shards, run_dir):
    """As after a prune that was killed, a picture is there twice; the first one is altered."""
    a = PICTURES[0]
    write_shards(run_dir, [("x", 0, {"png": a})])
    log = [("x", 1, {"png": a}), ("x", 2, {"png": a})]
    write_shards(run_dir, log, writer="w", is_packed=False)
    (first,) = run_dir.glob(f"{WRITER}*")
    second = first.with_name(f"{WRITER}-00001.tar")
    second.write_bytes((run_dir / "w-00000.tar").read_bytes())
    (run_dir / "w-00000.tar").unlink()
    rename_link_shard(second, "w-00000.tar", second.name)
    flip(first, first.read_bytes().index(a))
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 1)
    images = {image.step: image for image in StoredRun(run_dir).images("x")}
    assert images[2].bytes() == a
    assert sorted(images) == [0, 2]


def test_the_last_whole_copy_of_a_picture_stays_as_long_as_an_image_needs_it(write_shards, run_dir):
    """No link can name the path of the first copy: so there is a second, and it is altered."""
    a, b = PICTURES[:2]
    log = [(LONG_KEY, 0, {"png": a, LONG_MEMBER: b}), ("x", 1, {"png": b}), ("x", 0, {"png": a})]
    write_shards(run_dir, log, shard_bytes=1)
    second = sorted(run_dir.glob("*.tar"))[1]
    flip(second, second.read_bytes().index(b))
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    assert (result.num_dropped, result.num_pinned) == (1, 1)
    (image,) = StoredRun(run_dir).images("x")
    assert (image.step, image.bytes()) == (1, b)


def rename_link_shard(shard: Path, old: str, new: str) -> None:
    from filmstrip.record import relink_record
    from filmstrip.shard.tar import pack_header, padding

    last = [s for s in scan_shard(shard) if isinstance(s, StoredSample)][-1]
    line = relink_record(lines(shard)[-1], {"png": ("x/1-0.png", new)})
    tail = pack_header("x/2-0.png", 0, mtime_secs=7, link="x/1-0.png")
    tail += pack_header("x/2-0.json", len(line), mtime_secs=7) + line + padding(len(line))
    shard.write_bytes(shard.read_bytes()[: last.offset] + tail + END_OF_ARCHIVE)
    assert [place.shard for place in link_places([last])] == [old]


def test_a_disk_that_is_full_leaves_everything_and_the_result_says_so(
    write_shards, run_dir, monkeypatch
):
    write_shards(run_dir, [("x", step, {"png": PICTURES[0]}) for step in range(3)], shard_bytes=1)
    before = {path.name: path.read_bytes() for path in run_dir.iterdir()}
    full = OSError(28, "No space left on device")

    def fail(_fd: int) -> None:
        raise full

    monkeypatch.setattr(os, "fsync", fail)
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    assert (result.failure, result.num_dropped, result.freed_bytes) == (full, 0, 0)
    assert {path.name: path.read_bytes() for path in run_dir.iterdir()} == before


def test_a_shard_that_does_not_read_back_takes_nobody_s_place(write_shards, run_dir, monkeypatch):
    write_shards(run_dir, [("x", step, {"png": PICTURES[step]}) for step in range(3)])
    (shard,) = run_dir.glob("*.tar")
    before = shard.read_bytes()

    def cut(fd: int) -> None:
        os.ftruncate(fd, os.fstat(fd).st_size - 2000)

    monkeypatch.setattr(os, "fsync", cut)
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    assert str(result.failure) == (
        f"what was written does not read back: {shard.with_name(f'.{shard.name}.new')}"
    )
    assert (shard.read_bytes(), names(run_dir)) == (before, [shard.name])


def test_a_shard_that_grows_meanwhile_is_left(write_shards, run_dir, monkeypatch):
    log = [("x", step, {"png": PICTURES[step]}) for step in range(4)]
    write_shards(run_dir, log, is_sealed=False)
    (shard,) = run_dir.glob("*.tar")
    whole = shard.read_bytes()
    write_shards(run_dir, log[:3], is_sealed=False)

    def grow(_fd: int) -> None:
        shard.write_bytes(whole)

    monkeypatch.setattr(os, "fsync", grow)
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step == 0, is_writer_alive=False)
    assert result.left == [LeftShard(shard.name, "it was written to in the meantime")]
    assert (result.num_dropped, shard.read_bytes()) == (0, whole)


@settings(max_examples=40)
@given(entries(), some_steps, st.integers(0, 8))
def test_a_disk_that_fills_up_on_the_way_leaves_what_can_be_finished_later(
    write_shards, fresh_dir, logged, steps, num_written
):
    run_dir = fresh_dir()
    write_shards(run_dir, logged, shard_bytes=1)
    images, values = read(run_dir)
    left = [num_written]

    def fill_up(_fd: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")

    before_bytes = total_bytes(run_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fill_up)
        first = rewrite_shards(run_dir, WRITER, lambda r: r.step in steps)
    assert total_bytes(run_dir) == before_bytes - first.freed_bytes
    assert len(read(run_dir)[0]) == len(images) - first.num_dropped
    assert problems(run_dir) == []
    second = rewrite_shards(run_dir, WRITER, lambda r: r.step in steps)
    assert read(run_dir) == ([image for image in images if image[1] not in steps], values)
    assert total_bytes(run_dir) == before_bytes - first.freed_bytes - second.freed_bytes


def test_a_second_prune_rewrites_only_what_the_first_did_not(write_shards, run_dir):
    write_shards(run_dir, [("x", step, {"png": PICTURES[0]}) for step in range(5)], shard_bytes=1)
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 3)
        with pytest.raises(Killed):
            rewrite_shards(run_dir, WRITER, lambda r: r.step < 2)
    result = rewrite_shards(run_dir, WRITER, lambda r: r.step < 2)
    assert sorted(result.sizes) == [f"{WRITER}-0000{number}.tar" for number in (0, 1)]


def test_no_link_names_a_path_that_tar_has_no_room_for(write_shards, run_dir):
    files = {"png": PICTURES[1], LONG_MEMBER: PICTURES[2]}
    log = [("x", 0, files), *((LONG_KEY, step, files) for step in range(3)), ("y", 3, files)]
    write_shards(run_dir, log)
    images = read(run_dir)[0]
    rewrite_shards(run_dir, WRITER, lambda r: r.step == 0)
    assert read(run_dir)[0] == [image for image in images if image[1] != 0]
    samples = [s for found in StoredRun(run_dir).samples_by_shard().values() for s in found]
    masks = [s.record.members[1].link for s in samples]
    assert [len(link) <= 100 for link in masks] == [True] * 3
    assert masks[:2] == ["", ""]
    assert problems(run_dir) == []


DAMAGE = st.lists(
    st.tuples(st.integers(0, 2**20), st.integers(0, 7), st.booleans()), min_size=1, max_size=3
)


@settings(max_examples=150)
@given(entries(), some_steps, shard_sizes, DAMAGE)
def test_whatever_is_damaged_no_image_that_is_whole_and_stays_is_lost(
    write_shards, fresh_dir, logged, steps, shard_bytes, damage
):
    run_dir = fresh_dir()
    write_shards(run_dir, logged, shard_bytes=shard_bytes)
    for place, bit, is_cut in damage:
        shards = sorted(run_dir.glob("*.tar"))
        shard = shards[place % len(shards)]
        data = bytearray(shard.read_bytes())
        if not data:
            continue
        data[place % len(data)] ^= 1 << bit
        shard.write_bytes(data[: place % len(data)] if is_cut else data)
    before = whole(run_dir)
    rewrite_shards(run_dir, WRITER, lambda r: r.step in steps, is_writer_alive=False)
    after = whole(run_dir)
    assert {image for image in before if image[1] not in steps} <= after <= before


def whole(run_dir: Path) -> set[tuple]:
    """The images whose every file reads."""
    found = set()
    run = StoredRun(run_dir)
    for key in run.keys():  # noqa: SIM118
        for image in run.images(key):
            with contextlib.suppress(DamagedError):
                record = image.record
                found.add((key, image.step, record.index, record.seq, *files(image)))
    return found


def test_two_at_once_are_refused(write_shards, run_dir):
    write_shards(run_dir, [("x", 0, {"png": PICTURES[0]})])
    with (run_dir / f".{WRITER}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RunBusyError) as caught:
            rewrite_shards(run_dir, WRITER, lambda _: True)
    assert str(caught.value) == (
        "expected to be the only one that prunes run 'r1', got another process that does; "
        "try again when it is done"
    )
    assert StoredRun(run_dir).steps("x") == [0]


def test_a_lock_that_a_killed_process_left_does_not_stand_in_the_way(write_shards, run_dir):
    write_shards(run_dir, [("x", 0, {"png": PICTURES[0]})])
    (run_dir / f".{WRITER}.lock").touch()
    (run_dir / f".{WRITER}-00000.tar.new").write_bytes(b"half")
    (run_dir / f".{WRITER}-00007.tar.new").write_bytes(b"half")
    assert rewrite_shards(run_dir, WRITER, lambda _: True).num_dropped == 1
    assert names(run_dir) == [f"{WRITER}-00000.tar"]


def test_an_image_listed_before_its_shard_was_rewritten_is_found_again_or_refused(
    write_shards, run_dir
):
    log = [("x", step, {"png": PICTURES[step % 3]}) for step in range(4)]
    write_shards(run_dir, log)
    images = StoredRun(run_dir).images("x")
    (shard,) = run_dir.glob("*.tar")
    rewrite_shards(run_dir, WRITER, lambda r: r.step < 2)
    assert [image.bytes() for image in images[2:]] == [PICTURES[2], PICTURES[0]]
    assert images[0].bytes() == PICTURES[0]  # another image has it
    with pytest.raises(DamagedError) as caught:
        images[1].bytes()
    assert str(caught.value) == (
        "expected the bytes that were logged, got no copy of 'png' any more: the image was pruned; "
        f"run `filmstrip verify` for all of it: {shard} at byte 2560"
    )


def test_a_run_that_was_read_notices_that_its_shards_were_rewritten(write_shards, run_dir):
    write_shards(
        run_dir, [("x", step, {"png": PICTURES[0]}) for step in range(6)], shard_bytes=3000
    )
    run = StoredRun(run_dir)
    assert run.steps("x") == [0, 1, 2, 3, 4, 5]
    rewrite_shards(run_dir, WRITER, lambda r: r.step in (0, 3))
    assert [image.step for image in run.images("x") if image.bytes() == PICTURES[0]] == [1, 2, 4, 5]
    rewrite_shards(run_dir, WRITER, lambda r: r.step in (1, 4))
    assert [image.step for image in run.images("x") if image.bytes() == PICTURES[0]] == [2, 5]


def test_a_prune_reports_its_progress_in_bytes(write_shards, run_dir):
    write_shards(run_dir, [("x", step, {"png": PICTURES[3]}) for step in range(3)], shard_bytes=1)
    sizes = [path.stat().st_size for path in sorted(run_dir.iterdir())]
    seen: list[tuple[int, int]] = []

    def report(done: int, total: int) -> None:
        seen.append((done, total))

    rewrite_shards(run_dir, WRITER, lambda r: r.step == 0, on_bytes=report)
    total = sum(sizes)
    assert seen == [(sizes[2], total), (sizes[2] + sizes[1], total), (total, total)]
