"""What goes in comes out: logged, finished, opened again."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import filmstrip
from filmstrip import BoundingBoxes2D, Classes, Image
from filmstrip.errors import (
    DamagedError,
    KeyNotFoundError,
    RunNotFoundError,
    StoreError,
    StoreNotFoundError,
)
from filmstrip.folder import write_run_info
from filmstrip.record import RunInfo
from filmstrip.shard.read import DamageKind, StoredSample, scan_shard
from filmstrip.shard.reader import ShardsReader

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(width=64)
INTS = st.integers(-(2**63), 2**64 - 1)
SCALARS = st.one_of(st.none(), st.booleans(), INTS, FLOATS, TEXT)
META = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
SIDES = st.integers(1, 12)


def arrays(dtype: str, channels: int) -> st.SearchStrategy[np.ndarray]:
    last = () if channels == 1 else (channels,)
    shapes = st.tuples(st.integers(2, 12), st.integers(2, 12)).map(lambda hw: hw + last)
    return hnp.arrays(dtype, shapes)


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same, NaN included, and ``True`` is not ``1``."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and one == other


def logged(data: dict, **options) -> filmstrip.StoredRun:
    """Log once into a store of its own, and open it again."""
    folder = tempfile.mkdtemp(prefix="store-", dir=".")
    with filmstrip.init(dir=folder, **options) as run:
        run.log(data)
    return filmstrip.open(folder).run(run.id)


def back(image: Image) -> filmstrip.LoggedImage:
    (found,) = logged({"x": image}).images("x")
    return found


@settings(max_examples=60)
@given(arrays("uint8", 1) | arrays("uint8", 3) | arrays("uint8", 4))
def test_8_bit_pixels_come_back_bit_for_bit(pixels):
    found = back(Image(pixels, normalize=False))
    assert np.array_equal(found.array(), pixels)
    assert found.array().dtype == np.uint8
    assert (found.height, found.width) == pixels.shape[:2]


@settings(max_examples=40)
@given(arrays("uint16", 1))
def test_16_bit_pixels_come_back_bit_for_bit(pixels):
    found = back(Image(pixels, mode="I;16"))
    assert np.array_equal(found.array(), pixels)
    assert (found.array().dtype, found.mode, found.format) == (np.uint16, "I;16", "png")


@settings(max_examples=60)
@given(
    hnp.arrays(
        st.sampled_from(["uint8", "uint16", "uint32"]),
        st.tuples(SIDES, SIDES),
        elements={"min_value": 0},
    )
)
def test_mask_ids_come_back_exactly(ids):
    image = Image(np.zeros(ids.shape), masks={"m": {"mask_data": ids}})
    (mask,) = back(image).masks.values()
    assert np.array_equal(mask.array, ids)
    assert mask.array.dtype == image.masks["m"].array.dtype


@pytest.mark.parametrize("largest", [0, 255, 256, 65535, 65536, 2**32 - 1])
def test_the_largest_ids_of_each_width_come_back(largest):
    ids = np.array([[0, 1], [largest, largest]], np.uint64)
    image = Image(np.zeros((2, 2)), masks={"m": {"mask_data": ids, "class_labels": {1: "one"}}})
    mask = back(image).masks["m"]
    assert mask.array.tolist() == ids.tolist()
    assert (mask.name_of(1), mask.name_of(largest)) == (
        "one",
        "one" if largest == 1 else f"class_{largest}",
    )


@st.composite
def box_layers(draw: st.DrawFn) -> BoundingBoxes2D:
    n = draw(st.sampled_from([0, 1, 2, 7]))
    column = st.lists(FLOATS, min_size=n, max_size=n)
    ids = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n)
    return BoundingBoxes2D.from_arrays(
        draw(hnp.arrays("float64", (n, 4), elements=FLOATS)),
        class_id=draw(st.none() | ids),
        scores=draw(st.dictionaries(TEXT, column, max_size=2)),
        captions=draw(st.none() | st.lists(st.none() | TEXT, min_size=n, max_size=n)),
        class_labels=draw(st.dictionaries(st.integers(-5, 5), TEXT, max_size=3)),
    )


@pytest.mark.filterwarnings("ignore:'x'.*boxes of layer")
@settings(max_examples=80)
@given(st.dictionaries(TEXT, box_layers(), max_size=3))
def test_boxes_come_back_as_they_went_in(layers):
    found = back(Image(np.zeros((4, 6)), boxes=layers)).boxes
    assert list(found) == list(layers)
    for name, boxes in layers.items():
        assert np.array_equal(found[name].xyxy, boxes.xyxy, equal_nan=True)
        assert found[name].captions == boxes.captions
        assert found[name].class_labels == boxes.class_labels
        assert is_same(
            {k: v.tolist() for k, v in found[name].scores.items()},
            {k: v.tolist() for k, v in boxes.scores.items()},
        )
        ids = [None if b.class_id is None else b.class_id.tolist() for b in (found[name], boxes)]
        assert ids[0] == ids[1]


@settings(max_examples=60)
@given(
    st.none() | TEXT,
    st.none() | TEXT | st.integers(-(2**63), 2**63 - 1),
    st.dictionaries(TEXT, META, max_size=3),
)
@example(
    "", "", {"nan": math.nan, "": [math.inf, {"a": [-math.inf, "NaN", None, True, 2**64 - 1]}]}
)
@example("a\nb\0\u2028", 2**63 - 1, {})
def test_caption_grouping_and_meta_come_back(caption, grouping, meta):
    found = back(Image(np.zeros((2, 2)), caption=caption, grouping=grouping, meta=meta))
    assert (found.caption, found.grouping) == (caption, grouping)
    assert is_same(found.meta, meta)


@settings(max_examples=60)
@given(st.dictionaries(TEXT.filter(bool), SCALARS, max_size=5))
@example(
    {"nan": math.nan, "inf": math.inf, "text": "NaN", "none": None, "yes": True, "big": 2**64 - 1}
)
@example({})
def test_values_come_back_as_they_went_in(values):
    found = [entry.values for entry in logged(values).values()]
    assert is_same(found, [values] if values else [])


def test_a_key_that_looks_like_a_tag_of_ours_is_a_key():
    assert logged({"$float": "NaN"}).values()[0].values == {"$float": "NaN"}


@settings(max_examples=60)
@given(st.lists(TEXT.filter(bool), unique=True, min_size=1, max_size=4))
def test_any_text_is_a_key(keys):
    run = logged({key: Image(np.full((1, 1), i)) for i, key in enumerate(keys)})
    assert run.keys() == keys
    assert [run.images(key)[0].array().item() for key in keys] == [
        0 if i == 0 else 255 if i == 1 else i for i in range(len(keys))
    ]


HOSTILE = [
    "../../etc/passwd", "/etc/passwd", "a/b", "ключ", "k" * 300, "a\nb", "a\0b", ".", "..", "CON",
    "🖼", "__x__", "__values.0.0__", "x.png", "x.json", "-rf", "~", "C:\\x", " ", "%2e%2e", "\u202e",
]  # fmt: skip


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_key_or_layer_is_data_and_no_path(name, tmp_path):
    outside = tmp_path / "outside"
    store = outside / "a" / "b" / "store"
    store.mkdir(parents=True)
    with filmstrip.init(dir=store, id="r") as run:
        image = Image(np.zeros((2, 2)), masks={name: {"mask_data": np.ones((2, 2), int)}})
        run.log({name: image, f"{name} again": [image, image], f"number {name}": 1})
    assert [path for path in tree(outside) if not path.startswith("a/b/store/runs/r/r0-s0-")] == [
        "a", "a/b", "a/b/store", "a/b/store/.gitignore", "a/b/store/runs", "a/b/store/runs/r",
        "a/b/store/runs/r/run.json",
    ]  # fmt: skip
    assert [len(path.split("/")) for path in tree(outside) if "r0-s0-" in path] == [6, 6]
    found = filmstrip.open(store).run("r")
    assert found.keys() == [name, f"{name} again"]
    assert [image.index for image in found.images(f"{name} again")] == [0, 1]
    assert list(found.images(name)[0].masks) == [name]
    assert found.values()[0].values == {f"number {name}": 1}
    assert found.damages() == []


@pytest.mark.parametrize("name", HOSTILE)
def test_unpacking_a_shard_with_a_hostile_key_stays_in_its_folder(name, tmp_path):
    import tarfile

    run = logged({name: Image(np.zeros((2, 2)), masks={name: {"mask_data": np.eye(2)}})})
    (shard,) = run.dir.glob("*.tar")
    with tarfile.open(shard) as archive:
        for path in archive.getnames():
            (folder, slash, file) = path.rpartition("/")
            assert folder not in (".", "..")
            assert "/" not in folder
            assert bool(slash) != file.startswith("__")


def test_everything_about_an_image_reads_back():
    classes = Classes([{"id": 1, "name": "cat", "color": "#aa3300"}])
    image = Image(
        np.zeros((4, 6, 3)), caption="a", grouping=3, classes=classes, meta={"n": [1, {"a": None}]}
    )
    found = back(image)
    assert (found.key, found.step, found.index, found.rank) == ("x", 0, 0, 0)
    assert (found.width, found.height, found.mode, found.format) == (6, 4, "RGB", "png")
    assert (found.caption, found.grouping, found.classes) == ("a", 3, classes)
    assert (found.meta, found.source.kind) == ({"n": [1, {"a": None}]}, "numpy")
    assert (found.boxes, found.masks) == ({}, {})
    assert (len(found.bytes()), len(found.digest)) == (found.size_bytes, 64)
    assert found.pil().size == (6, 4)
    assert found.to_json()["key"] == "x"
    assert repr(found) == "LoggedImage('x', step 0, index 0, 6 × 4 png)"


@pytest.mark.parametrize("file_type", ["png", "jpg", "jpeg", "webp", "bmp"])
def test_every_file_type_reads_back(file_type):
    found = back(Image(np.full((8, 8, 3), 200, np.uint8), file_type=file_type))
    assert found.format == file_type
    assert found.array().tolist() == np.full((8, 8, 3), 200).tolist()


def test_the_bytes_of_a_file_come_back_unchanged(tmp_path):
    import PIL.Image

    PIL.Image.new("CMYK", (3, 2)).save(tmp_path / "a.jpg", quality=3)
    found = back(Image(tmp_path / "a.jpg"))
    assert found.bytes() == (tmp_path / "a.jpg").read_bytes()


@pytest.fixture
def store(tmp_path):
    """Two runs: five steps with the same picture and another one each, and an empty run."""
    same = Image(np.zeros((40, 40, 3)))
    with filmstrip.init(
        dir=tmp_path / "s", id="b", project="p", config={"lr": float("inf")}
    ) as run:
        for step in (3, 1, 2, 1, 10):
            run.log({"fixed": same, "new": Image(np.full((40, 40), 0.1 * step)), "at": step}, step)
    filmstrip.init(dir=tmp_path / "s", id="a").finish()
    return filmstrip.open(tmp_path / "s")


def test_a_store_lists_its_runs_oldest_first(store):
    assert [run.id for run in store.runs()] == ["b", "a"]
    assert repr(store) == f"Store({str(store.path)!r})"


def test_a_run_says_who_it_is(store):
    run = store.run("b")
    assert (run.id, run.info.project, run.info.state) == ("b", "p", "finished")
    assert run.config == {"lr": math.inf}
    assert run.size_bytes == sum(file.stat().st_size for file in run.dir.iterdir())
    assert repr(run) == "StoredRun('b')"


def test_an_empty_run_has_no_keys_values_or_damages(store):
    run = store.run("a")
    assert (run.keys(), run.values(), run.damages()) == ([], [], [])


def test_steps_are_in_order_whatever_the_order_of_logging(store):
    run = store.run("b")
    assert run.steps("new") == [1, 2, 3, 10]
    assert [(i.step, i.index) for i in run.images("new")] == [
        (1, 0), (1, 1), (2, 0), (3, 0), (10, 0),
    ]  # fmt: skip
    assert [(v.step, v.values) for v in run.values()] == [
        (step, {"at": step}) for step in (1, 2, 3, 10)
    ]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (None, [1, 1, 2, 3, 10]),
        (1, [1, 1]),
        (np.int64(2), [2]),
        ([3, 1], [1, 1, 3]),
        (range(2, 5), [2, 3]),
        (np.array([2, 10]), [2, 10]),
        (7, []),
        ([], []),
    ],
)
def test_images_of_some_steps_are_those_and_no_others(store, steps, found):
    assert [image.step for image in store.run("b").images("new", steps=steps)] == found


def test_identical_pictures_are_stored_once_and_read_everywhere(store):
    images = store.run("b").images("fixed")
    assert len({image.digest for image in images}) == 1
    assert [image.bytes() for image in images] == [images[0].bytes()] * 5


@pytest.mark.parametrize("run_id", ["c", "", "..", "../s", "B"])
def test_a_run_that_is_not_there_is_an_error(store, run_id):
    with pytest.raises(RunNotFoundError) as caught:
        store.run(run_id)
    assert str(caught.value) == (
        f"expected the id of a run in the store, got {run_id!r}; the runs are 'a', 'b'"
    )


@pytest.mark.parametrize("use", [lambda run: run.steps("no"), lambda run: run.images("no")])
def test_a_key_that_is_not_there_is_an_error(store, use):
    with pytest.raises(KeyNotFoundError) as caught:
        use(store.run("b"))
    assert str(caught.value) == (
        "expected a key that has images, got 'no'; the keys are 'fixed', 'new'"
    )


def test_a_run_can_be_removed(store):
    (store.path / "thumbnails" / "ab").mkdir(parents=True)
    store.remove("b")
    assert not (store.path / "thumbnails").exists()
    assert [run.id for run in store.runs()] == ["a"]
    with pytest.raises(RunNotFoundError):
        store.remove("b")


def test_the_store_of_the_environment_or_the_working_folder_is_opened_by_default(
    tmp_path, monkeypatch
):
    with pytest.raises(StoreNotFoundError):
        filmstrip.open()
    filmstrip.init(id="here").finish()
    assert [run.id for run in filmstrip.open().runs()] == ["here"]
    monkeypatch.setenv("FILMSTRIP_DIR", str(tmp_path / "there"))
    filmstrip.init(id="there").finish()
    assert [run.id for run in filmstrip.open().runs()] == ["there"]


def test_a_folder_of_other_things_is_no_store(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match="got a folder of other things"):
        filmstrip.open(tmp_path)


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("{")])
def test_a_run_without_its_description_is_still_read(store, damage):
    damage(store.run("b").dir / "run.json")
    run = store.run("b")
    assert isinstance(run.info, RunInfo)
    assert (run.info.id, run.info.project, run.info.state) == ("b", "uncategorized", "running")
    assert len(run.images("new")) == 5
    assert {r.id for r in store.runs()} == {"a", "b"}


def shard_of(run: filmstrip.StoredRun) -> Path:
    (shard,) = run.dir.glob("*.tar")
    return shard


def flip(shard: Path, offset: int) -> None:
    data = bytearray(shard.read_bytes())
    data[offset] ^= 1
    shard.write_bytes(data)


def test_altered_bytes_are_refused_and_the_other_images_are_read(store):
    images = store.run("b").images("new")
    shard = shard_of(store.run("b"))
    place = shard.read_bytes().index(images[2].bytes())
    flip(shard, place + 50)
    with pytest.raises(DamagedError) as caught:
        store.run("b").images("new")[2].bytes()
    assert str(caught.value) == (
        "expected the bytes that were logged, got other bytes in member 'png'; "
        f"run `filmstrip verify` for all of it: {shard} at byte {place}"
    )
    others = store.run("b").images("new")
    assert [o.bytes() for i, o in enumerate(others) if i != 2]


def test_a_picture_whose_first_record_is_damaged_is_read_where_it_was_logged_again(store):
    shard = shard_of(store.run("b"))
    record = shard.read_bytes().index(b'"key":"fixed"')
    flip(shard, record)
    run = store.run("b")
    images = run.images("fixed")
    assert [image.step for image in images] == [1, 1, 2, 10]
    assert all(image.array().shape == (40, 40, 3) for image in images)
    assert [damage.kind for damage in run.damages()] == [DamageKind.RECORD]


def test_damage_stays_reported_however_often_a_run_is_read(store):
    shard = shard_of(store.run("b"))
    flip(shard, shard.read_bytes().index(b'"key":"new"'))
    run = store.run("b")
    reports = [run.damages() for _ in range(3)]
    assert len(reports[0]) == 1
    assert reports == [reports[0]] * 3


def test_an_image_keeps_its_index_when_one_before_it_is_damaged(tmp_path):
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log({"x": [Image(np.full((2, 2), i, np.uint8)) for i in range(4)]})
    shard = shard_of(filmstrip.open(tmp_path / "s").run("r"))
    flip(shard, shard.read_bytes().index(b'"index":1'))
    assert [i.index for i in filmstrip.open(tmp_path / "s").run("r").images("x")] == [0, 2, 3]


def test_a_torn_tail_is_reported_and_costs_one_sample(store):
    shard = shard_of(store.run("b"))
    shard.write_bytes(shard.read_bytes()[:-2000])
    run = store.run("b")
    (damage,) = run.damages()
    assert damage.kind is DamageKind.TORN
    assert run.steps("new") == [1, 2, 3]
    assert run.steps("fixed") == [1, 2, 3, 10]


def test_a_missing_shard_is_not_the_same_as_a_damaged_one(store):
    images = store.run("b").images("new")
    shard_of(store.run("b")).unlink()
    with pytest.raises(FileNotFoundError):
        images[0].bytes()


def test_a_link_whose_first_copy_is_gone_says_so(store, tmp_path):
    (image, *_) = store.run("b").images("fixed")
    found = filmstrip.LoggedImage(image.record, 0, {}, ShardsReader(store.run("b").dir))
    with pytest.raises(DamagedError) as caught:
        found.bytes()
    link = image.record.members[0]
    assert str(caught.value) == (
        f"expected the bytes that were logged, got no whole copy of {link.link!r}; run "
        f"`filmstrip verify` for all of it: {store.run('b').dir / link.link_shard} at byte 0"
    )


def test_a_run_that_is_being_written_is_read_as_far_as_it_has_come(tmp_path):
    run = filmstrip.init(dir=tmp_path / "s", id="r")
    reader = filmstrip.open(tmp_path / "s").run("r")
    seen = []
    for step in range(4):
        run.log({"x": Image(np.zeros((2, 2))), "loss": step})
        run._writer.flush()
        seen.append((reader.steps("x"), len(reader.values()), reader.damages()))
    run.finish()
    assert seen == [(list(range(n)), n, []) for n in range(1, 5)]
    assert (reader.steps("x"), reader.info.state) == ([0, 1, 2, 3], "finished")


def test_a_half_written_sample_is_not_shown_and_appears_once_it_is_whole(store):
    shard = shard_of(store.run("b"))
    whole = shard.read_bytes()
    last = [found for found in scan_shard(shard) if isinstance(found, StoredSample)][-2]
    shard.write_bytes(whole[: last.offset + 600])
    run = store.run("b")
    before = run.keys(), len(run.damages())
    shard.write_bytes(whole)
    assert before == (["fixed", "new"], 1)
    assert (run.steps("new"), run.damages()) == ([1, 2, 3, 10], [])
    assert len(run.images("fixed")) == 5


def test_a_run_whose_process_is_gone_without_a_word_has_crashed(tmp_path):
    run = filmstrip.init(dir=tmp_path / "s", id="r")
    stored = filmstrip.open(tmp_path / "s").run("r")
    assert stored.state == "running"
    run.finish()
    assert stored.state == "finished"
    write_run_info(stored.dir, msgspec.structs.replace(stored.info, state="running"))
    assert stored.state == "crashed"
