"""A return that the customer makes in the provider's portal, without the shop, is on the dossier like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from shipping.small_carrier import signed_webhook
from shipping.world import ANNA, World

from retour import GoodsState, LabelState, ParcelState, ReturnReason, WebhookReceipt, hookimpl
from retour.model.announced_returns import ApprovedReturn, ClosedReturn, RequestedReturn
from retour.model.labels import Told
from retour.providers import Shipment


def portal_return(
    world: World, *, reference: str = "P1", order_id: str = "1001", items: Any = None, **said: str
) -> WebhookReceipt:
    """The webhook that a customer's own label brings."""
    given = [{"quantity": 1, "sku": "cup", "reason": "too_small"}] if items is None else items
    headers, body = signed_webhook(
        {"id": f"ev-{reference}", "told": "ready", "reference": reference, "order_id": order_id, **said},
        items=given,
    )
    return world.desk.receive_webhook("small_carrier", headers, body)


def others(world: World) -> list[Any]:
    """The returns but for the one that the shop made."""
    return [one for one in world.desk.dossier("1001").returns.values() if one.id != world.return_id]


def test_it_appears_by_webhook_with_its_lines_and_reasons(make_world: Callable[..., World]) -> None:
    world = make_world()
    assert portal_return(world) == WebhookReceipt(kept=1, unknown=0)
    (found,) = others(world)
    assert (found.goods, dict(found.requested)) == (GoodsState.APPROVED, {"cup": 1})
    label = world.label()
    assert (label.return_id, label.state, label.in_portal) == (found.id, LabelState.READY, True)
    said = [entry.text("nl") for entry in world.desk.timeline("1001")]
    assert any("in het portaal van small_carrier een label" in one for one in said)


