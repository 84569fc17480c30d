"""A parcel that the customer sends himself: which carrier, which number, where it is shown, and the proof of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from shipping.world import ANNA, HOME, JANSEN, SHOP, World

from retour import Audience, EvidenceFile, GoodsState, InvalidArgument
from retour.model.carriers import CARRIERS, carrier_of
from retour.providers import ShippingWay

PROOF = EvidenceFile(reference="uploads/81", name="receipt.jpg")


def sent(world: World, **more: Any) -> Any:
    world.desk.mark_sent("1001", world.return_id, by=JANSEN, **more)
    return world.desk.dossier("1001").return_(world.return_id)


def test_what_the_customer_says_is_on_the_return_and_the_timeline(make_world: Callable[..., World]) -> None:
    world = make_world()
    today = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    return_ = sent(world, tracking="3SABC1", carrier="Post NL", sent_on=today, proof=PROOF)
    assert (return_.goods, return_.carrier, return_.tracking, return_.sent_on) == (
        GoodsState.IN_TRANSIT,
        "Post NL",
        "3SABC1",
        today,
    )
    assert len(return_.proof_ids) == 1
    assert list(world.desk.evidence("1001", world.return_id)) == [PROOF]
    page = "https://jouw.postnl.nl/track-and-trace/3SABC1-NL-1011AA"
    assert world.desk.tracking_page("1001", world.return_id) == page
    for audience in Audience:
        (entry,) = [one for one in world.desk.timeline("1001", audience) if one.code == "return_sent"]
        assert (entry.text("en"), entry.url) == (
            "The goods are on their way with Post NL, tracking number 3SABC1",
            page,
        )


def test_what_is_added_later_takes_nothing_away(make_world: Callable[..., World]) -> None:
    world = make_world()
    sent(world, tracking="3SABC1", carrier="PostNL")
    return_ = sent(world, proof=PROOF)
    assert (return_.carrier, return_.tracking, len(return_.proof_ids)) == ("PostNL", "3SABC1", 1)


def test_a_day_that_is_still_to_come_is_no_day_on_which_it_was_sent(make_world: Callable[..., World]) -> None:
    world = make_world()
    tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=2)
    with pytest.raises(InvalidArgument, match="still to come"):
        sent(world, sent_on=tomorrow)
    assert world.desk.dossier("1001").return_(world.return_id).goods is GoodsState.APPROVED


def test_the_page_of_a_label_is_its_providers(make_world: Callable[..., World]) -> None:
    world = make_world()
    sent(world, tracking="1Z9", carrier="UPS")
    assert world.desk.tracking_page("1001", world.return_id) == "https://www.ups.com/track?tracknum=1Z9"
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    assert world.desk.tracking_page("1001", world.return_id) == "https://www.ups.com/track?tracknum=1Z9"


@pytest.mark.parametrize(
    ("said", "code"),
    [("PostNL", "postnl"), ("post nl", "postnl"), ("DHL eCommerce", "dhl"), ("B-Post", "bpost"), ("GLS", "gls")],
)
def test_a_carrier_is_known_however_it_is_written(said: str, code: str) -> None:
    assert carrier_of(said) == CARRIERS[code]


@pytest.mark.parametrize("said", ["", "a friend", "Homerr", "3SABC1"])
def test_a_carrier_that_is_not_known_has_no_page(said: str) -> None:
    assert carrier_of(said) is None


@pytest.mark.parametrize("code", CARRIERS)
def test_nothing_that_a_customer_types_leaves_the_carriers_page(code: str) -> None:
    page = CARRIERS[code].tracking_page("../?x=1&evil=//a b", SHOP)
    assert page.startswith(CARRIERS[code].page.partition("{")[0])
    assert "evil=" not in page
    assert " " not in page


def test_without_the_shops_address_a_page_that_needs_it_is_none() -> None:
    assert CARRIERS["postnl"].tracking_page("3S", None) == ""
    assert CARRIERS["ups"].tracking_page(" ", HOME) == ""


def test_who_sends_it_himself_is_told_where_to(make_world: Callable[..., World]) -> None:
    world = make_world()
    *_, himself = world.desk.shipping_options("1001")
    assert (himself.way, himself.address) == (ShippingWay.SELF, SHOP)
    for language in ("en", "nl"):
        assert "Webshop, Kade 1, 1011 AA Amsterdam, NL" in himself.instruction.render(language)


def test_a_shop_that_has_not_said_where_to_shows_no_address(make_world: Callable[..., World]) -> None:
    world = make_world(desk={"return_address": lambda shop: None})
    *_, himself = world.desk.shipping_options("1001")
    assert himself.address is None
    assert "to:" not in himself.instruction.render("en")
