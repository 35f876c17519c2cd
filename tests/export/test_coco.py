"""COCO, read by pycocotools."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import PIL.Image
import pytest
from pycocotools.coco import COCO

import filmstrip
from filmstrip.errors import ExportError
from filmstrip.export import export_run
from filmstrip.shard.names import slug_from_text


def boxes_of(corners, **columns) -> filmstrip.BoundingBoxes2D:
    return filmstrip.BoundingBoxes2D.from_arrays(np.array(corners).reshape(-1, 4), **columns)


def image_with(*, width=20, height=10, **overlays) -> filmstrip.Image:
    return filmstrip.Image(np.zeros((height, width), np.uint8), **overlays)


def load(path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        return COCO(str(path))


def annotations(path) -> list[dict]:
    return load(path).dataset["annotations"]


class TestBoxes:
    @pytest.fixture
    def coco(self, log_run, tmp_path) -> COCO:
        cats = boxes_of(
            [[1, 2, 7, 5], [-3, 0.5, 4, 30]],
            class_id=[7, 3],
            scores={"confidence": [0.75, float("nan")], "iou": [0.1, 0.2]},
            class_labels={3: "dog", 7: "cat"},
        )
        none = boxes_of([], class_labels={3: "dog"})
        images = [
            image_with(boxes={"found": cats}, caption="first"),
            image_with(boxes={"found": none}),
        ]
        export_run(log_run({4: {"a/b": images}}), tmp_path / "out", format="coco")
        return load(tmp_path / "out/annotations.json")

    def test_boxes_are_left_top_width_height_in_pixels(self, coco):
        assert [a["bbox"] for a in coco.dataset["annotations"]] == [
            [1, 2, 6, 3],
            [-3, 0.5, 7, 29.5],
        ]
        assert [a["area"] for a in coco.dataset["annotations"]] == [18, 206.5]

    def test_the_first_score_is_the_score_where_there_is_one(self, coco):
        assert [a.get("score", "no") for a in coco.dataset["annotations"]] == [0.75, "no"]

    def test_categories_keep_the_ids_that_were_logged(self, coco):
        assert coco.loadCats(coco.getCatIds()) == [
            {"id": 3, "name": "dog"},
            {"id": 7, "name": "cat"},
        ]
        assert [a["category_id"] for a in coco.dataset["annotations"]] == [7, 3]

    def test_a_picture_without_boxes_is_there_too(self, coco):
        assert coco.getImgIds() == [1, 2]
        assert len(coco.getAnnIds(imgIds=[2])) == 0

    def test_pictures_say_what_they_were_logged_as(self, coco):
        first, second = coco.loadImgs([1, 2])
        assert first == {
            "id": 1,
            "file_name": f"{slug_from_text('a/b')}-4-0.png",
            "width": 20,
            "height": 10,
            "key": "a/b",
            "step": 4,
            "index": 0,
            "caption": "first",
        }
        assert second["caption"] is None

    def test_ids_of_annotations_are_unique(self, coco):
        assert [a["id"] for a in coco.dataset["annotations"]] == [1, 2]

    def test_pictures_are_beside_with_their_stored_bytes(self, faces_run, tmp_path):
        export_run(faces_run, tmp_path / "out", format="coco")
        coco = load(tmp_path / "out/annotations-boxes-found.json")
        for entry, image in zip(coco.dataset["images"], faces_run.images("faces"), strict=True):
            assert (tmp_path / "out/images" / entry["file_name"]).read_bytes() == image.bytes()

    @pytest.mark.filterwarnings("ignore::filmstrip.FilmstripWarning")
    def test_boxes_that_are_none_are_left_out_and_counted(self, log_run, tmp_path):
        nan, inf = float("nan"), float("inf")
        corners = [[1, 1, 5, 5], [nan, 1, 5, 5], [5, 1, 1, 5], [1, 1, inf, 5], [3, 3, 3, 9]]
        run = log_run({0: {"k": image_with(boxes={"found": boxes_of(corners)})}})
        summary = export_run(run, tmp_path / "out", format="coco")
        assert summary.num_boxes_left_out == 4
        assert [a["bbox"] for a in annotations(tmp_path / "out/annotations.json")] == [[1, 1, 4, 4]]

    def test_boxes_without_a_class_are_objects(self, log_run, tmp_path):
        boxes = boxes_of([[1, 1, 5, 5], [2, 2, 5, 5]], class_id=[4, -1], class_labels={4: "cat"})
        run = log_run({0: {"k": image_with(boxes={"found": boxes})}})
        export_run(run, tmp_path / "out", format="coco")
        coco = load(tmp_path / "out/annotations.json")
        assert coco.dataset["categories"] == [{"id": 4, "name": "cat"}, {"id": 5, "name": "object"}]
        assert [a["category_id"] for a in coco.dataset["annotations"]] == [4, 5]


class TestLayers:
    def test_each_layer_has_a_file_with_the_same_pictures_and_categories(self, log_run, tmp_path):
        truth = boxes_of([[0, 0, 4, 4]], class_id=[1], class_labels={1: "cat"})
        found = boxes_of([[1, 1, 5, 5]], class_id=[9], class_labels={9: "cat"})
        run = log_run({0: {"k": image_with(boxes={"truth": truth, "../found": found})}})
        export_run(run, tmp_path / "out", format="coco")
        files = sorted((tmp_path / "out").glob("*.json"))
        assert [f.name for f in files] == [
            f"annotations-boxes-{name}.json" for name in (slug_from_text("../found"), "truth")
        ]
        first, second = (json.loads(f.read_text()) for f in files)
        assert first["images"] == second["images"]
        assert first["categories"] == second["categories"] == [{"id": 1, "name": "cat"}]
        assert [d["annotations"][0]["bbox"][0] for d in (first, second)] == [1, 0]

    def test_an_id_with_two_names_makes_categories_be_numbered_by_name(self, log_run, tmp_path):
        truth = boxes_of([[0, 0, 4, 4]], class_id=[1], class_labels={1: "dog"})
        found = boxes_of([[1, 1, 5, 5]], class_id=[1], class_labels={1: "cat"})
        run = log_run({0: {"k": image_with(boxes={"truth": truth, "found": found})}})
        export_run(run, tmp_path / "out", format="coco")
        dataset = json.loads((tmp_path / "out/annotations-boxes-truth.json").read_text())
        assert dataset["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
        assert dataset["annotations"][0]["category_id"] == 2

    def test_boxes_and_masks_of_one_name_are_two_files(self, faces_run, tmp_path):
        export_run(faces_run, tmp_path / "out", format="coco")
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
            "annotations-boxes-found.json",
            "annotations-masks-truth.json",
            "images",
        ]

    def test_pictures_with_nothing_on_them_are_no_coco(self, log_run, tmp_path):
        with pytest.raises(ExportError) as caught:
            export_run(log_run({0: {"k": image_with()}}), tmp_path / "out", format="coco")
        assert str(caught.value) == (
            "expected pictures with boxes or masks for coco, got none; "
            "select other keys, or export files"
        )


class TestMasks:
    def coco_of(self, log_run, tmp_path, image) -> COCO:
        export_run(log_run({0: {"k": image}}), tmp_path / "out", format="coco")
        return load(tmp_path / "out/annotations.json")

    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    def test_pycocotools_gives_back_the_pixels_of_each_id(self, log_run, tmp_path):
        ids = np.random.default_rng(0).integers(0, 4, (10, 20))
        masks = {"truth": {"mask_data": ids, "class_labels": {1: "cat", 2: "dog"}}}
        coco = self.coco_of(log_run, tmp_path, image_with(masks=masks))
        found = {
            coco.loadCats(a["category_id"])[0]["name"]: coco.annToMask(a)
            for a in coco.dataset["annotations"]
        }
        assert found.keys() == {"cat", "dog", "class_3"}
        assert all((found[n] == (ids == i)).all() for i, n in enumerate(found, 1))

    def test_a_smaller_mask_has_the_size_of_the_picture(self, log_run, tmp_path):
        masks = {"truth": {"mask_data": np.array([[0, 5]])}}
        coco = self.coco_of(log_run, tmp_path, image_with(masks=masks))
        [annotation] = coco.dataset["annotations"]
        assert annotation["segmentation"] == {"size": [10, 20], "counts": [100, 100]}
        assert (annotation["bbox"], annotation["area"]) == ([10, 0, 10, 10], 100)
        assert annotation["iscrowd"] == 0

    def test_background_is_no_object(self, log_run, tmp_path):
        labels = {0: "Background", 1: "cat"}
        masks = {"truth": {"mask_data": np.zeros((10, 20), int), "class_labels": labels}}
        coco = self.coco_of(log_run, tmp_path, image_with(masks=masks))
        assert coco.dataset["annotations"] == []
        assert coco.dataset["categories"] == [{"id": 1, "name": "cat"}]


def exif_jpeg(orientation: int) -> bytes:
    picture = PIL.Image.new("RGB", (32, 16), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 0, 16, 16))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif, quality=95)
    return file.getvalue()


@pytest.mark.parametrize("format", ["coco", "yolo"])
class TestOrientation:
    def only_picture(self, log_run, tmp_path, format, data):
        image = filmstrip.Image(data, boxes={"found": boxes_of([[0, 0, 4, 4]])})
        run = log_run({0: {"k": image}})
        export_run(run, tmp_path / "out", format=format)
        [path] = (tmp_path / "out/images").iterdir()
        return path, run.images("k")[0]

    def test_a_turned_picture_is_written_upright_for_loaders_that_turn_none(
        self, log_run, tmp_path, format
    ):
        path, image = self.only_picture(log_run, tmp_path, format, exif_jpeg(6))
        with PIL.Image.open(path) as picture:
            assert picture.size == (image.width, image.height) == (16, 32)
            assert picture.format == "PNG"
            assert picture.tobytes() == image.pil().tobytes()

    def test_an_upright_picture_keeps_its_bytes(self, log_run, tmp_path, format):
        path, image = self.only_picture(log_run, tmp_path, format, exif_jpeg(1))
        assert path.suffix == ".jpg"
        assert path.read_bytes() == image.bytes()
