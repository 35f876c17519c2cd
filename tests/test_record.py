from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from filmstrip.draft import image_record
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.image import Image
from filmstrip.record import (
    BoxLayer,
    ClassLabel,
    ImageRecord,
    MaskLayer,
    Member,
    RecordDamagedError,
    RunInfo,
    ScoreColumn,
    SourceInfo,
    ValuesRecord,
    decode_record,
    decode_run_info,
    encode_record,
    encode_run_info,
    float_from_number,
    number_from_float,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INT64 = st.integers(-(2**63), 2**63 - 1)
COUNT = st.integers(0, 2**40)
NUMBER = INT64 | st.floats().map(number_from_float)
TIME = st.floats(0, 1e12)
JSON = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
LABELS = st.lists(st.builds(ClassLabel, id=INT64, name=TEXT, color=TEXT), max_size=3)
SOURCES = st.builds(
    SourceInfo,
    kind=st.sampled_from(["numpy", "pil"]),
    dtype=TEXT,
    shape=st.lists(COUNT, max_size=3),
    min=st.none() | NUMBER,
    max=st.none() | NUMBER,
    nan_count=COUNT,
    rule=st.sampled_from(["unit", "signed", "clip", "range", "off", "bool", "wide", "kept"]),
    range=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=2),
    clipped=st.booleans(),
)
LAYERS = st.builds(
    BoxLayer,
    name=TEXT,
    xyxy=st.lists(st.lists(NUMBER, min_size=4, max_size=4), max_size=3),
    class_id=st.lists(st.none() | INT64, max_size=3),
    scores=st.lists(
        st.builds(ScoreColumn, name=TEXT, values=st.lists(st.none() | NUMBER, max_size=3)),
        max_size=2,
    ),
    captions=st.lists(st.none() | TEXT, max_size=3),
    class_labels=LABELS,
)
MASKS = st.builds(
    MaskLayer,
    name=TEXT,
    member=TEXT,
    dtype=st.sampled_from(["uint8", "uint16", "uint32"]),
    width=COUNT,
    height=COUNT,
    class_labels=LABELS,
)
MEMBERS = st.builds(Member, name=TEXT, size_bytes=COUNT, sha256=TEXT, link=TEXT, link_shard=TEXT)
IMAGE_RECORDS = st.builds(
    ImageRecord,
    run_id=TEXT,
    key=TEXT,
    step=INT64,
    index=COUNT,
    time=TIME,
    session=COUNT,
    rank=COUNT,
    width=COUNT,
    height=COUNT,
    mode=TEXT,
    format=TEXT,
    caption=st.none() | TEXT,
    grouping=st.none() | INT64 | TEXT,
    meta=st.dictionaries(TEXT, JSON, max_size=3),
    classes=LABELS,
    boxes=st.lists(LAYERS, max_size=2),
    masks=st.lists(MASKS, max_size=2),
    source=SOURCES,
    members=st.lists(MEMBERS, max_size=2),
)
VALUES_RECORDS = st.builds(
    ValuesRecord,
    run_id=TEXT,
    step=INT64,
    time=TIME,
    session=COUNT,
    rank=COUNT,
    values=st.dictionaries(TEXT, JSON, max_size=3),
)
RUN_INFOS = st.builds(
    RunInfo,
    id=TEXT,
    name=TEXT,
    project=TEXT,
    created=TIME,
    host=TEXT,
    config=st.dictionaries(TEXT, JSON, max_size=3),
    tags=st.lists(TEXT, max_size=3),
    notes=TEXT,
    group=TEXT,
    state=st.sampled_from(["running", "finished", "failed"]),
    finished=st.none() | TIME,
    sessions=COUNT,
)

VALUES = ValuesRecord(run_id="r1", step=3, time=0.5, values={"loss": 0.5, "note": "a\nb"})


def sealed(body):
    """A record's line around any body: what stands before the checksum, without its brace."""
    return b'%s,"crc32":"%08x"}' % (body, isal_zlib.crc32(body))


@settings(deadline=None)
@given(IMAGE_RECORDS | VALUES_RECORDS)
def test_a_record_comes_back_as_it_was_written(record):
    assert decode_record(encode_record(record)) == record


@settings(deadline=None)
@given(IMAGE_RECORDS | VALUES_RECORDS)
def test_a_record_is_one_line_of_json_that_ends_in_its_checksum(record):
    line = encode_record(record)
    assert b"\n" not in line
    found = json.loads(line)
    assert list(found)[-1] == "crc32"
    body = line[: -len(b',"crc32":"01234567"}')]
    assert found["crc32"] == f"{isal_zlib.crc32(body):08x}"


@settings(deadline=None)
@given(RUN_INFOS)
def test_a_runs_description_comes_back(info):
    assert decode_run_info(encode_run_info(info)) == info


def test_a_values_record_in_full():
    assert encode_record(VALUES) == (
        b'{"kind":"values","run_id":"r1","step":3,"time":0.5,'
        b'"values":{"loss":0.5,"note":"a\\nb"},"crc32":"c2c8392f"}'
    )


