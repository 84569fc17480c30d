"""The money track: what can go back on which payment, and how a refund is decided, confirmed and cancelled."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import attrs

from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import ConsentMissing, InvalidAmount, InvalidArgument, InvalidReference, WrongState
from retour.model.events.money import (
    RefundCancelAsked,
    RefundCancelled,
    RefundConfirmed,
    RefundHandedOver,
    RefundHeld,
    RefundLinkOpened,
    RefundMatched,
    RefundPaidTwice,
    RefundPlanned,
    RefundRefused,
    RefundReversed,
    RefundSettled,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.events.transfers import RefundTransferReleased
from retour.model.fields import shown, typed_alike
from retour.model.ids import is_batch_name
from retour.model.money import Money, total
from retour.model.order import Order, Payment
from retour.model.reasons import Reason, ReasonCode, names_in_a_reason, reason
from retour.model.refunds import (
    REFUND_WORDS,
    Refund,
    RefundInstruction,
    RefundPlan,
    RefundQuote,
    RefundShare,
    RefundSource,
    RefundState,
    Reported,
)
from retour.model.text import Text, text
from retour.rules.amount_steps import check_step, payable
from retour.rules.books import refunded_there
from retour.rules.closed_ways import why_nothing_is_suggested
from retour.rules.draft import Draft, refuse_card_number
from retour.rules.matching import record_paid_once, record_twice_or_once
from retour.rules.payment_identity import refuse_unplaced, unplaced
from retour.rules.quote import goods_value, value_of_what_came_back

LONGEST_REFERENCE = 140
"""Characters of a refund reference: the unstructured remittance of a SEPA transfer, the longest of its kind."""


def suggested_total(dossier: Dossier, order: Order) -> Money:
    """What is owed for the goods that came back and was not refunded yet; never below zero.

    What was paid for the units that are here, by the order as it was when they were counted, less what went back
    already, through a refund or the customer's bank. Where the order is not fully paid (an invoice), what is still due
    for the rest is taken off first (rule R6 of the law notes): paid 60.00 of 94.95 and 50.00 of goods back gives 15.05.
    """
    goods = value_of_what_came_back(dossier, order).gross
    gone = dossier.refunded_in_all(order.currency) + total(
        [dossier.charged_back(one.id, order.currency) for one in order.payments], order.currency
    )
    owed_for_kept = order.paid - goods_value(order, dossier.back_and_on(order)).gross
    owed = min(goods - gone, order.captured - gone - owed_for_kept)
    return max(owed, Money.zero(order.currency))


def _to_decide(dossier: Dossier, order: Order) -> Reason | None:
    """What a person has to decide about the lines of which units came back, None where that is nothing: of one of them
    all that is known, of several which they are."""
    undecided = value_of_what_came_back(dossier, order).undecided
    if len({str(why) for why in undecided.values()}) > 1:
        return reason(ReasonCode.SEVERAL_LINES, lines=names_in_a_reason(list(undecided)))
    return next(iter(undecided.values()), None)


def quote(
    dossier: Dossier,
    order: Order,
    step_of: Callable[[Payment], int] = lambda _: 1,
    known_step_of: Callable[[Payment], int] | None = None,
) -> RefundQuote:
    """What is owed, and what is left on each payment; the suggestion is spread over them in their order, each in the
    steps of its provider (``step_of``, in minor units), so that it can be paid as it is. What no step can ever pay is
    told by the step that is known of each (``known_step_of``), where that is another one.

    ``because`` names the lines that a person has to decide about, before what no step can pay.

    Nothing is suggested where refunds are of another currency than the order is now, or are on a payment that left it,
    or where it has one payment under two names: nobody can count them together. Nor is anything on a payment of which
    nothing can go back now (`why_nothing_is_suggested`), and what falls on that goes on no other: it may go back there
    all the same.
    """
    rest, nothing = suggested_total(dossier, order), Money.zero(order.currency)
    found, never = [], []
    for payment in order.payments:
        refunded = dossier.refunded(payment.id, order.currency)
        charged_back = dossier.charged_back(payment.id, order.currency)
        left = max(payment.captured - refunded - charged_back, Money.zero(order.currency))
        step = step_of(payment)
        can = payable(rest, left, step, known_step_of(payment) if known_step_of is not None else step)
        rest = max(rest - can.amount, nothing)
        held = why_nothing_is_suggested(dossier, payment, can.amount) if can.amount or can.never else None
        never.append(can.never if held is None else nothing)
        found.append(
            RefundShare(
                payment=payment,
                refunded=refunded,
                charged_back=charged_back,
                left=left,
                suggested=can.amount if held is None else nothing,
                step=step,
                held=held,
            )
        )
    remainder = min(rest, total(never, order.currency))
    because = _to_decide(dossier, order)
    if because is None and remainder:
        because = reason(ReasonCode.REMAINDER, amount=str(remainder))
    quoted = RefundQuote(
        suggested=total([share.suggested for share in found], order.currency),
        shares=_with_remainders(found, never, remainder),
        remainder=remainder,
        because=because,
        to_inspect=dossier.to_inspect(),
    )
    uncounted = reason(ReasonCode.OTHER_CURRENCY) if dossier.in_another_currency(order.currency) else unplaced(dossier)
    if uncounted is not None:
        return without_plan(attrs.evolve(quoted, suggested=Money.zero(order.currency)), uncounted)
    return quoted


def _with_remainders(found: Sequence[RefundShare], never: Sequence[Money], remainder: Money) -> tuple[RefundShare, ...]:
    """The shares, each with its part of what no step can pay."""
    shares = []
    for share, most in zip(found, never, strict=True):
        part = min(remainder, most)
        remainder -= part
        shares.append(attrs.evolve(share, remainder=part or None))
    return tuple(shares)


def by_plan(quoted: RefundQuote, plans: Sequence[RefundPlan]) -> RefundQuote:
    """The quote with the amounts of a policy's plan. Raises ValueError for a plan that cannot be followed."""
    amounts: dict[str, Money] = {}
    shares = {share.payment.id: share for share in quoted.shares}
    for plan in plans:
        share = shares.get(plan.payment)
        if share is None:
            raise ValueError(f"there is no payment {plan.payment}")
        if plan.payment in amounts:
            raise ValueError(f"payment {plan.payment} is planned twice")
        if share.held is not None and plan.amount.minor:
            raise ValueError(
                f"{plan.amount} of payment {plan.payment}, of which nothing can be refunded now: {share.held}"
            )
        if plan.amount.minor % share.step:
            raise ValueError(
                f"{plan.amount} of payment {plan.payment}, which is paid in steps of {share.step} minor units"
            )
        if plan.amount.currency != share.left.currency or not 0 <= plan.amount.minor <= share.left.minor:
            raise ValueError(f"{plan.amount} of payment {plan.payment}, of which {share.left} is left")
        amounts[plan.payment] = plan.amount
    nothing = Money.zero(quoted.suggested.currency)
    return attrs.evolve(
        quoted,
        remainder=None,
        because=_of_the_lines(quoted.because),
        shares=tuple(
            [
                attrs.evolve(share, suggested=amounts.get(share.payment.id, nothing), remainder=None)
                for share in quoted.shares
            ]
        ),
    )


