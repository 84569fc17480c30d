"""The matching rule: which refund at the provider is which of ours. Twice, or in any order, it gives the same."""

from __future__ import annotations

import datetime
import itertools
import logging
from typing import Any

import attrs
import pytest

from retour import Actor, InvalidWebhook, Money, ProviderUnavailable, ReturnDesk, WrongState
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def signed(world: Any, what: str, signature: str = "right") -> int:
    kept: int = world.desk.receive_webhook("ledger", {"Signature": signature}, what.encode()).kept
    return kept


# --- links -----------------------------------------------------------------------------------------------


def test_an_opened_link_reserves_the_amount_until_it_is_cancelled(world: Any) -> None:
    outcome = world.open().open_link("60.00")
    assert outcome.refund.state == "awaiting_merchant"
    with pytest.raises(Exception, match=r"more than the €40\.00 that is left"):
        world.open_link("50.00")
    world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    assert world.open_link("50.00").refund.state == "awaiting_merchant"


def test_a_refund_made_in_the_dashboard_closes_the_one_that_waited_for_it(world: Any) -> None:
    world.open().open_link()
    world.now += MINUTE
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    (refund,) = world.refunds
    assert (refund.state, refund.reference, refund.source) == ("succeeded", "re_1", "link")
    assert not world.desk.reconcile("1001").changed


def test_a_refund_that_a_person_confirmed_in_capitals_is_the_one_that_is_found_later(world: Any) -> None:
    """It would count twice, and what is left of the payment would be too little for the next refund."""
    link = world.open().open_link().refund_id
    made = world.ledger.add("p_1", EUR40)
    capitals = made.reference.upper()
    confirm = world.desk.confirm_refund
    confirm("1001", "p_1", EUR40, reference=capitals, refund_id=link, by=ANNA, request_id="form-2")
    world.desk.reconcile("1001")
    assert [(one.state, one.reference) for one in world.refunds] == [("succeeded", made.reference)]
    assert world.desk.refund_options("1001")[0].left == Money.of("60", "EUR")
    assert not world.desk.reconcile("1001").changed


def test_a_pending_dashboard_refund_is_pending_and_then_succeeded(world: Any) -> None:
    world.open().open_link()
    world.ledger.new_status = RefundStatus.PENDING
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    assert world.states == ["pending"]
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    world.desk.reconcile("1001")
    assert world.states == ["succeeded"]


@pytest.mark.parametrize(
    "made, links, external",
    [
        ("before the link was opened", 1, 1),
        ("with another amount", 1, 1),
        ("twice", 1, 2),
        ("for two links of one amount", 2, 1),
    ],
)
def test_what_is_not_one_candidate_for_one_waiting_refund_is_external(
    world: Any, made: str, links: int, external: int
) -> None:
    world.open()
    if made == "before the link was opened":
        world.ledger.add("p_1", EUR40)
        world.now += MINUTE
        world.ledger.lookup_fails = 1  # so that nobody sees it when the link is opened
    for _ in range(links):
        world.open_link()
    if made == "with another amount":
        world.ledger.add("p_1", Money.of("39.99", "EUR"))
    if made == "twice":
        world.ledger.add("p_1", EUR40)
    if made in ("twice", "for two links of one amount"):
        world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    assert [one.source.value for one in world.refunds].count("external") == external
    assert [one.state.value for one in world.refunds].count("awaiting_merchant") == links


def test_a_refund_that_nobody_asked_for_appears_as_external_and_lowers_what_is_left(world: Any) -> None:
    world.open().ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    assert world.desk.refund_options("1001")[0].left == Money.of("60", "EUR")
    assert "it was not requested from this shop" in world.desk.timeline("1001")[-1].text("en")


def test_a_payment_that_cannot_be_asked_about_hides_no_refund_of_another(world: Any) -> None:
    """Two providers paid the order, and the first cannot tell: what the second has is recorded all the same."""
    world.open().ledger.paid["p_2"] = Money.of("100", "EUR")
    paid = [a_payment("100.00", provider="ledger", reference=reference) for reference in ("p_1", "p_2")]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "200.00"), payments=paid)
    world.ledger.add("p_2", EUR40)
    world.ledger.lookup_fails = 1
    outcome = world.desk.reconcile("1001")
    (missed,) = outcome.not_asked
    assert (outcome.changed, missed.payment, missed.why.render("en")) == (
        True,
        "ledger:p_1",
        "Ledger Pay cannot be asked now: no answer came from the provider",
    )
    assert [(one.payment, one.state) for one in world.refunds] == [("ledger:p_2", "succeeded")]


