"""The first page: what waits for the merchant, for how long, and what he does about it there."""

from __future__ import annotations

import pytest
from flask import Flask
from page_queries import queries_of
from scriptless_browser import Form, Page, ShopBrowser

from retour import Actor, AttentionKind, Counted, RefundState
from retour.model.attention import STEP_WORDS
from retour.sandbox import Fault
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes
from webshop.steps import AT_THE_ORDER, NEEDS

ANNA = Actor.staff("anna")


def form_for(page: Page, step: str) -> Form:
    """The first form of the page that takes a step."""
    found = [one for one in page.forms if ("step", step) in one.buttons]
    assert found, f"nothing to {step}: {page.words}"
    return found[0]


def test_it_is_the_first_page_and_says_that_nothing_waits(merchant: ShopBrowser) -> None:
    page = merchant.get("/")
    assert page.path == "/attention"
    assert "Er wacht niets op je" in page.words


def test_an_item_says_what_it_is_since_when_and_of_which_order(merchant: ShopBrowser, shop: RunningShop) -> None:
    outcome = shop.desk.mark_returned("1002", by=ANNA)
    page = merchant.get("/attention")
    assert "De vraag over de voorraad" in page.words or "voorraad" in page.words
    assert "wacht " in page.words
    links = [given.get("href") for tag, given in page.elements if tag == "a"]
    assert "/orders/1002" in links
    assert f"/orders/1002/stock/{outcome.return_id}" in links


def test_what_only_has_to_be_seen_is_acknowledged_with_its_reason(merchant: ShopBrowser, shop: RunningShop) -> None:
    units = shop.port.order("1001").lines[0].ordered  # type: ignore[union-attr]
    counted = [Counted(line_id="line-1", sellable=units, surplus=2)]
    shop.desk.mark_returned("1001", counted, by=ANNA, request_id="f" * 32)
    form = form_for(merchant.get("/attention"), "acknowledge")
    pages = [merchant.send(form, ("step", "acknowledge"), note="De klant mag ze houden") for _ in range(2)]
    assert "Opgeslagen" in pages[0].words
    assert pages[1].status == 200
    assert "Er wacht niets op je" in pages[0].words
    assert [one.note for one in shop.desk.timeline("1001")].count("De klant mag ze houden") == 1


def test_of_a_refund_that_nobody_knows_its_provider_is_asked_from_there(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    shop.desk.mark_returned("1007", by=ANNA)
    [option] = shop.desk.refund_options("1007")
    sandboxes.payment("stripe").server.faults.append(Fault.CUT_AFTER)
    shop.desk.refund("1007", option.payment.id, option.suggested, by=ANNA, request_id="f" * 32)
    page = merchant.get("/attention")
    assert "Het is onbekend of een terugbetaling is gedaan" in page.words
    page = merchant.send(form_for(page, "reconcile"), ("step", "reconcile"))
    assert page.path == "/attention"
    assert "Er wacht niets op je" in page.words
    [refund] = shop.desk.dossier("1007").refunds.values()
    assert refund.state is RefundState.SUCCEEDED


def test_a_refund_that_came_back_can_be_made_anew_and_a_field_that_is_wrong_keeps_its_form(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    shop.desk.mark_returned("1007", by=ANNA)
    [option] = shop.desk.refund_options("1007")
    refund = shop.desk.refund("1007", option.payment.id, option.suggested, by=ANNA, request_id="f" * 32).refund
    assert refund is not None
    sandboxes.payment("stripe").fail(refund.reference)
    shop.desk.reconcile("1007")
    page = merchant.get("/attention")
    assert [one.kind for one in shop.desk.attention().items] == [AttentionKind.REFUND_REVERSED]
    assert "/orders/1007#h-payments" in [given.get("href") for _, given in page.elements]
    form = form_for(page, "acknowledge")
    long = merchant.send(form, ("step", "acknowledge"), note="x" * 1001)
    assert long.status == 422
    again = form_for(long, "acknowledge")
    assert again.fields["request_id"] == form.fields["request_id"]
    assert again.fields["note"] == "x" * 1001
    assert shop.desk.attention().items


def test_what_is_gone_meanwhile_is_told_on_top(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.mark_returned("1002", by=ANNA)
    page = merchant.get("/attention")
    fields = {**page.forms[-1].fields, "kind": "stock_question", "order": "1002"}
    form = Form(page=page.url, action="/attention", method="post", fields=fields)
    form.fields |= {"about": "rt_no_such", "form": "item-gone", "request_id": "a" * 32}
    form.buttons = [("step", "acknowledge")]
    refused = merchant.send(form, ("step", "acknowledge"))
    assert refused.status == 409
    assert [given["role"] for _, given in refused.elements if given.get("role") == "alert"] == ["alert"]


def test_nonsense_does_nothing(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.mark_returned("1002", by=ANNA)
    token = merchant.get("/attention").forms[0].fields["csrf_token"]
    for kind, step in (("x", "acknowledge"), ("stock_question", "close"), ("stock_question", "")):
        sent = {"csrf_token": token, "kind": kind, "step": step, "order": "1002", "request_id": "a" * 32}
        assert merchant.client.post("/attention", data=sent).status_code == 400
    for path in ("?kind=x", "?after=x", "?after=%00&kind=stock_question"):
        assert merchant.get(f"/attention{path}").status == 200


def test_every_step_that_the_desk_names_has_its_place_or_is_known_to_have_none() -> None:
    of_its_own_page, nowhere_yet = {"answer_restock"}, {"order_label", "correct_receipt"}
    assert set(STEP_WORDS) == set(NEEDS) | AT_THE_ORDER | of_its_own_page | nowhere_yet


def test_the_page_costs_the_same_however_much_waits(app: Flask, merchant: ShopBrowser, shop: RunningShop) -> None:
    for order_id in ("1002", "1003"):
        shop.desk.mark_returned(order_id, by=ANNA)
    few = queries_of(merchant, shop, "/attention")
    for order_id in ("1008", "1009", "1014"):
        shop.desk.mark_returned(order_id, by=ANNA)
    assert queries_of(merchant, shop, "/attention") == few


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_more_than_a_page_goes_on_from_the_last(
    merchant: ShopBrowser, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webshop.pages.attention.PAGE", 2)
    waiting = ["1002", "1003", "1008"]
    for order_id in waiting:
        shop.desk.mark_returned(order_id, by=ANNA)
    first = merchant.get("/attention")
    [following] = [given["href"] for _, given in first.elements if given.get("rel") == "next"]
    second = merchant.get(following)
    assert [one in first.html for one in waiting] == [True, True, False]
    assert "/orders/1008" in second.html
    assert "Naar de eerste pagina" in second.words
