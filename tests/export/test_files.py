"""Files and zip: what was stored comes out byte for byte."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import PIL.Image
import pytest

import filmstrip
from filmstrip.codec import decode_mask
from filmstrip.draw import draw_overlays
from filmstrip.export import export_run
from filmstrip.record import decode_record


def jpeg_bytes() -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (9, 5), (200, 100, 50)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def mixed_run(log_run, make_image):
    """Pictures of several formats, one with a mask, one logged twice."""
    array = np.arange(40, dtype=np.uint8).reshape(5, 8)
    return log_run(
        {
            0: {
                "photos": [
                    filmstrip.Image(jpeg_bytes(), caption='with "quotes", commas\nand lines'),
                    filmstrip.Image(array, file_type="webp"),
                    filmstrip.Image(array, file_type="bmp", grouping="g"),
                ],
                "faces": make_image(1),
            },
            1: {"photos": filmstrip.Image(jpeg_bytes()), "faces": make_image(1)},
        }
    )


def stored(run) -> dict[tuple[str, int, int], filmstrip.LoggedImage]:
    return {(i.key, i.step, i.index): i for key in run.keys() for i in run.images(key)}  # noqa: SIM118


def test_pictures_have_their_stored_bytes(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    entries = json.loads((tmp_path / "out/index.json").read_text())
    written = {
        (e["key"], e["step"], e["index"]): (tmp_path / "out" / e["file"]).read_bytes()
        for e in entries
    }
    assert written == {place: image.bytes() for place, image in stored(mixed_run).items()}


def test_files_are_named_by_key_step_and_index(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in files) == [
        "faces/0-0.json",
        "faces/0-0.png",
        "faces/0-0.truth.mask.png",
        "faces/1-0.json",
        "faces/1-0.png",
        "faces/1-0.truth.mask.png",
        "index.csv",
        "index.json",
        "photos/0-0.jpg",
        "photos/0-0.json",
        "photos/0-1.json",
        "photos/0-1.webp",
        "photos/0-2.bmp",
        "photos/0-2.json",
        "photos/1-0.jpg",
        "photos/1-0.json",
    ]


def test_masks_have_their_ids(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    ids = decode_mask((tmp_path / "out/faces/0-0.truth.mask.png").read_bytes())
    [image] = mixed_run.images("faces", 0)
    assert (ids == image.masks["truth"].array).all()


def test_a_record_describes_the_files_beside_it(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    for path in (tmp_path / "out").glob("*/*.json"):
        for member in decode_record(path.read_bytes()).members:
            data = path.with_suffix(f".{member.name}").read_bytes()
            assert (member.size_bytes, member.link) == (len(data), "")
            assert member.sha256 == hashlib.sha256(data).hexdigest()


def test_a_record_keeps_what_was_logged(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    record = decode_record((tmp_path / "out/faces/0-0.json").read_bytes())
    [image] = mixed_run.images("faces", 0)
    assert record.boxes == image.record.boxes
    assert record.masks == image.record.masks
    assert (record.key, record.step, record.time) == (image.key, image.step, image.time)


def test_the_index_has_every_picture(hostile_run, hostile_keys, tmp_path):
    export_run(hostile_run, tmp_path / "out", format="files")
    entries = json.loads((tmp_path / "out/index.json").read_text())
    assert [e["key"] for e in entries] == [key for key in hostile_keys for _ in range(2)]
    assert all((tmp_path / "out" / e["file"]).is_file() for e in entries)


def test_the_two_indices_say_the_same(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    entries = json.loads((tmp_path / "out/index.json").read_text())
    with (tmp_path / "out/index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    as_text = [{k: "" if v is None else str(v) for k, v in e.items()} for e in entries]
    assert rows == as_text


def test_overlays_are_drawn_into_a_png(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files", overlays=True)
    [image] = mixed_run.images("faces", 0)
    with PIL.Image.open(tmp_path / "out/faces/0-0.png") as drawn:
        assert drawn.tobytes() == draw_overlays(image).tobytes()
    record = decode_record((tmp_path / "out/photos/0-0.json").read_bytes())
    assert (record.format, record.mode, record.members[0].name) == ("png", "RGB", "png")


def test_a_zip_holds_what_the_folder_does(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out", format="files")
    export_run(mixed_run, tmp_path / "out.zip", format="zip")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    with ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in files
        }


def test_a_zip_is_not_deflated(mixed_run, tmp_path):
    export_run(mixed_run, tmp_path / "out.zip", format="zip")
    with ZipFile(tmp_path / "out.zip") as archive:
        assert {info.compress_type for info in archive.infolist()} == {ZIP_STORED}


def test_a_format_that_is_no_file_ending_names_no_path(mixed_run, tmp_path, monkeypatch):
    monkeypatch.setattr(filmstrip.LoggedImage, "format", "png/../../../evil")
    export_run(mixed_run, tmp_path / "out", format="files", keys=["faces"])
    assert (tmp_path / "out/faces/0-0.bin").is_file()
    assert [p.name for p in tmp_path.iterdir() if p.name != "store"] == ["out"]
