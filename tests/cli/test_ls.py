"""``filmstrip ls``."""

from __future__ import annotations

import json

import pytest

import filmstrip
from filmstrip.cli.text import size_text


def rows(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def run_size(store, run_id) -> str:
    return size_text(filmstrip.open(store).run(run_id).size_bytes)


class TestRuns:
    def test_every_run_is_a_row(self, cli, store):
        sizes = [run_size(store, run_id) for run_id in ("lr-0.01", "lr-0.1")]
        outcome = cli("ls", "--store", store)
        assert (outcome.code, outcome.err) == (0, "")
        head = "run      name                              project  state     created         "
        evil = r"lr-0.01  \x1b[31m[red]x[/red]\x1b]0;owne…  cats     failed    2023-11-14 22:13"
        cats = "lr-0.1   baseline                          cats     finished  2023-11-14 22:13"
        assert outcome.out == rows(
            f"{head}  images  keys  steps    size",
            f"{evil}       1     1      7  {sizes[0]:>6}",
            f"{cats}       4     2   0–10  {sizes[1]:>6}",
        )

    def test_json_holds_what_run_json_says_and_what_the_shards_hold(self, cli, store):
        outcome = cli("ls", "--store", store, "--json")
        (cats,) = [run for run in json.loads(outcome.out) if run["id"] == "lr-0.1"]
        assert cats == {
            "id": "lr-0.1",
            "name": "baseline",
            "project": "cats",
            "group": "",
            "tags": ["a", "b"],
            "notes": "",
            "state": "finished",
            "created": 1_700_000_000.0,
            "finished": 1_700_000_000.0,
            "host": "box",
            "config": {"lr": 0.1, "sizes": [1, 2]},
            "images": 4,
            "keys": 2,
            "first_step": 0,
            "last_step": 10,
            "size_bytes": filmstrip.open(store).run("lr-0.1").size_bytes,
            "damaged_places": 0,
        }

    def test_an_empty_store_says_so_on_stderr_alone(self, cli, store):
        cli("rm", "lr-0.1", "lr-0.01", "--yes", "--store", store)
        outcome = cli("ls", "--store", store)
        assert (outcome.code, outcome.out, outcome.err) == (0, "", f"no runs in {store}\n")
        assert cli("ls", "--store", store, "--json").out == "[]\n"

    def test_no_store_is_an_error(self, cli, tmp_path):
        outcome = cli("ls")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == (
            "error: expected a filmstrip store, got a path without one; log something first, "
            f"or point FILMSTRIP_DIR at the store: {tmp_path}/.filmstrip\n"
        )

    def test_the_environment_names_the_store(self, cli, store, monkeypatch):
        monkeypatch.setenv("FILMSTRIP_DIR", str(store))
        assert cli("ls").out == cli("ls", "--store", store).out

    def test_a_narrow_terminal_leaves_columns_out_and_says_which(self, cli, store, monkeypatch):
        monkeypatch.setenv("COLUMNS", "40")
        outcome = cli("ls", "--store", store)
        assert outcome.out == rows(
            "run      state     images    size",
            f"lr-0.01  failed         1  {run_size(store, 'lr-0.01'):>6}",
            f"lr-0.1   finished       4  {run_size(store, 'lr-0.1'):>6}",
        )
        assert outcome.err == "no room for name, project, created, keys, steps; --json has all\n"

    def test_a_damaged_run_is_listed_with_a_hint(self, cli, store):
        (shard,) = (store / "runs" / "lr-0.1").glob("*.tar")
        shard.write_bytes(shard.read_bytes()[:-2000])
        outcome = cli("ls", "--store", store)
        assert outcome.code == 0
        assert outcome.err == (
            "lr-0.1: 1 damaged place skipped; run `filmstrip verify` for where\n"
        )

    def test_a_run_without_a_readable_run_json_is_listed(self, cli, store):
        (store / "runs" / "lr-0.1" / "run.json").write_text("{")
        listed = json.loads(cli("ls", "--store", store, "--json").out)
        assert [run["images"] for run in listed if run["id"] == "lr-0.1"] == [4]


class TestKeys:
    def test_a_run_is_described_with_its_keys_and_values(self, cli, store):
        outcome = cli("ls", "lr-0.1", "--store", store)
        assert outcome.out == rows(
            "lr-0.1",
            "  name     baseline",
            "  project  cats",
            "  state    finished after 0 s",
            "  created  2023-11-14 22:13",
            "  host     box",
            f"  size     {run_size(store, 'lr-0.1')}",
            "  tags     a, b",
            "  config   lr = 0.1",
            "           sizes = [1, 2]",
            "",
            "key       images  steps  from–to   size",
            "val/cats       2      2     0–10  150 B",
            "pair           2      1        3  204 B",
            "",
            "value  last  at step  steps",
            "loss   0.25       10      1",
            "note   fine       10      1",
            "worst   nan       10      1",
        )

    def test_json_holds_run_keys_and_values(self, cli, store):
        details = json.loads(cli("ls", "lr-0.1", "--store", store, "--json").out)
        assert details["run"]["id"] == "lr-0.1"
        assert details["keys"][0] == {
            "key": "val/cats",
            "images": 2,
            "steps": 2,
            "first_step": 0,
            "last_step": 10,
            "size_bytes": 150,
        }
        assert details["values"][2] == {
            "key": "worst",
            "steps": 1,
            "last_step": 10,
            "last_value": {"$float": "NaN"},
        }

    def test_a_run_that_logged_nothing_says_so(self, cli, store):
        filmstrip.init(dir=store, id="idle").finish()
        outcome = cli("ls", "idle", "--store", store)
        assert outcome.err == "nothing was logged\n"

    def test_steps_of_a_newer_session_count_once(self, cli, store, make_bmp):
        with filmstrip.init(dir=store, id="lr-0.1", resume="allow") as run:
            run.log({"pair": filmstrip.Image(make_bmp(2, 2, "red"))}, step=3)
        details = json.loads(cli("ls", "lr-0.1", "--store", store, "--json").out)
        assert [key["images"] for key in details["keys"] if key["key"] == "pair"] == [1]


class TestImages:
    def test_every_image_is_a_row(self, cli, store):
        assert cli("ls", "lr-0.1", "val/cats", "--store", store).out == rows(
            "step  index  pixels  type   size  layers          caption",
            "   0      0     8×4  bmp   150 B  found: 2 boxes  at 0",
            "  10      0     8×4  bmp   150 B  found: 2 boxes  at 10",
        )

    def test_images_of_one_step_are_told_apart_by_index(self, cli, store):
        listed = json.loads(cli("ls", "lr-0.1", "pair", "--store", store, "--json").out)
        assert [(record["step"], record["index"]) for record in listed] == [(3, 0), (3, 1)]

    def test_json_holds_the_records(self, cli, store):
        (record, _) = json.loads(cli("ls", "lr-0.1", "val/cats", "--store", store, "--json").out)
        assert record["boxes"][0]["xyxy"] == [[0, 0, 4, 4], [2, 2, 8, 4]]
        assert record["members"][0]["size_bytes"] == 150

    def test_a_key_that_does_not_exist_is_an_error_that_names_those_that_do(self, cli, store):
        outcome = cli("ls", "lr-0.1", "cats", "--store", store)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == (
            "error: expected a key that has images, got 'cats'; the keys are 'val/cats', 'pair'\n"
        )


class TestTextOfUsers:
    @pytest.mark.parametrize("as_json", [[], ["--json"]])
    @pytest.mark.parametrize("arguments", [[], ["lr-0.01"], ["lr-0.01", "<key>"]])
    def test_nothing_that_a_terminal_acts_on_is_printed(self, cli, store, evil, arguments, as_json):
        arguments = [evil.raw if a == "<key>" else a for a in arguments]
        outcome = cli("ls", *arguments, "--store", store, *as_json)
        assert outcome.code == 0
        assert all(c.isprintable() or c == "\n" for c in outcome.out + outcome.err)

    def test_keys_and_captions_are_shown_as_they_are_spelled(self, cli, store, evil):
        assert evil.shown in cli("ls", "lr-0.01", "--store", store).out
        assert cli("ls", "lr-0.01", evil.raw, "--store", store).out.endswith(f"{evil.shown}\n")

    def test_json_gives_back_what_was_logged(self, cli, store, evil):
        details = json.loads(cli("ls", "lr-0.01", "--store", store, "--json").out)
        assert (details["run"]["name"], details["keys"][0]["key"]) == (evil.raw, evil.raw)
        assert details["values"][0]["last_value"] == evil.raw

    def test_errors_escape_too(self, cli, store, evil):
        outcome = cli("ls", "lr-0.01", "x", "--store", store)
        assert all(c.isprintable() or c == "\n" for c in outcome.err)
        assert "[red]x[/red]" in outcome.err
