"""``filmstrip rm``."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest
import typer

import filmstrip
from filmstrip.cli.text import size_text


def ids(store) -> list[str]:
    return sorted(run.id for run in filmstrip.open(store).runs())


def answer(store, reply: bytes, *runs: str) -> tuple[int, str]:
    """Run ``rm`` on a terminal, type a reply, and return its exit code and what was to be seen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "filmstrip.cli", "rm", *runs, "--store", str(store)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = b""
        while b"[y/N]: " not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, reply)
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # Linux says EIO when the other side is gone
            pass
    os.close(ours)
    return process.returncode, seen.decode().replace("\r\n", "\n")


def test_runs_are_deleted_and_their_size_is_told(cli, store):
    sizes = {run.id: run.size_bytes for run in filmstrip.open(store).runs()}
    outcome = cli("rm", "lr-0.01", "baseline", "--yes", "--store", store)
    assert outcome.out == (
        f"deleted lr-0.01: {size_text(sizes['lr-0.01'])} freed\n"
        f"deleted lr-0.1: {size_text(sizes['lr-0.1'])} freed\n"
        f"2 runs, {size_text(sum(sizes.values()))} freed\n"
    )
    assert ids(store) == []


def test_one_of_several_that_does_not_exist_leaves_all_of_them(cli, store):
    outcome = cli("rm", "lr-0.1", "nope", "--yes", "--store", store)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: expected the id of a run in the store, got 'nope'; "
        "the runs are 'lr-0.01', 'lr-0.1'\n"
    )
    assert ids(store) == ["lr-0.01", "lr-0.1"]


def test_an_ambiguous_beginning_deletes_nothing(cli, store):
    outcome = cli("rm", "lr-0", "--yes", "--store", store)
    assert outcome.code == 2
    assert ids(store) == ["lr-0.01", "lr-0.1"]


def test_a_run_named_twice_is_deleted_once(cli, store):
    outcome = cli("rm", "lr-0.1", "baseline", "--yes", "--store", store)
    assert outcome.code == 0
    assert outcome.out.count("deleted") == 1


def test_without_a_terminal_yes_has_to_be_said(cli, store):
    outcome = cli("rm", "lr-0.1", "--store", store)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: expected a terminal to ask before deleting 1 run, got none; "
        "pass --yes to delete without asking\n"
    )
    assert ids(store) == ["lr-0.01", "lr-0.1"]


@pytest.mark.parametrize(
    ("reply", "code", "left"),
    [
        (b"y\n", 0, ["lr-0.01"]),
        (b"n\n", 0, ["lr-0.01", "lr-0.1"]),
        (b"\n", 0, ["lr-0.01", "lr-0.1"]),
    ],
    ids=["yes", "no", "enter"],
)
def test_on_a_terminal_it_asks(store, reply, code, left):
    size = size_text(filmstrip.open(store).run("lr-0.1").size_bytes)
    returned, seen = answer(store, reply, "lr-0.1")
    assert seen.startswith(f"lr-0.1 (baseline), {size}\nDelete it? [y/N]: ")
    assert (returned, ids(store)) == (code, left)


def test_ctrl_c_at_the_question_deletes_nothing(cli, store, monkeypatch):
    def interrupt(*_args, **_options):
        raise typer.Abort  # what Typer makes of Ctrl-C while it waits for an answer

    monkeypatch.setattr(typer, "confirm", interrupt)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    outcome = cli("rm", "lr-0.1", "lr-0.01", "--store", store)
    assert (outcome.code, outcome.out) == (130, "")
    assert ids(store) == ["lr-0.01", "lr-0.1"]


def test_a_run_that_may_be_running_is_asked_about_with_a_warning(store):
    run = filmstrip.init(dir=store, id="live")
    _, seen = answer(store, b"n\n", "live")
    assert "running: it may still be written to" in seen
    run.finish()


def test_the_question_never_shows_a_name_raw(store, evil):
    _, seen = answer(store, b"n\n", "lr-0.01")
    assert f"lr-0.01 ({evil.shown}), " in seen
    assert "\x1b" not in seen