def _of_the_lines(because: Reason | None) -> Reason | None:
    """What is said of the order's lines, whoever plans; of a remainder nobody knows who plans himself."""
    return None if because is not None and because.code is ReasonCode.REMAINDER else because


def without_plan(quoted: RefundQuote, because: Reason) -> RefundQuote:
    """The quote where nobody can say which payment gets how much: nothing is suggested, and a person decides."""
    return attrs.evolve(by_plan(quoted, ()), because=because)


def _check_is_money(order: Order, amount: object) -> None:
    if not issubclass(type(amount), Money):  # an object can say of itself that it is one
        raise InvalidAmount(
            text(
                "Order {order}: {amount} is no amount of money in {currency}.",
                order=order.id,
                amount=shown(amount),
                currency=order.currency,
            ),
            in_code=f'Money.of("12.34", "{order.currency}")',
        )


def left_of(dossier: Dossier, order: Order, payment: Payment) -> Money:
    """What is left of a payment, by all that is known to be gone; below zero where more is."""
    gone = dossier.refunded(payment.id, order.currency) + dossier.charged_back(payment.id, order.currency)
    return payment.captured - gone


def check_amount(dossier: Dossier, order: Order, payment: Payment, amount: Money) -> None:
    """Raise `InvalidAmount` unless ``amount`` is in the order's currency, above zero, and at most what is left."""
    _check_is_money(order, amount)
    if amount.currency != order.currency:
        raise InvalidAmount(
            text(
                "Order {order} was paid in {currency}; {amount} is another currency.",
                order=order.id,
                currency=order.currency,
                amount=amount,
            )
        )
    if amount.minor <= 0:
        raise InvalidAmount(text("Order {order}: a refund is above zero, not {amount}.", order=order.id, amount=amount))
    charged_back, left = dossier.charged_back(payment.id, order.currency), left_of(dossier, order, payment)
    if amount > left and charged_back:
        raise InvalidAmount(
            text(
                "Order {order}: {amount} is more than the {left} that is left of payment {payment} ({captured} was "
                "paid). The customer's bank took back {charged_back}.",
                order=order.id,
                amount=amount,
                left=max(left, Money.zero(order.currency)),
                payment=payment.id,
                captured=payment.captured,
                charged_back=charged_back,
            )
        )
    there = refunded_there(dossier, payment)
    if amount > left and there:
        raise InvalidAmount(
            text(
                "Order {order}: {amount} is more than the {left} that is left of payment {payment} ({captured} was "
                "paid). At the provider went back: {there}.",
                order=order.id,
                amount=amount,
                left=max(left, Money.zero(order.currency)),
                payment=payment.id,
                captured=payment.captured,
                there=[
                    Text(message="{amount} ({reference})", values={"amount": one.amount, "reference": one.reference})
                    for one in there
                ],
            )
        )
    if amount > left:
        raise InvalidAmount(
            text(
                "Order {order}: {amount} is more than the {left} that is left of payment {payment} "
                "({captured} was paid).",
                order=order.id,
                amount=amount,
                left=max(left, Money.zero(order.currency)),
                payment=payment.id,
                captured=payment.captured,
            )
        )


