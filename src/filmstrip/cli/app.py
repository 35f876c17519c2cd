"""The command line's app: every command, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn, TextIO

import typer

from filmstrip.cli.demo import demo
from filmstrip.cli.du import du
from filmstrip.cli.export import export
from filmstrip.cli.ls import ls
from filmstrip.cli.prune import prune
from filmstrip.cli.repair import repair
from filmstrip.cli.rm import rm
from filmstrip.cli.show import show
from filmstrip.cli.verify import verify
from filmstrip.cli.view import view
from filmstrip.errors import FilmstripError, FilmstripWarning, one_line

__all__ = ["app", "main"]

# The first line tells Typer to keep the line breaks.
_EPILOG = """\b
Exit codes:
  0    all is well
  1    the command failed, or verify found something wrong
  2    wrong usage, or no such store, run, key or step
  130  stopped with Ctrl-C
"""

_show_python_warning = warnings.showwarning

app = typer.Typer(
    name="filmstrip",
    help="Look at logged pictures, export them, and check the store.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help reads better in 80 columns, and comes in half the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _command in (demo, view, ls, show, export, verify, repair, du, prune, rm):
    app.command()(_command)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; the console script.

    Parameters
    ----------
    args
        Without the program's name; ``sys.argv`` by default.

    Raises
    ------
    SystemExit
        Always; its code is that of the epilog.
    """
    warnings.showwarning = _show_warning
    # A terminal that cannot print a character gets its code instead of a crash.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        _run(args)
    except BrokenPipeError:
        _silence_stdout()
        sys.exit(1)
    except FilmstripError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error), 1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _run(args: Sequence[str] | None) -> None:
    try:
        app(args, prog_name="filmstrip")
    finally:
        sys.stdout.flush()  # here, where a closed pipe is still an error that can be caught


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        import filmstrip

        typer.echo(f"filmstrip {filmstrip.__version__}")
        raise typer.Exit


def _fail(message: str, exit_code: int) -> NoReturn:
    from filmstrip.cli.output import print_error

    print_error(one_line(message))
    sys.exit(exit_code)


def _silence_stdout() -> None:
    """Let Python's flush at exit write nowhere: the reader of the pipe is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show our own warnings without the source line that they come from."""
    if not issubclass(category, FilmstripWarning):
        _show_python_warning(message, category, filename, lineno, file, line)
        return
    from filmstrip.cli.output import print_hint

    print_hint(one_line(f"warning: {message}"))
