"""Frozen values: what `attrs.frozen` makes, and attrs writes the methods of a class when it is first used.

retour has some three hundred classes of values, and for each attrs writes and compiles half a dozen methods, which is
half of what importing retour would cost. A process needs one class in three: who takes one return in never makes a
label. So `frozen` makes a class that is whole but for what attrs writes; that comes when somebody makes a value of it,
asks for its fields or reads one from a pickle. A value cannot be met before, so nobody sees the difference. What shows
a value or compares two comes when somebody does that: few of the values that a process makes are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

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

_SHOWS = ("__repr__",)
"""What shows a value: hardly ever asked for, since people read texts."""

_COMPARES = ("__eq__", "__ne__", "__hash__")
"""What compares a value: of most classes the values are made, read and thrown away."""

_SAYS_HOW_TO_COMPARE = ("eq", "order", "cmp", "hash", "unsafe_hash", "cache_hash")
"""The options of attrs by which a class compares otherwise than others, or more: it is then written with the rest."""


_writing = ProcessLock()
"""Who writes: attrs reads of a class what another thread that writes the same one changes."""


class _Body:
    """What a class was made of, until attrs has written all of it. ``kept`` are the names that attrs does not write,
    ``off`` what it is told to leave for later."""

    __slots__ = ("kept", "made_of", "off", "options")

    def __init__(self, made_of: type, options: Mapping[str, Any], kept: Set[str], off: Mapping[str, bool]) -> None:
        self.made_of = made_of
        self.options = options
        self.kept = kept
        self.off = off

    def written(self, **options: Any) -> Mapping[str, Any]:
        """What attrs writes with these options beside the class's own."""
        written: Mapping[str, Any] = vars(attrs.frozen(**{**self.options, **options})(self.made_of))
        return written

    def write(self, kind: type) -> None:
        """Once, whoever comes: a second writing would take away what was found out of the fields meanwhile. What is
        asked first is there last, when all else is, so nobody who does not come here sees a part."""
        waiting = [name for name in _ASKED_FIRST if isinstance(vars(kind)[name], _Unwritten)]
        written = self.written(**self.off) if waiting else {}
        others = [name for name in written if name not in self.kept and name not in _ASKED_FIRST]
        for name in (*others, *waiting):
            setattr(kind, name, written[name])

    def write_what_shows(self, kind: type) -> None:
        """A fifth of the work. Of fields that nobody sets attrs writes nothing that makes one; the fields that the
        class has stay, with what was found out of them."""
        given = self.options.get("field_transformer") or (lambda _, fields: fields)

        def transform(made_of: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
            return [one.evolve(init=False, default=attrs.NOTHING) for one in given(made_of, fields)]

        written = self.written(eq=False, order=False, field_transformer=transform)
        for name in _SHOWS:
            setattr(kind, name, written[name])

    def write_what_compares(self, kind: Any) -> None:
        """As attrs would, by the fields that it has made: to have it make the class once more for that takes several
        times as long."""
        equal, hashed = [], [f"{hash((kind.__module__, kind.__qualname__))},"]  # no value is as another class's
        keys: dict[str, Any] = {}
        for field in attrs.fields(kind):
            mine, others = f"self.{field.name}", f"other.{field.name}"
            if field.eq_key is not None:
                keys[f"_key_{field.name}"] = field.eq_key
                mine, others = f"_key_{field.name}({mine})", f"_key_{field.name}({others})"
            if field.eq:
                equal.append(f"{mine} == {others}")
            if field.eq if field.hash is None else field.hash:
                hashed.append(f"{mine},")
        lines = [
            "def __eq__(self, other):",
            "    if other.__class__ is not self.__class__:",
            "        return NotImplemented",
            f"    return {' and '.join(equal) or True}",
            "def __hash__(self):",
            f"    return hash(({' '.join(hashed)}))",
        ]
        written: dict[str, Any] = {"__ne__": object.__ne__}
        exec("\n".join(lines), keys, written)  # noqa: S102 - of the names of fields, and nothing that came from outside
        for name in _COMPARES:
            if name != "__ne__":
                written[name].__module__, written[name].__qualname__ = kind.__module__, f"{kind.__qualname__}.{name}"
            setattr(kind, name, written[name])


_bodies: WeakKeyDictionary[type, _Body] = WeakKeyDictionary()
"""Of every class that waits, and has waited."""


class _Unwritten:
    """Stands in every class for what attrs has not written yet; whoever asks for it gets what attrs writes."""

    __slots__ = ("_name", "_write")

    def __init__(self, name: str, write: Callable[[_Body, type], None]) -> None:
        self._name = name
        self._write = write

    def __get__(self, instance: object, owner: type) -> Any:
        kind = next(one for one in owner.__mro__ if one in _bodies)
        with _writing.own:
            self._write(_bodies[kind], kind)
        return getattr(owner if instance is None else instance, self._name)


_ASKED_FIRST_UNWRITTEN = {name: _Unwritten(name, _Body.write) for name in _ASKED_FIRST}
_SHOWS_UNWRITTEN = {name: _Unwritten(name, _Body.write_what_shows) for name in _SHOWS}
_COMPARES_UNWRITTEN = {name: _Unwritten(name, _Body.write_what_compares) for name in _COMPARES}


def _made_of(body: type, options: Mapping[str, Any]) -> Any:
    """The slotted class of a class ``body``."""
    if not _can_wait(body):
        return attrs.frozen(**options)(body)
    names = [name for name, annotation in body.__annotations__.items() if not annotation.startswith("ClassVar")]
    slots = (*names, "__weakref__")
    own = {name: value for name, value in vars(body).items() if name not in slots and name != "__dict__"}
    off = {"repr": False}
    later: dict[str, _Unwritten] = {}
    if options.get("repr", True):
        later |= _SHOWS_UNWRITTEN
    if own.keys().isdisjoint(_COMPARES) and options.keys().isdisjoint(_SAYS_HOW_TO_COMPARE):
        off["eq"] = False
        later |= _COMPARES_UNWRITTEN
    kind: Any = type(body.__name__, (), {**later, **own, **_ASKED_FIRST_UNWRITTEN, "__slots__": slots})
    _bodies[kind] = _Body(body, options, own.keys() | slots, off)
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
