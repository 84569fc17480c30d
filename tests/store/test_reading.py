"""Values are read by functions that are written for their classes: strict where it counts, and open to what is new."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour.model.money import Money
from retour.model.returns import Extent
from retour.store.records import as_json, from_json


@attrs.frozen(kw_only=True)
class Parcel:
    """One field of each kind."""

    id: str
    units: int
    fragile: bool = False
    note: str | None = None
    paid: Money | None = None
    extents: tuple[Extent, ...] = ()
    named: dict[str, int] = attrs.field(factory=dict)


WHOLE = Parcel(
    id="1",
    units=2,
    fragile=True,
    note="",
    paid=Money(minor=5, currency="EUR"),
    extents=(Extent.FULL, Extent.PART),
    named={"a": 1},
)


@pytest.mark.parametrize("parcel", [WHOLE, Parcel(id="1", units=0)], ids=["whole", "defaults"])
def test_what_was_written_is_read_as_it_was(parcel: Parcel) -> None:
    assert from_json(Parcel, as_json(parcel)) == parcel


def test_a_default_that_can_be_written_into_is_made_for_each() -> None:
    one, other = from_json(Parcel, '{"id":"1","units":1}'), from_json(Parcel, '{"id":"1","units":1}')
    assert one.named == {}
    assert one.named is not other.named


def test_keys_that_nobody_knows_are_passed_over() -> None:
    assert from_json(Parcel, '{"id":"1","units":1,"since_2027":{}}') == Parcel(id="1", units=1)


@pytest.mark.parametrize(
    "body, error",
    [
        ('{"units":1}', KeyError),
        ('{"id":"1","units":"1"}', TypeError),
        ('{"id":"1","units":1.0}', TypeError),
        ('{"id":"1","units":true}', TypeError),
        ('{"id":"1","units":1,"fragile":1}', TypeError),
        ('{"id":"1","units":1,"paid":{"minor":1.5,"currency":"EUR"}}', TypeError),
        ('{"id":"1","units":1,"extents":["some"]}', ValueError),
        ('{"id":"1","units":1,"extents":[[]]}', (TypeError, ValueError)),
        ("[]", TypeError),
    ],
)
def test_what_is_missing_or_of_another_kind_is_an_error(body: str, error: Any) -> None:
    with pytest.raises(error):
        from_json(Parcel, body)
