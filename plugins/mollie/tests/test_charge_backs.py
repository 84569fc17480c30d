"""What a customer's bank took back of a payment at Mollie, and what it gave back since, however Mollie totals it."""

from __future__ import annotations

import attrs
import pytest

from retour.providers import Money, Payment
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_mollie import provider as provider_module
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox

PAID = Money.of("94.95", "EUR")
NOTHING = Money.zero("EUR")

EITHER_WAY = pytest.mark.parametrize("falls", [True, False], ids=["the total falls", "the total stays"])
"""Whether ``amountChargedBack`` falls when a chargeback is reversed: its description says "the total amount that was
charged back for this payment", which can be read either way."""


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def asked(sandbox: MollieSandbox) -> list[str]:
    """The paths that were asked for, which this forgets."""
    paths = [request.path.rpartition("/")[2] for request in sandbox.server.requests]
    sandbox.server.requests.clear()
    return paths


def told_otherwise(sandbox: MollieSandbox, status: int, body: object = None) -> None:
    """The list of chargebacks is answered with something else."""
    truth = sandbox.server.handle

    def handle(request: SandboxRequest) -> SandboxResponse:
        response = truth(request)
        if not request.path.endswith("/chargebacks"):
            return response
        return SandboxResponse(status=status, body=response.body if body is None else body)

    sandbox.server.handle = handle


@EITHER_WAY
def test_what_was_reversed_is_the_merchants_again_and_can_be_refunded(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment, *, falls: bool
) -> None:
    sandbox.reversal_lowers_the_total = falls
    sandbox.charge_back(paid.reference)
    can = mollie.refundable(paid)
    assert (can.charged_back, can.remaining, can.possible) == (PAID, NOTHING, False)
    sandbox.give_back(paid.reference)
    can = mollie.refundable(paid)
    assert (can.charged_back, can.remaining, can.possible) == (NOTHING, PAID, True)


@EITHER_WAY
def test_of_several_those_that_were_not_reversed_count(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment, *, falls: bool
) -> None:
    sandbox.reversal_lowers_the_total = falls
    sandbox.charge_back(paid.reference, eur("25.00"))
    sandbox.give_back(paid.reference)
    sandbox.charge_back(paid.reference, eur("10.01"))
    sandbox.charge_back(paid.reference, eur("30.00"))
    can = mollie.refundable(paid)
    assert (can.charged_back, can.remaining) == (eur("40.01"), eur("54.94"))


def test_only_a_payment_of_which_something_was_charged_back_takes_one_question_more(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment
) -> None:
    mollie.refundable(paid)
    assert asked(sandbox) == [paid.reference]
    sandbox.charge_back(paid.reference, eur("10.00"))
    mollie.refundable(paid)
    assert asked(sandbox) == [paid.reference, "chargebacks"]


@EITHER_WAY
def test_where_they_come_with_the_payment_nothing_more_is_asked(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment, *, falls: bool
) -> None:
    sandbox.reversal_lowers_the_total = falls
    sandbox.charge_back(paid.reference)
    sandbox.give_back(paid.reference)
    sandbox.charge_back(paid.reference, eur("10.00"))
    truth = sandbox.server.handle
    sandbox.server.handle = lambda request: truth(attrs.evolve(request, query={"embed": "refunds,chargebacks"}))
    assert mollie.refundable(paid).charged_back == eur("10.00")
    assert asked(sandbox) == [paid.reference]


@EITHER_WAY
def test_all_pages_of_them_are_read(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment, monkeypatch: pytest.MonkeyPatch, *, falls: bool
) -> None:
    monkeypatch.setattr(provider_module, "LARGEST_PAGE", 2)
    sandbox.reversal_lowers_the_total = falls
    for _ in range(3):
        sandbox.charge_back(paid.reference, eur("10.00"))
    sandbox.give_back(paid.reference)
    for _ in range(2):
        sandbox.charge_back(paid.reference, eur("5.00"))
    assert mollie.refundable(paid).charged_back == eur("10.00")
    assert asked(sandbox) == [paid.reference, *["chargebacks"] * 3]


@pytest.mark.parametrize("status", [403, 404, 422, 500])
def test_where_they_cannot_be_listed_the_total_counts(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment, status: int
) -> None:
    """It is no less than what the bank has, and what was read is not lost."""
    sandbox.reversal_lowers_the_total = False
    sandbox.charge_back(paid.reference, eur("25.00"))
    sandbox.give_back(paid.reference)
    sandbox.charge_back(paid.reference, eur("10.00"))
    told_otherwise(sandbox, status, {"status": status, "title": "No", "detail": "no", "_links": {}})
    can = mollie.refundable(paid)
    assert (can.charged_back, can.remaining) == (eur("35.00"), eur("59.95"))


@pytest.mark.parametrize("shown", ["none of them", "of another payment", "in another currency"])
def test_a_list_that_does_not_explain_the_total_is_not_believed_for_less(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment, shown: str
) -> None:
    sandbox.charge_back(paid.reference, eur("25.00"))
    page = sandbox._answers.chargebacks(sandbox.stored(paid.reference), first=0, limit=50)
    [one] = page["_embedded"]["chargebacks"]
    one["reversedAt"] = "2026-11-10T10:00:00+00:00"
    if shown == "none of them":
        page["_embedded"]["chargebacks"] = []
    elif shown == "of another payment":
        one["paymentId"] = "tr_of_somebody_else"
    else:
        one["amount"] = {"currency": "USD", "value": "25.00"}
    told_otherwise(sandbox, 200, page)
    can = mollie.refundable(paid)
    assert (can.charged_back, can.remaining) == (eur("25.00"), eur("69.95"))


def test_what_mollie_still_offers_of_what_a_bank_has_is_not_told_as_left(
    sandbox: MollieSandbox, mollie: Mollie, paid: Payment
) -> None:
    """Whether ``amountRemaining`` falls by a chargeback is not documented: it is never more than the bank leaves."""
    sandbox.charge_back(paid.reference, eur("90.00"))
    truth = sandbox.server.handle

    def handle(request: SandboxRequest) -> SandboxResponse:
        response = truth(request)
        if not isinstance(response.body, dict) or response.body.get("resource") != "payment":
            return response
        whole = {"amountRemaining": {"currency": "EUR", "value": "94.95"}}
        return attrs.evolve(response, body=response.body | whole)

    sandbox.server.handle = handle
    can = mollie.refundable(paid)
    assert (can.charged_back, can.remaining, can.possible) == (eur("90.00"), eur("4.95"), True)
