"""What makes a test a rule of the contract: it ends, and a failure says what it was for."""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from retour.testing.contracts.in_threads import LONGEST, Call

_Test = TypeVar("_Test", bound=Callable[..., None])

MOST_HANGS = 3
"""Rules of one provider that may hang. After them no other is tried: each would take as long."""

_hung: Counter[object] = Counter()


def rule(test: _Test) -> _Test:
    """The test, in a thread: it fails if it does not end within `LONGEST`, and with a failure goes what it promises and
    what breaking that costs, its docstring."""
    promise = inspect.getdoc(test) or ""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        __tracebackhide__ = True
        kind = getattr(fixtures.get("account"), "kind", None)
        if _hung[kind] >= MOST_HANGS:
            pytest.fail(f"not tried: {_hung[kind]} rules hung before this one, mend those first", pytrace=False)
        made = Call(lambda: test(**fixtures))
        if not made.ends_within(LONGEST):
            _hung[kind] += 1
            pytest.fail(
                f"A worker that stands still refunds nobody: {test.__name__} did not end within {LONGEST:g} seconds, "
                f"and the provider waits for what does not come. It stood here:\n{made.give_up()}\n{promise}",
                pytrace=False,
            )
        try:
            made.result()
        except (Exception, pytest.fail.Exception) as failure:
            failure.add_note(f"\n{promise}")
            raise

    return run  # type: ignore[return-value]  # it has the fixtures of the test, by their names
