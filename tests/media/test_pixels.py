"""The pixel rule against a slow second writing of it in exact fractions."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from filmstrip.errors import OptionError
from filmstrip.media.image import Image
from filmstrip.media.pixels import apply_pixel_rule, keep_wide, to_uint8

INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "float32", "float64"]
SIGNIFICANT_BITS = {"float16": 11, "float32": 24, "float64": 53, "bfloat16": 8}
CONTENTS = {
    "unit": (0, 1),
    "signed": (-1, 1),
    "bytes": (0, 255),
    "beyond": (-300, 600),
}


def rounded(value: Fraction, bits: int) -> Fraction:
    """The nearest number with so many significant bits, ties to even (Python's own `round`)."""
    if value == 0:
        return value
    exponent = math.frexp(abs(float(value)))[1]
    unit = Fraction(2) ** (exponent - bits)
    return round(value / unit) * unit


def expected_pixel(value, *, all_values, bits):
    """What SPEC says of one number among all the numbers of its image."""
    if math.isnan(value):
        return 0
    real = [v for v in all_values if not math.isnan(v)]
    if min(real) >= 0 and max(real) <= 1:
        return math.floor(rounded(Fraction(value) * 255, bits))
    if min(real) >= -1 and max(real) <= 1:
        # numpy adds in float32 at least, so the sum is exact but for the narrowest last bits
        total = rounded(Fraction(value) + 1, max(bits, 24))
        return math.floor(rounded(rounded(total * 255 / 2, max(bits, 24)), bits))
    return 0 if value < 0 else 255 if value > 255 else math.floor(value)


def expected_pixels(array, bits):
    values = array.astype(object).ravel().tolist()
    values = [v if isinstance(v, int) else float(v) for v in values]
    pixels = [expected_pixel(v, all_values=values, bits=bits) for v in values]
    return np.array(pixels, np.uint8).reshape(array.shape)


def pixels_of(data, **options):
    return Image(data, **options).content.pixels


def integers_of(dtype, low, high):
    info = np.iinfo(dtype)
    return st.integers(max(low, info.min), min(high, info.max))


def floats_of(dtype, low, high):
    width = np.dtype(dtype).itemsize * 8
    return st.floats(low, high, width=width, allow_nan=False)


@st.composite
def integer_images(draw):
    dtype = draw(st.sampled_from(INTEGERS))
    low, high = draw(st.sampled_from([*CONTENTS.values(), (-(2**63), 2**64)]))
    shape = draw(st.sampled_from([(1, 1), (3, 2), (5, 4, 3), (2, 2, 4)]))
    return draw(nps.arrays(dtype, shape, elements=integers_of(dtype, low, high)))


@st.composite
def float_images(draw):
    dtype = draw(st.sampled_from(FLOATS))
    low, high = draw(st.sampled_from(list(CONTENTS.values())))
    elements = floats_of(dtype, low, high)
    if draw(st.booleans()):
        elements |= st.sampled_from([math.nan, math.inf, -math.inf])
    shape = draw(st.sampled_from([(1, 1), (3, 2), (5, 4, 3), (2, 2, 4)]))
    return draw(nps.arrays(dtype, shape, elements=elements))


@settings(deadline=None, max_examples=300)
@given(integer_images())
def test_integers_of_every_width_follow_the_rule(array):
    assert np.array_equal(pixels_of(array), expected_pixels(array, bits=53))


@settings(deadline=None, max_examples=400)
@given(float_images())
def test_floats_of_every_width_follow_the_rule(array):
    expected = expected_pixels(array, bits=SIGNIFICANT_BITS[array.dtype.name])
    assert np.array_equal(pixels_of(array), expected)


@settings(deadline=None, max_examples=200)
@given(float_images() | integer_images())
def test_numpy_and_torch_agree(array):
    planes = array if array.ndim == 2 else array.transpose(2, 0, 1)
    tensor = torch.from_numpy(np.ascontiguousarray(planes))
    a, b = Image(array), Image(tensor)
    assert np.array_equal(a.content.pixels, b.content.pixels)
    assert (a.source.rule, a.source.min, a.source.max, a.source.nan_count) == (
        b.source.rule,
        b.source.min,
        b.source.max,
        b.source.nan_count,
    )


@settings(deadline=None, max_examples=200)
@given(nps.arrays("float32", (4, 3), elements=floats_of("float32", -2, 2) | st.just(math.nan)))
def test_torch_and_jax_bfloat16_agree_and_follow_the_rule(array):
    narrow = array.astype(ml_dtypes.bfloat16)
    expected = expected_pixels(narrow.astype(np.float64), bits=8)
    tensor = torch.from_numpy(narrow.astype(np.float32)).bfloat16()
    assert np.array_equal(pixels_of(tensor), expected)
    assert np.array_equal(pixels_of(jnp.asarray(narrow)), expected)
    assert np.array_equal(pixels_of(narrow), expected)


@pytest.mark.parametrize(
    ("values", "pixels", "rule"),
    [
        ([[0.2, 0.3]], [[51, 76]], "unit"),
        ([[-0.2, 0.6]], [[102, 204]], "signed"),
        ([[-9, 0.1, 100, 254.5, 270]], [[0, 0, 100, 254, 255]], "clip"),
        ([[0, 1]], [[0, 255]], "unit"),
        ([[-1, 0, 1]], [[0, 127, 255]], "signed"),
        ([[0, 2]], [[0, 2]], "clip"),
    ],
)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_the_figures_of_the_rule(values, pixels, rule, as_tensor):
    image = Image(torch.tensor(values, dtype=torch.float64) if as_tensor else np.array(values))
    assert image.content.pixels.tolist() == pixels
    assert image.source.rule == rule


@pytest.mark.parametrize("dtype", [*FLOATS, "bfloat16"])
def test_k_over_255_comes_back_as_k(dtype):
    own = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    values = (np.arange(256, dtype=np.float64) / 255).astype(own).reshape(16, 16)
    assert pixels_of(values).ravel().tolist() == list(range(256))


NARROW = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def narrow_floats(dtype, low):
    """Every number of the dtype from `low` to 1, as (1, n)."""
    bits = torch.arange(-(2**15), 2**15).to(torch.int16)
    values = bits.view(NARROW[dtype])
    return values[(values >= low) & (values <= 1)][None]


@pytest.mark.parametrize("dtype", NARROW)
def test_every_narrow_float_from_0_to_1_is_as_its_own_arithmetic_has_it(dtype):
    values = narrow_floats(dtype, 0)
    assert np.array_equal(pixels_of(values), (values * 255).to(torch.uint8).numpy())


@pytest.mark.parametrize("dtype", NARROW)
def test_every_narrow_float_from_minus_1_to_1_follows_the_rule(dtype):
    values = narrow_floats(dtype, -1)[:, ::7]
    expected = expected_pixels(values.double().numpy(), bits=SIGNIFICANT_BITS[dtype])
    assert np.array_equal(pixels_of(values), expected)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("normalize", [True, False])
def test_nothing_wraps_around(dtype, normalize):
    info = np.finfo(dtype) if dtype in FLOATS else np.iinfo(dtype)
    ends = np.array([[info.min, info.max, 100]], dtype)
    low = 0 if info.min <= 0 else int(info.min)
    high = min(255, int(info.max))
    assert pixels_of(ends, normalize=normalize).tolist() == [[low, high, 100]]


@pytest.mark.parametrize("value", [True, False])
def test_booleans_are_0_and_255_whatever_is_asked(value):
    array = np.full((2, 2), value)
    pixels = [[255 * value] * 2] * 2
    assert pixels_of(array).tolist() == pixels
    assert pixels_of(array, normalize=False).tolist() == pixels
    assert pixels_of(torch.from_numpy(array)).tolist() == pixels
    image = Image(array)
    assert (image.source.rule, image.source.min, image.source.max) == ("bool", value, value)


def test_without_normalize_values_are_clipped_and_truncated_unscaled():
    array = np.array([[-3.7, 0.9, 1.0, 254.99, 256.0]])
    image = Image(array, normalize=False)
    assert image.content.pixels.tolist() == [[0, 0, 1, 254, 255]]
    assert (image.source.rule, image.source.range, image.source.clipped) == (
        "off",
        [0.0, 255.0],
        True,
    )


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_is_black_and_takes_no_part_in_choosing_the_rule(dtype):
    image = Image(np.array([[np.nan, 0.0, 1.0], [0.5, np.nan, 0.25]], dtype))
    assert image.content.pixels.tolist() == [[0, 0, 255], [127, 0, 63]]
    assert (image.source.rule, image.source.nan_count) == ("unit", 2)
    assert (image.source.min, image.source.max) == (0.0, 1.0)


@pytest.mark.parametrize("options", [{}, {"normalize": False}, {"value_range": (-1, 1)}])
@pytest.mark.parametrize("dtype", FLOATS)
def test_an_image_of_nothing_but_nan_is_black(dtype, options):
    image = Image(np.full((2, 3), np.nan, dtype), **options)
    assert not image.content.pixels.any()
    assert (image.source.min, image.source.max, image.source.nan_count) == (None, None, 6)
    assert not image.source.clipped


@pytest.mark.parametrize("options", [{}, {"normalize": False}, {"value_range": (0, 1)}])
@pytest.mark.parametrize("dtype", FLOATS)
def test_infinities_go_to_the_ends(dtype, options):
    image = Image(np.array([[np.inf, -np.inf, 0.0, np.nan]], dtype), **options)
    assert image.content.pixels.tolist() == [[255, 0, 0, 0]]
    assert (image.source.min, image.source.max) == ("-Infinity", "Infinity")
    assert image.source.clipped


@pytest.mark.parametrize(
    ("array", "options", "rule", "range_", "clipped"),
    [
        (np.array([[0.0, 1.0]]), {}, "unit", [0.0, 1.0], False),
        (np.array([[-1.0, 1.0]], np.float32), {}, "signed", [-1.0, 1.0], False),
        (np.array([[0, 255]], np.uint8), {}, "clip", [0.0, 255.0], False),
        (np.array([[0, 256]], np.int16), {}, "clip", [0.0, 255.0], True),
        (np.array([[0.5]]), {"normalize": False}, "off", [0.0, 255.0], False),
        (np.array([[2.0, 8.0]]), {"value_range": (2, 8)}, "range", [2.0, 8.0], False),
        (np.array([[1.0, 8.0]]), {"value_range": (2, 8)}, "range", [2.0, 8.0], True),
        (np.array([[300]]), {"mode": "I;16"}, "wide", [0.0, 65535.0], False),
        (np.array([[70000]]), {"mode": "I;16"}, "wide", [0.0, 65535.0], True),
    ],
)
def test_the_record_says_what_was_done(array, options, rule, range_, clipped):
    source = Image(array, **options).source
    assert (source.kind, source.dtype, source.shape) == (
        "numpy",
        array.dtype.name,
        list(array.shape),
    )
    assert (source.rule, source.range, source.clipped) == (rule, range_, clipped)
    assert (source.min, source.max) == (array.min(), array.max())
    assert type(source.min) is (int if array.dtype.kind in "iu" else float)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_a_value_range_maps_linearly_whatever_the_content(dtype):
    array = np.array([[10, 20, 30, 60, 110, 111]], dtype)
    expected = [[0, 25, 51, 127, 255, 255]]
    assert pixels_of(array, value_range=(10, 110)).tolist() == expected
    assert pixels_of(array, value_range=(10, 110), normalize=False).tolist() == expected


@pytest.mark.parametrize("dtype", ["uint8", *FLOATS])
def test_a_value_range_of_0_to_255_changes_no_whole_value(dtype):
    array = np.arange(256).astype(dtype).reshape(16, 16)
    assert np.array_equal(pixels_of(array, value_range=(0, 255)), np.arange(256).reshape(16, 16))


def test_a_value_range_gives_the_same_value_the_same_brightness_at_each_step():
    dark, bright = np.array([[0.25, 0.5]]), np.array([[0.25, 7.0]])
    first, second = (pixels_of(x, value_range=(0, 8))[0, 0] for x in (dark, bright))
    assert first == second == 7


@settings(deadline=None, max_examples=200)
@given(
    nps.arrays("float64", (2, 3), elements=st.floats(-1e3, 1e3)),
    st.tuples(st.floats(-500, 499), st.floats(1, 400)),
)
def test_a_value_range_is_within_one_ulp_of_exact_arithmetic(array, ends):
    low, high = ends[0], ends[0] + ends[1]
    exact = [
        255 * (Fraction(v) - Fraction(low)) / (Fraction(high) - Fraction(low))
        for v in array.ravel().tolist()
    ]
    slack = Fraction(1, 10**9)
    pixels = pixels_of(array, value_range=(low, high)).ravel().tolist()
    bounds = [
        (math.floor(min(max(y - slack, 0), 255)), math.floor(min(max(y + slack, 0), 255)))
        for y in exact
    ]
    assert all(lo <= p <= hi for p, (lo, hi) in zip(pixels, bounds, strict=True))


@pytest.mark.parametrize(
    ("array", "value_range", "pixels"),
    [
        (np.array([[6e4]], np.float16), (0, 0.5), [[255]]),
        (np.array([[3e38, -3e38]], np.float32), (-3e38, 0), [[255, 0]]),
        (np.array([[3e38, 0, -3e38]], np.float32), (-3e38, 3e38), [[255, 127, 0]]),
        (np.array([[3e38, 0]], np.float32), (0, 1e300), [[0, 0]]),
        (np.array([[1e300, 0]]), (0, 1e300), [[255, 0]]),
        (np.array([[1.0, 0]], np.float32), (0, 1e-300), [[255, 0]]),
        (np.array([[5e-324, 0]]), (0, 5e-324), [[255, 0]]),
        (np.array([[2**63 - 1, -(2**63)]]), (-(2**63), 2**63), [[255, 0]]),
    ],
)
def test_extreme_ranges_give_no_numpy_warning(array, value_range, pixels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels_of(array, value_range=value_range).tolist() == pixels


@pytest.mark.parametrize(
    "value_range",
    [(1, 0), (1, 1), (0, math.inf), (math.nan, 1), (0,), (0, 1, 2), 5, "ab", (-1.7e308, 1.7e308)],
)
def test_a_value_range_that_is_none_is_an_option_error(value_range):
    with pytest.raises(OptionError) as caught:
        Image(np.zeros((2, 2)), value_range=value_range)
    assert str(caught.value) == (
        "expected value_range to be (lo, hi), two finite numbers with lo < hi, "
        f"got {value_range!r}; pass the values that black and white stand for, such as (0, 1)"
    )


def variants(array):
    """The same numbers in every kind of memory that an array can have."""
    padded = np.zeros((*[2 * n for n in array.shape[:2]], *array.shape[2:]), array.dtype)
    padded[::2, ::2] = array
    read_only = array.copy()
    read_only.flags.writeable = False
    yield "strided", padded[::2, ::2]
    yield "flipped", np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
    yield "Fortran", np.asfortranarray(array)
    yield "transposed", np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)
    yield "read-only", read_only
    yield "big-endian", array.astype(array.dtype.newbyteorder(">"))
    yield "little-endian", array.astype(array.dtype.newbyteorder("<"))
    if array.ndim == 3:
        yield "planar", np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0)


