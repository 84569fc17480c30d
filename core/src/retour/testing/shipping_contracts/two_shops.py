"""Two shops in one process, each with its account, and many threads: what one is told is never another's."""

from __future__ import annotations

from functools import partial

import pytest

from retour.model.labels import Told
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.label_request import Shipment
from retour.testing.contracts.any_account import lacks, needs, outcome, refused
from retour.testing.contracts.in_threads import at_once
from retour.testing.contracts.provider_modules import noting_environment
from retour.testing.contracts.two_accounts import of_the_process
from retour.testing.shipping_contracts.shipping_account import A_WHILE, ORDER, Made, ShippingAccount

MIXED_UP = "one shop would pay for the labels of the other"

THREADS = 8


@needs("labels")
@pytest.mark.parametrize("first", ["ours first", "theirs first"])
def test_two_accounts_make_their_own_labels(
    account: ShippingAccount, other_account: ShippingAccount, first: str
) -> None:
    """Whichever account is made, and used, first: each buys, reads and takes back at its own address and with its own
    key.

    Two shops of one host share a process. What is kept on a class or a module is kept for both.
    """
    accounts = [account, other_account] if first == "ours first" else [other_account, account]
    providers = [one.provider() for one in accounts]
    made = []
    for number, (one, provider) in enumerate(zip(accounts, providers, strict=True), start=1):
        request = one.request(number)
        made.append(Made(request=request, shipment=provider.create_label(request)))
    for one, mine in zip(accounts, made, strict=True):
        assert [booked.label_id for booked in one.sandbox.books()] == [mine.request.label_id], MIXED_UP
        one.sandbox.advance(A_WHILE)
    accounts[0].sandbox.scan(accounts[0].reference(made[0]))
    told = [provider.fetch_shipment(*mine.names) for provider, mine in zip(providers, made, strict=True)]
    assert told[1].progress.value == "not_sent", "the parcel of one shop was told as that of another"
    for one, provider, mine in zip(accounts, providers, made, strict=True):
        if not lacks(one.capabilities, "list_shipments"):
            assert len(provider.list_shipments(ORDER, one.since)) == 1, MIXED_UP
        if not lacks(one.capabilities, "find_shipment"):
            found = provider.find_shipment(mine.request)
            assert found is not None, MIXED_UP
            assert mine.is_meant_by(found), MIXED_UP
    if not lacks(account.capabilities, "cancel_label"):
        providers[1].cancel_label(*made[1].names)
        assert accounts[0].booked(made[0].request)[0].told is Told.READY, "one shop takes back the label of another"


@needs("labels")
def test_a_key_is_of_its_own_account(account: ShippingAccount) -> None:
    """Two accounts at one address: the wrong key of the one is refused, before and after the other was used, and the
    other goes on to work.

    All accounts of a provider share its address. A token that is kept by address buys on somebody else's account.
    """
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    ours, theirs = account.provider(), account.provider(given)
    for number in (1, 2):
        error = refused(partial(theirs.create_label, account.request(10 + number)), MIXED_UP)
        assert error.code in (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION), f"{MIXED_UP}: {error!r}"
        assert error.disposition is Disposition.FIX
        told = outcome(partial(ours.create_label, account.request(number)))
        assert not isinstance(told, ProviderError), f"one shop's wrong key would stop all others: {told!r}"
    assert len(account.sandbox.books()) == 2


@needs("labels")
def test_threads_make_their_own_labels(account: ShippingAccount) -> None:
    """From several threads at once, by one provider, each label is told as its own, and its parcel too.

    Workers share a provider. What one keeps in it for a moment, another reads.
    """
    provider = account.provider()
    option = account.option()
    requests = [account.request(number, option, order_id=f"order-{number}") for number in range(1, THREADS + 1)]
    told = at_once([partial(provider.create_label, request) for request in requests])
    made = [
        Made(request=request, shipment=one)
        for request, one in zip(requests, told, strict=True)
        if isinstance(one, Shipment)
    ]
    assert len(made) == THREADS, f"from several threads at once: {told!r}"
    for one in made:
        [booked] = account.booked(one.request)
        assert one.shipment.reference in ("", booked.reference), "the label of one customer was told as another's"
    account.sandbox.advance(A_WHILE)
    now = at_once([partial(provider.fetch_shipment, *one.names) for one in made])
    for one, shipment in zip(made, now, strict=True):
        assert isinstance(shipment, Shipment), f"from several threads at once: {shipment!r}"
        assert shipment.order_id in ("", one.request.order_id), "the parcel of one customer was told as another's"


@needs("labels", "refuses_repeats")
def test_threads_that_make_one_label_make_it_once(account: ShippingAccount) -> None:
    """One label that is asked for from several threads at once is in the books once.

    A worker that seemed dead comes back while another does its work.
    """
    request = account.request()
    provider = account.provider()
    told = at_once([partial(outcome, partial(provider.create_label, request)) for _ in range(THREADS)])
    assert len(account.booked(request)) == 1, "one label was bought several times"
    for one in told:
        assert not isinstance(one, ProviderError) or one.disposition is Disposition.RECONCILE, f"told as {one!r}"


@needs("labels")
def test_nothing_is_changed_for_the_rest_of_the_process(account: ShippingAccount) -> None:
    """What belongs to the whole process is afterwards as it was, and nothing is read from its environment.

    Another provider's amounts are rounded with it; and a key in a variable is the key of every shop of the host.
    """
    before = of_the_process()
    with noting_environment(account.kind) as read:
        made = account.made()
        for ask in account.questions(account.provider(), made).values():
            ask()
    after = of_the_process()
    changed = [name for name in before if before[name] != after[name]]
    assert changed == [], f"every other provider would go another way: this one changed {', '.join(changed)}"
    assert read == set(), f"every shop of the host would share {', '.join(sorted(read))}"
