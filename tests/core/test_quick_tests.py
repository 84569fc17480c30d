"""What is written out for a class passes nothing that its checks refuse, and seldom asks them about what is right."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, get_type_hints

import attrs
import pytest

import retour
import retour.providers
from retour import Actor, Money, Text, text
from retour.model.events.event import EVENT_TYPES
from retour.model.fields import _OFTEN, _UNLESS_NAMED, Id, PluginName, Units, checked, fault_of
from retour.model.quick_tests import written_out
from retour.model.refunds import RefundState

NOW = datetime.datetime(2026, 11, 30, 12, 0, tzinfo=datetime.UTC)
AMSTERDAM = datetime.timezone(datetime.timedelta(hours=1))


class OwnText(str):
    """A text of a framework's."""

    __slots__ = ()


class OwnNumber(int):
    """A number of a framework's."""


class OwnNumberOfPlaces(Decimal):
    """A number of a framework's."""


class Lookalike:
    """Says that it is a text."""

    __class__ = str  # type: ignore[assignment]  # that is the lie


class Number(IntEnum):
    ONE = 1


class OwnTuple(tuple[Any, ...]):
    __slots__ = ()


@attrs.frozen
class Dearer(Money):
    """A kind of money of its own."""


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**9, 10**9 + 1, 2**63, -(2**63), 1.0, float("nan"), OwnNumber(3), Number.ONE),
    *("", "a", "a" * 64, "a" * 65, "a" * 255, "a" * 256, "a" * 10_001, "é", "a\0", "\ud800", "a:b", "a/b", b"a"),
    *(OwnText("a"), Lookalike(), Fraction(1, 2), OwnNumberOfPlaces("21")),
    *[Decimal(one) for one in ("21", "-0.50", "NaN", "sNaN", "-Infinity", "1E+12", "1E+13", "1E-999", f"0.{'1' * 29}")],
    *(NOW, NOW.replace(tzinfo=None), NOW.replace(tzinfo=AMSTERDAM), NOW.replace(year=1), NOW.replace(year=9999)),
    *(
        NOW.date(),
        datetime.timedelta(1),
        Money.of("1", "EUR"),
        Dearer(minor=100, currency="EUR"),
        Actor.staff("anna"),
        text("word"),
    ),
    *((), ("a",), ("a", "b\0"), (1, "a"), (Money.of("1", "EUR"),), (None,), ["a"], [], OwnTuple("a"), {"a": 1}, {}),
    *({"a"}, frozenset({"a"}), frozenset(), object(), type, int, len, *RefundState),
]


def of_every_field() -> Iterator[tuple[str, Any]]:
    """What each field of a stored event and of a public value may hold."""
    public = [one for module in (retour, retour.providers) for one in vars(module).values()]
    kinds: set[Any] = {*EVENT_TYPES.values(), *[one for one in public if isinstance(one, type) and attrs.has(one)]}
    for kind in kinds:
        hints = get_type_hints(kind, include_extras=True)
        for field in attrs.fields(kind):
            yield f"{kind.__name__}.{field.name}", hints[field.name]


def passes_unasked(annotation: Any, value: object) -> bool:
    """Whether nobody is asked about a field that holds this."""
    asked: list[object] = []
    written_out({"held": annotation}, lambda _, held: asked.append(held), _UNLESS_NAMED)(SimpleNamespace(held=value))
    return not asked


def test_what_passes_unasked_is_what_every_annotation_of_ours_asks_for() -> None:
    seen = {repr(annotation): (name, annotation) for name, annotation in of_every_field()}
    assert len(seen) > 50
    for name, annotation in seen.values():
        for value in VALUES:
            assert not passes_unasked(annotation, value) or fault_of("held", value, annotation) is None, (name, value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Id, "rt1"),
        (Units, 3),
        (str | None, None),
        (bool, True),
        (datetime.datetime, NOW),
        (RefundState, RefundState.PLANNED),
        (Money | None, Money.of("1", "EUR")),
        (tuple[Id, ...], ("a", "b")),
        (tuple[Money, ...], (Money.of("1", "EUR"),)),
        (int | str, "a"),
        (PluginName, "paypal"),
        (Decimal, Decimal("5.50")),
        (frozenset[str], frozenset()),
    ],
    ids=str,
)
def test_what_is_usual_is_asked_about_by_nobody(annotation: Any, value: object) -> None:
    assert passes_unasked(annotation, value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (PluginName, "a/b"),
        (Decimal, Decimal("1E-21")),
        (frozenset[str], frozenset({"a"})),
        (Text, text("word")),
        (dict[str, int], {"a": 1}),
        (Any, "a"),
    ],
    ids=str,
)
def test_what_no_short_expression_tells_is_left_to_the_check(annotation: Any, value: object) -> None:
    assert not passes_unasked(annotation, value)


class Weekday(Enum):
    MONDAY = "monday"


@attrs.frozen(kw_only=True, field_transformer=checked())
class Parcel:
    id: Id
    day: Weekday
    parts: tuple[Id, ...] = ()


def test_a_wrong_value_is_refused_in_the_same_words_however_many_were_made_before() -> None:
    wrong = [{"id": "", "day": Weekday.MONDAY}, {"id": "a", "day": "monday"}]
    wrong += [{"id": "a", "day": Weekday.MONDAY, "parts": ["b", 1]}]

    def refusals() -> list[str]:
        said = []
        for fields in wrong:
            with pytest.raises(retour.InvalidValue) as refused:
                Parcel(**fields)  # type: ignore[arg-type]  # that is what is tried
            said.append(str(refused.value))
        return said

    first = refusals()
    for number in range(2 * _OFTEN):
        assert Parcel(id=str(number), day=Weekday.MONDAY, parts=["b"]).parts == ("b",)  # type: ignore[arg-type]  # made a tuple
    assert refusals() == first
