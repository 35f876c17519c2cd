"""``filmstrip show``."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import PIL.Image
import pytest

import filmstrip
from filmstrip.colors import color_of


def picture_of(outcome) -> PIL.Image.Image:
    """Return the picture that Kitty escapes hold."""
    data = "".join(re.findall(r"\x1b_G[^;]*;([^\x1b]*)\x1b\\", outcome.out))
    return PIL.Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def text_of(outcome) -> list[str]:
    """Return the lines below the picture."""
    plain = re.sub(r"\x1b(_G|\]1337)[^\x1b\x07]*(\x1b\\|\x07)|\x1b\[[\d;]*m", "", outcome.out)
    return [line for line in plain.splitlines() if not set(line) <= set(" ░▒▓█▀")]


def test_the_newest_step_is_shown_with_its_place_caption_and_layers(cli, store):
    outcome = cli("show", "baseline", "val/cats", "--store", store)
    assert (outcome.code, outcome.err) == (0, "")
    assert text_of(outcome) == [
        "val/cats · step 10 · 8×4 bmp, 150 B",
        "at 10",
        "found: 2 boxes, p 0.25–0.5  ■ cat 1  ■ dog 1",
    ]


def test_output_that_is_no_terminal_gets_shades_without_escapes(cli, store):
    lines = cli("show", "lr-0.1", "pair", "--store", store, "--width", 4).out.splitlines()
    assert lines == ["", "", "pair · step 3 · index 0 of 0–1 · 4×4 bmp, 102 B"]


def test_a_step_and_an_index_can_be_chosen(cli, store):
    assert text_of(cli("show", "lr-0.1", "val/cats", "--store", store, "--step", 0))[1] == "at 0"
    second = cli("show", "lr-0.1", "pair", "--store", store, "--index", 1, "-w", 4).out
    assert second.splitlines()[0] == "▒▒▒▒"


def test_a_step_without_images_is_an_error_that_names_those_with(cli, store):
    outcome = cli("show", "lr-0.1", "val/cats", "--store", store, "--step", 5)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: expected a step where 'val/cats' has images, got 5; the steps are 0, 10\n"
    )


@pytest.mark.parametrize(
    ("key", "index", "message"),
    [
        ("pair", 2, "expected --index from 0 to 1, got 2; 'pair' has 2 images at step 3"),
        ("val/cats", 1, "expected --index 0, got 1; 'val/cats' has 1 image at step 10"),
    ],
)
def test_an_index_beyond_the_last_is_an_error(cli, store, key, index, message):
    outcome = cli("show", "lr-0.1", key, "--store", store, "--index", index)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"error: {message}\n")


@pytest.mark.parametrize("protocol", ["kitty", "iterm", "blocks", "shades"])
def test_every_protocol_can_be_forced(cli, store, protocol):
    starts = {"kitty": "\x1b_Ga=T", "iterm": "\x1b]1337;File=", "blocks": "\x1b[38;5;"}
    outcome = cli("show", "lr-0.1", "pair", "--store", store, "--protocol", protocol, "-i", 1)
    assert outcome.out.startswith(starts.get(protocol, "▒"))
    assert text_of(outcome) == ["pair · step 3 · index 1 of 0–1 · 4×4 bmp, 102 B"]


def test_forced_inside_tmux_each_escape_is_wrapped(cli, store, monkeypatch):
    monkeypatch.setenv("TMUX", "/tmp/tmux")
    outcome = cli("show", "lr-0.1", "pair", "--store", store, "--protocol", "kitty")
    assert outcome.out.startswith("\x1bPtmux;\x1b\x1b_Ga=T")


def test_overlays_are_drawn_unless_they_are_not_wanted(cli, store):
    command = ["show", "lr-0.1", "val/cats", "--store", store, "--protocol", "kitty"]
    plain = cli(*command, "--no-overlays")
    assert picture_of(plain).getcolors() == [(plain_size(plain), (255, 0, 0))]
    assert text_of(plain) == ["val/cats · step 10 · 8×4 bmp, 150 B", "at 10"]
    drawn = {color for _, color in picture_of(cli(*command)).getcolors(10**6)}
    assert {PIL.ImageColor.getrgb(color_of(name)) for name in ("cat", "dog")} < drawn


def plain_size(outcome) -> int:
    width, height = picture_of(outcome).size
    return width * height


def test_boxes_stand_where_they_were_logged_at_whatever_size(cli, tmp_path):
    boxes = filmstrip.BoundingBoxes2D.from_arrays(
        [[20, 10, 60, 30]], class_id=[1], class_labels={1: "cat"}
    )
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log({"k": filmstrip.Image(np.zeros((40, 80, 3), np.uint8), boxes={"b": boxes})})
    shown = picture_of(cli("show", "r", "k", "--store", "s", "--protocol", "kitty", "-w", 20))
    ink = np.asarray(shown) == PIL.ImageColor.getrgb(color_of("cat"))
    ys, xs = np.nonzero(ink.all(axis=2))
    scale = shown.width / 80
    assert np.allclose([xs.min(), xs.max() + 1], [20 * scale, 60 * scale], atol=1)
    assert np.allclose([ys.min(), ys.max() + 1], [10 * scale, 30 * scale], atol=1)


def test_masks_are_summed_up_by_their_share_of_the_picture(cli, tmp_path):
    ids = np.zeros((10, 10), np.uint8)
    ids[0] = 1
    ids[1:4] = 2
    masks = {"truth": {"mask_data": ids, "class_labels": {1: "cat", 2: "dog"}}}
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log({"k": filmstrip.Image(np.zeros((10, 10)), masks=masks)})
    outcome = cli("show", "r", "k", "--store", "s")
    assert text_of(outcome)[1] == "truth: mask  ■ dog 30 %  ■ cat 10 %  □ class_0 60 %"


def test_boxes_that_cannot_be_drawn_are_counted(cli, tmp_path):
    boxes = filmstrip.BoundingBoxes2D.from_arrays([[5, 5, 1, 1], [0, 0, 2, np.nan], [0, 0, 2, 2]])
    with (
        filmstrip.init(dir=tmp_path / "s", id="r") as run,
        pytest.warns(filmstrip.FilmstripWarning),
    ):
        run.log({"k": filmstrip.Image(np.zeros((10, 10)), boxes={"b": boxes})})
    outcome = cli("show", "r", "k", "--store", "s")
    assert text_of(outcome)[1] == "b: 3 boxes, 2 not drawn: NaN, infinite or inverted"


@pytest.mark.parametrize("protocol", ["kitty", "iterm", "blocks", "shades"])
def test_captions_and_keys_never_reach_the_terminal_raw(cli, store, evil, protocol):
    outcome = cli("show", "lr-0.01", evil.raw, "--store", store, "--protocol", protocol)
    assert text_of(outcome) == [f"{evil.shown} · step 7 · 1×1 bmp, 58 B", evil.shown]


def test_names_of_layers_classes_and_scores_never_reach_the_terminal_raw(cli, tmp_path, evil):
    boxes = filmstrip.BoundingBoxes2D.from_arrays(
        [[0, 0, 1, 1]], class_id=[1], scores={evil.raw: [0.5]}, class_labels={1: evil.raw}
    )
    mask = {"mask_data": np.ones((2, 2), np.uint8), "class_labels": {1: evil.raw}}
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log(
            {
                "k": filmstrip.Image(
                    np.zeros((2, 2)), boxes={evil.raw: boxes}, masks={evil.raw: mask}
                )
            }
        )
    assert text_of(cli("show", "r", "k", "--store", "s"))[1:] == [
        f"{evil.shown}: 1 box, {evil.shown} 0.5  ■ {evil.shown} 1",
        f"{evil.shown}: mask  ■ {evil.shown} 100 %",
    ]


def test_a_damaged_picture_is_an_error_that_says_where(cli, store):
    (shard,) = (store / "runs" / "lr-0.1").glob("*.tar")
    data = bytearray(shard.read_bytes())
    data[512 + 149] ^= 1
    shard.write_bytes(data)
    outcome = cli("show", "lr-0.1", "val/cats", "--store", store, "--step", 0)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "error: expected the bytes that were logged, got other bytes in member 'bmp'; "
        f"run `filmstrip verify` for all of it: {shard} at byte 512\n"
    )


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 5000)),
        np.zeros((5000, 1)),
        np.zeros((3, 3, 4), np.uint8),
        np.arange(16, dtype=np.uint16).reshape(4, 4),
    ],
    ids=["wide", "tall", "alpha", "16 bits"],
)
def test_pictures_of_every_shape_and_kind_are_shown(cli, tmp_path, image):
    mode = "I;16" if image.dtype == np.uint16 else None
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log({"k": filmstrip.Image(image, mode=mode)})
    outcome = cli("show", "r", "k", "--store", "s", "--protocol", "blocks")
    assert outcome.code == 0
    assert "▀" in outcome.out
