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
from collections.abc import Mapping
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
    "WriterInfo",
    "decode_record",
    "decode_run_info",
    "decode_writer_info",
    "encode_record",
    "encode_run_info",
    "encode_writer_info",
    "float_from_number",
    "number_from_float",
    "relink_record",
]

SCHEMA_VERSION = 1
"""Raised when a reader of the version before could misread a record."""

NonFinite: TypeAlias = Literal["NaN", "Infinity", "-Infinity"]
Number: TypeAlias = int | float | NonFinite
RunState: TypeAlias = Literal["running", "finished", "failed"]
WriterState: TypeAlias = Literal["running", "finished", "failed", "killed"]
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
    """When the bytes are stored with an earlier sample: that member's path."""
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
    seq: int = 0
    """Place among all that this writer stored, from 1; 0 in shards of version 0.1."""
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
    seq: int = 0
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
    """Of version 0.1, now in `WriterInfo`: size in bytes of each sealed shard, by file name."""


class WriterInfo(_Struct, frozen=True, kw_only=True):
    """One writer of a run, that is one process from ``init`` to its end: ``<writer>.json``."""

    schema: int = SCHEMA_VERSION
    name: str
    """What its files begin with."""
    rank: int = 0
    session: int = 0
    pid: int = 0
    host: str = ""
    started: float = 0.0
    """Seconds since 1970 UTC."""
    finished: float | None = None
    state: WriterState = "running"
    is_child: bool = False
    """True for a process that was forked from one that logs, such as a data loader's worker."""
    spool: str = ""
    """Absolute path of its spool when that is not in the run's folder."""
    shards: dict[str, int] = {}
    """Size in bytes of each sealed shard, by file name."""
    num_lost: int = 0
    """Records that could not be stored."""
    num_dropped: int = 0
    """Records that ``on_full="drop"`` or a full disk kept out of the spool."""


_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(Record)
_run_info_decoder = msgspec.json.Decoder(RunInfo)
_raw_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_list_decoder = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_writer_info_decoder = msgspec.json.Decoder(WriterInfo)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that are no JSON of a schema, no UTF-8, or nested too deep."""
_LINK_FIELDS = ("link", "link_shard")
_CRC_LENGTH = len(b',"crc32":"01234567"}')


def encode_record(record: Record) -> bytes:
    """Return the record as one line of JSON that ends in its own checksum.

    Examples
    --------
    >>> line = encode_record(ValuesRecord(run_id="r1", step=3, time=0.0, values={"loss": 0.5}))
    >>> decode_record(line).values
    {'loss': 0.5}
    """
    return _sealed(_encoder.encode(record)[:-1])


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


def relink_record(line: bytes, links: Mapping[str, tuple[str, str]]) -> bytes:
    """Return a stored image's record with other links; all else stays byte for byte.

    Fields that a newer version wrote stay too.

    Parameters
    ----------
    line
        As it stands in the shard, checksum and all; `decode_record` has taken it.
    links
        By name of a member: its ``link`` and ``link_shard``, both empty for one that now has bytes
        of its own. Members that are not named stay as they are.

    Examples
    --------
    >>> image = ImageRecord(
    ...     run_id="r1", key="x", step=3, index=0, time=0.0, width=1, height=1, mode="L",
    ...     format="png", source=SourceInfo(kind="numpy"),
    ...     members=[Member(name="png", size_bytes=5, sha256="", link="x/0-0.png", link_shard="a")],
    ... )
    >>> line = relink_record(encode_record(image), {"png": ("", "")})
    >>> decode_record(line).members
    [Member(name='png', size_bytes=5, sha256='', link='', link_shard='')]
    """
    fields = _raw_decoder.decode(line[:-_CRC_LENGTH] + b"}")
    members = [_relinked(member, links) for member in _raw_list_decoder.decode(fields["members"])]
    fields["members"] = msgspec.Raw(_encoder.encode(members))
    return _sealed(_encoder.encode(fields)[:-1])


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


def encode_writer_info(info: WriterInfo) -> bytes:
    """Return ``<writer>.json``: indented JSON that a person can read."""
    return msgspec.json.format(_encoder.encode(info), indent=2) + b"\n"


def decode_writer_info(text: bytes) -> WriterInfo:
    """Return the `WriterInfo` that ``<writer>.json`` holds.

    Raises
    ------
    RecordDamagedError
        The text is not a writer's description.
    """
    try:
        return _writer_info_decoder.decode(text)
    except _UNREADABLE as error:
        raise RecordDamagedError(
            f"the writer's description is not of schema {SCHEMA_VERSION}: {error}"
        ) from error


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


def _sealed(body: bytes) -> bytes:
    """Return a record that lacks its closing brace, with its checksum."""
    return b'%s,"crc32":"%08x"}' % (body, isal_zlib.crc32(body))


def _relinked(
    member: dict[str, msgspec.Raw], links: Mapping[str, tuple[str, str]]
) -> dict[str, msgspec.Raw]:
    change = links.get(msgspec.json.decode(member["name"], type=str))
    if change is None:
        return member
    texts = {name: text for name, text in zip(_LINK_FIELDS, change, strict=True) if text}
    kept = {name: raw for name, raw in member.items() if name not in _LINK_FIELDS or name in texts}
    return kept | {name: msgspec.Raw(_encoder.encode(text)) for name, text in texts.items()}
