"""The one schema: what stands in a shard, fills the index, and is sent to the viewer.

A record is a JSON object on one line. Fields at their default are left out, so records stay small
and a reader that infers types from a few samples meets no empty values. The last field of a stored
record is ``crc32``, eight hex digits over every byte before it: a record counts only when they
agree.

JSON has no NaN or infinity. In the typed number columns (boxes, scores, source ranges) they are the
strings of `NonFinite`; in free-form values (config, meta, logged values) they are ``{"$float":
"NaN"}``, so that a logged text ``"NaN"`` stays a text.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import msgspec
from isal import isal_zlib

__all__ = [
    "SCHEMA_VERSION",
    "BoxLayer",
    "ClassLabel",
    "ImageRecord",
    "MaskLayer",
    "Member",
    "NonFinite",
    "Number",
    "Record",
    "RecordDamagedError",
    "RunInfo",
    "ScoreColumn",
    "SourceInfo",
    "ValuesRecord",
    "decode_record",
    "decode_run_info",
    "encode_record",
    "encode_run_info",
    "float_from_number",
    "number_from_float",
]

SCHEMA_VERSION = 1
"""Raised when a reader of the version before could misread a record."""

NonFinite: TypeAlias = Literal["NaN", "Infinity", "-Infinity"]
Number: TypeAlias = int | float | NonFinite
RunState: TypeAlias = Literal["running", "finished", "failed"]
PixelRuleName: TypeAlias = Literal["unit", "signed", "clip", "range", "off", "bool", "wide", "kept"]


class RecordDamagedError(ValueError):
    """The bytes are no whole record: cut, altered, or not JSON of this schema."""


class _Struct(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of what is stored: immutable, by name, defaults left out."""


class ClassLabel(_Struct, frozen=True, kw_only=True):
    """One class: its id, its name, and the colour it is drawn in."""

    id: int
    name: str
    color: str = ""
    """``#rrggbb``, or empty for the colour that follows from the name."""


class Member(_Struct, frozen=True, kw_only=True):
    """One file of a sample, and how to know that its bytes are whole."""

    name: str
    """What follows the sample's name and a dot: ``png``, ``truth.mask.png``."""
    size_bytes: int
    sha256: str
    """64 hex digits over the member's bytes."""
    link: str = ""
    """When the bytes are stored with an earlier sample: that member's path, which is a hard link's
    target."""
    link_shard: str = ""
    """File name of the shard that holds ``link``."""


class SourceInfo(_Struct, frozen=True, kw_only=True):
    """What ``Image`` was given, and what the pixel rule made of it."""

    kind: str
    """``numpy``, ``torch``, ``array``, ``pil``, ``file``, ``bytes``, ``figure`` or ``image``."""
    dtype: str = ""
    shape: list[int] = []
    min: Number | None = None
    max: Number | None = None
    """Smallest and largest value that is not NaN, before the rule."""
    nan_count: int = 0
    rule: PixelRuleName = "kept"
    range: list[float] = []
    """``[lo, hi]``: the values that became 0 and 255 under the rule."""
    clipped: bool = False
    """True when values outside the rule's range were cut to its ends."""


class ScoreColumn(_Struct, frozen=True, kw_only=True):
    """One score of each box of a layer; ``None`` where a box has none of this name."""

    name: str
    values: list[Number | None]


class BoxLayer(_Struct, frozen=True, kw_only=True):
    """One layer of boxes: ``xyxy`` in pixels of the picture as displayed, origin top left."""

    name: str
    xyxy: list[list[Number]] = []
    class_id: list[int | None] = []
    """One an image box, or empty when no box has a class."""
    scores: list[ScoreColumn] = []
    captions: list[str | None] = []
    class_labels: list[ClassLabel] = []


class MaskLayer(_Struct, frozen=True, kw_only=True):
    """One layer of class or instance ids, stored as the member of this name."""

    name: str
    member: str
    dtype: Literal["uint8", "uint16", "uint32"]
    width: int
    height: int
    class_labels: list[ClassLabel] = []


