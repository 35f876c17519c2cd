"""``filmstrip verify``: what it prints; what it finds is tested in ``tests/test_verify.py``."""

from __future__ import annotations

import hashlib
import json

import pytest

from filmstrip.cli.text import size_text
from filmstrip.shard.names import slug_from_text

SLUG = slug_from_text("val/cats")


@pytest.fixture
def shard(store):
    (path,) = (store / "runs" / "lr-0.1").glob("*.tar")
    return path


@pytest.fixture
def flipped_shard(shard):
    data = bytearray(shard.read_bytes())
    data[512 + 149] ^= 1
    shard.write_bytes(data)
    return shard


def test_a_whole_store_is_well(cli, store):
    size = size_text(sum(path.stat().st_size for path in store.rglob("*.tar")))
    for outcome in (cli("verify", store), cli("verify", "--store", store)):
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out == (f"all is well: 2 runs, 7 samples, {size}, every checksum agrees\n")


def test_a_problem_is_named_with_run_file_byte_sample_and_member(cli, store, flipped_shard):
    data = flipped_shard.read_bytes()[512 : 512 + 150]
    found, written = hashlib.sha256(data).hexdigest(), sha256_of_written(data)
    outcome = cli("verify", store)
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out.splitlines()[:-1] == [
        f"runs/lr-0.1/{flipped_shard.name} at byte 512",
        f"  sample {SLUG}/0-0, key 'val/cats', step 0, member bmp",
        f"  the sha256 of its 150 bytes is {found[:12]}…, the record says {written[:12]}…",
        f"runs/lr-0.1/{flipped_shard.name} at byte 2560",
        f"  sample {SLUG}/10-0, key 'val/cats', step 10, member bmp",
        (
            "  the bytes that it links to are damaged or gone: "
            f"{SLUG}/0-0.bmp in {flipped_shard.name}"
        ),
    ]
    assert outcome.out.splitlines()[-1].startswith("2 problems in 2 runs, 7 samples, ")


def sha256_of_written(data: bytes) -> str:
    whole = bytearray(data)
    whole[149] ^= 1
    return hashlib.sha256(whole).hexdigest()


def test_json_names_them_too_and_exits_alike(cli, store, flipped_shard):
    outcome = cli("verify", store, "--json")
    report = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (1, "")
    assert (report["runs"], report["samples"]) == (2, 7)
    problem = report["problems"][0]
    assert {k: v for k, v in problem.items() if k != "detail"} == {
        "kind": "member",
        "run_id": "lr-0.1",
        "file": flipped_shard.name,
        "offset": 512,
        "sample": f"{SLUG}/0-0",
        "key": "val/cats",
        "step": 0,
        "member": "bmp",
    }


def test_keys_are_printed_as_they_are_spelled_and_never_raw(cli, store, evil):
    (shard,) = (store / "runs" / "lr-0.01").glob("*.tar")
    data = bytearray(shard.read_bytes())
    data[data.index(b"BM") + 20] ^= 1
    shard.write_bytes(data)
    outcome = cli("verify", store)
    assert outcome.code == 1
    assert f"key '{evil.shown}', step 7" in outcome.out
    assert all(c.isprintable() or c == "\n" for c in outcome.out)


def test_no_store_is_2(cli, tmp_path):
    assert cli("verify", tmp_path / "nothing").code == 2
