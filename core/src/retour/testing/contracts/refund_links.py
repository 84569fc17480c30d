"""Refund links: where a person goes to refund by hand. They are there when everything else is not."""

from __future__ import annotations

import datetime
from urllib.parse import urlsplit

import pytest

from retour.model.money import Money
from retour.model.order import Mode
from retour.model.refunds import LinkKind, LinkRequest, RefundLink
from retour.providers.http import Answer, ProviderSession
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import needs

ODD_REFERENCES = {
    "nothing": "",
    "a blank": " ",
    "a word": "cash",
    "a path": "../../admin",
    "an address": "https://example.org/?a=b#c",
    "a query": "x?amount=1&amount=2#all",
    "markup": '"><script>alert(1)</script>',
    "two lines": "one\r\nHost: two",
    "another script": "発注-١٢٣-é",
    "half a character": "\ud800",
    "a null": "a\x00b",
    "very long": "9" * 5000,
}
"""What stands where a payment's reference should be, in shops that were migrated, patched or attacked."""


class _NoCalls(ProviderSession):
    """A session that makes no call, and remembers that it was asked to."""

    def __init__(self) -> None:
        super().__init__(deadline=0.1)
        self.asked: list[str] = []

    def read(self, url: str, **_: object) -> Answer:
        self.asked.append(f"GET {url}")
        raise OSError("a refund link is made without a call")

    def write(self, method: str, url: str, **_: object) -> Answer:
        self.asked.append(f"{method} {url}")
        raise OSError("a refund link is made without a call")


def _link(account: Account, reference: str, mode: Mode = Mode.TEST) -> RefundLink:
    """The link for a payment, made without a call."""
    http = _NoCalls()
    link = account.provider(http=http).refund_url(
        LinkRequest(
            order_id="1001",
            payment=account.stored(reference, account.amount(94_95), mode),
            amount=account.amount(44_95),
            remittance="Retour 1001",
        )
    )
    assert http.asked == []
    return link


def test_a_refund_link_is_made_without_a_call(account: Account) -> None:
    """A link needs no network: it is there while the provider is down, which is when a person needs it.

    Without a link nobody is paid until the provider is up again.
    """
    reference = account.sandbox.pay(account.amount(94_95))
    began = len(account.sandbox.server.requests)
    link = _link(account, reference)
    assert str(link.label).strip()
    assert str(link.instruction).strip()
    assert len(account.sandbox.server.requests) == began


@needs("refund_page")
@pytest.mark.parametrize("mode", Mode)
def test_a_payment_has_a_page_where_it_can_be_refunded(account: Account, mode: Mode) -> None:
    """A provider with refund pages leads to one, over https, for real money and for a test alike.

    Without it a person looks for the payment by amount, and refunds that of somebody else.
    """
    link = _link(account, account.sandbox.pay(account.amount(94_95)), mode)
    assert link.kind is LinkKind.PROVIDER_PAGE
    assert urlsplit(link.url).scheme == "https"


@pytest.mark.parametrize("reference", ODD_REFERENCES.values(), ids=list(ODD_REFERENCES))
def test_a_refund_link_is_given_for_a_reference_of_any_shape(account: Account, reference: str) -> None:
    """Whatever the shop stored, there is a link with words, and nothing in it can break out of its address.

    A person who finds no way to refund in the screen looks for one that nobody keeps a record of.
    """
    link = _link(account, reference)
    assert str(link.label).strip()
    assert str(link.instruction).strip()
    for address in (link.url, link.help_url):
        assert address.isascii()
        assert address.isprintable()
        assert not set(address) & set("<>\"' \\`")
        if address:
            assert urlsplit(address).scheme == "https"
    if link.kind is LinkKind.PROVIDER_PAGE:
        assert ".." not in urlsplit(link.url).path.split("/")
        assert urlsplit(link.url).hostname == urlsplit(_link(account, "cash").url).hostname


def test_a_refund_link_is_the_same_each_time(account: Account) -> None:
    """Two colleagues who look at one payment are led to one place.

    Led to two places, they refund it twice.
    """
    reference = account.sandbox.pay(account.amount(94_95))
    assert _link(account, reference) == _link(account, reference)


def test_a_refund_that_waits_for_a_person_is_not_told_as_paid(account: Account) -> None:
    """Where a person makes the refund, asking for it moves no money, calls nobody, and is never told as succeeded.

    An order that looks refunded while nobody transferred anything is a customer who is never paid.
    """
    if account.capabilities.refund_by_api == "yes" or not callable(getattr(account.kind, "refund", None)):
        pytest.skip(f"refunds of {account.kind.name} do not wait for a person")
    payment = account.pay(Money(minor=94_95, currency=account.currency))
    provider = account.provider(http=_NoCalls())
    request = account.request(payment)
    first, again = provider.refund(request), provider.refund(request)
    account.sandbox.advance(datetime.timedelta(days=30))
    later = provider.refund(request)
    assert [result.status == "succeeded" for result in (first, again, later)] == [False, False, False]
    assert {result.amount for result in (first, again, later)} == {request.amount}
    assert first.reference == again.reference == later.reference
    assert [refund.status for refund in account.books(payment) if refund.status == "succeeded"] == []
