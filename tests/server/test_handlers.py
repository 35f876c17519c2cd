"""The JSON routes over a real socket, against what was logged."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import filmstrip
from filmstrip.folder import write_writer_info
from filmstrip.record import WriterInfo
from filmstrip.server.errors import MissingError
from filmstrip.server.pixels import OriginalValues


def ok(served, path, **query):
    answer = served.client.get(path, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), (
        answer.text
    )
    return answer.json()


def refused(served, path, **query):
    answer = served.client.get(path, params=query)
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]
    return answer.status_code, answer.json()["error"]


def test_the_store_is_summed_up(served):
    found = ok(served, "/api/store")
    assert found.pop("size_bytes") > 1000
    assert found == {
        "path": str(served.service.store_dir),
        "version": filmstrip.__version__,
        "num_runs": 2,
        "num_images": 13,
        "problems": [],
        "indexing": None,
    }


def test_runs_come_oldest_first_with_their_keys_and_numbers(served):
    first, second = ok(served, "/api/runs")
    assert (first["id"], first["name"], first["project"]) == ("a", "first", "digits")
    assert (first["state"], first["is_live"], first["num_images"]) == ("finished", False, 3)
    assert [key["key"] for key in first["keys"]] == ["gray", "wide", "val/ü <b>"]
    assert first["series"] == ["loss", "nan"]
    assert second["keys"] == [
        {"key": "gray", "num_images": 10, "num_stored": 10, "num_steps": 5,
         "first_step": 0, "last_step": 4, "max_per_step": 2}
    ]  # fmt: skip


def test_a_run_says_how_much_of_it_was_lost_or_dropped(served):
    run_dir = served.service.store_dir / "runs" / "b"
    lossy = WriterInfo(name="r7-s0-abcdef", rank=7, num_lost=2, num_dropped=3)
    write_writer_info(run_dir, lossy)
    try:
        served.service.watcher.look()
        assert [run["num_missing"] for run in ok(served, "/api/runs")] == [0, 5]
    finally:
        (run_dir / "r7-s0-abcdef.json").unlink()


def test_steps_of_a_key(served):
    found = ok(served, "/api/steps", run="b", key="gray")
    assert (found["steps"], found["counts"]) == ([0, 1, 2, 3, 4], [2] * 5)
    assert found["times"] == sorted(found["times"])


def test_a_key_without_images_has_no_steps(served):
    assert ok(served, "/api/steps", run="b", key="none")["steps"] == []


def test_numbers_keep_what_json_lacks(served):
    (loss, nan) = ok(served, "/api/series", run="a", name=["loss", "nan", "none"])
    assert (loss["name"], loss["steps"], loss["values"]) == ("loss", [0, 1], [0.5, 0.25])
    assert (nan["steps"], nan["values"]) == ([1], ["NaN"])


@pytest.mark.parametrize(("at", "step"), [(0, 0), (2.5, 2), (99, 4), (None, 4)])
def test_the_latest_at_or_before_a_step(served, at, step):
    query = {} if at is None else {"at": at}
    found = ok(served, "/api/latest", run=["a", "b"], key="gray", **query)
    assert [(i["run_id"], i["step"], i["index"]) for i in found] == [
        ("a", 0, 0), ("b", step, 0), ("b", step, 1)
    ]  # fmt: skip


def test_before_the_first_step_there_is_nothing(served):
    assert ok(served, "/api/latest", run="b", key="gray", at=-1) == []


def test_a_search_is_paged(served):
    first = ok(served, "/api/images", q="key:gray run:b sort:step", limit=4)
    assert (first["total"], first["is_total_exact"]) == (10, True)
    second = ok(
        served, "/api/images", q="key:gray run:b sort:step", limit=9, cursor=first["cursor"]
    )
    steps = [item["step"] for item in first["items"] + second["items"]]
    assert steps == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert second["cursor"] is None


def test_an_image_is_found_by_its_id(served):
    item = ok(served, "/api/images", q="car")["items"][0]
    assert ok(served, f"/api/images/{item['id']}") == item
    logged = served.store.run("a").images("gray")[0]
    assert (item["digest"], item["record"]["caption"]) == (logged.digest, "a red car")


def test_overlays_are_sent_as_they_are_stored(served):
    item = ok(served, "/api/latest", run="a", key="val/ü <b>")[0]
    assert item["record"]["boxes"][0]["xyxy"] == [[0.0, 0.0, 1.0, "NaN"]]
    assert list(item["mask_digests"]) == ["truth"]


def test_values_of_a_step(served):
    def at(step):
        return ok(served, "/api/values", run="a", step=step)["values"]

    assert at(0) == {"loss": 0.5, "note": "hi"}
    assert at(1)["nan"] == {"$float": "NaN"}
    assert at(7) == {}


def test_a_query_is_completed(served):
    assert {
        name: ok(served, "/api/complete", q="ru")[0][name] for name in ("text", "start", "end")
    } == {"text": "run:", "start": 0, "end": 2}


def test_pixels_are_the_original_values(served):
    digest = served.digest("a", "wide")
    found = ok(served, f"/api/pixels/{digest}", x=6, y=1, width=9, height=1)
    assert found == {
        "x": 6, "y": 1, "width": 2, "height": 1, "dtype": "uint16", "channels": 1,
        "values": [14_000, 15_000],
    }  # fmt: skip


def test_ids_of_a_mask_are_whole(served):
    item = ok(served, "/api/latest", run="a", key="val/ü <b>")[0]
    digest = item["mask_digests"]["truth"]
    found = ok(served, f"/api/pixels/{digest}", x=0, y=1, width=2, kind="mask")
    assert (found["dtype"], found["values"]) == ("uint32", [70_000, 2**32 - 1])


def test_two_pictures_are_compared_by_their_values(served):
    a, b = served.digest("b", "gray", 0, 0), served.digest("b", "gray", 3, 0)
    found = ok(served, "/api/difference", a=a, b=b)
    assert found == {
        "width": 8, "height": 6, "channels": 1, "dtype": "uint8", "mean_absolute": 3.0,
        "max_absolute": 3.0, "root_mean_square": 3.0, "num_pixels_different": 48,
    }  # fmt: skip


def test_pictures_of_different_kinds_are_not_compared(served):
    a, b = served.digest("a", "wide"), served.digest("a", "gray")
    assert refused(served, "/api/difference", a=a, b=b) == (
        400,
        "expected two pictures of the same kind, got 8 × 6 × 1 uint16 and 8 × 6 × 1 uint8",
    )


def test_a_part_outside_of_the_picture_is_refused(served):
    digest = served.digest("a", "gray")
    assert refused(served, f"/api/pixels/{digest}", x=8, y=0) == (
        400, "expected x below 8 and y below 6, got x=8 and y=0"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        (
            "/api/images/0123456789abcdef",
            {},
            404,
            "there is no image with the id '0123456789abcdef'",
        ),
        ("/api/nothing", {}, 404, "there is nothing at this address"),
        (
            "/api/pixels/" + "0" * 64,
            {"x": 0, "y": 0},
            404,
            f"nothing in this store has the digest {'0' * 64}",
        ),
        ("/api/steps", {"run": "a"}, 400, "Object missing required field `key`"),
        ("/api/store", {"x": "1"}, 400, "Object contains unknown field `x`"),
    ],
)
def test_what_cannot_be_answered_says_why(served, path, query, status, message):
    assert refused(served, path, **query) == (status, message)


def test_a_query_that_makes_no_sense_is_refused_with_its_place(served):
    status, message = refused(served, "/api/images", q="step:a..b")
    assert status == 400
    assert "step" in message


def test_only_reading_is_answered(served):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = served.client.request(method, "/api/runs")
        assert (answer.status_code, answer.json()) == (405, {"error": "expected GET or HEAD"})
        assert answer.headers["allow"] == "GET, HEAD"


def test_a_failure_of_our_own_is_answered_logged_once_and_survived(served, monkeypatch, caplog):
    def fail():
        raise RuntimeError("out\nof order")

    with monkeypatch.context() as patched:
        patched.setattr(served.service.index, "runs", fail)
        status, message = refused(served, "/api/runs")
    assert (status, message) == (500, "RuntimeError: out\\nof order")
    assert len(ok(served, "/api/runs")) == 2
    assert [record.message for record in caplog.records] == ["a request failed: /api/runs"]


def test_a_decoding_that_takes_long_keeps_nobody_else_waiting(served, monkeypatch):
    digest, may_go_on = served.digest("a", "gray"), threading.Event()

    def slow(*args, **kwargs):
        assert may_go_on.wait(20)
        raise MissingError("too late")

    url = f"/api/pixels/{digest}?x=0&y=0"
    with monkeypatch.context() as patched, ThreadPoolExecutor(20) as pool:
        patched.setattr(OriginalValues, "part", slow)
        waiting = [pool.submit(served.client.get, url) for _ in range(20)]
        assert len(ok(served, "/api/runs")) == 2
        assert served.client.get(f"/picture/{digest}").status_code == 200
        may_go_on.set()
        assert {future.result(20).status_code for future in waiting} == {404}
