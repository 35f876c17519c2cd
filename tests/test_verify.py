"""Checking a store: whatever was altered is named, and what was not stays readable."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import filmstrip
from filmstrip.errors import DamagedError
from filmstrip.folder import read_run_info, write_run_info
from filmstrip.record import ImageRecord, RunInfo, SourceInfo
from filmstrip.shard.append import EncodedImage, EncodedMember, ShardAppender
from filmstrip.shard.read import StoredSample, scan_shard
from filmstrip.shard.revisits import header_offset, line_end
from filmstrip.verify import Problem, ProblemKind, verify_store

CHECKSUM_TAIL = (154, 155)
"""Bytes of a tar header behind its checksum's digits: NUL and space mean the same there."""


def log_run(store: Path) -> Path:
    """Log pictures with masks, one of them again, and numbers; return the shard."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 9, 11, 3), np.uint8)
    ids = rng.integers(0, 3, (9, 11), np.uint8)
    with filmstrip.init(dir=store, id="r1") as run:
        for step in (0, 1):
            masks = {"truth": {"mask_data": ids + step}}
            run.log({"a": filmstrip.Image(pictures[step], masks=masks), "loss": 0.5}, step=step)
        run.log({"a": filmstrip.Image(pictures[0])}, step=2)
        run.log({"a": filmstrip.Image(pictures[2])}, step=3)
    (shard,) = run.dir.glob("*.tar")
    return shard


@pytest.fixture
def shard(tmp_path) -> Path:
    return log_run(tmp_path / "store")


@pytest.fixture
def revisited(write_shards, tmp_path) -> Path:
    """A shard with two images that bring no file between two that do."""
    run_dir = tmp_path / "store" / "runs" / "r1"
    a, b = b"a" * 700, b"b" * 30
    write_shards(run_dir, [("a", step, {"png": data}) for step, data in enumerate([a, a, a, b])])
    write_run_info(run_dir, RunInfo(id="r1", name="r1", project="p", created=0.0))
    return run_dir / "r0-s0-abcdef-00000.tar"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A shard that no test alters, to make altered copies of."""
    return log_run(tmp_path_factory.mktemp("whole") / "store")


def samples(shard: Path) -> list[StoredSample]:
    return [found for found in scan_shard(shard) if isinstance(found, StoredSample)]


def image_sample(shard: Path, step: int) -> StoredSample:
    return next(
        sample
        for sample in samples(shard)
        if isinstance(sample.record, ImageRecord) and sample.record.step == step
    )


def problems(shard: Path) -> list[Problem]:
    return list(verify_store(filmstrip.open(shard.parents[2])).problems)


def flip(shard: Path, offset: int, mask: int = 1) -> None:
    data = bytearray(shard.read_bytes())
    data[offset] ^= mask
    shard.write_bytes(data)


def readable_steps(shard: Path) -> set[int]:
    """Return the steps whose picture still reads."""
    run = filmstrip.open(shard.parents[2]).run("r1")
    steps = set()
    for image in run.images("a"):
        try:
            image.bytes()
        except DamagedError:
            continue
        steps.add(image.step)
    return steps


class TestWholeStores:
    def test_a_store_without_runs_is_well(self, tmp_path):
        filmstrip.init(dir=tmp_path / "store", id="r1").finish()
        store = filmstrip.open(tmp_path / "store")
        store.remove("r1")
        report = verify_store(store)
        assert (report.runs, report.shards, report.size_bytes, report.problems) == (0, 0, 0, ())

    def test_each_member_is_counted_once_and_links_are_followed(self, shard):
        report = verify_store(filmstrip.open(shard.parents[2]))
        assert report.problems == ()
        # Four pictures of which one is a link, two masks, two records of numbers.
        assert (report.runs, report.shards, report.samples, report.members) == (1, 1, 6, 5)
        assert report.size_bytes == shard.stat().st_size

    def test_several_runs_are_counted_together(self, tmp_path):
        for run_id in ("a", "b", "c"):
            with filmstrip.init(dir=tmp_path, id=run_id) as run:
                run.log({"x": 1})
        report = verify_store(filmstrip.open(tmp_path))
        assert (report.runs, report.shards, report.samples, report.problems) == (3, 3, 3, ())

    def test_progress_goes_up_to_the_size_of_all_shards(self, shard):
        seen: list[tuple[int, int]] = []
        verify_store(filmstrip.open(shard.parents[2]), on_bytes=lambda *r: seen.append(r))
        size = shard.stat().st_size
        assert {total for _, total in seen} == {size}
        done = [each for each, _ in seen]
        assert done == sorted(done)
        assert done[-1] == size - 1024  # the end-of-archive marker holds no sample

    def test_a_run_that_is_being_logged_is_well(self, tmp_path):
        run = filmstrip.init(dir=tmp_path / "store", id="live")
        run.log({"a": filmstrip.Image(np.eye(8))})
        assert verify_store(filmstrip.open(tmp_path / "store")).problems == ()
        run.finish()


