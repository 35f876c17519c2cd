from __future__ import annotations

import io
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmstrip.errors import (
    DimensionError,
    ImageFileError,
    ImageInputError,
    ImageNotFoundError,
    ImageTypeError,
)
from filmstrip.media.files import EncodedPicture
from filmstrip.media.image import Image

WIDTH, HEIGHT = 30, 20
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
FORMATS = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]


def encoded(format, pixels=PIXELS, **options):
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, format, **options)
    return stream.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_size(width, height):
    """A small PNG file that claims to be of this size: 1-bit gray, with a row or none."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * (width // 8 + 2))
    parts = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded("JPEG"))
    return path


@pytest.mark.parametrize("make", [str, Path, np.str_, os.fsencode], ids=["str", "Path", "np", "os"])
def test_a_path_keeps_its_file_byte_for_byte(photo, make):
    path = make(photo)
    if isinstance(path, bytes):
        with os.scandir(os.fsencode(photo.parent)) as entries:
            path = next(entries)  # a PathLike of bytes
    image = Image(path)
    assert image.content == EncodedPicture(photo.read_bytes(), "jpg", "RGB", WIDTH, HEIGHT)
    assert (image.source.kind, image.source.dtype, image.source.rule) == ("file", "RGB", "kept")
    assert image.source.shape == [HEIGHT, WIDTH]


@pytest.mark.parametrize("file_type", ["png", "jpg", "webp"])
def test_file_type_has_no_effect_on_a_path(photo, file_type):
    image = Image(photo, file_type=file_type)
    assert (image.format, image.content.data) == ("jpg", photo.read_bytes())


@pytest.mark.parametrize(
    ("ending", "format", "stored"),
    [
        ("jpg", "JPEG", "jpg"),
        ("jpeg", "JPEG", "jpeg"),
        ("JPG", "JPEG", "jpg"),
        ("png", "JPEG", "jpg"),
        ("jpg", "PNG", "png"),
        ("gif", "GIF", "gif"),
        ("tif", "TIFF", "tif"),
        ("tiff", "TIFF", "tiff"),
        ("webp", "WEBP", "webp"),
        ("bmp", "BMP", "bmp"),
        ("data", "PNG", "png"),
        ("", "WEBP", "webp"),
    ],
)
def test_the_format_is_what_the_bytes_are_spelled_as_the_file_is(tmp_path, ending, format, stored):
    path = tmp_path / f"a.b.{ending}"
    path.write_bytes(encoded(format))
    assert Image(path).format == stored
    assert Image(path).content.data == path.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_are_kept_as_they_are(format, make):
    data = encoded(format)
    image = Image(make(data))
    assert image.content.data == data
    assert type(image.content.data) is bytes
    assert image.source.kind == "bytes"
    assert image.format == {"JPEG": "jpg"}.get(format, format.lower())


def test_changing_the_buffer_afterwards_changes_nothing():
    data = bytearray(encoded("PNG"))
    image = Image(data)
    data[:] = b"\0" * len(data)
    assert np.array_equal(np.asarray(image.image), PIXELS)


@pytest.mark.parametrize("file_type", ["jpg", "jpeg", "JPEG", ".jpg"])
def test_bytes_of_the_type_that_is_asked_for_are_kept(file_type):
    data = encoded("JPEG")
    assert Image(data, file_type=file_type).content.data == data


@pytest.mark.parametrize("file_type", ["png", "webp", "bmp"])
def test_bytes_of_another_type_than_is_asked_for_are_encoded_anew(file_type):
    image = Image(encoded("GIF"), file_type=file_type)
    assert (image.format, image.width, image.height) == (file_type, WIDTH, HEIGHT)
    assert not isinstance(image.content, EncodedPicture)


@pytest.mark.parametrize(("mode", "is_kept"), [("RGB", True), (None, True), ("L", False)])
def test_a_file_whose_mode_is_to_change_is_encoded_anew(photo, mode, is_kept):
    image = Image(photo, mode=mode)
    assert isinstance(image.content, EncodedPicture) == is_kept
    assert image.mode == (mode or "RGB")
    assert image.format == ("jpg" if is_kept else "png")


class OnlyRead:
    """A stream of the network: it reads, and nothing else."""

    def __init__(self, data):
        self._data = data

    def read(self):
        return self._data


@pytest.mark.parametrize("num_read", [0, 1, 10_000])
def test_a_file_object_is_read_from_its_start(photo, num_read):
    with photo.open("rb") as stream:
        stream.read(num_read)
        assert Image(stream).content.data == photo.read_bytes()
        assert not stream.closed


def test_a_temporary_file_is_read():
    with tempfile.NamedTemporaryFile() as stream, tempfile.TemporaryFile() as nameless:
        stream.write(encoded("PNG"))
        nameless.write(encoded("PNG"))
        assert Image(stream).content.data == Image(nameless).content.data == encoded("PNG")


def test_a_stream_that_cannot_seek_is_read_from_where_it_is():
    assert Image(OnlyRead(encoded("PNG"))).content.data == encoded("PNG")
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as sink:
        sink.write(encoded("PNG"))
        sink.close()
        assert Image(source).content.data == encoded("PNG")


BINARY = 'open it with mode "rb"'


@pytest.mark.parametrize("name", ["text.txt", "photo.png"])
def test_a_file_opened_as_text_is_a_type_error(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(encoded("PNG") if name.endswith("png") else b"words")
    with path.open() as stream:
        assert message_of(ImageTypeError, lambda: Image(stream)) == (
            f"expected a binary file object, got one that reads text; {BINARY}"
        )
    assert message_of(ImageTypeError, lambda: Image(OnlyRead("words"))) == (
        f"expected a binary file object, got one that reads str; {BINARY}"
    )


def test_a_closed_file_is_an_error(photo):
    with photo.open("rb") as stream:
        pass
    assert message_of(ImageFileError, lambda: Image(stream)) == (
        "expected a readable file object, got BufferedReader (I/O operation on closed file); "
        f"{BINARY} and close it later"
    )


def test_a_file_open_for_writing_is_an_error(tmp_path):
    with (tmp_path / "new.png").open("wb") as stream:
        assert message_of(ImageFileError, lambda: Image(stream)) == (
            "expected a readable file object, got BufferedWriter (read); "
            f"{BINARY} and close it later"
        )


@pytest.mark.parametrize("name", ["missing.png", "a/b/c.jpg", "line\nbreak", "ключ.png"])
def test_a_missing_file_names_the_path_and_the_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        Image(name)
    assert message_of(ImageNotFoundError, lambda: Image(name)) == (
        "expected the path of an image file, got one that does not exist; "
        f"check it against the working folder {tmp_path}: {name!r}"
    )


def test_a_folder_is_no_image(tmp_path):
    assert message_of(ImageFileError, lambda: Image(tmp_path)) == (
        f"expected a readable image file, got {tmp_path} "
        f"([Errno 21] Is a directory: '{tmp_path}'); check the path"
    )


def test_a_path_with_nul_is_no_image():
    assert message_of(ImageFileError, lambda: Image("a\0b")) == (
        "expected a readable image file, got a\\x00b (embedded null byte); check the path"
    )


def test_an_empty_path_is_no_image():
    assert message_of(ImageInputError, lambda: Image("")) == (
        "expected the path of an image file, got an empty text; check the path"
    )


@pytest.mark.parametrize("data", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"])
def test_bytes_that_are_no_image_say_so(data):
    assert message_of(ImageFileError, lambda: Image(data)) == (
        f"expected an image file, got {len(data)} bytes in no format that Pillow knows; "
        "check the file"
    )


def test_a_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("words")
    assert message_of(ImageFileError, lambda: Image(path)) == (
        f"expected an image file, got 5 bytes of {path} in no format that Pillow knows; "
        "check the file"
    )


def test_a_truncated_file_says_so():
    data = encoded("JPEG")[:-200]
    text = message_of(ImageFileError, lambda: Image(data))
    assert text.startswith(
        f"expected a whole image file, got {len(data)} bytes that do not decode (image file is "
    )
    assert text.endswith("); write the file again")


def image_or_error(data):
    try:
        return Image(data)
    except (ImageFileError, ImageInputError) as error:
        return error


CUT_FORMATS = st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF"])


@settings(deadline=None, max_examples=120)
@given(CUT_FORMATS, st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_an_error_unless_every_pixel_is_there(format, share):
    data = encoded(format)
    found = image_or_error(data[: int(share * len(data))])
    if isinstance(found, Image):
        whole = PIL.Image.open(io.BytesIO(data)).convert("RGB")
        assert np.array_equal(np.asarray(found.image.convert("RGB")), np.asarray(whole))
    else:
        assert "\n" not in str(found)


@settings(deadline=None, max_examples=150)
@given(CUT_FORMATS, st.integers(0, 9999), st.integers(1, 255))
def test_a_flipped_byte_gives_a_picture_or_one_of_our_errors(format, place, flip):
    data = bytearray(encoded(format))
    data[place % len(data)] ^= flip
    assert "\n" not in str(image_or_error(bytes(data)))


def test_a_truncated_pil_image_is_an_error_at_the_call(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(encoded("PNG")[:-300])
    with PIL.Image.open(path) as picture:
        text = message_of(ImageFileError, lambda: Image(picture))
    assert text.startswith("expected a whole image file, got a PIL image that does not decode (")


def test_a_closed_pil_image_is_an_error(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    with PIL.Image.open(tmp_path / "a.png") as picture:
        pass
    assert "a PIL image that does not decode" in message_of(ImageFileError, lambda: Image(picture))


@pytest.mark.parametrize("side", [60_000, 10_000], ids=["error of Pillow's", "warning of Pillow's"])
def test_a_decompression_bomb_is_an_error(side):
    data = png_of_size(side, side)
    text = message_of(ImageFileError, lambda: Image(data))
    assert text.startswith(f"expected an image of a safe size, got {len(data)} bytes: Image size (")
    assert text.endswith("; raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file")


@pytest.mark.parametrize(("width", "height"), [(65501, 1), (1, 65501)])
def test_a_file_with_a_side_over_the_limit_is_an_error(width, height):
    assert message_of(DimensionError, lambda: Image(png_of_size(width, height))) == (
        "expected sides of at most MAX_DIMENSION = 65500 pixels, "
        f"got width {width} and height {height}; scale the image down or cut it into tiles"
    )


def test_an_animation_is_kept_whole():
    frames = [PIL.Image.new("RGB", (8, 6), color) for color in ("red", "green", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=40)
    image = Image(stream)
    assert (image.content.data, image.format) == (stream.getvalue(), "gif")
    assert (image.width, image.height) == (8, 6)
    with PIL.Image.open(io.BytesIO(image.content.data)) as kept:
        assert kept.n_frames == 3
    assert image.image.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


# What a picture with the letter's shape looks like for each EXIF orientation, upright.
LETTER = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], np.uint8) * 255
STORED_FOR_ORIENTATION = {
    1: LETTER,
    2: LETTER[:, ::-1],
    3: LETTER[::-1, ::-1],
    4: LETTER[::-1],
    5: LETTER.T,
    6: np.rot90(LETTER),
    7: LETTER[::-1, ::-1].T,
    8: np.rot90(LETTER, -1),
}


def oriented(orientation, format="PNG"):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED_FOR_ORIENTATION[orientation])
    return encoded(format, stored, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("kind", ["bytes", "path", "pil"])
def test_the_exif_orientation_is_applied(tmp_path, orientation, format, kind):
    data = oriented(orientation, format)
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    given_ = {"bytes": data, "path": path, "pil": PIL.Image.open(io.BytesIO(data))}[kind]
    box = {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1}}
    image = Image(
        given_,
        boxes={"whole": {"box_data": [box]}},
        masks={"ids": {"mask_data": LETTER // 255}},
    )
    assert (image.width, image.height) == (3, 5)
    assert np.array_equal(np.asarray(image.image), LETTER)
    assert image.boxes["whole"].xyxy.tolist() == [[0, 0, 3, 5]]
    if kind != "pil":
        assert image.content.data == data


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_the_exif_orientation_turns_photos_too(orientation, format):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = Image(encoded(format, exif=exif))
    turned = orientation > 4
    assert (image.width, image.height) == ((HEIGHT, WIDTH) if turned else (WIDTH, HEIGHT))
    assert image.image.size == (image.width, image.height)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_is_none_is_passed_over(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = Image(encoded("PNG", exif=exif))
    assert np.array_equal(np.asarray(image.image), PIXELS)


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0", b"Exif\0\0MM\0*"])
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_data_that_is_damaged_says_nothing(format, exif):
    image = Image(encoded(format, exif=exif))
    assert (image.width, image.height) == (WIDTH, HEIGHT)
