"""Money moves once: a refund by API, whatever the provider answers, and whatever breaks."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

from retour import (
    Actor,
    Approval,
    BankAccount,
    Consent,
    ConsentWay,
    InvalidAmount,
    InvalidArgument,
    InvalidReference,
    LinkKind,
    Money,
    NotAllowed,
    ProviderUnavailable,
    WrongState,
    hookimpl,
)
from retour.providers import Disposition, ErrorCode, Idempotency, ProviderError, RefundStatus
from retour.providers.errors import DISPOSITIONS

ANNA = Actor.staff("anna")
HOUR = datetime.timedelta(hours=1)
EUR40 = Money.of("40", "EUR")
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def lost(message: str = "no answer") -> ProviderError:
    return ProviderError(ErrorCode.OUTCOME_UNKNOWN, message)


def test_a_refund_is_succeeded_only_when_the_provider_says_so(world: Any) -> None:
    outcome = world.open().refund()
    assert outcome.refund.state == "succeeded"
    assert outcome.refund.reference == "re_1"
    assert world.went_back == 4000


def test_a_pending_refund_is_shown_as_pending_and_looked_at_again(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    assert world.refund().refund.state == "pending"
    world.later()
    assert world.states == ["pending"]
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    world.later(HOUR)
    assert world.states == ["succeeded"]


def test_a_refund_that_succeeded_and_failed_later_is_reversed_and_frees_its_money(world: Any) -> None:
    world.open().refund("100.00")
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert world.states == ["reversed"]
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")


def test_a_double_click_refunds_once(world: Any) -> None:
    world.open()
    first = world.refund(request_id="form-x")
    second = world.refund(request_id="form-x")
    assert first.refund_id == second.refund_id
    assert world.went_back == 4000


def test_two_refunds_of_the_same_amount_are_two_refunds(world: Any) -> None:
    world.open()
    world.refund()
    world.refund()
    assert world.went_back == 8000


def test_what_was_captured_is_never_passed(world: Any) -> None:
    world.open().refund("60.00")
    with pytest.raises(Exception, match=r"€50\.00 is more than the €40\.00 that is left"):
        world.refund("50.00")
    assert world.went_back == 6000


@pytest.mark.parametrize("code", [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.RETRY])
def test_a_try_that_certainly_did_nothing_is_made_again_by_itself_with_the_same_key(
    world: Any, code: ErrorCode
) -> None:
    world.open().ledger.before = [ProviderError(code, "later", not_before=HOUR)]
    outcome = world.refund()
    assert outcome.refund.state == "submitting"
    assert outcome.refund.waits_until == world.now + HOUR
    assert "nog niet gedaan en wordt vanaf" in world.desk.timeline("1001")[-1].text("nl")
    world.later(HOUR)
    assert world.states == ["succeeded"]
    assert world.went_back == 4000


FINAL = [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.FINAL and code is not ErrorCode.TOO_LATE]


@pytest.mark.parametrize("code", FINAL)
def test_a_final_refusal_fails_the_refund_and_frees_its_money(world: Any, code: ErrorCode) -> None:
    world.open().ledger.before = [ProviderError(code, "never")]
    assert world.refund().refund.state == "failed"
    world.later(HOUR)
    assert world.ledger.calls == 1
    assert world.refund("100.00").refund.state == "succeeded"


def test_a_refund_that_is_too_late_for_its_provider_becomes_a_bank_transfer_with_the_reason(world: Any) -> None:
    world.open("manual_transfer").ledger.before = [ProviderError(ErrorCode.TOO_LATE, "past 180 days")]
    outcome = world.refund()
    assert outcome.refund.state == "awaiting_merchant"
    assert "past 180 days" in str(outcome.refund.problem)
    (row,) = world.desk.list_refunds(waits_for="transfer").refunds
    assert row.refund_id == outcome.refund_id
    link = world.desk.refund_link("1001", refund_id=row.refund_id, to=JANSEN)
    assert (link.kind, link.transfer) == (LinkKind.TRANSFER, None)
    assert "past 180 days" in link.instruction.render("en")
    assert "past 180 days" in world.desk.timeline("1001")[-1].text("nl")
    with pytest.raises(InvalidAmount, match=r"more than the €60\.00 that is left"):
        world.refund("60.01")
    world.later(HOUR)
    assert (world.states, world.ledger.calls, world.went_back) == (["awaiting_merchant"], 1, 0)
    agreed = Consent(how=ConsentWay.PHONE)
    anew = world.refund(to=JANSEN, consent=agreed, instead_of=row.refund_id)
    link = world.desk.refund_link("1001", refund_id=anew.refund_id)
    assert (link.kind, link.transfer.amount) == (LinkKind.TRANSFER, Money.of("40", "EUR"))


def test_without_a_plugin_for_transfers_the_merchant_still_learns_what_to_do(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.TOO_LATE, "past 180 days")]
    link = world.desk.refund_link("1001", refund_id=world.refund().refund_id)
    assert link.kind is LinkKind.TRANSFER
    assert "Once a plugin for bank transfers is set up" in link.instruction.render("en")


def test_a_refund_that_was_unclear_once_never_becomes_a_transfer(world: Any) -> None:
    """It may have been made: a second way for the same money would pay it twice."""
    world.open().ledger.after = [lost()]
    world.ledger.blind = True
    world.refund()
    world.ledger.before = [ProviderError(ErrorCode.TOO_LATE, "past 180 days")]
    world.later()
    assert world.states == ["unknown"]


def test_only_a_refund_that_waits_has_a_link_of_its_own(world: Any) -> None:
    done = world.open().refund()
    with pytest.raises(WrongState, match="is refunded, so it cannot be made by hand"):
        world.desk.refund_link("1001", refund_id=done.refund_id)
    waiting = world.open_link("60.00")
    link = world.desk.refund_link("1001", refund_id=waiting.refund_id)
    assert link.url == "https://ledger.example"
    with pytest.raises(InvalidArgument, match="name a payment, or a refund that waits"):
        world.desk.refund_link("1001")


@pytest.mark.parametrize("code", [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.FIX])
def test_what_a_person_must_mend_waits_for_him_and_then_goes_out_once(world: Any, code: ErrorCode) -> None:
    world.open().ledger.before = [ProviderError(code, "mend it")]
    outcome = world.refund()
    assert (outcome.refund.state, outcome.refund.needs_person) == ("planned", True)
    world.later(HOUR)
    assert world.ledger.calls == 1
    assert world.desk.retry_refund("1001", outcome.refund_id, by=ANNA).refund.state == "succeeded"
    assert world.went_back == 4000


@pytest.mark.parametrize("code", [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.RECONCILE])
def test_an_unclear_answer_is_shown_as_unknown_and_the_provider_is_asked(world: Any, code: ErrorCode) -> None:
    world.open().ledger.after = [ProviderError(code, "lost")]
    assert world.refund().refund.state == "unknown"
    world.later()
    assert world.states == ["succeeded"]
    assert world.ledger.calls == 1
    assert world.went_back == 4000


def test_while_it_is_unclear_nothing_else_is_offered_for_that_money(world: Any) -> None:
    world.open().ledger.after = [lost()]
    world.refund()
    with pytest.raises(WrongState, match="not clear yet whether"):
        world.refund("10.00")
    with pytest.raises(WrongState, match="not clear yet whether"):
        world.open_link("10.00")


def test_a_lost_request_is_sent_again_unchanged_inside_the_window(world: Any) -> None:
    world.open().ledger.before = [lost()]
    world.refund()
    world.later()
    assert world.states == ["succeeded"]
    assert (world.ledger.calls, world.went_back) == (2, 4000)


def test_a_lost_answer_of_a_provider_that_cannot_look_up_is_asked_for_by_the_same_request(world: Any) -> None:
    world.open(find_refund=_support("provider_cannot")).ledger.after = [lost()]
    world.refund()
    world.later()
    assert (world.states, world.ledger.calls, world.went_back) == (["succeeded"], 2, 4000)


def test_not_found_outside_the_window_is_no_proof_and_waits_for_a_person(world: Any) -> None:
    world.open().ledger.after = [lost()]
    world.ledger.blind = True
    world.refund()
    world.later(2 * HOUR)
    (refund,) = world.refunds
    assert (refund.state, refund.needs_person) == ("unknown", True)
    world.later(2 * HOUR)
    assert (world.ledger.calls, world.went_back) == (1, 4000)


def test_the_window_ends_five_minutes_early(world: Any) -> None:
    world.open().ledger.before = [lost()]
    world.refund()
    world.later(HOUR - datetime.timedelta(minutes=5))
    assert (world.states, world.ledger.calls) == (["unknown"], 1)


def test_outside_the_window_a_complete_lookup_proves_that_it_did_not_happen_after_its_delay(world: Any) -> None:
    world.open(lookup_complete_after=3 * HOUR).ledger.before = [lost()]
    world.refund()
    world.later(2 * HOUR)
    assert (world.states, world.ledger.calls) == (["unknown"], 1)
    world.later(2 * HOUR)
    assert (world.states, world.ledger.calls, world.went_back) == (["succeeded"], 2, 4000)


def test_after_an_unclear_try_a_refusal_means_ask_again_and_never_failed(world: Any) -> None:
    world.open().ledger.after = [lost()]
    world.ledger.blind = True
    world.refund()
    world.ledger.before = [ProviderError(ErrorCode.INVALID_REQUEST, "refused"), lost(), lost()]
    for _ in range(3):
        world.later()
        assert world.states == ["unknown"]
    world.ledger.blind = False
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_the_same_refusal_again_is_no_news_whatever_number_the_provider_gives_it(world: Any) -> None:
    world.open().ledger.before = [
        lost(),
        *[ProviderError(ErrorCode.AMOUNT_TOO_HIGH, f"too much [debug_id: {number}]") for number in range(4)],
        ProviderError(ErrorCode.DISPUTED, "disputed"),
    ]
    world.ledger.blind = True
    world.refund()
    for _ in range(5):
        world.later(datetime.timedelta(minutes=9))
    assert (world.ledger.calls, world.states) == (6, ["unknown"])
    told = [one.text("en") for one in world.desk.timeline("1001") if "It is not clear" in one.text("en")]
    assert len(told) == 3
    assert "[debug_id: 0]" in told[1]
    assert "disputed" in told[2]


def test_a_lookup_that_fails_leaves_it_unknown(world: Any) -> None:
    world.open().ledger.after = [lost()]
    world.refund()
    world.ledger.lookup_fails = 2
    world.later()
    world.later()
    assert (world.states, world.ledger.calls) == (["unknown"], 1)
    world.later()
    assert world.states == ["succeeded"]


def test_an_unknown_refund_that_a_person_found_is_confirmed_with_its_reference(world: Any) -> None:
    world.open().ledger.after = [lost()]
    world.ledger.blind = True
    outcome = world.refund()
    world.later(2 * HOUR)
    world.desk.confirm_refund(
        "1001",
        "p_1",
        Money.of("40", "EUR"),
        reference="re_1",
        by=ANNA,
        request_id="confirm",
        refund_id=outcome.refund_id,
    )
    assert world.states == ["succeeded"]
    world.desk.reconcile("1001")
    assert world.states == ["succeeded"]
    assert world.desk.refund_options("1001")[0].refunded == Money.of("40", "EUR")


def test_a_person_can_have_a_parked_refund_looked_up_again(world: Any) -> None:
    world.open().ledger.after = [lost()]
    world.ledger.blind = True
    outcome = world.refund()
    world.later(2 * HOUR)
    world.ledger.blind = False
    assert world.desk.retry_refund("1001", outcome.refund_id, by=ANNA).refund.state == "succeeded"
    assert (world.ledger.calls, world.went_back) == (1, 4000)


def test_a_provider_that_breaks_its_contract_leaves_its_refund_unknown_and_is_asked(world: Any) -> None:
    world.open().ledger.after = [ValueError("a bug in the plugin")]
    assert world.refund().refund.state == "unknown"
    world.later()
    assert (world.states, world.ledger.calls, world.went_back) == (["succeeded"], 1, 4000)


def test_a_refund_left_to_the_worker_is_sent_by_it(world: Any) -> None:
    assert world.open(inline_seconds=0).refund().refund.state == "submitting"
    assert world.ledger.calls == 0
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_plugin_that_is_gone_keeps_its_refunds_and_they_can_be_confirmed_by_hand(world: Any) -> None:
    from retour import ReturnDesk

    world.open(inline_seconds=0).refund()
    without = ReturnDesk(shop=world.shop, store=world.database, migrate=True, clock=lambda: world.now)
    without.work()
    (refund,) = without.dossier("1001").refunds.values()
    assert refund.state == "submitting"
    without.close()
    world.later()
    assert world.states == ["succeeded"]


def test_a_payment_that_the_provider_does_not_know_is_refused_before_anything_is_decided(world: Any) -> None:
    world.open().ledger.paid = {}
    with pytest.raises(ProviderUnavailable, match="cannot be asked about payment"):
        world.refund()
    assert world.refunds == []


def test_a_provider_that_cannot_refund_by_api_points_to_its_link(world: Any) -> None:
    world.open(refund_by_api=_support("provider_cannot"))
    with pytest.raises(WrongState, match="Use its refund link"):
        world.refund()


class Policy:
    """A refund_approval that answers what the test says."""

    name = "policy"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    @hookimpl
    def refund_approval(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [Approval.hold("a second person looks"), ValueError("broken"), "yes"])
def test_a_held_refund_is_not_sent_until_a_person_lets_it_go(world: Any, answer: object) -> None:
    outcome = world.open(Policy(answer)).refund()
    assert (outcome.refund.state, outcome.refund.needs_person) == ("planned", True)
    world.later()
    assert world.ledger.calls == 0
    assert world.desk.retry_refund("1001", outcome.refund_id, by=Actor.staff("ben")).refund.state == "succeeded"


def test_a_held_refund_can_be_cancelled_and_frees_its_money(world: Any) -> None:
    outcome = world.open(Policy(Approval.hold("look"))).refund("100.00")
    world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    assert world.states == ["cancelled"]
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")


def test_a_refused_refund_is_not_made(world: Any) -> None:
    world.open(Policy(Approval.refuse("no refunds on Friday")))
    with pytest.raises(NotAllowed, match="no refunds on Friday"):
        world.refund()
    assert world.refunds == []


@pytest.mark.parametrize("fault", ["none", "lost before", "lost after"])
def test_a_pending_refund_is_cancelled_when_the_provider_says_so(world: Any, fault: str) -> None:
    world.open(cancel_refund=_support("yes")).ledger.new_status = RefundStatus.PENDING
    outcome = world.refund("100.00")
    if fault != "none":
        world.ledger.cancelling = [(fault, lost())]
    asked = world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA, note="the customer keeps it").refund
    assert (asked.state, asked.cancelling) == (("cancelled", False) if fault == "none" else ("pending", True))
    world.later()
    assert world.states == ["cancelled"]
    assert world.went_back == 0
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")
    assert [entry.note for entry in world.desk.timeline("1001") if entry.note] == ["the customer keeps it"]


def test_asking_twice_to_cancel_asks_the_provider_once(world: Any) -> None:
    world.open(cancel_refund=_support("yes")).ledger.new_status = RefundStatus.PENDING
    outcome = world.refund()
    world.ledger.cancelling = [("lost before", lost())]
    assert world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA).changed
    assert not world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA).changed


@pytest.mark.parametrize("paid_out", [True, False])
def test_a_refund_that_the_provider_does_not_take_back_goes_on(world: Any, paid_out: bool) -> None:
    world.open(cancel_refund=_support("partial")).ledger.new_status = RefundStatus.PENDING
    outcome = world.refund()
    world.ledger.cancelling = [("lost before", ProviderError(ErrorCode.NOT_REFUNDABLE, "too late to cancel"))]
    if paid_out:
        world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    refund = world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA).refund
    assert (refund.state, refund.cancelling) == ("succeeded" if paid_out else "pending", False)
    assert world.went_back == 4000
    if not paid_out:
        assert "too late to cancel" in world.desk.timeline("1001")[-1].text("nl")


def test_a_provider_that_takes_nothing_back_is_not_asked(world: Any) -> None:
    world.open(cancel_refund=_support("provider_cannot")).ledger.new_status = RefundStatus.PENDING
    outcome = world.refund()
    with pytest.raises(WrongState, match="cannot be cancelled: Ledger Pay cannot cancel a refund"):
        world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    assert world.states == ["pending"]


def test_a_refund_that_waits_for_its_next_try_can_be_given_up(world: Any) -> None:
    """As the second of two equal ones at Mollie, which waits for an hour."""
    world.open().ledger.before = [
        ProviderError(ErrorCode.DUPLICATE, "one of this amount was just made", not_before=HOUR)
    ]
    outcome = world.refund()
    assert outcome.refund.state == "submitting"
    cancelled = world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA, note="not needed")
    assert (cancelled.changed, cancelled.refund.state) == (True, "cancelled")
    world.later(2 * HOUR)
    assert (world.ledger.calls, world.went_back) == (1, 0)
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")
    assert not world.desk.list_refunds(waits_for="provider").refunds


def test_a_refund_that_waits_for_a_worker_can_be_given_up(world: Any) -> None:
    outcome = world.open(inline_seconds=0).refund()
    assert outcome.refund.state == "submitting"
    assert world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA).refund.state == "cancelled"
    world.later()
    assert (world.ledger.calls, world.went_back) == (0, 0)


def test_a_refund_whose_plugin_is_gone_can_be_given_up(world: Any) -> None:
    outcome = world.open(inline_seconds=0).refund()
    world.open_without_the_plugin()
    world.later()
    assert world.states == ["submitting"]
    assert world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA).refund.state == "cancelled"
    world.open().later()
    assert (world.ledger.calls, world.went_back) == (0, 0)


def test_a_refund_that_waits_for_its_next_try_is_not_given_up_while_a_worker_has_it(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "slow down")]
    outcome = world.refund()

    def meanwhile(call: str, _: Any) -> None:
        if call == "refund":
            with pytest.raises(WrongState, match="being sent right now"):
                world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
            seen.append(call)

    seen: list[str] = []
    world.ledger.watch = meanwhile
    world.later()
    assert seen == ["refund"]
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_whose_worker_was_stopped_at_a_later_try_is_not_given_up(world: Any) -> None:
    """The try may have happened: the provider is asked first, as after every crash."""
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "slow down")]
    outcome = world.refund()
    world.ledger.after = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        world.later()
    with pytest.raises(WrongState, match="may have been made"):
        world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_giving_up_a_refund_that_is_refused_leaves_it_to_its_next_try(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "slow down")]
    outcome = world.refund()
    with pytest.raises(NotAllowed):
        world.desk.cancel_refund("1001", outcome.refund_id, by=Actor.customer("c-1"))
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_that_was_sent_cannot_be_cancelled(world: Any) -> None:
    outcome = world.open().refund()
    with pytest.raises(WrongState, match="is refunded, so it cannot be cancelled"):
        world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)


def test_plugins_hear_every_change_of_a_refund_once(world: Any) -> None:
    heard: list[tuple[str, str]] = []

    class Listener:
        name = "listener"

        @hookimpl
        def on_refund_changed(self, refund: Any, ctx: Any) -> None:
            heard.append((refund.state.value, ctx.event))

    world.open(Listener()).ledger.after = [lost()]
    world.refund()
    world.later()
    assert [state for state, _ in heard] == ["submitting", "unknown", "succeeded"]
    assert len(set(heard)) == 3


def _support(value: str) -> object:
    from retour.providers import Support

    return Support(value)


def test_the_window_begins_with_the_first_try_that_may_have_happened(world: Any) -> None:
    """A refund that was put off for an hour, then sent and lost, is as fresh at its provider as any other."""
    world.open().ledger.before = [
        ProviderError(ErrorCode.DUPLICATE, "one of this amount was just made", not_before=HOUR)
    ]
    world.refund()
    world.ledger.before = [lost()]
    world.later(HOUR)
    assert world.states == ["unknown"]
    world.later(datetime.timedelta(minutes=54))
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_that_waited_for_a_worker_longer_than_the_window_is_no_older_at_its_provider(world: Any) -> None:
    world.open(inline_seconds=0).refund()
    world.ledger.before = [lost()]
    world.later(3 * HOUR)
    assert world.states == ["unknown"]
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_window_too_short_to_be_of_use_holds_nothing_up(world: Any) -> None:
    window = Idempotency(header="Key", window=datetime.timedelta(minutes=1))
    assert world.open(idempotency=window).refund().refund.state == "succeeded"


@pytest.mark.parametrize("broken", [lost(), ValueError("the worker dies")], ids=["the answer is lost", "it crashes"])
def test_the_delay_of_a_lookup_counts_from_the_last_try(world: Any, broken: Exception) -> None:
    """The provider does not show a refund at once: what was sent again a minute ago may be there unseen."""
    world.open(lookup_complete_after=datetime.timedelta(minutes=30)).ledger.before = [lost()]
    world.ledger.blind = True
    world.refund()
    world.ledger.after = [broken]
    world.later(datetime.timedelta(minutes=50))  # sent again, and it happens
    assert (world.states, world.went_back) == (["unknown"], 4000)
    world.ledger.keys.clear()  # an hour after the first try the provider forgets the key
    world.later(datetime.timedelta(minutes=10))
    assert (world.states, world.went_back) == (["unknown"], 4000)
    world.ledger.blind = False
    world.later(datetime.timedelta(minutes=25))
    assert (world.states, world.went_back) == (["succeeded"], 4000)


# --- money that came back --------------------------------------------------------------------------------


def test_what_a_person_confirmed_and_the_bank_sent_back_can_be_refunded_again(world: Any) -> None:
    waiting = world.open().open_link("100.00").refund_id
    world.desk.confirm_refund(
        "1001", "p_1", Money.of("100", "EUR"), reference="st-17", by=ANNA, request_id="form-9", refund_id=waiting
    )
    assert world.desk.reverse_refund("1001", waiting, reference="st-30", by=ANNA).refund.state == "reversed"
    assert not world.desk.reverse_refund("1001", waiting, reference="st-30", by=ANNA).changed
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")
    assert world.refund("100.00").refund.state == "succeeded"


def test_what_a_provider_said_only_the_provider_takes_back(world: Any) -> None:
    outcome = world.open().refund()
    with pytest.raises(WrongState, match="Have the order checked at the provider"):
        world.desk.reverse_refund("1001", outcome.refund_id, reference="st-30", by=ANNA)
    assert world.states == ["succeeded"]


@pytest.mark.parametrize("reference", ["", "x" * 201, "4111 1111 1111 1111"])
def test_money_that_came_back_has_a_reference(world: Any, reference: str) -> None:
    waiting = world.open().open_link().refund_id
    world.desk.confirm_refund("1001", "p_1", EUR40, reference="st-17", by=ANNA, request_id="form-9", refund_id=waiting)
    with pytest.raises(InvalidReference):
        world.desk.reverse_refund("1001", waiting, reference=reference, by=ANNA)
    assert world.states == ["succeeded"]
