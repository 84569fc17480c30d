"""What is done in a dashboard is what happened at the provider: a desk hears of it, or sees it when it looks."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from scriptless_browser import Browser, Page

from retour import Actor, BankAccount, Delivery, MemoryShop, Mode, Money, Paid, ReturnDesk, WrongState
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.sandbox import BankSandbox
from retour_manual_transfer.statement import confirm_statement
from retour_manual_transfer.statement_file import read_statement
from retour_manual_transfer.waiting import put_in_batch, transfers_of
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_stripe.sandbox import StripeSandbox

PROVIDERS: dict[str, Any] = {"mollie": MollieSandbox, "stripe": StripeSandbox, "paypal": PayPalSandbox}
ANNA = Actor.staff("anna")
PAID = Money.of("94.95", "EUR")
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
PAID_BY_BANK = a_payment("94.95", provider="manual_transfer", reference="factuur 1001", payer=JANSEN)


class Shop:
    """A shop with one order, paid at a sandbox, and a merchant at the provider's dashboard."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.browser = Browser()
        self.browser.send(self.browser.get(sandbox.dashboard_url).form("pay"), amount="94.95")
        self.payment = next(iter(sandbox.ledger.payments))
        paid = a_payment("94.95", provider=sandbox.provider, reference=self.payment, mode=Mode.TEST)
        self.desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[paid])]),
            store="sqlite://",
            plugins=[sandbox.provider],
            settings={sandbox.provider: dict(sandbox.settings)},
            clock=sandbox.clock.now,
        )
        self.desk.mark_returned("1001", by=ANNA)

    def page(self) -> Page:
        """The payment's page in the dashboard, by the name that the shop stored."""
        return self.browser.get(self.sandbox.dashboard_page(self.payment))

    def press(self, action: str, page: Page | None = None, **typed: str) -> Page:
        """Press a button there."""
        after = self.browser.send((page or self.page()).form(action), **typed)
        assert (after.status, after.said("alert")) == (200, ""), after.words
        return after

    def refund_page(self) -> Page:
        """The page of the newest refund."""
        return self.browser.get(self.sandbox.dashboard_page(list(self.sandbox.ledger.refunds)[-1], "refunds"))

    def later(self, action: str) -> None:
        """Move the clock, in the overview."""
        self.press(action, self.browser.get(self.sandbox.dashboard_url))

    def look(self) -> list[tuple[str, str]]:
        """What the desk has of refunds once it heard of everything and looked: who made each, and how it is."""
        for webhook in self.sandbox.take_webhooks():
            self.desk.receive_webhook(self.sandbox.provider, webhook.headers, webhook.body, mode=Mode.TEST)
        self.desk.reconcile("1001")
        return [(refund.source.value, refund.state.value) for refund in self.desk.dossier("1001").refunds.values()]

    def left(self) -> Money:
        """What the desk suggests to refund."""
        self.look()
        return self.desk.refund_options("1001")[0].suggested


@pytest.fixture(params=PROVIDERS)
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with PROVIDERS[request.param]() as sandbox:
        made = Shop(sandbox)
        yield made
        made.desk.close()


