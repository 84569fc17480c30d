"""How many units of each line can still come back, and what is said where more are asked for or counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from retour.model.dossier import Dossier
from retour.model.errors import InvalidQuantity
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.returns import Counted, Return
from retour.model.text import Text, TextValue, text, texts


def units_left(dossier: Dossier, order: Order) -> dict[str, int]:
    """How many units of each goods line are in no live return yet. Below zero when the order shrank meanwhile."""
    claimed = dossier.claimed()
    return {line.id: line.fulfilled - claimed.get(line.id, 0) for line in order.goods}


@frozen(kw_only=True)
class LineAccount:
    """Where the units of one order line are, each in one place.

    ``back`` are units that are here, by receipt; ``away`` those that were counted and are not here, and ``announced``
    those that are to come and nobody has counted, both by return; ``free`` are in no return: below zero where the
    shop's order has fewer now than are in returns. Together they are what was ``fulfilled``.
    """

    fulfilled: int
    back: Mapping[str, int]
    away: Mapping[str, int]
    announced: Mapping[str, int]
    free: int


def account_of(dossier: Dossier, order: Order, line_id: str) -> LineAccount:
    """Where the units of a line are."""
    live = [one for one in dossier.returns.values() if one.live]
    receipts = [receipt for one in live for receipt in one.receipts.values()]
    back = {one.id: one.lines[line_id].came_back for one in receipts if line_id in one.lines}
    away = {one.id: one.absent().get(line_id, 0) for one in live}
    announced = {one.id: one.outstanding().get(line_id, 0) for one in live if one.open}
    return LineAccount(
        fulfilled=order.line(line_id).fulfilled,
        back=_without_zeros(back),
        away=_without_zeros(away),
        announced=_without_zeros(announced),
        free=order.line(line_id).fulfilled - dossier.claimed().get(line_id, 0),
    )


def more_than_left(
    dossier: Dossier, order: Order, line_id: str, units: int, left: int, *, counted_on: str | None = None
) -> InvalidQuantity:
    """More units than the ``left`` ones. They were to be announced, or else are ``counted_on`` a return: one with this
    id, or whichever they belong to where it is empty. Says where all units of the line are, and what can be done."""
    account = account_of(dossier, order, line_id)
    advice = list(_advice(account, units, counted_on, closed=_is_closed(dossier, counted_on)))
    values: dict[str, TextValue] = {
        "order": order.id,
        "line": line_id,
        "name": order.line(line_id).name,
        "units": units,
        "account": _told(account),
        "advice": _together([words for words, _ in advice]),
    }
    sentence = (
        texts(
            "Order {order}, line {line} ({name}): {count} unit can still come back on return {return_id}, so {units} "
            "is too many. {account} {advice}",
            "Order {order}, line {line} ({name}): {count} units can still come back on return {return_id}, so {units} "
            "is too many. {account} {advice}",
            max(0, left),
            return_id=counted_on,
            **values,
        )
        if counted_on
        else texts(
            "Order {order}, line {line} ({name}): {count} unit can still come back, so {units} is too many. {account} "
            "{advice}",
            "Order {order}, line {line} ({name}): {count} units can still come back, so {units} is too many. "
            "{account} {advice}",
            max(0, left),
            **values,
        )
    )
    return InvalidQuantity(sentence, in_code=", ".join(method for _, method in advice if method))


def _told(account: LineAccount) -> Text:
    """``Of 4 delivered: 2 back (receipt rc...), 1 announced on return rt..., 1 in no return.``"""
    places: list[Text | str] = [
        *[text("{units} back (receipt {receipt})", units=units, receipt=one) for one, units in account.back.items()],
        *[
            text("{units} counted and not here (return {return_id})", units=units, return_id=one)
            for one, units in account.away.items()
        ],
        *[
            text("{units} announced on return {return_id}", units=units, return_id=one)
            for one, units in account.announced.items()
        ],
    ]
    if account.free < 0:
        return text(
            "Delivered by the order as it is now: {fulfilled}, which is {fewer} fewer than in returns: {places}.",
            fulfilled=account.fulfilled,
            fewer=-account.free,
            places=places,
        )
    free = text("{units} in no return", units=account.free)
    return text("Of {fulfilled} delivered: {places}.", fulfilled=account.fulfilled, places=[*places, free])


def _advice(account: LineAccount, units: int, counted_on: str | None, *, closed: bool) -> Iterator[tuple[Text, str]]:
    """What can be done, by where the units are: in words, and the method for it, if any."""
    elsewhere = {*account.announced, *account.away} - {counted_on}
    if account.back:
        yield text("Where a receipt is wrong, correct it."), "correct_receipt"
    if counted_on is None:
        if account.announced:
            yield (
                text("What is announced is free again when its return is cancelled, approved or not."),
                "cancel_return",
            )
        if account.away:
            yield text("What was not here is counted on its return when it comes."), ""
        if not account.back and not elsewhere:
            yield text("No more than was delivered can come back."), ""
        return
    if closed:
        yield text("That return is closed: set the order to Returned to count the rest."), "mark_returned"
    elif counted_on and elsewhere:
        yield text("Count on each return what belongs to it, or cancel the one that is not to come."), "cancel_return"
    if units > max(0, account.free) + sum(account.announced.values()) + sum(account.away.values()):
        yield text("What came beyond all that was delivered is counted as surplus."), ""


def _is_closed(dossier: Dossier, return_id: str | None) -> bool:
    return bool(return_id) and not dossier.return_(str(return_id)).open


def _together(sentences: Sequence[Text]) -> Text:
    """Several sentences as one text."""
    said = {f"sentence{number}": one for number, one in enumerate(sentences)}
    return Text(message=" ".join(f"{{{name}}}" for name in said), values=said)


def _without_zeros(units: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in units.items() if number}


def more_than_announced(order: Order, return_: Return, count: Counted) -> InvalidQuantity:
    """More units than a return announced, which can all have come."""
    waiting = return_.outstanding().get(count.line_id, 0)
    away = return_.absent().get(count.line_id, 0)
    return InvalidQuantity(
        texts(
            "Order {order}, line {line} ({name}): return {return_id} waits for {count} unit, so {units} is too many. "
            "Announced: {announced}; not counted yet: {waiting}; counted and not here: {away}. If more really came, "
            "staff can count it as more than was announced.",
            "Order {order}, line {line} ({name}): return {return_id} waits for {count} units, so {units} is too many. "
            "Announced: {announced}; not counted yet: {waiting}; counted and not here: {away}. If more really came, "
            "staff can count it as more than was announced.",
            waiting + away,
            order=order.id,
            line=count.line_id,
            name=order.line(count.line_id).name,
            units=count.units,
            return_id=return_.id,
            waiting=waiting,
            announced=return_.requested.get(count.line_id, 0),
            away=away,
        ),
        in_code="more_than_requested=True",
    )


def more_than_a_receipt_can_count(
    order: Order, receipt_id: str, count: Counted, *, claimed: int, most: int
) -> InvalidQuantity:
    """A correction by which ``claimed`` units would be in returns, where ``most`` can be."""
    return InvalidQuantity(
        texts(
            "Order {order}, line {line} ({name}): receipt {receipt} can count {count} unit, so {units} is too many. In "
            "returns there would be {claimed}, and at most {most} can be. What came beyond all that was delivered is "
            "counted as surplus.",
            "Order {order}, line {line} ({name}): receipt {receipt} can count {count} units, so {units} is too many. "
            "In returns there would be {claimed}, and at most {most} can be. What came beyond all that was delivered "
            "is counted as surplus.",
            count.units - (claimed - most),
            order=order.id,
            line=count.line_id,
            name=order.line(count.line_id).name,
            units=count.units,
            receipt=receipt_id,
            claimed=claimed,
            most=most,
        )
    )


def no_surplus_yet(order: Order, count: Counted, here: int) -> InvalidQuantity:
    """Surplus of a line of which units are not ``here`` that were delivered."""
    line = order.line(count.line_id)
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): {surplus} cannot be surplus yet. Delivered: {fulfilled}; here: "
            "{here}; not here: {away}. Count as units that came what was delivered, and as surplus only what is beyond "
            "that.",
            order=order.id,
            line=line.id,
            name=line.name,
            surplus=count.surplus,
            away=line.fulfilled - here,
            fulfilled=line.fulfilled,
            here=here,
        )
    )


def more_than_to_inspect(order: Order, receipt_id: str, found: Counted, count: Counted) -> InvalidQuantity:
    """More units judged than a receipt's ``count`` has waiting for it."""
    return InvalidQuantity(
        texts(
            "Order {order}, line {line} ({name}): of receipt {receipt} {count} unit is still to be inspected, so "
            "{units} is too many. Inspected so far: {judged} of {counted}. Where the receipt is wrong, correct it.",
            "Order {order}, line {line} ({name}): of receipt {receipt} {count} units are still to be inspected, so "
            "{units} is too many. Inspected so far: {judged} of {counted}. Where the receipt is wrong, correct it.",
            count.to_inspect,
            order=order.id,
            line=found.line_id,
            name=order.line(found.line_id).name,
            units=found.units,
            receipt=receipt_id,
            judged=count.units - count.to_inspect,
            counted=count.units,
        ),
        in_code=f"correct_receipt({order.id!r}, {receipt_id!r}, ...)",
    )
