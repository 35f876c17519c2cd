"""Copying says the same of pixels as numpy and xxhash, and copies every one of them."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from filmstrip.media.copying import copy_pixels
from filmstrip.media.frame import digest_of
from filmstrip.media.pixels import apply_pixel_rule


def page(size_bytes: int) -> np.ndarray:
    """Return memory that begins at a page, as the spool's does."""
    return np.frombuffer(mmap.mmap(-1, size_bytes), np.uint8)


@pytest.mark.usefixtures("each_library")
class TestCopyPixels:
    @pytest.mark.parametrize(
        "size",
        [
            241,
            256,
            320,
            1023,
            1024,
            1025,
            1026,
            1087,
            1088,
            1089,
            2048,
            2049,
            65536,
            786432,
            999983,
        ],
    )
    @pytest.mark.parametrize("start", [0, 1, 13])
    def test_copies_all_and_says_what_they_are(self, size, start):
        source = np.random.default_rng(size).integers(3, 250, size + start, np.uint8)[start:]
        target = page(size)
        copied = copy_pixels(source, target)
        assert np.array_equal(target, source)
        assert (copied.minimum, copied.maximum) == (source.min(), source.max())
        assert copied.digest == digest_of(source)

    @pytest.mark.parametrize("place", [0, 31, 32, 63, 700, 1023, 1024, 1098, 1099])
    def test_finds_the_ends_wherever_they_stand(self, place):
        source = np.full(1100, 100, np.uint8)
        source[place] = 7
        assert copy_pixels(source, page(1100)).minimum == 7
        source[place] = 200
        assert copy_pixels(source, page(1100)).maximum == 200

    def test_writes_nothing_behind_the_target(self):
        memory = page(4096)
        copy_pixels(np.full(1001, 9, np.uint8), memory[:1001])
        assert memory[:1001].min() == 9
        assert not memory[1001:].any()

    @pytest.mark.parametrize("size", [0, 1, 240])
    def test_leaves_few_bytes_to_numpy(self, size):
        assert copy_pixels(np.ones(size, np.uint8), page(4096)[:size]) is None

    def test_leaves_a_target_that_is_not_aligned_to_numpy(self):
        target = page(4096)[1:1025]
        assert copy_pixels(np.ones(1024, np.uint8), target) is None
        assert not target.any()


@pytest.mark.usefixtures("no_library")
def test_without_compiled_code_numpy_does_it():
    source = np.random.default_rng(1).integers(0, 256, (300, 301, 3), np.uint8)
    assert copy_pixels(source, page(source.nbytes)) is None
    result = apply_pixel_rule(source)
    assert np.array_equal(result.pixels, source)
    assert (result.minimum, result.maximum, result.digest) == (0, 255, b"")


@pytest.mark.parametrize("shape", [(300, 301, 3), (257, 255), (40, 40)])
def test_the_rule_is_told_the_same_with_and_without(shape, monkeypatch):
    source = np.random.default_rng(2).integers(5, 240, shape, np.uint8)
    quick = apply_pixel_rule(source)
    monkeypatch.setattr("filmstrip.media.pixels.copy_pixels", lambda *_: None)
    slow = apply_pixel_rule(source)
    assert np.array_equal(quick.pixels, slow.pixels)
    for name in ("rule", "low", "high", "minimum", "maximum", "nan_count", "clipped"):
        assert getattr(quick, name) == getattr(slow, name)
    assert quick.digest in (b"", digest_of(source))
