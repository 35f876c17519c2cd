"""Learning a photograph: it improves, Fourier features win, and it repeats itself."""

import numpy as np
import pytest

from filmstrip.demo.network import psnr_db
from filmstrip.demo.photos import load_photo
from filmstrip.demo.reconstruct import BASELINE, FOURIER, PhotoLearner

TARGET = (load_photo("chelsea.png", (96, 64)) / 255).astype(np.float32)


def learned_psnr_db(setting, update_count):
    learner = PhotoLearner("chelsea.png", TARGET, setting)
    learner.train(update_count, 0.01)
    return psnr_db(float(np.mean((learner.output() - TARGET) ** 2)))


@pytest.mark.parametrize("setting", [BASELINE, FOURIER], ids=lambda setting: setting.name)
def test_psnr_rises_with_training(setting):
    assert learned_psnr_db(setting, 40) > learned_psnr_db(setting, 0) + 3


def test_fourier_features_reach_a_higher_psnr_than_plain_coordinates():
    assert learned_psnr_db(FOURIER, 60) > learned_psnr_db(BASELINE, 60) + 3


def test_output_is_a_float_picture_in_the_unit_range():
    output = PhotoLearner("chelsea.png", TARGET, FOURIER).output()
    assert (output.shape, output.dtype) == (TARGET.shape, np.float32)
    assert output.min() >= 0
    assert output.max() <= 1


def test_training_twice_gives_the_same_picture():
    outputs = []
    for _ in range(2):
        learner = PhotoLearner("chelsea.png", TARGET, FOURIER)
        learner.train(5, 0.01)
        outputs.append(learner.output())
    np.testing.assert_array_equal(*outputs)