# --- deciding a refund -----------------------------------------------------------------------------------


def check_decision(draft: Draft, order: Order, payment: Payment, amount: Money, return_id: str | None) -> None:
    """Raise what stands in the way of deciding that ``amount`` of a payment goes back, for a return or for none."""
    _check_return(draft, return_id)
    _refuse_while_unclear(draft.dossier, order, payment)
    refuse_unplaced(draft.dossier, order)
    _refuse_uncounted(draft.dossier, order, payment)
    check_amount(draft.dossier, order, payment, amount)


def check_plan(
    draft: Draft,
    order: Order,
    payment: Payment,
    amount: Money,
    *,
    step: int,
    return_id: str | None,
    instead_of: str | None,
    note: str | None,
) -> None:
    """Raise what stands in the way of `plan`. What would be replaced is cancelled on the draft."""
    draft.only(
        ActorKind.STAFF, ActorKind.SYSTEM, refusal=text("Order {order}: {actor} may not make a refund; staff may.")
    )
    if instead_of is not None:
        cancel_waiting(draft, instead_of, reason(ReasonCode.REPLACED))
    check_decision(draft, order, payment, amount, return_id)
    check_step(order, payment, amount, left_of(draft.dossier, order, payment), step)
    refuse_card_number(order.id, note or "")


def plan(
    draft: Draft,
    order: Order,
    payment: Payment,
    amount: Money,
    target: str,
    *,
    step: int = 1,
    hold: Reason | None = None,
    page: str = "",
    return_id: str | None = None,
    instead_of: str | None = None,
    note: str | None = None,
    read_at: datetime.datetime | None = None,
) -> str:
    """Decide a refund by API: the intent, with everything that will be sent. Gives the refund's id.

    ``target`` is what the provider refunds, ``step`` that of the amounts that it pays, in minor units.
    ``hold`` says why it waits for a person. ``instead_of`` is a refund that
    waits for the merchant and is cancelled by this. ``read_at`` is when the provider's books were read for it, None
    where they were not.
    """
    check_plan(draft, order, payment, amount, step=step, return_id=return_id, instead_of=instead_of, note=note)
    refund_id = draft.new_id("rf")
    draft.record(
        RefundPlanned(
            refund_id=refund_id,
            payment=payment.id,
            amount=amount,
            sent=RefundInstruction(target=target, key=refund_id, description=f"Retour {order.id}"),
            return_id=return_id,
            hold=hold,
            note_id=draft.note(order, note),
            page=page if page.startswith("https://") else "",
            books_read=read_at is not None,
            read_at=read_at,
            database_at=draft.earliest,
            step=step,
        )
    )
    return refund_id


