"""The command line as a whole: help, exit codes, pipes, warnings, what it imports."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import warnings

import pytest

import filmstrip
from filmstrip.cli.export import ExportFormat
from filmstrip.export import FORMATS

COMMANDS = ["demo", "view", "ls", "show", "export", "verify", "repair", "du", "prune", "rm"]

LOADED = """
import sys
from filmstrip.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""

WARN = """
import warnings, filmstrip
from filmstrip.cli import main
filmstrip.open = lambda _: warnings.warn("theirs", UserWarning) or filmstrip.Store("nowhere")
filmstrip.Store.runs = lambda _: []
main(["ls", "--json"])
"""


def program(*args: object, **options) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "filmstrip.cli", *map(str, args)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False, **options
    )


class TestHelp:
    def test_it_lists_every_command_and_every_exit_code(self, cli):
        outcome = cli("--help")
        assert (outcome.code, outcome.err) == (0, "")
        listed = outcome.out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
        assert [line.split()[0] for line in listed] == COMMANDS
        assert outcome.out.rstrip().endswith(
            "Exit codes:\n"
            "    0    all is well\n"
            "    1    the command failed, or verify found something wrong\n"
            "    2    wrong usage, or no such store, run, key or step\n"
            "    130  stopped with Ctrl-C"
        )

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_help_and_takes_a_store(self, cli, command):
        outcome = cli(command, "--help")
        assert outcome.code == 0
        assert "--store DIR" in outcome.out

    @pytest.mark.parametrize("command", ["ls", "verify"])
    def test_what_prints_a_table_prints_json_too(self, cli, command):
        assert "--json" in cli(command, "--help").out

    @pytest.mark.parametrize("args", [["--help"], ["show", "--help"], ["--version"]])
    def test_help_loads_nothing_heavy(self, args):
        done = subprocess.run(
            [sys.executable, "-c", LOADED, *args], capture_output=True, text=True, check=True
        )
        assert not {"numpy", "PIL", "torch", "msgspec", "isal", "rich"} & set(done.stderr.split())

    def test_the_version_is_the_package_s(self, cli):
        assert cli("--version").out == f"filmstrip {filmstrip.__version__}\n"


class TestExitCodes:
    @pytest.mark.parametrize(
        "args", [["nope"], ["ls", "--nope"], ["show", "run"], ["ls", "a", "b", "c"], ["--steps"]]
    )
    def test_wrong_usage_is_2(self, cli, args):
        outcome = cli(*args)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("Usage: filmstrip")

    def test_an_option_outside_its_choices_is_2(self, cli, store, tmp_path):
        outcome = cli("export", "lr-0.1", "--store", store, "-o", tmp_path / "o", "--steps", "x")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == (
            "error: expected steps such as 5, 1,2,7, 0:100:10 or last, got 'x'; "
            "write numbers, 'first', 'last' or start:stop:stride, joined with commas\n"
        )

    def test_a_file_that_cannot_be_read_is_1_and_named(self, cli, store, monkeypatch):
        def refuse(*_args):
            raise PermissionError(13, "Permission denied", "/secret")

        monkeypatch.setattr(filmstrip, "open", refuse)
        assert cli("ls").err == "error: Permission denied: /secret\n"
        assert cli("ls").code == 1

    def test_ctrl_c_is_130_and_quiet(self, cli, monkeypatch):
        def interrupt(*_args):
            raise KeyboardInterrupt

        monkeypatch.setattr(filmstrip, "open", interrupt)
        outcome = cli("ls")
        assert (outcome.code, outcome.out, outcome.err) == (130, "", "")

    def test_a_bug_keeps_its_traceback(self, monkeypatch):
        def fail(*_args):
            raise ZeroDivisionError

        monkeypatch.setattr(filmstrip, "open", fail)
        with pytest.raises(ZeroDivisionError):
            filmstrip_main("ls")


def filmstrip_main(*args: str) -> None:
    from filmstrip.cli import main

    main(list(args))


class TestPipes:
    def test_a_reader_that_leaves_early_is_no_error(self, store):
        with program("ls", "--store", store, "--json") as process:
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 1

    def test_json_is_all_that_stdout_gets(self, store):
        with program("ls", "--store", store, "--json") as process:
            out, err = process.communicate()
        assert len(json.loads(out)) == 2
        assert err == b""

    def test_a_terminal_that_knows_only_ascii_gets_codes(self, store):
        environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
        with program("ls", "lr-0.1", "--store", store, env=environ) as process:
            out, _ = process.communicate()
        assert process.returncode == 0
        assert rb"0\u201310" in out


class TestTerminals:
    def test_the_best_protocol_of_the_terminal_is_used(self, store):
        ours, theirs = pty.openpty()
        environ = {k: v for k, v in os.environ.items() if k not in ("TMUX", "STY", "NO_COLOR")}
        environ |= {"TERM": "xterm-kitty", "TERM_PROGRAM": "", "COLUMNS": "30", "LINES": "20"}
        command = ["show", "lr-0.1", "pair", "--store", str(store)]
        with subprocess.Popen(
            [sys.executable, "-m", "filmstrip.cli", *command], stdout=theirs, env=environ
        ) as process:
            os.close(theirs)
            seen = os.read(ours, 4096)
        os.close(ours)
        assert process.returncode == 0
        assert seen.startswith(b"\x1b_Ga=T,f=100,q=2,c=24,")


class TestWarnings:
    def test_ours_are_one_line_on_stderr(self, cli, monkeypatch):
        monkeypatch.setattr(filmstrip, "open", lambda _: warn(filmstrip.FilmstripWarning))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            assert cli("ls").err.splitlines()[0] == r"warning: a\nb"

    def test_others_are_shown_as_python_does(self):
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", WARN], capture_output=True, text=True
        )
        assert done.stderr == "<string>:4: UserWarning: theirs\n"


def warn(category: type[Warning]) -> None:
    warnings.warn("a\nb", category, stacklevel=1)
    raise filmstrip.FilmstripError("stop")


def test_every_format_of_export_can_be_chosen():
    assert [each.value for each in ExportFormat] == list(FORMATS)
