"""How each event of the stock reads. All of it is the shop's own business."""

from __future__ import annotations

from collections.abc import Iterable

from retour.model.dossier import Dossier
from retour.model.events.stock import RestockAsked, RestockDecided, StockApplied, StockFailed
from retour.model.events.telling import name_of, told, units_of
from retour.model.returns import Restock, StockMovement
from retour.model.text import Text, text, texts


@told(RestockAsked)
def _asked(dossier: Dossier, event: RestockAsked) -> Text:
    del dossier
    if event.because is not None:
        return text("The stock is not updated yet; a question waits for you: {because}", because=event.because.words)
    return text("The stock is not updated yet; a question waits for you.")


@told(RestockDecided)
def _decided(dossier: Dossier, event: RestockDecided) -> Text:
    units = sum(abs(movement.quantity) for movement in event.movements)
    lines = units_of(dossier, _units_moved(event.movements))
    by_hand = units_of(dossier, event.by_hand)
    if event.corrects:
        if units:
            return texts(
                "{count} unit out of stock again: {lines}",
                "{count} units out of stock again: {lines}",
                units,
                lines=lines,
            )
        return text("Fewer units to book by hand")
    if event.decision.kind is Restock.BY_HAND or not units:
        return text("Cancel: nothing restocked. To book by hand: {lines}", lines=by_hand or [text("nothing")])
    if by_hand:
        return texts(
            "{count} unit to stock: {lines}. To book by hand: {by_hand}",
            "{count} units to stock: {lines}. To book by hand: {by_hand}",
            units,
            lines=lines,
            by_hand=by_hand,
        )
    return texts("OK: {count} unit to stock: {lines}", "OK: {count} units to stock: {lines}", units, lines=lines)


@told(StockApplied)
def _applied(dossier: Dossier, event: StockApplied) -> Text:
    movements = dossier.returns[event.return_id].movements
    booked = _booked(dossier, [movements[one].booking for one in event.movement_ids])
    return text("Stock booked: {lines}", lines=booked)


@told(StockFailed)
def _failed(dossier: Dossier, event: StockFailed) -> Text:
    movement = dossier.returns[event.return_id].movements[event.movement_id].booking
    lines = _booked(dossier, [movement])
    because = event.because.words if event.because is not None else text("no reason was given")
    if event.final:
        return text("The shop refused {lines}: {because}. Book it by hand.", lines=lines, because=because)
    return text("Stock not booked yet: {lines}. It is tried again: {because}", lines=lines, because=because)


def _units_moved(movements: Iterable[StockMovement]) -> dict[str, int]:
    return {movement.line_id: abs(movement.quantity) for movement in movements}


def _booked(dossier: Dossier, movements: Iterable[StockMovement]) -> list[Text | str]:
    """``+2 × Cup, -1 × Teapot``"""
    return [
        text("{units} × {name}", units=f"{movement.quantity:+d}", name=name_of(dossier, movement.line_id))
        for movement in movements
    ]