def open_link(
    draft: Draft,
    order: Order,
    payment: Payment,
    amount: Money,
    return_id: str | None,
    note: str | None,
    *,
    by_transfer: bool = False,
    lacks_consent: bool = False,
    step: int = 1,
) -> str:
    """Reserve an amount for a person who is about to refund it at the provider, in its ``step``, or at the bank: there
    not before the customer has agreed, where that ``lacks_consent``. Gives the refund's id."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not make a refund; staff may."))
    _check_return(draft, return_id)
    _refuse_while_unclear(draft.dossier, order, payment)
    refuse_unplaced(draft.dossier, order)
    check_amount(draft.dossier, order, payment, amount)
    check_step(order, payment, amount, left_of(draft.dossier, order, payment), step)
    refund_id = draft.new_id("rf")
    draft.record(
        RefundLinkOpened(
            refund_id=refund_id,
            payment=payment.id,
            amount=amount,
            return_id=return_id,
            note_id=draft.note(order, note),
            by_transfer=by_transfer,
            lacks_consent=lacks_consent,
            database_at=draft.earliest,
            step=step,
        )
    )
    return refund_id


def set_batch(draft: Draft, refund_id: str, batch: str) -> None:
    """Put a refund by bank transfer in the file for the bank that is called ``batch``; an empty name takes it out.

    It is in one file at most: in two it would be paid twice. Saying the same again changes nothing.
    """
    draft.only(
        ActorKind.STAFF,
        ActorKind.SYSTEM,
        refusal=text("Order {order}: {actor} may not hand a refund to the bank; staff may."),
    )
    refund = draft.dossier.refund(refund_id)
    if batch not in ("", refund.batch) and not is_batch_name(batch):
        raise InvalidReference(
            text(
                "Order {order}: a batch's name is 1 to 35 letters without accents, digits, points and hyphens, not "
                "{batch}.",
                order=draft.dossier.order_id,
                batch=repr(batch),
            )
        )
    if refund.state is not RefundState.AWAITING_MERCHANT or not refund.by_transfer:
        raise _not_now(
            draft.dossier,
            refund,
            text("Order {order}: refund {refund} of {amount} is {state}, so it cannot be handed to the bank."),
        )
    if refund.lacks_consent and batch:
        raise ConsentMissing(
            text(
                "Order {order}: refund {refund} of {amount} would go back another way than the customer paid. Ask him, "
                "and record his consent first.",
                order=draft.dossier.order_id,
                refund=refund.id,
                amount=refund.amount,
            ),
            in_code=f"refund(..., to=BankAccount(...), consent=Consent(...), instead_of={refund.id!r})",
        )
    if refund.batch == batch:
        return
    if refund.batch and batch:
        raise WrongState(
            text(
                "Order {order}: refund {refund} of {amount} is in batch {batch} already, which the bank may pay.",
                order=draft.dossier.order_id,
                refund=refund.id,
                amount=refund.amount,
                batch=refund.batch,
            )
        )
    draft.record(RefundHandedOver(refund_id=refund_id, batch=batch))


def confirm(
    draft: Draft,
    order: Order,
    payment: Payment,
    amount: Money,
    reference: str,
    return_id: str | None,
    note: str | None,
    refund_id: str | None = None,
) -> str:
    """Record that a person refunded ``amount`` and what the provider or the bank calls it. Gives the refund's id.

    The refund that waited for it is the one named, or the only one that waits on this payment with this amount;
    where there is none, it is a refund that nobody announced. One that was found at the provider in another currency
    waits for a person who has seen it, and is confirmed by its own reference.
    """
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not confirm a refund; staff may."))
    _check_return(draft, return_id)
    _check_is_money(order, amount)
    waiting = _confirmed_refund(draft.dossier, payment, amount, refund_id)
    if waiting is None:
        check_amount(draft.dossier, order, payment, amount)
    else:
        check_confirmable(draft.dossier, waiting, payment, amount)
    settled = waiting.id if waiting is not None else draft.new_id("rf")
    draft.record(
        RefundConfirmed(
            refund_id=settled,
            payment=payment.id,
            amount=amount,
            reference=_checked_reference(draft.dossier, order, payment, reference, waiting),
            return_id=return_id,
            note_id=draft.note(order, note),
        )
    )
    return settled


def confirm_in_place_of(
    draft: Draft,
    order: Order,
    refund: Refund,
    payment: Payment,
    reference: str,
    return_id: str | None,
    note: str | None,
) -> str:
    """Record that a person made a refund by hand in place of one that was unknown, as a record of its own. Gives its
    id. What the provider said of the other one is recorded before: where both were made, it was paid twice."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not confirm a refund; staff may."))
    _check_return(draft, return_id)
    refund_id = draft.new_id("rf")
    draft.record(
        RefundConfirmed(
            refund_id=refund_id,
            payment=payment.id,
            amount=refund.amount,
            reference=_checked_reference(draft.dossier, order, payment, reference),
            return_id=return_id,
            note_id=draft.note(order, note),
            in_place_of=refund.id,
        )
    )
    if draft.dossier.refund(refund.id).counts_against_payment:
        draft.record(RefundPaidTwice(refund_id=refund_id, other_id=refund.id))
    return refund_id


