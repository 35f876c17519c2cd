from __future__ import annotations

import hashlib
import io

import msgspec
import numpy as np
import PIL.Image
import pytest
from tests.spooling import draft, image_draft

from filmstrip import Image, sample
from filmstrip.codec import encode_png
from filmstrip.errors import ImageInputError
from filmstrip.media.frame import DIGEST_SEED
from filmstrip.recent import Recent
from filmstrip.sample import PartDamagedError, Sample, encode_samples, sample_from_item
from filmstrip.shard.append import EncodedMember, KnownMember, StoredFile
from filmstrip.shard.names import mask_member
from filmstrip.spool.items import SpooledPart, decode_items, encode_items, part_slices


def spooled(*images: Image) -> list[tuple]:
    """Return the items and parts of images, as they are read from a spool."""
    encoded = encode_items([image_draft(image, i) for i, image in enumerate(images)], 1)
    body = np.frombuffer(b"".join(memoryview(b).cast("B") for b in encoded.buffers), np.uint8)
    items = decode_items(encoded.meta)
    return [
        (item, [body[one] for one in slices])
        for item, slices in zip(items, part_slices(items, 0), strict=True)
    ]


def samples(*images: Image) -> list[Sample]:
    return [sample_from_item(item, parts, DIGEST_SEED) for item, parts in spooled(*images)]


def encoded(*images: Image, known=None) -> list:
    return encode_samples(samples(*images), Recent(100) if known is None else known)


def gray(value: int, side: int = 28) -> Image:
    return Image(np.full((side, side), value, np.uint8), normalize=False)


def test_a_sample_has_its_picture_and_then_its_masks_as_members():
    masks = {"m": {"mask_data": np.eye(28)}, "Over/lay": {"mask_data": np.eye(28)}}
    (made,) = encoded(Image(np.zeros((28, 28)), masks=masks))
    assert [member.name for member in made.members] == [
        "png",
        "m.mask.png",
        mask_member("Over/lay"),
    ]
    assert [m.sha256 for m in made.members] == [
        hashlib.sha256(m.data).digest() for m in made.members
    ]
    mask = PIL.Image.open(io.BytesIO(made.members[1].data))
    assert np.array_equal(np.asarray(mask), np.eye(28))


def test_a_file_s_own_bytes_are_the_picture():
    data = encode_png(np.zeros((4, 4), np.uint8))
    assert encoded(Image(data))[0].members[0].data == data


@pytest.mark.parametrize("file_type", ["png", "jpg", "jpeg", "webp", "bmp"])
def test_the_member_is_named_by_the_file_type(file_type):
    image = Image(np.zeros((4, 4, 3)), file_type=file_type)
    assert encoded(image)[0].members[0].name == file_type


def test_quality_reaches_the_encoder():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = [
        len(encoded(Image(noise, file_type="jpg", quality=q))[0].members[0].data) for q in (5, 95)
    ]
    assert sizes[0] * 3 < sizes[1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pixels_of_every_mode_are_those_that_were_logged(mode):
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    image = (
        Image(PIL.Image.fromarray(noise[..., 0].astype(np.uint16) * 257))
        if mode == "I;16"
        else Image(PIL.Image.fromarray(noise, "RGBA").convert(mode))
    )
    (made,) = encoded(image)
    stored = PIL.Image.open(io.BytesIO(made.members[0].data))
    assert stored.mode == mode
    assert np.array_equal(np.asarray(stored), np.asarray(image.image))
    assert stored.getpalette() == image.image.getpalette()


def test_small_png_pictures_are_encoded_together_and_the_rest_each_alone(monkeypatch):
    together = []
    own = sample.encode_png_batch
    monkeypatch.setattr(
        sample, "encode_png_batch", lambda frames: together.append(len(frames)) or own(frames)
    )
    images = [
        gray(1),
        gray(2),
        gray(3, side=200),
        Image(np.zeros((4, 4, 3)), file_type="jpg"),
        Image(encode_png(np.zeros((4, 4), np.uint8))),
        Image(np.eye(4, dtype=np.uint16), mode="I;16"),
        Image(np.zeros((4, 6, 3)), boxes={"b": {"box_data": []}}),
    ]
    made = encoded(*images)
    assert together == [3]
    alone = [encoded(image)[0] for image in images]
    assert together == [3]
    assert [one.members for one in made] == [one.members for one in alone]


def known_of(made) -> Recent:
    known: Recent = Recent(100)
    for image in made:
        for member in image.members:
            known[member.key] = StoredFile(
                f"x/{image.record.step}-0.{member.name}", "s", len(member.data), member.sha256
            )
    return known


@pytest.mark.parametrize("side", [28, 200])
def test_a_picture_that_was_encoded_before_is_not_encoded_again(monkeypatch, side):
    known = known_of(encoded(gray(1, side)))

    def refuse(*args):
        raise AssertionError("it was encoded")

    monkeypatch.setattr(sample, "encode", refuse)
    monkeypatch.setattr(sample, "encode_png_batch", refuse)
    again = encoded(gray(1, side), gray(1, side), known=known)
    assert [type(image.members[0]) for image in again] == [KnownMember] * 2
    assert again[0].members[0].file.path == "x/0-0.png"


def test_masks_that_were_encoded_before_are_known_apart_from_their_picture():
    def masked(value: int) -> Image:
        return Image(np.full((9, 9), value, np.uint8), masks={"m": {"mask_data": np.eye(9)}})

    picture, mask = encoded(masked(2), known=known_of(encoded(masked(1))))[0].members
    assert (type(picture), type(mask)) == (EncodedMember, KnownMember)


RGB = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)