def test_where_no_provider_can_be_asked_nothing_is_changed_and_the_outcome_says_so(world: Any) -> None:
    world.open().ledger.lookup_fails = 1
    outcome = world.desk.reconcile("1001")
    assert [one.payment for one in outcome.not_asked] == ["ledger:p_1"]
    assert (outcome.changed, world.desk.dossier("1001").version) == (False, 0)
    assert world.desk.reconcile("1001").not_asked == ()


def test_a_payment_whose_plugin_is_gone_was_not_asked_about(world: Any) -> None:
    world.open().open_without_the_plugin()
    (missed,) = world.desk.reconcile("1001").not_asked
    assert missed.why.render("nl") == "er is geen plugin met deze naam geladen"


def test_a_provider_that_lists_no_refunds_is_not_asked_and_misses_nothing(world: Any) -> None:
    assert world.open(list_refunds=Support.PROVIDER_CANNOT).desk.reconcile("1001").not_asked == ()


def test_what_the_provider_has_is_never_the_merchants_to_make_or_to_give_up(world: Any) -> None:
    """A refund that waits for the merchant has no reference yet: a provider that says both is not believed."""
    world.open().ledger.new_status = RefundStatus.AWAITING_MERCHANT
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    (external,) = world.refunds
    assert external.state == "pending"
    with pytest.raises(WrongState):
        world.desk.cancel_refund("1001", external.id, by=ANNA)
    assert world.refund("60.00").refund.state == "pending"
    assert world.desk.refund_options("1001")[0].left == Money.of("0", "EUR")


def test_a_person_matches_an_external_refund_and_it_counts_once(world: Any) -> None:
    world.open()
    first, second = world.open_link().refund_id, world.open_link().refund_id
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    external = next(one for one in world.refunds if one.source == "external")
    world.desk.match_refund("1001", second, external.id, by=ANNA)
    assert {one.id: one.state.value for one in world.refunds} == {first: "awaiting_merchant", second: "succeeded"}
    assert not world.desk.reconcile("1001").changed


def test_refunds_that_cannot_be_one_are_not_matched(world: Any) -> None:
    world.open().open_link("10.00")
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    ours, external = world.refunds
    for pair in [(ours.id, external.id), (external.id, ours.id), (ours.id, ours.id)]:
        with pytest.raises(WrongState, match="are not one"):
            world.desk.match_refund("1001", *pair, by=ANNA)


def test_a_refund_confirmed_by_its_reference_is_not_counted_again_when_it_is_found(world: Any) -> None:
    world.open().open_link()
    world.ledger.add("p_1", EUR40)
    world.desk.confirm_refund("1001", "p_1", EUR40, reference="re_1", by=ANNA, request_id="confirm")
    world.desk.reconcile("1001")
    assert world.states == ["succeeded"]
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")


@pytest.mark.parametrize("inline_seconds", [0, 10])
def test_a_refund_that_was_not_sent_yet_is_held_when_the_dashboard_left_no_room(
    world: Any, inline_seconds: float
) -> None:
    """What waits for a worker, and what waits for its next try."""
    world.open(inline_seconds=inline_seconds)
    if inline_seconds:
        world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "slow down", not_before=MINUTE)]
    world.refund("60.00")
    assert world.states == ["submitting"]
    world.ledger.add("p_1", Money.of("50", "EUR"))
    world.desk.reconcile("1001")
    calls = world.ledger.calls
    world.later()
    held, external = world.refunds
    assert (held.state, held.needs_person, external.state) == ("planned", True, "succeeded")
    assert world.ledger.calls == calls
    assert world.went_back == 5000


