"""A small network learns a photograph: it is given a pixel's place and answers with its colour.

Two runs of the same network are logged. One sees the plain (x, y) of a pixel and stays blurred;
the other sees Fourier features of it and finds the whiskers. The method is Tancik et al.,
"Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains"
(NeurIPS 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import filmstrip
from filmstrip.demo.network import (
    BLOCK_PIXELS,
    HIDDEN_UNITS,
    Floats,
    adam_update,
    fourier_features,
    loss_and_gradients,
    new_network,
    pixel_positions,
    predict,
    psnr_db,
)
from filmstrip.demo.photos import load_photo
from filmstrip.demo.result import LoggedRun, OnStep

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = ("chelsea.png", "coffee.png")
SIZE = (240, 160)
UPDATES_PER_STEP = 10
BATCH_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class ReconstructionSetting:
    """What differs between two runs.

    Parameters
    ----------
    name
        Name of the run.
    frequency_count
        Number of random Fourier frequencies; 0 feeds the network plain coordinates.
    frequency_scale
        Standard deviation of the frequencies, in half cycles per half picture.
    """

    name: str
    frequency_count: int
    frequency_scale: float


BASELINE = ReconstructionSetting("reconstruct-baseline", frequency_count=0, frequency_scale=0.0)
FOURIER = ReconstructionSetting("reconstruct-fourier", frequency_count=64, frequency_scale=8.0)


class PhotoLearner:
    """One network on its way to knowing one photograph."""

    def __init__(self, name: str, target: Floats, setting: ReconstructionSetting) -> None:
        """Start untrained; `target` is (H, W, 3) float32 in [0, 1]."""
        self.name = name
        self.target = target
        self.rng = np.random.default_rng(0)
        scale, count = setting.frequency_scale, setting.frequency_count
        frequencies = self.rng.normal(0, scale, (2, count)).astype(np.float32)
        self.inputs = fourier_features(pixel_positions(*target.shape[:2]), frequencies)
        self.state = new_network(self.inputs.shape[2], self.rng)

    def output(self) -> Floats:
        """Return the photograph as the network knows it: (H, W, 3) float32 in [0, 1]."""
        return predict(self.state.params, self.inputs).reshape(self.target.shape)

    def train(self, update_count: int, learning_rate: float) -> None:
        """Learn from `update_count` random batches of pixels."""
        inputs = self.inputs.reshape(-1, self.inputs.shape[2])
        colours = self.target.reshape(-1, 3)
        for _ in range(update_count):
            batch = self.rng.integers(0, len(colours), (BATCH_BLOCKS, BLOCK_PIXELS))
            _, gradients = loss_and_gradients(self.state.params, inputs[batch], colours[batch])
            self.state = adam_update(self.state, gradients, learning_rate)


def _images(learner: PhotoLearner, output: Floats, psnr: float) -> list[filmstrip.Image]:
    """Return target, output and signed error of one photo: one group, so that they share a row."""
    photo = learner.name.partition(".")[0]
    error = (output - learner.target).mean(axis=2)
    meta = {"photo": learner.name, "updates": learner.state.update_count, "psnr_db": psnr}
    return [
        filmstrip.Image(
            learner.target, caption=f"{photo}: target", grouping=photo, value_range=(0, 1)
        ),
        filmstrip.Image(
            output,
            caption=f"{photo}: output, {psnr:.1f} dB",
            grouping=photo,
            value_range=(0, 1),
            meta=meta,
        ),
        # Grey is right, white is too bright, black is too dark, by a quarter of the range or more.
        filmstrip.Image(
            error,
            caption=f"{photo}: error, grey is none",
            grouping=photo,
            value_range=(-0.25, 0.25),
            meta=meta,
        ),
    ]


def log_reconstruction(
    setting: ReconstructionSetting,
    store_dir: Path | None,
    *,
    steps: int,
    on_step: OnStep,
) -> LoggedRun:
    """Train on each photograph and log what the networks know, `steps` times.

    Parameters
    ----------
    setting
        Which variant to run.
    store_dir
        Where to log; ``None`` is filmstrip's default.
    steps
        How many times to log, from step 0, the untrained network.
    on_step
        Called with each step as soon as it was logged.

    Returns
    -------
    LoggedRun
        The finished run.
    """
    config = {
        "task": "reconstruct",
        "frequency_count": setting.frequency_count,
        "frequency_scale": setting.frequency_scale,
        "hidden_units": HIDDEN_UNITS,
        "updates_per_step": UPDATES_PER_STEP,
        "batch_pixels": BATCH_BLOCKS * BLOCK_PIXELS,
    }
    with filmstrip.init(
        project="demo",
        name=setting.name,
        group="reconstruct",
        tags=["numpy", "coordinate network"],
        notes="A small network learns to answer a pixel's colour from its place.",
        config=config,
        dir=store_dir,
    ) as run:
        photos = [(name, (load_photo(name, SIZE) / 255).astype(np.float32)) for name in PHOTOS]
        learners = [PhotoLearner(name, target, setting) for name, target in photos]
        for step in range(steps):
            learning_rate = 0.001 + 0.009 * math.cos(math.pi / 2 * step / steps) ** 2
            images: list[filmstrip.Image] = []
            numbers: dict[str, float] = {"learning_rate": learning_rate}
            for learner in learners:
                if step > 0:
                    learner.train(UPDATES_PER_STEP, learning_rate)
                output = learner.output()
                loss = float(np.mean((output - learner.target) ** 2))
                photo = learner.name.partition(".")[0]
                numbers |= {f"loss/{photo}": loss, f"psnr_db/{photo}": psnr_db(loss)}
                images += _images(learner, output, psnr_db(loss))
            run.log({"reconstruction": images, **numbers}, step=step)
            on_step(step)
    return LoggedRun(run.id, run.dir, image_count=3 * len(learners) * steps)
