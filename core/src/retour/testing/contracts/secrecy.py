"""Secrets stay where they are: whoever reads a key in a log can send the shop's money anywhere."""

from __future__ import annotations

import logging
import traceback

import pytest

from retour.providers.errors import ProviderError
from retour.sandbox import Fault
from retour.testing.contracts.account import Account, lacks, needs


def _shows(account: Account, words: str) -> list[str]:
    """How long the secrets are that some words hold; the secrets themselves are not repeated."""
    return [f"a secret of {len(secret)} characters" for secret in account.secrets() if secret in words]


def test_no_secret_is_shown_by_the_settings_or_the_provider(account: Account) -> None:
    """Printed, settings and provider show no secret: that is what ends up in error reports."""
    settings, provider = account.settings(), account.provider()
    for shown in (repr(settings), str(settings), repr(provider), str(provider), repr(account.kind)):
        assert _shows(account, shown) == []


@needs("refund_by_api")
def test_no_secret_is_in_the_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing secret is logged, at any level, when all goes well and when it does not."""
    caplog.set_level(logging.DEBUG)
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    for fault in (Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.CUT_AFTER, Fault.NO_JSON_AFTER):
        with account.faults(fault, of=request):
            try:
                provider.refund(request)
            except ProviderError as error:
                logging.getLogger("shop").exception("refund %s: %s", request.refund_id, error)
    provider.refund(request)
    provider.refundable(payment)
    provider.check_settings()
    assert caplog.records
    assert _shows(account, caplog.text) == []


@needs("refund_by_api")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_AFTER, Fault.CUT_AFTER, Fault.NO_JSON_AFTER])
def test_no_secret_is_in_an_error(account: Account, fault: Fault) -> None:
    """What an error says, to people and in its traceback, holds no secret."""
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    with account.faults(fault, of=request), pytest.raises(ProviderError) as caught:
        provider.refund(request)
    error = caught.value
    shown = [str(error), repr(error), error.message, error.provider_code, *traceback.format_exception(error)]
    assert _shows(account, "\n".join(shown)) == []


@needs("refund_by_api")
def test_no_secret_is_in_an_address(account: Account) -> None:
    """A secret is in a header or a body, never in an address: every machine on the way writes those down."""
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    provider.check_settings()
    provider.refundable(payment)
    provider.fetch_refund(request.target, provider.refund(request).reference)
    if not lacks(account.capabilities, "list_refunds"):
        provider.list_refunds(request.target)
    for sent in account.sandbox.server.requests:
        assert _shows(account, "\n".join([sent.path, *sent.query.values()])) == []
