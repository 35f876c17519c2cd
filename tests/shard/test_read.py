from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmstrip.errors import DamagedError
from filmstrip.record import (
    ImageRecord,
    Member,
    SourceInfo,
    ValuesRecord,
    decode_record,
    encode_record,
)
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender
from filmstrip.shard.read import (
    Damage,
    DamageKind,
    ShardEnd,
    StoredSample,
    read_member,
    scan_shard,
)
from filmstrip.shard.revisits import RevisitsPacker, header_offset, line_end, read_line
from filmstrip.shard.tar import BLOCK_SIZE, pack_header, parse_header

rng = random.Random(7)
PICTURES = [rng.randbytes(size) for size in (5, 511, 512, 513, 3000, 700)]


PLACES = st.integers(0, 10**6)
KINDS = st.sampled_from(["overwrite", "insert", "zeros", "delete", "repeat"])


def member(name: str, data: bytes) -> EncodedMember:
    return EncodedMember(name, data, hashlib.sha256(data).digest())


def image(step: int, *members: EncodedMember) -> EncodedImage:
    record = ImageRecord(
        run_id="r", key="x", step=step, index=0, time=1.7e9, width=1, height=1, mode="L",
        format="png", source=SourceInfo(kind="numpy"), members=[],
    )  # fmt: skip
    return EncodedImage(record, members)


def shard_bytes(folder: Path) -> bytes:
    """A shard of six pictures, masks, a hard link, two revisits and two records of values."""
    appender = ShardAppender(folder, "w")
    appender.append([ValuesRecord(run_id="r", step=0, time=0.0, values={"loss": 0.5})])
    for step, data in enumerate(PICTURES):
        masks = [member("m.mask.png", data[:100])] if step in (1, 4) else []
        appender.append([image(step, member("png", data), *masks)])
    appender.append([image(6, member("png", PICTURES[2]), member("m.mask.png", b"mask"))])
    mask = member("m.mask.png", PICTURES[1][:100])
    appender.append([image(7, member("png", PICTURES[3])), image(8, member("png", b"mask"), mask)])
    appender.append([ValuesRecord(run_id="r", step=6, time=0.0, values={"loss": 0.25})])
    appender.close()
    return (folder / "w-00000.tar").read_bytes()


class Shard:
    """A shard's bytes and samples, and a file that tests overwrite."""

    def __init__(self, folder: Path) -> None:
        self.whole = shard_bytes(folder)
        self.path = folder / "w-00000.tar"
        self.originals = {s.path: s for s in samples(scan_shard(self.path))}

    def scan(self, data: bytes, *, start: int = 0) -> list[StoredSample | Damage | ShardEnd]:
        self.path.write_bytes(data)
        return list(scan_shard(self.path, start=start))


@pytest.fixture(scope="module")
def shard(tmp_path_factory) -> Shard:
    return Shard(tmp_path_factory.mktemp("shard"))


def ends(shard: Shard) -> dict[str, int]:
    """Return where each sample ends in the file: revisits do where the last of them does."""
    revisits_end = shard.originals["x/8-0"].end_offset
    return {
        path: revisits_end if sample.is_revisit else sample.end_offset
        for path, sample in shard.originals.items()
    }


def samples(found) -> list[StoredSample]:
    return [one for one in found if isinstance(one, StoredSample)]


def damages(found) -> list[Damage]:
    return [one for one in found if isinstance(one, Damage)]


def assert_bytes_are_original_or_refused(sample: StoredSample) -> None:
    for stored in sample.record.members if isinstance(sample.record, ImageRecord) else ():
        if stored.name in sample.locations:
            try:
                data = read_member(sample.locations[stored.name], stored)
            except DamagedError:
                continue
            assert hashlib.sha256(data).hexdigest() == stored.sha256


def test_a_whole_shard_yields_its_samples_in_order_and_its_end(shard):
    found = shard.scan(shard.whole)
    assert [s.path for s in samples(found)] == [
        "__values.0.0__", "x/0-0", "x/1-0", "x/2-0", "x/3-0", "x/4-0", "x/5-0", "x/6-0",
        "x/7-0", "x/8-0", "__values.6.1__",
    ]  # fmt: skip
    assert found[-1] == ShardEnd(len(shard.whole) - 1024)
    assert damages(found) == []


