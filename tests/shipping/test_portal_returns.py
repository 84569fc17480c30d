"""A return that the customer makes in the provider's portal, without the shop, is on the dossier like any other."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import SmallCarrier, lost, signed_webhook
from shipping.world import ANNA, World, move_effects
from sqlalchemy import select, update

from retour import GoodsState, LabelState, ParcelState, RequestedLine, ReturnReason, WebhookReceipt, hookimpl
from retour.effects.kinds import LookInPortal
from retour.effects.labelling import WATCHED
from retour.model.announced_returns import ApprovedReturn, ClosedReturn, RequestedReturn
from retour.model.errors import StoreLocked
from retour.model.labels import Told
from retour.model.order import Delivery, Paid
from retour.model.shipping import ShippingOption, ShippingWay
from retour.providers import SentItem, Shipment, Support, TextDomain
from retour.store import tables
from retour.store.commit import BEHIND_ALL
from retour.store.effects import LOOKS_AT_ONCE
from retour.store.records import as_json, from_json
from retour.testing import a_line, an_order

SENT = Delivery(provider="small_carrier", paid=Paid.of("4.95", "EUR"))
PORTAL = attrs.evolve(SmallCarrier.capabilities, portal=Support.YES)
_WORDS = TextDomain("retour_tests").text("Open the portal")
PAGE = ShippingOption(
    way=ShippingWay.PORTAL,
    provider="small_carrier",
    label=_WORDS,
    instruction=_WORDS,
    url="https://small-carrier.example/returns",
)


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
    assert any("in het portaal van Small Carrier een label" in one for one in said)


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


def test_of_an_order_without_a_label_whoever_delivered_it_is_asked(make_world: Callable[..., World]) -> None:
    world = make_world(delivery=SENT)
    world.carrier.portal("P1", parcel="p-1")
    assert world.desk.reconcile_labels("1001").changed
    assert [dict(one.requested) for one in others(world)] == [{"cup": 1}]


# --- found by work() -------------------------------------------------------------------------------------


def with_a_portal(make_world: Callable[..., World], **more: Any) -> World:
    """An order that was delivered by who has a portal."""
    return make_world(delivery=SENT, capabilities=PORTAL, portal_url=lambda *_: PAGE, **more)


def lists(world: World) -> int:
    return world.carrier.calls.count("list_shipments")


def looks(world: World) -> list[Any]:
    query = select(tables.effect).where(tables.effect.c.kind == LookInPortal.kind).order_by(tables.effect.c.id)
    with world.desk._services.store.engine.connect() as connection:
        return list(connection.execute(query))


def test_work_finds_it_once_the_customer_was_led_there(make_world: Callable[..., World]) -> None:
    world = with_a_portal(make_world)
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.carrier.portal("P1", parcel="p-1")
    world.work_for(days=10)
    assert lists(world) == 0, "nobody was led there"
    world.desk.shipping_options("1001")
    world.work_for(minutes=30)
    assert lists(world) == 0, "a webhook is faster"
    world.work_for(hours=1)
    assert [(one.goods, dict(one.requested)) for one in others(world)] == [(GoodsState.APPROVED, {"cup": 1})]
    world.carrier.portal("P2", parcel="p-2")
    world.work_for(hours=8)
    assert [dict(one.requested) for one in others(world)] == [{"cup": 1}, {"cup": 1}]
    world.work_for(days=1)
    assert len(others(world)) == 2


def test_an_order_of_which_nothing_was_known_is_seen_with_what_is_found(make_world: Callable[..., World]) -> None:
    world = with_a_portal(make_world)
    world.desk._services.shops("default").shop.orders["1002"] = an_order(
        a_line("cup", 2), order_id="1002", delivery=SENT
    )
    world.carrier.in_portal["P1"] = Shipment(
        told=Told.READY, parcel="p-1", order_id="1002", items=[SentItem(quantity=2, sku="cup")]
    )
    world.desk.shipping_options("1002")
    world.work_for(hours=2)
    dossier = world.desk.dossier("1002")
    assert [dict(one.requested) for one in dossier.returns.values()] == [{"cup": 2}]
    assert dossier.order is not None


def test_an_order_is_looked_for_once_ever_more_rarely_and_not_for_ever(make_world: Callable[..., World]) -> None:
    world = with_a_portal(make_world)
    for _ in range(3):
        world.desk.shipping_options("1001")
    assert len(looks(world)) == 1
    for _ in range(30):
        world.work_for(days=3)
    assert 12 <= lists(world) <= 20
    asked, [waiting] = lists(world), looks(world)
    long_ago = from_json(LookInPortal, waiting.body).since - datetime.timedelta(days=91)
    over = LookInPortal(provider="small_carrier", account="default", since=long_ago)
    with world.desk._services.store.engine.begin() as connection:
        connection.execute(update(tables.effect).where(tables.effect.c.id == waiting.id).values(body=as_json(over)))
    world.work_for(days=10)
    assert (lists(world), [one.state for one in looks(world)]) == (asked, ["done"])


def test_one_who_is_led_there_months_later_is_looked_for_again(make_world: Callable[..., World]) -> None:
    at = datetime.datetime.fromordinal(WATCHED.days * 8222).replace(tzinfo=datetime.UTC)
    now = [at]
    world = with_a_portal(make_world, desk={"clock": lambda: now[0]})
    for days in (0, 1, 100, 101):
        now[0] = at + datetime.timedelta(days=days)
        world.desk.shipping_options("1001")
    assert len(looks(world)) == 2


def test_looks_are_behind_all_else_and_an_account_is_asked_at_a_pace(make_world: Callable[..., World]) -> None:
    world = with_a_portal(make_world)
    orders = world.desk._services.shops("default").shop.orders
    for number in range(2 * LOOKS_AT_ONCE):
        orders[f"n{number}"] = an_order(a_line("cup", 2), order_id=f"n{number}", delivery=SENT)
        world.desk.shipping_options(f"n{number}")
    assert {(one.behind, one.account) for one in looks(world)} == {(BEHIND_ALL, "small_carrier/default")}
    move_effects(world.desk, datetime.timedelta(hours=2))
    world.desk.work()
    assert lists(world) == LOOKS_AT_ONCE
    world.work_for(minutes=1)
    assert lists(world) == 2 * LOOKS_AT_ONCE


def test_a_provider_that_fails_is_asked_again(make_world: Callable[..., World]) -> None:
    world = with_a_portal(make_world)
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.desk.shipping_options("1001")
    world.carrier.portal("P1", parcel="p-1")
    world.carrier.faults.append(lost)
    world.work_for(hours=2)
    assert (lists(world), others(world)) == (1, [])
    world.work_for(hours=8)
    assert [dict(one.requested) for one in others(world)] == [{"cup": 1}]


def test_of_an_order_that_the_shop_has_no_more_it_is_found_as_it_was_last_seen(
    make_world: Callable[..., World],
) -> None:
    world = with_a_portal(make_world)
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.desk.shipping_options("1001")
    world.carrier.portal("P1", parcel="p-1")
    del world.desk._services.shops("default").shop.orders["1001"]
    world.work_for(hours=2)
    assert [dict(one.requested) for one in others(world)] == [{"cup": 1}]


def test_nobody_is_asked_who_lists_no_shipments(make_world: Callable[..., World]) -> None:
    none = attrs.evolve(PORTAL, list_shipments=Support.PROVIDER_CANNOT)
    world = make_world(delivery=SENT, capabilities=none, portal_url=lambda *_: PAGE)
    assert [one.way for one in world.desk.shipping_options("1001")] == [ShippingWay.PORTAL, ShippingWay.SELF]
    assert looks(world) == []


def test_a_store_that_cannot_keep_a_look_costs_no_customer_his_portal(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = with_a_portal(make_world)

    def locked(*_: object, **__: object) -> None:
        raise StoreLocked(TextDomain("retour_tests").text("Somebody else writes."))

    monkeypatch.setattr(world.desk._services.store, "save", locked)
    assert [one.way for one in world.desk.shipping_options("1001")] == [ShippingWay.PORTAL, ShippingWay.SELF]
    assert looks(world) == []


# --- what is in it ---------------------------------------------------------------------------------------


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
CODES = {one.code for one in REASONS}


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


@pytest.mark.parametrize(
    "announced, codes, chosen, told, in_words",
    [
        pytest.param(["ugly"], ["31"], [(1, "small")], "1 × Cup (Te klein)", "Te klein", id="another one"),
        pytest.param(["small"], ["31"], [], None, "", id="the same one"),
        pytest.param([""], ["31"], [(1, "small")], "1 × Cup (Te klein)", "Te klein", id="one, and none at the shop"),
        pytest.param(["ugly"], [""], [], None, "", id="none"),
        pytest.param(
            ["ugly"], ["14"], [(1, "small_carrier: 14")], "1 × Cup (small_carrier: 14)", "small_carrier: 14",
            id="one that is not on the shop's list",
        ),
        pytest.param(
            ["small", "small"], ["31", "25"], [(1, "broken")], "1 × Cup (Kapot)", "Kapot",
            id="the same one for a part of the units",
        ),
    ],
)  # fmt: skip
def test_the_reason_that_he_chose_in_the_portal_is_kept_beside_the_one_that_he_announced(
    make_world: Callable[..., World],
    announced: list[str],
    codes: list[str],
    chosen: list[tuple[int, str]],
    told: str | None,
    in_words: str,
) -> None:
    world = make_world(desk={"return_reasons": REASONS})
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    shop: Any = world.desk._services.shops("default").shop
    shop.orders["1001"] = an_order(a_line("cup", len(announced)), customer="c-1")
    line = RequestedLine(line_id="cup", quantity=len(announced), reason=announced[0])
    made = world.desk.request_return("1001", [line], by=ANNA, request_id="announced").return_id
    portal_return(world, items=[{"quantity": 1, "sku": "cup", "reason": code} for code in codes])
    found = world.desk.dossier("1001").return_(made)
    assert (world.label().return_id, found.reasons.get("cup", "")) == (made, announced[0])
    assert [(one.quantity, one.reason) for one in found.chosen_in_portal] == chosen
    assert (found.portal_reason_text("cup", "nl"), found.portal_reason_text("pot")) == (in_words, "")
    listed = [code for code in dict.fromkeys([*announced, *[one for _, one in chosen]]) if code in CODES]
    assert world.desk.list_returns(order_id="1001").returns[0].reasons == tuple(listed)
    for code in listed:
        assert made in [one.return_id for one in world.desk.list_returns(reason=code).returns]
    [entry] = [one for one in world.desk.timeline("1001") if one.code == "portal_label_found"]
    label = "De klant heeft in het portaal van Small Carrier een label gemaakt"
    assert entry.text("nl") == (f"{label} en koos daar als reden: {told}" if told else label)
    [his] = [one for one in world.desk.timeline("1001", "customer") if one.code == "portal_label_found"]
    assert his.text("nl") == "Je hebt in het portaal een retourlabel gemaakt"


def test_what_is_said_without_its_number_of_units_is_for_a_person(make_world: Callable[..., World]) -> None:
    world = make_world()
    portal_return(world, items=[{"quantity": 1, "sku": "cup"}, {"quantity": 0, "sku": "cup", "reason": "25"}])
    (found,) = others(world)
    assert (found.goods, dict(found.requested)) == (GoodsState.REQUESTED, {"cup": 1})
    assert "0 × cup" in found.objections[0].because.text("en")


def test_of_an_order_that_nobody_has_it_is_unknown(make_world: Callable[..., World]) -> None:
    world = make_world()
    assert portal_return(world, order_id="9999") == WebhookReceipt(kept=0, unknown=1)


ANOTHER_RETOURS = "lb01KASM4X000000000000000001"


@pytest.mark.parametrize("told", ["listed", "by webhook"])
@pytest.mark.parametrize("label_id", [ANOTHER_RETOURS, "PO-17"])
def test_a_label_that_another_retour_made_at_the_account_is_no_return_of_the_customer(
    make_world: Callable[..., World], label_id: str, told: str
) -> None:
    """Two shops with one account can have an order 1001 each: a program made it, whatever number its order has. What
    somebody else calls a label tells nothing."""
    world = make_world()
    world.order()
    if told == "by webhook":
        portal_return(world, reference="F1", label_id=label_id)
    else:
        items = [SentItem(quantity=1, sku="cup")]
        world.carrier.in_portal["F1"] = Shipment(
            told=Told.READY, reference="F1", parcel="p-F1", label_id=label_id, order_id="1001", items=items
        )
        world.desk.reconcile_labels("1001")
    assert len(others(world)) == (0 if label_id == ANOTHER_RETOURS else 1)


def test_json_of_the_helper_is_what_a_carrier_sends() -> None:
    _, body = signed_webhook({"id": "e", "told": "ready"}, items=[{"quantity": 1}])
    assert json.loads(body)[0]["items"] == [{"quantity": 1}]
