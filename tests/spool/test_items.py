from __future__ import annotations

import io

import msgspec
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from tests.spooling import draft, image_draft, values

from filmstrip import Image
from filmstrip.codec.options import EncodeOptions
from filmstrip.draft import KeepRule
from filmstrip.media.frame import DIGEST_SEED, digest_of
from filmstrip.spool.items import (
    SpooledImage,
    decode_items,
    encode_items,
    padding_bytes,
    part_slices,
    parts_of,
)

SEED = DIGEST_SEED


def there_and_back(drafts, seq=1):
    """Return the items, and for each the bytes of its parts as they would stand in a file."""
    encoded = encode_items(drafts, seq)
    body = b"".join(memoryview(buffer).cast("B") for buffer in encoded.buffers)
    assert len(body) == encoded.body_bytes
    items = decode_items(encoded.meta)
    return items, [[body[one] for one in slices] for slices in part_slices(items, 0)]


def pil(mode: str) -> PIL.Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    if mode == "I;16":
        return PIL.Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    return PIL.Image.fromarray(noise, "RGBA").convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pixels_of_every_mode_come_back(mode):
    image = Image(pil(mode))
    (item,), ((data,),) = there_and_back([image_draft(image)])
    content = image.content
    assert isinstance(item, SpooledImage)
    assert (item.mode, item.palette, item.transparency) == (
        content.mode, content.palette, content.transparency
    )  # fmt: skip
    pixels = np.frombuffer(data, item.picture.dtype).reshape(item.picture.shape)
    assert pixels.dtype == content.pixels.dtype
    assert np.array_equal(pixels, content.pixels)


@given(
    npst.arrays(
        st.sampled_from([np.uint8, np.uint16, np.uint32]),
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
    )
)
def test_masks_of_every_type_come_back_behind_their_picture(ids):
    image = Image(np.zeros((*ids.shape, 3), np.uint8), masks={"m": {"mask_data": ids}})
    (item,), ((picture, mask),) = there_and_back([image_draft(image)])
    assert picture == bytes(ids.size * 3)
    kept = np.frombuffer(mask, item.masks[0].dtype).reshape(item.masks[0].shape)
    assert np.array_equal(kept, ids)
    assert np.dtype(item.masks[0].dtype) == np.dtype(item.record.masks[0].dtype)


def test_a_file_is_spooled_as_it_is():
    file = io.BytesIO()
    pil("RGB").save(file, "png")
    (item,), ((data,),) = there_and_back([image_draft(Image(file.getvalue()))])
    assert data == file.getvalue()
    assert (item.picture.dtype, item.mode, item.options) == ("", "", EncodeOptions())


def test_a_file_may_carry_masks_too():
    file = io.BytesIO()
    pil("RGB").save(file, "png")
    masks = {"m": {"mask_data": np.full((5, 7), 300)}}
    (item,), ((data, mask),) = there_and_back([image_draft(Image(file.getvalue(), masks=masks))])
    assert data == file.getvalue()
    assert np.frombuffer(mask, item.masks[0].dtype).tolist() == [300] * 35


def test_how_to_encode_comes_back():
    (item,), _ = there_and_back([draft(0, (8, 8, 3), file_type="webp", quality=3, lossless=True)])
    assert item.options == EncodeOptions(quality=3, lossless=True)
    assert item.record.format == "webp"


@pytest.mark.parametrize("num", [0, 1, 3, 300])
def test_items_keep_their_order_and_are_numbered_from_the_one_given(num):
    drafts = [draft(i) if i % 3 else values(i) for i in range(num)]
    items, _ = there_and_back(drafts, seq=40)
    records = [item.record if isinstance(item, SpooledImage) else item for item in items]
    assert [(record.step, record.seq) for record in records] == [(i, 40 + i) for i in range(num)]


def test_values_and_rules_are_items_without_parts():
    rule = KeepRule("val/*", "last:20")
    items, parts = there_and_back([values(3), rule])
    assert items == [msgspec.structs.replace(values(3), seq=1), rule]
    assert parts == [[], []]
    assert [parts_of(item) for item in items] == [[], []]


@given(st.lists(st.integers(1, 70), min_size=1, max_size=6))
def test_every_part_begins_where_numpy_can_read_it_in_place(widths):
    drafts = [draft(width, (1, width)) for width in widths]
    items, parts = there_and_back(drafts)
    starts = [one.start for slices in part_slices(items, 0) for one in slices]
    assert [start % 16 for start in starts] == [0] * len(widths)
    assert [data for (data,) in parts] == [d.image.content.pixels.tobytes() for d in drafts]


@given(st.integers(0, 10_000))
def test_padding_fills_up_to_the_next_part_and_no_further(size_bytes):
    assert 0 <= padding_bytes(size_bytes) < 16
    assert (size_bytes + padding_bytes(size_bytes)) % 16 == 0


def test_a_part_s_digest_is_that_of_its_bytes_under_the_spool_s_seed():
    (item,), ((data,),) = there_and_back([draft(0)])
    assert item.picture.digest == digest_of(data, SEED)
    assert digest_of(data, SEED) != digest_of(data, SEED + 1)
    assert digest_of(data, SEED) != digest_of(data[:-1] + b"\0", SEED)


def test_pixels_are_referenced_and_not_copied():
    one = draft(0, (64, 64))
    (buffer,) = encode_items([one], 1).buffers
    assert np.shares_memory(buffer, one.image.content.pixels)


@pytest.mark.parametrize("data", [b"", b"\x91", b"\x91\x80", b"\xc1", b"\x01"])
def test_bytes_that_are_no_items_are_an_error(data):
    with pytest.raises(msgspec.MsgspecError):
        decode_items(data)