def settle(draft: Draft, order: Order, refund_id: str, evidence: str, reference: str, *, happened: bool) -> None:
    """Record a person's word on a refund of which nobody else can tell what became of it. The same twice changes
    nothing; another word on one that a person settled is his word from now on."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not settle a refund; staff may."))
    refund = draft.dossier.refund(refund_id)
    if _is_a_persons_word(refund) and refund.settled is happened:
        return
    if not may_be_settled(refund):
        raise not_to_be_settled(draft.dossier, refund)
    if not evidence.strip():
        raise InvalidArgument(
            text("Order {order}: say how you know what became of the refund, for whoever asks later.", order=order.id)
        )
    words = ""
    if happened:
        payment = draft.dossier.payment_of(order, refund.payment)
        words = _checked_reference(draft.dossier, order, payment, reference.strip() or refund.reference, refund)
    draft.record(
        RefundSettled(refund_id=refund_id, happened=happened, reference=words, note_id=draft.note(order, evidence))
    )
    record_twice_or_once(draft, draft.dossier.refund(refund_id))


def may_be_settled(refund: Refund) -> bool:
    """Whether a person's word on a refund can count, where its provider's is not to be had: it is unknown or on its
    way, or was settled by a person before; or its provider says something else about it than he did."""
    of_its_provider = refund.state in (RefundState.UNKNOWN, RefundState.PENDING)
    return of_its_provider or refund.contradicted or _is_a_persons_word(refund)


def _is_a_persons_word(refund: Refund) -> bool:
    """Whether what is known of a refund is what a person said when he settled it, and knew what its provider says."""
    by_hand = RefundState.SUCCEEDED if refund.settled else RefundState.FAILED
    if refund.settled is None or refund.state is not by_hand:
        return False
    knew = refund.problem is not None and refund.problem.code is ReasonCode.SETTLED
    return knew or refund.reported <= {Reported.PENDING}


def not_to_be_settled(dossier: Dossier, refund: Refund) -> WrongState:
    """The error about a refund of which no person's word is needed."""
    return _not_now(
        dossier, refund, text("Order {order}: refund {refund} of {amount} is {state}, so it cannot be settled.")
    )


def did_not_happen(draft: Draft, refund_id: str) -> None:
    """Record that the provider certainly does not have a refund that was unknown: the money is free again."""
    refund = draft.dossier.refund(refund_id)
    because = reason(ReasonCode.DID_NOT_HAPPEN)
    draft.record(RefundRefused(refund_id=refund_id, because=because), by=Actor.provider(refund.provider))


