"""What of an order a person must look at: each kind has one function here, and `FINDERS` is the table of them.

What still has to be decided stays until it is. What a person can only take note of stays until he has acknowledged it,
and comes back when something new happens to it: another reason, or the same one anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

from retour.model.actor import ActorKind
from retour.model.attention import ATTENTION_WORDS, STEP_WORDS, Attention, AttentionKind
from retour.model.dossier import Dossier
from retour.model.errors import WrongState
from retour.model.events.attention import AttentionAcknowledged
from retour.model.money import Money
from retour.model.order import Order
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Refund, RefundSource, RefundState, Reported
from retour.model.text import text
from retour.model.when import When
from retour.rules.draft import Draft
from retour.rules.label_attention import (
    announced_twice,
    labels_not_cancelled,
    parcels,
    parcels_not_expected,
    refused_labels,
    undecided_labels,
)
from retour.rules.refunds import left_to_refund, may_be_one, may_be_reversed, quote
from retour.rules.transfers import why_not_transferred

RULES = 7
"""The number of these rules. Raise it with every change of what they find: orders that were listed by others are listed
anew when they are next written."""

ACKNOWLEDGE = "acknowledge"
"""The desk's method for what needs no decision but a look."""

Finder = Callable[[Dossier], Iterator[Attention]]
"""Finds what there is of one kind, or of several that exclude each other."""


def needs_attention(dossier: Dossier) -> tuple[Attention, ...]:
    """What of an order a person must look at, and has not acknowledged."""
    return tuple([one for one in _everything(dossier) if not _acknowledged(dossier, one)])


def acknowledge(
    draft: Draft, order: Order, kind: AttentionKind, about: str, note: str | None, *, listed: bool = False
) -> None:
    """Record that a person has looked at something. The same twice changes nothing. Raises `WrongState` for what waits
    for a decision, and for what is not there. What was ``listed``, and is no more now that the order was read again,
    has ended by what the shop changed."""
    draft.only(
        ActorKind.STAFF, refusal=text("Order {order}: {actor} may not acknowledge what waits for a person; staff may.")
    )
    found = [one for one in _everything(draft.dossier) if (one.kind, one.about) == (kind, about)]
    if not found:
        if listed or any((one.kind, one.about) == (kind, about) for one in draft.dossier.acknowledged):
            return
        raise WrongState(
            text(
                "Order {order}, {about}: nothing of the kind “{kind}” waits for a person. Look at the list again.",
                order=order.id,
                kind=ATTENTION_WORDS[kind],
                about=about,
            )
        )
    if _acknowledged(draft.dossier, found[0]):
        return
    if ACKNOWLEDGE not in found[0].can_do:
        raise WrongState(
            text(
                "Order {order}: {about} waits for a decision, and to have looked at it is none. What can be done: "
                "{steps}.",
                order=order.id,
                about=about,
                steps=[STEP_WORDS[one] for one in found[0].can_do],
            ),
            in_code=" or ".join(found[0].can_do),
        )
    draft.record(
        AttentionAcknowledged(
            kind=kind.value,
            about=about,
            since=found[0].since,
            why=found[0].why,
            refund_id=about if about in draft.dossier.refunds else None,
            note_id=draft.note(order, note),
        )
    )


def _everything(dossier: Dossier) -> Iterator[Attention]:
    for read, finder in FINDERS:
        if getattr(dossier, read):
            yield from finder(dossier)


def _acknowledged(dossier: Dossier, found: Attention) -> bool:
    """Whether a person has acknowledged just this: for the same reason, and nothing of it happened since then."""
    return any(
        (one.kind, one.about, one.why) == (found.kind, found.about, found.why) and found.when < one.when
        for one in dossier.acknowledged
    )


# --- refunds ---------------------------------------------------------------------------------------------


