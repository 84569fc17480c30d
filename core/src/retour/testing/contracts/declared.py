"""What a provider says of itself: its class, its capabilities, its settings. The core believes all of it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

import pytest

from retour.model.money import currency_decimals
from retour.providers.capabilities import Support
from retour.providers.errors import ErrorCode
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import lacks, needs, refused

PROMISED = {
    "refund_by_api": ("refund",),
    "refundable": ("refundable",),
    "payment_names": ("payment_names",),
    "fetch_refund": ("fetch_refund",),
    "check_settings": ("check_settings",),
    "find_refund": ("find_refund",),
    "list_refunds": ("list_refunds",),
    "cancel_refund": ("cancel_refund",),
    "webhooks": ("parse_webhook",),
}
"""The methods that a declared capability promises."""

_HEADER = re.compile(r"[A-Za-z0-9-]+")


def test_a_declared_capability_has_its_method(account: Account) -> None:
    """What the data declares, the class can do; refund links it can always make.

    The core calls what is declared without looking again, when money is already on its way.
    """
    missing = [
        f"{capability} is declared, and there is no method {method}"
        for capability, methods in PROMISED.items()
        if not lacks(account.capabilities, capability)
        for method in methods
        if not callable(getattr(account.kind, method, None))
    ]
    assert missing == []
    assert callable(account.kind.refund_url)


def test_the_declared_facts_can_be_true(account: Account) -> None:
    """Currencies exist, windows are longer than nothing, a header is one.

    The core decides by these numbers whether a refund that nobody heard of may be sent again.
    """
    declared = account.capabilities
    for currency in declared.currencies:
        currency_decimals(currency)
    if declared.idempotency is not None:
        assert declared.idempotency.window > datetime.timedelta(0)
        if declared.refund_by_api is Support.YES:
            header, field = declared.idempotency.header, declared.idempotency.field
            assert header or field, "repeats are recognised, and nothing is named that carries the key: header or field"
            assert field or _HEADER.fullmatch(header), f"{header} is no header: a key in the body has a field"
    if declared.lookup_complete_after is not None:
        assert declared.lookup_complete_after >= datetime.timedelta(0)
        assert declared.find_refund is Support.YES, "a lookup is said to be complete, and there is no full one"
    if declared.refund_window_days is not None:
        assert declared.refund_window_days > 0


@needs("refund_by_api", "check_settings")
def test_settings_that_work_are_told_to_work(account: Account) -> None:
    """`check_settings` raises nothing for an account that works, however often, and moves no money.

    A check that refuses keeps a shop from refunding at all; one that refunds pays for each look.
    """
    payment = account.pay()
    provider = account.provider()
    provider.check_settings()
    provider.check_settings()
    assert account.books(payment) == []


@needs("refund_by_api")
def test_a_wrong_secret_is_told_before_and_at_a_refund(account: Account) -> None:
    """With another secret a refund says that the settings must be mended, and so does the check where there is one, and
    no refund is made.

    A person mends it and the same refund goes out; told as final, the customer would have been told no.
    """
    payment = account.pay()
    request = account.request(payment)
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    wrong = account.provider(given)
    calls: list[Callable[[], object]] = [lambda: wrong.refund(request)]
    if not lacks(account.capabilities, "check_settings"):
        calls.append(wrong.check_settings)
    for call in calls:
        error = refused(call, "a wrong secret was used")
        assert error.code in (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION)
        assert error.disposition == "fix"
    assert account.books(payment) == []
    assert account.provider().refund(request).amount == request.amount
