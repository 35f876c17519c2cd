from __future__ import annotations

import os
import select
import threading

import pytest
from tests.spooling import PATIENCE_SECS, num_open_files

from filmstrip.spool import control
from filmstrip.spool.control import Control, Counter, Ending, Phase


@pytest.fixture
def pair():
    ours, theirs = Control.pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_each_number_has_a_place_of_its_own_and_both_sides_see_it(pair):
    ours, theirs = pair
    for counter in Counter:
        theirs[counter] = 2**63 + counter
    assert [ours[counter] for counter in Counter] == [2**63 + counter for counter in Counter]
    assert len({int(counter) for counter in Counter}) == len(Counter)


def test_all_is_zero_at_first_which_is_that_of_a_writer_that_was_killed(pair):
    ours, _ = pair
    assert {ours[counter] for counter in Counter} == {0}
    assert (ours.text, Ending(ours[Counter.ENDING])) == ("", Ending.KILLED)


@pytest.mark.parametrize("text", ["", "OSError: no space", "größe\n", "x" * 2048, "\udcff"])
def test_a_text_is_seen_by_the_other_side(pair, text):
    ours, theirs = pair
    theirs.text = "something longer that was said before"
    theirs.text = text
    assert ours.text == text.encode("utf-8", "replace").decode()


def test_a_text_that_is_too_long_is_cut(pair):
    ours, theirs = pair
    theirs.text = "ü" * 5000
    assert ours.text == "ü" * 1024


def test_positions_arrive_in_the_order_they_were_sent(pair):
    ours, theirs = pair
    sent = [0, 512, 2**62, *range(1000, 3000)]
    assert all(ours.send(position) for position in sent)
    ours.end_entries()
    received = []
    while positions := theirs.receive():
        received += positions
    assert received == sent
    assert theirs.receive() == []


def test_the_end_is_heard_of_though_another_process_holds_the_pipe_open(pair):
    """A child that was forked between two lines, say."""
    ours, theirs = pair
    held = os.dup(ours.entries_fd)
    assert ours.send(7)
    ours.end_entries()
    assert (theirs.receive(), theirs.receive(), theirs.receive()) == ([7], [], [])
    os.close(held)


def test_the_end_is_said_again_until_a_full_pipe_takes_it(pair):
    ours, theirs = pair
    while ours.send(7):
        pass
    ours.end_entries()
    assert ours.entries_fd >= 0
    assert theirs.receive()
    ours.end_entries()
    assert ours.entries_fd < 0
    ours.end_entries()
    while theirs.receive():
        pass


def test_saying_the_end_to_an_encoder_that_died_raises_nothing(pair):
    ours, theirs = pair
    theirs.close()
    ours.end_entries()
    assert ours.entries_fd < 0


def test_a_producer_is_over_when_it_says_so_or_is_gone(pair):
    ours, theirs = pair
    assert ours.send(7)
    assert not theirs.is_over()
    ours[Counter.ENDING] = Ending.FAILED
    assert theirs.is_over()
    ours[Counter.ENDING] = Ending.KILLED
    assert not theirs.is_over()
    ours.close()
    assert theirs.is_over()


def test_a_failure_is_counted_and_told_with_its_reason(pair):
    ours, theirs = pair
    for _ in range(2):
        theirs.note_failure(PermissionError(13, "Permission denied"))
    assert (ours[Counter.FAILURES], ours[Counter.PHASE]) == (2, Phase.FAILING)
    assert ours.text == "PermissionError: [Errno 13] Permission denied"
    ours.wait(PATIENCE_SECS)


def test_the_other_side_waits_for_an_entry(pair):
    ours, theirs = pair
    received = []
    waiting = threading.Thread(target=lambda: received.extend(theirs.receive()))
    waiting.start()
    assert ours.send(7)
    waiting.join(PATIENCE_SECS)
    assert received == [7]


def test_a_full_pipe_takes_no_more_and_says_so(pair, monkeypatch):
    ours, theirs = pair
    num_sent = 0
    while ours.send(num_sent):
        num_sent += 1
    assert num_sent >= 512
    assert theirs.receive() == list(range(512))
    assert ours.send(num_sent)


def test_sending_to_an_encoder_that_died_says_so_and_raises_nothing(pair):
    ours, theirs = pair
    theirs.close()
    assert ours.send(0) is False


def test_waiting_ends_with_the_time_or_a_change_whichever_comes_first(pair):
    ours, theirs = pair
    ours.wait(0.001)
    waiting = threading.Thread(target=lambda: ours.wait(PATIENCE_SECS))
    waiting.start()
    theirs.announce()
    waiting.join(PATIENCE_SECS / 2)
    assert not waiting.is_alive()


def test_many_changes_that_nobody_heard_of_block_nobody_and_are_one(pair):
    ours, theirs = pair
    for _ in range(100_000):
        theirs.announce()
    waiting = select.poll()
    waiting.register(ours.changes_fd, select.POLLIN)
    num_waits = 0
    while waiting.poll(0):
        ours.wait(PATIENCE_SECS)
        num_waits += 1
    assert 1 <= num_waits <= 100_000 // 4096


def test_a_change_that_another_thread_heard_of_first_is_nothing_to_wait_for(pair, monkeypatch):
    ours, theirs = pair
    own_read = os.read

    def read(fd, size):
        own_read(fd, size)  # the other thread
        return own_read(fd, size)

    theirs.announce()
    monkeypatch.setattr(control.os, "read", read)
    ours.wait(PATIENCE_SECS)


def test_announcing_to_a_producer_that_is_gone_raises_nothing(pair):
    ours, theirs = pair
    ours.close()
    theirs.announce()
    assert theirs.receive() == []


def test_waiting_for_an_encoder_that_died_ends_at_once(pair):
    ours, theirs = pair
    theirs.close()
    waiting = threading.Thread(target=lambda: ours.wait(PATIENCE_SECS))
    waiting.start()
    waiting.join(PATIENCE_SECS / 2)
    assert not waiting.is_alive()


@pytest.mark.parametrize("refused", [OSError(1, "Operation not permitted"), ValueError("what?")])
def test_a_pipe_that_cannot_be_made_larger_serves_as_it_is(monkeypatch, refused):
    def refuse(fd, command, size):
        raise refused

    monkeypatch.setattr(control.fcntl, "fcntl", refuse)
    ours, theirs = Control.pair()
    assert ours.send(5)
    assert theirs.receive() == [5]
    ours.close()
    theirs.close()


def test_where_there_is_no_memory_file_another_serves(monkeypatch):
    monkeypatch.delattr(control.os, "memfd_create", raising=False)
    ours, theirs = Control.pair()
    ours[Counter.HEAD] = 5
    assert theirs[Counter.HEAD] == 5
    ours.close()
    theirs.close()


def test_what_was_counted_can_be_read_after_closing_and_no_file_stays_open():
    before = num_open_files()
    ours, theirs = Control.pair()
    theirs[Counter.IMAGES] = 5
    for _ in range(2):
        ours.close()
        theirs.close()
    assert ours[Counter.IMAGES] == 5
    del ours, theirs
    assert num_open_files() == before
