from __future__ import annotations

import PIL.Image
import pytest

from filmstrip.errors import OptionError
from filmstrip.media.formats import FILE_TYPES, file_type_named


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (None, "png"),
        ("png", "png"),
        ("jpg", "jpg"),
        ("jpeg", "jpeg"),
        ("JPG", "jpg"),
        (".webp", "webp"),
        ("bmp", "bmp"),
    ],
)
def test_file_types_are_named_as_files_end(name, stored):
    assert file_type_named(name).name == stored


@pytest.mark.parametrize("name", ["gif", "tiff", "", "image/png", "jpg ", 5, ["png"]])
def test_an_unknown_file_type_names_the_choices(name):
    with pytest.raises(OptionError) as caught:
        file_type_named(name)
    assert str(caught.value) == (
        f"expected file_type to be one of png, jpg, jpeg, webp, bmp, got {name!r}; "
        "leave it out for png"
    )


@pytest.mark.parametrize("file_type", FILE_TYPES.values())
def test_every_file_type_is_one_that_pillow_writes(file_type):
    PIL.Image.init()
    assert file_type.pil_format in PIL.Image.SAVE
    assert file_type.media_type == PIL.Image.MIME[file_type.pil_format]
    assert "RGB" in file_type.modes
    assert file_type.has_alpha == ("RGBA" in file_type.modes)
