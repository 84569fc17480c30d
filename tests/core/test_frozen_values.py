"""Values whose methods attrs writes when their class is first used: nobody can tell, but for the time that it takes."""

from __future__ import annotations

import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from functools import cached_property
from typing import Any, ClassVar

import attrs
import pytest

from retour.model.frozen import frozen


@frozen(kw_only=True, order=True)
class Cup:
    """Somewhere to drink from."""

    material: ClassVar[str] = "clay"
    size: int
    colours: tuple[str, ...] = ()
    inside: list[str] = attrs.field(factory=list, eq=False, order=False, repr=False)

    @property
    def large(self) -> bool:
        """Whether one can drink long."""
        return self.size > 300


@attrs.frozen(kw_only=True, order=True)
class CupOfAttrs:
    """The same, written at once."""

    material: ClassVar[str] = "clay"
    size: int
    colours: tuple[str, ...] = ()
    inside: list[str] = attrs.field(factory=list, eq=False, order=False, repr=False)


def fresh() -> type[Any]:
    """A class that nobody has used."""

    @frozen(kw_only=True)
    class Fresh:
        size: int
        name: str = "fresh"

        def __attrs_post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("too small")

    return Fresh


def is_written(kind: type, method: str = "__init__") -> bool:
    return inspect.isfunction(vars(kind)[method])


def test_methods_are_not_written_before_somebody_uses_the_class() -> None:
    kind = fresh()
    assert kind.__name__ == "Fresh"
    assert isinstance(kind(size=1), kind)
    assert is_written(kind)
    unused = fresh()
    assert not isinstance(kind(size=1), unused)
    assert not is_written(unused)


@pytest.mark.parametrize(
    "use",
    [
        lambda kind: kind(size=1),
        attrs.fields,
        attrs.has,
        inspect.signature,
        lambda kind: setattr(object.__new__(kind), "size", 1),
    ],
    ids=["a value", "its fields", "whether it is one of attrs'", "its signature", "a field that is set"],
)
def test_every_first_use_finds_what_attrs_writes(use: Any) -> None:
    kind = fresh()
    try:
        use(kind)
    except attrs.exceptions.FrozenInstanceError:
        assert is_written(kind)
    assert is_written(kind)


def test_a_value_is_what_attrs_makes() -> None:
    cup, same, other = Cup(size=250, inside=["tea"]), Cup(size=250), Cup(size=400, colours=("red",))
    assert cup == same
    assert cup != other
    assert cup < other
    assert hash(cup) == hash(same)
    assert len({cup, same, other}) == 2
    assert repr(other) == "Cup(size=400, colours=('red',))"
    assert (cup.large, other.large, Cup.material) == (False, True, "clay")
    assert attrs.evolve(cup, size=400) == Cup(size=400)
    assert weakref.ref(cup)() is cup
    assert not hasattr(cup, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cup.size = 1  # type: ignore[misc]  # which is what is tried
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del cup.size
    with pytest.raises(TypeError, match=r"Cup.__init__\(\) missing 1 required keyword-only argument: 'size'"):
        Cup()  # type: ignore[call-arg]  # which is what is tried


@pytest.mark.parametrize("compare", [lambda one: one == one, lambda one: one != one, hash], ids=["==", "!=", "hash"])
def test_what_compares_values_is_not_written_before_two_are_compared(compare: Any) -> None:
    kind = fresh()
    value, fields = kind(size=1), attrs.fields(kind)
    assert not is_written(kind, "__eq__")
    compare(value)
    assert is_written(kind, "__eq__")
    assert is_written(kind, "__hash__")
    assert (value == kind(size=1), value == kind(size=2), value == 1) == (True, False, False)
    assert len({value, kind(size=1), kind(size=2)}) == 2
    assert attrs.fields(kind) is fields


def test_what_a_field_says_of_comparing_holds_when_it_is_written_later() -> None:
    def without_name(_: type, fields: list[Any]) -> list[Any]:
        return [field.evolve(eq=False, hash=False) if field.name == "name" else field for field in fields]

    @frozen(field_transformer=without_name)
    class Same:
        size: int
        name: str
        seen: int = attrs.field(default=0, eq=False)

    @frozen(eq=False)
    class Itself:
        size: int

    assert Same(1, "a", seen=1) == Same(1, "b", seen=2) != Same(2, "a")
    assert len({Same(1, "a"), Same(1, "b")}) == 1
    assert Itself(1) != Itself(1)
    assert len({Itself(1), Itself(1)}) == 2


def test_a_class_that_compares_in_its_own_way_is_left_it() -> None:
    @frozen
    class Loose:
        word: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Loose) and other.word.lower() == self.word.lower()

        def __hash__(self) -> int:
            return hash(self.word.lower())

    assert Loose("Tea") == Loose("tea")
    assert len({Loose("Tea"), Loose("tea")}) == 1


