"""``filmstrip demo``: its commands work as they are printed; the demo itself is tested apart."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

import filmstrip
import filmstrip.demo
from filmstrip.demo import DemoResult


@pytest.fixture
def quick_demo(monkeypatch, make_bmp):
    """Let the demo log one picture instead of photographs."""

    def run_demo(store_dir, *, steps, progress):
        with filmstrip.init(dir=store_dir, id="faces-1", name="faces") as run:
            progress("faces", 0, steps)
            for step in range(steps):
                run.log({"some faces": filmstrip.Image(make_bmp(2, 2, "red"))}, step=step)
                progress("faces", step + 1, steps)
        return DemoResult(("faces-1",), steps, 12.3, run.dir.parent.parent)

    monkeypatch.setattr(filmstrip.demo, "run_demo", run_demo)


def test_it_ends_with_commands_that_show_what_was_logged(cli, quick_demo, tmp_path):
    outcome = cli("demo", "--steps", 3, "--store", "a store")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        f"logged 3 images in 1 run to {tmp_path}/a store in 12 s",
        "look at them with",
        "  filmstrip view 'a store'",
        "  filmstrip ls --store 'a store'",
        "  filmstrip ls faces-1 --store 'a store'",
        "  filmstrip show faces-1 'some faces' --store 'a store'",
    ]
    commands = re.findall(r"^  filmstrip (.*)$", outcome.out, re.MULTILINE)
    assert [cli(*shlex.split(command)).code for command in commands[1:]] == [0, 0, 0]


def test_the_default_store_is_not_spelled_out(cli, quick_demo):
    assert "  filmstrip show faces-1 'some faces'\n" in cli("demo", "--steps", 1).out


def test_where_there_is_no_terminal_each_run_is_a_line(cli, quick_demo):
    assert cli("demo", "--steps", 2).err == "logging faces\n"


def test_a_program_that_the_shell_does_not_find_is_printed_with_its_path(
    cli, quick_demo, monkeypatch
):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", [".venv/bin/filmstrip"])
    assert "  .venv/bin/filmstrip ls\n" in cli("demo", "--steps", 1).out


def test_a_program_that_the_shell_finds_is_printed_by_name(cli, quick_demo, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: str(Path("/usr/bin/filmstrip")))
    monkeypatch.setattr(sys, "argv", ["/usr/bin/filmstrip"])
    assert "  filmstrip ls\n" in cli("demo", "--steps", 1).out
