"""WebDataset: read by `webdataset`, by HF `datasets`, and by filmstrip's own shard reader."""

from __future__ import annotations

import gc
import io
import tarfile
import warnings

import numpy as np
import PIL.Image
import pytest

import filmstrip
from filmstrip.codec import decode_mask
from filmstrip.export import export_run
from filmstrip.shard.read import ShardEnd, StoredSample, scan_shard


def read_with_webdataset(pattern) -> list[dict]:
    import webdataset

    with warnings.catch_warnings():  # the package leaves its tar open until it is collected
        warnings.simplefilter("ignore", ResourceWarning)
        samples = list(webdataset.WebDataset(str(pattern), shardshuffle=False))
        gc.collect()
    return samples


@pytest.fixture
def read_with_datasets(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)

    def read(pattern) -> datasets.Dataset:
        return datasets.load_dataset(
            "webdataset",
            data_files=str(pattern),
            split="train",
            cache_dir=str(tmp_path / "cache"),
        )

    return read


@pytest.fixture
def repeated_run(log_run, make_image):
    """The same picture at three steps: one copy and two revisits in the store."""
    return log_run({step: {"faces": make_image(0, caption="same")} for step in range(3)})


def test_the_webdataset_package_reads_every_sample(faces_run, tmp_path):
    export_run(faces_run, tmp_path / "out", format="webdataset")
    samples = read_with_webdataset(tmp_path / "out/faces-00000.tar")
    images = faces_run.images("faces")
    assert [s["__key__"] for s in samples] == [f"faces/{i.step}-{i.index}" for i in images]
    assert [s["png"] for s in samples] == [i.bytes() for i in images]
    for sample, image in zip(samples, images, strict=True):
        assert (decode_mask(sample["truth.mask.png"]) == image.masks["truth"].array).all()


def test_datasets_reads_every_sample(faces_run, read_with_datasets, tmp_path):
    export_run(faces_run, tmp_path / "out", format="webdataset")
    rows = read_with_datasets(tmp_path / "out/faces-*.tar")
    images = faces_run.images("faces")
    assert [row["json"]["caption"] for row in rows] == [i.caption for i in images]
    assert [np.asarray(row["png"]).tolist() for row in rows] == [i.array().tolist() for i in images]


def test_datasets_reads_a_key_whose_pictures_differ_in_what_they_have(
    log_run, make_image, read_with_datasets, tmp_path
):
    bare = [filmstrip.Image(np.full((4, 4), n, np.uint8)) for n in range(7)]
    run = log_run(
        {0: {"k": [bare[0], make_image(1), *bare[1:], make_image(2)]}, 1: {"k": make_image(3)}}
    )
    export_run(run, tmp_path / "out", format="webdataset")
    rows = read_with_datasets(tmp_path / "out/k-*.tar")
    assert sorted(rows["__key__"]) == sorted([f"k/0-{n}" for n in range(9)] + ["k/1-0"])


def test_every_picture_is_written_in_full(repeated_run, tmp_path):
    assert repeated_run.images("faces")[2].record.members[0].link
    export_run(repeated_run, tmp_path / "out", format="webdataset")
    with tarfile.open(tmp_path / "out/faces-00000.tar") as archive:
        assert all(member.isreg() for member in archive)
        pictures = [m for m in archive.getmembers() if m.name.endswith("-0.png")]
        assert len({archive.extractfile(m).read() for m in pictures}) == 1
        assert len(pictures) == 3


def test_a_tar_is_a_whole_shard(repeated_run, tmp_path):
    export_run(repeated_run, tmp_path / "out", format="webdataset")
    *samples, end = scan_shard(tmp_path / "out/faces-00000.tar")
    assert [type(s) for s in samples] == [StoredSample] * 3
    assert isinstance(end, ShardEnd)
    assert [s.record.caption for s in samples] == ["same"] * 3


def test_a_tar_is_sealed_at_the_size_asked_for_and_never_inside_a_sample(faces_run, tmp_path):
    export_run(faces_run, tmp_path / "out", format="webdataset", shard_bytes=5000)
    tars = sorted((tmp_path / "out").iterdir())
    assert [t.name for t in tars] == [f"faces-{n:05d}.tar" for n in range(len(tars))]
    assert len(tars) == 3
    counts = [sum(isinstance(f, StoredSample) for f in scan_shard(tar)) for tar in tars]
    assert sum(counts) == 6
    assert all(isinstance(list(scan_shard(tar))[-1], ShardEnd) for tar in tars)


def test_each_key_has_its_tars_and_its_records_hold_it(hostile_run, hostile_keys, tmp_path):
    export_run(hostile_run, tmp_path / "out", format="webdataset")
    keys = set()
    for tar in (tmp_path / "out").iterdir():
        found = {s.record.key for s in scan_shard(tar) if isinstance(s, StoredSample)}
        assert len(found) == 1
        keys |= found
    assert keys == set(hostile_keys)


def test_overlays_are_drawn(faces_run, tmp_path):
    from filmstrip.draw import draw_overlays

    export_run(faces_run, tmp_path / "out", format="webdataset", overlays=True)
    sample = read_with_webdataset(tmp_path / "out/faces-00000.tar")[0]
    picture = PIL.Image.open(io.BytesIO(sample["png"]))
    assert picture.tobytes() == draw_overlays(faces_run.images("faces")[0]).tobytes()
