from __future__ import annotations

import tempfile
import threading
import warnings
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filmstrip
from filmstrip import Image
from filmstrip.errors import (
    FilmstripWarning,
    LogValueError,
    OptionError,
)

IMAGE = Image(np.eye(4))


CALLS = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 6),
        st.sampled_from([None, True, False]),
        st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 3), max_size=2),
    ),
    max_size=12,
)


@settings(max_examples=80)
@given(CALLS)
def test_any_order_of_steps_is_stored_and_the_same_step_appends(image, shown, calls):
    """Against a model of a few lines: what each call's step is, and that nothing is lost."""
    expected = defaultdict(list)
    current, count = 0, 0
    with filmstrip.init(dir=tempfile.mkdtemp(dir=".")) as run:
        for step, commit, sizes in calls:
            at = current if step is None else step
            data = {}
            for key, size in sizes.items():
                data[key] = [image((count := count + 1) % 256) for _ in range(size)]
                expected[key] += [(at, i.image.getpixel((0, 0))) for i in data[key]]
            run.log(data, step=step, commit=commit)
            is_committed = step is None if commit is None else commit
            current = max(current, at + is_committed)
            assert run.step == current
    for key, logged in expected.items():
        if logged:
            in_order = sorted(logged, key=lambda pair: pair[0])
            assert [(step, value) for step, _, value in shown(run, key)] == in_order


def test_without_a_step_each_call_is_a_step_of_its_own(image, shown):
    with filmstrip.init() as run:
        for value in (5, 6, 7):
            run.log({"x": image(value)})
    assert shown(run) == [(0, 0, 5), (1, 0, 6), (2, 0, 7)]


def test_a_call_that_does_not_commit_shares_its_step_with_the_next(image, shown):
    with filmstrip.init() as run:
        run.log({"x": image(5)}, commit=False)
        run.log({"x": image(6)})
        run.log({"x": image(7)})
    assert shown(run) == [(0, 0, 5), (0, 1, 6), (1, 0, 7)]


def test_after_a_step_that_was_given_the_count_goes_on_from_there(image, shown):
    with filmstrip.init() as run:
        run.log({"x": image(5)}, step=10)
        run.log({"x": image(6)})
        run.log({"x": image(7)}, step=20, commit=True)
        run.log({"x": image(8)})
    assert shown(run) == [(10, 0, 5), (10, 1, 6), (20, 0, 7), (21, 0, 8)]


@pytest.mark.parametrize("step", [2**63 - 1, -(2**63) + 1, np.int64(7), np.uint8(7), -1])
def test_any_integer_of_64_bits_is_a_step(image, stored, step):
    with filmstrip.init() as run:
        run.log({"x": image(5), "loss": 1}, step=step)
    assert stored(run).steps("x") == [int(step)]
    assert stored(run).values()[0].step == int(step)


@pytest.mark.parametrize("step", [1.0, "1", True, 2**63, np.array([1, 2]), [1], np.float32(1)])
def test_a_step_that_is_no_integer_is_an_error_and_stores_nothing(image, stored, step):
    with filmstrip.init() as run, pytest.raises(OptionError) as caught:
        run.log({"x": image(5)}, step=step)
    assert str(caught.value) == (
        f"expected step as an integer of 64 bits, got {step!r}; pass int(step)"
    )
    assert stored(run).keys() == []


@pytest.mark.parametrize("bad", [object(), b"png", np.zeros((4, 4)), [IMAGE, 3], 2**64])
def test_a_call_with_one_value_that_cannot_be_stored_stores_nothing(image, stored, shown, bad):
    with filmstrip.init() as run:
        with pytest.raises(LogValueError, match=r"for key 'bad', got"):
            run.log({"x": image(5), "loss": 1.0, "bad": bad})
        run.log({"x": image(6)})
    assert shown(run) == [(0, 0, 6)]
    assert stored(run).values() == []


def test_logging_nothing_is_a_step(image, shown):
    with filmstrip.init() as run:
        run.log({})
        run.log({"x": []})
        run.log({"x": image(5)})
    assert shown(run) == [(2, 0, 5)]


def test_changing_the_array_after_the_call_changes_nothing(shown):
    pixels = np.full((200, 200), 5, np.uint8)
    with filmstrip.init() as run:
        for value in (5, 6, 7):
            pixels[:] = value
            run.log({"x": Image(pixels, normalize=False)})
        pixels[:] = 0
    assert shown(run) == [(0, 0, 5), (1, 0, 6), (2, 0, 7)]


def test_one_image_may_be_logged_many_times_and_is_stored_once(stored):
    with filmstrip.init() as run:
        for _ in range(3):
            run.log({"x": [IMAGE, IMAGE], "y": IMAGE})
    (shard,) = run.dir.glob("*.tar")
    assert shard.read_bytes().count(b"\x89PNG") == 1
    assert len(stored(run).images("x")) == 6


def test_several_threads_may_log_into_one_run_at_once(image, stored, shown):
    with filmstrip.init() as run:

        def work(first: int) -> None:
            for step in range(first, 200, 4):
                run.log({"x": image(step), f"loss{first}": step}, step=step)
                run.log({"same": image(first)}, step=0)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert shown(run) == [(step, 0, step) for step in range(200)]
    assert [v.values for v in stored(run).values()] == [{f"loss{s % 4}": s} for s in range(200)]
    assert [index for _, index, _ in shown(run, "same")] == list(range(200))
    assert stored(run).damages() == []


def test_two_runs_at_once_keep_their_images_apart(image, shown):
    with filmstrip.init(id="a") as a, filmstrip.init(id="b") as b:
        for value in range(20):
            a.log({"x": image(value)})
            b.log({"x": image(100 + value)})
    assert shown(a) == [(v, 0, v) for v in range(20)]
    assert shown(b) == [(v, 0, 100 + v) for v in range(20)]


def test_clipped_values_are_warned_about_once_a_key_at_the_caller_s_line():
    run = filmstrip.init()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for key in ("x", "x", "y"):
            run.log({key: [Image(np.array([[-9.0, 270.0]]))] * 2})
    assert [(str(w.message), w.filename) for w in caught] == [
        (
            (
                f"{key!r}: values from -9.0 to 270.0 were clipped to [0, 255]; pass value_range="
                f"(lo, hi) to map them, or normalize=False if that is meant"
            ),
            __file__,
        )
        for key in ("x", "y")
    ]


def test_boxes_that_are_no_boxes_are_counted_and_warned_about_once_a_layer(stored):
    boxes = filmstrip.BoundingBoxes2D.from_arrays([[0, 0, 1, 1], [np.nan] * 4, [3, 3, 1, 1]])
    run = filmstrip.init()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            run.log({"x": Image(np.eye(4), boxes={"b": boxes})})
    assert [str(w.message) for w in caught] == [
        (
            "'x': 2 boxes of layer 'b' are NaN, infinite or inverted; "
            "they are kept and flagged, check the model or format="
        )
    ]
    run.finish()
    assert len(stored(run).images("x")[0].boxes["b"]) == 3


def test_a_warning_that_is_made_an_error_costs_nothing_of_what_was_logged(image, shown):
    with filmstrip.init() as run:
        with pytest.raises(FilmstripWarning):
            run.log({"x": Image(np.array([[-9.0, 270.0]]))})
        run.log({"x": image(5)})
    assert [step for step, _, _ in shown(run)] == [0, 1]