def _undecided_refunds(dossier: Dossier) -> Iterator[Attention]:
    """Refunds that go no further by themselves, or of which nobody knows what became."""
    for refund in dossier.refunds.values():
        if refund.state is RefundState.UNKNOWN:
            when = When(seq=refund.changed.seq, at=refund.unknown_since or refund.changed.at)
            yield _of_refund(AttentionKind.REFUND_UNKNOWN, refund, _of_unknown(refund), when)
        elif refund.state is RefundState.PLANNED:
            yield _of_refund(AttentionKind.REFUND_HELD, refund, ("retry_refund", "cancel_refund", "confirm_refund"))
        elif refund.needs_person:
            yield _of_one_that_went_on(refund)


def _transfers_not_to_be_made(dossier: Dossier) -> Iterator[Attention]:
    """Bank transfers that wait, or that a file for the bank holds, and that must not be made as things are now."""
    for refund in dossier.refunds.values():
        if refund.state is not RefundState.AWAITING_MERCHANT or not refund.by_transfer:
            continue
        payment = dossier.payments.get(dossier.stands_for(refund.payment))
        why = why_not_transferred(dossier, payment, refund) if payment is not None else None
        if payment is not None and why is not None:
            when = max([refund.changed, *_known_since(dossier, payment.id)])
            yield Attention(
                kind=AttentionKind.REFUND_HELD,
                about=refund.id,
                when=when,
                why=why,
                can_do=("reconcile", "set_refund_batch" if refund.batch else "cancel_refund", "confirm_refund"),
            )


def _known_since(dossier: Dossier, payment_id: str) -> Iterator[When]:
    """When a payment was last told to be disputed or charged back."""
    dispute = dossier.dispute(payment_id)
    if dispute is not None:
        yield dispute.told
    for one in dossier.charge_backs_on(payment_id):
        yield one.told


def _of_unknown(refund: Refund) -> Sequence[str]:
    """A person's word counts at once where the provider's is not to be had; else the desk adds when it does."""
    if not refund.needs_person:
        return ("reconcile",)
    if refund.problem is not None and refund.problem.code is ReasonCode.CANNOT_TELL:
        return ("settle_refund", "confirm_refund", "retry_refund")
    return ("retry_refund",)


def _of_one_that_went_on(refund: Refund) -> Attention:
    """A refund that was sent or made, and that a person has to look at all the same."""
    code = refund.problem.code if refund.problem is not None else None
    if refund.contradicted:
        return _of_refund(AttentionKind.REFUND_CONTRADICTED, refund, ("settle_refund",))
    if code is ReasonCode.PAID_TWICE:
        undo = ("reverse_refund",) if may_be_reversed(refund) else ()
        return _of_refund(AttentionKind.REFUND_PAID_TWICE, refund, (*undo, ACKNOWLEDGE))
    if code is ReasonCode.OTHER_CURRENCY and refund.source is RefundSource.EXTERNAL:
        return _of_refund(AttentionKind.OTHER_CURRENCY, refund, ("confirm_refund",))
    settle = _settling(refund) if refund.held_for_its_outcome else ()
    if refund.state is RefundState.PENDING and code is not ReasonCode.ANOTHER_ANSWER:
        return _of_refund(AttentionKind.REFUND_UNKNOWN, refund, settle)
    return _of_refund(AttentionKind.ANOTHER_ANSWER, refund, ("reconcile", *settle, ACKNOWLEDGE))


def _settling(refund: Refund) -> Sequence[str]:
    """What a person can say of a refund whose provider has it and is not heard of: in place of what a colleague made
    there nobody made another."""
    return ("settle_refund",) if refund.source is RefundSource.EXTERNAL else ("settle_refund", "confirm_refund")


