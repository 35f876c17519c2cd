from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from filmstrip.codec.masks import decode_mask, encode_mask
from filmstrip.codec.png import encode_png
from filmstrip.errors import ImageFileError, MaskError

MIRRORED = json.loads((Path(__file__).parents[1] / "golden/masks.json").read_text("utf-8"))
"""Files that the viewer's tests decode as well."""


@pytest.mark.parametrize("entry", MIRRORED, ids=lambda entry: entry["name"])
def test_the_viewer_is_tested_against_files_that_were_encoded_here(entry):
    ids = np.array(entry["ids"], entry["dtype"])
    stored = base64.b64decode(entry["png"])
    assert decode_mask(stored).tolist() == ids.tolist()
    assert stored[:29] == encode_mask(ids)[:29]


@given(
    st.tuples(
        st.sampled_from(["u1", "u2", "u4"]), st.tuples(st.integers(1, 30), st.integers(1, 30))
    ).flatmap(lambda s: nps.arrays(*s))
)
def test_ids_come_back_exactly_and_of_the_same_dtype(ids):
    decoded = decode_mask(encode_mask(ids))
    assert decoded.dtype == ids.dtype
    assert np.array_equal(decoded, ids)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_the_smallest_and_the_largest_id_come_back(dtype):
    ids = np.array([[0, 1, np.iinfo(dtype).max]], dtype)
    assert decode_mask(encode_mask(ids)).tolist() == [[0, 1, np.iinfo(dtype).max]]


def test_the_four_bytes_of_a_32_bit_id_are_red_green_blue_and_alpha():
    with PIL.Image.open(io.BytesIO(encode_mask(np.array([[0x04030201]], np.uint32)))) as image:
        assert image.getpixel((0, 0)) == (1, 2, 3, 4)


def test_big_endian_and_strided_ids_come_back():
    ids = np.arange(24, dtype=">u4").reshape(4, 6)[:, ::2]
    assert decode_mask(encode_mask(ids)).tolist() == ids.tolist()


def test_decoded_ids_can_be_written_to():
    decoded = decode_mask(encode_mask(np.zeros((2, 2), np.uint32)))
    decoded[0, 0] = 1
    assert decoded.sum() == 1


@pytest.mark.parametrize(
    ("ids", "got"),
    [
        (np.zeros((2, 2), np.int64), "shape (2, 2) of int64"),
        (np.zeros((2, 2), np.uint64), "shape (2, 2) of uint64"),
        (np.zeros((2, 2, 3), np.uint8), "shape (2, 2, 3) of uint8"),
        (np.zeros((0, 2), np.uint8), "shape (0, 2) of uint8"),
    ],
)
def test_arrays_that_are_no_ids_are_refused(ids, got):
    with pytest.raises(MaskError) as caught:
        encode_mask(ids)
    assert str(caught.value) == (
        "expected (H, W) class ids of uint8, uint16 or uint32, "
        f"got {got}; convert them before encoding"
    )


def test_a_picture_that_is_no_mask_is_refused():
    with pytest.raises(MaskError) as caught:
        decode_mask(encode_png(np.zeros((2, 2, 3), np.uint8)))
    assert str(caught.value) == (
        "expected gray or RGBA pixels that hold class ids, got an image of mode RGB; "
        "log masks as ImageMask"
    )


@pytest.mark.parametrize("data", [b"", b"no picture", encode_mask(np.eye(9, dtype=np.uint8))[:60]])
def test_bytes_that_are_no_whole_file_are_refused(data):
    with pytest.raises(
        ImageFileError, match=rf"^expected the PNG file of a mask, got {len(data)} bytes that do "
    ):
        decode_mask(data)
