"""The coordinate network: shapes, gradients, and that it learns."""

import numpy as np
import pytest

from filmstrip.demo.network import (
    adam_update,
    fourier_features,
    loss_and_gradients,
    new_network,
    pixel_positions,
    predict,
    psnr_db,
)


@pytest.fixture
def batch():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(2, 16, 4)).astype(np.float32)
    return inputs, rng.random((2, 16, 3)).astype(np.float32)


def test_positions_span_the_longer_side_and_stay_centred():
    positions = pixel_positions(16, 32).reshape(16, 32, 2)
    assert positions[..., 0].min() == pytest.approx(-31 / 32)
    assert positions[..., 1].max() == pytest.approx(15 / 32)
    np.testing.assert_allclose(positions.mean(axis=(0, 1)), 0, atol=1e-6)


def test_no_frequencies_leave_positions_as_they_are():
    positions = pixel_positions(8, 8)
    assert fourier_features(positions, np.empty((2, 0), np.float32)) is positions


def test_fourier_features_are_sine_and_cosine_of_each_frequency():
    frequency = np.array([[0.5], [0.0]], np.float32)
    features = fourier_features(np.array([[[1.0, 7.0]]], np.float32), frequency)
    np.testing.assert_allclose(features, [[[1.0, 0.0]]], atol=1e-6)


def test_untrained_outputs_are_near_mid_grey(batch):
    network = new_network(4, np.random.default_rng(0))
    outputs = predict(network.params, batch[0])
    assert outputs.shape == (2, 16, 3)
    assert np.abs(outputs - 0.5).max() < 0.25


@pytest.mark.parametrize("index", range(6))
def test_each_gradient_agrees_with_a_finite_difference(batch, index):
    params = new_network(4, np.random.default_rng(1)).params
    params = tuple(param.astype(np.float64) for param in params)
    _, gradients = loss_and_gradients(params, *batch)
    place = np.unravel_index(np.abs(gradients[index]).argmax(), gradients[index].shape)

    def loss_at(offset):
        moved = [param.copy() for param in params]
        moved[index][place] += offset
        return loss_and_gradients(tuple(moved), *batch)[0]

    slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
    assert gradients[index][place] == pytest.approx(slope, rel=1e-3)


def test_adam_lowers_the_loss_and_leaves_its_input_alone(batch):
    first = state = new_network(4, np.random.default_rng(0))
    before = [param.copy() for param in first.params]
    loss, gradients = loss_and_gradients(state.params, *batch)
    for _ in range(30):
        state = adam_update(state, gradients, 0.01)
        last_loss, gradients = loss_and_gradients(state.params, *batch)
    assert last_loss < 0.7 * loss
    assert state.update_count == 30
    assert all(param.dtype == np.float32 for param in state.params)
    assert all(np.array_equal(*pair) for pair in zip(before, first.params, strict=True))


def test_adams_first_step_is_the_learning_rate_whatever_the_gradient():
    state = new_network(4, np.random.default_rng(0))
    gradients = tuple(np.full_like(param, 123.0) for param in state.params)
    moved = adam_update(state, gradients, 0.01)
    np.testing.assert_allclose(state.params[0] - moved.params[0], 0.01, rtol=1e-3)


@pytest.mark.parametrize(
    ("mean_squared_error", "expected_db"), [(1.0, 0.0), (0.1, 10.0), (1e-4, 40.0)]
)
def test_psnr_is_ten_times_the_logarithm(mean_squared_error, expected_db):
    assert psnr_db(mean_squared_error) == pytest.approx(expected_db)
