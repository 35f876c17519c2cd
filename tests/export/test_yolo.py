"""YOLO: lines in fractions, and a ``data.yaml`` that a YAML reader reads."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import filmstrip
from filmstrip.errors import ExportError
from filmstrip.export import export_run
from filmstrip.export.yolo import quoted_yaml
from filmstrip.shard.names import slug_from_text


def image_with(*corners, layer="found", **columns) -> filmstrip.Image:
    boxes = filmstrip.BoundingBoxes2D.from_arrays(np.array(corners).reshape(-1, 4), **columns)
    return filmstrip.Image(np.zeros((10, 20), np.uint8), boxes={layer: boxes})


@pytest.fixture
def lines(log_run, tmp_path):
    """Export one picture; return the words of its label file."""

    def export(image) -> list[list[str]]:
        export_run(log_run({0: {"k": image}}), tmp_path / "out", format="yolo")
        text = (tmp_path / "out/labels/k-0-0.txt").read_text()
        return [line.split(" ") for line in text.splitlines()]

    return export


def test_a_line_is_class_and_centre_and_size_in_fractions(lines):
    assert lines(image_with([2, 4, 6, 9])) == [
        ["0", "0.20000000", "0.65000000", "0.20000000", "0.50000000"]
    ]


def test_boxes_are_cut_to_the_picture(lines):
    assert lines(image_with([-5, -5, 10, 99])) == [
        ["0", "0.25000000", "0.50000000", "0.50000000", "1.00000000"]
    ]


def test_scores_are_not_written(lines):
    assert [len(line) for line in lines(image_with([1, 1, 2, 2], scores={"p": [0.5]}))] == [5]


@pytest.mark.filterwarnings("ignore::filmstrip.FilmstripWarning")
def test_boxes_that_are_none_or_outside_are_left_out_and_counted(log_run, tmp_path):
    nan = float("nan")
    corners = [[1, 1, 5, 5], [nan, 1, 5, 5], [5, 1, 1, 5], [30, 1, 40, 5], [1, -9, 5, 0]]
    summary = export_run(log_run({0: {"k": image_with(*corners)}}), tmp_path / "out", format="yolo")
    assert summary.num_boxes_left_out == 4
    assert len((tmp_path / "out/labels/k-0-0.txt").read_text().splitlines()) == 1


def test_classes_are_numbered_from_0_in_the_order_of_their_ids(log_run, tmp_path):
    labels = {9: "cat", 4: "dog", 7: "never seen"}
    image = image_with([1, 1, 5, 5], [2, 2, 5, 5], class_id=[9, 4], class_labels=labels)
    export_run(log_run({0: {"k": image}}), tmp_path / "out", format="yolo")
    assert yaml.safe_load((tmp_path / "out/data.yaml").read_text()) == {
        "train": "images",
        "val": "images",
        "names": {0: "dog", 1: "never seen", 2: "cat"},
    }
    text = (tmp_path / "out/labels/k-0-0.txt").read_text()
    assert [line.split()[0] for line in text.splitlines()] == ["2", "0"]


def test_every_picture_has_the_stem_of_its_labels(faces_run, tmp_path):
    export_run(faces_run, tmp_path / "out", format="yolo")
    pictures, labels = (
        {p.stem for p in (tmp_path / "out" / name).iterdir()} for name in ("images", "labels")
    )
    assert pictures == labels == {f"faces-{s}-{i}" for s in (0, 10, 20) for i in range(2)}


def test_pictures_have_their_stored_bytes(faces_run, tmp_path):
    export_run(faces_run, tmp_path / "out", format="yolo")
    for image in faces_run.images("faces"):
        path = tmp_path / f"out/images/faces-{image.step}-{image.index}.png"
        assert path.read_bytes() == image.bytes()


def test_no_boxes_are_an_empty_label_file_and_no_layer_is_none(log_run, tmp_path):
    bare = filmstrip.Image(np.zeros((4, 4), np.uint8))
    run = log_run({0: {"k": [image_with([1, 1, 2, 2]), image_with(), bare]}})
    export_run(run, tmp_path / "out", format="yolo")
    sizes = {p.name: p.stat().st_size > 0 for p in (tmp_path / "out/labels").iterdir()}
    assert sizes == {"k-0-0.txt": True, "k-0-1.txt": False}
    assert len(list((tmp_path / "out/images").iterdir())) == 3


def test_several_layers_are_a_dataset_each(log_run, tmp_path):
    boxes = {
        "truth": {"box_data": [], "class_labels": {1: "cat"}},
        "../found": {
            "box_data": [
                {
                    "position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1},
                    "class_id": 2,
                }
            ],
            "class_labels": {2: "dog"},
        },
    }
    run = log_run({0: {"k": filmstrip.Image(np.zeros((4, 4), np.uint8), boxes=boxes)}})
    export_run(run, tmp_path / "out", format="yolo")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        slug_from_text("../found"),
        "truth",
    ]
    found_name = slug_from_text("../found")
    names = [yaml.safe_load(p.read_text())["names"] for p in (tmp_path / "out").glob("*/data.yaml")]
    assert names == [{0: "cat", 1: "dog"}] * 2
    found = (tmp_path / f"out/{found_name}/labels/k-0-0.txt").read_text()
    assert found == "1 0.50000000 0.50000000 1.00000000 1.00000000\n"
    assert (tmp_path / "out/truth/labels/k-0-0.txt").read_text() == ""
    assert len(list((tmp_path / "out").glob("*/images/k-0-0.png"))) == 2


def test_pictures_without_boxes_are_no_yolo(log_run, tmp_path):
    run = log_run({0: {"k": filmstrip.Image(np.zeros((4, 4), np.uint8))}})
    with pytest.raises(ExportError) as caught:
        export_run(run, tmp_path / "out", format="yolo")
    assert str(caught.value) == (
        "expected pictures with boxes for yolo, got none; select other keys, or export coco"
    )


@given(st.text())
def test_a_yaml_reader_reads_every_name(name):
    assert yaml.safe_load(f"names:\n  0: {quoted_yaml(name)}\n") == {"names": {0: name}}
