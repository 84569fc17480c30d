"""A return of which nothing more comes is ended on the page of its order, and goes on where that was wrong."""

from __future__ import annotations

import attrs
import pytest
from scriptless_browser import Form, Page, ShopBrowser

from retour import Actor, GoodsState, RestockDecision
from webshop.running import RunningShop

ANNA, BUYER = Actor.staff("anna"), Actor.customer("klant-1002")


@pytest.fixture
def return_id(shop: RunningShop) -> str:
    """A return of both products of order 1002."""
    asked = shop.desk.request_return("1002", {"line-1": 1, "line-2": 1}, by=BUYER, request_id="a" * 32)
    return str(asked.return_id)


def form_of(page: Page) -> Form:
    return page.form("/end")


def goods(shop: RunningShop) -> GoodsState:
    [return_] = shop.desk.dossier("1002").returns.values()
    return return_.goods


def test_a_return_that_will_not_come_is_cancelled_and_goes_on_when_it_does(
    merchant: ShopBrowser, shop: RunningShop, return_id: str
) -> None:
    page = merchant.get("/orders/1002")
    assert form_of(page).buttons == [("step", "cancel_return")]
    cancelled = merchant.send(form_of(page), ("step", "cancel_return"), note="Klant belde")
    assert goods(shop) is GoodsState.CANCELLED
    assert "geannuleerd." in cancelled.said()
    assert "Klant belde" in [one.note for one in shop.desk.timeline("1002")]
    assert form_of(cancelled).buttons == [("step", "reopen_return")]
    merchant.send(form_of(cancelled), ("step", "reopen_return"))
    assert goods(shop) is GoodsState.APPROVED


def test_a_return_of_which_the_rest_does_not_come_is_closed(
    merchant: ShopBrowser, shop: RunningShop, return_id: str
) -> None:
    shop.desk.receive("1002", return_id, {"line-1": 1}, by=ANNA, request_id="b" * 32)
    assert not merchant.get("/orders/1002").has_form("/end")  # the question about the stock is open
    shop.desk.answer_restock("1002", return_id, RestockDecision.all(), by=ANNA)
    page = merchant.get("/orders/1002")
    assert "Sluit de retour" in page.words
    merchant.send(form_of(page), ("step", "close_return"))
    assert goods(shop) is GoodsState.CLOSED


def test_what_is_not_possible_any_more_is_told_and_what_is_no_ending_is_no_form(
    merchant: ShopBrowser, shop: RunningShop, return_id: str
) -> None:
    form = form_of(merchant.get("/orders/1002"))
    shop.desk.receive("1002", return_id, {"line-1": 1}, by=ANNA, request_id="b" * 32)
    refused = merchant.send(form, ("step", "cancel_return"))
    assert (refused.status, goods(shop)) == (409, GoodsState.PARTLY_RECEIVED)
    assert refused.said("alert")
    fields = {**form.fields, "step": "receive"}
    assert merchant.send(attrs.evolve(form, fields=fields)).status == 400
