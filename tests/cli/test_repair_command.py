"""``filmstrip repair``, and what ``ls`` says before it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.faults.dead import killed_run

import filmstrip


@pytest.fixture
def killed_store(tmp_path):
    """A store whose only run was killed after two steps, before anything was encoded."""
    killed_run(tmp_path / "store", [{"x": filmstrip.Image(np.eye(8)), "loss": 1}, {"loss": 2}])
    return tmp_path / "store"


def test_a_whole_store_has_nothing_to_repair(cli, store):
    outcome = cli("repair", store)
    assert (outcome.code, outcome.out, outcome.err) == (0, "nothing to repair\n", "")


def test_ls_says_what_repair_is_for_and_then_no_more(cli, killed_store):
    hint = "r: a process was killed before all was encoded; run `filmstrip repair`\n"
    assert cli("ls", "--store", killed_store).err == hint
    assert hint in cli("ls", "r", "--store", killed_store).err
    assert cli("repair", killed_store).code == 0
    assert cli("ls", "--store", killed_store).err == ""


def test_repair_stores_everything_and_says_how_much(cli, killed_store):
    (spool,) = (killed_store / "runs" / "r").glob("*.spool")
    outcome = cli("repair", killed_store)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == "1 image of 1 writer stored"
    assert outcome.out.split()[6:11] == ["r", spool.stem, "1", "2", "0"]
    run = filmstrip.open(killed_store).run("r")
    assert [image.step for image in run.images("x")] == [0]
    assert [logged.values["loss"] for logged in run.values()] == [1, 2]
    assert cli("repair", killed_store).out == "nothing to repair\n"


def test_repair_prints_json(cli, killed_store):
    outcome = cli("repair", "--json", killed_store)
    (one,) = json.loads(outcome.out)
    counts = {"num_images": 1, "num_values": 2, "num_lost": 0, "is_done": True, "problem": ""}
    assert {name: one[name] for name in counts} == counts


def test_what_is_lost_is_said_and_the_exit_code_is_1(cli, killed_store):
    (spool,) = (killed_store / "runs" / "r").glob("*.spool")
    data = bytearray(spool.read_bytes())
    data[4096 : 4096 + 64] = bytes(64)
    spool.write_bytes(data)
    outcome = cli("repair", killed_store)
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "0 images of 1 writer stored, 2 records lost"
    assert "entries of the spool are damaged" in outcome.out
