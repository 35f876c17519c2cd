"""A store whose every pixel is known, and how to read pixels off the page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image

import filmstrip

WIDTH, HEIGHT = 64, 48
STEPS = (0, 10, 20)
HOSTILE = '<img src=x onerror="window.broken=1"></script><b>bold</b> \u202etxt'
NAMES = {1: "cat", 2: "dog"}
CAT, DOG = (8, 8, 24, 24), (34, 20, 56, 40)

READ_PIXEL = """(canvas, [x, y]) => {
  const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, x, y, 1, 1, 0, 0, 1, 1);
  return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def plain_pixels(step: int, more: int = 0) -> np.ndarray:
    """Return (48, 64, 3) uint8: red is the column, green the row, blue the step."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0] = np.arange(WIDTH)[None] * 3 + more
    pixels[..., 1] = np.arange(HEIGHT)[:, None] * 4 + more
    pixels[..., 2] = 100 + step
    return pixels


def wide_pixels(step: int) -> np.ndarray:
    """Return (30, 40) uint16: a thousand times the step, and where the pixel stands."""
    return (1000 * (step + 1) + 100 * np.arange(30)[:, None] + np.arange(40)).astype(np.uint16)


def _boxes() -> dict[str, filmstrip.BoundingBoxes2D]:
    nan = float("nan")
    found = [CAT, DOG, (nan, 1, 2, 3), (9, 9, 3, 3), (100, 100, 120, 120)]
    return {
        "found": filmstrip.BoundingBoxes2D.from_arrays(
            found,
            class_id=[1, 2, 1, 1, 2],
            scores={"p": [0.9, 0.3, 0.5, 0.5, 0.5]},
            class_labels=NAMES,
        ),
        "truth": filmstrip.BoundingBoxes2D.from_arrays([CAT], class_id=[1], class_labels=NAMES),
    }


def _masks() -> dict[str, dict]:
    half, third = np.zeros((2, HEIGHT, WIDTH), np.uint32)
    half[:, : WIDTH // 2] = 70_000
    third[:, : WIDTH // 4] = 70_000
    labels = {0: "background", 70_000: "road"}
    return {
        "seg": {"mask_data": half, "class_labels": labels},
        "truth": {"mask_data": third, "class_labels": labels},
    }


def _tiff() -> bytes:
    """Return the file of a picture that no browser decodes."""
    file = io.BytesIO()
    PIL.Image.fromarray(plain_pixels(0)).save(file, "TIFF")
    return file.getvalue()


def write_store(folder: Path) -> Path:
    """Log two runs: ``one`` with overlays at every step, ``two`` with other pixels and sizes."""
    with filmstrip.init(dir=folder, id="one", name="run one", project="p") as run:
        for step in STEPS:
            overlaid = filmstrip.Image(
                plain_pixels(step),
                caption=f"{HOSTILE} {step}",
                meta={"camera": {"side": "front"}, "exposure": float("inf")},
                boxes=_boxes(),
                masks=_masks(),
            )
            bare = filmstrip.Image(255 - plain_pixels(step))
            wide = filmstrip.Image(wide_pixels(step), mode="I;16")
            run.log({"plain": [overlaid, bare], "wide": wide, "loss": 1 / (step + 1)}, step)
        squares = (np.indices((900, 1200)).sum(0) % 2 * 255).astype(np.uint8)
        run.log({"squares": filmstrip.Image(squares), "tiff": filmstrip.Image(_tiff())}, 0)
    with filmstrip.init(dir=folder, id="two", name="run two", project="p") as run:
        for step in STEPS:
            other = filmstrip.Image(plain_pixels(step, 10))
            small = filmstrip.Image(plain_pixels(step)[::2, ::2].copy())
            run.log({"plain": [other, small]}, step)
    return folder


def pixel(page, place: tuple[float, float], *, canvas: int = 0, image=(WIDTH, HEIGHT)) -> list[int]:
    """Return the colour that a fitted picture's canvas has in the middle of an image's pixel."""
    element = page.locator("main .stage canvas").nth(canvas)
    width, height = element.evaluate("canvas => [canvas.width, canvas.height]")
    scale = min(width / image[0], height / image[1])
    left, top = (width - image[0] * scale) / 2, (height - image[1] * scale) / 2
    at = [int(left + (place[0] + 0.5) * scale), int(top + (place[1] + 0.5) * scale)]
    return element.evaluate(READ_PIXEL, at)


def point_at(page, place: tuple[float, float], *, stage: int = 0, image=(WIDTH, HEIGHT)) -> None:
    """Move the pointer to the middle of a pixel of a fitted picture."""
    box = page.locator("main .stage canvas").nth(stage).bounding_box()
    scale = min(box["width"] / image[0], box["height"] / image[1])
    left = box["x"] + (box["width"] - image[0] * scale) / 2
    top = box["y"] + (box["height"] - image[1] * scale) / 2
    page.mouse.move(left + (place[0] + 0.5) * scale, top + (place[1] + 0.5) * scale)