class ImageRecord(_Struct, frozen=True, kw_only=True, tag_field="kind", tag="image"):
    """One logged image; the last member of its sample and its commit."""

    schema: int = SCHEMA_VERSION
    run_id: str
    key: str
    step: int
    index: int
    """Place among the images of this key and step that this session logged, from 0."""
    time: float
    """When ``log()`` was called, in seconds since 1970 UTC."""
    session: int = 0
    """0 for the first ``init`` of the run, one more at each resume."""
    rank: int = 0
    width: int
    height: int
    """Size in pixels as displayed, that is with the EXIF orientation applied."""
    mode: str
    """PIL mode of the stored picture."""
    format: str
    """``png``, ``jpg``, ``webp``, ``bmp``, or what a logged file was."""
    caption: str | None = None
    grouping: int | str | None = None
    meta: dict[str, Any] = {}
    classes: list[ClassLabel] = []
    boxes: list[BoxLayer] = []
    masks: list[MaskLayer] = []
    source: SourceInfo
    members: list[Member]


class ValuesRecord(_Struct, frozen=True, kw_only=True, tag_field="kind", tag="values"):
    """Numbers and texts of one ``log()`` call, by key; nested dicts are joined with ``/``."""

    schema: int = SCHEMA_VERSION
    run_id: str
    step: int
    time: float
    session: int = 0
    rank: int = 0
    values: dict[str, Any]


Record: TypeAlias = ImageRecord | ValuesRecord


class RunInfo(_Struct, frozen=True, kw_only=True):
    """Who a run is: what ``run.json`` holds."""

    schema: int = SCHEMA_VERSION
    id: str
    name: str
    project: str
    created: float
    """Seconds since 1970 UTC."""
    host: str = ""
    config: dict[str, Any] = {}
    tags: list[str] = []
    notes: str = ""
    group: str = ""
    state: RunState = "running"
    finished: float | None = None
    sessions: int = 1
    """How many times ``init`` opened this run."""
    shards: dict[str, int] = {}
    """Size in bytes of each shard that ``finish`` left sealed, by file name."""


_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(Record)
_run_info_decoder = msgspec.json.Decoder(RunInfo)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that are no JSON of a schema, no UTF-8, or nested too deep."""
_CRC_LENGTH = len(b',"crc32":"01234567"}')


def encode_record(record: Record) -> bytes:
    """Return the record as one line of JSON that ends in its own checksum.

    Examples
    --------
    >>> line = encode_record(ValuesRecord(run_id="r1", step=3, time=0.0, values={"loss": 0.5}))
    >>> decode_record(line).values
    {'loss': 0.5}
    """
    body = _encoder.encode(record)[:-1]
    return b'%s,"crc32":"%08x"}' % (body, isal_zlib.crc32(body))


def decode_record(line: bytes) -> Record:
    """Return the record that `encode_record` wrote.

    Raises
    ------
    RecordDamagedError
        The checksum does not agree with the bytes, or they are not a record of this schema.
    """
    body = line[:-_CRC_LENGTH]
    if line[-_CRC_LENGTH:] != b',"crc32":"%08x"}' % isal_zlib.crc32(body):
        raise RecordDamagedError("the record's checksum does not match its bytes")
    try:
        record: Record = _record_decoder.decode(body + b"}")
    except _UNREADABLE as error:
        raise RecordDamagedError(
            f"the record is not of schema {SCHEMA_VERSION}: {error}"
        ) from error
    return record


def encode_run_info(info: RunInfo) -> bytes:
    """Return ``run.json``: indented JSON that a person can read."""
    return msgspec.json.format(_encoder.encode(info), indent=2) + b"\n"


def decode_run_info(text: bytes) -> RunInfo:
    """Return the `RunInfo` that ``run.json`` holds.

    Raises
    ------
    RecordDamagedError
        The text is not a run's description.
    """
    try:
        return _run_info_decoder.decode(text)
    except _UNREADABLE as error:
        raise RecordDamagedError(f"run.json is not of schema {SCHEMA_VERSION}: {error}") from error


def number_from_float(value: float) -> Number:
    """Return the float as JSON can hold it.

    Examples
    --------
    >>> number_from_float(0.5), number_from_float(float("-inf"))
    (0.5, '-Infinity')
    """
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def float_from_number(number: Number) -> float:
    """Return the float that `number_from_float` was given.

    Examples
    --------
    >>> float_from_number("Infinity")
    inf
    """
    return float(number)
