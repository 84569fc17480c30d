"""The figures: their numbers, their pictures, and what they cost."""

from __future__ import annotations

import datetime

import pytest
from flask import Flask
from page_queries import queries_of
from scriptless_browser import ShopBrowser

from retour import Actor, Money, RequestedLine
from webshop import figures
from webshop.figures import FIGURES, Asked, Figure
from webshop.languages import say
from webshop.running import RunningShop

ANNA = Actor.staff("anna")


def figure(app: Flask, shop: RunningShop, name: str, *, days_later: int = 0) -> Figure:
    """A figure as it is, or as it will be some days later."""
    now = shop.now + datetime.timedelta(days=days_later)
    with app.test_request_context(headers={"Accept-Language": "nl"}):
        app.preprocess_request()
        return FIGURES[name](Asked(desk=shop.desk, weeks=4, now=now, language="nl", say=say))


def numbers(found: Figure) -> dict[str, float]:
    return {row.label: row.value for row in found.rows if row.value}


def ask(shop: RunningShop, order_id: str, reason: str) -> None:
    line = RequestedLine(line_id="line-1", quantity=1, reason=reason)
    shop.desk.request_return(order_id, [line], by=ANNA, request_id=order_id * 8)


def test_a_shop_without_returns_has_no_figures(merchant: ShopBrowser) -> None:
    page = merchant.get("/figures")
    assert page.words.count("Nog niets.") == len(FIGURES)
    assert not [tag for tag, _ in page.elements if tag == "img"]


def test_returns_are_counted_in_the_week_in_which_they_began(app: Flask, shop: RunningShop) -> None:
    for order_id in ("1001", "1002", "1004"):
        shop.desk.mark_returned(order_id, by=ANNA)
    assert [row.value for row in figure(app, shop, "over-time").rows] == [0, 0, 0, 3]
    assert [row.value for row in figure(app, shop, "over-time", days_later=7).rows] == [0, 0, 3, 0]
    assert figure(app, shop, "over-time", days_later=28).empty


def test_reasons_are_counted_the_most_frequent_first(app: Flask, shop: RunningShop) -> None:
    for order_id, reason in (("1001", "too_small"), ("1004", "does_not_work"), ("1007", "does_not_work")):
        ask(shop, order_id, reason)
    assert list(numbers(figure(app, shop, "reasons")).items()) == [("Werkt niet", 2), ("Te klein", 1)]


def test_money_that_went_back_is_counted_by_its_days_and_what_waits_by_its_amount(
    app: Flask, shop: RunningShop
) -> None:
    desk = shop.desk
    for order_id in ("1007", "1004"):
        desk.mark_returned(order_id, by=ANNA)
    [option] = desk.refund_options("1007")
    desk.refund("1007", option.payment.id, Money.of("5", "EUR"), by=ANNA, request_id="f" * 32)
    [invoice] = desk.refund_options("1004")
    desk.refund("1004", invoice.payment.id, Money.of("7.50", "EUR"), by=ANNA, request_id="f" * 32)
    assert numbers(figure(app, shop, "days-to-refund")) == {"0 tot en met 1": 1}
    [row] = figure(app, shop, "money-waiting").rows
    assert (row.label, row.value, row.words.replace("\xa0", " ")) == ("Wacht op een overboeking", 7.5, "€ 7,50 (1)")


def test_products_are_counted_in_units_that_came_back(app: Flask, shop: RunningShop) -> None:
    shop.desk.mark_returned("1002", by=ANNA)
    ask(shop, "1004", "too_small")  # announced, and not here
    order = shop.port.order("1002")
    assert order is not None
    assert numbers(figure(app, shop, "products")) == {line.name: line.ordered for line in order.lines}


def over(app: Flask, shop: RunningShop) -> dict[str, str]:
    """What each figure says that it is over."""
    return {name: figure(app, shop, name).over for name in FIGURES}


def test_each_figure_says_what_its_numbers_are_over(app: Flask, shop: RunningShop) -> None:
    for order_id in ("1001", "1002", "1007"):
        shop.desk.mark_returned(order_id, by=ANNA)
    [option] = shop.desk.refund_options("1007")
    shop.desk.refund("1007", option.payment.id, Money.of("5", "EUR"), by=ANNA, request_id="f" * 32)
    said = over(app, shop)
    assert said["over-time"].startswith("3 retouren, begonnen van ")
    assert said["reasons"].startswith("Van 3 retouren in deze periode.")
    assert said["days-to-refund"].startswith("Van 1 terugbetaling die")
    assert said["money-waiting"] == (
        "Van alle bestellingen, los van de periode; tussen haakjes staat het aantal terugbetalingen."
    )
    assert said["products"] == "Van 3 retouren in deze periode."


def test_a_figure_of_the_newest_returns_or_of_some_products_says_so(
    app: Flask, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order_id in ("1001", "1002", "1007"):
        shop.desk.mark_returned(order_id, by=ANNA)
    monkeypatch.setattr(figures, "MOST", 2)
    monkeypatch.setattr(figures, "SHOWN", 1)
    newest = [shop.port.order(order_id) for order_id in ("1002", "1007")]
    products = {line.name for order in newest if order is not None for line in order.goods}
    found = figure(app, shop, "products")
    assert len(found.rows) == 1
    assert found.over.startswith("Van de nieuwste 2 van de 3 retouren in deze periode.")
    assert f"Van {len(products)} producten kwam iets terug; dit zijn de 1 met de meeste stuks." in found.over


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_figure_is_a_picture_in_which_nothing_runs_with_its_numbers_beside_it(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    ask(shop, "1001", "too_small")
    shop.desk.mark_returned("1002", by=ANNA)
    page = merchant.get("/figures?weeks=4")
    assert "Van 2 retouren in deze periode." in page.words
    pictures = [given for tag, given in page.elements if tag == "img"]
    assert [given["src"] for given in pictures] == [
        f"/figures/{name}.svg?weeks=4" for name in ("over-time", "reasons", "products")
    ]
    assert all("tabel" in given["alt"] for given in pictures)
    for given in pictures:
        answer = merchant.client.get(given["src"])
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
        assert "<script" not in answer.text
        assert "onclick" not in answer.text
        assert "href=" not in answer.text
    assert "Te klein" in merchant.client.get("/figures/reasons.svg", headers={"Accept-Language": "nl"}).text
    assert merchant.get("/figures/no-such.svg").status == 404
    assert merchant.get("/figures?weeks=100000").status == 200


def test_the_page_costs_the_same_however_many_returns_there_are(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.mark_returned("1001", by=ANNA)
    merchant.get("/figures")  # the first look of a process finds out that no row is of an older release
    paths = ("/figures", *[f"/figures/{name}.svg" for name in FIGURES])
    few = [queries_of(merchant, shop, path) for path in paths]
    for order_id in ("1002", "1003", "1004", "1007", "1008"):
        shop.desk.mark_returned(order_id, by=ANNA)
    assert [queries_of(merchant, shop, path) for path in paths] == few