def of(*providers: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shop", providers, indirect=True)


def test_a_refund_in_the_dashboard_is_one_that_somebody_made_at_the_provider(shop: Shop) -> None:
    said = shop.press("refund", amount="44.95").said()
    [made] = shop.sandbox.books(shop.payment)
    assert said == f"A refund of €44.95 is made: {made.reference}"
    assert [source for source, _ in shop.look()] == ["external"]
    assert made.amount == Money.of("44.95", "EUR")
    assert shop.left() == Money.of("50.00", "EUR")
    shop.later("month-later")
    assert shop.look() == [("external", "succeeded")]


def test_a_refund_closes_the_link_that_was_opened_for_it(shop: Shop) -> None:
    shop.desk.open_refund_link("1001", shop.payment, Money.of("94.95", "EUR"), by=ANNA, request_id="form-1")
    shop.later("hour-later")
    shop.press("refund")
    assert [source for source, _ in shop.look()] == ["link"]


def test_what_is_held_is_pending_until_it_is_let_go(shop: Shop) -> None:
    shop.later("hold")
    shop.press("refund", amount="10")
    shop.later("month-later")
    assert shop.look() == [("external", "pending")]
    shop.later("release")
    shop.later("month-later")
    assert shop.look() == [("external", "succeeded")]


@of("mollie")
def test_the_clock_settles_a_refund_and_one_that_is_delayed_later(shop: Shop) -> None:
    shop.press("refund", amount="10")
    shop.press("delay", shop.refund_page())
    shop.later("day-later")
    shop.later("day-later")
    assert shop.look() == [("external", "pending")]
    shop.later("month-later")
    assert shop.look() == [("external", "succeeded")]


def test_a_refund_that_the_bank_refuses_failed_or_came_back(shop: Shop) -> None:
    shop.press("refund", amount="10")
    before = shop.look()[0][1]
    shop.press("fail", shop.refund_page())
    assert shop.look() == [("external", "failed" if before == "pending" else "reversed")]
    assert shop.left() == PAID
    assert "fail" not in [form.name for form in shop.refund_page().forms]


@of("mollie", "stripe")
def test_what_the_bank_took_back_is_not_suggested_until_it_gives_it_back(shop: Shop) -> None:
    shop.press("charge-back" if shop.sandbox.provider == "mollie" else "dispute")
    assert not shop.left()
    shop.press(*WON[shop.sandbox.provider](shop))
    assert shop.left() == PAID


@of("paypal")
def test_while_a_case_is_open_at_paypal_no_part_of_the_payment_goes_back(shop: Shop) -> None:
    assert "the customer has opened a case" in shop.press("dispute").words
    with pytest.raises(WrongState, match="dispute"):
        shop.desk.refund("1001", shop.payment, Money.of("10", "EUR"), by=ANNA, request_id="form-1")
    shop.press("win")
    outcome = shop.desk.refund("1001", shop.payment, Money.of("10", "EUR"), by=ANNA, request_id="form-2")
    assert outcome.refund is not None
    assert outcome.refund.state.value == "succeeded"


WON: dict[str, Any] = {
    "mollie": lambda shop: ("give-back",),
    "stripe": lambda shop: ("win", dispute_page(shop)),
}


def dispute_page(shop: Shop) -> Page:
    dispute = next(name for name in shop.page().links if name.startswith("dp_"))
    return shop.browser.get(shop.sandbox.dashboard_page(dispute, "disputes"))


@of("stripe", "paypal")
def test_a_dispute_that_is_lost_took_the_money(shop: Shop) -> None:
    shop.press("dispute")
    if shop.sandbox.provider == "stripe":
        shop.press("lose", dispute_page(shop))
    else:
        shop.press("charge-back")
    shop.look()
    assert not shop.left()
    assert shop.desk.refund_options("1001")[0].charged_back == PAID


@of("mollie")
def test_after_a_payout_a_refund_waits_until_customers_pay_again(shop: Shop) -> None:
    balance = shop.browser.get(shop.sandbox.dashboard_page("EUR", "balance"))
    assert "€94.95" in balance.words
    after = shop.press("pay-out", balance)
    assert "€0.00" in after.words
    assert "pay-out" not in [form.name for form in after.forms]
    shop.press("refund", amount="10")
    assert "queued" in shop.refund_page().words
    assert shop.look() == [("external", "pending")]
    shop.press("pay", shop.browser.get(shop.sandbox.dashboard_url), amount="20")
    shop.later("month-later")
    assert shop.look() == [("external", "succeeded")]
    assert shop.sandbox.ledger.balance["EUR"] == Money.of("10.00", "EUR")


def test_a_payout_that_there_is_no_money_for_is_refused(shop: Shop) -> None:
    shop.sandbox.pay_out("EUR")
    with pytest.raises(ValueError, match=r"nothing to pay out: the balance is €0\.00"):
        shop.sandbox.pay_out("EUR")


@of("paypal")
def test_at_paypal_a_payout_leaves_nothing_to_refund_from(shop: Shop) -> None:
    shop.sandbox.pay_out("EUR")
    outcome = shop.desk.refund("1001", shop.payment, Money.of("10", "EUR"), by=ANNA, request_id="form-1")
    assert outcome.refund is not None
    assert outcome.refund.state.value in ("failed", "planned")


def test_a_transfer_at_the_bank_confirms_the_refund_by_its_statement() -> None:
    with BankSandbox() as bank:
        browser = Browser("nl")
        bank.pay(PAID, reference="factuur 1001")
        desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[PAID_BY_BANK])]),
            store="sqlite://",
            plugins=["manual_transfer"],
        )
        outcome = desk.refund("1001", "factuur 1001", Money.of("20", "EUR"), by=ANNA, request_id="form-1")
        page = browser.get(bank.dashboard_page("factuur 1001"))
        said = browser.send(page.form("refund"), amount="20,00", remittance=f"Retour 1001 {outcome.refund_id}").said()
        assert said == "€ 20,00 is overgemaakt: T00000001"
        assert [one.refund.refund_id for one in confirm_statement(desk, bank.statement(), by=ANNA).paid] == [
            outcome.refund_id
        ]
        transfer = browser.get(bank.dashboard_page("T00000001", "refunds"))
        browser.send(transfer.form("fail"))
        confirm_statement(desk, bank.statement(), by=ANNA)
        assert [one.state.value for one in desk.dossier("1001").refunds.values()] == ["reversed"]
        desk.close()


