"""A training script for `live`: logs a photo for each step that it is told, and says when.

``python -m benchmarks.viewer.live_logger STORE RUN PHOTOS``.
"""

import sys
import time

import numpy as np

import filmstrip


def main() -> None:
    """Log until there are no more steps; the time is taken just before the call."""
    store, run_id, path = sys.argv[1:]
    photos = np.load(path, mmap_mode="r")
    with filmstrip.init(dir=store, id=run_id) as run:
        for line in sys.stdin:
            step = int(line)
            photo = np.array(photos[step % len(photos)])
            photo[0, 0, 0] ^= 1 + step % 255
            logged_secs = time.time()
            run.log({"photos": filmstrip.Image(photo)}, step=step)
            print(logged_secs * 1000, flush=True)


if __name__ == "__main__":
    main()
