"""GIF and MP4: frame by frame what was logged."""

from __future__ import annotations

import json

import av
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import filmstrip
from filmstrip.draw import draw_overlays
from filmstrip.errors import ExportError, OptionError
from filmstrip.export import export_run
from filmstrip.export.gif import palette_frame

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(color, *, width=16, height=12) -> filmstrip.Image:
    return filmstrip.Image(np.full((height, width, 3), color, np.uint8))


def gif_frames(path) -> list[PIL.Image.Image]:
    with PIL.Image.open(path) as animation:
        frames = []
        for place in range(animation.n_frames):
            animation.seek(place)
            frames.append(animation.convert("RGB"))
        return frames


def mp4_frames(path) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


@pytest.fixture
def colors_run(log_run):
    return log_run({0: {"c": plain(RED)}, 5: {"c": plain(GREEN)}, 9: {"c": plain(BLUE)}})


class TestSeries:
    @pytest.mark.parametrize("format", ["gif", "mp4"])
    def test_each_key_and_index_gets_a_file_and_a_line_in_the_index(
        self, faces_run, tmp_path, format
    ):
        export_run(faces_run, tmp_path / "out", format=format)
        assert json.loads((tmp_path / "out/index.json").read_text()) == [
            {"key": "faces", "index": i, "steps": [0, 10, 20], "file": f"faces-{i}.{format}"}
            for i in range(2)
        ]
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
            f"faces-0.{format}",
            f"faces-1.{format}",
            "index.json",
        ]

    def test_the_index_has_the_keys_as_they_are(self, hostile_run, hostile_keys, tmp_path):
        export_run(hostile_run, tmp_path / "out", format="gif")
        entries = json.loads((tmp_path / "out/index.json").read_text())
        assert [entry["key"] for entry in entries] == list(hostile_keys)

    def test_a_step_that_cannot_be_read_is_not_in_the_index(self, damaged_run, tmp_path):
        export_run(damaged_run, tmp_path / "out", format="gif")
        entries = json.loads((tmp_path / "out/index.json").read_text())
        assert [entry["steps"] for entry in entries] == [[0, 20], [0, 10, 20]]

    @pytest.mark.parametrize("format", ["gif", "mp4"])
    def test_the_only_series_can_be_one_file(self, colors_run, tmp_path, format):
        summary = export_run(colors_run, tmp_path / f"out.{format}", format=format)
        assert (summary.files, summary.images) == (1, 3)
        assert (tmp_path / f"out.{format}").is_file()

    @pytest.mark.parametrize("format", ["gif", "mp4"])
    def test_several_series_are_not_one_file(self, faces_run, tmp_path, format):
        with pytest.raises(ExportError) as caught:
            export_run(faces_run, tmp_path / f"out.{format}", format=format)
        assert str(caught.value) == (
            f"expected one key with one picture a step for a single .{format} file, "
            "got 2 series of pictures; select one, or pass a folder that gets a file for each"
        )
        assert [p.name for p in tmp_path.iterdir()] == ["store"]

    def test_a_file_of_pictures_that_cannot_be_read_is_not_written(
        self, log_run, make_image, damage, tmp_path
    ):
        run = log_run({0: {"a": make_image(0)}})
        damage(run, key="a", step=0)
        with pytest.raises(ExportError) as caught:
            export_run(run, tmp_path / "out.gif", format="gif")
        assert "expected a picture that can be read, got expected the bytes" in str(caught.value)
        assert not (tmp_path / "out.gif").exists()


class TestLetterbox:
    def test_frames_are_as_large_as_the_largest(self, log_run, tmp_path):
        run = log_run({0: {"c": plain(RED, width=8, height=8)}, 1: {"c": plain(GREEN)}})
        export_run(run, tmp_path / "out.gif", format="gif")
        first, second = gif_frames(tmp_path / "out.gif")
        assert first.size == second.size == (16, 12)
        row = [first.getpixel((x, 6)) for x in range(16)]
        assert row == [(0, 0, 0)] * 2 + [RED] * 12 + [(0, 0, 0)] * 2

    def test_pixels_enlarged_by_a_whole_number_stay_pixels(self, log_run, tmp_path):
        small = np.array([[0, 50], [100, 200]], np.uint8)
        run = log_run({0: {"c": filmstrip.Image(small)}, 1: {"c": plain(GREEN, width=6, height=6)}})
        export_run(run, tmp_path / "out.gif", format="gif")
        first = np.asarray(gif_frames(tmp_path / "out.gif")[0])[..., 0]
        assert (first == small.repeat(3, axis=0).repeat(3, axis=1)).all()

    def test_frames_that_grow_and_turn_share_the_larger_of_each_side(self, log_run, tmp_path):
        run = log_run(
            {
                0: {"c": plain(RED, width=8, height=20)},
                1: {"c": plain(GREEN, width=20, height=8)},
            }
        )
        export_run(run, tmp_path / "out.gif", format="gif")
        assert [frame.size for frame in gif_frames(tmp_path / "out.gif")] == [(20, 20)] * 2


