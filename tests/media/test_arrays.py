from __future__ import annotations

import datetime as dt
import fractions

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pandas as pd
import pytest
import torch

from filmstrip.errors import ImageInputError, ImageTypeError
from filmstrip.media.arrays import array_from_any, describe_array, is_arraylike, is_torch_tensor
from filmstrip.media.image import Image

PICTURE = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


class OnlyDLPack:
    """An array of a library that offers its memory through DLPack and nothing else."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


class OnlyArray:
    """An array of a library that offers a numpy copy and nothing else."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array if dtype is None else self._array.astype(dtype)


class OnGPU:
    """As CuPy does it: no implicit copy to the CPU, ``get()`` for an explicit one."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __dlpack__(self, **options):
        raise BufferError("this memory is on a GPU")

    def __dlpack_device__(self):
        return (2, 0)

    def get(self):
        return self._array


class OnGPUByTheArrayAPI(OnGPU):
    """As the array API standard has it: DLPack copies to the device that is asked for."""

    get = None

    def __dlpack__(self, *, dl_device=None, **options):
        if dl_device != (1, 0):
            raise BufferError("this memory is on a GPU")
        return self._array.__dlpack__(**options)


class Unreadable(OnGPU):
    get = None


def message_of(error, call):
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (np.asarray, "numpy"),
        (jnp.asarray, "array"),
        (OnlyDLPack, "array"),
        (OnlyArray, "array"),
        (OnGPU, "array"),
        (OnGPUByTheArrayAPI, "array"),
    ],
)
def test_every_array_library_gives_the_same_picture(make, kind):
    image = Image(make(PICTURE))
    assert np.array_equal(image.content.pixels, PICTURE)
    assert (image.source.kind, image.source.dtype, image.mode) == (kind, "uint8", "RGB")


def test_only_torch_tensors_have_their_channels_first():
    tensor = torch.from_numpy(PICTURE).permute(2, 0, 1)
    image = Image(tensor)
    assert np.array_equal(image.content.pixels, PICTURE)
    assert (image.source.kind, image.source.dtype) == ("torch", "uint8")
    assert is_torch_tensor(tensor)
    assert not is_torch_tensor(PICTURE)


TORCH_DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
]


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
def test_torch_tensors_of_every_real_dtype_are_read(dtype):
    tensor = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).to(getattr(torch, dtype))
    image = Image(tensor)
    assert image.content.pixels.tolist() == [[0, 255], [255, 0]]
    assert image.source.dtype == dtype


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int32", "float32", "bfloat16", "float16", "int4", "float8_e4m3fn"]
)
def test_jax_arrays_of_every_real_dtype_are_read(dtype):
    image = Image(jnp.asarray([[0, 1], [1, 0]], dtype=getattr(jnp, dtype)))
    assert image.content.pixels.tolist() == [[0, 255], [255, 0]]
    assert image.source.dtype == dtype


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.requires_grad_(),
        lambda t: t.requires_grad_() * 1.0,
        lambda t: t.t().contiguous().t(),
        lambda t: t.repeat(2, 2)[:3, :4],
        lambda t: t.flip(0).flip(0),
        lambda t: torch.nn.Parameter(t),
        lambda t: torch.complex(torch.zeros_like(t), -t).conj().imag,
    ],
    ids=["requires_grad", "graph", "transposed", "sliced", "flipped", "parameter", "negative bit"],
)
def test_a_tensor_is_read_whatever_its_memory_and_its_graph(change):
    values = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 11
    expected = Image(values.clone()).content.pixels
    assert np.array_equal(Image(change(values.clone())).content.pixels, expected)


def test_reading_a_tensor_leaves_its_graph_alone():
    tensor = torch.rand(3, 4, 5, requires_grad=True)
    Image(tensor)
    tensor.sum().backward()
    assert tensor.grad is not None


SPARSE = "a float32 tensor of shape (3, 3) that is sparse; call its to_dense() first"
QUANTIZED = "a quint8 tensor of shape (2, 2) that is quantized; call its dequantize() first"
COMPLEX = "a complex64 tensor of shape (2, 3); convert it to a real number dtype such as uint8"
META = "a float32 tensor of shape (3, 4, 5) on meta (Cannot copy out of meta tensor; no data!)"
TO_CPU = "copy it to the CPU and pass a numpy array"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: torch.eye(3).to_sparse(), f"expected a dense tensor, got {SPARSE}"),
        (
            lambda: torch.zeros(2, 3, dtype=torch.complex64),
            f"expected booleans, integers or real floats, got {COMPLEX} or float32 first",
        ),
        (
            lambda: torch.empty(3, 4, 5, device="meta"),
            f"expected an array that numpy can read, got {META}; {TO_CPU}",
        ),
        (
            lambda: torch.quantize_per_tensor(torch.eye(2), 1.0, 0, torch.quint8),
            f"expected a dense tensor, got {QUANTIZED}",
        ),
    ],
    ids=["sparse", "complex", "meta", "quantized"],
)
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_a_tensor_without_plain_values_is_a_type_error(make, text):
    tensor = make()
    assert message_of(ImageTypeError, lambda: Image(tensor)) == text


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_a_compressed_sparse_tensor_is_a_type_error_too():
    tensor = torch.eye(3).to_sparse_csr()
    assert "that is sparse" in message_of(ImageTypeError, lambda: Image(tensor))


REAL = "convert it to a real number dtype such as uint8 or float32 first"


@pytest.mark.parametrize(
    ("array", "got"),
    [
        (np.zeros((2, 3), complex), "shape (2, 3), dtype complex128"),
        (np.array([[None, 1]], object), "shape (1, 2), dtype object"),
        (np.array([["a", "b"]]), "shape (1, 2), dtype str32"),
        (np.array([[b"a"]]), "shape (1, 1), dtype bytes8"),
        (np.zeros((2, 2), "datetime64[s]"), "shape (2, 2), dtype datetime64[s]"),
        (np.zeros((2, 2), [("r", "u1"), ("g", "u1")]), "shape (2, 2), dtype void16"),
    ],
)
def test_values_that_are_no_real_numbers_are_a_type_error(array, got):
    assert message_of(ImageTypeError, lambda: Image(array)) == (
        f"expected booleans, integers or real floats, got {got}; {REAL}"
    )


def test_an_array_that_cannot_be_read_says_why():
    name = f"{Unreadable.__module__}.Unreadable"
    assert message_of(ImageTypeError, lambda: Image(Unreadable(PICTURE))) == (
        f"expected an array that numpy can read, got {name} (Implicit conversion to a NumPy array "
        "is not allowed.); copy it to the CPU and pass a numpy array"
    )


def test_a_deleted_jax_array_is_a_type_error():
    array = jnp.zeros((2, 3))
    array.delete()
    assert "Array has been deleted" in message_of(ImageTypeError, lambda: Image(array))


def test_a_jax_key_is_a_type_error():
    with pytest.raises(ImageTypeError):
        Image(jax.random.key(0))


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        0.5,
        True,
        fractions.Fraction(1, 2),
        dt.datetime(2020, 1, 1),
        [[1, 2]],
        (1, 2),
        {},
        object(),
        np.ndarray,
        torch.Tensor,
        lambda: None,
    ],
)
def test_an_input_of_another_kind_is_a_type_error(value):
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    assert message_of(ImageTypeError, lambda: Image(value)) == (
        "expected an array, tensor, PIL image, path, bytes, file object, matplotlib figure or "
        f"Image, got {name}; convert it to a numpy array first"
    )


def test_a_number_of_numpy_has_no_picture_shape():
    with pytest.raises(ImageInputError, match=r"got shape \(\), dtype float32, values 3 to 3;"):
        Image(np.float32(3))


def test_subclasses_of_numpy_arrays_are_their_data():
    masked = np.ma.masked_array(PICTURE, mask=PICTURE > 20)
    assert np.array_equal(Image(masked).content.pixels, PICTURE)
    assert type(Image(masked).content.pixels) is np.ndarray
    masked = np.ma.masked_array([[0.5, 200.0]], mask=[[False, True]])
    assert Image(masked).content.pixels.tolist() == [[0, 200]]


def test_a_memory_map_is_read(tmp_path):
    path = tmp_path / "picture.npy"
    np.save(path, PICTURE)
    image = Image(np.load(path, mmap_mode="r"))
    assert (image.source.kind, type(image.content.pixels)) == ("numpy", np.ndarray)
    assert np.array_equal(image.content.pixels, PICTURE)


def test_a_table_of_numbers_is_a_picture():
    assert Image(pd.DataFrame([[0, 128], [255, 3]])).content.pixels.tolist() == [[0, 128], [255, 3]]


def test_the_widest_floats_are_read():
    assert Image(np.array([[0.0, 0.5]], np.longdouble)).content.pixels.tolist() == [[0, 127]]


@pytest.mark.parametrize("value", ["a.png", np.str_("a.png"), b"a", np.bytes_(b"a"), np.ndarray])
def test_texts_bytes_and_types_are_no_arrays(value):
    assert not is_arraylike(value)


def test_array_input_says_how_precise_its_floats_were():
    assert array_from_any(torch.zeros(2, 2).bfloat16()).significant_bits == 8
    assert array_from_any(np.zeros((2, 2), ml_dtypes.bfloat16)).significant_bits == 8
    assert array_from_any(torch.zeros(2, 2).half()).significant_bits == 11
    assert array_from_any(np.zeros((2, 2), np.float32)).significant_bits is None


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((2, 0)), "shape (2, 0), dtype float64"),
        (np.array([True, False]), "shape (2,), dtype bool, values 0 to 1"),
        (np.array([np.nan, np.nan]), "shape (2,), dtype float64, values nan to nan"),
        (np.array([-np.inf, 3]), "shape (2,), dtype float64, values -inf to 3"),
        (np.array([0, 2**63], np.uint64), "shape (2,), dtype uint64, values 0 to 9.22337e+18"),
    ],
)
def test_a_description_has_shape_dtype_and_range(array, text):
    assert describe_array(array) == text
