"""Threads for what may never return, so that a provider that hangs fails, and the run goes on.

A thread that hangs cannot be ended from outside. It is a daemon, so that the run goes on and can end; it is told to
give up, which it hears as soon as it runs Python again; and the sandbox closes its connections at the end of the test.
What never gives the interpreter back, a regular expression that runs for hours, stops the run all the same.
"""

from __future__ import annotations

import contextvars
import ctypes
import functools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import pytest

_T = TypeVar("_T")

LONGEST = float(os.environ.get("RETOUR_LONGEST_RULE", "60"))
"""Seconds that one rule may take. A sound provider needs a few, on a slow machine too; with a debugger, set more."""

PROMPT = 5.0
"""Seconds in which a call ends that has nothing to wait for, on a slow machine too."""

_FRAMES = 12
"""Lines of a thread's stack that are shown."""


class GaveUp(SystemExit):
    """Raised in a thread that hangs. Whoever catches `Exception` does not catch it, and nobody reports it."""


class Call(Generic[_T]):
    """A call in a thread of its own, which begins at once."""

    def __init__(self, call: Callable[[], _T]) -> None:
        self._call = call
        self._given: list[_T] = []
        self._raised: BaseException | None = None
        self.thread = threading.Thread(target=contextvars.copy_context().run, args=(self._run,), daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._given.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again where the call is waited for
            self._raised = error

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends in time; the thread of one that does not is told to give up."""
        self.thread.join(seconds)
        return not self.thread.is_alive()

    def give_up(self) -> str:
        """Tell the thread to give up; gives where it stands."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        stack = traceback.format_stack(frame)[-_FRAMES:] if frame is not None else []
        if self.thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread.ident), ctypes.py_object(GaveUp))
        return "".join(stack)

    def result(self) -> _T:
        """What it gave; raises what it raised."""
        if self._raised is not None:
            raise self._raised
        return self._given[0]


def within(seconds: float, call: Callable[[], _T], why: str) -> _T:
    """What a call gives or raises; a test fails, with ``why``, if it has not ended after ``seconds``."""
    __tracebackhide__ = True
    made = Call(call)
    if not made.ends_within(seconds):
        pytest.fail(f"{why}. After {seconds:g} seconds it stood here:\n{made.give_up()}")
    return made.result()


def at_once(calls: Sequence[Callable[[], _T]], *, seconds: float = LONGEST) -> list[_T | Exception]:
    """What the calls give or raise, made in threads that all start together."""
    together = threading.Barrier(len(calls))

    def started(call: Callable[[], _T]) -> _T:
        together.wait(30)
        return call()

    made = [Call(functools.partial(started, call)) for call in calls]
    results: list[_T | Exception] = []
    for one in made:
        try:
            results.append(_ended(one, seconds))
        except Exception as error:  # noqa: BLE001 - told by the test that asked
            results.append(error)
    return results


def _ended(made: Call[_T], seconds: float) -> _T:
    if not made.ends_within(seconds):
        pytest.fail(f"one of several calls at once did not end. After {seconds:g} seconds:\n{made.give_up()}")
    return made.result()