def test_a_failed_refund_that_we_never_knew_of_takes_no_money_and_its_late_success_neither(world: Any) -> None:
    """Reports may come in any order: the failure is remembered until the success that went before it arrives."""
    world.open()
    made = world.ledger.add("p_1", EUR40)
    world.ledger.turn(made.reference, RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert world.states == ["failed"]
    assert "mislukt" in world.desk.timeline("1001")[-1].text("nl")
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")
    world.ledger.turn(made.reference, RefundStatus.SUCCEEDED)
    world.desk.reconcile("1001")
    assert world.states == ["reversed"]
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")


def test_a_refund_after_the_link_that_failed_closes_the_waiting_one_as_failed(world: Any) -> None:
    world.open().open_link()
    world.now += MINUTE
    made = world.ledger.add("p_1", EUR40)
    world.ledger.turn(made.reference, RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert world.states == ["failed"]


def test_an_api_refund_instead_of_a_waiting_one_asks_the_provider_first(world: Any) -> None:
    waiting = world.open().open_link().refund_id
    world.now += MINUTE
    world.ledger.add("p_1", EUR40)
    with pytest.raises(WrongState, match="is refunded, so it cannot be cancelled"):
        world.refund(instead_of=waiting)
    assert world.went_back == 4000


def test_an_api_refund_takes_the_place_of_a_waiting_one(world: Any) -> None:
    waiting = world.open().open_link("100.00").refund_id
    assert world.refund("100.00", instead_of=waiting).refund.state == "succeeded"
    assert sorted(world.states) == ["cancelled", "succeeded"]


def test_a_refund_whose_try_may_be_under_way_is_not_given_up_by_what_is_found_meanwhile(world: Any) -> None:
    """Whether a put-off refund is being tried right now only its worker knows: it is held when its turn comes, and
    never while a try of it may reach the provider."""
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("80.00")
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    assert world.refunds[0].state == "submitting"
    world.later()
    held = world.refunds[0]
    assert (held.state, held.needs_person) == ("planned", True)
    assert (world.ledger.calls, world.went_back) == (1, 4000)


# --- webhooks --------------------------------------------------------------------------------------------


def test_a_signed_webhook_settles_a_pending_refund_once(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.refund()
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    assert signed(world, "refund:re_1") == 1
    assert world.states == ["succeeded"]
    version = world.desk.dossier("1001").version
    signed(world, "refund:re_1")
    assert world.desk.dossier("1001").version == version


def test_a_webhook_that_two_shops_of_one_account_get_counts_for_each(world: Any) -> None:
    world.open().refund("10.00")
    made = world.provider.plugin(world.provider.make_provider(world.ledger))
    both = ReturnDesk(shop=lambda _: world.shop, store=world.desk._services.store.engine, plugins=[made])
    other = both.for_shop("other")
    for desk in (world.desk, other):
        desk.receive_webhook("ledger", {"signature": "right"}, b"refund:re_1")
    assert [refund.reference for refund in other.dossier("1001").refunds.values()] == ["re_1"]


def test_a_webhook_that_is_only_a_hint_is_fetched_before_it_is_believed(world: Any) -> None:
    world.open().open_link()
    world.now += MINUTE
    world.ledger.add("p_1", EUR40)
    assert signed(world, "fetch:p_1") == 1
    assert world.states == ["succeeded"]


def test_a_hint_is_acted_on_each_time_it_comes(world: Any) -> None:
    world.open().open_link()
    signed(world, "fetch:p_1")
    assert world.states == ["awaiting_merchant"]
    world.now += MINUTE
    world.ledger.add("p_1", EUR40)
    signed(world, "fetch:p_1")
    assert world.states == ["succeeded"]


def test_a_webhook_with_a_wrong_signature_is_refused_and_nothing_is_kept(world: Any) -> None:
    world.open().refund()
    version = world.desk.dossier("1001").version
    for signature in ("wrong", "", "é"):
        with pytest.raises(InvalidWebhook, match="wrong signature"):
            signed(world, "refund:re_1", signature)
    assert world.desk.dossier("1001").version == version


def test_a_webhook_that_cannot_be_checked_now_is_to_be_sent_again(world: Any) -> None:
    world.open()
    with pytest.raises(ProviderUnavailable, match="Answer 503, so that it is sent again"):
        signed(world, "refund:re_1", "cannot be checked")
    assert world.refunds == []


def test_a_webhook_about_a_payment_that_nobody_knows_is_answered_and_not_kept(world: Any) -> None:
    assert signed(world.open(), "fetch:p_unknown") == 0


def test_a_webhook_about_an_order_that_we_never_saw_is_found_by_the_shop(world: Any) -> None:
    world.open().ledger.add("p_1", EUR40)
    assert signed(world, "refund:re_1") == 1
    (refund,) = world.refunds
    assert (refund.source, refund.state) == ("external", "succeeded")


def test_a_webhook_that_comes_before_the_answer_counts_once(world: Any) -> None:
    from retour.providers import ErrorCode, ProviderError

    world.open().ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "lost")]
    world.refund()
    signed(world, "refund:re_1")
    assert world.states == ["succeeded"]
    world.later()
    assert (world.states, world.ledger.calls, world.went_back) == (["succeeded"], 1, 4000)


def test_too_large_a_webhook_is_refused(world: Any) -> None:
    with pytest.raises(InvalidWebhook, match="too large"):
        signed(world.open(), "x" * (1024 * 1024 + 1))


@pytest.mark.parametrize("order", list(itertools.permutations(["pending", "succeeded", "failed"])))
def test_provider_events_in_any_order_and_twice_give_the_same_end(world: Any, order: tuple[str, ...]) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.refund()
    for status in [*order, *order]:
        world.ledger.turn("re_1", RefundStatus(status))
        signed(world, "refund:re_1")
    assert world.states == ["reversed"]


# --- an answer about something else ----------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"amount": Money.of("1", "EUR")}, {"amount": Money.of("40", "USD")}])
def test_a_refund_that_was_made_with_another_amount_is_not_done(
    world: Any, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    world.open()
    add = type(world.ledger).add
    monkeypatch.setattr(type(world.ledger), "add", lambda self, at, _, ours="": add(self, at, other["amount"], ours))
    outcome = world.refund()
    ours, as_it_is = world.refunds
    assert (ours.id, ours.state, ours.amount, ours.needs_person) == (outcome.refund_id, "unknown", EUR40, True)
    assert (as_it_is.source, as_it_is.state, as_it_is.amount) == ("external", "succeeded", other["amount"])
    world.later()
    assert world.ledger.calls == 1, "a person looks, and nothing is sent again"
    version = world.desk.dossier("1001").version
    world.desk.reconcile("1001")
    assert world.desk.dossier("1001").version == version


def test_an_answer_about_something_else_ends_a_cancellation_and_a_person_looks(world: Any) -> None:
    world.open(cancel_refund=Support.YES).ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    world.ledger.refunds["re_1"] = attrs.evolve(world.ledger.refunds["re_1"], amount=Money.of("1", "EUR"))
    world.desk.cancel_refund("1001", refund_id, by=ANNA)
    [refund] = world.refunds
    assert (refund.state, refund.cancelling, refund.needs_person) == ("pending", False, True)
    assert (refund.problem.code, refund.problem.said) == ("another_answer", "EUR 1.00 re_1")


def test_an_answer_about_another_refund_of_ours_is_no_answer(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    first = world.refund("10.00").refund
    kind = type(world.ledger)
    add = kind.add
    monkeypatch.setattr(kind, "add", lambda self, at, amount, ours="": add(self, at, amount, first.id))
    second = world.refund("10.00").refund
    assert (second.state, second.needs_person) == ("unknown", True)
    twin = world.refunds[-1]
    assert (twin.source, twin.reference, twin.problem.code, twin.problem.said) == (
        "external",
        "re_2",
        "paid_twice",
        "re_1",
    )


def test_a_refund_of_another_payment_among_those_of_ours_is_not_taken_for_one_of_it(world: Any) -> None:
    world.open()
    made = world.ledger.add("p_1", EUR40)
    world.ledger.refunds["re_1"] = attrs.evolve(made, target="p_2")  # and its list gives it for p_1
    with pytest.raises(ProviderUnavailable) as caught:
        world.refund()
    assert "about something else" in caught.value.__cause__.reason.said  # type: ignore[union-attr]
    world.desk.reconcile("1001")
    assert (world.refunds, world.ledger.calls) == ([], 0)
