"""A sandbox of each kind in which something happened, for tests of what their dashboards show."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from scriptless_browser import Browser, Page
from testing.acme_pay import AcmePaySandbox
from testing.small_post import PortalPostSandbox

from retour import Money
from retour.sandbox import Fault, ShippingSandbox
from retour_manual_transfer.sandbox import BankSandbox
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_stripe.sandbox import StripeSandbox

PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")
KINDS: dict[str, Any] = {
    "mollie": MollieSandbox,
    "stripe": StripeSandbox,
    "paypal": PayPalSandbox,
    "manual_transfer": BankSandbox,
    "sendcloud": SendcloudSandbox,
    "acmepay": AcmePaySandbox,
    "smallpost": PortalPostSandbox,
}


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


def pages_of(browser: Browser, sandbox: Any) -> Iterator[Page]:
    """The overview, and every page that it links to."""
    overview = browser.get(sandbox.dashboard_url)
    yield overview
    for url in dict.fromkeys(overview.links.values()):
        if "lang=" not in url and "#" not in url and "/files/" not in url and url != overview.url:
            yield browser.get(url)
