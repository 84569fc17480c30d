"""A request_id that comes again: the first outcome, as of then."""

from __future__ import annotations

from retour import Actor, MemoryShop, Money, Outcome, ReturnDesk
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


def opened() -> ReturnDesk:
    """A desk whose commands leave their effects to ``work()``, so that a version is the command's own."""
    order = an_order(a_line("teapot", 2), a_line("cup", 4, "40.00"))
    return ReturnDesk(shop=MemoryShop([order]), store="sqlite://", inline_seconds=0)


def count_a_cup(desk: ReturnDesk, request_id: str) -> Outcome:
    return desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=request_id)


def refund_a_euro(desk: ReturnDesk, request_id: str) -> Outcome:
    amount, reference = Money.of("1", "EUR"), f"re_{request_id}"
    return desk.confirm_refund("1001", "tr_1001", amount, reference=reference, by=ANNA, request_id=request_id)


def test_the_version_of_a_repeated_request_is_the_one_that_its_command_made() -> None:
    desk = opened()
    first = count_a_cup(desk, "form-1")
    second = refund_a_euro(desk, "form-2")
    third = count_a_cup(desk, "form-3")
    assert 0 < first.version < second.version < third.version == desk.dossier("1001").version
    for again, before in [
        (count_a_cup(desk, "form-1"), first),
        (refund_a_euro(desk, "form-2"), second),
        (count_a_cup(desk, "form-3"), third),
    ]:
        assert (again.version, again.changed) == (before.version, False)
        assert (again.return_id, again.receipt_id, again.refund_id) == (
            before.return_id,
            before.receipt_id,
            before.refund_id,
        )
    assert desk.dossier("1001").version == third.version
