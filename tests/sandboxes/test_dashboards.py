"""The dashboards of all sandboxes, as a browser without scripts shows them: what every one of them promises."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import attrs
import pytest
import requests
from lived_sandboxes import KINDS, lived, pages_of
from scriptless_browser import Browser, Page
from testing.acme_pay import AcmePaySandbox

from retour import Actor, BankAccount, MemoryShop, Money, ReturnDesk
from retour.sandbox import (
    DashboardAction,
    DashboardField,
    DashboardTable,
    Fault,
    FieldKind,
    HasDashboard,
    NotPossible,
)
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.sandbox import BankSandbox
from retour_manual_transfer.waiting import put_in_batch, transfers_of
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")


@pytest.fixture(params=KINDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Any]:
    with KINDS[request.param]() as made:
        yield made


@pytest.fixture
def browser() -> Browser:
    return Browser()


# --- every action of every sandbox -----------------------------------------------------------------------


def typed_for(sandbox: Any, page: Page, name: str) -> dict[str, Any]:
    """What somebody types who fills in every field that nothing is suggested in."""
    words = {"amount": "10", "items": "teapot 2", "reference": "", "remittance": "", "order_id": "1001"}
    form = page.form(name)
    return {field: words[field] for field, value in form.fields.items() if not value and field in words}


def test_each_action_that_a_sandbox_declares_is_on_a_page_and_runs(sandbox: Any, browser: Browser) -> None:
    declared = {one.name for one in sandbox.dashboard_actions if one.needs is None or isinstance(sandbox, one.needs)}
    ran: set[str] = set()
    for held in (True, False):
        kind = type(sandbox)
        with kind() as other:
            lived(other)
            if not held:
                other.release()
            offered = {(form.name, page.url) for page in pages_of(browser, other) for form in page.forms if form.name}
        for name, url in sorted(offered):
            if name in ran:
                continue
            path = url[len(other.url) :]
            with kind() as fresh:
                lived(fresh)
                if not held:
                    fresh.release()
                page = browser.get(fresh.url + path)
                if page.status == 404:  # PayPal's names are never the same: the first that has it
                    page = next(one for one in pages_of(browser, fresh) if name in {form.name for form in one.forms})
                file = ("transfers.xml", a_file()) if name == "upload" else None
                after = browser.send(page.form(name), file=file, **typed_for(fresh, page, name))
                assert (after.status, after.said("alert")) == (200, ""), name
                assert after.said(), f"{name} says nothing"
                assert "{" not in after.said()
                ran.add(name)
    assert ran == declared


JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")


def a_file() -> bytes:
    """A file of one transfer, as the plugin makes it."""
    paid = a_payment("94.95", provider="manual_transfer", reference="invoice 1001", payer=JANSEN)
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", gross="94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=["manual_transfer"],
    )
    desk.refund("1001", "invoice 1001", PART, by=ANNA, request_id="form-1")
    batch = put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    file = pain001(
        Debtor(name="Theewinkel B.V.", iban="NL20INGB0001234567"),
        batch,
        batch_id="B1",
        execution_date=datetime.date(2026, 12, 1),
        created_at=datetime.datetime(2026, 11, 30, 9, 0, tzinfo=datetime.UTC),
    )
    desk.close()
    return file


# --- only a person at this computer ----------------------------------------------------------------------


@pytest.fixture
def mollie() -> Iterator[MollieSandbox]:
    with MollieSandbox() as made:
        yield made


@pytest.fixture
def page(mollie: MollieSandbox, browser: Browser) -> Page:
    """The page of a payment of 94.95 euros."""
    return browser.get(mollie.dashboard_page(mollie.pay(PAID)))


def refunds(sandbox: Any) -> list[Money]:
    return [refund.amount for refund in sandbox.ledger.refunds.values()]


@pytest.mark.parametrize("token", ["", "x", "\N{EURO SIGN}", "a" * 32])
def test_a_form_without_the_token_of_this_server_does_nothing(
    mollie: MollieSandbox, browser: Browser, page: Page, token: str
) -> None:
    after = browser.send(page.form("refund"), amount="10", token=token)
    assert after.status == 403
    assert "This form is not from a page of this dashboard." in after.words
    assert refunds(mollie) == []


def test_a_form_of_another_sandbox_does_nothing(mollie: MollieSandbox, browser: Browser, page: Page) -> None:
    with MollieSandbox() as other:
        token = browser.get(other.dashboard_page(other.pay(PAID))).form("refund").fields["token"]
    assert browser.send(page.form("refund"), amount="10", token=token).status == 403
    assert refunds(mollie) == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://{host}"])
def test_a_form_that_another_site_sends_does_nothing_even_with_the_token(
    mollie: MollieSandbox, browser: Browser, page: Page, origin: str
) -> None:
    host = urlsplit(mollie.url).netloc
    form = page.form("refund")
    answer = browser.post(form, form.fields | {"amount": "10"}, headers={"Origin": origin.format(host=host)})
    assert answer.status_code == 403
    assert refunds(mollie) == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[", "evil.example:80"])
def test_a_page_is_not_shown_by_the_name_of_another_site(mollie: MollieSandbox, browser: Browser, host: str) -> None:
    """A name of somebody else's can lead to this computer, and his page could read the token then."""
    answer = browser.get(mollie.dashboard_url, Host=host)
    assert answer.status == 403
    assert answer.forms == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_page_is_shown_by_every_name_of_this_computer(mollie: MollieSandbox, browser: Browser, host: str) -> None:
    assert browser.get(mollie.dashboard_url, Host=f"{host}:{urlsplit(mollie.url).port}").status == 200