def reverse(draft: Draft, order: Order, refund_id: str, reference: str, note: str | None) -> None:
    """Record that the money of a refund which a person had confirmed came back. Said twice it changes nothing.

    What a provider said of a refund only the provider can take back.
    """
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not reverse a refund; staff may."))
    refund = draft.dossier.refund(refund_id)
    if refund.state is RefundState.REVERSED:
        return
    if not may_be_reversed(refund):
        raise _not_now(
            draft.dossier,
            refund,
            text(
                "Order {order}: refund {refund} of {amount} is {state}, so it cannot be reversed here. Have the order "
                "checked at the provider."
            ),
            in_code=f"reconcile({draft.dossier.order_id!r})",
        )
    words = _checked_reference(draft.dossier, order, draft.dossier.payment_of(order, refund.payment), reference)
    draft.record(RefundReversed(refund_id=refund_id, reference=words, note_id=draft.note(order, note)))
    record_paid_once(draft, refund_id)


def may_be_reversed(refund: Refund) -> bool:
    """Whether a person can say that the money of a refund came back: he, and no provider, had said that it went."""
    return refund.state is RefundState.SUCCEEDED and Reported.SUCCEEDED not in refund.reported


def cancel(draft: Draft, order: Order, refund_id: str, note: str | None, *, withdrawn: bool) -> None:
    """Cancel a refund that was certainly not sent, or that waits for the merchant; ask for one that the provider has.

    What the provider has is cancelled only when the provider says so. ``withdrawn`` says that nobody can send a refund
    meanwhile whose tries so far certainly did nothing.
    """
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not cancel a refund; staff may."))
    refund = draft.dossier.refund(refund_id)
    if refund.state is RefundState.SUBMITTING and withdrawn:
        draft.record(RefundCancelled(refund_id=refund_id, note_id=draft.note(order, note)))
    elif refund.state is not RefundState.PENDING or refund.instruction is None:
        cancel_waiting(draft, refund_id, None, draft.note(order, note))
    elif not refund.cancelling:
        draft.record(RefundCancelAsked(refund_id=refund_id, note_id=draft.note(order, note)))


def waiting(dossier: Dossier, refund_id: str) -> Refund:
    """The refund, if a person can make it now; raises `WrongState`."""
    refund = dossier.refund(refund_id)
    if refund.state is not RefundState.AWAITING_MERCHANT:
        raise _not_now(
            dossier,
            refund,
            text("Order {order}: refund {refund} of {amount} is {state}, so it cannot be made by hand."),
        )
    return refund


def retry(
    draft: Draft, refund_id: str, hold: Reason | None = None, *, read_at: datetime.datetime | None = None
) -> None:
    """Let a refund that waits for a person go on: sent with its own key if it certainly was not, else looked up.

    ``hold`` is why it has to wait all the same, by the books that were read at ``read_at``; a person who was told that
    already has decided it."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not make a refund; staff may."))
    refund = draft.dossier.refund(refund_id)
    if not may_be_retried(refund):
        raise _not_now(
            draft.dossier,
            refund,
            text("Order {order}: refund {refund} of {amount} is {state}, so it cannot be tried again."),
        )
    if refund.state is RefundState.PLANNED and hold is not None and hold != refund.problem:
        draft.record(RefundHeld(refund_id=refund_id, because=hold))
    elif refund.state is RefundState.PLANNED and refund.by_transfer:
        draft.record(RefundTransferReleased(refund_id=refund_id))
    elif refund.state is RefundState.PLANNED:
        draft.record(
            RefundSubmitted(
                refund_id=refund_id, books_read=read_at is not None, read_at=read_at, database_at=draft.earliest
            )
        )
    else:
        draft.record(RefundUnclear(refund_id=refund_id, because=refund.problem, database_at=draft.latest))


def match(draft: Draft, refund_id: str, external_id: str) -> None:
    """Say that an external refund is one of ours: they are one refund, and count once."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not match refunds; staff may."))
    ours, external = draft.dossier.refund(refund_id), draft.dossier.refund(external_id)
    if not may_be_one(draft.dossier, ours, external):
        raise WrongState(
            text(
                "Order {order}: refunds {one} and {other} are not one: match a refund found at the provider with "
                "one of the same payment and amount that waits, is unknown, or was confirmed by a person.",
                order=draft.dossier.order_id,
                one=refund_id,
                other=external_id,
            )
        )
    draft.record(RefundMatched(refund_id=refund_id, external_id=external_id))