def test_said_again_it_is_one_and_two_of_one_reason_are_two(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    for _ in range(3):
        portal_return(world)
    assert len(others(world)) == 1
    world.desk.reconcile_labels("1001")
    world.carrier.portal("P1", parcel="p-1")
    world.desk.reconcile_labels("1001")  # now its parcel is known too
    portal_return(world, reference="P2")
    assert [dict(one.requested) for one in others(world)] == [{"cup": 1}, {"cup": 1}]


def test_it_is_found_by_reading_where_no_webhook_comes(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.portal("P1", parcel="p-1")
    assert world.desk.reconcile_labels("1001").changed is False, "an order without a label there is not asked about"
    world.order()
    world.desk.reconcile_labels("1001")
    assert [dict(one.requested) for one in others(world)] == [{"cup": 1}]
    assert not world.desk.reconcile_labels("1001").changed
    portal_return(world)
    assert len(others(world)) == 1, "its webhook comes after it was read"


@pytest.mark.parametrize("by", ["look", "reconcile"])
def test_two_of_one_order_get_their_parcels_by_reading(make_world: Callable[..., World], by: str) -> None:
    """What is read says neither their numbers nor our ids: each was asked about by its own number."""
    world = make_world()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.fetch_shipment = lambda self, reference, parcel: Shipment(
        told=Told.READY, parcel=f"p-{reference}", order_id="1001"
    )
    for number in ("P1", "P2"):
        portal_return(world, reference=number, told="announcing")
        world.carrier.portal(number, parcel=f"p-{number}")
    if by == "look":
        world.work_for(minutes=1)
    else:
        assert world.desk.reconcile_labels("1001").changed
    labels = world.desk.dossier("1001").labels.values()
    assert {one.reference: (one.parcel, one.state) for one in labels} == {
        "P1": ("p-P1", LabelState.READY),
        "P2": ("p-P2", LabelState.READY),
    }
    assert len(others(world)) == 2


@pytest.mark.parametrize(
    ("items", "announced", "words"),
    [
        ([{"quantity": 5, "sku": "cup"}], {"cup": 1}, "4 × cup"),
        ([{"quantity": 1, "sku": "lamp"}], {}, "1 × lamp"),
        ([{"quantity": 1, "description": "A lamp"}], {}, "1 × A lamp"),
        ([], {}, "does not say what"),
    ],
)
def test_what_the_order_does_not_have_is_for_a_person(
    make_world: Callable[..., World], items: Any, announced: dict[str, int], words: str
) -> None:
    world = make_world()
    portal_return(world, items=items)
    (found,) = others(world)
    assert (found.goods, dict(found.requested)) == (GoodsState.REQUESTED, announced)
    assert words in found.objections[0].because.text("en")
    assert [one.return_id for one in world.desk.list_returns(waits_for="review").returns] == [found.id]


def test_its_parcel_is_followed_and_asks_for_a_count(make_world: Callable[..., World]) -> None:
    world = make_world()
    portal_return(world)
    (found,) = others(world)
    portal_return(world, id="ev-scan", progress="delivered")
    assert world.label().progress is ParcelState.DELIVERED
    assert [one.return_id for one in world.desk.list_returns(waits_for="counting").returns] == [found.id]


REASONS = [
    ReturnReason(code="small", words={"en": "Too small", "nl": "Te klein"}, provider_codes={"small_carrier": "31"}),
    ReturnReason(code="broken", words={"en": "Broken", "nl": "Kapot"}, provider_codes={"small_carrier": "25"}),
    ReturnReason(code="ugly", words={"en": "Ugly", "nl": "Lelijk"}),
]


class Hears:
    """Notes what each hook is told of the lines of a return, with why each comes back."""

    name = "hears"

    def __init__(self) -> None:
        self.heard: list[tuple[str, list[tuple[str, int, str]]]] = []

    def note(self, hook: str, told: Any) -> None:
        self.heard.append((hook, [(one.line_id, one.quantity, one.reason) for one in told.lines]))

    @hookimpl
    def on_return_requested(self, requested: RequestedReturn) -> None:
        self.note("requested", requested)
        self.why = requested.reason_text("cup", "nl")

    @hookimpl
    def on_return_approved(self, approved: ApprovedReturn) -> None:
        self.note("approved", approved)

    @hookimpl
    def on_return_closed(self, closed: ClosedReturn) -> None:
        self.note("closed", closed)


def test_units_of_one_line_that_come_back_for_two_reasons_keep_both(make_world: Callable[..., World]) -> None:
    hears = Hears()
    world = make_world(plugins=[hears], desk={"return_reasons": REASONS})
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    hears.heard.clear()
    two = [{"quantity": 1, "sku": "cup", "reason": code} for code in ("31", "25")]
    portal_return(world, items=two)
    (found,) = others(world)
    assert dict(found.requested) == {"cup": 2}
    assert [(one.quantity, one.reason) for one in found.announced] == [(1, "small"), (1, "broken")]
    assert (found.reason_text("cup", "nl"), found.reason("cup")) == ("Te klein, Kapot", REASONS[0])
    (entry,) = [one for one in world.desk.timeline("1001") if one.return_number == found.number][:1]
    assert entry.text("nl").endswith("1 × Cup (Te klein), 1 × Cup (Kapot)")
    world.desk.cancel_return("1001", found.id, by=ANNA)
    both = [("cup", 1, "small"), ("cup", 1, "broken")]
    assert hears.heard == [("requested", both), ("approved", both), ("closed", both)]
    assert hears.why == "Te klein, Kapot"


def test_one_reason_for_all_units_of_a_line_is_one(make_world: Callable[..., World]) -> None:
    world = make_world(desk={"return_reasons": REASONS})
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    portal_return(world, items=[{"quantity": 1, "sku": "cup", "reason": "31"} for _ in range(2)])
    (found,) = others(world)
    assert [(one.quantity, one.reason) for one in found.announced] == [(2, "small")]
    assert found.reason_text("cup") == "Too small"


def test_a_reason_that_is_not_on_the_shops_list_is_kept_as_the_provider_calls_it(
    make_world: Callable[..., World],
) -> None:
    world = make_world(desk={"return_reasons": REASONS})
    portal_return(world, items=[{"quantity": 1, "sku": "cup", "reason": "14"}])
    (found,) = others(world)
    assert found.reason_text("cup") == "small_carrier: 14"


def test_what_is_said_without_its_number_of_units_is_for_a_person(make_world: Callable[..., World]) -> None:
    world = make_world()
    portal_return(world, items=[{"quantity": 1, "sku": "cup"}, {"quantity": 0, "sku": "cup", "reason": "25"}])
    (found,) = others(world)
    assert (found.goods, dict(found.requested)) == (GoodsState.REQUESTED, {"cup": 1})
    assert "0 × cup" in found.objections[0].because.text("en")


def test_of_an_order_that_nobody_has_it_is_unknown(make_world: Callable[..., World]) -> None:
    world = make_world()
    assert portal_return(world, order_id="9999") == WebhookReceipt(kept=0, unknown=1)


def test_json_of_the_helper_is_what_a_carrier_sends() -> None:
    _, body = signed_webhook({"id": "e", "told": "ready"}, items=[{"quantity": 1}])
    assert json.loads(body)[0]["items"] == [{"quantity": 1}]