def test_nothing_is_done_by_opening_an_address(mollie: MollieSandbox, browser: Browser, page: Page) -> None:
    form = page.form("refund")
    answer = browser.get(f"{mollie.url}{form.action}?{urlencode(form.fields | {'amount': '10'})}")
    assert answer.status == 404
    assert refunds(mollie) == []


def test_the_same_form_twice_is_done_once_and_another_amount_is_another_form(
    mollie: MollieSandbox, browser: Browser, page: Page
) -> None:
    first, again = browser.send(page.form("refund"), amount="10"), browser.send(page.form("refund"), amount="10")
    assert first.said() == again.said() != ""
    assert browser.get(again.url).said() == first.said(), "loading it again does nothing"
    assert len(refunds(mollie)) == 1
    browser.send(page.form("refund"), amount="11")
    browser.send(browser.get(page.url).form("refund"), amount="10")
    assert [amount.minor for amount in refunds(mollie)] == [1000, 1100, 1000]


def test_two_clicks_at_once_are_done_once(mollie: MollieSandbox, page: Page) -> None:
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: Browser().send(page.form("refund"), amount="10").said(), range(8)))
    assert len(set(said)) == 1
    assert len(refunds(mollie)) == 1


def test_the_dashboard_is_no_request_of_a_shop_and_uses_up_no_fault(
    mollie: MollieSandbox, browser: Browser, page: Page
) -> None:
    overview = browser.get(mollie.dashboard_url)
    after = browser.send(overview.form("fault"), fault="connection cut after")
    assert after.said() == "The next thing that your shop sends here goes wrong."
    assert "no connection any more, though it is done" in after.words
    browser.send(page.form("refund"), amount="10")
    assert list(mollie.server.faults) == [Fault.CUT_AFTER]
    assert mollie.server.requests == []
    assert "no-fault" in [form.name for form in after.forms]
    browser.send(after.form("no-fault"))
    assert not mollie.server.faults


