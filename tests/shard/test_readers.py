"""A shard is a tar file in WebDataset layout: the programs that read such files read ours.

An image that brings no file of its own is a line of a list, which they pass over: they give each
picture once. Those that stream pass over hard links too, which stand where only some of an image's
files are stored before; `tar` and Python's `tarfile` follow them.
"""

from __future__ import annotations

import gc
import gzip
import json
import subprocess
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import webdataset

import filmstrip
from filmstrip import Image
from filmstrip.shard.names import sample_path
from filmstrip.store import StoredRun

LONG_KEY = "a key with a long name, of which a slug keeps the beginning"
LONG_LAYER = "a layer with a long name, of which a slug keeps the beginning"


def picture(seed: int, shape: tuple[int, ...] = (20, 30, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def shards(run) -> list[Path]:
    return sorted(run.dir.glob("*.tar"))


def logged(run) -> dict[str, bytes]:
    """Every picture of a run by its path in a shard, as filmstrip reads it."""
    stored = filmstrip.open(run.dir.parents[1]).run(run.id)
    keys = stored.keys()
    images = [image for key in keys for image in stored.images(key)]
    return {f"{sample_path(i.key, i.step, i.index)}.png": i.bytes() for i in images}


@pytest.fixture
def plain(tmp_path):
    """Three steps of two pictures, values between; nothing twice."""
    with filmstrip.init(dir=tmp_path / "store") as run:
        for step in range(3):
            run.log(
                {"x": [Image(picture(10 * step + i)) for i in range(2)], "loss": 0.5}, step=step
            )
    return run


@pytest.fixture
def rich(tmp_path):
    """Pictures with masks, boxes and captions; the same picture at each step; long names."""
    with filmstrip.init(dir=tmp_path / "store") as run:
        for step in range(4):
            mask = {"mask_data": np.full((20, 30), step), "class_labels": {step: "ground"}}
            boxes = {"box_data": [{"position": {"middle": [0.5, 0.5], "width": 1, "height": 1}}]}
            run.log(
                {
                    "fixed": Image(picture(0)),
                    LONG_KEY: Image(
                        picture(step),
                        caption=f"step {step}",
                        masks={LONG_LAYER: mask},
                        boxes={"b": boxes},
                    ),
                    "loss": {"train": 1 / (step + 1)},
                },
                step=step + 10**17,
            )
    return run


def own(run) -> dict[str, bytes]:
    """The pictures of a run but those of images that bring no file."""
    found = [s for one in StoredRun(run.dir).samples_by_shard().values() for s in one]
    revisits = {f"{sample.path}.png" for sample in found if sample.is_revisit}
    return {name: data for name, data in logged(run).items() if name not in revisits}


@pytest.mark.parametrize(("fixture", "num_pictures"), [("plain", 6), ("rich", 5)])
def test_tar_unpacks_every_picture_once_hard_links_too(fixture, num_pictures, request, tmp_path):
    run = request.getfixturevalue(fixture)
    (shard,) = shards(run)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "xf", shard, "-C", out], check=True)
    pictures = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*-0.png")}
    pictures |= {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*-1.png")}
    assert pictures == own(run)
    assert len(pictures) == num_pictures


def test_a_list_of_revisits_is_gzip_with_a_record_a_line(rich, tmp_path):
    (shard,) = shards(rich)
    with tarfile.open(shard) as archive:
        name = next(name for name in archive.getnames() if name.startswith("__revisits."))
        text = gzip.decompress(archive.extractfile(name).read())
    (record,) = map(json.loads, text.splitlines())
    assert (record["key"], record["step"]) == ("fixed", 10**17 + 1)
    assert record["members"][0]["link"] == f"fixed/{10**17}-0.png"


def test_tar_lists_names_over_a_hundred_bytes(rich):
    (shard,) = shards(rich)
    done = subprocess.run(["tar", "tf", shard], check=True, capture_output=True, text=True)
    names = done.stdout.splitlines()
    assert max(map(len, names)) > 100
    assert names[1] == "fixed/100000000000000000-0.png"
    assert done.stderr == ""


@pytest.mark.parametrize("fixture", ["plain", "rich"])
def test_python_s_tarfile_reads_every_picture_once_hard_links_too(fixture, request):
    run = request.getfixturevalue(fixture)
    (shard,) = shards(run)
    with tarfile.open(shard) as archive:
        pictures = {name: archive.extractfile(name).read() for name in own(run)}
    assert pictures == own(run)


def test_each_shard_of_a_run_that_was_resumed_is_an_archive_of_its_own(plain, tmp_path):
    with filmstrip.init(dir=tmp_path / "store", id=plain.id, resume="must") as run:
        run.log({"x": Image(picture(0))})
    with tarfile.open(shards(run)[1]) as archive:
        assert archive.getnames() == ["x/3-0.png", "x/3-0.json"]


def samples_of(shard: Path, *decoders: str) -> list[dict]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # webdataset leaves its file open
        dataset = webdataset.WebDataset(str(shard), shardshuffle=False, empty_check=False)
        found = list(dataset.decode(*decoders) if decoders else dataset)
        del dataset
        gc.collect()
    return found


def test_the_webdataset_package_reads_samples_and_passes_over_values(plain):
    (shard,) = shards(plain)
    found = samples_of(shard)
    assert {f"{s['__key__']}.png": s["png"] for s in found} == logged(plain)
    assert [json.loads(s["json"])["step"] for s in found] == [0, 0, 1, 1, 2, 2]


def test_the_webdataset_package_decodes_pictures_and_records(plain):
    (shard,) = shards(plain)
    first = samples_of(shard, "rgb8")[0]
    assert np.array_equal(first["png"], picture(0))
    assert first["json"]["kind"] == "image"


def test_the_webdataset_package_finds_masks_beside_pictures_and_passes_over_revisits(rich):
    (shard,) = shards(rich)
    found = {
        s["__key__"]: s.keys() - {"__key__", "__url__", "__local_path__"} for s in samples_of(shard)
    }
    (mask,) = {name for names in found.values() for name in names} - {"png", "json"}
    assert mask.endswith(".mask.png")
    step = 10**17
    assert found[f"fixed/{step}-0"] == {"png", "json"}
    assert f"fixed/{step + 1}-0" not in found
    assert found[sample_path(LONG_KEY, step, 0)] == {"json", mask}  # its picture is a hard link
    assert found[sample_path(LONG_KEY, step + 1, 0)] == {"png", "json", mask}


@pytest.mark.parametrize("keys", [["Train", "train"], ["__x__", "x"], ["a/b", "a-b", "a b"]])
def test_the_webdataset_package_tells_any_keys_apart(keys, tmp_path):
    with filmstrip.init(dir=tmp_path / "store") as run:
        run.log({key: Image(picture(i)) for i, key in enumerate(keys)})
    (shard,) = shards(run)
    assert [json.loads(s["json"])["key"] for s in samples_of(shard)] == keys


def test_the_webdataset_package_tells_layers_apart_that_differ_in_case_only(tmp_path):
    masks = {"Truth": {"mask_data": np.eye(4)}, "truth": {"mask_data": 1 - np.eye(4)}}
    with filmstrip.init(dir=tmp_path / "store") as run:
        run.log({"x": Image(np.eye(4), masks=masks)})
    (shard,) = shards(run)
    (sample,) = samples_of(shard)
    assert len([name for name in sample if name.endswith(".mask.png")]) == 2


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Hugging Face's loader, offline, with its cache in the test's folder."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()

    def load(files: list[Path], **options):
        return datasets.load_dataset(
            "webdataset",
            data_files=[str(file) for file in files],
            split="train",
            cache_dir=str(tmp_path / "cache"),
            **options,
        )

    return load


def test_hugging_face_datasets_read_pictures_and_records(plain, load):
    rows = load(shards(plain))
    assert [row["__key__"] for row in rows] == [
        "x/0-0",
        "x/0-1",
        "x/1-0",
        "x/1-1",
        "x/2-0",
        "x/2-1",
    ]
    assert np.array_equal(np.asarray(rows[3]["png"]), picture(11))
    assert [row["json"]["step"] for row in rows] == [0, 0, 1, 1, 2, 2]
    assert rows[0]["json"]["members"][0]["size_bytes"] == len(logged(plain)["x/0-0.png"])


def test_hugging_face_datasets_pass_over_revisits(tmp_path, load):
    with filmstrip.init(dir=tmp_path / "store") as run:
        for step in range(3):
            run.log({"fixed": Image(picture(0)), "x": Image(picture(step + 1))}, step=step)
    rows = load(shards(run))
    keys = ["fixed/0-0", "x/0-0", "x/1-0", "x/2-0"]
    assert [row["__key__"] for row in rows] == keys
    assert [row["__key__"] for row in load(shards(run), streaming=True)] == keys


def test_hugging_face_datasets_stream_a_shard(plain, load):
    rows = list(load(shards(plain), streaming=True))
    assert np.array_equal(np.asarray(rows[5]["png"]), picture(21))


def test_hugging_face_datasets_read_records_that_say_more_than_the_first_ones(tmp_path, load):
    with filmstrip.init(dir=tmp_path / "store") as run:
        for step in range(8):
            late = {"caption": "late", "meta": {"score": step}} if step > 5 else {}
            run.log({"x": Image(picture(step), **late)})
    rows = load(shards(run))
    assert [row["json"]["step"] for row in rows] == list(range(8))


def test_hugging_face_datasets_read_hard_links_as_none_once_they_know_the_columns(tmp_path, load):
    mask = {"mask_data": np.eye(20, 30, dtype=int) * 3}
    with filmstrip.init(dir=tmp_path / "store") as run:
        for step in range(8):
            run.log({"x": Image(picture(step), masks={"m": mask}), "loss": 1.0})
    from datasets import Features, Value
    from datasets import Image as Picture

    # The mask is the same at each step: from the second row on it is a link, so the loader, which
    # infers columns from the first five rows, must be told what they are.
    columns = {"png": Picture(), "m.mask.png": Picture(), "json": {"step": Value("int64")}}
    features = Features(columns | {"__key__": Value("string"), "__url__": Value("string")})
    rows = load(shards(run), features=features)
    assert [row["json"]["step"] for row in rows] == list(range(8))
    assert np.array_equal(np.asarray(rows[7]["png"]), picture(7))
    assert np.array_equal(np.asarray(rows[0]["m.mask.png"]), mask["mask_data"])
    assert [row["m.mask.png"] is None for row in rows] == [False] + [True] * 7
