"""The test kit: builders for orders that read like the sentence a test proves, and cassettes of a provider's answers.

Each name is imported when it is first used: the kit's pytest plugin lies in here, and must import next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retour.testing.builders import a_line, a_payment, a_service, an_order
    from retour.testing.cassettes import Cassette, NotOnCassette
    from retour.testing.loopback import NotLoopback, loopback_only

__all__ = ["Cassette", "NotLoopback", "NotOnCassette", "a_line", "a_payment", "a_service", "an_order", "loopback_only"]

_HOMES = {
    "Cassette": "cassettes",
    "NotLoopback": "loopback",
    "NotOnCassette": "cassettes",
    "a_line": "builders",
    "a_payment": "builders",
    "a_service": "builders",
    "an_order": "builders",
    "loopback_only": "loopback",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
