from __future__ import annotations

import errno
import hashlib
import os
import re
import tarfile

import msgspec
import pytest

from filmstrip.record import ImageRecord, SourceInfo, ValuesRecord
from filmstrip.shard import append
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender
from filmstrip.shard.names import Place
from filmstrip.shard.read import Damage, ShardEnd, StoredSample, scan_shard
from filmstrip.shard.tar import BLOCK_SIZE, END_OF_ARCHIVE


def member(name: str, data: bytes) -> EncodedMember:
    return EncodedMember(name, data, hashlib.sha256(data).digest())


def image(step: int, data: bytes, *, key: str = "x", mask: bytes | None = None) -> EncodedImage:
    record = ImageRecord(
        run_id="r", key=key, step=step, index=0, time=1.7e9, width=1, height=1, mode="L",
        format="png", source=SourceInfo(kind="numpy"), members=[],
    )  # fmt: skip
    members = [member("png", data)] + ([] if mask is None else [member("m.mask.png", mask)])
    return EncodedImage(record, members)


def values(step: int) -> ValuesRecord:
    return ValuesRecord(run_id="r", step=step, time=1.7e9, values={"loss": 0.5})


def samples(path) -> list[StoredSample]:
    return [found for found in scan_shard(path) if isinstance(found, StoredSample)]


def links(path) -> dict[str, str]:
    """Return what the files of later images lead to: hard links, and members of revisits."""
    with tarfile.open(path) as archive:
        found = {info.name: info.linkname for info in archive if info.islnk()}
    for sample in samples(path):
        if sample.is_revisit:
            found |= {f"{sample.path}.{m.name}": m.link for m in sample.record.members}
    return found


def members(path) -> list[str]:
    """Return the names in an archive, those of revisits without their checksums."""
    with tarfile.open(path) as archive:
        return [re.sub(r"(?<=__revisits\.).*", "", name) for name in archive.getnames()]


@pytest.fixture
def appender(tmp_path):
    made = ShardAppender(tmp_path, "w")
    yield made
    made.close()


def test_there_is_no_file_until_something_is_stored(appender, tmp_path):
    appender.close()
    assert list(tmp_path.iterdir()) == []


def test_members_stand_before_the_record_which_names_them(appender, tmp_path):
    appender.append([values(0), image(3, b"picture", mask=b"mask")])
    appender.close()
    with tarfile.open(tmp_path / "w-00000.tar") as archive:
        assert archive.getnames() == [
            "__values.0.0__", "x/3-0.png", "x/3-0.m.mask.png", "x/3-0.json",
        ]  # fmt: skip
        assert archive.extractfile("x/3-0.png").read() == b"picture"
    record = samples(tmp_path / "w-00000.tar")[1].record
    assert [(m.name, m.size_bytes, m.link) for m in record.members] == [
        ("png", 7, ""),
        ("m.mask.png", 4, ""),
    ]


def test_identical_bytes_of_one_call_are_stored_once(appender, tmp_path):
    appender.append([image(0, b"same"), image(1, b"same"), image(2, b"other", mask=b"same")])
    appender.close()
    assert links(tmp_path / "w-00000.tar") == {
        "x/1-0.png": "x/0-0.png",
        "x/2-0.m.mask.png": "x/0-0.png",
    }


def test_images_that_bring_no_file_come_together_as_long_as_they_follow_each_other(
    appender, tmp_path
):
    again = [image(step, b"same", mask=b"mask") for step in range(1, 8)]
    appender.append([image(0, b"same", mask=b"mask"), *again[:3], values(3), *again[3:5]])
    appender.append([again[5], image(9, b"same", mask=b"new"), again[6]])
    appender.close()
    assert members(tmp_path / "w-00000.tar") == [
        "x/0-0.png", "x/0-0.m.mask.png", "x/0-0.json", "__revisits.", "__values.3.0__",
        "__revisits.", "__revisits.", "x/9-0.png", "x/9-0.m.mask.png", "x/9-0.json", "__revisits.",
    ]  # fmt: skip
    records = [sample.record for sample in samples(tmp_path / "w-00000.tar")]
    assert [record.step for record in records] == [0, 1, 2, 3, 3, 4, 5, 6, 9, 7]
    assert links(tmp_path / "w-00000.tar")["x/9-0.png"] == "x/0-0.png"
    assert appender.num_images == 9


def test_eight_images_that_were_stored_before_take_three_blocks(appender, tmp_path):
    appender.append([image(0, bytes([number]) * 9) for number in range(8)])
    before = appender.size_bytes
    appender.append([image(1, bytes([number]) * 9) for number in range(8)])
    assert appender.size_bytes - before == 3 * BLOCK_SIZE