def _refunds_that_did_not_arrive(dossier: Dossier) -> Iterator[Attention]:
    """The customer does not have that money, and nobody has refunded it anew: on the same payment and with the same
    amount, after it had failed, by one that counts. Each refund is anew for one at most, and one that did not arrive
    either is listed in its place."""
    if all(_did_not_arrive(one) is None for one in dossier.refunds.values()):
        return
    alike: dict[tuple[str, Money], list[Refund]] = {}
    place: dict[str, int] = {}
    for one in dossier.refunds.values():
        if one.counts_against_payment or _did_not_arrive(one) is not None:
            several = alike.setdefault(_like(dossier, one), [])
            place[one.id] = len(several)
            several.append(one)
    taken: set[str] = set()
    left = cache(partial(left_to_refund, dossier))
    for refund in dossier.refunds.values():
        kind = _did_not_arrive(refund)
        if kind is None:
            continue
        later = alike[_like(dossier, refund)][place[refund.id] + 1 :]
        anew = next((one for one in later if one.id not in taken and one.opened > refund.changed), None)
        if anew is not None:
            taken.add(anew.id)
        else:
            most = left(dossier.stands_for(refund.payment), refund.amount.currency)
            anew_by = ("refund", "open_refund_link") if most is not None and refund.amount <= most else ()
            yield _of_refund(kind, refund, (*anew_by, ACKNOWLEDGE))


def _like(dossier: Dossier, refund: Refund) -> tuple[str, Money]:
    """What refunds have in common of which one can stand for the other."""
    return dossier.stands_for(refund.payment), refund.amount


def _did_not_arrive(refund: Refund) -> AttentionKind | None:
    """The kind of a refund that did not arrive; None for others, and where a person said so himself: he knows."""
    if refund.state is RefundState.FAILED and refund.settled is not False:
        return AttentionKind.REFUND_FAILED
    cancelled_there = refund.problem is not None and refund.problem.code is ReasonCode.CANCELLED_THERE
    if refund.state is RefundState.CANCELLED and cancelled_there:
        return AttentionKind.REFUND_FAILED
    if refund.state is RefundState.REVERSED and Reported.FAILED in refund.reported:
        return AttentionKind.REFUND_REVERSED
    return None


def _perhaps_ours(dossier: Dossier) -> Iterator[Attention]:
    """Refunds found at the provider that have the payment and the amount of one that a person made or is to make."""
    refunds = dossier.refunds.values()
    found = [one for one in refunds if one.source is RefundSource.EXTERNAL and one.counts_against_payment]
    if not found:
        return
    alike: dict[tuple[str, Money], list[Refund]] = {}
    for one in refunds:
        if one.source is not RefundSource.EXTERNAL:
            alike.setdefault(_like(dossier, one), []).append(one)
    for external in found:
        ours = [one for one in alike.get(_like(dossier, external), ()) if may_be_one(dossier, one, external)]
        if ours:
            yield Attention(
                kind=AttentionKind.PERHAPS_OURS,
                about=external.id,
                when=max(one.opened for one in (external, *ours)),
                why=reason(ReasonCode.PERHAPS_OURS, refunds=", ".join([one.id for one in ours])),
                can_do=("match_refund", ACKNOWLEDGE),
            )


def _of_refund(kind: AttentionKind, refund: Refund, can_do: Sequence[str], when: When | None = None) -> Attention:
    return Attention(kind=kind, about=refund.id, when=when or refund.changed, why=refund.problem, can_do=tuple(can_do))


# --- payments, stock, the order --------------------------------------------------------------------------


def _unexplained(dossier: Dossier) -> Iterator[Attention]:
    """A refund that was held for it can be decided, and the question where the money went is still open."""
    for payment, remainder in dossier.unexplained.items():
        yield Attention(
            kind=AttentionKind.NOT_EXPLAINED,
            about=payment,
            when=remainder.told,
            why=remainder.why,
            can_do=("reconcile", ACKNOWLEDGE),
        )


def _hidden_refunds(dossier: Dossier) -> Iterator[Attention]:
    """Payments whose provider shows nobody what was refunded: a person looks there."""
    for payment, hidden in dossier.hidden_refunds.items():
        yield Attention(
            kind=AttentionKind.REFUNDS_NOT_SHOWN,
            about=payment,
            when=hidden.told,
            why=hidden.why,
            can_do=("reconcile", ACKNOWLEDGE),
        )


