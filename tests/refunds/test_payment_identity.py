"""A payment is one, however the shop spells it: what went back on it counts once, also when it left the order."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour import Actor, InvalidAmount, Money, NotAllowed, Payment, UnknownPayment, WrongState
from retour.model.order import Mode
from retour.model.payment_identity import PaymentIdentity, one_payment
from retour.providers import RefundStatus
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def paid(reference: str, captured: str = "100.00", **more: Any) -> Payment:
    return a_payment(captured, provider="ledger", reference=reference, **more)


def stores(world: Any, *payments: Payment) -> None:
    """The shop has the order with these payments now."""
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=list(payments))


@pytest.fixture
def returned(world: Any) -> Any:
    """Everything came back of an order of EUR 100.00, and EUR 40.00 of it were refunded."""
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    world.refund("40.00")
    return world


def suggested(world: Any) -> list[tuple[str, str, str]]:
    """Of each payment: its reference, what went back on it, what is suggested."""
    return [(one.payment.reference, str(one.refunded), str(one.suggested)) for one in world.desk.refund_options("1001")]


# --- which payments are one ------------------------------------------------------------------------------

SPELLINGS = [
    ("p_1", " p_1", True),
    ("p_1", "P_1", True),
    ("invoice 17", "Invoice  17", True),
    ("2GG279541U471931P", "capture:2GG279541U471931P", True),
    ("capture:2GG279541U471931P", "capture: 2GG279541U471931P", False),  # no spelling of ours, and no provider's
    ("invoice:17", "deposit:17", False),
    ("p_1", "p_10", False),
]


@pytest.mark.parametrize(("one", "other", "same"), SPELLINGS)
def test_another_spelling_is_the_same_payment(one: str, other: str, same: bool) -> None:
    payments = {payment.id: payment for payment in (paid(one), paid(other))}
    order = an_order(a_line("cup", 1, "100.00"), payments=[paid(other)])
    assert bool(one_payment(order, payments, {}, {})) is same


@pytest.mark.parametrize("changed", [{"account": "second"}, {"mode": Mode.TEST}, {"provider": "mollie"}])
def test_the_same_words_at_another_account_are_another_payment(changed: dict[str, Any]) -> None:
    one, other = paid("p_1"), attrs.evolve(paid("p_1"), **changed)
    order = an_order(a_line("cup", 1, "100.00"), payments=[one])
    assert not one_payment(order, {one.id: one, other.id: attrs.evolve(other, reference="P_1")}, {}, {})


def test_payments_that_are_one_by_way_of_a_third_are_one() -> None:
    payments = [paid("s_1"), paid("p_1"), paid("c_1")]
    identities = {"ledger:p_1": PaymentIdentity(target="p_1", names=("p_1", "s_1", "c_1"))}
    order = an_order(a_line("cup", 1, "100.00"), payments=[payments[2]])
    stands = one_payment(order, {one.id: one for one in payments}, identities, {})
    assert stands == {"ledger:s_1": "ledger:c_1", "ledger:p_1": "ledger:c_1", "ledger:c_1": "ledger:c_1"}


# --- the shop spells it anew -----------------------------------------------------------------------------


def test_what_went_back_counts_when_the_shop_spells_the_payment_anew(returned: Any) -> None:
    stores(returned, paid(" P_1"))
    assert suggested(returned) == [(" P_1", "EUR 40.00", "EUR 60.00")]
    with pytest.raises(InvalidAmount, match=r"€60\.00 that is left"):
        returned.desk.refund("1001", " P_1", eur("60.01"), by=ANNA, request_id="too much")


def test_a_payment_that_its_provider_knows_by_both_names_is_one(world: Any) -> None:
    world.open()
    world.ledger.called = {"s_1": "p_1"}
    stores(world, paid("s_1"))
    world.desk.mark_returned("1001", by=ANNA)
    world.desk.refund("1001", "s_1", eur("40"), by=ANNA, request_id="f1")
    stores(world, paid("p_1"))
    assert suggested(world) == [("p_1", "EUR 40.00", "EUR 60.00")]
    assert not world.desk.dossier("1001").vanished()
    world.desk.refund("1001", "p_1", eur("60"), by=ANNA, request_id="f2")
    assert world.went_back == 10000
    stores(world, paid("s_1"))
    assert suggested(world) == [("s_1", "EUR 100.00", "EUR 0.00")]


def test_a_refund_on_its_way_ends_and_is_found_once_under_the_new_spelling(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.new_status = RefundStatus.PENDING
    world.refund("40.00")
    stores(world, paid("P_1"))
    world.ledger.paid["P_1"] = eur("100")
    world.ledger.called = {"P_1": "p_1"}
    [reference] = world.ledger.refunds
    world.ledger.turn(reference, RefundStatus.SUCCEEDED)
    world.desk.reconcile("1001")
    world.desk.reconcile("1001")
    assert world.states == ["succeeded"]


def test_a_person_confirms_under_the_new_spelling_what_waited_under_the_old(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    link = world.open_link("40.00")
    stores(world, paid("P_1"))
    world.desk.confirm_refund("1001", "P_1", eur("40"), reference="re_9", by=ANNA, request_id="c1")
    assert world.states == ["succeeded"]
    assert world.refunds[0].id == link.refund_id
    with pytest.raises(Exception, match="re_9"):
        world.desk.confirm_refund("1001", "p_1", eur("10"), reference="re_9", by=ANNA, request_id="c2")


# --- it left the order -----------------------------------------------------------------------------------


def test_nothing_new_is_suggested_or_decided_while_nobody_knows_what_became_of_refunded_money(returned: Any) -> None:
    stores(returned, paid("p_2"))
    returned.ledger.paid["p_2"] = eur("100")
    assert suggested(returned) == [("p_2", "EUR 0.00", "EUR 0.00")]
    [option] = returned.desk.refund_options("1001")
    assert "p_1 (Ledger Pay)" in option.because.text("en")
    for attempt in (returned.desk.refund, returned.desk.open_refund_link):
        with pytest.raises(WrongState, match="explain_payment"):
            attempt("1001", "p_2", eur("10"), by=ANNA, request_id="f9")
    assert returned.went_back == 4000


def test_a_payment_that_left_without_refunds_holds_nothing_up(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    stores(world, paid("p_2"))
    assert suggested(world) == [("p_2", "EUR 0.00", "EUR 100.00")]


def test_what_was_decided_before_goes_on(world: Any) -> None:
    world.open(inline_seconds=0)
    world.desk.mark_returned("1001", by=ANNA)
    world.refund("40.00")
    stores(world, paid("p_2"))
    world.later()
    assert world.states == ["succeeded"]
    assert world.went_back == 4000


def test_a_person_says_that_it_became_another_payment_and_what_went_back_counts_there(returned: Any) -> None:
    stores(returned, paid("p_2"))
    returned.ledger.called = {"p_2": "p_1"}
    returned.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA, note="the shop moved to new ids")
    assert suggested(returned) == [("p_2", "EUR 40.00", "EUR 60.00")]
    assert not returned.desk.explain_payment("1001", "ledger:p_1", became="ledger:p_2", by=ANNA).changed
    returned.desk.refund("1001", "p_2", eur("60"), by=ANNA, request_id="f2")
    assert returned.went_back == 10000
    entry = next(one for one in returned.desk.timeline("1001", audience="staff") if one.code == "payment_explained")
    assert entry.text("en") == "Payment p_1 (Ledger Pay) is payment p_2 (Ledger Pay) now."
    assert entry.note == "the shop moved to new ids"


def test_what_went_back_keeps_counting_where_the_payment_is_no_part_of_the_order_any_more(returned: Any) -> None:
    """The customer has it. What is left of the other payment can be refunded by who decides so."""
    stores(returned, paid("p_2"))
    returned.ledger.paid["p_2"] = eur("100")
    returned.desk.explain_payment("1001", "p_1", became=None, by=ANNA)
    assert suggested(returned) == [("p_2", "EUR 0.00", "EUR 60.00")]
    assert returned.desk.refund_options("1001")[0].left == eur("100")
    assert not returned.desk.dossier("1001").excess_over_order()


def test_who_was_wrong_about_a_payment_says_it_again(returned: Any) -> None:
    stores(returned, paid("p_2"))
    returned.desk.explain_payment("1001", "p_1", became=None, by=ANNA)
    returned.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    assert suggested(returned) == [("p_2", "EUR 40.00", "EUR 60.00")]
    returned.desk.explain_payment("1001", "p_1", became=None, by=ANNA)
    assert suggested(returned) == [("p_2", "EUR 0.00", "EUR 60.00")]


def test_a_payment_that_comes_back_counts_again_whatever_was_said_of_it(returned: Any) -> None:
    stores(returned, paid("p_2"))
    returned.desk.explain_payment("1001", "p_1", became=None, by=ANNA)
    stores(returned, paid("p_1"))
    assert suggested(returned) == [("p_1", "EUR 40.00", "EUR 60.00")]


def test_one_that_became_a_payment_which_leaves_too_has_to_be_explained_again(returned: Any) -> None:
    stores(returned, paid("p_2"))
    returned.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    stores(returned, paid("p_3"))
    assert suggested(returned) == [("p_3", "EUR 0.00", "EUR 0.00")]
    returned.desk.explain_payment("1001", "p_2", became="p_3", by=ANNA)
    assert suggested(returned) == [("p_3", "EUR 40.00", "EUR 60.00")]


def test_what_cannot_be_explained_is_refused_and_changes_nothing(returned: Any) -> None:
    before = returned.desk.dossier("1001")
    with pytest.raises(WrongState, match="nothing to explain"):
        returned.desk.explain_payment("1001", "p_1", became=None, by=ANNA)
    with pytest.raises(UnknownPayment, match="never had"):
        returned.desk.explain_payment("1001", "p_9", became=None, by=ANNA)
    stores(returned, paid("p_2"))
    with pytest.raises(UnknownPayment, match="p_9"):
        returned.desk.explain_payment("1001", "p_1", became="p_9", by=ANNA)
    with pytest.raises(NotAllowed):
        returned.desk.explain_payment("1001", "p_1", became="p_2", by=Actor.customer("c1"))
    assert returned.desk.dossier("1001").refunds == before.refunds


def test_a_webhook_about_a_payment_that_left_the_order_is_kept(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.new_status = RefundStatus.PENDING
    world.refund("40.00")
    stores(world, paid("p_2"), paid("p_3"))
    [reference] = world.ledger.refunds
    world.ledger.turn(reference, RefundStatus.SUCCEEDED)
    receipt = world.desk.receive_webhook("ledger", {"Signature": "right"}, f"event:{reference}".encode())
    assert receipt.kept == 1
    assert world.states == ["succeeded"]


# --- the order has it twice ------------------------------------------------------------------------------


def test_two_that_a_shop_spells_alike_are_two_until_their_provider_knows_better(world: Any) -> None:
    world.open()
    world.ledger.called = {" P_1": "p_1"}
    world.desk.mark_returned("1001", by=ANNA)
    stores(world, paid("p_1", "50.00"), paid(" P_1", "50.00"))
    assert [one[2] for one in suggested(world)] == ["EUR 50.00", "EUR 50.00"]
    with pytest.raises(WrongState, match=r"p_1 \(Ledger Pay\).* P_1 \(Ledger Pay\)"):
        world.desk.refund("1001", "p_1", eur("50"), by=ANNA, request_id="f1")
    assert world.went_back == 0
    timeline = [entry.text("en") for entry in world.desk.timeline("1001", audience="staff")]
    assert "At the provider these are one payment: p_1 (Ledger Pay),  P_1 (Ledger Pay)." in timeline


def test_a_refund_that_two_payments_show_went_back_once_and_makes_them_one(returned: Any) -> None:
    returned.ledger.add("p_1", eur("10"))
    returned.desk.reconcile("1001")
    returned.ledger.read_as = lambda name: name.removeprefix("capture:")
    stores(returned, paid("p_1"), paid("capture:p_1"))
    returned.desk.reconcile("1001")
    assert returned.desk.dossier("1001").refunded_in_all("EUR") == eur("50")
    assert len(returned.desk.dossier("1001").refunds) == 2
    with pytest.raises(WrongState, match=r"p_1 \(Ledger Pay\).*capture:p_1"):
        returned.desk.refund("1001", "ledger:capture:p_1", eur("50"), by=ANNA, request_id="f2")


def test_a_payment_beside_that_was_never_asked_about_is_asked_about_before_a_refund(world: Any) -> None:
    world.open()
    world.ledger.read_as = lambda name: name.replace("session", "p_1")
    world.desk.mark_returned("1001", by=ANNA)
    stores(world, paid("session"), paid("p_1"))
    with pytest.raises(WrongState, match=r"session \(Ledger Pay\).*p_1 \(Ledger Pay\)"):
        world.desk.refund("1001", "p_1", eur("100"), by=ANNA, request_id="f1")
    assert world.went_back == 0


def test_a_payment_beside_is_asked_about_once(world: Any) -> None:
    world.open()
    world.ledger.paid["p_2"] = eur("50")
    world.desk.mark_returned("1001", by=ANNA)
    stores(world, paid("p_1", "50.00"), paid("p_2", "50.00"))
    read: list[str] = []
    world.ledger.watch = lambda call, _: read.append(call)
    for number in (1, 2):
        world.desk.refund("1001", "p_1", eur("10"), by=ANNA, request_id=f"f{number}")
    assert read.count("refundable") == 3


def test_two_bank_transfers_with_alike_invoice_numbers_are_two(world: Any) -> None:
    world.open("manual_transfer")
    transfers = [a_payment("50.00", provider="manual_transfer", reference=one) for one in ("A-1", "a-1")]
    stores(world, *transfers)
    world.desk.mark_returned("1001", by=ANNA)
    for number, one in enumerate(transfers):
        world.desk.confirm_refund(
            "1001", one.id, eur("50"), reference=f"bank {number}", by=ANNA, request_id=f"f{number}"
        )
    assert world.states == ["succeeded", "succeeded"]


def test_one_wrong_name_from_a_provider_is_put_right_by_its_next_answer(world: Any) -> None:
    world.open()
    world.ledger.paid["p_2"] = eur("50")
    stores(world, paid("p_1", "50.00"), paid("p_2", "50.00"))
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.called = {"p_2": "p_1"}
    with pytest.raises(WrongState, match=r"p_1 \(Ledger Pay\).*p_2 \(Ledger Pay\)"):
        world.desk.refund("1001", "p_1", eur("50"), by=ANNA, request_id="f1")
    world.ledger.called = {}
    world.desk.reconcile("1001")
    for name in ("p_1", "p_2"):
        world.desk.refund("1001", name, eur("50"), by=ANNA, request_id=name)
    assert world.states == ["succeeded", "succeeded"]


def test_a_wrong_explanation_is_taken_back_when_the_shop_has_both_payments(returned: Any) -> None:
    stores(returned, paid("p_2", "50.00"))
    returned.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    stores(returned, paid("p_1", "50.00"), paid("p_2", "50.00"))
    assert [one[2] for one in suggested(returned)] == ["EUR 0.00", "EUR 0.00"]
    returned.desk.explain_payment("1001", "p_1", became=None, by=ANNA)
    assert suggested(returned) == [("p_1", "EUR 40.00", "EUR 10.00"), ("p_2", "EUR 0.00", "EUR 50.00")]
    stores(returned, paid("p_2", "50.00"))
    assert suggested(returned) == [("p_2", "EUR 0.00", "EUR 0.00")]  # it left again, and nobody has said why


def test_a_refund_that_was_found_again_on_a_renamed_account_counts_once(world: Any) -> None:
    world.settings = {"ledger:second": {}}
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    world.refund("15.00")
    stores(world, attrs.evolve(paid("p_1"), account="second"))
    world.desk.reconcile("1001")
    assert world.states == ["succeeded", "succeeded"]
    world.desk.explain_payment("1001", "ledger:p_1", became="ledger/second:p_1", by=ANNA)
    assert suggested(world) == [("p_1", "EUR 15.00", "EUR 85.00")]


def test_an_order_that_has_one_payment_under_two_of_its_providers_names_says_so_and_pays_nothing(world: Any) -> None:
    world.open()
    world.ledger.called = {"s_1": "p_1"}
    stores(world, paid("p_1", "50.00"), paid("s_1", "50.00"))
    world.desk.mark_returned("1001", by=ANNA)
    with pytest.raises(WrongState, match=r"p_1 \(Ledger Pay\).*s_1 \(Ledger Pay\)"):
        world.desk.refund("1001", "s_1", eur("50"), by=ANNA, request_id="f1")
    assert world.went_back == 0
    assert [one[2] for one in suggested(world)] == ["EUR 0.00", "EUR 0.00"]


def test_two_payments_of_one_order_are_two(world: Any) -> None:
    world.open()
    world.ledger.paid["p_2"] = eur("50")
    stores(world, paid("p_1", "50.00"), paid("p_2", "50.00"))
    world.desk.mark_returned("1001", by=ANNA)
    for name in ("p_1", "p_2"):
        world.desk.refund("1001", name, eur("50"), by=ANNA, request_id=name)
    assert world.states == ["succeeded", "succeeded"]


def test_what_became_of_a_refund_is_found_also_where_a_person_said_that_its_payment_became_another(
    returned: Any,
) -> None:
    """Its provider may know the two as two payments, and has the refund in the books of the one that left."""
    stores(returned, paid("p_2"))
    returned.ledger.paid["p_2"] = eur("100")
    returned.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    returned.ledger.turn("re_1", RefundStatus.FAILED)
    returned.ledger.add("p_1", eur("10"))
    returned.desk.reconcile("1001")
    assert [(one.reference, one.state.value) for one in returned.refunds] == [
        ("re_1", "reversed"),
        ("re_2", "succeeded"),
    ]
    assert suggested(returned) == [("p_2", "EUR 10.00", "EUR 90.00")]
    assert returned.desk.dossier("1001").stands_for("ledger:p_2") == "ledger:p_2"
    called = returned.desk.dossier("1001").identities["ledger:p_2"]
    assert called.names == ("p_2",), "what p_1 is called says nothing of p_2"
    assert not returned.desk.reconcile("1001").changed


def test_what_happens_on_the_other_payment_is_found_when_the_shop_puts_back_the_one_that_became_it(
    returned: Any,
) -> None:
    stores(returned, paid("p_2"))
    returned.ledger.paid["p_2"] = eur("100")
    returned.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    stores(returned, paid("p_1"))
    returned.ledger.add("p_2", eur("10"))
    returned.desk.reconcile("1001")
    assert suggested(returned) == [("p_1", "EUR 50.00", "EUR 50.00")]
    returned.ledger.add("p_2", eur("5"))
    returned.desk.reconcile("1001")
    assert suggested(returned) == [("p_1", "EUR 55.00", "EUR 45.00")]


def test_a_link_that_was_followed_before_its_payment_became_another_is_not_paid_once_more(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    link = world.open_link("40.00").refund_id
    world.ledger.add("p_1", eur("40"))
    stores(world, paid("p_2"))
    world.ledger.paid["p_2"] = eur("100")
    world.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    with pytest.raises(WrongState):
        world.desk.refund("1001", "p_2", eur("40"), instead_of=link, by=ANNA, request_id="instead")
    assert (world.states, world.ledger.calls) == (["succeeded"], 0)
