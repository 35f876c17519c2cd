"""The same forty photos in filmstrip, Aim and trackio: from opening the page to all painted.

Each viewer's own command serves a store that its own logger wrote, is warm, and is asked by a
browser with an empty cache. Nothing but this machine answers: what a page wants of the network is
refused at once, so that no viewer waits for it. filmstrip paints canvases; in trackio all forty
``<img>`` must be decoded, in sight or not. Aim puts the images of a step into one row and draws
what is in sight of it: at this width 15, and its time is that of those.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from playwright.sync_api import Browser, Error, Page

from benchmarks import venvs
from benchmarks.peers import environment, peer_named
from benchmarks.viewer.browser import GRID_CELL, fresh_page, open_until, serving
from benchmarks.viewer.findings import GridTime, Spread
from benchmarks.viewer.stores import PER_STEP, PHOTO_SIDE

_START_SECS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Another logger's own viewer: the command that serves a folder, and the page to open.

    Attributes
    ----------
    num_drawn : int
        How many of the forty photos its page draws.
    """

    name: str
    command: Callable[[Path, int], list[str]]
    page: str
    num_drawn: int = PER_STEP


def _part_of_aims_address(value: object) -> str:
    """Return a value as Aim writes it into its addresses."""
    return "O-" + base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_AIMS_ADDRESS: Final = {
    "select": {
        "options": [],
        "query": "",
        "advancedMode": True,
        "advancedQuery": 'images.name == "photos"',
    },
    "images": {
        "recordSlice": [0, 0],
        "indexSlice": [0, PER_STEP - 1],
        "indexDensity": str(PER_STEP),
        "recordDensity": "50",
    },
}
"""Its image explorer on all photos: by default it leaves out all but five of a step."""

VIEWERS: Final = (
    Viewer(
        name="aim",
        command=lambda folder, port: [
            "aim", "up", "--yes", "--host", "127.0.0.1", "--port", str(port), "--repo", str(folder)
        ],
        page="images?"
        + "&".join(f"{name}={_part_of_aims_address(part)}" for name, part in _AIMS_ADDRESS.items()),
        num_drawn=15,
    ),
    Viewer(
        name="trackio",
        command=lambda _, __: ["trackio", "show", "--project", "bench", "--host", "127.0.0.1"],
        page="media?project=bench",
    ),
)  # fmt: skip


def measure_grids(
    browser: Browser, work: Path, photos: Path, repeats: int, announce: Callable[[str], None]
) -> dict[str, GridTime]:
    """Measure filmstrip and every other viewer."""
    folder = work / "viewer" / "side-by-side"
    shutil.rmtree(folder, ignore_errors=True)
    found = {"filmstrip": _ours(browser, folder / "filmstrip", photos, repeats)}
    for viewer in VIEWERS:
        peer = peer_named(viewer.name)
        try:
            venvs.make(peer, announce)
            found[viewer.name] = _theirs(browser, viewer, folder, photos, repeats)
        except (venvs.InstallError, ViewerError, Error) as error:
            found[viewer.name] = GridTime(failure=str(error).strip().splitlines()[0])
    return found


class ViewerError(RuntimeError):
    """Another viewer did not come up; the message is one line."""


def _ours(browser: Browser, folder: Path, photos: Path, repeats: int) -> GridTime:
    _log("filmstrip", Path(sys.executable), folder, photos, dict(os.environ))
    with serving(folder) as server:
        address = f"{server.url}?cell={GRID_CELL}"
        times = [_open_ms(browser, address, f"isFull({PER_STEP})") for _ in range(repeats + 1)]
    return GridTime(painted_ms=Spread.of(times[1:]))


def _theirs(browser: Browser, viewer: Viewer, above: Path, photos: Path, repeats: int) -> GridTime:
    folder = above / viewer.name
    python = venvs.python_of(peer_named(viewer.name))
    settings = environment(above / "home", folder)
    _log(viewer.name, python, folder, photos, settings)
    port = _free_port()
    settings |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    settings["NO_PROXY"] = "127.0.0.1"
    command = viewer.command(folder, port)
    command[0] = str(python.with_name(command[0]))
    with _running(command, settings, f"http://127.0.0.1:{port}/"):
        address = f"http://127.0.0.1:{port}/{viewer.page}"
        test = f"areImagesDecoded({PHOTO_SIDE}, {viewer.num_drawn})"
        times = [_open_ms(browser, address, test) for _ in range(repeats + 1)]
    return GridTime(painted_ms=Spread.of(times[1:]))  # the first one warmed the server up


def _log(name: str, python: Path, folder: Path, photos: Path, settings: dict[str, str]) -> None:
    """Log the photos with the peer's own logger."""
    folder.mkdir(parents=True)
    command = [str(python), "-m", "benchmarks.viewer.log_grid", name]
    done = subprocess.run(
        [*command, str(photos), str(folder), str(PER_STEP)],
        env=settings | {"PYTHONPATH": os.pathsep.join(filter(None, _paths(settings)))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ViewerError(f"cannot log: {done.stderr.strip().splitlines()[-1]}")


def _paths(settings: dict[str, str]) -> list[str]:
    return [str(venvs.REPOSITORY), settings.get("PYTHONPATH", "")]


def _open_ms(browser: Browser, address: str, test: str) -> float:
    with fresh_page(browser) as page:
        _stay_here(page)
        start_ms = time.time() * 1000
        return open_until(page, address, test) - start_ms


def _stay_here(page: Page) -> None:
    """Refuse at once whatever is not on this machine."""
    page.route(
        lambda url: not url.startswith(("http://127.0.0.1:", "data:", "blob:")),
        lambda route: route.abort(),
    )


@contextmanager
def _running(command: list[str], settings: dict[str, str], url: str) -> Iterator[None]:
    """Run a server until the block ends, from when it answers on."""
    process = subprocess.Popen(
        command,
        env=settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for_answer(process, url)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_answer(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + _START_SECS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise ViewerError(f"did not answer at {url} within {_START_SECS:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
