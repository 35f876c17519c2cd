"""The tables. Rows point into shards and hold what is searched; records stay in the shards.

An image's number is its place in time with a tail that tells images of one millisecond apart, so
that the primary key is the default order, is known before the row is stored, and stays the same
when the index is rebuilt. Every list that can be long is read along an index and never counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from filmstrip.index.cells import stored_text, text_from_stored

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = [
    "INDEX_VERSION",
    "fields",
    "images",
    "keys",
    "labels",
    "marks",
    "measures",
    "members",
    "metadata",
    "names",
    "numbers",
    "runs",
    "series",
    "settings",
    "shards",
    "steps",
    "value_records",
]

INDEX_VERSION = 2
"""Raised when the tables change: an index of another version is dropped and filled anew."""


class _Bytewise(TypeDecorator[str]):
    """Text that is compared by its bytes, as SQLite and Python do, whatever the locale."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(Text(collation=collation))


class _AnyText(_Bytewise):
    """Any text at all, zero characters too."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else stored_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else text_from_stored(value)


_Int = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData()

settings = Table(
    "filmstrip_settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "filmstrip_runs",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("run_id", _AnyText, nullable=False, unique=True),
    Column("info", LargeBinary, nullable=False),
)

shards = Table(
    "filmstrip_shards",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("run_num", Integer, nullable=False),
    Column("name", _Bytewise, nullable=False),
    # The file as it was when it was last read; another inode or mtime means another look.
    Column("inode", _Int, nullable=False),
    Column("size_bytes", _Int, nullable=False),
    Column("mtime_ns", _Int, nullable=False),
    # Where the next sample begins, and the line that ends before it: the last record's checksum.
    Column("end_offset", _Int, nullable=False),
    Column("tail_offset", _Int, nullable=False),
    Column("tail", LargeBinary, nullable=False),
    UniqueConstraint("run_num", "name"),
    # A number that is used again would find members of a shard that is gone.
    sqlite_autoincrement=True,
)

keys = Table(
    "filmstrip_keys",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("run_num", Integer, nullable=False),
    Column("key", _AnyText, nullable=False),
    Column("session", _Int, nullable=False),
    Column("first_shard", _Bytewise, nullable=False),
    Column("first_offset", _Int, nullable=False),
    Column("num_images", _Int, nullable=False),
    Column("num_stored", _Int, nullable=False),
    Column("num_steps", _Int, nullable=False),
    Column("first_step", _Int, nullable=False),
    Column("last_step", _Int, nullable=False),
    Column("max_per_step", _Int, nullable=False),
    UniqueConstraint("run_num", "key"),
)

steps = Table(
    "filmstrip_steps",
    metadata,
    Column("key_num", Integer, primary_key=True, autoincrement=False),
    Column("step", _Int, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("num_images", _Int, nullable=False),
    Column("num_stored", _Int, nullable=False),
    Index("filmstrip_steps_by_time", "key_num", "time", "step"),
    Index("filmstrip_steps_of_all", "step", "key_num"),
    sqlite_with_rowid=False,
)

images = Table(
    "filmstrip_images",
    metadata,
    Column("num", _Int, primary_key=True, autoincrement=False),
    Column("key_num", Integer, nullable=False),
    Column("run_num", Integer, nullable=False),
    Column("step", _Int, nullable=False),
    # Place among the shown images of its key and step; NULL when a newer session supersedes it.
    Column("place", _Int),
    Column("session", _Int, nullable=False),
    Column("rank", _Int, nullable=False),
    Column("index", _Int, nullable=False),
    Column("time", Double, nullable=False),
    Column("shard_num", Integer, nullable=False),
    Column("offset", _Int, nullable=False),
    Column("size_bytes", _Int, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("words", _Bytewise),
    Index("filmstrip_images_by_step", "key_num", "step", "place"),
    Index("filmstrip_images_by_key", "key_num", "num"),
)

members = Table(
    "filmstrip_members",
    metadata,
    # The first 63 bits of the digest: half the size, and no two files share them by chance.
    Column("head", _Int, primary_key=True, autoincrement=False),
    Column("shard_num", Integer, primary_key=True, autoincrement=False),
    Column("offset", _Int, primary_key=True, autoincrement=False),
    Column("size_bytes", _Int, nullable=False),
    Column("format", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

fields = Table(
    "filmstrip_fields",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", _AnyText, nullable=False),
    UniqueConstraint("kind", "name"),
)

# Rows of the three tables below stay behind when an image is dropped, until the index is made anew:
# they name an image that is not there. One that is read again has the same number and rows.

marks = Table(
    "filmstrip_marks",
    metadata,
    # Words of captions, how captions begin, classes of boxes.
    Column("field_num", Integer, primary_key=True, autoincrement=False),
    Column("text", _Bytewise, primary_key=True),
    Column("image_num", _Int, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

labels = Table(
    "filmstrip_labels",
    metadata,
    # Texts that images are sorted by too: meta and groups.
    Column("field_num", Integer, primary_key=True, autoincrement=False),
    Column("text", _Bytewise, primary_key=True),
    Column("image_num", _Int, primary_key=True, autoincrement=False),
    Index("filmstrip_labels_by_image", "image_num", "field_num", "text"),
    sqlite_with_rowid=False,
)

measures = Table(
    "filmstrip_measures",
    metadata,
    # Numbers of images: the highest score of each name, numbers in meta.
    Column("field_num", Integer, primary_key=True, autoincrement=False),
    Column("value", Double, primary_key=True),
    Column("image_num", _Int, primary_key=True, autoincrement=False),
    Column("key_num", Integer, nullable=False),
    Index("filmstrip_measures_by_key", "key_num", "field_num", "value", "image_num"),
    Index("filmstrip_measures_by_image", "image_num", "field_num", "value"),
    sqlite_with_rowid=False,
)

value_records = Table(
    "filmstrip_value_records",
    metadata,
    Column("shard_num", Integer, primary_key=True, autoincrement=False),
    Column("offset", _Int, primary_key=True, autoincrement=False),
    Column("size_bytes", _Int, nullable=False),
    Column("run_num", Integer, nullable=False),
    Column("step", _Int, nullable=False),
    Column("session", _Int, nullable=False),
    Index("filmstrip_value_records_by_step", "run_num", "step"),
    sqlite_with_rowid=False,
)

names = Table(
    "filmstrip_names",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("name", _AnyText, nullable=False, unique=True),
)

numbers = Table(
    "filmstrip_numbers",
    metadata,
    # The number that counts of each name and step: NULL is NaN.
    Column("run_num", Integer, primary_key=True, autoincrement=False),
    Column("name_num", Integer, primary_key=True, autoincrement=False),
    Column("step", _Int, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("value", Double),
    Index("filmstrip_numbers_by_value", "name_num", "value", "run_num", "step"),
    Index("filmstrip_numbers_of_run", "run_num", "name_num", "value", "step"),
    sqlite_with_rowid=False,
)

series = Table(
    "filmstrip_series",
    metadata,
    # Which numbers a run has logged.
    Column("run_num", Integer, primary_key=True, autoincrement=False),
    Column("name_num", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