MEMORY_CASES = [
    pytest.param(dtype, content, shape, id=f"{dtype}-{content}-{'x'.join(map(str, shape))}")
    for dtype, content, shape in itertools.product(
        ["bool", *INTEGERS, *FLOATS], CONTENTS, [(5, 7), (5, 7, 3), (6, 1, 4), (1, 6)]
    )
]


@pytest.mark.parametrize(("dtype", "content", "shape"), MEMORY_CASES)
def test_the_memory_of_an_array_changes_nothing(dtype, content, shape):
    low, high = CONTENTS[content]
    values = np.random.default_rng(3).uniform(low, high, shape)
    if np.dtype(dtype).kind in "iu":
        values = values.clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
    array = np.ascontiguousarray(values.astype(dtype))
    expected = pixels_of(array)
    found = {name: pixels_of(variant) for name, variant in variants(array)}
    assert [name for name, pixels in found.items() if not np.array_equal(pixels, expected)] == []
    assert all(p.flags.c_contiguous for p in found.values())


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int64"])
@pytest.mark.parametrize("shape", [(300, 400, 3), (1, 65500), (65500, 1), (1000, 1000)])
def test_images_larger_than_a_block_are_as_their_pieces(dtype, shape):
    array = np.random.default_rng(5).uniform(-10, 300, shape).astype(dtype)
    assert np.array_equal(pixels_of(array), np.clip(array, 0, 255).astype(np.uint8))


