"""How large the viewer is: every file that its page can load, gzipped."""

import gzip
from pathlib import Path

import filmstrip
from benchmarks.viewer.findings import Bundle

_ENDINGS = (".html", ".css", ".js", ".png", ".svg", ".woff2", ".wasm")


def measure_bundle() -> Bundle:
    """Pack each file of the built viewer as gzip -9 does; workers that start later count too."""
    folder = Path(filmstrip.__file__).parent / "server" / "static"
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in _ENDINGS]
    return Bundle(
        gzip_bytes={
            path.relative_to(folder).as_posix(): len(gzip.compress(path.read_bytes(), 9))
            for path in files
        }
    )
