from __future__ import annotations

import hashlib

import numpy as np
import pytest

from filmstrip import Image
from filmstrip.codec import encode_png
from filmstrip.draft import image_record
from filmstrip.record import ValuesRecord
from filmstrip.sample import ImageDraft, encode_draft, encode_small_pictures
from filmstrip.shard.names import mask_member

VALUES = ValuesRecord(run_id="r", step=0, time=0.0, values={"loss": 0.5})


def draft(image: Image) -> ImageDraft:
    record = image_record(image, run_id="r", key="x", step=0, index=0, time=0.0, session=0)
    return ImageDraft(record, image)


def gray(value: int, side: int = 28) -> Image:
    return Image(np.full((side, side), value, np.uint8), normalize=False)


def test_a_sample_has_its_picture_and_then_its_masks_as_members():
    masks = {"m": {"mask_data": np.eye(28)}, "Over/lay": {"mask_data": np.eye(28)}}
    made = encode_draft(draft(Image(np.zeros((28, 28)), masks=masks)))
    assert [member.name for member in made.members] == [
        "png",
        "m.mask.png",
        mask_member("Over/lay"),
    ]
    assert [m.sha256 for m in made.members] == [
        hashlib.sha256(m.data).hexdigest() for m in made.members
    ]


def test_a_record_of_values_is_its_own_sample():
    assert encode_draft(VALUES) is VALUES


def test_a_file_s_own_bytes_are_the_picture():
    data = encode_png(np.zeros((4, 4), np.uint8))
    assert encode_draft(draft(Image(data))).members[0].data == data


@pytest.mark.parametrize("file_type", ["png", "jpg", "jpeg", "webp", "bmp"])
def test_the_member_is_named_by_the_file_type(file_type):
    image = Image(np.zeros((4, 4, 3)), file_type=file_type)
    assert encode_draft(draft(image)).members[0].name == file_type


def test_quality_reaches_the_encoder():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = [
        len(encode_draft(draft(Image(noise, file_type="jpg", quality=q))).members[0].data)
        for q in (5, 95)
    ]
    assert sizes[0] * 3 < sizes[1]


def test_small_png_pictures_are_encoded_together_and_the_rest_is_left():
    images = [
        gray(1),
        VALUES,
        gray(2),
        gray(3, side=200),
        Image(np.zeros((4, 4, 3)), file_type="jpg"),
        Image(encode_png(np.zeros((4, 4), np.uint8))),
        Image(np.eye(4, dtype=np.uint16), mode="I;16"),
        Image(np.zeros((4, 6, 3)), boxes={"b": {"box_data": []}}),
    ]
    drafts = [one if one is VALUES else draft(one) for one in images]
    files = encode_small_pictures(drafts)
    assert sorted(files) == [0, 2, 7]
    assert all(files[place] == encode_draft(drafts[place]).members[0].data for place in files)
    assert encode_draft(drafts[0], b"made already").members[0].data == b"made already"


def test_a_draft_counts_the_memory_of_its_pixels_and_masks():
    image = Image(np.zeros((10, 20, 3)), masks={"m": {"mask_data": np.full((10, 20), 300)}})
    assert draft(image).size_bytes == 600 + 400
