"""Shards of every format that was released open for ever, and give exactly what was logged."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

import filmstrip
from filmstrip.record import SCHEMA_VERSION, ImageRecord
from filmstrip.shard.read import DamageKind, StoredSample, scan_shard

GOLDEN = Path(__file__).parent
VERSIONS = sorted(GOLDEN.glob("v*"))
SINCE_REVISITS = GOLDEN / f"v{SCHEMA_VERSION}-revisits"
each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)


def expected(version: Path) -> list[dict]:
    """What must be read: in the order of the shards, records without their checksums."""
    entries = json.loads((version / "expected.json").read_text("utf-8"))
    for entry in entries:
        del entry["record"]["crc32"]
    return entries


def stored(version: Path) -> filmstrip.StoredRun:
    (run,) = filmstrip.open(version).runs()
    return run


def place(record: dict) -> tuple:
    return record["key"], record["step"], record.get("session", 0), record["index"]


def test_the_present_version_has_golden_shards():
    assert GOLDEN / f"v{SCHEMA_VERSION}" in VERSIONS


@each_version
def test_every_record_is_read_as_it_was_written(version):
    shards = sorted(stored(version).dir.glob("*.tar"))
    found = [one for shard in shards for one in scan_shard(shard) if isinstance(one, StoredSample)]
    assert [msgspec.to_builtins(sample.record) for sample in found] == [
        entry["record"] for entry in expected(version)
    ]


@each_version
def test_every_picture_and_mask_is_read_as_it_was_logged(version):
    run = stored(version)
    wanted = {place(e["record"]): e for e in expected(version) if e["record"]["kind"] == "image"}
    newest = {
        (key, step): max(s for k, t, s, _ in wanted if (k, t) == (key, step))
        for key, step, _, _ in wanted
    }
    shown = {where: e for where, e in wanted.items() if newest[where[:2]] == where[2]}
    keys = run.keys()
    images = {place(image.to_json()): image for key in keys for image in run.images(key)}
    assert images.keys() == shown.keys()
    for where, image in images.items():
        pixels = image.array()
        if shown[where]["pixels"] is not None:
            assert pixels.tolist() == shown[where]["pixels"]
        assert {k: m.array.tolist() for k, m in image.masks.items()} == shown[where]["masks"]


@each_version
def test_boxes_that_json_cannot_hold_as_numbers_are_read(version):
    (image,) = stored(version).images("overlays")
    boxes = image.boxes["predictions"]
    nan, inf = float("nan"), float("inf")
    assert np.array_equal(
        boxes.xyxy, [[1, 0.5, 3, 2.25], [nan, 0, inf, 1], [-4, -4, 90, 90]], equal_nan=True
    )
    assert np.array_equal(boxes.scores["p"], [0.5, nan, -inf], equal_nan=True)
    assert (boxes.captions, boxes.class_labels) == (
        ["first", None, "третий"],
        {1: "cat", 2: "dog", 7: "bird"},
    )
    assert len(image.boxes["none"]) == 0


@each_version
def test_values_are_read_with_their_types_and_the_newest_session_counts(version):
    first, second = stored(version).values()
    assert first.step == 0
    assert np.isnan(first.values.pop("best"))
    assert first.values == {"loss": 0.5, "note": "NaN", "done": False, "big": 2**64 - 1}
    assert (second.step, second.values) == (1, {"loss": 0.25})


@each_version
def test_the_run_s_description_is_read(version):
    info = stored(version).info
    assert (info.id, info.name, info.project, info.state) == ("golden", "золотой", "p", "running")
    assert (info.config, info.tags, info.notes) == (
        {"lr": 0.1, "n": [1, 2]}, ["a", "b"], "for ever"
    )  # fmt: skip
    assert (info.group, info.created, info.sessions) == ("g", 1_700_000_000.25, 3)


@each_version
def test_the_torn_tail_of_the_killed_session_is_the_only_damage(version):
    (damage,) = stored(version).damages()
    assert (damage.kind, damage.sample) == (DamageKind.TORN, "after/6-0")


def test_records_that_stand_together_are_part_of_what_is_proved_and_those_before_are_not():
    def revisits(version: Path) -> int:
        shards = stored(version).dir.glob("*.tar")
        found = [one for shard in shards for one in scan_shard(shard)]
        return sum(isinstance(one, StoredSample) and one.is_revisit for one in found)

    assert {version.name: revisits(version) for version in VERSIONS} == {"v1": 0, "v1-revisits": 7}
    assert SINCE_REVISITS in VERSIONS


@each_version
def test_links_into_an_earlier_shard_are_part_of_what_is_proved(version):
    shards = sorted(stored(version).dir.glob("*-s0-*.tar"))
    found = [one for one in scan_shard(shards[1]) if isinstance(one, StoredSample)]
    members = [m for s in found if isinstance(s.record, ImageRecord) for m in s.record.members]
    assert shards[0].name in {member.link_shard for member in members}
