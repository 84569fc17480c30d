"""What is said again and again with nothing new in it: how often in a row that is kept."""

from __future__ import annotations

from retour.model.reasons import Reason

MOST_SAID_AGAIN = 10
"""How often in a row it is kept that nothing was said but another value in place of one that was known: a later time, a
page with another token in it, the next try of what was put off. Each can be worth knowing; but who says another one
whenever he is asked would make his orders longer for ever. News is kept all the same, and then it begins anew."""


def is_said_too_often(because: Reason, before: Reason | None, times: int) -> bool:
    """Whether a reason is the one ``before`` it once more, which was kept so many ``times`` in a row."""
    return times >= MOST_SAID_AGAIN and because.repeats(before)
