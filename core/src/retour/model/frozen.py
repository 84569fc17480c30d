"""Frozen values: what `attrs.frozen` makes, and attrs writes the methods of a class when it is first used.

retour has some three hundred classes of values, and for each attrs writes and compiles half a dozen methods, which is
half of what importing retour would cost. A process needs one class in three: who takes one return in never makes a
label. So `frozen` makes a class that is whole but for what attrs writes; that comes when somebody makes a value of it,
asks for its fields or reads one from a pickle. A value cannot be met before, so nobody sees the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs

from retour.process_lock import ProcessLock

if TYPE_CHECKING:
    from attrs import frozen as frozen
else:

    def frozen(kind=None, /, **options):
        """`attrs.frozen`, with its ``options``, whose methods are written when the class is first used."""
        return (lambda kind: _made_of(kind, options)) if kind is None else _made_of(kind, options)


_ASKED_FIRST = ("__setattr__", "__setstate__", "__attrs_attrs__", "__init__")
"""What attrs writes and somebody may ask a class for that has no values yet: all that a value does comes later."""


_writing = ProcessLock()
"""Who writes: attrs reads of a class what another thread that writes the same one changes."""


class _Unwritten:
    """Stands in a class for what attrs has not written yet; whoever asks for it gets what attrs writes."""

    __slots__ = ("_name", "_write")

    def __init__(self, name: str, write: Callable[[], None]) -> None:
        self._name = name
        self._write = write

    def __get__(self, instance: object, owner: type) -> Any:
        self._write()
        return getattr(owner if instance is None else instance, self._name)


def _made_of(body: type, options: Mapping[str, Any]) -> Any:
    """The slotted class of a class ``body``."""
    if not _can_wait(body):
        return attrs.frozen(**options)(body)
    names = [name for name, annotation in body.__annotations__.items() if not annotation.startswith("ClassVar")]
    slots = (*names, "__weakref__")
    own = {name: value for name, value in vars(body).items() if name not in slots and name != "__dict__"}

    def write() -> None:
        """Once, whoever comes: a second writing would take away what was found out of the fields meanwhile. What is
        asked first is there last, when all else is, so nobody who does not come here sees a part."""
        with _writing.own:
            waiting = [name for name in _ASKED_FIRST if isinstance(vars(kind)[name], _Unwritten)]
            written = vars(attrs.frozen(**{**options, "repr": False})(body)) if waiting else {}
            others = [name for name in written if name not in own and name not in (*slots, *_ASKED_FIRST)]
            for name in (*others, *waiting):
                setattr(kind, name, written[name])

    def write_what_shows() -> None:
        """A fifth of the work, for what is hardly ever shown: people read texts."""
        with _writing.own:
            kind.__repr__ = vars(attrs.frozen(**options)(body))["__repr__"]

    shows = {"__repr__": _Unwritten("__repr__", write_what_shows)} if options.get("repr", True) else {}
    stand_ins = {name: _Unwritten(name, write) for name in _ASKED_FIRST}
    kind: Any = type(body.__name__, (), {**shows, **own, **stand_ins, "__slots__": slots})
    return kind


def _can_wait(body: type) -> bool:
    """Whether a class has nothing that attrs is to see at once: it inherits nothing, and its ``__init__`` and whatever
    looks at its own slots are not its own."""
    own = vars(body)
    return (
        body.__bases__ == (object,)
        and own.keys().isdisjoint(_ASKED_FIRST)
        and cached_property not in map(type, own.values())
    )