def _payments_nobody_can_place(dossier: Dossier) -> Iterator[Attention]:
    """Payments that left the order with money gone back on them, and one that the order has under several names: until
    a person has dealt with it, nothing new is decided on the order."""
    for payment in dossier.vanished():
        gone = [one.opened for one in dossier.on_payment(payment.id)]
        gone += [one.told for one in dossier.charge_backs_on(payment.id)]
        yield Attention(
            kind=AttentionKind.PAYMENT_VANISHED,
            about=payment.id,
            when=dossier.order_changed or max(gone),
            why=reason(ReasonCode.PAYMENT_VANISHED, payment=payment.id),
            can_do=("explain_payment",),
        )
    doubled = dossier.doubled()
    if doubled and dossier.payments_known is not None:
        yield Attention(
            kind=AttentionKind.PAYMENT_DOUBLED,
            about=doubled[0].id,
            when=dossier.payments_known,
            why=reason(ReasonCode.PAYMENT_DOUBLED, payments=", ".join([one.id for one in doubled])),
            can_do=("reconcile",),
        )


def _charge_backs(dossier: Dossier) -> Iterator[Attention]:
    """Money that a bank took back; what it gave back is no news to look at."""
    for payment, one in dossier.charge_backs.items():
        yield Attention(
            kind=AttentionKind.CHARGED_BACK,
            about=payment,
            when=one.told,
            why=reason(ReasonCode.CHARGED_BACK, amount=str(one.amount), payment=payment),
            can_do=("reconcile", ACKNOWLEDGE),
        )


def _reversals(dossier: Dossier) -> Iterator[Attention]:
    """Money that a provider told was taken back, and does not show: a person looks there."""
    for payment, told in dossier.reversals.items():
        yield Attention(
            kind=AttentionKind.REVERSAL_NOT_SHOWN,
            about=payment,
            when=told,
            why=reason(ReasonCode.REVERSAL_NOT_SHOWN),
            can_do=("reconcile", ACKNOWLEDGE),
        )


def _remainders(dossier: Dossier) -> Iterator[Attention]:
    """What is still owed of a payment when all went back that its provider pays, whoever paid it. Its steps are those
    by which refunds of it were decided, and those that its provider's books were read with: a colleague's refund in the
    dashboard has none of its own."""
    steps = {dossier.stands_for(name): one.step for name, one in dossier.identities.items() if one.step > 1}
    steps |= {dossier.stands_for(one.payment): one.step for one in dossier.refunds.values() if one.step > 1}
    if not steps or dossier.order is None:
        return
    quoted = quote(dossier, dossier.order, lambda payment: steps.get(dossier.stands_for(payment.id), 1))
    if quoted.suggested or not quoted.remainder:
        return
    for share in quoted.shares:
        on_it = dossier.on_payment(share.payment.id)
        if on_it and 0 < share.left.minor < share.step:
            yield Attention(
                kind=AttentionKind.REMAINDER,
                about=share.payment.id,
                when=max(one.changed for one in on_it),
                why=reason(ReasonCode.REMAINDER, amount=str(share.left)),
                can_do=("refund", "confirm_refund", ACKNOWLEDGE),
            )


def _stock_questions(dossier: Dossier) -> Iterator[Attention]:
    for return_ in dossier.returns.values():
        if return_.question_open:
            yield Attention(
                kind=AttentionKind.STOCK_QUESTION,
                about=return_.id,
                when=return_.changed,
                why=None,
                can_do=("answer_restock",),
            )


def _odd_lines(dossier: Dossier) -> Iterator[Attention]:
    """Lines that cannot be right, whether units of them came back or not: the shop can mend them before."""
    for line_id, odd in dossier.odd_lines.items():
        yield Attention(
            kind=AttentionKind.ODD_LINE,
            about=line_id,
            when=odd.told,
            why=odd.why,
            can_do=("reconcile", ACKNOWLEDGE),
        )


def _changed_lines(dossier: Dossier) -> Iterator[Attention]:
    """Lines that the shop removed or repriced after units of them came back."""
    if dossier.order is None or dossier.order_changed is None:
        return
    for line_id, why in dossier.changed_lines(dossier.order).items():
        if line_id not in dossier.odd_lines:
            yield Attention(
                kind=AttentionKind.LINE_CHANGED,
                about=line_id,
                when=dossier.order_changed,
                why=why,
                can_do=("reconcile", ACKNOWLEDGE),
            )


