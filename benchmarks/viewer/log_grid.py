"""Logs the forty photos of the side-by-side grid with one logger, in that logger's environment.

``python -m benchmarks.viewer.log_grid PEER PHOTOS FOLDER COUNT`` is what `side_by_side` starts.
"""

import importlib
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    """Log the first photos as the images of one step."""
    peer, photos, folder, count = sys.argv[1:]
    adapter = importlib.import_module(f"benchmarks.adapters.{peer}").Adapter()
    adapter.open(Path(folder), "png")
    adapter.log_step(0, [np.array(each) for each in np.load(photos, mmap_mode="r")[: int(count)]])
    adapter.close()


if __name__ == "__main__":
    main()