def test_identical_bytes_of_several_calls_are_stored_once(appender, tmp_path):
    appender.append([image(0, b"same")])
    appender.append([image(1, b"same")])
    appender.close()
    assert links(tmp_path / "w-00000.tar") == {"x/1-0.png": "x/0-0.png"}


def test_identical_bytes_within_one_sample_are_stored_once(appender, tmp_path):
    appender.append([image(0, b"same", mask=b"same")])
    assert links(tmp_path / "w-00000.tar") == {"x/0-0.m.mask.png": "x/0-0.png"}


def test_a_shard_is_sealed_at_its_size_and_the_next_one_links_into_it(tmp_path):
    appender = ShardAppender(tmp_path, "w", shard_bytes=4096)
    for step in range(4):
        appender.append([image(step, b"same")])
    appender.close()
    first, second = tmp_path / "w-00000.tar", tmp_path / "w-00001.tar"
    assert sorted(tmp_path.iterdir()) == [first, second]
    assert first.read_bytes().endswith(END_OF_ARCHIVE)
    assert [s.record.step for s in samples(first)] == [0, 1, 2]
    assert [(m.link, m.link_shard) for m in samples(second)[0].record.members] == [
        ("x/0-0.png", "w-00000.tar")
    ]


def test_a_path_that_no_hard_link_can_name_is_stored_again_and_a_shorter_one_is_linked(
    appender, tmp_path
):
    long_key, long_step = "k" * 50, 10**17
    long_mask = member(f"{'m' * 35}.mask.png", b"same")
    long_image = image(long_step, b"picture", key=long_key)
    long_image = EncodedImage(long_image.record, [*long_image.members, long_mask])
    appender.append([long_image, image(0, b"same"), image(1, b"same")])
    with tarfile.open(tmp_path / "w-00000.tar") as archive:
        lengths = [len(name) for name in archive.getnames() if "mask" in name]
    assert lengths[0] > 100
    assert links(tmp_path / "w-00000.tar") == {"x/1-0.png": "x/0-0.png"}


def test_more_files_than_one_system_call_takes_are_written(appender, tmp_path):
    appender.append([image(step, b"%d" % step) for step in range(1000)])
    assert [s.record.step for s in samples(tmp_path / "w-00000.tar")] == list(range(1000))


def test_a_second_writer_of_the_same_name_does_not_touch_the_first_one_s_file(appender, tmp_path):
    appender.append([image(0, b"first")])
    before = (tmp_path / "w-00000.tar").read_bytes()
    with pytest.raises(FileExistsError):
        ShardAppender(tmp_path, "w").append([image(0, b"second")])
    assert (tmp_path / "w-00000.tar").read_bytes() == before


@pytest.mark.parametrize("at_most", [1, 511, 512, 700, 5000])
def test_writes_that_the_system_cuts_short_are_completed(appender, tmp_path, monkeypatch, at_most):
    write = os.write
    monkeypatch.setattr(
        append.os, "writev", lambda fd, buffers: write(fd, b"".join(buffers)[:at_most])
    )
    monkeypatch.setattr(append.os, "write", lambda fd, data: write(fd, data[:at_most]))
    appender.append([image(step, bytes([step]) * 600) for step in range(3)])
    assert [s.record.step for s in samples(tmp_path / "w-00000.tar")] == [0, 1, 2]


class FullDisk:
    """Stands in for ``os.writev``: takes part of the bytes, then there is no room."""

    def __init__(self, room_bytes: int) -> None:
        self.room_bytes, self.writev = room_bytes, os.writev

    def __call__(self, fd: int, buffers: list[bytes]) -> int:
        data = b"".join(buffers)[: self.room_bytes]
        self.room_bytes -= len(data)
        if not data:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.writev(fd, [data])

    def write(self, fd: int, data: memoryview) -> int:
        return self(fd, [bytes(data)])


@pytest.mark.parametrize("room_bytes", [0, 1, 511, 512, 1300, 2048])
def test_what_does_not_fit_is_taken_back_and_the_shard_stays_whole(
    appender, tmp_path, monkeypatch, room_bytes
):
    shard = tmp_path / "w-00000.tar"
    appender.append([image(0, b"before")])
    size_bytes = shard.stat().st_size
    with monkeypatch.context() as patch:
        full = FullDisk(room_bytes)
        patch.setattr(append.os, "writev", full)
        patch.setattr(append.os, "write", full.write)
        with pytest.raises(OSError, match="No space left on device"):
            appender.append([image(1, b"lost"), image(2, b"lost too")])
    assert shard.stat().st_size == size_bytes
    appender.append([image(3, b"lost"), image(4, b"before")])
    appender.close()
    found = list(scan_shard(shard))
    assert [s.record.step for s in found[:-1]] == [0, 3, 4]
    assert isinstance(found[-1], ShardEnd)
    assert links(shard) == {"x/4-0.png": "x/0-0.png"}  # none into what was taken back
    assert (appender.num_images, appender.size_bytes) == (3, shard.stat().st_size)


