"""What cannot be at a provider is refused by its sandbox before anything is written, in the language of who asks."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lived_sandboxes import KINDS
from scriptless_browser import Browser

from retour import Money
from retour.model.money import _DECIMALS
from retour.sandbox import NotPossible
from retour_manual_transfer.sandbox import BankSandbox
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_stripe.sandbox import StripeSandbox

PAYMENTS = [kind for name, kind in KINDS.items() if name not in ("sendcloud", "smallpost")]


@pytest.fixture(params=PAYMENTS, ids=lambda kind: kind.provider, scope="module")
def sandbox(request: pytest.FixtureRequest) -> Iterator[Any]:
    with request.param() as made:
        yield made


def unless_refused(act: Any, *given: Any) -> str:
    """What an act gave; nothing where the sandbox says that it cannot be."""
    try:
        made: str = act(*given)
    except NotPossible as refused:
        return "" if refused.message.readable else "unreadable"
    return made


def written(sandbox: Any) -> tuple[int, int, int]:
    books = sandbox.ledger
    back = [one for payment in books.payments.values() for one in payment.charge_backs]
    return len(books.payments), len(books.refunds), len(back)


@given(
    currency=st.sampled_from(sorted(_DECIMALS)),
    paid=st.integers(min_value=1, max_value=10**9),
    part=st.integers(min_value=1, max_value=1000),
)
@settings(max_examples=20, deadline=None)
def test_every_amount_that_comes_into_the_books_can_be_shown_and_told(
    sandbox: Any, currency: str, paid: int, part: int
) -> None:
    """A payment that has no words at its provider made an error of each page and answer that it stood in."""
    amount, before = Money(minor=paid, currency=currency), written(sandbox)
    payment = unless_refused(sandbox.pay, amount)
    if not payment:
        assert written(sandbox) == before
        return
    back = Money(minor=min(part, paid), currency=currency)
    for act in ("refund_in_dashboard", "charge_back"):
        before = written(sandbox)
        if hasattr(sandbox, act) and not unless_refused(getattr(sandbox, act), payment, back):
            assert written(sandbox) == before or act == "charge_back"  # PayPal gives a charge-back no name
    sandbox.take_webhooks()
    page = Browser().get(sandbox.dashboard_page(payment))
    assert page.status == 200
    assert " ".join(amount.render().split()) in page.words


@pytest.mark.parametrize(
    "kind, amount, currency, english, dutch",
    [
        (PayPalSandbox, "1.234", "KWD", "PayPal takes no payments in KWD.", "Bij PayPal kan niet in KWD worden"),
        (PayPalSandbox, "1200", "ISK", "PayPal takes no payments in ISK.", "Bij PayPal kan niet in ISK worden"),
        (PayPalSandbox, "10.5", "HUF", "cannot be paid at PayPal", "bedragen in HUF gaan daar in stappen van"),
        (MollieSandbox, "1.234", "KWD", "Mollie takes no payments in KWD.", "Bij Mollie kan niet in KWD worden"),
        (StripeSandbox, "1.234", "KWD", "cannot be paid at Stripe", "bedragen in KWD gaan daar in stappen van"),
        (StripeSandbox, "1.230", "IQD", "Stripe takes no payments in IQD.", "Bij Stripe kan niet in IQD worden"),
    ],
)
def test_an_amount_that_the_provider_cannot_have_is_refused_on_its_dashboard(
    kind: Any, amount: str, currency: str, english: str, dutch: str
) -> None:
    with kind() as sandbox:
        for language, sentence in (("en", english), ("nl", dutch)):
            browser = Browser(language)
            typed = amount.replace(".", ",") if language == "nl" else amount
            after = browser.send(
                browser.get(sandbox.dashboard_url).form("pay"), amount=typed, amount__currency=currency
            )
            assert after.status == 422
            assert sentence in after.said("alert")
        assert written(sandbox) == (0, 0, 0)


@pytest.mark.parametrize(
    "kind, action, typed, dutch",
    [
        (MollieSandbox, "pay", {"amount": "10", "reference": "pi_1"}, "pi_1 is geen betaling van Mollie."),
        (PayPalSandbox, "pay", {"amount": "10", "reference": "tr_1"}, "tr_1 is geen betaling van PayPal."),
        (StripeSandbox, "pay", {"amount": "10", "reference": "cs_live_1"}, "cs_live_1 is niet van de modus test."),
        (BankSandbox, "upload", {}, "Dit is geen XML"),
        (SendcloudSandbox, "portal", {"order_id": "1001", "items": "theepot"}, "Er is geen pakket van bestelling 1001"),
    ],
)
def test_a_refusal_is_read_in_dutch_on_a_dutch_page(kind: Any, action: str, typed: dict[str, str], dutch: str) -> None:
    with kind() as sandbox:
        browser = Browser("nl")
        page = browser.get(sandbox.dashboard_url)
        file = ("transfers.xml", b"%PDF") if action == "upload" else None
        assert dutch in browser.send(page.form(action), file=file, **typed).said("alert")


def test_a_transfer_in_another_currency_than_its_invoice_is_counted_apart() -> None:
    with BankSandbox() as bank:
        invoice = bank.pay(Money.of("94.95", "EUR"), reference="invoice 1001")
        bank.refund_in_dashboard(invoice, Money.of("10", "USD"))
        bank.refund_in_dashboard(invoice, Money.of("5", "EUR"))
        assert [str(one.amount) for one in bank.books(invoice)] == ["EUR 5.00"]
        assert [str(one.amount) for one in bank.statement()] == ["USD -10.00", "EUR -5.00"]
        assert Browser().get(bank.dashboard_page(invoice)).status == 200
        assert Browser().get(bank.dashboard_url).status == 200


FOR_DEVELOPERS = {
    "one_refund": "asks for a webhook, which only tests do",
    "webhook_about": "asks for a webhook, which only tests do",
    "spoilt": "spoils a webhook, which only tests do",
    "send_webhook": "is given an address by whoever starts a sandbox",
    "refuse_next": "is given an issue by a test",
    "move_dispute": "is given a status by an action that is declared",
}


def folder_of(package: str) -> Path:
    return Path(str(importlib.import_module(package).__file__)).parent


def raised_in(module: Path) -> Iterator[tuple[str, str]]:
    """The functions of a module that raise a `ValueError` of plain words, each with its line."""
    tree = ast.parse(module.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Raise)
                    and isinstance(node.exc, ast.Call)
                    and ast.unparse(node.exc.func) == "ValueError"
                ):
                    yield function.name, f"{module}:{node.lineno}"


def test_whatever_a_sandbox_refuses_to_a_person_is_a_sentence_in_his_language() -> None:
    packages = ["retour.sandbox", *[kind.__module__.partition(".")[0] for kind in KINDS.values()]]
    files = [file for name in packages if "." in name or "_" in name for file in folder_of(name).glob("*.py")]
    modules = {file for file in files if "sandbox" in str(file.relative_to(file.parents[1]))}
    assert len(modules) > 30
    found = [(function, where) for module in modules for function, where in raised_in(module)]
    assert [where for function, where in found if function not in FOR_DEVELOPERS] == []
    assert {function for function, _ in found} == set(FOR_DEVELOPERS)
