"""What foreign code is asked for while other foreign code is being asked: how deep that may go.

A hook, a provider, a shop and a settings function may use the desk while the desk asks them, and the desk then asks
again. Without an end that is no deadlock, and every level may try three times: it would go on for as good as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from retour.model.errors import AskedWithin
from retour.model.text import text

MOST_OF_ONE = 2
"""How often one thing may be asked within itself: a hook that commands an order is asked about that command too."""

MOST_OF_ALL = 10
"""How many questions may be open in one thread, each asked by the one before."""

_open: ContextVar[tuple[tuple[str, ...], ...]] = ContextVar("_open", default=())


@contextmanager
def asking(what: str, *about: str, most: int = MOST_OF_ONE) -> Iterator[None]:
    """Foreign code is asked ``what``, ``about`` a shop and an order.

    Raises `AskedWithin` where it is asked because of its own answer, ``most`` times already.
    """
    question, before = (what, *about), _open.get()
    if before.count(question) >= most or len(before) >= MOST_OF_ALL:
        raise AskedWithin(
            text(
                "{what} would be asked within its own answer ({about}), without an end: what a hook, a provider, a "
                "shop or a settings function does with the desk has the desk ask it again. Do that afterwards: in a "
                "hook that announces, or in a task of your own.",
                what=what,
                about=" / ".join(about),
            )
        )
    reset = _open.set((*before, question))
    try:
        yield
    finally:
        _open.reset(reset)