def test_an_image_record_in_full():
    image = Image(
        np.array([[0.0, np.nan]]),
        caption="c",
        grouping=1,
        classes=[{"id": 1, "name": "cat"}],
        boxes={"pred": BoundingBoxes2D.from_arrays([[0, 0, 1, np.inf]], scores={"p": [0.5]})},
        masks={"m": {"mask_data": [[0, 300]]}},
        meta={"a": math.inf},
    )
    record = image_record(image, run_id="r", key="k", step=2, index=0, time=1.5, session=0)
    assert json.loads(encode_record(record)) == {
        "kind": "image",
        "run_id": "r",
        "key": "k",
        "step": 2,
        "index": 0,
        "time": 1.5,
        "width": 2,
        "height": 1,
        "mode": "L",
        "format": "png",
        "caption": "c",
        "grouping": 1,
        "meta": {"a": {"$float": "Infinity"}},
        "classes": [{"id": 1, "name": "cat"}],
        "boxes": [
            {
                "name": "pred",
                "xyxy": [[0.0, 0.0, 1.0, "Infinity"]],
                "scores": [{"name": "p", "values": [0.5]}],
                "class_labels": [{"id": 1, "name": "cat"}],
            }
        ],
        "masks": [
            {
                "name": "m",
                "member": record.masks[0].member,
                "dtype": "uint16",
                "width": 2,
                "height": 1,
                "class_labels": [{"id": 1, "name": "cat"}],
            }
        ],
        "source": {
            "kind": "numpy",
            "dtype": "float64",
            "shape": [1, 2],
            "min": 0.0,
            "max": 0.0,
            "nan_count": 1,
            "rule": "unit",
            "range": [0.0, 1.0],
        },
        "members": [],
        "crc32": json.loads(encode_record(record))["crc32"],
    }


def test_a_runs_description_is_json_that_a_person_can_read():
    info = RunInfo(id="r1", name="first", project="p", created=1.5, tags=["a"])
    assert encode_run_info(info).decode() == (
        "{\n"
        '  "id": "r1",\n'
        '  "name": "first",\n'
        '  "project": "p",\n'
        '  "created": 1.5,\n'
        '  "tags": [\n'
        '    "a"\n'
        "  ]\n"
        "}\n"
    )


LINE = encode_record(VALUES)


@pytest.mark.parametrize("length", range(len(LINE)))
def test_a_record_cut_anywhere_is_damaged(length):
    with pytest.raises(RecordDamagedError, match="the record's checksum does not match its bytes"):
        decode_record(LINE[:length])


@pytest.mark.parametrize("place", range(len(LINE)))
@pytest.mark.parametrize("bit", [0, 5, 7])
def test_a_record_with_a_flipped_bit_is_damaged(place, bit):
    damaged = bytearray(LINE)
    damaged[place] ^= 1 << bit
    with pytest.raises(RecordDamagedError):
        decode_record(bytes(damaged))


@pytest.mark.parametrize("line", [b"", b"\n", b"{}", LINE + b"\n", b" " + LINE, LINE * 2])
def test_bytes_around_a_record_are_damage(line):
    with pytest.raises(RecordDamagedError):
        decode_record(line)


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"values"',
        b'{"kind":"video","run_id":"r"',
        b'{"run_id":"r","step":1,"time":0,"values":{}',
        b'{"kind":"values","run_id":"\xff","step":1,"time":0,"values":{}',
        b'{"kind":"values","run_id":"r","step":1,"time":0,"values":{"a":' + b"[" * 9000,
        b'{"kind":"values","run_id":5,"step":1,"time":0,"values":{}',
        b"[1",
        b"not json",
    ],
)
def test_a_whole_line_of_another_schema_is_damaged_too(body):
    with pytest.raises(RecordDamagedError, match="the record is not of schema 1: "):
        decode_record(sealed(body))


def test_fields_that_a_later_version_adds_are_passed_over():
    body = b'{"kind":"values","run_id":"r","step":1,"time":0,"values":{},"mood":"good"'
    assert decode_record(sealed(body)) == ValuesRecord(run_id="r", step=1, time=0, values={})


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[]", b"\xff\xfe", b'{"id": 5}', b'{"id":"\xff"}', b'{"config":' * 9000],
)
def test_a_description_that_is_none_is_damaged(text):
    with pytest.raises(RecordDamagedError, match=r"run\.json is not of schema 1: "):
        decode_run_info(text)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e308, 5e-324, math.inf, -math.inf, 0.1])
def test_a_float_comes_back_from_its_number(value):
    found = float_from_number(msgspec.json.decode(msgspec.json.encode(number_from_float(value))))
    assert found.hex() == value.hex()


def test_nan_comes_back_from_its_number():
    assert number_from_float(math.nan) == "NaN"
    assert math.isnan(float_from_number("NaN"))


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        VALUES.step = 4
