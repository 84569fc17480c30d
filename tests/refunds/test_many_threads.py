"""Two hundred threads press the button of the same refund: the money goes back once, and all of them are told so."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from retour import Actor, Busy, MemoryShop, Mode, Money, Outcome, ReturnDesk
from retour.model.errors import StoreLocked
from retour.testing import a_line, a_payment, an_order
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
THREADS = 200
MOST_TRIES = 50
"""How often a thread that is told to try again does so before it counts as shut out."""


@pytest.fixture
def sandbox() -> Iterator[StripeSandbox]:
    with StripeSandbox() as made:
        # http.server lets five connections wait; two hundred at once would be dropped and sent again a second later
        made.server._server.socket.listen(THREADS)
        yield made


@pytest.fixture
def reference(sandbox: StripeSandbox) -> str:
    return sandbox.pay(Money.of("100", "EUR"))


@pytest.fixture(params=[1, 4])
def desks(
    request: pytest.FixtureRequest, sandbox: StripeSandbox, reference: str, database: str
) -> Iterator[Sequence[ReturnDesk]]:
    """One desk that all threads share, or several with connections of their own, as in several processes."""
    payment = a_payment("100.00", provider="stripe", reference=reference, mode=Mode.TEST)
    shop = MemoryShop([an_order(a_line("cup", 1, "100.00"), payments=[payment])])
    made = [
        ReturnDesk(shop=shop, store=database, plugins=["stripe"], settings={"stripe": sandbox.settings}, migrate=True)
        for _ in range(request.param)
    ]
    yield made
    for desk in made:
        desk.close()


def pressed(presses: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """What each press gave, all begun at the same moment, and repeated by whoever is told to try again."""
    barrier = threading.Barrier(len(presses))
    given: list[Outcome | BaseException] = [AssertionError("never ended")] * len(presses)

    def press(number: int) -> None:
        barrier.wait()
        for _ in range(MOST_TRIES):
            try:
                given[number] = presses[number]()
            except (Busy, StoreLocked) as error:
                given[number] = error
                continue
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test must see it
                given[number] = error
            return

    threads = [threading.Thread(target=press, args=(number,)) for number in range(len(presses))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(repr(one) for one in given if not isinstance(one, Outcome)) == {}
    return [one for one in given if isinstance(one, Outcome)]


def presses(
    desks: Sequence[ReturnDesk], reference: str, forms: Sequence[str], amount: str
) -> list[Callable[[], Outcome]]:
    """The button on one of ``forms``, for each thread, spread over the desks."""

    def of(number: int) -> Callable[[], Outcome]:
        desk, form = desks[number % len(desks)], forms[number // len(desks) % len(forms)]
        return lambda: desk.refund("1001", reference, Money.of(amount, "EUR"), by=ANNA, request_id=form)

    return [of(number) for number in range(THREADS)]


def went_back(sandbox: StripeSandbox, desk: ReturnDesk) -> list[str]:
    """The amounts that the provider has sent back, by its own books."""
    payment = desk._commands.read("1001").order.payments[0]
    provider = desk._services.accounts.refunding("default", payment)
    return [str(one.amount.decimal) for one in provider.list_refunds(payment.reference)]  # type: ignore[union-attr]


def test_two_hundred_presses_of_one_form_are_one_refund_and_everyone_is_told_the_same(
    desks: Sequence[ReturnDesk], sandbox: StripeSandbox, reference: str
) -> None:
    buttons = presses(desks, reference, ["form-1"], "40.00")
    outcomes = pressed(buttons)
    assert len({one.refund_id for one in outcomes}) == 1
    assert Counter(one.changed for one in outcomes) == {True: 1, False: THREADS - 1}
    assert {one.refund.state.value for one in outcomes if one.refund} <= {"submitting", "succeeded"}
    assert went_back(sandbox, desks[0]) == ["40.00"]
    again = pressed(buttons)  # now that it is settled, to the last field
    assert all(one == again[0] for one in again)
    assert {one.refund_id for one in again} == {one.refund_id for one in outcomes}
    assert again[0].refund is not None
    assert again[0].refund.state == "succeeded"


def test_two_forms_of_the_same_amount_are_two_refunds_however_many_press_them(
    desks: Sequence[ReturnDesk], sandbox: StripeSandbox, reference: str
) -> None:
    outcomes = pressed(presses(desks, reference, ["form-1", "form-2"], "40.00"))
    assert list(Counter(one.refund_id for one in outcomes).values()) == [THREADS // 2, THREADS // 2]
    assert sum(one.changed for one in outcomes) == 2
    assert went_back(sandbox, desks[0]) == ["40.00", "40.00"]
    dossier = desks[0].dossier("1001")
    assert [one.state.value for one in dossier.refunds.values()] == ["succeeded", "succeeded"]


def test_two_hundred_presses_that_give_all_of_a_payment_back_are_one_refund_too(
    desks: Sequence[ReturnDesk], sandbox: StripeSandbox, reference: str
) -> None:
    outcomes = pressed(presses(desks, reference, ["form-1"], "100.00"))
    assert len({one.refund_id for one in outcomes}) == 1
    assert went_back(sandbox, desks[0]) == ["100.00"]
