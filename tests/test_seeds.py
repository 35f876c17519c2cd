"""The examples that W&B documents for ``Image``, word for word, with only the import changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import filmstrip

FROM_A_NUMPY_ARRAY = """\
# Create a wandb.Image from a numpy array
import numpy as np
import wandb

with wandb.init() as run:
    examples = []
    for i in range(3):
         pixels = np.random.randint(low=0, high=256, size=(100, 100, 3))
         image = wandb.Image(pixels, caption=f"random field {i}")
         examples.append(image)
    run.log({"examples": examples})
"""

FROM_A_PIL_IMAGE = """\
# Create a wandb.Image from a PILImage
import numpy as np
from PIL import Image as PILImage
import wandb

with wandb.init() as run:
    examples = []
    for i in range(3):
         pixels = np.random.randint(
             low=0, high=256, size=(100, 100, 3), dtype=np.uint8
         )
         pil_image = PILImage.fromarray(pixels, mode="RGB")
         image = wandb.Image(pil_image, caption=f"random field {i}")
         examples.append(image)
    run.log({"examples": examples})
"""

AS_JPG = """\
# log .jpg rather than .png (default)
import numpy as np
import wandb

with wandb.init() as run:
    examples = []
    for i in range(3):
         pixels = np.random.randint(low=0, high=256, size=(100, 100, 3))
         image = wandb.Image(pixels, caption=f"random field {i}", file_type="jpg")
         examples.append(image)
    run.log({"examples": examples})
"""


def run_example(code, folder):
    """Run the example in a process of its own, as a user would, and return what it stored."""
    script = folder / "example.py"
    script.write_text(code.replace("import wandb\n", "import filmstrip as wandb\n"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMSTRIP_")}
    done = subprocess.run(
        # Pillow 11.3 called fromarray's mode deprecated, and 12 took that back.
        [sys.executable, "-W", "error", "-W", "ignore:'mode' parameter", script.name],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0
    assert re.fullmatch(r"filmstrip: run \w{8}: 3 images, 0 records of values, .*\n", done.stderr)
    (run,) = filmstrip.open(folder / ".filmstrip").runs()
    return run


@pytest.mark.parametrize(
    ("code", "format"),
    [(FROM_A_NUMPY_ARRAY, "png"), (FROM_A_PIL_IMAGE, "png"), (AS_JPG, "jpg")],
    ids=["numpy", "PIL", "jpg"],
)
def test_an_example_runs_with_only_its_import_changed(tmp_path, code, format):
    run = run_example(code, tmp_path)
    images = run.images("examples")
    assert (run.keys(), run.steps("examples")) == (["examples"], [0])
    assert [image.caption for image in images] == [f"random field {i}" for i in range(3)]
    assert [image.index for image in images] == [0, 1, 2]
    assert {(i.width, i.height, i.format) for i in images} == {(100, 100, format)}
    assert {image.array().shape for image in images} == {(100, 100, 3)}


@pytest.mark.parametrize("code", [FROM_A_NUMPY_ARRAY, FROM_A_PIL_IMAGE], ids=["numpy", "PIL"])
def test_what_an_example_logged_comes_back_pixel_by_pixel(tmp_path, code):
    keep = "np.save('pixels.npy', np.stack([np.asarray(e.image) for e in examples]))\n"
    run = run_example(code + keep, tmp_path)
    logged = np.load(tmp_path / "pixels.npy")
    assert np.array_equal([image.array() for image in run.images("examples")], logged)
