"""How many units of each line can still come back, and what is said where more are asked for or counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from retour.model.dossier import Dossier
from retour.model.errors import InvalidQuantity
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.returns import Counted, Return
from retour.model.text import Text, text


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
    sentence = (
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} that can still come back on "
            "return {return_id}. {account} {advice}",
            return_id=counted_on,
        )
        if counted_on
        else text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} that can still come back. "
            "{account} {advice}"
        )
    )
    values = {
        "order": order.id,
        "line": line_id,
        "name": order.line(line_id).name,
        "units": units,
        "left": max(0, left),
        "account": _told(account),
        "advice": _together(_advice(account, units, counted_on, closed=_is_closed(dossier, counted_on))),
    }
    return InvalidQuantity(attrs.evolve(sentence, values={**sentence.values, **values}))


def _told(account: LineAccount) -> Text:
    """``Of 4 fulfilled: 2 back (receipt rc...), 1 announced on return rt..., 1 in no return.``"""
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
            "The order has {fulfilled} fulfilled now, {fewer} fewer than are in returns: {places}.",
            fulfilled=account.fulfilled,
            fewer=-account.free,
            places=places,
        )
    free = text("{units} in no return", units=account.free)
    return text("Of {fulfilled} fulfilled: {places}.", fulfilled=account.fulfilled, places=[*places, free])


def _advice(account: LineAccount, units: int, counted_on: str | None, *, closed: bool) -> Iterator[Text]:
    """What can be done, by where the units are."""
    elsewhere = {*account.announced, *account.away} - {counted_on}
    if account.back:
        yield text("Where a receipt is wrong, correct_receipt changes it.")
    if counted_on is None:
        if account.announced:
            yield text("cancel_return frees what is announced, approved or not.")
        if account.away:
            yield text("What was not here is counted on its return when it comes.")
        if not account.back and not elsewhere:
            yield text("No more than was fulfilled can come back.")
        return
    if closed:
        yield text("That return is closed: count the rest with mark_returned.")
    elif counted_on and elsewhere:
        yield text("Count on each return what belongs to it, or cancel_return frees it.")
    if units > max(0, account.free) + sum(account.announced.values()) + sum(account.away.values()):
        yield text("What came beyond all that was delivered is counted as surplus.")


def _is_closed(dossier: Dossier, return_id: str | None) -> bool:
    return bool(return_id) and not dossier.return_(str(return_id)).open


def _together(sentences: Iterable[Text]) -> Text:
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
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} that return {return_id} waits "
            "for: {waiting} of the {announced} announced are not counted yet, and {away} were counted and not here. If "
            "more really came, staff counts them with more_than_requested=True.",
            order=order.id,
            line=count.line_id,
            name=order.line(count.line_id).name,
            units=count.units,
            left=waiting + away,
            return_id=return_.id,
            waiting=waiting,
            announced=return_.requested.get(count.line_id, 0),
            away=away,
        )
    )


def more_than_a_receipt_can_count(
    order: Order, receipt_id: str, count: Counted, *, claimed: int, most: int
) -> InvalidQuantity:
    """A correction by which ``claimed`` units would be in returns, where ``most`` can be."""
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} that receipt {receipt} can "
            "count. With them {claimed} would be in returns, and {most} can be. What came beyond all that was "
            "delivered is counted as surplus.",
            order=order.id,
            line=count.line_id,
            name=order.line(count.line_id).name,
            units=count.units,
            left=count.units - (claimed - most),
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
            "Order {order}, line {line} ({name}): {surplus} cannot be surplus while {away} of the {fulfilled} "
            "delivered are not here ({here} are). Count as units that came what was delivered, and as surplus only "
            "what is beyond that.",
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
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} of receipt {receipt} that "
            "nobody has inspected; {judged} of its {counted} are judged already. correct_receipt changes what was "
            "counted there.",
            order=order.id,
            line=found.line_id,
            name=order.line(found.line_id).name,
            units=found.units,
            left=count.to_inspect,
            receipt=receipt_id,
            judged=count.units - count.to_inspect,
            counted=count.units,
        )
    )