def test_every_member_reads_back_as_it_was_written(shard):
    pictures = [
        read_member(s.locations["png"], s.record.members[0])
        for s in shard.originals.values()
        if "png" in s.locations
    ]
    assert pictures == PICTURES


def test_a_hard_link_has_no_bytes_of_its_own(shard):
    linked = shard.originals["x/6-0"]
    assert linked.locations.keys() == {"m.mask.png"}
    assert linked.record.members[0].link == "x/2-0.png"


def test_revisits_have_no_bytes_of_their_own_and_share_a_member(shard):
    first, last = shard.originals["x/7-0"], shard.originals["x/8-0"]
    assert [(one.locations, one.is_revisit) for one in (first, last)] == [({}, True)] * 2
    assert [m.link for m in last.record.members] == ["x/6-0.m.mask.png", "x/1-0.m.mask.png"]
    assert last.line.offset == first.line.offset + 1
    assert last.line.size_bytes == first.line.size_bytes
    with shard.path.open("rb") as file:
        lines = [read_line(file, s.line.offset, s.line.size_bytes) for s in (first, last)]
    assert [decode_record(line) for line in lines] == [first.record, last.record]


def test_the_sizes_of_samples_make_up_the_shard(shard):
    sizes = [sample.size_bytes for sample in shard.originals.values()]
    assert sum(sizes) == len(shard.whole) - 1024
    first, last = shard.originals["x/7-0"], shard.originals["x/8-0"]
    assert first.line_bytes + last.line_bytes == first.line.size_bytes
    assert abs(first.size_bytes - last.size_bytes) <= 1


@pytest.mark.parametrize("path", ["x/7-0", "x/8-0"])
def test_a_pass_may_begin_at_any_revisit(shard, path):
    found = shard.scan(shard.whole, start=shard.originals[path].offset)
    assert samples(found)[0] == shard.originals[path]
    assert samples(found)[-1].path == "__values.6.1__"
    assert damages(found) == []


def test_a_pass_that_begins_at_a_revisit_whose_header_is_damaged_passes_over_no_other(shard):
    revisit = shard.originals["x/8-0"]
    more = shard.whole[shard.originals["x/7-0"].offset : revisit.end_offset]
    data = flip(shard.whole[: revisit.end_offset], header_offset(revisit.offset) + 3) + more
    found = shard.scan(data, start=revisit.offset)
    assert [s.path for s in samples(found)] == ["x/7-0", "x/8-0"]
    assert [d.kind for d in damages(found)] == [DamageKind.HEADER]


@pytest.mark.parametrize(
    ("record", "detail"),
    [
        (
            ValuesRecord(run_id="r", step=0, time=0.0, values={}),
            "a record that stands among revisits is none",
        ),
        (
            ImageRecord(
                run_id="r", key="x", step=9, index=0, time=0.0, width=1, height=1, mode="L",
                format="png", source=SourceInfo(kind="numpy"),
                members=[Member(name="png", size_bytes=5, sha256="")],
            ),
            "a record that stands among revisits is none",
        ),
        (None, "the record's checksum does not match its bytes"),
    ],
)  # fmt: skip
def test_what_is_no_revisit_is_not_taken_for_one(shard, record, detail):
    packer = RevisitsPacker()
    packer.add(encode_record(record) if record else b"{}", mtime_secs=0)
    data = b"".join(packer.flush())
    (damage,) = shard.scan(data)
    assert (damage.kind, damage.offset, damage.detail) == (DamageKind.RECORD, 512, detail)
    assert damage.sample == parse_header(data[:512]).path


def test_samples_lie_one_behind_the_other(shard):
    ends = [s.end_offset for s in shard.originals.values()]
    assert [s.offset for s in shard.originals.values()] == [0, *ends[:-1]]


def test_reading_goes_on_where_a_sample_ended(shard):
    found = shard.scan(shard.whole, start=shard.originals["x/3-0"].end_offset)
    assert [s.path for s in samples(found)] == [
        "x/4-0", "x/5-0", "x/6-0", "x/7-0", "x/8-0", "__values.6.1__",
    ]  # fmt: skip
    assert samples(found)[0] == shard.originals["x/4-0"]


def test_an_empty_file_holds_nothing(shard):
    assert shard.scan(b"") == []


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(scan_shard(tmp_path / "no.tar"))


def test_a_shard_without_its_end_has_all_samples_and_no_damage(shard):
    found = shard.scan(shard.whole[:-1024])
    assert len(samples(found)) == 11
    assert len(found) == 11