class TestFlippedBits:
    def test_in_a_picture(self, shard):
        sample = image_sample(shard, 1)
        place = sample.locations["png"]
        flip(shard, place.offset + place.size_bytes // 2)
        (problem,) = problems(shard)
        assert replace(problem, detail="") == Problem(
            kind=ProblemKind.MEMBER,
            run_id="r1",
            file=shard.name,
            offset=place.offset,
            sample="a/1-0",
            key="a",
            step=1,
            member="png",
            detail="",
        )
        pattern = (
            rf"the sha256 of its {place.size_bytes} bytes is \w{{12}}…, the record says \w{{12}}…"
        )
        assert re.fullmatch(pattern, problem.detail)
        assert readable_steps(shard) == {0, 2, 3}

    def test_in_a_picture_that_later_ones_link_to(self, shard):
        place = image_sample(shard, 0).locations["png"]
        flip(shard, place.offset)
        damaged, dangling = problems(shard)
        assert (damaged.kind, damaged.sample) == (ProblemKind.MEMBER, "a/0-0")
        assert dangling == Problem(
            kind=ProblemKind.LINK,
            run_id="r1",
            file=shard.name,
            offset=image_sample(shard, 2).offset,
            sample="a/2-0",
            key="a",
            step=2,
            member="png",
            detail=f"the bytes that it links to are damaged or gone: a/0-0.png in {shard.name}",
        )
        assert readable_steps(shard) == {1, 3}

    def test_in_a_mask(self, shard):
        place = image_sample(shard, 1).locations["truth.mask.png"]
        flip(shard, place.offset + 30)
        (problem,) = problems(shard)
        assert (problem.kind, problem.offset) == (ProblemKind.MEMBER, place.offset)
        assert (problem.sample, problem.member) == ("a/1-0", "truth.mask.png")
        assert readable_steps(shard) == {0, 1, 2, 3}

    def test_in_a_record(self, shard):
        sample = image_sample(shard, 1)
        record_offset = shard.read_bytes().index(b'{"kind":"image"', sample.offset)
        flip(shard, record_offset + 40)
        (problem,) = problems(shard)
        assert replace(problem, detail="") == Problem(
            kind=ProblemKind.RECORD,
            run_id="r1",
            file=shard.name,
            offset=record_offset,
            sample="a/1-0",
            detail="",
        )
        assert readable_steps(shard) == {0, 2, 3}

    @pytest.mark.parametrize("member", ["png", "truth.mask.png"])
    def test_in_the_header_of_a_member(self, shard, member):
        sample = image_sample(shard, 1)
        header = sample.locations[member].offset - 512
        flip(shard, header + 130)
        assert problems(shard) == [
            Problem(
                kind=ProblemKind.HEADER,
                run_id="r1",
                file=shard.name,
                offset=header,
                sample="a/1-0",
                member=member,
                detail="the header's checksum does not match, so the sample is not whole",
            )
        ]
        assert readable_steps(shard) == {0, 2, 3}

    def test_in_the_name_in_a_header(self, shard):
        sample = image_sample(shard, 1)
        flip(shard, sample.offset)
        (problem,) = problems(shard)
        assert (problem.kind, problem.offset) == (ProblemKind.HEADER, sample.offset)
        assert (problem.sample, problem.member) == ("a/1-0", "")

    def test_in_the_header_of_a_record(self, shard):
        record = shard.read_bytes().index(b'{"kind":"image"', image_sample(shard, 1).offset)
        flip(shard, record - 512 + 130)
        (problem,) = problems(shard)
        assert (problem.kind, problem.offset) == (ProblemKind.HEADER, record - 512)
        assert (problem.sample, problem.member) == ("a/1-0", "json")
        assert readable_steps(shard) == {0, 2, 3}

    def test_in_the_header_of_numbers(self, shard):
        values = [s for s in samples(shard) if not isinstance(s.record, ImageRecord)][1]
        flip(shard, values.offset + 130)
        (problem,) = problems(shard)
        assert (problem.kind, problem.offset) == (ProblemKind.HEADER, values.offset)
        assert (problem.sample, problem.member) == (values.path, "")

    def test_in_the_zeros_behind_a_picture(self, shard):
        place = image_sample(shard, 1).locations["png"]
        flip(shard, place.offset + place.size_bytes)
        (problem,) = problems(shard)
        assert (problem.kind, problem.member) == (ProblemKind.PADDING, "png")
        assert problem.offset == place.offset + place.size_bytes
        assert readable_steps(shard) == {0, 1, 2, 3}

    def test_in_the_zeros_behind_a_record(self, shard):
        sample = image_sample(shard, 1)
        flip(shard, sample.end_offset - 1)
        (problem,) = problems(shard)
        assert (problem.kind, problem.sample, problem.member) == (
            ProblemKind.PADDING,
            "a/1-0",
            "json",
        )

    def test_in_a_record_among_revisits(self, revisited):
        first, last = [sample for sample in samples(revisited) if sample.is_revisit]
        header = header_offset(last.offset)
        path = revisited.read_bytes()[header : header + 21].decode()
        flip(revisited, first.line.offset + 40)
        assert problems(revisited) == [
            Problem(
                kind=ProblemKind.RECORD,
                run_id="r1",
                file=revisited.name,
                offset=first.line.offset,
                sample=path,
                detail="the checksum of these records does not match their bytes",
            )
        ]
        assert readable_steps(revisited) == {0, 3}

    def test_in_the_header_of_revisits(self, revisited):
        header = next(s for s in samples(revisited) if s.is_revisit).offset
        path = revisited.read_bytes()[header : header + 21].decode()
        flip(revisited, header + 130)
        (problem,) = problems(revisited)
        assert (problem.kind, problem.offset) == (ProblemKind.HEADER, header)
        assert problem.sample == path
        assert readable_steps(revisited) == {0, 3}

    def test_in_the_zeros_behind_revisits(self, revisited):
        last = [sample for sample in samples(revisited) if sample.is_revisit][-1]
        flip(revisited, last.end_offset - 1)
        (problem,) = problems(revisited)
        assert (problem.kind, problem.sample, problem.member) == (
            ProblemKind.PADDING,
            "a/2-0",
            "json",
        )
        assert problem.offset == line_end(last.line.offset, last.line.size_bytes)
        assert readable_steps(revisited) == {0, 1, 2, 3}

    def test_in_a_picture_that_revisits_lead_to(self, revisited):
        flip(revisited, image_sample(revisited, 0).locations["png"].offset)
        damaged, *dangling = problems(revisited)
        assert (damaged.kind, damaged.sample) == (ProblemKind.MEMBER, "a/0-0")
        first, last = [sample for sample in samples(revisited) if sample.is_revisit]
        assert [(p.kind, p.sample, p.step, p.offset) for p in dangling] == [
            (ProblemKind.LINK, "a/1-0", 1, first.offset),
            (ProblemKind.LINK, "a/2-0", 2, last.offset),
        ]

    @pytest.mark.parametrize("from_end", [1, 512, 513, 1024])
    def test_in_the_end_of_the_archive(self, shard, from_end):
        size = shard.stat().st_size
        flip(shard, size - from_end)
        (problem,) = problems(shard)
        assert size - 1024 <= problem.offset < size
        assert readable_steps(shard) == {0, 1, 2, 3}

    @settings(max_examples=150)
    @given(data=st.data())
    def test_anywhere(self, whole, data):
        """Every bit counts, but for one that swaps two terminators of a header's checksum."""
        original = whole.read_bytes()
        offset = data.draw(st.integers(0, len(original) - 1))
        bit = data.draw(st.integers(0, 7))
        altered = bytearray(original)
        altered[offset] ^= 1 << bit
        try:
            whole.write_bytes(altered)
            found = problems(whole)
        finally:
            whole.write_bytes(original)
        is_harmless = offset % 512 in CHECKSUM_TAIL and bytes(altered)[offset] in b"\0 "
        assert found or is_harmless
        assert all(p.offset is not None and p.offset <= offset for p in found[:1])


def forget_the_writers(run_dir: Path) -> None:
    """Leave a run as a killed writer of version 0.1 does: nobody says what was sealed."""
    for path in run_dir.glob("r*-s*.json"):
        path.unlink()


class TestCutFiles:
    @settings(max_examples=100)
    @given(data=st.data())
    @example(data=None)
    def test_a_finished_run_is_never_well_without_its_last_byte(self, whole, data):
        original = whole.read_bytes()
        size = len(original) - 1 if data is None else data.draw(st.integers(0, len(original) - 1))
        ends = [line_end(s.line.offset, s.line.size_bytes) for s in samples(whole)]
        try:
            whole.write_bytes(original[:size])
            found = problems(whole)
            kept = verify_store(filmstrip.open(whole.parents[2])).samples
        finally:
            whole.write_bytes(original)
        assert [p.kind for p in found] in ([ProblemKind.TORN], [ProblemKind.UNSEALED])
        assert found[0].offset <= size
        assert kept == sum(end <= size for end in ends)

    def test_a_tear_names_the_sample_that_it_goes_through(self, shard):
        sample = image_sample(shard, 3)
        place = sample.locations["png"]
        shard.write_bytes(shard.read_bytes()[: place.offset + 5])
        assert problems(shard) == [
            Problem(
                kind=ProblemKind.TORN,
                run_id="r1",
                file=shard.name,
                offset=sample.offset,
                sample="a/3-0",
                detail="the file ends inside a sample",
            )
        ]
        assert readable_steps(shard) == {0, 1, 2}

    def test_an_end_between_samples_is_a_problem_of_a_finished_run(self, shard):
        end = image_sample(shard, 2).end_offset
        shard.write_bytes(shard.read_bytes()[:end])
        assert problems(shard) == [
            Problem(
                kind=ProblemKind.UNSEALED,
                run_id="r1",
                file=shard.name,
                offset=end,
                detail="the file was cut, or could not be sealed: "
                "the end-of-archive marker is missing",
            )
        ]

    @pytest.mark.parametrize("state", ["running", "failed"])
    def test_an_end_between_samples_is_none_of_a_run_that_was_killed(self, shard, state):
        info = read_run_info(shard.parent)
        write_run_info(shard.parent, msgspec.structs.replace(info, state=state))
        forget_the_writers(shard.parent)
        shard.write_bytes(shard.read_bytes()[: image_sample(shard, 2).end_offset])
        assert problems(shard) == []

    def test_a_tear_is_one_whatever_the_state(self, shard):
        info = read_run_info(shard.parent)
        write_run_info(shard.parent, msgspec.structs.replace(info, state="running"))
        shard.write_bytes(shard.read_bytes()[: image_sample(shard, 2).end_offset + 700])
        assert [problem.kind for problem in problems(shard)] == [ProblemKind.TORN]

    def test_a_session_that_was_killed_and_resumed_need_not_be_sealed(self, shard):
        info = read_run_info(shard.parent)
        write_run_info(shard.parent, msgspec.structs.replace(info, state="running"))
        forget_the_writers(shard.parent)
        shard.write_bytes(shard.read_bytes()[: image_sample(shard, 2).end_offset])
        with filmstrip.init(dir=shard.parents[2], id="r1", resume="must") as run:
            run.log({"loss": 1})
        assert problems(shard) == []
        newest = max(shard.parent.glob("*-s1-*.tar"))
        newest.write_bytes(newest.read_bytes()[:-1024])
        assert [(p.kind, p.file) for p in problems(shard)] == [(ProblemKind.UNSEALED, newest.name)]

    def test_an_earlier_session_that_finished_was_sealed(self, shard):
        with filmstrip.init(dir=shard.parents[2], id="r1", resume="must") as run:
            run.log({"loss": 1})
        shard.write_bytes(shard.read_bytes()[: image_sample(shard, 2).end_offset])
        assert [(p.kind, p.file) for p in problems(shard)] == [(ProblemKind.UNSEALED, shard.name)]

    def test_an_end_that_has_grown_meanwhile_is_read_again(self, shard, monkeypatch):
        """A running run is written to while it is checked: half a sample is no tear then."""
        from filmstrip.verify import scan

        info = read_run_info(shard.parent)
        write_run_info(shard.parent, msgspec.structs.replace(info, state="running"))
        original = shard.read_bytes()
        shard.write_bytes(original[: image_sample(shard, 2).end_offset + 700])

        def scan_and_write_on(path, *, start=0):
            yield from scan_shard(path, start=start)
            path.write_bytes(original)

        monkeypatch.setattr(scan, "scan_shard", scan_and_write_on)
        report = verify_store(filmstrip.open(shard.parents[2]))
        assert (report.samples, report.problems) == (6, ())


class TestMissingFiles:
    @pytest.fixture
    def shards(self, tmp_path) -> list[Path]:
        """Three shards of one writer; the third has a link into the first."""
        store = tmp_path / "store"
        filmstrip.init(dir=store, id="r1").finish()
        run_dir = store / "runs" / "r1"
        appender = ShardAppender(run_dir, "r0-s0-abc", shard_bytes=1)
        for step, data in enumerate([b"same", b"other", b"same"]):
            digest = hashlib.sha256(data).digest()
            record = ImageRecord(
                run_id="r1", key="a", step=step, index=0, time=0.0, width=1, height=1, mode="L",
                format="png", source=SourceInfo(kind="bytes"), members=[],
            )  # fmt: skip
            appender.append([EncodedImage(record, [EncodedMember("png", data, digest)])])
        appender.close()
        return sorted(run_dir.glob("*.tar"))

    def test_all_there_is_well(self, shards):
        assert len(shards) == 3
        assert problems(shards[0]) == []

    def test_a_shard_that_links_point_into(self, shards):
        shards[0].unlink()
        link, missing = problems(shards[1])
        assert (link.kind, link.file, link.sample) == (ProblemKind.LINK, shards[2].name, "a/2-0")
        assert missing == Problem(
            kind=ProblemKind.MISSING_SHARD,
            run_id="r1",
            file=shards[0].name,
            detail="the file is missing, and all that was in it",
        )

    def test_the_only_shard_of_a_run(self, shard):
        shard.unlink()
        (missing,) = problems(shard)
        assert (missing.kind, missing.file) == (ProblemKind.MISSING_SHARD, shard.name)

    def test_a_shard_before_others_of_its_writer(self, shards):
        shards[1].unlink()
        (missing,) = problems(shards[0])
        assert (missing.kind, missing.file) == (ProblemKind.MISSING_SHARD, shards[1].name)

    def test_a_shard_with_a_successor_was_sealed_in_every_state(self, shards):
        info = read_run_info(shards[0].parent)
        write_run_info(shards[0].parent, msgspec.structs.replace(info, state="running", shards={}))
        shards[0].write_bytes(shards[0].read_bytes()[:-1024])
        (problem,) = problems(shards[0])
        assert (problem.kind, problem.file) == (ProblemKind.UNSEALED, shards[0].name)

    def test_a_damaged_sample_still_serves_the_links_to_its_whole_members(self, shards):
        record = shards[0].read_bytes().index(b'{"kind"')
        flip(shards[0], record + 30)
        assert [problem.kind for problem in problems(shards[0])] == [ProblemKind.RECORD]

    def test_a_shard_that_cannot_be_read(self, shards):
        shards[2].unlink()
        shards[2].mkdir()
        (problem,) = problems(shards[0])
        assert (problem.kind, problem.file) == (ProblemKind.UNREADABLE, shards[2].name)
        assert problem.detail == "Is a directory"


class TestRunInfo:
    @pytest.mark.parametrize(
        ("text", "detail"),
        [
            (None, "the file is missing"),
            ("{", "run.json is not of schema 1: Input data was truncated"),
            ('{"id": 3}', "run.json is not of schema 1: Expected `str`, got `int` - at `$.id`"),
        ],
    )
    def test_a_run_json_that_cannot_be_read(self, shard, text, detail):
        path = shard.parent / "run.json"
        path.unlink() if text is None else path.write_text(text)
        assert problems(shard) == [
            Problem(kind=ProblemKind.RUN_INFO, run_id="r1", file="run.json", detail=detail)
        ]


def test_a_problem_is_printed_with_all_that_is_known_of_its_place():
    problem = Problem(kind=ProblemKind.MISSING_SHARD, run_id="r", file="a.tar", detail="gone")
    assert str(problem) == "runs/r/a.tar: gone"
    problem = replace(problem, offset=3, sample="k/1-0", member="png")
    assert str(problem) == "runs/r/a.tar, byte 3, sample k/1-0, member png: gone"
