"""The same form, sent several times at the same moment: one of them does it, and all of them say so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from scriptless_browser import Form, ShopBrowser

from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

AT_ONCE = 4


def sent_at_once(app: Flask, merchant: ShopBrowser, form: Form, **typed: str) -> list[int]:
    """The status of each answer to a form that is sent by several tabs at once."""
    cookie = merchant.client.get_cookie("session")
    assert cookie is not None

    def send(_: int) -> int:
        tab = app.test_client()
        tab.set_cookie("session", cookie.value)
        return tab.post(form.action, data={**form.fields, **typed}).status_code

    with ThreadPoolExecutor(AT_ONCE) as tabs:
        return list(tabs.map(send, range(AT_ONCE)))


def test_a_refund_that_is_sent_several_times_at_once_is_made_once(
    app: Flask, merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes
) -> None:
    form = merchant.get("/orders/1001").form("/refunds")
    assert set(sent_at_once(app, merchant, form, way="api", amount="5,00")) == {303}
    order = shop.port.order("1001")
    assert order is not None
    assert [refund.amount.minor for refund in shop.desk.dossier("1001").refunds.values()] == [500]
    assert len(sandboxes.payment("mollie").books(order.payments[0].reference)) == 1


def test_a_return_that_is_saved_several_times_at_once_is_restocked_once(
    app: Flask, merchant: ShopBrowser, shop: RunningShop
) -> None:
    form = merchant.get("/orders/1001").form("/status")
    assert set(sent_at_once(app, merchant, form, status="returned")) == {303}
    [return_] = shop.desk.dossier("1001").returns.values()
    order = shop.port.order("1001")
    assert order is not None
    assert return_.moved() == {line.id: line.ordered for line in order.goods}


def test_a_question_that_is_answered_several_times_at_once_has_one_answer(
    app: Flask, merchant: ShopBrowser, shop: RunningShop
) -> None:
    asked = merchant.send(merchant.get("/orders/1002").form("/status"), status="returned")
    form = asked.form(asked.path)
    assert set(sent_at_once(app, merchant, form, answer="ok")) == {303}
    [return_] = shop.desk.dossier("1002").returns.values()
    order = shop.port.order("1002")
    assert order is not None
    assert return_.moved() == {line.id: line.ordered for line in order.goods}
