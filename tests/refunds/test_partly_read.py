"""The provider's books that can be read in part alone: what was read is a fact, and the rest is for a person."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from retour import Actor, BankAccount, Consent, ConsentWay, Money, RetourError, WrongState
from retour.providers import Disposition, ErrorCode, ProviderError

ANNA = Actor.staff("anna")
TO = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE)
HOUR = datetime.timedelta(hours=1)
FOR_GOOD = ProviderError(
    ErrorCode.NOT_REFUNDABLE, "it does not say which order it is of", disposition=Disposition.RECONCILE
)
FOR_NOW = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def opened(world: Any, *plugins: str, taken: str = "30") -> Any:
    """All cups came back, a bank took some of the money, and the provider shows the refunds of the payment nowhere."""
    world.open("manual_transfer", *plugins)
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.hidden["p_1"] = FOR_GOOD
    world.ledger.taken_back["p_1"] = eur(taken)
    return world


def charged_back(world: Any) -> Money:
    return next(iter(world.desk.refund_options("1001"))).charged_back


def by_webhook(world: Any) -> None:
    world.desk.receive_webhook("ledger", {"signature": "right"}, b"fetch:p_1")
    world.later()


WAYS: dict[str, Callable[[Any], object]] = {
    "reconcile": lambda world: world.desk.reconcile("1001"),
    "webhook": by_webhook,
    "refund": lambda world: world.refund("20.00"),
    "link": lambda world: world.open_link("20.00"),
    "transfer": lambda world: world.refund("20.00", to=TO, consent=AGREED),
}


@pytest.mark.parametrize("error", [FOR_GOOD, FOR_NOW], ids=["for good", "for now"])
@pytest.mark.parametrize("way", WAYS)
def test_what_was_read_before_the_refunds_could_not_be_is_recorded(world: Any, way: str, error: ProviderError) -> None:
    opened(world).ledger.hidden["p_1"] = error
    try:
        WAYS[way](world)
    except RetourError:
        assert way != "reconcile"
    assert charged_back(world) == eur("30")
    assert "charged_back" in world.desk.attention_counts()


@pytest.mark.parametrize("way", WAYS)
def test_refunds_that_are_shown_nowhere_are_for_a_person_and_nothing_is_tried_for_ever(world: Any, way: str) -> None:
    opened(world, taken="0")
    try:
        WAYS[way](world)
    except RetourError:
        assert way == "refund"
    world.later(HOUR)
    assert world.desk.work().idle
    [item] = world.desk.attention("refunds_not_shown").items
    assert (item.about, item.can_do) == ("ledger:p_1", ("reconcile", "acknowledge"))
    assert "it does not say which order it is of" in item.why.render("en")
    told = [one.text("en") for one in world.desk.timeline("1001")]
    assert any("does not show which refunds of it were made" in one for one in told)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention("refunds_not_shown").items == ()
    assert not world.desk.reconcile("1001").changed, "it is said once"


def test_nothing_is_suggested_of_a_payment_whose_refunds_nobody_can_see(world: Any) -> None:
    """A colleague may have refunded all of it. The link leads to where a person sees it."""
    opened(world).desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.left, option.suggested) == (eur("70"), eur("0"))
    assert "does not show which refunds" in option.because.text("en")
    assert option.link.kind == "provider_page"
    with pytest.raises(WrongState, match="does not show which refunds"):
        world.refund("20.00")
    assert (world.ledger.calls, world.refunds) == (0, [])
    world.ledger.hidden.clear()
    world.desk.reconcile("1001")
    assert world.desk.refund_options("1001")[0].suggested == eur("70")
    assert "refunds_not_shown" not in world.desk.attention_counts()


def test_reconcile_says_what_could_not_be_read(world: Any) -> None:
    [unread] = opened(world).desk.reconcile("1001").not_asked
    assert (unread.payment, "does not show which refunds" in unread.why.render("en")) == ("ledger:p_1", True)


def test_where_the_refunds_cannot_be_listed_now_they_are_listed_later(world: Any) -> None:
    """What was read is recorded at once, the question stays, and nobody is asked to look."""
    opened(world).ledger.hidden["p_1"] = FOR_NOW
    world.ledger.add("p_1", eur("10"))
    by_webhook(world)
    assert (charged_back(world), world.refunds) == (eur("30"), [])
    assert "refunds_not_shown" not in world.desk.attention_counts()
    world.ledger.hidden.clear()
    world.later(HOUR)
    assert [one.reference for one in world.refunds] == ["re_1"]


def test_a_refund_that_waited_for_its_turn_is_held_where_nobody_can_see_what_went_back_meanwhile(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("40.00")
    world.ledger.hidden["p_1"] = FOR_GOOD
    world.ledger.taken_back["p_1"] = eur("30")
    world.later(HOUR)
    [refund] = world.refunds
    assert (refund.state, refund.needs_person, refund.problem.code) == ("planned", True, "refunds_not_shown")
    assert (charged_back(world), world.went_back) == (eur("30"), 0)


def test_a_transfer_beside_refunds_that_nobody_can_see_waits_for_a_person_who_has_looked(world: Any) -> None:
    opened(world)
    held = world.refund("20.00", to=TO, consent=AGREED).refund
    assert (held.state, held.problem.code) == ("planned", "charged_back_meanwhile")
    world.desk.retry_refund("1001", held.id, by=ANNA)
    held = world.desk.dossier("1001").refund(held.id)
    assert (held.state, held.problem.code) == ("planned", "refunds_not_shown")
    world.desk.retry_refund("1001", held.id, by=ANNA)
    assert world.desk.refund_link("1001", refund_id=held.id).transfer.to == TO


def test_a_transfer_is_not_paid_once_nobody_can_see_what_went_back_since_it_was_decided(world: Any) -> None:
    world.open("manual_transfer")
    made = world.refund("20.00", to=TO, consent=AGREED).refund
    world.ledger.hidden["p_1"] = FOR_GOOD
    link = world.desk.refund_link("1001", refund_id=made.id)
    assert (link.kind, link.transfer) == ("unavailable", None)
    assert "does not show which refunds" in link.instruction.render("en")