def test_a_shard_that_cannot_be_mended_is_left_alone_and_the_next_one_begun(
    appender, tmp_path, monkeypatch
):
    appender.append([image(0, b"before")])
    with monkeypatch.context() as patch:
        full = FullDisk(700)
        patch.setattr(append.os, "writev", full)
        patch.setattr(append.os, "write", full.write)
        patch.setattr(append.os, "ftruncate", lambda fd, size: full(fd, []))
        with pytest.raises(OSError, match="No space left on device"):
            appender.append([image(1, b"lost")])
    appender.append([image(2, b"before")])
    appender.close()
    whole, torn = scan_shard(tmp_path / "w-00000.tar")
    assert isinstance(whole, StoredSample)
    assert isinstance(torn, Damage)
    assert [s.record.step for s in samples(tmp_path / "w-00001.tar")] == [2]
    assert links(tmp_path / "w-00001.tar") == {"x/2-0.png": "x/0-0.png"}


def test_a_shard_that_cannot_be_sealed_keeps_its_samples(appender, tmp_path, monkeypatch):
    appender.append([image(0, b"before")])
    with monkeypatch.context() as patch:
        patch.setattr(append.os, "writev", FullDisk(BLOCK_SIZE))
        patch.setattr(append.os, "write", FullDisk(0).write)
        with pytest.raises(OSError, match="No space left on device"):
            appender.close()
    assert [s.record.step for s in scan_shard(tmp_path / "w-00000.tar")] == [0]


def test_a_record_that_cannot_be_encoded_stores_nothing_of_its_call(appender, tmp_path):
    appender.append([image(0, b"before")])
    broken = ValuesRecord(run_id="r", step=1, time=0.0, values={"x": object()})
    with pytest.raises(TypeError):
        appender.append([image(1, b"lost"), broken])
    appender.append([image(2, b"lost")])
    assert [s.record.step for s in samples(tmp_path / "w-00000.tar")] == [0, 2]
    assert links(tmp_path / "w-00000.tar") == {}


def test_closing_twice_seals_once(appender, tmp_path):
    appender.append([image(0, b"a")])
    appender.close()
    sealed = (tmp_path / "w-00000.tar").read_bytes()
    appender.close()
    assert (tmp_path / "w-00000.tar").read_bytes() == sealed
    assert sealed.endswith(END_OF_ARCHIVE)


def test_after_shards_were_rewritten_links_lead_where_the_bytes_are_and_lost_ones_are_stored_anew(
    tmp_path,
):
    appender = ShardAppender(tmp_path, "w", shard_bytes=1)
    for step, data in enumerate([b"moved", b"gone", b"there"]):
        keyed = EncodedMember("png", data, hashlib.sha256(data).digest(), key=data)
        appender.append([EncodedImage(image(step, data).record, [keyed])])
    moved = {
        Place("w-00000.tar", "x/0-0.png"): Place("w-00001.tar", "x/9-0.png"),
        Place("w-00001.tar", "x/1-0.png"): None,
    }
    appender.follow(moved, {"w-00000.tar": 1024})
    for step, data in enumerate([b"moved", b"gone", b"there"], 3):
        appender.append([image(step, data)])
    appender.close()
    stored = [samples(path)[0].record.members[0] for path in sorted(tmp_path.iterdir())[3:]]
    assert [(member.link, member.link_shard) for member in stored] == [
        ("x/9-0.png", "w-00001.tar"),
        ("", ""),
        ("x/2-0.png", "w-00002.tar"),
    ]
    assert appender.sealed["w-00000.tar"] == 1024
    known = [appender.known.get(data) for data in (b"moved", b"gone", b"there")]
    assert [file and file.path for file in known] == ["x/9-0.png", None, "x/2-0.png"]


def test_a_picture_that_comes_again_with_a_very_large_record_is_a_sample_with_a_link(tmp_path):
    large = image(1, b"picture")
    large = EncodedImage(
        msgspec.structs.replace(large.record, caption="x" * 300_000), large.members
    )
    appender = ShardAppender(tmp_path, "r0-s0-a")
    appender.append([image(0, b"picture"), large, image(2, b"picture")])
    appender.close()
    found = samples(tmp_path / "r0-s0-a-00000.tar")
    assert [(one.record.step, one.is_revisit) for one in found] == [
        (0, False),
        (1, False),
        (2, True),
    ]
    assert found[1].record.caption == "x" * 300_000
    assert found[1].record.members[0].link == found[2].record.members[0].link == "x/0-0.png"
