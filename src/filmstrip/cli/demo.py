"""``filmstrip demo``: log real photographs."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmstrip.cli.options import StoreOption

if TYPE_CHECKING:
    from filmstrip.demo import DemoResult

__all__ = ["demo"]


def demo(
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, help="Steps that each run logs.")
    ] = 30,
    store: StoreOption = None,
) -> None:
    """Log six short runs on real photographs.

    They come with boxes, masks, captions and numbers. The photographs are scikit-image's:
    pip install "filmstrip[demo]"
    """
    from filmstrip.cli.output import print_hint, print_line
    from filmstrip.cli.progress import progress
    from filmstrip.cli.text import count_text
    from filmstrip.demo import run_demo

    with progress("demo", quiet_secs=0) as bar:

        def on_step(name: str, done: int, total: int) -> None:
            if done == 0:
                bar.describe(name)
                if not sys.stderr.isatty():
                    print_hint(f"logging {name}")
            bar(done, total)

        result = run_demo(store, steps=steps, progress=on_step)
    print_line(
        f"logged {count_text(result.image_count, 'image')} in "
        f"{count_text(len(result.run_ids), 'run')} to {result.store_path} "
        f"in {result.elapsed_secs:.0f} s"
    )
    print_line("look at them with")
    for command in _next_commands(result, "" if store is None else str(store)):
        print_line(f"  {command}", "bold")


def _next_commands(result: DemoResult, store: str) -> list[str]:
    """Return the commands that look at what was logged."""
    import filmstrip

    run_id = result.run_ids[-1]
    key = filmstrip.open(result.store_path).run(run_id).keys()[0]
    option = ["--store", store] if store else []
    view = shlex.join([_program(), "view", *option[1:]])
    return [view] + [
        shlex.join([_program(), *arguments, *option])
        for arguments in (["ls"], ["ls", run_id], ["show", run_id, key])
    ]


def _program() -> str:
    """Return what to type for this program: its path when the shell would not find it."""
    typed = Path(sys.argv[0])
    found = shutil.which("filmstrip")
    is_found = found is not None and Path(found).absolute() == typed.absolute()
    return "filmstrip" if is_found or typed.name != "filmstrip" else str(typed)
