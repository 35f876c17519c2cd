"""``filmstrip export``; what each format holds is tested with the formats."""

from __future__ import annotations

import pytest

from filmstrip.cli.text import size_text


def test_all_images_of_a_run_are_written_and_counted(cli, store, tmp_path):
    outcome = cli("export", "baseline", "--store", store, "-o", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    size = size_text(sum(path.stat().st_size for path in files))
    assert outcome.out == f"4 images in {len(files)} files, {size}: {tmp_path}/out\n"


def test_keys_and_steps_can_be_chosen(cli, store, tmp_path):
    outcome = cli(
        "export", "lr-0.1", "--store", store, "-o", tmp_path / "out",
        "--key", "val/cats", "--key", "pair", "--steps", "last",
    )  # fmt: skip
    assert outcome.out.startswith("3 images in ")


@pytest.mark.parametrize("name", ["files", "zip", "gif", "mp4", "webdataset", "coco", "yolo"])
def test_every_format_is_written(cli, store, tmp_path, name):
    target = tmp_path / f"out.{name}"
    outcome = cli("export", "lr-0.1", "--store", store, "-o", target, "-f", name, "-k", "val/cats")
    assert (outcome.code, outcome.err) == (0, "")
    assert target.exists()


def test_a_folder_with_files_is_only_written_to_when_that_is_said(cli, store, tmp_path):
    command = ["export", "lr-0.1", "--store", store, "-o", tmp_path / "out"]
    assert cli(*command).code == 0
    again = cli(*command)
    assert (again.code, again.out) == (2, "")
    assert again.err.startswith("error: expected a new or an empty folder, got ")
    assert cli(*command, "--overwrite").code == 0


def test_an_unknown_key_writes_nothing(cli, store, tmp_path):
    outcome = cli("export", "lr-0.1", "--store", store, "-o", tmp_path / "out", "-k", "x")
    assert outcome.code == 2
    assert not (tmp_path / "out").exists()


def test_a_picture_that_cannot_be_read_is_named_and_the_rest_is_written(cli, store, tmp_path):
    (shard,) = (store / "runs" / "lr-0.1").glob("*.tar")
    data = bytearray(shard.read_bytes())
    data[512 + 149] ^= 1
    shard.write_bytes(data)
    outcome = cli("export", "lr-0.1", "--store", store, "-o", tmp_path / "out", "-k", "pair")
    assert (outcome.code, outcome.err) == (0, "")
    outcome = cli("export", "lr-0.1", "--store", store, "-o", tmp_path / "all")
    assert outcome.code == 1
    assert "left out 'val/cats' step 0 index 0: expected the bytes that were logged" in outcome.err
    assert f"{shard} at byte 512" in outcome.err


def test_boxes_that_a_format_cannot_hold_are_counted(cli, store, tmp_path, monkeypatch):
    from filmstrip import export
    from filmstrip.export import ExportSummary

    def export_run(*_args, **_options):
        return ExportSummary(tmp_path, 1, 1, 1, num_boxes_left_out=2)

    monkeypatch.setattr(export, "export_run", export_run)
    outcome = cli("export", "lr-0.1", "--store", store, "-o", tmp_path / "o", "-f", "coco")
    assert (outcome.code, outcome.err) == (0, "left out 2 boxes that the format cannot hold\n")