def test_a_class_that_shows_itself_or_nothing_is_left_its_way() -> None:
    @frozen
    class Secret:
        word: str

        def __repr__(self) -> str:
            return "Secret(…)"

    @frozen(repr=False)
    class Silent:
        word: str

    assert repr(Secret("sesame")) == f"{Secret('sesame')}" == "Secret(…)"
    assert "sesame" not in repr(Silent("sesame"))


def test_a_class_has_all_that_a_class_of_attrs_has() -> None:
    Cup(size=1), CupOfAttrs(size=1)
    assert set(dir(Cup)) - {"large"} == set(dir(CupOfAttrs))
    assert inspect.signature(Cup) == inspect.signature(CupOfAttrs)
    assert [one.name for one in attrs.fields(Cup)] == [one.name for one in attrs.fields(CupOfAttrs)]


def test_a_first_value_that_is_refused_leaves_the_class_as_it_should_be() -> None:
    kind = fresh()
    with pytest.raises(ValueError, match="too small"):
        kind(size=-1)
    assert kind(size=1) == kind(size=1)


def test_a_value_can_be_read_from_a_pickle_in_a_process_that_has_made_none() -> None:
    from retour import Money

    pickled = pickle.dumps(Money(minor=4495, currency="EUR"))
    command = f"import pickle; print(repr(pickle.loads({pickled!r})))"
    said = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == repr(Money(minor=4495, currency="EUR"))


def test_threads_that_come_at_once_all_get_their_value() -> None:
    for _ in range(20):
        kind = fresh()
        together, made = threading.Barrier(4), []

        def make(kind: Any = kind, together: Any = together, made: Any = made) -> None:
            together.wait()
            made.append(kind(size=1))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert made == [kind(size=1)] * 4
        assert len(set(made)) == 1


def slowly_written(began: threading.Event, goes_on: threading.Event, at_once: list[int]) -> type[Any]:
    """A class during whose writing others can come, with how many write it at the same moment."""
    writing: list[None] = []

    def transform(_: type, fields: list[Any]) -> list[Any]:
        writing.append(None)
        at_once.append(len(writing))
        began.set()
        goes_on.wait(0.05)
        writing.pop()
        return fields

    @frozen(field_transformer=transform)
    class Slow:
        size: int

    return Slow


def test_one_thread_writes_a_class_and_the_others_find_it_written() -> None:
    at_once: list[int] = []
    kind = slowly_written(threading.Event(), threading.Event(), at_once)
    threads = [threading.Thread(target=kind, args=(1,)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert at_once == [1]


@pytest.mark.parametrize("asked", ["__init__", "__attrs_attrs__", "__setattr__", "__setstate__", "__eq__", "__repr__"])
def test_a_thread_that_comes_late_leaves_what_was_found_out_of_the_fields(asked: str) -> None:
    """What reads values from JSON finds out of what type each field is, once, and keeps that in the fields."""
    kind = fresh()
    late = vars(kind)[asked]  # what a thread holds that asked before, and goes on after all others
    kind(size=1)
    attrs.resolve_types(kind)
    assert late.__get__(None, kind) is getattr(kind, asked)
    assert [field.type for field in attrs.fields(kind)] == [int, str]
    assert attrs.fields(kind) is attrs.fields(attrs.resolve_types(kind))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_does_not_wait_for_a_thread_that_its_parent_has() -> None:
    began, goes_on = threading.Event(), threading.Event()
    goes_on.wait = lambda _: threading.Event.wait(goes_on, 20)  # type: ignore[method-assign]  # until the child has ended
    thread = threading.Thread(target=slowly_written(began, goes_on, []), args=(1,))
    thread.start()
    began.wait(5)
    other = fresh()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(other(size=1).size)
    _, status = os.waitpid(child, 0)
    goes_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 1


def test_a_class_that_attrs_has_to_see_at_once_is_written_at_once() -> None:
    @frozen
    class Inherits(Cup):
        handle: bool = True

    @frozen(init=False)
    class MakesItself:
        size: int

        def __init__(self) -> None:
            self.__attrs_init__(7)  # type: ignore[attr-defined]

    @frozen
    class Remembers:
        size: int

        @cached_property
        def double(self) -> int:
            return self.size * 2

    assert all(is_written(kind) for kind in (Inherits, MakesItself, Remembers))
    assert (Inherits(size=1).handle, MakesItself().size, Remembers(7).double) == (True, 7, 14)