# --- what a page is made of ------------------------------------------------------------------------------

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;{of}"""


def test_what_somebody_wrote_is_shown_as_he_wrote_it(browser: Browser) -> None:
    with MollieSandbox() as mollie, SendcloudSandbox() as sendcloud, BankSandbox() as bank:
        payment = mollie.pay(PAID, description=HOSTILE)
        refund = mollie.refund_in_dashboard(payment, PART, description=HOSTILE, metadata={"note": HOSTILE})
        sendcloud.send(HOSTILE, postal_code=HOSTILE)
        label = sendcloud.return_in_portal(HOSTILE, {HOSTILE: 1})
        bank.pay(PAID, reference=f"{HOSTILE} 1")
        pages = [
            browser.get(mollie.dashboard_page(payment)),
            browser.get(mollie.dashboard_page(refund, "refunds")),
            browser.get(f"{mollie.dashboard_url}/payments?{urlencode({'find': HOSTILE})}"),
            browser.get(sendcloud.dashboard_url),
            browser.get(sendcloud.dashboard_page(label)),
            browser.get(bank.dashboard_url),
            browser.get(bank.dashboard_page(f"{HOSTILE} 1")),
            browser.send(browser.get(mollie.dashboard_url).form("pay"), amount=HOSTILE, reference=HOSTILE),
            browser.send(browser.get(mollie.dashboard_url).form("pay"), amount="1", reference=HOSTILE),
            browser.send(browser.get(sendcloud.dashboard_url).form("send"), order_id=HOSTILE, postal_code=HOSTILE),
        ]
        for page in pages:
            assert_safe(page)
            assert "<script>alert(1)" in page.words + "".join(
                value for form in page.forms for value in form.fields.values()
            )


def assert_safe(page: Page) -> None:
    """Nothing on a page runs, loads from elsewhere or styles itself, and the browser is told to allow none of that."""
    for element, given in page.elements:
        assert element not in ("script", "style", "img", "iframe", "object"), page.url
        assert not [name for name in given if name.startswith("on") or name == "style"], (element, given)
        for name in ("href", "src", "action"):
            assert urlsplit(given.get(name) or "").scheme == "", (element, given)
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"


def test_every_page_is_safe_and_can_be_read_by_everybody(sandbox: Any) -> None:
    lived(sandbox)
    for language in ("en", "nl"):
        for page in pages_of(Browser(language), sandbox):
            assert page.status == 200
            assert_safe(page)
            elements = page.elements
            assert ("html", {"lang": language}) in elements
            ids = [given["id"] for _, given in elements if "id" in given]
            assert len(ids) == len(set(ids)), page.url
            labelled = {given["for"] for element, given in elements if element == "label"}
            for element, given in elements:
                if element in ("input", "select", "textarea") and given.get("type") != "hidden":
                    assert given["id"] in labelled, f"{page.url}: nothing says what {given['id']} is"
                for name in (given.get("aria-describedby") or given.get("aria-labelledby") or "").split():
                    assert name in ids, f"{page.url}: {name} is described by nothing"
            assert all(form.on_button for form in page.forms)
            assert [element for element, _ in elements].count("h1") == 1


def test_a_page_is_in_the_readers_language_and_stays_so(mollie: MollieSandbox) -> None:
    payment = mollie.pay(PAID)
    dutch = Browser("nl-NL,nl;q=0.9,en;q=0.8").get(mollie.dashboard_page(payment))
    assert ("html", {"lang": "nl"}) in dutch.elements
    assert "Kan terugbetaald worden € 94,95" in dutch.words.replace("\N{NO-BREAK SPACE}", " ")
    assert dutch.form("refund").fields["amount"] == "94,95"
    english = Browser("nl").get(dutch.links["English"])
    assert english.form("refund").on_button == "Refund"
    after = Browser("nl").send(english.form("refund"), amount="94.95")
    assert after.said().startswith("A refund of €94.95 is made")
    refused = Browser("nl").send(english.form("refund"), amount="95")
    assert Browser("nl").get(refused.links["Nederlands"]).status == 200


def test_what_a_page_needs_besides_is_there(mollie: MollieSandbox) -> None:
    for file, kind in (("style.css", "text/css"), ("icon.svg", "image/svg+xml")):
        answer = requests.get(f"{mollie.dashboard_url}/{file}", timeout=20)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert "@import" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/payments/tr_none",
        "/nothing",
        "/nothing/tr_1",
        "/payments/a/b",
        "/do/refund",
        "/refunds/%00",
        "/payments/..%2f",
    ],
)
def test_a_page_that_is_not_there_is_said(mollie: MollieSandbox, browser: Browser, path: str) -> None:
    page = browser.get(f"{mollie.dashboard_url}{path}")
    assert page.status == 404
    assert "What you look for is not in this sandbox" in page.words
    assert page.links["Mollie"] == mollie.dashboard_url


def test_an_action_that_is_not_there_or_cannot_be_done_now_does_nothing(
    mollie: MollieSandbox, browser: Browser, page: Page
) -> None:
    form = page.form("refund")
    assert browser.send(attrs.evolve(form, action="/dashboard/do/nothing")).status == 404
    fields = form.fields | {"of": "tr_none"}
    assert browser.send(attrs.evolve(form, fields=fields)).status == 404
    after = browser.send(attrs.evolve(form, action="/dashboard/do/give-back"))
    assert (after.status, after.said("alert")) == (422, "This cannot be done now, so nothing was done.")
    assert refunds(mollie) == []


def test_lists_have_pages_and_can_be_searched(mollie: MollieSandbox, browser: Browser) -> None:
    made = [mollie.pay(PAID) for _ in range(60)]
    overview = browser.get(mollie.dashboard_url)
    assert [name for name in overview.links if name.startswith("tr_")] == made[:-11:-1]
    shown = browser.get(overview.links["All of them: 60"])
    found: list[str] = []
    while True:
        found += [name for name in shown.links if name.startswith("tr_")]
        if "Older ones" not in shown.links:
            break
        shown = browser.get(shown.links["Older ones"])
    assert found == made[::-1]
    assert "Page 3 of 3" in shown.words
    searched = browser.get(f"{mollie.dashboard_url}/payments?find={made[7]}")
    assert [name for name in searched.links if name.startswith("tr_")] == [made[7]]
    for odd in ("page=0", "page=99999999999", "page=x", "find=%00", "page=-1"):
        assert browser.get(f"{mollie.dashboard_url}/payments?{odd}").status == 200


# --- amounts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed, why",
    [
        ("", "Enter an amount."),
        ("  ", "Enter an amount."),
        ("0", "The amount has to be above zero."),
        ("0.00", "The amount has to be above zero."),
        ("-1", "-1 is not an amount. Write a number such as 12.50, without points between thousands."),
        ("ten", "ten is not an amount. Write a number such as 12.50, without points between thousands."),
        ("1e3", "1e3 is not an amount."),
        ("1.000,00", "1.000,00 is not an amount."),
        ("1,000", "1,000 has more decimals than EUR has (2)."),
        ("10.999", "10.999 has more decimals than EUR has (2)."),
        ("EUR 10", "EUR 10 is not an amount."),
        ("\N{FULLWIDTH DIGIT ONE}", "\N{FULLWIDTH DIGIT ONE} is not an amount."),
        ("NaN", "NaN is not an amount."),
        ("94.96", "€94.96 is too much: at most €94.95 is possible."),
        ("9" * 400, "is not an amount."),
        ("9" * 501, "Write at most 500 characters."),
    ],
)
def test_a_wrong_amount_is_refused_with_a_sentence_at_its_field_and_stays_there(
    mollie: MollieSandbox, browser: Browser, page: Page, typed: str, why: str
) -> None:
    after = browser.send(page.form("refund"), amount=typed)
    assert after.status == 422
    assert after.said("alert").startswith("Nothing was done yet:")
    assert why in after.said("alert")
    assert after.links[next(words for words in after.links if why in words)].endswith("#refund-amount")
    field = next(given for element, given in after.elements if given.get("id") == "refund-amount")
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "refund-amount-fault")
    assert after.form("refund").fields["amount"].strip() == typed.strip()
    assert refunds(mollie) == []
    assert browser.send(after.form("refund"), amount="10").said() != "", "it can be mended where it is"


@pytest.mark.parametrize(
    "paid, typed, minor",
    [
        ("94.95 EUR", "10", 1000),
        ("94.95 EUR", "10,5", 1050),
        ("94.95 EUR", " 10.50 ", 1050),
        ("94.95 EUR", "0.01", 1),
        ("1200 JPY", "1200", 1200),
        ("12.345 KWD", "1,234", 1234),
        ("12.345 KWD", "1.2", 1200),
    ],
)
def test_an_amount_is_that_of_the_payments_currency(browser: Browser, paid: str, typed: str, minor: int) -> None:
    with AcmePaySandbox() as sandbox:
        amount, currency = paid.split()
        page = browser.get(sandbox.dashboard_page(sandbox.pay(Money.of(amount, currency))))
        assert page.form("refund").fields["amount"] == amount
        assert f"Amount to refund ({currency})" in page.words
        browser.send(page.form("refund"), amount=typed)
        assert refunds(sandbox) == [Money(minor=minor, currency=currency)]


@pytest.mark.parametrize(
    "typed, why",
    [
        ({"amount": "10.5", "amount__currency": "JPY"}, "10.5 has more decimals than JPY has (0)."),
        ({"amount": "10", "amount__currency": "EURO"}, "EURO is not a currency."),
        ({"amount": "10", "amount__currency": ""}, "is not a currency."),
        (
            {"amount": "x", "amount__currency": "JPY"},
            "x is not an amount. Write a number such as 1250, without points between thousands.",
        ),
    ],
)
def test_where_the_currency_is_chosen_it_has_to_be_one(
    mollie: MollieSandbox, browser: Browser, typed: dict[str, str], why: str
) -> None:
    after = browser.send(browser.get(mollie.dashboard_url).form("pay"), **typed)
    assert why in after.said("alert")
    assert mollie.ledger.payments == {}


def test_a_payment_has_the_reference_and_the_currency_that_were_typed(mollie: MollieSandbox, browser: Browser) -> None:
    overview = browser.get(mollie.dashboard_url)
    after = browser.send(overview.form("pay"), amount="1200", amount__currency="jpy", reference="tr_7UhSN1zuXS")
    assert after.said() == "¥1,200 is paid: tr_7UhSN1zuXS"
    again = browser.send(after.form("pay"), amount="1200", reference="tr_7UhSN1zuXS")
    assert again.said("alert") == "tr_7UhSN1zuXS is there already."
    assert [one.amount for one in mollie.ledger.payments.values()] == [Money.of("1200", "JPY")]


# --- other fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed, items",
    [
        ("teapot", {"teapot": 1}),
        ("teapot 2\r\ncup   3", {"teapot": 2, "cup": 3}),
        ("teapot 2, teapot 1;cup × 1", {"teapot": 3, "cup": 1}),
    ],
)
def test_products_are_typed_with_their_number(browser: Browser, typed: str, items: dict[str, int]) -> None:
    with SendcloudSandbox() as sandbox:
        sandbox.send("1001", postal_code="1012 LM")
        after = browser.send(browser.get(sandbox.dashboard_url).form("portal"), order_id="1001", items=typed)
        assert after.said()
        [label] = sandbox.books()
        found = sandbox.asked_of(label.reference)["parcel_items"]
        assert {one["sku"]: one["quantity"] for one in found} == items


@pytest.mark.parametrize(
    "typed, why",
    [
        ({"items": ""}, "Enter at least one product."),
        ({"items": ",\n"}, "Enter at least one product."),
        ({"items": "teapot 0"}, "teapot 0 is not a product and a number"),
        ({"items": "teapot 10001"}, "teapot 10001 is not a product and a number"),
        ({"items": "a teapot of mine"}, "a teapot of mine is not a product and a number"),
        ({"order_id": ""}, "Fill this in."),
        ({"order_id": "1\0"}, "Write it on one line, without special characters."),
        ({"order_id": "1002"}, "No parcel of order 1002 was sent, so the portal knows none."),
    ],
)
def test_what_cannot_come_back_is_said(browser: Browser, typed: dict[str, str], why: str) -> None:
    with SendcloudSandbox() as sandbox:
        sandbox.send("1001", postal_code="1012 LM")
        given = {"order_id": "1001", "items": "teapot 1"} | typed
        assert why in browser.send(browser.get(sandbox.dashboard_url).form("portal"), **given).said("alert")
        assert sandbox.books() == []


def test_a_file_for_the_bank_is_handed_in_once(browser: Browser) -> None:
    with BankSandbox() as bank:
        page, file = browser.get(bank.dashboard_url), a_file()
        assert browser.send(page.form("upload")).said("alert") == "Nothing was done yet: Choose a file."
        assert browser.send(page.form("upload"), file=("file", b"%PDF")).said("alert").startswith("This is no XML")
        assert browser.send(page.form("upload"), file=("file", file)).said() == "Transfers in the file: 1"
        again = browser.send(browser.get(bank.dashboard_url).form("upload"), file=("file", file))
        assert again.said("alert") == "Message B1 was handed in before."
        assert refunds(bank) == [PART]


@pytest.mark.parametrize("body", [b"", b"\xff", b"token=%ff&of=%00", b"--x", b"a=1&a=2"])
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
)
def test_what_is_no_form_does_nothing(mollie: MollieSandbox, body: bytes, kind: str) -> None:
    answer = requests.post(f"{mollie.dashboard_url}/do/pay", data=body, headers={"Content-Type": kind}, timeout=20)
    assert answer.status_code == 403
    assert mollie.ledger.payments == {}


# --- where it is, and a sandbox of somebody else ---------------------------------------------------------


def test_the_page_of_a_payment_is_found_by_every_name_that_a_shop_stored(browser: Browser) -> None:
    with StripeSandbox() as stripe, PayPalSandbox() as paypal:
        for sandbox in (stripe, paypal):
            assert isinstance(sandbox, HasDashboard)
            payment = sandbox.pay(PAID)
            pages = {
                browser.get(sandbox.dashboard_page(name)).form("refund").fields["of"] for name in sandbox.names(payment)
            }
            assert pages == {payment}


def test_every_sandbox_says_where_its_dashboard_is(sandbox: Any, browser: Browser) -> None:
    assert isinstance(sandbox, HasDashboard)
    assert sandbox.dashboard_url == f"{sandbox.url}/dashboard"
    assert sandbox.dashboard_page("a/b c").endswith("/a%2Fb%20c")
    assert browser.get(f"{sandbox.dashboard_url}/").status == 200


def test_the_clock_is_moved_for_everything(sandbox: Any, browser: Browser) -> None:
    before = sandbox.clock.now()
    for action in ("hour-later", "day-later", "month-later"):
        browser.send(browser.get(sandbox.dashboard_url).form(action))
    assert sandbox.clock.now() - before == datetime.timedelta(days=31, hours=1)


TABLE = DashboardTable(name="notes", title="Notes", things=lambda sandbox: [], called=str, columns=())


def an_action(**more: Any) -> DashboardAction:
    return DashboardAction(**({"name": "note", "label": "Note", "method": "note", "done": "Noted."} | more))


@pytest.mark.parametrize(
    "actions, tables, why",
    [
        ([an_action(method="forget")], [], "Noting has no method 'forget', which its action 'note' calls"),
        ([an_action(table="nothing")], [], "Noting has no table 'nothing', of which its action 'note' is"),
        ([an_action(), an_action()], [], "Noting declares 'note' twice"),
        ([], [TABLE, TABLE], "Noting declares 'notes' twice"),
        ([an_action(name="Take a note")], [], "'Take a note' cannot stand in an address"),
        ([], [attrs.evolve(TABLE, name="do")], "'do' cannot stand in an address"),
        ([an_action(given={"other": 1})], [], "got an unexpected keyword argument 'other'"),
        ([an_action(table="notes")], [TABLE], "Noting.note for its action 'note': too many positional arguments"),
        (
            [an_action(fields=[DashboardField(name="other", label="Other")])],
            [],
            "Noting.note for its action 'note': got an unexpected keyword argument 'other'",
        ),
    ],
)
def test_what_a_sandbox_declares_wrongly_is_told_when_it_is_made(
    actions: list[DashboardAction], tables: list[DashboardTable], why: str
) -> None:
    class Noting(AcmePaySandbox):
        dashboard_actions = actions
        dashboard_tables = tables

        def note(self) -> None: ...

    with pytest.raises(TypeError, match=re.escape(why)):
        Noting()


def test_a_sandbox_that_breaks_says_how_and_goes_on(
    mollie: MollieSandbox, browser: Browser, page: Page, capfd: pytest.CaptureFixture[str]
) -> None:
    mollie.new_id = lambda prefix: {}[prefix]  # type: ignore[method-assign]
    after = browser.send(page.form("refund"), amount="10")
    assert after.status == 500
    assert "Something is wrong in this sandbox KeyError: 're'" in after.words
    assert "Traceback" in capfd.readouterr().err
    assert browser.get(mollie.dashboard_url).status == 200


def test_a_sandbox_that_can_do_more_has_its_button_by_saying_so(browser: Browser) -> None:
    class Telling(AcmePaySandbox):
        told: ClassVar[list[tuple[str, str]]] = []
        dashboard_actions = (
            *AcmePaySandbox.dashboard_actions,
            DashboardAction(
                name="tell",
                label="Tell the customer",
                method="tell_customer",
                table="payments",
                fields=(
                    DashboardField(
                        name="how", label="How", kind=FieldKind.CHOICE, choices={"mail": "By mail", "phone": "By phone"}
                    ),
                ),
                done="The customer knows.",
            ),
        )

        def tell_customer(self, payment: str, how: str) -> None:
            self.told.append((payment, how))

        def charge_back(self, reference: str, amount: Money | None = None) -> str:
            return self.ledger.charge_back(self.stored(reference), amount, reference="cb_1").id

    with Telling() as sandbox:
        page = browser.get(sandbox.dashboard_page(sandbox.pay(PAID)))
        assert "charge-back" in [form.name for form in page.forms], "since it has the method now"
        assert (
            browser.send(page.form("tell"), how="pigeon").said("alert") == "Nothing was done yet: Choose one of these."
        )
        assert browser.send(page.form("tell"), how="phone").said() == "The customer knows."
        assert sandbox.told == [(next(iter(sandbox.ledger.payments)), "phone")]


@pytest.mark.parametrize(
    "kind, status, state",
    [
        (MollieSandbox, "open", "not paid"),
        (StripeSandbox, "requires_action", "not paid"),
        (PayPalSandbox, "PENDING", "not paid yet"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_word_of_the_providers_api(
    kind: type[Any], status: str, state: str
) -> None:
    with kind() as sandbox:
        payment = sandbox.pay(Money.of("40", "EUR"), status=status)
        with pytest.raises(NotPossible) as refused:
            sandbox.refund_in_dashboard(payment, Money.of("40", "EUR"))
        said = [refused.value.message.render(language) for language in ("en", "nl")]
        assert said[0].endswith(f"€0.00 can be. How the payment is: {state}.")
        assert "niet betaald" in said[1] or "nog niet betaald" in said[1]
        paid = sandbox.pay(Money.of("40", "EUR"))
        refund = sandbox.refund_in_dashboard(paid, Money.of("40", "EUR"))
        sandbox.fail(refund)
        with pytest.raises(NotPossible) as refused:
            sandbox.fail(refund)
        said += [refused.value.message.render(language) for language in ("en", "nl")]
        assert said[2:] == [f"{refund} has ended already: failed.", f"{refund} is al beëindigd: mislukt."]
        assert [one for one in said if status in one] == []
