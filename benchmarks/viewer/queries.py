"""The index's own benchmark, run beside this one, and its figures in short."""

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.viewer.findings import Queries

SMALL, LARGE = 100_000, 10_000_000


def measure_queries(work: Path, num_images: int, backends: str) -> dict[str, Queries]:
    """Run `benchmarks.viewer.index`, whose tables go to the terminal."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        figures = Path(folder) / "index.json"
        command = [sys.executable, "-m", "benchmarks.viewer.index", "--json", str(figures)]
        options = ["--images", str(num_images), "--backends", backends, "--folder", folder]
        subprocess.run([*command, *options], check=True)
        found = msgspec.json.decode(figures.read_bytes())
    return {name.strip(): summary(found[name.strip()]) for name in backends.split(",")}


def summary(found: dict[str, dict[str, list[float]]]) -> Queries:
    """Sum up what one database took, by size and question: median and p95 in ms."""
    small, large = found[min(found, key=int)], found[max(found, key=int)]
    slowest = max(large, key=lambda name: large[name][1])
    steepest = max(large, key=lambda name: large[name][0] / small[name][0])
    return Queries(
        slowest=slowest,
        slowest_p95_ms=large[slowest][1],
        steepest=steepest,
        steepest_ratio=large[steepest][0] / small[steepest][0],
        all_ms={name: (*small[name], *large[name]) for name in small},
    )
