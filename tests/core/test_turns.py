"""Whose turn it is on an order: one after the other, and nobody waits for one who is not there."""

from __future__ import annotations

import os
import threading
import time

import pytest

from retour.desk.turns import Turns


def test_who_comes_second_waits_for_the_first_and_on_another_order_nobody_waits() -> None:
    turns, said = Turns(), []

    def second() -> None:
        with turns.taken("north", "1001", 5):
            said.append("second")

    with turns.taken("north", "1001", 5):
        thread = threading.Thread(target=second)
        thread.start()
        with turns.taken("north", "1002", 0), turns.taken("south", "1001", 0):
            said.append("others")
        time.sleep(0.05)
        said.append("first")
    thread.join()
    assert said == ["others", "first", "second"]
    assert not turns.wanted("north", "1001")


def test_who_waits_too_long_goes_on_without_it() -> None:
    turns, went_on = Turns(), threading.Event()

    def second() -> None:
        with turns.taken("north", "1001", 0.05):
            went_on.set()

    with turns.taken("north", "1001", 0):
        threading.Thread(target=second).start()
        assert went_on.wait(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_waits_for_no_turn_that_its_parent_had() -> None:
    turns = Turns()
    taken, over = threading.Event(), threading.Event()

    def first() -> None:
        with turns.taken("north", "1001", 0):
            taken.set()
            over.wait(20)

    thread = threading.Thread(target=first)
    thread.start()
    taken.wait(5)
    assert turns.wanted("north", "1001")
    child = os.fork()
    if child == 0:
        os._exit(turns.wanted("north", "1001"))
    _, status = os.waitpid(child, 0)
    over.set()
    thread.join()
    assert status == 0
