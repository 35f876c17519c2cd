"""A coordinate network in numpy: from a pixel's place to its colour. Every function is pure.

Pixels come in blocks, (b, n, ...) for b blocks of n. A product of matrices this small is worth no
second thread to BLAS, so that one core stays free for the encoders.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

BLOCK_PIXELS = 16
HIDDEN_UNITS = 64


@dataclass(frozen=True, slots=True)
class NetworkState:
    """Parameters of the network and what Adam remembers about their gradients.

    Parameters
    ----------
    params
        weight, bias, weight, bias, ... float32: weights (inputs, outputs), biases (outputs,).
    mean, square
        Running mean of the gradient and of its square, shaped like `params`.
    update_count
        How many updates led here.
    """

    params: tuple[Floats, ...]
    mean: tuple[Floats, ...]
    square: tuple[Floats, ...]
    update_count: int


def pixel_positions(height: int, width: int) -> Floats:
    """Return the centres of all pixels, row by row, in blocks: (b, BLOCK_PIXELS, 2) float32 (x, y).

    The longer side spans [-1, 1], so that a frequency means the same along both.

    Examples
    --------
    >>> positions = pixel_positions(32, 64)
    >>> positions.shape, positions[0, 0].tolist()
    ((128, 16, 2), [-0.984375, -0.484375])
    """
    rows, columns = np.mgrid[:height, :width]
    x = (2 * columns + 1 - width) / max(height, width)
    y = (2 * rows + 1 - height) / max(height, width)
    return np.stack([x, y], axis=-1).reshape(-1, BLOCK_PIXELS, 2).astype(np.float32)


def fourier_features(positions: Floats, frequencies: Floats) -> Floats:
    """Return sine and cosine of the positions along each frequency.

    Parameters
    ----------
    positions
        (b, n, 2) float32 in [-1, 1].
    frequencies
        (2, f) float32. With f = 0 the positions come back as they are.

    Returns
    -------
    Floats
        (b, n, 2f) float32 in [-1, 1], or (b, n, 2) for f = 0.
    """
    if frequencies.shape[1] == 0:
        return positions
    phase = np.float32(np.pi) * (positions @ frequencies)
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=2)


def new_network(input_count: int, rng: np.random.Generator) -> NetworkState:
    """Return an untrained network: two hidden layers, three outputs that start near mid-grey."""
    sizes = (input_count, HIDDEN_UNITS, HIDDEN_UNITS, 3)
    params: list[Floats] = []
    for inputs, outputs in pairwise(sizes):
        scale = np.sqrt(2 / inputs) if outputs != 3 else 0.1 * np.sqrt(2 / inputs)
        params.append(rng.normal(0, scale, (inputs, outputs)).astype(np.float32))
        params.append(np.zeros(outputs, np.float32))
    zeros = tuple(np.zeros_like(param) for param in params)
    return NetworkState(tuple(params), zeros, zeros, update_count=0)


def _layers(params: tuple[Floats, ...], inputs: Floats) -> list[Floats]:
    """Return the inputs, each hidden layer (ReLU), and the outputs in [0, 1] (sigmoid)."""
    layers = [inputs]
    for weight, bias in zip(params[:-2:2], params[1:-2:2], strict=True):
        layers.append(np.maximum(layers[-1] @ weight + bias, 0))
    layers.append(1 / (1 + np.exp(-(layers[-1] @ params[-2] + params[-1]))))
    return layers


def predict(params: tuple[Floats, ...], inputs: Floats) -> Floats:
    """Return the colours the network gives: (b, n, 3) float32 in [0, 1] for (b, n, i) inputs."""
    return _layers(params, inputs)[-1]


def loss_and_gradients(
    params: tuple[Floats, ...], inputs: Floats, colours: Floats
) -> tuple[float, tuple[Floats, ...]]:
    """Return the mean squared error, and its gradient for each parameter.

    Parameters
    ----------
    params
        As in `NetworkState`.
    inputs
        (b, n, i) float32 features.
    colours
        (b, n, 3) float32 in [0, 1], what the network should answer.
    """
    *layers, outputs = _layers(params, inputs)
    difference = outputs - colours
    delta = difference * outputs * (1 - outputs) * np.float32(2 / difference.size)
    gradients: list[Floats] = []
    for index in range(len(layers) - 1, -1, -1):
        weight_gradient = (layers[index].swapaxes(1, 2) @ delta).sum(axis=0)
        gradients[:0] = [weight_gradient, delta.sum(axis=(0, 1))]
        delta = (delta @ params[2 * index].T) * (layers[index] > 0)
    return float(np.mean(difference**2)), tuple(gradients)


def adam_update(
    state: NetworkState, gradients: tuple[Floats, ...], learning_rate: float
) -> NetworkState:
    """Return the state after one step of Adam (Kingma and Ba, 2015)."""
    count = state.update_count + 1
    rate = np.float32(learning_rate * np.sqrt(1 - 0.999**count) / (1 - 0.9**count))
    mean = tuple(m + np.float32(0.1) * (g - m) for m, g in zip(state.mean, gradients, strict=True))
    square = tuple(
        s + np.float32(0.001) * (g * g - s) for s, g in zip(state.square, gradients, strict=True)
    )
    params = tuple(
        (p - rate * m / (np.sqrt(s) + np.float32(1e-8))).astype(np.float32, copy=False)
        for p, m, s in zip(state.params, mean, square, strict=True)
    )
    return NetworkState(params, mean, square, count)


def psnr_db(mean_squared_error: float) -> float:
    """Return the peak signal-to-noise ratio in decibels, for values in [0, 1].

    Examples
    --------
    >>> round(psnr_db(0.01), 6)
    20.0
    """
    return float(-10 * np.log10(mean_squared_error))