@pytest.mark.parametrize(
    "others",
    [
        Image(RGB, file_type="webp"),
        Image(RGB, file_type="jpg", quality=5),
        Image(RGB, file_type="jpg", quality=95),
        Image(RGB.reshape(4, 6, 3)),
        Image(RGB.reshape(12, 6), mode="L"),
        Image(RGB, mode="RGB", masks={"m": {"mask_data": RGB[..., 0]}}),
    ],
    ids=["type", "quality", "other quality", "shape", "mode", "masks"],
)
def test_the_same_bytes_that_look_otherwise_are_another_picture(others):
    keys = [one.parts[0].key for one in samples(Image(RGB), others)]
    is_same = bool(others.masks)
    assert (keys[0] == keys[1]) is is_same


def test_a_mask_and_a_picture_of_the_same_bytes_are_two_files():
    image = Image(RGB[..., 0], masks={"m": {"mask_data": RGB[..., 0]}}, normalize=False)
    picture, mask = samples(image)[0].parts
    assert picture.key != mask.key


def test_palettes_tell_pictures_of_the_same_indices_apart():
    def indexed(first: int) -> Image:
        made = PIL.Image.fromarray(np.zeros((4, 4), np.uint8), "P")
        made.putpalette([first, 0, 0, 9, 9, 9])
        return Image(made)

    keys = {one.parts[0].key for one in samples(indexed(1), indexed(2), indexed(1))}
    assert len(keys) == 2


@pytest.mark.parametrize("place", [0, 1])
def test_pixels_that_were_altered_in_the_spool_are_never_stored(place):
    image = Image(np.zeros((9, 9), np.uint8), masks={"m": {"mask_data": np.eye(9)}})
    ((item, parts),) = spooled(image)
    parts[place] = parts[place].copy()
    parts[place][5] ^= 1
    with pytest.raises(PartDamagedError) as caught:
        sample_from_item(item, parts, DIGEST_SEED)
    assert str(caught.value) == "pixels of 'x' at step 0 differ from those that were logged"


def test_a_sample_counts_the_bytes_of_its_pixels_and_masks():
    image = Image(np.zeros((10, 20, 3)), masks={"m": {"mask_data": np.full((10, 20), 300)}})
    assert samples(image)[0].size_bytes == draft_size(image) == 600 + 400


def draft_size(image: Image) -> int:
    return image_draft(image).size_bytes


def test_a_picture_that_its_file_type_cannot_hold_is_an_error(monkeypatch):
    def refuse(frame, format, options):
        raise ImageInputError("a picture", got="none", fix="give up")

    monkeypatch.setattr(sample, "encode", refuse)
    with pytest.raises(ImageInputError):
        encode_samples(samples(draft(0, (9, 9, 3), file_type="jpg").image), Recent(9))


def test_the_same_pixels_are_known_again_wherever_in_the_spool_they_stand():
    part = SpooledPart(4, b"d" * 16, (2, 2), "uint8")
    elsewhere = msgspec.structs.replace(part, offset=4096)
    assert sample._key(part, "looks") == sample._key(elsewhere, "looks")
    assert sample._key(part, "looks") != sample._key(part, "other looks")
