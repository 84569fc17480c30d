"""What people call a provider. Code knows it by the name of its plugin, as ``manual_transfer``; a person reads what its
class calls itself, in his language where its package has words for that.

Known for the whole process, as catalogues are: a sentence is a value, and is read wherever it came to, with no desk at
hand. Where two desks load two classes of one name, people read what was loaded last.
"""

from __future__ import annotations

from collections.abc import Iterable

from retour.model.frozen import frozen


@frozen
class Called:
    """A display name in English, and the package whose catalogue translates it."""

    display_name: str
    package: str


_called: dict[str, Called] = {}


def call(provider: str, display_name: str, package: str) -> None:
    """Let people read a display name for a provider, from now on."""
    _called[provider] = Called(display_name, package)


def called(provider: object) -> Called | None:
    """What a provider is called; None where no class of that name was loaded."""
    return _called.get(provider) if isinstance(provider, str) else None


def packages() -> Iterable[str]:
    """The packages of all classes that were loaded, each once."""
    return dict.fromkeys([one.package for one in _called.values()])
