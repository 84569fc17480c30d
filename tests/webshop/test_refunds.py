"""The money: by the provider's API, at the provider, by bank transfer, and what is not clear."""

from __future__ import annotations

import pytest
from scriptless_browser import Form, Page, ShopBrowser

from retour import RefundState
from retour.sandbox import Fault
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes


def returned(merchant: ShopBrowser, order_id: str) -> Page:
    """The order's page after all of it came back."""
    return merchant.send(merchant.get(f"/orders/{order_id}").form("/status"), status="returned")


def states(shop: RunningShop, order_id: str) -> list[RefundState]:
    return [one.state for one in shop.desk.dossier(order_id).refunds.values()]


def refund_form(page: Page) -> Form:
    return page.form("/refunds")


def test_what_came_back_is_suggested_and_the_amount_can_be_changed(merchant: ShopBrowser, shop: RunningShop) -> None:
    assert refund_form(merchant.get("/orders/1001")).fields["amount"] == ""
    page = returned(merchant, "1001")
    [option] = shop.desk.refund_options("1001")
    assert refund_form(page).fields["amount"] == str(option.suggested.decimal).replace(".", ",")
    page = merchant.send(refund_form(page), ("way", "api"), amount="5,00")
    [refund] = shop.desk.dossier("1001").refunds.values()
    assert refund.amount.minor == 500
    assert "Terugbetaling van €" in page.words


def test_the_delivery_that_no_suggestion_has_in_it_is_told_until_it_went_back(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    told, no_instruction = "voor de bezorging", "terug op de pagina van de betaling"
    assert told not in merchant.get("/orders/1001").words
    page = returned(merchant, "1001")
    assert f"In het voorstel zit geen € 4,95 {told}." in page.words
    page = merchant.send(refund_form(page), ("way", "api"))
    assert told in page.words
    assert no_instruction not in page.words  # where nothing is suggested, no amount is
    [option] = shop.desk.refund_options("1001")
    again = refund_form(merchant.get(f"/orders/1001?payment={option.payment.id}&number=2"))
    page = merchant.send(again, ("way", "api"), amount="4,95")
    assert shop.desk.refund_options("1001")[0].left.minor == 0
    assert told not in page.words


@pytest.mark.parametrize("order_id", ["1001", "1007", "1013"])
def test_a_refund_by_api_is_made_once_however_often_it_is_pressed(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes, order_id: str
) -> None:
    form = refund_form(returned(merchant, order_id))
    pages = [merchant.send(form, ("way", "api")) for _ in range(3)]
    assert {page.status for page in pages} == {200}
    assert len(states(shop, order_id)) == 1
    [option] = shop.desk.refund_options(order_id)
    assert len(sandboxes.payment(option.payment.provider).books(option.payment.reference)) == 1
    assert str(option.refunded.decimal).replace(".", ",") == form.fields["amount"]


def test_one_form_is_one_refund_also_where_it_says_another_amount_the_second_time(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    form = refund_form(returned(merchant, "1001"))
    merchant.send(form, ("way", "api"), amount="5,00")
    page = merchant.send(form, ("way", "api"), amount="6,00")
    assert page.status == 409
    assert len(states(shop, "1001")) == 1


def test_a_refund_in_the_dashboard_is_found_and_ends_the_one_that_waited(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    page = merchant.send(refund_form(returned(merchant, "1001")), ("way", "link"))
    assert states(shop, "1001") == [RefundState.AWAITING_MERCHANT]
    assert "Betaal terug bij Mollie" in page.words
    [option] = shop.desk.refund_options("1001")
    assert option.link.url in page.html
    [refund] = shop.desk.dossier("1001").refunds.values()
    sandboxes.payment("mollie").refund_in_dashboard(option.payment.reference, refund.amount)
    merchant.send(page.form("/reconcile"))
    assert len(states(shop, "1001")) == 1
    assert states(shop, "1001")[0] in (RefundState.PENDING, RefundState.SUCCEEDED)


def test_a_refund_by_bank_transfer_shows_the_account_with_a_qr_code_and_is_confirmed(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    page = merchant.send(refund_form(returned(merchant, "1004")), ("way", "transfer"))
    assert "Maak het geld over" in page.words
    assert "NL91ABNA0417164300" in page.words
    [code] = [given["src"] for tag, given in page.elements if tag == "img"]
    assert merchant.client.get(code).mimetype == "image/svg+xml"
    form = page.form("/confirm")
    empty = merchant.send(form, reference=" ")
    assert (empty.status, empty.form("/confirm").fields["request_id"]) == (422, form.fields["request_id"])
    for _ in range(2):
        page = merchant.send(form, reference="2026-1201-17")
    assert states(shop, "1004") == [RefundState.SUCCEEDED]
    assert page.path == "/orders/1004"


def test_another_account_needs_the_customers_consent(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = refund_form(returned(merchant, "1001"))
    account = {"account_name": "Klant 1001", "iban": "NL91 ABNA 0417 1643 00"}
    refused = merchant.send(form, ("way", "transfer"), **account)
    assert refused.status == 409
    assert refund_form(refused).fields["iban"] == account["iban"]
    assert states(shop, "1001") == []
    merchant.send(refund_form(refused), ("way", "transfer"), consent="email")
    assert states(shop, "1001") == [RefundState.AWAITING_MERCHANT]


def test_a_refund_that_waits_can_be_cancelled(merchant: ShopBrowser, shop: RunningShop) -> None:
    page = merchant.send(refund_form(returned(merchant, "1001")), ("way", "link"))
    page = merchant.send(page.form("/cancel"))
    assert states(shop, "1001") == [RefundState.CANCELLED]
    assert not page.has_form("/cancel")


def test_an_unclear_refund_says_not_to_refund_again_and_what_to_do(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    page = returned(merchant, "1007")
    [option] = shop.desk.refund_options("1007")
    sandboxes.payment("stripe").server.faults.append(Fault.CUT_AFTER)
    merchant.send(refund_form(page), ("way", "api"))
    page = merchant.get("/orders/1007")
    assert states(shop, "1007") == [RefundState.UNKNOWN]
    assert "Betaal niet nog eens terug" in page.words
    merchant.send(merchant.get("/orders/1007").form("/reconcile"))
    assert len(sandboxes.payment("stripe").books(option.payment.reference)) == 1
    assert states(shop, "1007")[0] in (RefundState.PENDING, RefundState.SUCCEEDED)


@pytest.mark.parametrize("typed", ["", "0", "0,00", "-5", "1.234,50", "5,005", "vijf", "1e3", "9" * 400])
def test_what_is_no_amount_is_told_at_its_field(merchant: ShopBrowser, shop: RunningShop, typed: str) -> None:
    page = merchant.send(refund_form(returned(merchant, "1001")), ("way", "api"), amount=typed)
    assert page.status == 422
    assert refund_form(page).fields["amount"] == typed
    assert ("input", "true") in [
        (tag, given.get("aria-invalid")) for tag, given in page.elements if given.get("name") == "amount"
    ]
    assert states(shop, "1001") == []


def test_more_than_is_left_is_refused_in_a_sentence(merchant: ShopBrowser, shop: RunningShop) -> None:
    page = merchant.send(refund_form(returned(merchant, "1001")), ("way", "api"), amount="9999")
    assert page.status == 409
    assert states(shop, "1001") == []