class TestGif:
    def test_frames_of_few_colours_are_exact(self, colors_run, tmp_path):
        export_run(colors_run, tmp_path / "out.gif", format="gif")
        frames = gif_frames(tmp_path / "out.gif")
        assert [frame.getcolors() for frame in frames] == [
            [(192, RED)],
            [(192, GREEN)],
            [(192, BLUE)],
        ]

    def test_a_gray_ramp_that_changes_is_exact(self, log_run, tmp_path):
        ramps = [np.roll(np.arange(256, dtype=np.uint8), n).reshape(16, 16) for n in (0, 7, 90)]
        run = log_run({n: {"c": filmstrip.Image(ramp)} for n, ramp in enumerate(ramps)})
        export_run(run, tmp_path / "out.gif", format="gif")
        frames = [np.asarray(frame)[..., 0] for frame in gif_frames(tmp_path / "out.gif")]
        assert (np.stack(frames) == np.stack(ramps)).all()

    def test_it_repeats_for_ever_at_the_rate_asked_for(self, colors_run, tmp_path):
        export_run(colors_run, tmp_path / "out.gif", format="gif", fps=4)
        with PIL.Image.open(tmp_path / "out.gif") as animation:
            assert animation.info["loop"] == 0
            assert animation.info["duration"] == 250

    def test_equal_frames_become_one_shown_longer(self, log_run, tmp_path):
        run = log_run({0: {"c": plain(RED)}, 1: {"c": plain(RED)}, 2: {"c": plain(BLUE)}})
        export_run(run, tmp_path / "out.gif", format="gif", fps=10)
        with PIL.Image.open(tmp_path / "out.gif") as animation:
            assert animation.n_frames == 2
            assert animation.info["duration"] == 200

    def test_more_frames_than_viewers_play_are_an_error(self, colors_run, tmp_path):
        with pytest.raises(OptionError) as caught:
            export_run(colors_run, tmp_path / "out.gif", format="gif", fps=60)
        assert str(caught.value) == "expected fps of at most 50 for gif, got 60; export mp4"

    def test_overlays_are_drawn(self, log_run, make_image, tmp_path):
        run = log_run({0: {"c": make_image(0)}})
        export_run(run, tmp_path / "out.gif", format="gif", overlays=True)
        [frame] = gif_frames(tmp_path / "out.gif")
        assert frame.tobytes() == draw_overlays(run.images("c")[0]).tobytes()

    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 16), st.integers(1, 16), st.just(3))))
    def test_up_to_256_colours_are_exact(self, pixels):
        frame = palette_frame(PIL.Image.fromarray(pixels))
        assert (np.asarray(frame.convert("RGB")) == pixels).all()

    def test_more_colours_come_near(self):
        y, x = np.mgrid[:64, :64]
        pixels = np.stack([4 * x, 4 * y, 255 - 2 * x - 2 * y], axis=-1).astype(np.uint8)
        shown = np.asarray(palette_frame(PIL.Image.fromarray(pixels)).convert("RGB")).astype(int)
        blurred = [a.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3)) for a in (shown, pixels.astype(int))]
        assert np.abs(blurred[0] - blurred[1]).max() < 8


class TestMp4:
    def test_frames_have_the_colours_of_the_pictures(self, colors_run, tmp_path):
        export_run(colors_run, tmp_path / "out.mp4", format="mp4")
        frames = mp4_frames(tmp_path / "out.mp4")
        assert [f.shape for f in frames] == [(12, 16, 3)] * 3
        found = np.stack(frames).mean(axis=(1, 2))
        assert np.abs(found - [RED, GREEN, BLUE]).max() < 6

    def test_it_is_h264_that_every_player_takes(self, colors_run, tmp_path):
        export_run(colors_run, tmp_path / "out.mp4", format="mp4", fps=12.5)
        with av.open(str(tmp_path / "out.mp4")) as video:
            stream = video.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"
            assert stream.average_rate == 12.5
            assert stream.codec_context.colorspace == 1
            assert stream.codec_context.color_range == 1

    def test_its_index_comes_before_the_frames(self, colors_run, tmp_path):
        export_run(colors_run, tmp_path / "out.mp4", format="mp4")
        data = (tmp_path / "out.mp4").read_bytes()
        assert 0 < data.index(b"moov") < data.index(b"mdat")

    @pytest.mark.parametrize(
        ("size", "expected"), [((1, 1), (2, 2)), ((7, 5), (8, 6)), ((28, 27), (28, 28))]
    )
    def test_odd_sides_are_made_even_by_doubling_the_last_row_and_column(
        self, log_run, tmp_path, size, expected
    ):
        run = log_run({0: {"c": plain(RED, width=size[0], height=size[1])}})
        export_run(run, tmp_path / "out.mp4", format="mp4")
        [frame] = mp4_frames(tmp_path / "out.mp4")
        assert frame.shape == (expected[1], expected[0], 3)
        assert np.abs(frame.astype(int) - RED).max() < 12

    def test_a_side_too_long_for_h264_is_an_error(self, log_run, tmp_path):
        run = log_run({0: {"c": plain(RED, width=8193, height=2)}})
        with pytest.raises(ExportError) as caught:
            export_run(run, tmp_path / "out.mp4", format="mp4")
        assert str(caught.value) == (
            "expected sides of at most 8192 pixels for mp4, got width 8193 and height 2; "
            "export gif or files"
        )
        assert [p.name for p in tmp_path.iterdir()] == ["store"]

    def test_overlays_are_drawn(self, log_run, tmp_path):
        boxes = {"a": filmstrip.BoundingBoxes2D.from_arrays([[0, 0, 40, 30]])}
        pixels = np.zeros((30, 40, 3), np.uint8)
        run = log_run({0: {"c": filmstrip.Image(pixels, boxes=boxes)}})
        export_run(run, tmp_path / "out.mp4", format="mp4", overlays=True)
        [frame] = mp4_frames(tmp_path / "out.mp4")
        assert frame[0].mean() > 4 * max(1, frame[10:20, 10:30].mean())