def may_be_one(dossier: Dossier, ours: Refund, external: Refund) -> bool:
    """Whether a refund that was found at the provider can be this one of ours."""
    return (
        external.source is RefundSource.EXTERNAL
        and ours.source is not RefundSource.EXTERNAL
        and dossier.stands_for(ours.payment) == dossier.stands_for(external.payment)
        and ours.amount == external.amount
        and ours.state in (RefundState.AWAITING_MERCHANT, RefundState.UNKNOWN, RefundState.SUCCEEDED)
        and not ours.reported
    )


# --- the small print -------------------------------------------------------------------------------------


def _check_return(draft: Draft, return_id: str | None) -> None:
    if return_id is not None:
        draft.dossier.return_(return_id)


def _confirmed_refund(dossier: Dossier, payment: Payment, amount: Money, refund_id: str | None) -> Refund | None:
    if refund_id is not None:
        return dossier.refund(refund_id)
    waiting = [
        refund
        for refund in dossier.on_payment(payment.id)
        if refund.state is RefundState.AWAITING_MERCHANT and refund.amount == amount
    ]
    return waiting[0] if len(waiting) == 1 else None


def check_confirmable(dossier: Dossier, refund: Refund, payment: Payment, amount: Money) -> None:
    """Raise `WrongState` for a refund that no person can confirm, or not with this payment and amount."""
    if not may_be_confirmed(refund):
        raise not_to_be_confirmed(dossier, refund)
    check_fits(dossier, refund, payment, amount)


def may_be_confirmed(refund: Refund) -> bool:
    """Whether a person can say that he made a refund: it waits for him, or nobody else can tell."""
    open_states = (RefundState.AWAITING_MERCHANT, RefundState.UNKNOWN)
    held = refund.needs_person and (refund.state is RefundState.PLANNED or refund.source is RefundSource.EXTERNAL)
    return refund.state in open_states or held


def may_be_retried(refund: Refund) -> bool:
    """Whether a refund waits for a person who lets it go on."""
    return refund.needs_person and refund.state in (RefundState.PLANNED, RefundState.UNKNOWN)


def may_be_withdrawn(refund: Refund) -> bool:
    """Whether a refund was certainly not sent, or waits for the merchant, and the bank does not have it."""
    return refund.state in (RefundState.AWAITING_MERCHANT, RefundState.PLANNED) and not refund.batch


def left_to_refund(dossier: Dossier, stands: str, currency: str) -> Money | None:
    """What of a payment can be refunded once more, None where nothing can: the order does not have it any more, or
    something on it is unclear."""
    payment = next((one for one in dossier.order.payments if one.id == stands), None) if dossier.order else None
    if payment is None or payment.captured.currency != currency or unplaced(dossier) is not None:
        return None
    beside = [one for one in dossier.on_payment(payment.id) if one.counts_against_payment]
    if any(one.state is RefundState.UNKNOWN or one.amount.currency != currency for one in beside):
        return None
    return payment.captured - dossier.refunded(payment.id, currency) - dossier.charged_back(payment.id, currency)


def check_fits(dossier: Dossier, refund: Refund, payment: Payment, amount: Money) -> None:
    """Raise `WrongState` for a refund that is not of this payment and amount."""
    if refund not in dossier.on_payment(payment.id) or refund.amount != amount:
        raise not_to_be_confirmed(dossier, refund)


def not_to_be_confirmed(dossier: Dossier, refund: Refund) -> WrongState:
    """The error about a refund that cannot be confirmed as it was to be."""
    return _not_now(
        dossier,
        refund,
        text(
            "Order {order}: refund {refund} of {amount} is {state}, so it cannot be confirmed with this payment and "
            "amount."
        ),
    )


