"""A label that nobody used is taken back; one that was used is not called cancelled."""

from __future__ import annotations

import pytest

from retour.model.labels import ParcelState, Told
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.testing.contracts.any_account import needs, outcome
from retour.testing.shipping_contracts.shipping_account import A_WHILE, ShippingAccount

GIVEN_UP = (Told.CANCELLING, Told.CANCELLED)


@needs("labels", "cancel_label")
def test_a_label_is_cancelled_before_it_is_used(account: ShippingAccount) -> None:
    """A label that nobody used is cancelled, costs nothing, and is told as cancelled only once the carrier has it so.

    Told too early, another is bought for the customer, and the first is used as well.
    """
    made = account.made()
    told = account.provider().cancel_label(*made.names)
    [booked] = account.booked(made.request)
    assert booked.told in GIVEN_UP, "the label was not asked to be cancelled"
    assert told.told is booked.told, f"the carrier has it as {booked.told}, and it is told as {told.told}"
    assert account.now(made).told is booked.told
    account.sandbox.advance(A_WHILE)
    [booked] = account.booked(made.request)
    assert (booked.told, booked.charged.minor) == (Told.CANCELLED, 0)
    assert account.now(made).told is Told.CANCELLED, "the shop waits for a parcel that nobody can send"


@needs("labels", "cancel_label")
def test_a_label_is_cancelled_once(account: ShippingAccount) -> None:
    """One that is being cancelled, or is, is told as it is when it is asked for again, and is no refusal.

    After a lost answer the core asks again: told as "too late", a label that is gone is shown to the customer.
    """
    made = account.made()
    account.provider().cancel_label(*made.names)
    for _ in range(2):
        told = outcome(lambda: account.provider().cancel_label(*made.names), "cancelled a second time")
        assert not isinstance(told, ProviderError), f"it is cancelled, and that was told as {told!r}"
        [booked] = account.booked(made.request)
        assert told.told is booked.told, f"the carrier has it as {booked.told}, and it is told as {told.told}"
        account.sandbox.advance(A_WHILE)


@needs("labels", "cancel_label")
@pytest.mark.parametrize("step", ["scan", "deliver"])
def test_a_label_that_was_used_is_not_cancelled(account: ShippingAccount, step: str) -> None:
    """A label whose parcel the carrier has is refused as not cancellable, or told as it is: never as cancelled.

    The customer is told that his parcel does not come, and it does.
    """
    made = account.made()
    account.sandbox.scan(account.reference(made))
    if step != "scan":
        getattr(account.sandbox, step)(account.reference(made))
    told = outcome(lambda: account.provider().cancel_label(*made.names), "it was used")
    if isinstance(told, ProviderError):
        assert told.code in (ErrorCode.NOT_CANCELLABLE, ErrorCode.TOO_LATE), f"it was used: told as {told!r}"
        assert told.disposition is Disposition.FINAL
    else:
        assert told.told not in GIVEN_UP, f"it was used, and is told as {told.told}"
    account.sandbox.advance(A_WHILE)
    assert account.now(made).told is Told.READY


@needs("labels", "cancel_label")
def test_a_label_that_is_used_while_it_is_cancelled_was_used(account: ShippingAccount) -> None:
    """Where the carrier gets the parcel before it heard of the cancellation, the parcel is on its way.

    Told as cancelled, nobody waits for goods that a customer sent, and he waits for his money.
    """
    made = account.made()
    account.sandbox.hold()
    account.provider().cancel_label(*made.names)
    if account.booked(made.request)[0].told is Told.CANCELLED:
        pytest.skip(f"{account.kind.name} cancels a label at once")
    account.sandbox.scan(account.reference(made))
    account.sandbox.release()
    account.sandbox.advance(A_WHILE)
    now = account.now(made)
    assert now.told not in GIVEN_UP, f"the carrier has the parcel, and its label is told as {now.told}"
    assert now.progress not in (ParcelState.NOT_SENT, ParcelState.CANCELLED)
