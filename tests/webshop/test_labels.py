"""Labels to print: which are listed, one and many of them as documents, and what cannot be had."""

from __future__ import annotations

import datetime
import io
from typing import Any

import pytest
from page_queries import queries_of
from pypdf import PdfReader
from scriptless_browser import ShopBrowser

from retour import Actor, Address, Parcel, ParcelItem
from retour.sandbox import Fault
from webshop.pages import labels
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

ANNA = Actor.staff("anna")
HOME = Address(name="J. Jansen", street="Damrak 70", postal_code="1012 LM", city="Amsterdam", country="NL")


def label_for(shop: RunningShop, sandboxes: Sandboxes, order_id: str) -> str:
    """Staff orders a label for a unit of an order; gives it when it is ready."""
    desk, sendcloud = shop.desk, sandbox_of(sandboxes)
    asked = desk.request_return(order_id, {"line-1": 1}, by=ANNA, request_id=order_id * 8)
    parcel = Parcel(weight_grams=900, items=[ParcelItem(line_id="line-1", description="Kop", quantity=1)])
    option = desk.label_options(order_id, sender=HOME, parcel=parcel, by=ANNA)[0]
    ordered = desk.order_label(
        order_id, str(asked.return_id), option, sender=HOME, parcel=parcel, by=ANNA, request_id=order_id * 8 + "b"
    )
    sendcloud.advance(datetime.timedelta(minutes=1))
    desk.reconcile_labels(order_id)
    assert ordered.label is not None
    return ordered.label.id


def sandbox_of(sandboxes: Sandboxes) -> Any:
    return sandboxes.running["sendcloud"]


def print_form(merchant: ShopBrowser) -> dict[str, Any]:
    """What the form sends with everything ticked, as it comes from the server."""
    page = merchant.get("/labels")
    ticked = [given["value"] for tag, given in page.elements if given.get("name") == "label" and "checked" in given]
    return {**page.form("/labels/print").fields, "label": ticked}


def test_no_label_waits_where_there_is_none(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.request_return("1001", {"line-1": 1}, by=ANNA, request_id="f" * 32)
    assert "Hier wacht geen label" in merchant.get("/labels").words


def test_a_label_that_is_ready_is_listed_until_a_carrier_has_its_parcel(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    label_id = label_for(shop, sandboxes, "1001")
    page = merchant.get("/labels")
    label = shop.desk.dossier("1001").label(label_id)
    assert label.tracking_number in page.words
    assert "Klant 1001" in page.words
    sandbox_of(sandboxes).scan(label.reference)
    sandbox_of(sandboxes).advance(datetime.timedelta(minutes=1))
    shop.desk.reconcile_labels("1001")
    assert "Hier wacht geen label" in merchant.get("/labels").words


def test_one_label_is_opened_and_no_copy_is_kept(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    label_id = label_for(shop, sandboxes, "1001")
    answer = merchant.client.get(f"/orders/1001/labels/{label_id}")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == "inline; filename=label-1001.pdf"
    assert merchant.client.get(f"/orders/1002/labels/{label_id}").mimetype == "text/html"  # it is of another order


def test_many_labels_are_one_document_with_a_page_for_each(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    for order_id in ("1001", "1002", "1007"):
        label_for(shop, sandboxes, order_id)
    form = print_form(merchant)
    assert len(form["label"]) == 3
    answer = merchant.client.post("/labels/print", data=form)
    assert answer.mimetype == "application/pdf"
    singles = [merchant.client.get(f"/orders/{one.replace('/', '/labels/')}").data for one in form["label"]]
    pages = sum(len(PdfReader(io.BytesIO(one)).pages) for one in singles)
    assert len(PdfReader(io.BytesIO(answer.data)).pages) == pages >= 3


def test_one_that_cannot_be_had_now_is_told_and_none_is_left_out_silently(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order_id in ("1001", "1002"):
        label_for(shop, sandboxes, order_id)
    form = print_form(merchant)
    monkeypatch.setattr(sandbox_of(sandboxes).server, "faulty", lambda request: "label" in request.path)
    sandbox_of(sandboxes).server.faults += [Fault.UNAVAILABLE_503] * 50
    answer = merchant.client.post("/labels/print", data=form, headers={"Accept-Language": "nl"})
    sandbox_of(sandboxes).server.faults.clear()
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert "Laat deze weg, of probeer het later opnieuw" in answer.text
    nothing = merchant.client.post("/labels/print", data={**form, "label": []}, headers={"Accept-Language": "nl"})
    assert (nothing.status_code, "Kies minstens" in nothing.text) == (422, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("named", ["x", "1001/x", "/", "1001/", "../etc/passwd"])
def test_what_is_no_label_is_told(merchant: ShopBrowser, shop: RunningShop, named: str) -> None:
    shop.desk.request_return("1001", {"line-1": 1}, by=ANNA, request_id="f" * 32)
    token = merchant.get("/labels").forms[0].fields["csrf_token"]
    sent = {"csrf_token": token, "request_id": "a" * 32, "label": named}
    assert merchant.client.post("/labels/print", data=sent).status_code == 422
    assert merchant.get("/labels?after=nonsense").status == 404


def test_the_list_asks_as_much_of_the_database_however_many_labels_it_has(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    label_for(shop, sandboxes, "1001")
    merchant.get("/labels")
    few = queries_of(merchant, shop, "/labels")
    for order_id in ("1002", "1007"):
        label_for(shop, sandboxes, order_id)
    assert queries_of(merchant, shop, "/labels") == few


def test_labels_beyond_a_page_are_on_the_next(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "PAGE", 2)
    for order_id in ("1001", "1002", "1007"):
        label_for(shop, sandboxes, order_id)
    first = merchant.get("/labels")
    assert ("Klant 1001" in first.words, "Klant 1007" in first.words) == (True, False)
    (following,) = [given["href"] for tag, given in first.elements if tag == "a" and given.get("rel") == "next"]
    assert "Klant 1007" in merchant.get(following).words


def test_returns_without_a_label_cost_the_list_nothing(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.request_return("1001", {"line-1": 1}, by=ANNA, request_id="f" * 32)
    merchant.get("/labels")
    few = queries_of(merchant, shop, "/labels")
    for order_id in ("1002", "1003", "1004", "1007", "1008"):
        shop.desk.request_return(order_id, {"line-1": 1}, by=ANNA, request_id="f" * 32)
    assert queries_of(merchant, shop, "/labels") == few