def _beyond_order(dossier: Dossier) -> Iterator[Attention]:
    """Lines and payments of which the shop's order has less than already happened. Money that is known to have been
    paid twice is told there, and so are a payment and a line that are gone."""
    beyond = dossier.excess_over_order()
    if not beyond:
        return
    told = {one.id for one in dossier.vanished()} | {one.about for one in _changed_lines(dossier) if _is_gone(one)}
    for name, excess in beyond.items():
        if name in told:
            continue
        on_it = [one for one in dossier.on_payment(name) if one.counts_against_payment]
        if on_it:
            excess -= sum(one.amount.minor for one in on_it if _paid_twice(one))
            happened = [*[one.opened for one in on_it], *[one.told for one in dossier.charge_backs_on(name)]]
            why = _beyond_payment(dossier, name, excess, on_it)
        else:
            happened = [one.opened for one in dossier.returns.values() if one.claimed().get(name)]
            why = reason(ReasonCode.UNITS_BEYOND_ORDER, number=str(excess), line=name)
        if excess > 0:
            when = max([*happened, *([dossier.order_changed] if dossier.order_changed is not None else [])])
            yield Attention(
                kind=AttentionKind.BEYOND_ORDER, about=name, when=when, why=why, can_do=("reconcile", ACKNOWLEDGE)
            )


def _is_gone(found: Attention) -> bool:
    return found.why is not None and found.why.code is ReasonCode.LINE_GONE


def _beyond_payment(dossier: Dossier, payment: str, excess: int, refunds: Sequence[Refund]) -> Reason:
    currency = dossier.order.currency if dossier.order is not None else ""
    if any(one.amount.currency != currency for one in refunds):
        return reason(ReasonCode.OTHER_CURRENCY)  # the sum would be of no currency
    amount = Money(minor=max(excess, 0), currency=currency)
    return reason(ReasonCode.MONEY_BEYOND_ORDER, amount=str(amount), payment=payment)


def _paid_twice(refund: Refund) -> bool:
    return refund.problem is not None and refund.problem.code is ReasonCode.PAID_TWICE


def _surplus(dossier: Dossier) -> Iterator[Attention]:
    """Units that came beyond all that was delivered: somebody must decide what becomes of them."""
    for line_id, units in dossier.surplus().items():
        receipts = [receipt for one in dossier.returns.values() if one.live for receipt in one.receipts.values()]
        yield Attention(
            kind=AttentionKind.SURPLUS,
            about=line_id,
            when=max(one.opened for one in receipts if line_id in one.lines and one.lines[line_id].surplus),
            why=reason(ReasonCode.SURPLUS_UNITS, number=str(units), line=line_id),
            can_do=("correct_receipt", ACKNOWLEDGE),
        )


FINDERS: Sequence[tuple[str, Finder]] = (
    ("refunds", _undecided_refunds),
    ("refunds", _transfers_not_to_be_made),
    ("refunds", _refunds_that_did_not_arrive),
    ("refunds", _perhaps_ours),
    ("unexplained", _unexplained),
    ("hidden_refunds", _hidden_refunds),
    ("payments", _payments_nobody_can_place),
    ("charge_backs", _charge_backs),
    ("reversals", _reversals),
    ("payments", _remainders),
    ("returns", _stock_questions),
    ("odd_lines", _odd_lines),
    ("order_changed", _changed_lines),
    ("order", _beyond_order),
    ("returns", _surplus),
    ("labels", undecided_labels),
    ("labels", refused_labels),
    ("labels", labels_not_cancelled),
    ("labels", parcels),
    ("labels", announced_twice),
    ("labels", parcels_not_expected),
)
"""All that is looked for in an order, each with the field of its dossier in which nothing is to be found while that is
empty. Two of them never find the same kind about the same thing."""
