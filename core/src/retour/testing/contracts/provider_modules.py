"""What a provider's own modules see of the world: another day, another environment, digests that are noted.

Only the names in the provider's own modules are replaced. The core, the sandbox's clock and pytest go on as before.
"""

from __future__ import annotations

import datetime
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

_NOT_ITS_OWN = ("retour", "builtins", "abc", "typing")


def modules_of(kind: type[Any]) -> list[ModuleType]:
    """The modules of a provider that are imported: those that its class and its bases are written in, and all others
    of their packages."""
    roots = {base.__module__.partition(".")[0] for base in kind.__mro__} - set(_NOT_ITS_OWN)
    return [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in roots and isinstance(module, ModuleType)
    ]


@contextmanager
def replaced(kind: type[Any], others: Mapping[int, object]) -> Iterator[None]:
    """In the provider's modules every global name of what has one of these `id`s names the other instead."""
    before = [
        (module, name, value)
        for module in modules_of(kind)
        for name, value in list(vars(module).items())
        if id(value) in others
    ]
    for module, name, value in before:
        setattr(module, name, others[id(value)])
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@contextmanager
def later(kind: type[Any], by: datetime.timedelta) -> Iterator[None]:
    """The provider's modules read a clock that is ahead by so much."""

    class IsOne(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, cls.__bases__[0])

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, cls.__bases__[0])

    class Moment(datetime.datetime, metaclass=IsOne):
        def __new__(cls, *arguments: Any, **more: Any) -> Any:
            return datetime.datetime(*arguments, **more)  # noqa: DTZ001 - whatever was asked for

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + by

        @classmethod
        def utcnow(cls) -> Any:
            return datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + by

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    class Day(datetime.date, metaclass=IsOne):
        def __new__(cls, *arguments: Any, **more: Any) -> Any:
            return datetime.date(*arguments, **more)

        @classmethod
        def today(cls) -> Any:
            return Moment.now().date()

    def told(seconds: float | None = None) -> float:
        return time.time() + by.total_seconds() if seconds is None else seconds

    clock = {
        "time": told,
        "time_ns": lambda: int(told() * 1_000_000_000),
        "gmtime": lambda seconds=None: time.gmtime(told(seconds)),
        "localtime": lambda seconds=None: time.localtime(told(seconds)),
        "ctime": lambda seconds=None: time.ctime(told(seconds)),
        "strftime": lambda words, when=None: time.strftime(words, when or time.localtime(told())),
    }
    others: dict[int, object] = {id(getattr(time, name)): shifted for name, shifted in clock.items()}
    others[id(time)] = SimpleNamespace(**(vars(time) | clock))
    others[id(datetime)] = SimpleNamespace(**(vars(datetime) | {"datetime": Moment, "date": Day}))
    others[id(datetime.datetime)], others[id(datetime.date)] = Moment, Day
    with replaced(kind, others):
        yield


@contextmanager
def in_the_zone(name: str) -> Iterator[None]:
    """The process is in another time zone, where the system lets it be."""
    if not hasattr(time, "tzset"):
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


@contextmanager
def noting_environment(kind: type[Any]) -> Iterator[set[str]]:
    """The names of the variables of the environment that the provider's modules read."""
    read: set[str] = set()
    own = {module.__name__ for module in modules_of(kind)}
    environment = type(os.environ)
    before = environment.__getitem__

    def noted(self: Any, name: Any) -> Any:
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") in ("os", "_collections_abc", "collections.abc"):
            frame = frame.f_back
        if frame is not None and frame.f_globals.get("__name__") in own:
            read.add(str(name))
        return before(self, name)

    environment.__getitem__ = noted  # type: ignore[method-assign]
    try:
        yield read
    finally:
        environment.__getitem__ = before  # type: ignore[method-assign]
