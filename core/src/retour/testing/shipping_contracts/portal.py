"""The return portal, where customers make labels themselves: a link on the shop's own pages."""

from __future__ import annotations

from functools import partial

import pytest

from retour.model.order import Delivery, Order, Paid
from retour.model.shipping import ShippingOption, ShippingWay
from retour.providers.errors import ProviderError
from retour.sandbox import HasPortal, SandboxRequest, SandboxResponse
from retour.testing.builders import a_line, an_order
from retour.testing.contracts.answers import changed_at, fields
from retour.testing.contracts.any_account import json_of, needs, outcome
from retour.testing.shipping_contracts.shipping_account import ORDER, ShippingAccount


def sent_order(account: ShippingAccount) -> Order:
    """An order whose parcel is with the customer."""
    sandbox, code = account.sandbox, account.sender.postal_code
    number = sandbox.send(ORDER, postal_code=code) if isinstance(sandbox, HasPortal) else ORDER
    delivery = Delivery(
        paid=Paid.of("4.95", "EUR"),
        provider=account.kind.name,
        number=number,
        postal_code=code,
        country=account.sender.country,
    )
    return an_order(a_line("cup", 1), order_id=ORDER, delivery=delivery)


@needs("portal")
def test_the_portal_is_a_page_that_customers_can_open(account: ShippingAccount) -> None:
    """The portal's address is https, with words for the customer, under the provider's own name; looking for it makes
    nothing.

    He follows it from the shop's page and fills in where he lives.
    """
    order = sent_order(account)
    found = account.provider().portal_url(order)
    assert isinstance(found, ShippingOption), "the portal is declared, and an order that was sent has none"
    assert found.url.startswith("https://"), "the customer would fill in where he lives on an open page"
    assert found.way is ShippingWay.PORTAL
    assert found.provider == account.kind.name
    assert str(found.label).strip()
    assert str(found.instruction).strip()
    assert list(account.sandbox.books()) == [], "each look makes a label"


@needs("portal")
@pytest.mark.parametrize("scheme", ["http:", "javascript:", "data:"])
def test_a_portal_of_another_kind_of_address_is_not_shown(account: ShippingAccount, scheme: str) -> None:
    """An address that the provider answers and that is not https is not shown.

    Whoever stands in the way leads the customer where he likes.
    """
    order = sent_order(account)
    changed: list[str] = []

    def change(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in list(fields(body)):
            if isinstance(value, str) and value.startswith("https:"):
                changed.append(value)
                body = changed_at(body, path, value.replace("https:", scheme))
        return response if body is None else SandboxResponse(status=response.status, body=body)

    with account.answers(change):
        told = outcome(partial(account.provider().portal_url, order), f"{scheme} in place of https:")
    if not changed:
        pytest.skip(f"{account.kind.name} writes the portal's address itself")
    assert told is None or isinstance(told, ProviderError) or told.url.startswith("https://"), f"{told.url} is shown"


@needs("portal")
def test_an_order_that_was_never_sent_is_no_accident(account: ShippingAccount) -> None:
    """Of an order without a delivery there is the start page of a portal, none, or an error that says what to do.

    A page of the shop that fails with it shows the customer nothing at all.
    """
    order = an_order(a_line("cup", 1), order_id=ORDER)
    told = outcome(partial(account.provider().portal_url, order), "an order that was never sent")
    if isinstance(told, ShippingOption):
        assert told.url.startswith("https://")