@settings(max_examples=600)
@given(PLACES)
def test_a_shard_that_is_cut_has_every_sample_before_the_cut(shard, place):
    size = place % (len(shard.whole) + 1)
    found = shard.scan(shard.whole[:size])
    lines = {path: s.line for path, s in shard.originals.items()}
    data_ends = {path: line_end(line.offset, line.size_bytes) for path, line in lines.items()}
    expected = [s for path, s in shard.originals.items() if data_ends[path] <= size]
    assert samples(found) == expected
    clean = {0, *ends(shard).values()}
    is_clean = size in clean or size > max(clean)  # the end may be cut, it says nothing
    assert [d.kind for d in damages(found)] == ([] if is_clean else [DamageKind.TORN])


def test_the_torn_tail_names_the_place_and_the_sample(shard):
    torn = shard.originals["x/4-0"]
    (found,) = damages(shard.scan(shard.whole[: torn.offset + 2000]))
    assert (found.kind, found.offset, found.sample) == (DamageKind.TORN, torn.offset, "x/4-0")
    assert found.detail == "the file ends inside a sample"


@settings(max_examples=1500)
@given(PLACES, st.integers(0, 7))
def test_one_flipped_bit_costs_one_sample_or_member_at_most_and_alters_none(shard, place, bit):
    place %= len(shard.whole)
    damaged = bytearray(shard.whole)
    damaged[place] ^= 1 << bit
    found = shard.scan(bytes(damaged))
    assert all(shard.originals[s.path] == s for s in samples(found))
    end = min((e for e in ends(shard).values() if place < e), default=0)
    hit = [path for path in shard.originals if ends(shard)[path] == end]
    lost = sorted(shard.originals.keys() - {s.path for s in samples(found)})
    assert lost in ([], hit)
    assert bool(damages(found)) or not lost
    for sample in samples(found):
        assert_bytes_are_original_or_refused(sample)


@settings(max_examples=1000)
@given(st.lists(st.tuples(KINDS, PLACES, st.binary(max_size=1500)), min_size=1, max_size=6))
def test_no_damage_makes_the_reader_fail_or_alters_a_record(shard, accidents):
    damaged = bytearray(shard.whole)
    for kind, place, noise in accidents:
        at = place % (len(damaged) + 1)
        replaced, new = {
            "overwrite": (len(noise), noise),
            "insert": (0, noise),
            "zeros": (len(noise), bytes(len(noise))),
            "delete": (len(noise), b""),
            "repeat": (0, shard.whole[: len(noise) // BLOCK_SIZE * BLOCK_SIZE]),
        }[kind]
        damaged[at : at + replaced] = new
    found = shard.scan(bytes(damaged))
    records = [s.record for s in shard.originals.values()]
    for sample in samples(found):
        assert sample.record in records
        assert_bytes_are_original_or_refused(sample)


@settings(max_examples=500)
@given(
    PLACES,
    st.sampled_from(["x/0-0.png", "x/3-0.json", "a", "a/b", "/", "..", ".json"]),
    st.one_of(st.integers(0, 4000), st.integers(0, 8**11 - 1)),
    st.sampled_from(["", "x/0-0.png"]),
)
def test_headers_that_lie_with_a_right_checksum_do_not_make_the_reader_fail(
    shard, place, path, size_bytes, link
):
    at = place % (len(shard.whole) // BLOCK_SIZE) * BLOCK_SIZE
    lie = pack_header(path, size_bytes, mtime_secs=0, link=link)
    found = shard.scan(shard.whole[:at] + lie + shard.whole[at + BLOCK_SIZE :])
    records = [s.record for s in shard.originals.values()]
    assert all(s.record in records for s in samples(found))


def flip(whole: bytes, offset: int) -> bytes:
    return whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :]


def test_a_damaged_record_is_named_with_its_place_and_the_others_are_read(shard):
    sample = shard.originals["x/3-0"]
    record_at = shard.whole.index(b'{"kind":"image"', sample.offset)
    found = shard.scan(flip(shard.whole, record_at + 20))
    (damage,) = damages(found)
    assert (damage.kind, damage.offset, damage.sample) == (DamageKind.RECORD, record_at, "x/3-0")
    assert damage.detail == "the record's checksum does not match its bytes"
    assert len(samples(found)) == 10


def test_the_members_of_a_sample_whose_record_is_damaged_can_still_be_found(shard):
    sample = shard.originals["x/2-0"]
    record_at = shard.whole.index(b'{"kind":"image"', sample.offset)
    (damage,) = damages(shard.scan(flip(shard.whole, record_at)))
    assert damage.locations == sample.locations


def test_a_damaged_header_is_named_with_its_place_and_the_others_are_read(shard):
    sample = shard.originals["x/3-0"]
    found = shard.scan(flip(shard.whole, sample.offset + 3))
    header, missing = damages(found)
    assert (header.kind, header.offset) == (DamageKind.HEADER, sample.offset)
    assert header.detail == "the header's checksum does not match"
    assert (missing.kind, missing.sample) == (DamageKind.MISSING, "x/3-0")
    assert missing.detail == "member 'png' does not stand before its record"
    assert len(samples(found)) == 10


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("x/0-0", pack_header("x/0-0.png", 6, mtime_secs=0)),  # one byte more, of the padding
        ("x/6-0", pack_header("x/6-0.png", 0, mtime_secs=0, link="x/3-0.png")),
        ("x/6-0", pack_header("x/6-0.jpg", 0, mtime_secs=0, link="x/2-0.png")),
    ],
)
def test_a_member_that_is_not_the_one_that_its_record_names_is_missing(shard, path, member):
    at = shard.originals[path].offset
    found = shard.scan(shard.whole[:at] + member + shard.whole[at + BLOCK_SIZE :])
    (damage,) = damages(found)
    assert (damage.kind, damage.sample) == (DamageKind.MISSING, path)
    assert len(samples(found)) == 10


