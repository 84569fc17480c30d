"""Which labels there are: after a lost answer, and where the customer or a colleague made one without us."""

from __future__ import annotations

from functools import partial

import attrs
import pytest

from retour.providers.errors import ProviderError
from retour.providers.label_request import Shipment
from retour.sandbox import HasPortal, SandboxRequest, SandboxResponse
from retour.testing.contracts.answers import BODIES, READ_STATUSES, changed_at, mistakes
from retour.testing.contracts.any_account import json_of, kept_in, needs, outcome, refused, replaced_by
from retour.testing.contracts.in_threads import within
from retour.testing.shipping_contracts.shipping_account import ORDER, Made, ShippingAccount

MANY = 110
"""Labels of one order: more than a page of most providers has."""

ENDS_WITHIN = 10.0
"""Seconds after which a list that leads to itself does not end any more."""


@needs("labels", "find_shipment")
def test_a_label_is_found_by_our_id_and_never_one_that_is_alike(account: ShippingAccount) -> None:
    """A label is found by our id among others of the same order, and one that was never made is not found.

    Not found, it is bought again; one that is only alike is taken for it, and the customer gets a used label.
    """
    made = [account.made(number) for number in (1, 2, 3)]
    provider = account.provider()
    for one in made:
        found = provider.find_shipment(one.request)
        assert found is not None, "a second label would be bought: it is there, and was not found"
        assert found.label_id == one.request.label_id, (
            f"the core believes a label that carries our id, and no other, and {found.label_id!r} is told"
        )
        assert found.reference in ("", one.shipment.reference), f"another label was taken for ours: {found!r}"
        assert not [other for other in made if other is not one and other.is_meant_by(found)]
    assert provider.find_shipment(account.request(4)) is None, "a label that is only alike was taken for ours"
    cut = attrs.evolve(account.request(), label_id=made[0].request.label_id[:-1])
    assert provider.find_shipment(cut) is None, "a label whose id begins like ours was taken for it"


@needs("labels", "list_shipments")
def test_all_shipments_of_an_order_are_listed_and_none_of_another(account: ShippingAccount) -> None:
    """Every return shipment of an order is told, whatever became of it, and none of an order whose number is alike.

    One that is missing is bought again; one of another order is shown to a customer whom it is no business of.
    """
    made = [account.made(number) for number in (1, 2)]
    others = [account.made(3, order_id=f"{ORDER}2"), account.made(4, order_id=ORDER[:-1])]
    if account.capabilities.cancel_label.usable:
        account.provider().cancel_label(*made[1].names)
    account.sandbox.scan(account.reference(made[0]))
    listed = account.provider().list_shipments(ORDER, account.since)
    assert len(listed) == 2, f"there are two of this order, and {len(listed)} are told"
    told = {name for one in listed for name in (*one.names, one.label_id)}
    known = [{*account.now(one).names, *one.names, one.request.label_id} for one in made]
    assert all(names & told for names in known), "a label of this order is missing, and would be bought again"
    for one in others:
        names = {*account.now(one).names, *one.names, one.request.label_id} - {""}
        assert not names & told, "a label of another order is told as one of this"
    assert account.provider().list_shipments("3003", account.since) == [] or not list(
        account.provider().list_shipments("3003", account.since)
    )


@needs("labels", "list_shipments")
@pytest.mark.parametrize("status", READ_STATUSES)
def test_what_is_not_a_list_is_not_an_empty_one(account: ShippingAccount, status: int) -> None:
    """An answer in others' words, or without the list in it, is an error: never a list of nothing, nor "not found".

    A gateway is busy for a second, and a second label is bought.
    """
    made = account.made()
    provider = account.provider()
    questions = account.questions(provider, made)
    asked = {name: questions[name] for name in ("find_shipment", "list_shipments") if name in questions}
    for name, ask in asked.items():
        for body in BODIES.values():
            with account.answers(replaced_by(SandboxResponse(status=status, body=body))):
                refused(ask, f"{name}: status {status}, not in its words: {body[:60]!r}")


@needs("labels", "list_shipments")
def test_a_list_whose_answer_lacks_a_part_is_not_an_empty_one(account: ShippingAccount) -> None:
    """With one of the parts of its answer missing or of another type, a list is an error, or told as it is.

    What is not read is taken for what is not there, and bought again.
    """
    made = account.made()
    provider = account.provider()
    questions = account.questions(provider, made)
    for name in ("find_shipment", "list_shipments"):
        if name not in questions:
            continue
        seen: list[SandboxResponse] = []
        with account.answers(kept_in(seen)):
            before = questions[name]()
        for path, other in mistakes(json_of(seen[-1])):
            if len(path) > 1:
                continue
            changed = SandboxResponse(status=seen[-1].status, body=changed_at(json_of(seen[-1]), path, other))
            with account.answers(replaced_by(changed)):
                told = outcome(questions[name], f"{name}: {path} is missing or of another type")
            assert isinstance(told, ProviderError) or told == before, f"{name} without {path}: {told!r} is told"


@needs("labels", "list_shipments")
def test_a_list_has_all_of_its_pages(account: ShippingAccount) -> None:
    """A list is told whole, however many pages it has.

    What stands on the second page is bought again.
    """
    provider = account.provider()
    option = account.option()
    for number in range(1, MANY + 1):
        provider.create_label(account.request(number, option))
    assert len(provider.list_shipments(ORDER, account.since)) == MANY, "what stands on another page is bought again"


@needs("labels", "list_shipments")
def test_a_list_that_leads_to_itself_ends(account: ShippingAccount) -> None:
    """Where each page of a list leads to the one before, it ends in an error, in seconds.

    A worker goes round in it for ever, and no label is made behind it.
    """
    provider = account.provider()
    option = account.option()
    for number in range(1, MANY + 1):
        provider.create_label(account.request(number, option))
    first: list[SandboxResponse] = []

    def again(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        first.append(response)
        return first[0]

    with account.answers(again):
        told = within(
            ENDS_WITHIN,
            partial(outcome, partial(provider.list_shipments, ORDER, account.since), "a list that leads to itself"),
            "a worker would go round in a list for ever: each of its pages leads to the first",
        )
    assert isinstance(told, ProviderError) or len(first) == 1, "one page was told again and again, as if it were many"


@needs("labels", "list_shipments", "portal")
def test_what_a_customer_made_in_the_portal_is_listed(account: ShippingAccount) -> None:
    """A label that the customer made in the portal is among those of his order.

    It comes to the shop, and nobody knows what it is for; a second one is bought besides.
    """
    sandbox = account.sandbox
    if not isinstance(sandbox, HasPortal):
        pytest.skip(f"the sandbox of {account.kind.name} has no portal")
    sandbox.send(ORDER, postal_code=account.sender.postal_code)
    ours = account.made()
    sandbox.return_in_portal(ORDER, {"teapot-7": 2})
    listed = account.provider().list_shipments(ORDER, account.since)
    assert len(listed) == 2, f"ours and the customer's are two, and {len(listed)} are told"
    [theirs] = [one for one in listed if not _ours(account, ours, one)]
    assert not theirs.label_id, "the customer's own label was taken for one of ours"
    for item in theirs.items:
        assert (item.sku, item.quantity) == ("teapot-7", 2), f"he sends two teapots, and {item!r} is told"


def _ours(account: ShippingAccount, made: Made, told: Shipment) -> bool:
    names = {*account.now(made).names, *made.names, made.request.label_id} - {""}
    return bool(names & {*told.names, told.label_id})
