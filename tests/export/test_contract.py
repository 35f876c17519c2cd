"""What every format holds to: a new one gets a line in `PICTURE_COUNTERS` and inherits the rest."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from zipfile import ZipFile

import av
import PIL.Image
import pytest

import filmstrip
from filmstrip.errors import ExportError, KeyNotFoundError, MissingDependencyError, OptionError
from filmstrip.export import FORMATS, ExportSummary, SkippedImage, export_run, parse_steps


def count_pngs(target: Path) -> int:
    return sum(".mask." not in file.name for file in target.rglob("*.png"))


def count_in_zip(target: Path) -> int:
    with ZipFile(target) as archive:
        return sum(n.endswith(".png") and ".mask." not in n for n in archive.namelist())


def count_gif_frames(target: Path) -> int:
    files = target.glob("*.gif") if target.is_dir() else [target]
    count = 0
    for file in files:
        with PIL.Image.open(file) as animation:
            count += animation.n_frames
    return count


def count_mp4_frames(target: Path) -> int:
    count = 0
    for file in target.glob("*.mp4") if target.is_dir() else [target]:
        with av.open(str(file)) as video:
            count += sum(1 for _ in video.decode(video=0))
    return count


def count_in_tars(target: Path) -> int:
    count = 0
    for file in target.glob("*.tar"):
        with tarfile.open(file) as archive:
            count += sum(n.endswith(".png") and ".mask." not in n for n in archive.getnames())
    return count


def count_in_page(target: Path) -> int:
    text = target.read_text("utf-8")
    return len(json.loads(text.split('id="index">')[1].split("</script>")[0])["items"])


PICTURE_COUNTERS = {
    "files": count_pngs,
    "zip": count_in_zip,
    "html": count_in_page,
    "gif": count_gif_frames,
    "mp4": count_mp4_frames,
    "webdataset": count_in_tars,
    "coco": count_pngs,
    "yolo": count_pngs,
}

every_format = pytest.mark.parametrize("format", FORMATS)
every_folder_format = pytest.mark.parametrize(
    "format", [f for f in FORMATS if not FORMATS[f].is_always_file]
)


def test_every_format_is_under_the_contract():
    assert PICTURE_COUNTERS.keys() == FORMATS.keys()


def inner_paths(target: Path) -> list[str]:
    """Return the paths inside an archive that has some."""
    if target.suffix == ".zip":
        with ZipFile(target) as archive:
            return archive.namelist()
    names = []
    for tar in target.glob("*.tar"):
        with tarfile.open(tar) as archive:
            names += archive.getnames()
    return names


@every_format
class TestEveryFormat:
    def test_as_many_pictures_come_out_as_went_in(self, hostile_run, tmp_path, format):
        target = tmp_path / f"out{FORMATS[format].ending * FORMATS[format].is_always_file}"
        summary = export_run(hostile_run, target, format=format)
        expected = sum(len(hostile_run.images(key)) for key in hostile_run.keys())  # noqa: SIM118  # no dict
        assert summary.images == expected == 22
        assert PICTURE_COUNTERS[format](target) == expected

    def test_no_key_names_a_place_outside_the_target(self, hostile_run, tmp_path, format):
        target = tmp_path / "inner" / "out"
        export_run(hostile_run, target, format=format)
        assert [p.name for p in tmp_path.iterdir()] == ["inner"]
        assert [p.name for p in target.parent.iterdir()] == ["out"]
        names = inner_paths(target)
        assert all(not name.startswith("/") and ".." not in name.split("/") for name in names)
        assert all(name.isascii() and name.isprintable() for name in names)

    def test_no_two_files_differ_only_in_case(self, hostile_run, tmp_path, format):
        target = tmp_path / "out"
        export_run(hostile_run, target, format=format)
        names = [*map(str, target.rglob("*")), *inner_paths(target)]
        assert len({name.lower() for name in names}) == len(names)

    def test_the_summary_says_what_is_there(self, faces_run, tmp_path, format):
        target = tmp_path / "out"
        summary = export_run(faces_run, target, format=format)
        written = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
        assert summary == ExportSummary(
            path=target,
            files=len(written),
            images=6,
            size_bytes=sum(file.stat().st_size for file in written),
        )

    def test_a_damaged_picture_is_left_out_and_named(self, damaged_run, tmp_path, format):
        target = tmp_path / "out"
        summary = export_run(damaged_run, target, format=format)
        [skipped] = summary.skipped
        assert (skipped.key, skipped.step, skipped.index) == ("faces", 10, 0)
        [shard] = damaged_run.dir.glob("*.tar")
        offset = int(skipped.reason.rpartition(" ")[2])
        assert shard.read_bytes()[offset : offset + 4] == b"\x89PNG"
        assert skipped == SkippedImage(
            "faces",
            10,
            0,
            "expected the bytes that were logged, got other bytes in member 'png'; "
            f"run `filmstrip verify` for all of it: {shard} at byte {offset}",
        )
        assert summary.images == 5
        assert PICTURE_COUNTERS[format](target) == 5

    def test_progress_goes_to_the_end_even_over_damage(self, damaged_run, tmp_path, format):
        seen = []
        export_run(damaged_run, tmp_path / "out", format=format, progress=lambda *n: seen.append(n))
        assert seen == [(done, 6) for done in range(1, 7)]

    def test_a_file_at_the_target_is_not_touched(self, faces_run, tmp_path, format):
        target = tmp_path / f"out{FORMATS[format].ending}"
        target.write_bytes(b"mine")
        with pytest.raises(ExportError, match=r"expected .*, got .*a(n existing)? file: "):
            export_run(faces_run, target, format=format)
        assert target.read_bytes() == b"mine"
        assert [p.name for p in tmp_path.iterdir() if p.name != "store"] == [target.name]

    def test_an_interrupt_leaves_nothing_behind(self, faces_run, tmp_path, format):
        def interrupt(done: int, total: int) -> None:
            if done == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            export_run(faces_run, tmp_path / "out", format=format, progress=interrupt)
        assert [p.name for p in tmp_path.iterdir()] == ["store"]

    def test_steps_can_be_selected(self, faces_run, tmp_path, format):
        steps = parse_steps("0,last")
        summary = export_run(faces_run, tmp_path / "out", format=format, steps=steps)
        assert summary.images == 4
        assert PICTURE_COUNTERS[format](tmp_path / "out") == 4

    def test_keys_can_be_selected(self, hostile_run, tmp_path, format):
        summary = export_run(hostile_run, tmp_path / "out", format=format, keys=["ключ", "a/b"])
        assert summary.images == 4

    def test_a_key_without_images_is_an_error(self, faces_run, tmp_path, format):
        with pytest.raises(KeyNotFoundError):
            export_run(faces_run, tmp_path / "out", format=format, keys=["fases"])
        assert not (tmp_path / "out").exists()

    def test_steps_without_images_are_an_error(self, faces_run, tmp_path, format):
        with pytest.raises(ExportError) as caught:
            export_run(faces_run, tmp_path / "out", format=format, steps=parse_steps("5:10"))
        assert str(caught.value) == (
            "expected steps with images, which are between 0 and 20, got '5:10'; select other steps"
        )

    def test_a_run_without_images_is_an_error(self, log_run, tmp_path, format):
        with pytest.raises(ExportError) as caught:
            export_run(log_run({0: {"loss": 1.0}}), tmp_path / "out", format=format)
        assert str(caught.value) == (
            "expected a run with images, got none in run r1; pick another run"
        )

    def test_the_same_run_gives_the_same_bytes(self, faces_run, tmp_path, format):
        def everything(target: Path) -> dict[str, bytes]:
            export_run(faces_run, target, format=format)
            files = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
            return {str(p.relative_to(target)): p.read_bytes() for p in files}

        assert everything(tmp_path / "one") == everything(tmp_path / "two")

    @pytest.mark.parametrize("place", ["", "r1", "new", "r1/new"])
    def test_nothing_is_written_among_the_runs(self, faces_run, format, place):
        before = sorted(faces_run.dir.parent.rglob("*"))
        with pytest.raises(ExportError, match="expected a target outside the store's runs, got "):
            export_run(faces_run, faces_run.dir.parent / place, format=format, overwrite=True)
        assert sorted(faces_run.dir.parent.rglob("*")) == before


@every_folder_format
class TestEveryFolderFormat:
    def test_a_folder_with_files_is_refused(self, faces_run, tmp_path, format):
        target = tmp_path / "out"
        target.mkdir()
        (target / "notes.txt").write_text("mine")
        with pytest.raises(ExportError) as caught:
            export_run(faces_run, target, format=format)
        assert str(caught.value) == (
            f"expected a new or an empty folder, got a folder with files: {target}; "
            "name another path, or ask to overwrite (overwrite=True, --overwrite)"
        )
        assert [p.name for p in target.rglob("*")] == ["notes.txt"]

    def test_an_empty_folder_is_filled(self, faces_run, tmp_path, format):
        target = tmp_path / "out"
        target.mkdir()
        export_run(faces_run, target, format=format)
        assert PICTURE_COUNTERS[format](target) == 6
        assert not list(target.glob(".*"))

    def test_overwriting_keeps_the_files_of_others(self, faces_run, tmp_path, format):
        target = tmp_path / "out"
        export_run(faces_run, target, format=format)
        (target / "notes.txt").write_text("mine")
        export_run(faces_run, target, format=format, overwrite=True)
        assert (target / "notes.txt").read_text() == "mine"
        assert PICTURE_COUNTERS[format](target) == 6
        assert not list(target.glob(".*"))

    def test_an_interrupt_leaves_an_old_export_whole(self, faces_run, tmp_path, format):
        def interrupt(done: int, total: int) -> None:
            raise KeyboardInterrupt

        target = tmp_path / "out"
        export_run(faces_run, target, format=format)
        before = {p: p.read_bytes() for p in target.rglob("*") if p.is_file()}
        with pytest.raises(KeyboardInterrupt):
            export_run(faces_run, target, format=format, overwrite=True, progress=interrupt)
        assert {p: p.read_bytes() for p in target.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("format", ["zip", "html", "gif", "mp4"])
class TestEveryFileFormat:
    def options(self) -> dict:
        return {"steps": parse_steps("0"), "keys": ["plain"]}

    def test_an_existing_file_is_refused_with_what_to_do(self, hostile_run, tmp_path, format):
        target = tmp_path / f"out.{format}"
        target.write_bytes(b"mine")
        with pytest.raises(ExportError) as caught:
            export_run(hostile_run, target, format=format, **self.options())
        assert str(caught.value) == (
            f"expected a target that does not exist yet, got an existing file: {target}; "
            "name another path, or ask to overwrite (overwrite=True, --overwrite)"
        )
        assert target.read_bytes() == b"mine"

    def test_an_existing_file_is_replaced_when_asked(self, hostile_run, tmp_path, format):
        target = tmp_path / f"out.{format}"
        target.write_bytes(b"mine")
        export_run(hostile_run, target, format=format, overwrite=True, **self.options())
        assert PICTURE_COUNTERS[format](target) == 1
        assert [p.name for p in tmp_path.iterdir()] == [target.name]

    def test_the_folder_of_the_target_is_made(self, hostile_run, tmp_path, format):
        target = tmp_path / "deep" / "down" / f"out.{format}"
        summary = export_run(hostile_run, target, format=format, **self.options())
        assert (summary.path, summary.files) == (target, 1)


def test_a_zip_is_no_folder(faces_run, tmp_path):
    with pytest.raises(ExportError) as caught:
        export_run(faces_run, tmp_path, format="zip", overwrite=True)
    assert str(caught.value) == (
        f"expected the path of a file, got a folder: {tmp_path}; add a file name"
    )


def test_an_unknown_format_is_an_error(faces_run, tmp_path):
    with pytest.raises(OptionError) as caught:
        export_run(faces_run, tmp_path / "out", format="tiff")
    assert str(caught.value) == (
        "expected format to be one of files, zip, html, gif, mp4, webdataset, coco, yolo, "
        "got 'tiff'; pick one of them"
    )


@pytest.mark.parametrize("format", ["coco", "yolo"])
def test_training_data_has_no_overlays(faces_run, tmp_path, format):
    with pytest.raises(OptionError) as caught:
        export_run(faces_run, tmp_path / "out", format=format, overlays=True)
    assert str(caught.value) == (
        f"expected overlays left out for {format}, whose pictures are to be trained on, "
        "got overlays; export files, zip, html, gif, mp4 or webdataset"
    )


@pytest.mark.parametrize("fps", [0, -1, 241, float("nan"), float("inf")])
def test_a_frame_rate_out_of_range_is_an_error(faces_run, tmp_path, fps):
    with pytest.raises(OptionError) as caught:
        export_run(faces_run, tmp_path / "out", format="gif", fps=fps)
    assert str(caught.value) == f"expected fps from 0.1 to 240, got {fps!r}; leave it out for 8"


def test_mp4_without_pyav_says_what_to_install(faces_run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingDependencyError) as caught:
        export_run(faces_run, tmp_path / "out", format="mp4")
    assert str(caught.value) == (
        'expected the package av for mp4 export, got none; pip install "filmstrip[video]"'
    )
    assert not (tmp_path / "out").exists()


def test_a_run_in_which_nothing_can_be_read_gives_no_pictures(
    log_run, make_image, damage, tmp_path
):
    run = log_run({0: {"a": make_image(0)}})
    damage(run, key="a", step=0)
    run = filmstrip.open(run.dir.parent.parent).run("r1")
    summary = export_run(run, tmp_path / "out", format="files")
    assert (summary.images, len(summary.skipped)) == (0, 1)


@pytest.mark.parametrize("format", ["files", "zip", "html", "webdataset", "coco"])
def test_a_damaged_mask_takes_its_picture_with_it(faces_run, damage, tmp_path, format):
    damage(faces_run, key="faces", step=0, member="truth.mask.png")
    run = filmstrip.open(faces_run.dir.parent.parent).run("r1")
    summary = export_run(run, tmp_path / "out", format=format)
    assert ("faces", 0) in [(s.key, s.step) for s in summary.skipped]
    assert PICTURE_COUNTERS[format](tmp_path / "out") == 6 - len(summary.skipped)