def test_the_last_header_can_be_damaged_too(shard):
    last = shard.originals["__values.6.1__"]
    (damage,) = damages(shard.scan(flip(shard.whole, last.offset)))
    assert (damage.kind, damage.offset) == (DamageKind.HEADER, last.offset)


def test_a_sample_whose_record_was_cut_out_is_reported(shard):
    sample = shard.originals["x/0-0"]
    record_at = shard.whole.index(b'{"kind":"image"', sample.offset) - BLOCK_SIZE
    found = shard.scan(shard.whole[:record_at] + shard.whole[sample.end_offset :])
    (damage,) = damages(found)
    assert (damage.kind, damage.offset) == (DamageKind.MISSING, sample.offset)
    assert damage.detail == "its record does not stand behind its members"
    assert len(samples(found)) == 10


def test_a_tail_of_zeros_as_a_power_cut_leaves_it_is_damage_and_costs_nothing(shard):
    found = shard.scan(shard.whole[:-1024] + bytes(8192))
    assert len(samples(found)) == 11
    (damage,) = damages(found)
    assert (damage.kind, damage.offset) == (DamageKind.HEADER, len(shard.whole) - 1024)


def test_damaged_bytes_of_a_member_are_refused_with_their_place(shard):
    sample = shard.originals["x/3-0"]
    at = sample.locations["png"].offset
    shard.path.write_bytes(flip(shard.whole, at + 100))
    with pytest.raises(DamagedError) as caught:
        read_member(sample.locations["png"], sample.record.members[0])
    assert str(caught.value) == (
        "expected the bytes that were logged, got other bytes in member 'png'; "
        f"run `filmstrip verify` for all of it: {shard.path} at byte {at}"
    )


def test_a_shard_that_grows_is_read_from_where_the_last_whole_sample_ended(shard):
    start, seen = 0, []
    for size in [*range(0, len(shard.whole), 700), len(shard.whole)]:
        for found in shard.scan(shard.whole[:size], start=start):
            if isinstance(found, StoredSample):
                seen.append(found)
                start = found.end_offset
    assert seen == list(shard.originals.values())


@pytest.mark.parametrize("extra", [1, 100, 511, 512, 600, 1100])
def test_a_shard_that_grows_while_it_is_read_is_read_as_long_as_it_was(shard, extra):
    sample = shard.originals["x/3-0"]
    shard.path.write_bytes(shard.whole[: sample.offset + extra])
    scan = scan_shard(shard.path)
    first = next(scan)
    shard.path.write_bytes(shard.whole)
    *rest, torn = scan
    assert [first, *rest] == [s for s in shard.originals.values() if s.offset < sample.offset]
    assert (torn.kind, torn.offset) == (DamageKind.TORN, sample.offset)
