"""How values are written: as what JSON knows, without what a field holds unless somebody says otherwise."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

import attrs
import pytest

from retour.model.frozen import frozen
from retour.store.writing import as_plain


class Colour(Enum):
    RED = "red"


@frozen(kw_only=True)
class Cup:
    name: str
    colour: Colour | None = None
    price: Decimal = Decimal(0)
    made: datetime.date | None = None
    tags: frozenset[str] = frozenset()


@frozen(kw_only=True)
class Cupboard:
    cups: tuple[Cup, ...]
    at: Mapping[str, int] = attrs.field(factory=dict)
    opened: datetime.datetime | None = None
    counted: int = attrs.field(init=False, default=1)


def test_a_field_that_holds_its_default_is_left_out() -> None:
    assert as_plain(Cup(name="blue")) == {"name": "blue"}
    assert as_plain(Cupboard(cups=())) == {"cups": []}


def test_a_value_is_written_with_all_that_is_in_it() -> None:
    cup = Cup(name="red", colour=Colour.RED, price=Decimal("1.50"), made=datetime.date(2026, 11, 20), tags={"b", "a"})
    noon = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
    assert as_plain(Cupboard(cups=(cup,), at={"left": 2}, opened=noon)) == {
        "cups": [{"name": "red", "colour": "red", "price": "1.50", "made": "2026-11-20", "tags": ["a", "b"]}],
        "at": {"left": 2},
        "opened": "2026-11-20T12:00:00+00:00",
    }


def test_what_a_field_works_out_is_not_written() -> None:
    assert "counted" not in as_plain(Cupboard(cups=()))


def test_what_has_no_fields_is_written_by_its_own_type() -> None:
    assert as_plain(None) is None
    assert as_plain(("a", Colour.RED)) == ["a", "red"]


def test_a_field_that_holds_something_else_than_its_type_is_not_written() -> None:
    cup = Cup(name="red", colour=Colour.RED)
    object.__setattr__(cup, "colour", "red")
    with pytest.raises(AttributeError):
        as_plain(cup)