def test_the_statement_that_is_downloaded_at_the_bank_confirms_what_was_handed_in_and_what_came_back() -> None:
    with BankSandbox() as bank:
        assert read_statement("statement.xml", bank.statement_file()) == ()
        desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[PAID_BY_BANK])]),
            store="sqlite://",
            plugins=["manual_transfer"],
        )
        for form in ("form-1", "form-2"):
            desk.refund("1001", "factuur 1001", Money.of("20", "EUR"), by=ANNA, request_id=form)
        batch = put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
        file = pain001(
            Debtor(name="Theewinkel & Zn.", iban="NL02ABNA0123456789"),
            batch,
            batch_id="B1",
            execution_date=datetime.date(2026, 12, 1),
            created_at=datetime.datetime(2026, 11, 30, 9, 0, tzinfo=datetime.UTC),
        )
        browser = Browser()
        after = browser.send(browser.get(bank.dashboard_url).form("upload"), file=("file", file))
        bank.fail("T00000002")
        downloaded = requests.get(after.links["Download the statement (CAMT.053)"], timeout=20)
        assert downloaded.headers["Content-Disposition"] == 'attachment; filename="statement.xml"'
        lines = read_statement("statement.xml", downloaded.content, iban="NL02ABNA0123456789")
        assert lines == bank.statement()
        match = confirm_statement(desk, lines, by=ANNA)
        assert (len(match.paid), len(match.came_back), match.to_look_at) == (1, 1, ())
        desk.close()


def test_a_file_that_is_not_there_is_said() -> None:
    with BankSandbox() as bank:
        assert Browser().get(f"{bank.dashboard_url}/files/other.xml").status == 404


def test_a_portal_return_appears_and_its_parcel_moves() -> None:
    browser = Browser()
    with SendcloudSandbox() as sandbox:
        delivery = Delivery(paid=Paid.of("4.95", "EUR"), provider="sendcloud", number="1001", postal_code="1012 LM")
        desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("teapot", 2), delivery=delivery)]),
            store="sqlite://",
            plugins=["sendcloud"],
            settings={"sendcloud": dict(sandbox.settings)},
            clock=sandbox.clock.now,
        )

        def press(action: str, page: Page | None = None, **typed: str) -> str:
            after = browser.send((page or browser.get(sandbox.dashboard_url)).form(action), **typed)
            assert (after.status, after.said("alert")) == (200, ""), after.words
            for webhook in sandbox.take_webhooks():
                desk.receive_webhook("sendcloud", webhook.headers, webhook.body)
            desk.work()
            return after.said()

        def progress() -> list[str]:
            return [label.progress.value for label in desk.dossier("1001").labels.values()]

        press("send", order_id="1001", postal_code="1012 LM")
        said = press("portal", order_id="1001", items="SKU-teapot 2")
        press("hour-later")
        [label] = [one.reference for one in sandbox.books()]
        assert said == f"The customer has made return {label} in the portal."
        assert len(desk.dossier("1001").returns) == 1
        page = sandbox.dashboard_page(label)
        assert progress() == ["not_sent"]
        press("scan", browser.get(page))
        assert progress() == ["on_its_way"]
        press("deliver", browser.get(page))
        assert progress() == ["delivered"]
        desk.close()


def test_a_label_that_the_carrier_refuses_or_loses_is_so_in_its_books() -> None:
    browser = Browser()
    with SendcloudSandbox() as sandbox:
        overview = browser.get(sandbox.dashboard_url)
        browser.send(overview.form("send"), order_id="1001", postal_code="1012 LM")
        for _ in range(2):
            browser.send(browser.get(sandbox.dashboard_url).form("portal"), order_id="1001", items="teapot")
        browser.send(overview.form("refuse"), because="Zone not served")
        browser.send(browser.get(sandbox.dashboard_url).form("portal"), order_id="1001", items="teapot\ncup 2")
        sandbox.advance(datetime.timedelta(hours=1))
        first, second, third = sandbox.books()
        assert (first.told.value, third.told.value) == ("ready", "refused")
        browser.send(browser.get(sandbox.dashboard_page(first.reference)).form("lose"))
        browser.send(browser.get(sandbox.dashboard_page(second.reference)).form("send-back"))
        assert [one.progress.value for one in sandbox.books()][:2] == ["problem", "returned_to_sender"]
        page = browser.get(sandbox.dashboard_page(third.reference))
        assert [form.name for form in page.forms] == []
        assert "refused" in page.words
