"""A form that makes something makes one, also for who goes back to it and presses again, whether his browser kept the
page or asks for it anew; and who wants another one says so first."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from customer_browser import CODE_TO_SHOW, LABEL_TO_PRINT, announce, say_who
from flask import Flask
from scriptless_browser import Form, Page, ShopBrowser
from sqlalchemy import update

from retour import Actor, Counted
from webshop import tables
from webshop.once import Making
from webshop.running import RunningShop

MADE_BEFORE = "is er al zo een opgeslagen"


@attrs.frozen
class Making1002:
    """A form that makes something of order 1002: whose it is, the page on which it stands, where it is sent to, and
    what is filled in; and how many of what it makes there are."""

    by_customer: bool
    page: Callable[[RunningShop], str]
    action: str
    filled: Mapping[str, str]
    otherwise: Mapping[str, str]
    """What somebody fills in the second time, who does it differently."""

    count: Callable[[RunningShop], int]
    press: tuple[str, str] | None = None

    def fill(self, browser: ShopBrowser, form: Form, *, otherwise: bool = False) -> Page:
        """Send it."""
        return browser.send(form, self.press, **(self.otherwise if otherwise else self.filled))


def only_return(shop: RunningShop) -> str:
    """The return of the order."""
    return next(iter(shop.desk.dossier("1002").returns))


FORMS = {
    "a customer's return": Making1002(
        by_customer=True,
        page=lambda _: "/return/new",
        action="/return/new",
        filled={"units-line-1": "1"},
        otherwise={"units-line-2": "1"},
        count=lambda shop: len(shop.desk.dossier("1002").returns),
    ),
    "a customer's label": Making1002(
        by_customer=True,
        page=lambda shop: f"/return/{only_return(shop)}/label",
        action="/label",
        filled={"option": LABEL_TO_PRINT},
        otherwise={"option": CODE_TO_SHOW},
        count=lambda shop: len(shop.desk.dossier("1002").labels),
    ),
    "a label that staff orders": Making1002(
        by_customer=False,
        page=lambda shop: f"/orders/1002/returns/{only_return(shop)}/label",
        action="/label",
        filled={"option": LABEL_TO_PRINT},
        otherwise={"option": CODE_TO_SHOW, "place": "beside"},
        count=lambda shop: len(shop.desk.dossier("1002").labels),
    ),
    "evidence": Making1002(
        by_customer=False,
        page=lambda shop: f"/orders/1002/returns/{only_return(shop)}/evidence",
        action="/evidence",
        filled={"reference": "map 7, blad 3"},
        otherwise={"reference": "map 7, blad 4"},
        count=lambda shop: len(shop.desk.evidence("1002", only_return(shop))),
    ),
    "a count": Making1002(
        by_customer=False,
        page=lambda _: "/orders/1002/count",
        action="/count",
        filled={"sellable-line-1": "1"},
        otherwise={"damaged-line-2": "1"},
        count=lambda shop: sum(len(one.receipts) for one in shop.desk.dossier("1002").returns.values()),
    ),
    "a refund": Making1002(
        by_customer=False,
        page=lambda _: "/orders/1002",
        action="/refunds",
        filled={"amount": "1,00"},
        otherwise={"amount": "2,00"},
        count=lambda shop: len(shop.desk.dossier("1002").refunds),
        press=("way", "api"),
    ),
}
"""Every form that makes something."""


@pytest.fixture(params=FORMS)
def case(request: pytest.FixtureRequest) -> Making1002:
    """One of them."""
    return FORMS[request.param]


@pytest.fixture
def browser(case: Making1002, app: Flask, merchant: ShopBrowser, shop: RunningShop) -> ShopBrowser:
    """Of whoever has this form. Two units of the first product can come back; where it is about a return, there is
    one."""
    customer = ShopBrowser(app)
    say_who(customer, "1002")
    if case.action in ("/label", "/evidence"):
        announce(customer)
    return customer if case.by_customer else merchant


def test_going_back_and_pressing_again_makes_no_second_one(
    case: Making1002, browser: ShopBrowser, shop: RunningShop
) -> None:
    page = browser.get(case.page(shop))
    before = case.count(shop)
    sent = case.fill(browser, page.form(case.action))
    assert sent.status == 200, sent.words
    assert case.count(shop) == before + 1
    kept = case.fill(browser, page.form(case.action))  # the page as the browser kept it
    assert kept.status == 200, kept.words
    anew = browser.get(page.path)  # or as it asks for it once more
    assert not anew.has_form(case.action)
    assert case.count(shop) == before + 1


def test_a_page_that_was_kept_and_filled_in_otherwise_says_that_it_was_sent_before(
    case: Making1002, browser: ShopBrowser, shop: RunningShop
) -> None:
    form = browser.get(case.page(shop)).form(case.action)
    case.fill(browser, form)
    made = case.count(shop)
    page = case.fill(browser, form, otherwise=True)
    assert page.status == 409
    assert not page.has_form(case.action)
    assert "eerder" in page.words or MADE_BEFORE in page.words
    assert case.count(shop) == made


def test_another_one_is_made_by_who_asks_for_it_and_going_back_to_that_makes_no_third(
    case: Making1002, browser: ShopBrowser, shop: RunningShop
) -> None:
    first = browser.get(case.page(shop))
    case.fill(browser, first.form(case.action))
    made = case.count(shop)
    [again] = [
        given["href"]
        for tag, given in browser.get(first.path).elements
        if tag == "a" and given.get("class") == "button second" and "number=" in browser.get(given["href"]).path
    ]
    second = browser.get(again.partition("#")[0])
    assert case.fill(browser, second.form(case.action), otherwise=True).status == 200
    assert case.count(shop) == made + 1
    back = browser.get(second.path)
    assert MADE_BEFORE in back.words
    assert not back.has_form(case.action)
    assert case.fill(browser, second.form(case.action), otherwise=True).status == 200
    assert case.count(shop) == made + 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing of it is in the database
def test_a_number_that_cannot_be_is_no_form_that_was_shown(
    case: Making1002, browser: ShopBrowser, shop: RunningShop
) -> None:
    form = browser.get(case.page(shop)).form(case.action)
    before = case.count(shop)
    for number in ("", "0", "3", "-1", "1.0", "x", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 5000):
        page = case.fill(browser, attrs.evolve(form, fields={**form.fields, "number": number}))
        assert page.status == 422, number
        assert "Dit formulier is niet volledig" in page.words, number
        assert browser.get(f"{case.page(shop)}?number={number[:100]}").has_form(case.action), number
    assert case.count(shop) == before


def test_the_id_of_a_command_is_that_of_what_is_made_and_of_nothing_else() -> None:
    ids = {
        Making(kind=kind, made=0, number=number).request_id
        for kind in ("count", "return", "label rt_1", "label rt_2", "refund mollie:tr_1", "label rt_1 1")
        for number in (1, 2, 11)
    }
    assert len(ids) == 18
    assert Making(kind="count", made=7, number=2).request_id == Making(kind="count", made=1, number=2).request_id


ONCE_BY_ITSELF = {
    "order.save_status": "a status is what it is, and Returned counts what was not counted",
    "staff_label.cancel": "it is cancelled already",
    "refunds.confirm": "the refund waits no more",
    "refunds.cancel": "the refund waits no more",
    "refunds.retry": "the refund waits no more",
    "refunds.settle": "the refund is known",
    "refunds.reconcile": "asks",
    "attention.act": "what needed attention is gone",
    "transfers.make_batch": "what is in a file waits for no other",
    "transfers.take_out": "it is in no file",
    "transfers.confirm": "the refund waits no more",
    "transfers.read": "a statement is read as often as one likes",
    "labels.print_many": "prints what is there",
    "settings.check": "asks",
    "customer_label.cancel": "it is cancelled already",
    "customer_access.enter": "lets in",
    "customer_access.leave": "ends",
    "languages.choose_language": "is what it is",
    "login.enter": "lets in",
    "login.leave": "ends",
    "login.leave_everywhere": "ends",
    "webhooks.receive": "a webhook is known by its own id",
}
"""Every other form, with why it makes nothing twice."""

MAKES = {
    "customer_request.save",
    "customer_label.order",
    "staff_label.order",
    "evidence.add",
    "counting.save",
    "refunds.make",
}


@attrs.frozen
class Deciding1002:
    """A form that decides something of order 1002, and what somebody does after it that undoes that: whose it is, what
    there is before, the page on which it stands, where it is sent to, and what is filled in."""

    by_customer: bool
    before: Callable[[RunningShop], object]
    page: Callable[[RunningShop], str]
    action: str
    filled: Mapping[str, str]
    undo: Callable[[RunningShop], object]
    press: tuple[str, str] | None = None


ANNA, WHOLE = Actor.staff("anna"), {"line-1": 1, "line-2": 1}


def asked_late(shop: RunningShop) -> None:
    """A return of it was asked for long after it came, so that somebody has to decide."""
    ordered = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=90)
    with shop.engine.begin() as connection:
        connection.execute(update(tables.order).where(tables.order.c.id == "1002").values(placed_at=ordered))
    asked(shop)


def asked(shop: RunningShop) -> None:
    shop.desk.request_return("1002", WHOLE, by=Actor.customer("klant-1002"), request_id="a" * 32)


def counted_in_part(shop: RunningShop) -> None:
    """One unit of it came, of several products, so that the stock is asked about."""
    asked(shop)
    shop.desk.receive("1002", only_return(shop), {"line-1": 1}, by=ANNA, request_id="b" * 32)


def only_receipt(shop: RunningShop) -> str:
    return next(iter(shop.desk.dossier("1002").return_(only_return(shop)).receipts))


def put_right_again(shop: RunningShop) -> None:
    first = Counted(line_id="line-1", sellable=1)
    shop.desk.correct_receipt("1002", only_receipt(shop), [first], by=ANNA)


DECIDES = {
    "deciding.approve": Deciding1002(
        by_customer=False,
        before=asked_late,
        page=lambda _: "/orders/1002",
        action="/approve",
        filled={"instructions": "Doe de bon erbij."},
        undo=lambda shop: shop.desk.approve_return("1002", only_return(shop), by=ANNA, instructions="Zonder bon."),
    ),
    "deciding.reject": Deciding1002(
        by_customer=False,
        before=asked_late,
        page=lambda _: "/orders/1002",
        action="/reject",
        filled={"because": "Te laat."},
        undo=lambda shop: shop.desk.reopen_return("1002", only_return(shop), by=ANNA),
    ),
    "ending.save": Deciding1002(
        by_customer=False,
        before=asked,
        page=lambda _: "/orders/1002",
        action="/end",
        filled={"note": "Klant belde"},
        press=("step", "cancel_return"),
        undo=lambda shop: shop.desk.reopen_return("1002", only_return(shop), by=ANNA),
    ),
    "correcting.save": Deciding1002(
        by_customer=False,
        before=counted_in_part,
        page=lambda shop: f"/orders/1002/receipts/{only_receipt(shop)}",
        action="/receipts/",
        filled={"sellable-line-1": "0", "damaged-line-1": "1"},
        undo=put_right_again,
    ),
    "stock.answer": Deciding1002(
        by_customer=False,
        before=counted_in_part,
        page=lambda shop: f"/orders/1002/stock/{only_return(shop)}",
        action="/stock/",
        filled={},
        press=("answer", "ok"),
        undo=lambda shop: shop.desk.receive("1002", only_return(shop), {"line-2": 1}, by=ANNA, request_id="c" * 32),
    ),
    "customer_return.say_sent": Deciding1002(
        by_customer=True,
        before=asked,
        page=lambda shop: f"/return/{only_return(shop)}",
        action="/sent",
        filled={"carrier": "PostNL", "tracking": "3S1"},
        undo=lambda shop: shop.desk.mark_sent("1002", only_return(shop), by=ANNA, carrier="DHL", tracking="JVGL2"),
    ),
    "customer_return.cancel": Deciding1002(
        by_customer=True,
        before=asked,
        page=lambda shop: f"/return/{only_return(shop)}",
        action="/cancel",
        filled={},
        undo=lambda shop: shop.desk.reopen_return("1002", only_return(shop), by=ANNA),
    ),
}
"""Every form that decides something which somebody can decide otherwise later."""


@pytest.mark.parametrize("name", DECIDES)
def test_a_form_that_decides_does_so_once_and_not_anew_after_it_was_decided_otherwise(
    app: Flask, merchant: ShopBrowser, shop: RunningShop, name: str
) -> None:
    case = DECIDES[name]
    case.before(shop)
    browser = merchant
    if case.by_customer:
        browser = ShopBrowser(app)
        say_who(browser, "1002")
    page = browser.get(case.page(shop))
    [form] = [one for one in page.forms if case.action in f"{one.action}/"]

    def send() -> Page:
        return browser.send(form, case.press, **case.filled)

    before = shop.desk.dossier("1002").version
    assert send().status == 200
    decided = shop.desk.dossier("1002").version
    assert decided > before
    assert send().status == 200
    assert shop.desk.dossier("1002").version == decided
    case.undo(shop)
    undone = shop.desk.dossier("1002").version
    assert undone > decided
    again = send()
    assert (again.status, shop.desk.dossier("1002").version) == (200, undone)
    assert "Er is niets veranderd" in again.words or name in SAYS_WHAT_IS


SAYS_WHAT_IS = {
    "correcting.save": "the question about the stock is open, and is asked",
    "deciding.approve": "it is approved",
    "customer_return.say_sent": "it is on its way",
}
"""Forms after which the page says how it is."""


def test_every_form_either_says_which_one_it_makes_or_why_it_makes_nothing_twice(app: Flask) -> None:
    posted: Any = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert posted == ONCE_BY_ITSELF.keys() | MAKES | DECIDES.keys()
    assert len(posted) == len(ONCE_BY_ITSELF) + len(MAKES) + len(DECIDES)
    assert len(FORMS) == len(MAKES)
