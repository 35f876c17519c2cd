"""``filmstrip view``: look at a store in the browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from filmstrip.cli.options import StoreOption

__all__ = ["view"]


def view(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE", help="Folder of the store; the same as --store.", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser.")
    ] = True,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="HOST",
            help="Where to listen; other than this machine only with a token, which is printed.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="N", min=0, max=65535, show_default=False,
            help="A free one by default.",
        ),
    ] = None,
    token: Annotated[
        bool,
        typer.Option(
            "--token", help="Ask for a token on this machine too: others may have accounts on it."
        ),
    ] = False,
) -> None:  # fmt: skip
    """Look at a store in the browser.

    Serves until Ctrl-C, which is how it ends: exit code 0. New images show as they are logged.
    """
    import warnings

    import filmstrip
    from filmstrip.cli.output import print_hint, print_line
    from filmstrip.cli.text import safe_text
    from filmstrip.index import Index
    from filmstrip.server.serve import ViewServer, access_for, bind, url_for
    from filmstrip.server.service import Service

    # Pillow's word about large pictures; what is too large for the server it says itself.
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
    opened = filmstrip.open(path or store)
    access = access_for(host, is_guarded=token)
    listening = bind(host, port, opened.path)
    url = url_for(listening, access)

    def on_ready() -> None:
        print_line(f"{safe_text(str(opened.path))} is at {url}")
        print_hint("Ctrl-C ends it")
        if browser and _has_browser():
            _open_browser(url)

    server = ViewServer(
        Service.over(opened.path, Index.open(opened.path)), access, on_ready=on_ready
    )
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # uvicorn has ended cleanly, and raises it again
    finally:
        listening.close()


def _has_browser() -> bool:
    """Return whether a browser has a screen; without, some systems start one in the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _open_browser(url: str) -> None:
    """Open the browser on a thread: some systems take a second to find it."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
