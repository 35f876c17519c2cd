"""The whole demo, read back from its store."""

import numpy as np
import pytest

import filmstrip
from filmstrip import demo
from filmstrip.demo import DemoDependencyError, DemoResult, faces, run_demo
from filmstrip.demo.objects import PHOTO_OBJECTS
from filmstrip.demo.photos import load_photo
from filmstrip.demo.segments import photo_classes

STEPS = 3


@pytest.fixture(scope="module")
def reports():
    return []


@pytest.fixture(scope="module")
def result(tmp_path_factory, reports) -> DemoResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faces, "WINDOW_SIZES_PX", (54, 66, 80, 92, 100))
        return run_demo(
            tmp_path_factory.mktemp("demo"),
            steps=STEPS,
            progress=lambda *report: reports.append(report),
        )


@pytest.fixture(scope="module")
def runs(result):
    store = filmstrip.open(result.store_path)
    return {store.run(run_id).info.name: store.run(run_id) for run_id in result.run_ids}


def all_images(run):
    keys = run.keys()
    return [image for key in keys for image in run.images(key)]


def test_every_task_has_two_finished_runs_in_one_group(runs):
    assert {name: (run.info.group, run.info.state) for name, run in runs.items()} == {
        "reconstruct-baseline": ("reconstruct", "finished"),
        "reconstruct-fourier": ("reconstruct", "finished"),
        "segments-by-area": ("segments", "finished"),
        "segments-by-error": ("segments", "finished"),
        "faces-any-hit": ("faces", "finished"),
        "faces-voted": ("faces", "finished"),
    }


def test_image_count_is_what_the_store_holds(result, runs):
    stored = [image for run in runs.values() for image in all_images(run)]
    assert result.image_count == len(stored)
    assert result.image_count == 2 * STEPS * (6 + 9 + 4)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("reconstruct-baseline", "reconstruct-fourier"),
        ("segments-by-area", "segments-by-error"),
        ("faces-any-hit", "faces-voted"),
    ],
)
def test_two_runs_of_a_task_can_be_compared(runs, first, second):
    assert runs[first].keys() == runs[second].keys()
    (key,) = runs[first].keys()
    assert runs[first].steps(key) == runs[second].steps(key) == list(range(STEPS))
    assert runs[first].info.config.keys() == runs[second].info.config.keys()
    assert runs[first].info.config != runs[second].info.config


def test_every_image_has_a_caption_and_a_group(runs):
    images = [image for run in runs.values() for image in all_images(run)]
    assert all(image.caption and image.grouping for image in images)


def test_reconstruction_improves_and_its_target_is_the_photo(runs):
    run = runs["reconstruct-fourier"]
    psnr_db = [logged.values["psnr_db/chelsea"] for logged in run.values()]
    assert psnr_db[-1] > psnr_db[0] + 3
    target = run.images("reconstruction", steps=[0])[0]
    np.testing.assert_allclose(target.array(), load_photo("chelsea.png", (240, 160)), atol=1)


def test_object_masks_have_the_names_and_colours_of_their_photo(runs):
    image = runs["segments-by-error"].images("segments", steps=[STEPS - 1])[0]
    assert set(image.masks) == {"objects"}
    assert image.masks["objects"].class_labels == {0: "background", 1: "cat", 2: "eye", 3: "nose"}
    assert image.classes is not None
    assert list(image.classes) == list(photo_classes(PHOTO_OBJECTS[0]))


def test_superpixel_masks_count_up_from_one(runs):
    image = runs["segments-by-error"].images("segments", steps=[STEPS - 1])[1]
    ids = image.masks["superpixels"].array
    assert ids.shape == (image.height, image.width)
    assert image.meta["segment_count"] > 300
    np.testing.assert_array_equal(np.unique(ids), np.arange(image.meta["segment_count"]) + 1)


def test_faces_carry_scores_and_the_truth_beside_them(runs):
    image = runs["faces-any-hit"].images("faces", steps=[STEPS - 1])[0]
    found, truth = image.boxes["found"], image.boxes["truth"]
    assert set(found.scores) == {"confidence", "hits", "agreement"}
    assert np.array_equal(truth.xyxy, [[178, 70, 274, 178]])
    assert found.name_of(1) == "face"
    assert image.meta["right"] == 1
    assert runs["faces-any-hit"].values()[-1].values["iou/astronaut"] > 0.5


def test_a_scene_without_faces_has_an_empty_truth_layer(runs):
    image = runs["faces-voted"].images("faces", steps=[0])[3]
    assert len(image.boxes["truth"]) == 0


def test_progress_tells_each_runs_start_and_every_step(result, reports):
    assert reports[: STEPS + 1] == [
        ("reconstruct-baseline", done, STEPS) for done in range(STEPS + 1)
    ]
    assert len(reports) == 6 * (STEPS + 1)
    assert result.elapsed_secs > 0


def test_without_scikit_image_nothing_is_logged(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "find_spec", lambda _name: None)
    with pytest.raises(
        DemoDependencyError, match=r"^expected the package scikit-image for the demo"
    ):
        run_demo(tmp_path / "store")
    assert not (tmp_path / "store").exists()