def test_a_broadcast_array_is_read_as_it_looks():
    array = np.broadcast_to(np.array([10, 20, 30], np.uint8), (4, 5, 3))
    assert np.array_equal(pixels_of(array), array)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_16_bit_keeps_integers_and_clips_the_rest(dtype):
    info = np.iinfo(dtype)
    array = np.array([[info.min, 0, 100, info.max]], dtype)
    image = Image(array, mode="I;16")
    assert image.mode == "I;16"
    assert image.content.pixels.dtype == np.uint16
    assert image.content.pixels.tolist() == [[0, 0, 100, min(int(info.max), 65535)]]


def test_16_bit_pixels_are_contiguous_whatever_the_input_is():
    array = np.asfortranarray(np.arange(12, dtype=np.uint16).reshape(3, 4))
    result = keep_wide(array)
    assert result.pixels.flags.c_contiguous
    assert np.array_equal(result.pixels, array)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([0.0, 0.5, 1.0, 1.5, -0.5], [0, 127, 255, 255, 0]),
        ([0, 7, 255, 256, -1], [0, 7, 255, 255, 0]),
        ([0, 1], [0, 1]),
        ([True, False], [255, 0]),
        ([math.nan, math.inf, -math.inf], [0, 255, 0]),
        ([], []),
        (0.5, 127),
        (np.float16(0.5), 127),
        (np.zeros((2, 0, 3)), np.zeros((2, 0, 3)).tolist()),
        (torch.tensor([0.5, 2.0], dtype=torch.bfloat16), [127, 255]),
        (torch.tensor([[3, 300]]), [[3, 255]]),
        (jnp.array([0.25, 1.0]), [63, 255]),
        (np.array([128, 255], ">u2"), [128, 255]),
    ],
)
def test_to_uint8_scales_floats_and_clips_integers(data, expected):
    result = Image.to_uint8(data)
    assert (result.dtype, result.tolist()) == (np.uint8, expected)


def test_to_uint8_gives_a_copy_of_the_same_shape():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    result = to_uint8(array)
    array[:] = 0
    assert result.tolist() == np.arange(24).reshape(2, 3, 4).tolist()


@given(float_images() | integer_images())
@settings(deadline=None, max_examples=100)
def test_the_rule_leaves_its_input_alone_and_its_pixels_own_their_memory(array):
    before = array.copy()
    result = apply_pixel_rule(array)
    assert array.tobytes() == before.tobytes()
    assert not np.shares_memory(result.pixels, array)