def cancel_waiting(draft: Draft, refund_id: str, because: Reason | None, note_id: str | None = None) -> None:
    """Cancel a refund that was certainly not sent, or that waits for the merchant; raises `WrongState` for others."""
    refund = draft.dossier.refund(refund_id)
    if refund.state not in (RefundState.AWAITING_MERCHANT, RefundState.PLANNED):
        raise _not_now(
            draft.dossier,
            refund,
            text("Order {order}: refund {refund} of {amount} is {state}, so it cannot be cancelled."),
        )
    if refund.batch:
        raise WrongState(
            text(
                "Order {order}: refund {refund} of {amount} is in batch {batch}, which the bank may pay. Take it out "
                "at the bank and here, then cancel it.",
                order=draft.dossier.order_id,
                refund=refund.id,
                amount=refund.amount,
                batch=refund.batch,
            ),
            in_code=f'set_refund_batch({draft.dossier.order_id!r}, {refund.id!r}, "", ...)',
        )
    draft.record(RefundCancelled(refund_id=refund_id, because=because, note_id=note_id))


def _refuse_while_unclear(dossier: Dossier, order: Order, payment: Payment) -> None:
    """Offer nothing else for money of which it is unclear whether it went back already."""
    for refund in dossier.on_payment(payment.id):
        if refund.state is RefundState.UNKNOWN:
            raise WrongState(
                text(
                    "Order {order}: it is not clear yet whether {amount} of payment {payment} went back "
                    "(refund {refund}). Wait until the provider has said so, or settle that refund yourself.",
                    order=order.id,
                    amount=refund.amount,
                    payment=payment.id,
                    refund=refund.id,
                )
            )


def _refuse_uncounted(dossier: Dossier, order: Order, payment: Payment) -> None:
    """Send nothing on a payment of which nobody can count what is left."""
    for refund in dossier.in_another_currency(order.currency, payment.id):
        raise WrongState(
            text(
                "Order {order}: refund {refund} of {amount} on payment {payment} is in another currency than the order "
                "is in now ({currency}), so what is left cannot be counted. Look at the provider what went back, "
                "refund the rest there, and confirm it here.",
                order=order.id,
                refund=refund.id,
                amount=str(refund.amount),
                payment=payment.id,
                currency=order.currency,
            )
        )


def _not_now(dossier: Dossier, refund: Refund, sentence: Text, *, in_code: str = "") -> WrongState:
    """The error that says, in a ``sentence`` that still lacks its values, what cannot be done with a refund."""
    return WrongState(
        attrs.evolve(
            sentence,
            values={
                "order": dossier.order_id,
                "refund": refund.id,
                "amount": refund.amount,
                "state": REFUND_WORDS[refund.state],
            },
        ),
        in_code=in_code,
    )


def _checked_reference(
    dossier: Dossier, order: Order, payment: Payment, reference: str, settles: Refund | None = None
) -> str:
    words = reference.strip()
    if not words or len(words) > LONGEST_REFERENCE:
        raise InvalidReference(
            text(
                "Order {order}: give the refund's reference at the provider or the bank, 1 to {longest} characters.",
                order=order.id,
                longest=LONGEST_REFERENCE,
            )
        )
    refuse_card_number(order.id, words)
    is_found = settles is not None and (settles.source is RefundSource.EXTERNAL or bool(settles.reported))
    if settles is not None and is_found and typed_alike(settles.reference, words):
        return settles.reference
    if settles is not None and is_found and settles.reference:
        raise InvalidReference(
            text(
                "Order {order}: refund {refund} of {amount} was found under the reference {reference}. Confirm it with "
                "that one, so that it is known when it is found again.",
                order=order.id,
                refund=settles.id,
                amount=settles.amount,
                reference=settles.reference,
            )
        )
    for refund in dossier.on_payment(payment.id):
        if typed_alike(refund.reference, words) and refund is not settles:
            raise InvalidReference(
                text(
                    "Order {order}: refund {reference} of {amount} was confirmed before. "
                    "Two refunds have two references.",
                    order=order.id,
                    reference=refund.reference,
                    amount=refund.amount,
                )
            )
    return words
