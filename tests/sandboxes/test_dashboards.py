"""The dashboards of all sandboxes, as a browser without scripts shows them: what every one of them promises."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from dashboard_browser import Browser, Page
from testing.acme_pay import AcmePaySandbox
from testing.small_post import PortalPostSandbox

from retour import Actor, MemoryShop, Money, ReturnDesk
from retour.sandbox import (
    Fault,
    ShippingSandbox,
)
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.sandbox import BankSandbox
from retour_manual_transfer.waiting import put_in_batch, transfers_of
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_stripe.sandbox import StripeSandbox

KINDS: dict[str, Any] = {
    "mollie": MollieSandbox,
    "stripe": StripeSandbox,
    "paypal": PayPalSandbox,
    "manual_transfer": BankSandbox,
    "sendcloud": SendcloudSandbox,
    "acmepay": AcmePaySandbox,
    "smallpost": PortalPostSandbox,
}
PAYING = ["mollie", "stripe", "paypal"]
ANNA = Actor.staff("anna")
PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")


@pytest.fixture(params=KINDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Any]:
    with KINDS[request.param]() as made:
        yield made


of = pytest.mark.parametrize
only = of("sandbox", PAYING, indirect=True)


@pytest.fixture
def browser() -> Browser:
    return Browser()


# --- every action of every sandbox -----------------------------------------------------------------------


def lived(sandbox: Any) -> None:
    """Things of every kind that the sandbox can have, each in a state of its own."""
    if isinstance(sandbox, ShippingSandbox):
        for order in ("1001", "1002"):
            sandbox.send(order, postal_code="1012 LM")
            sandbox.return_in_portal(order, {"teapot": 2})
        sandbox.advance(datetime.timedelta(hours=1))
    sandbox.hold()
    sandbox.server.faults.append(Fault.CUT_AFTER)
    if isinstance(sandbox, ShippingSandbox):
        return
    sandbox.refund_in_dashboard(sandbox.pay(PAID), PART)
    for name in ("open_dispute", "charge_back", "open_inquiry"):
        if hasattr(sandbox, name):
            getattr(sandbox, name)(sandbox.pay(PAID))
    if sandbox.provider == "paypal":
        sandbox.pay(PAID, status="PENDING")


def typed_for(sandbox: Any, page: Page, name: str) -> dict[str, Any]:
    """What somebody types who fills in every field that nothing is suggested in."""
    words = {"amount": "10", "items": "teapot 2", "reference": "", "remittance": "", "order_id": "1001"}
    form = page.form(name)
    return {field: words[field] for field, value in form.fields.items() if not value and field in words}


def pages_of(browser: Browser, sandbox: Any) -> Iterator[Page]:
    """The overview, and every page that it links to."""
    overview = browser.open(sandbox.dashboard_url)
    yield overview
    for url in dict.fromkeys(overview.links.values()):
        if "lang=" not in url and "#" not in url and url != overview.url:
            yield browser.open(url)


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
                page = browser.open(fresh.url + path)
                if page.status == 404:  # PayPal's names are never the same: the first that has it
                    page = next(one for one in pages_of(browser, fresh) if name in {form.name for form in one.forms})
                files = {"file": a_file()} if name == "upload" else None
                after = browser.send(page, name, files, **typed_for(fresh, page, name))
                assert (after.status, after.said("alert")) == (200, ""), name
                assert after.said(), f"{name} says nothing"
                assert "{" not in after.said()
                ran.add(name)
    assert ran == declared


def a_file() -> bytes:
    """A file of one transfer, as the plugin makes it."""
    paid = a_payment("94.95", provider="manual_transfer", reference="invoice 1001", payer=None)
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", gross="94.95"), payments=[paid])]),
        store="sqlite://",
        plugins=["manual_transfer"],
    )
    from retour import BankAccount, Consent, ConsentWay

    jansen = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
    desk.refund("1001", "invoice 1001", PART, by=ANNA, request_id="f", to=jansen, consent=Consent(how=ConsentWay.EMAIL))
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
