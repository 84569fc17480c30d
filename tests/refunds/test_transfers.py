"""A refund that goes by bank transfer in place of the way it came in keeps every rule that other refunds keep."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from retour import (
    Actor,
    Approval,
    BankAccount,
    Consent,
    ConsentMissing,
    ConsentWay,
    InvalidAmount,
    Money,
    NotAllowed,
    ProviderUnavailable,
    RequestReused,
    RetourError,
    WrongState,
    hookimpl,
)
from retour.providers import ErrorCode, ProviderError, Refundable, Support
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
TO = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
OTHER = BankAccount(name="J. Jansen", iban="NL20INGB0001234567")
AGREED = Consent(how=ConsentWay.PHONE)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def transfer(world: Any, amount: str = "40.00", **more: Any) -> Any:
    return world.refund(amount, **{"to": TO, "consent": AGREED, **more}).refund


def provider_of(world: Any) -> Any:
    """The class of the payment's provider."""
    return world.desk._services.registry.payment["ledger"][0]


def raising(code: ErrorCode) -> Any:
    def raises(*_: object) -> None:
        raise ProviderError(code, "no")

    return raises


class FourEyes:
    name = "four-eyes"

    @hookimpl
    def refund_approval(self) -> Approval:
        return Approval.hold("a second person looks")


def test_what_a_policy_holds_is_transferred_when_a_person_lets_it_go(world: Any) -> None:
    world.open("manual_transfer", FourEyes())
    held = transfer(world)
    assert (held.state, held.needs_person) == ("planned", True)
    with pytest.raises(WrongState):
        world.desk.refund_link("1001", refund_id=held.id)
    world.desk.retry_refund("1001", held.id, by=ANNA)
    assert world.states == ["awaiting_merchant"]
    assert world.desk.refund_link("1001", refund_id=held.id).transfer.to == TO
    assert (world.went_back, world.ledger.calls) == (0, 0)


class Refuses:
    name = "refuses"

    @hookimpl
    def refund_approval(self) -> Approval:
        return Approval.refuse("no")


def test_what_a_policy_refuses_is_not_transferred(world: Any) -> None:
    world.open("manual_transfer", Refuses())
    with pytest.raises(NotAllowed):
        transfer(world)
    assert world.refunds == []


def test_what_a_colleague_refunded_meanwhile_waits_for_a_person_though_it_fits(world: Any) -> None:
    world.open("manual_transfer")
    world.ledger.add("p_1", eur("40"))
    held = transfer(world)
    assert (held.state, held.problem.code) == ("planned", "refunded_meanwhile")
    world.desk.retry_refund("1001", held.id, by=ANNA)
    assert world.desk.refund_link("1001", refund_id=held.id).transfer.amount == eur("40")


def test_what_a_colleague_refunded_since_is_told_before_it_is_transferred(world: Any) -> None:
    world.open("manual_transfer")
    made = transfer(world)
    world.later()
    world.ledger.add("p_1", eur("10"))
    world.desk.reconcile("1001")
    link = world.desk.refund_link("1001", refund_id=made.id)
    assert (link.kind, link.transfer) == ("unavailable", None)
    assert "re_1" in link.instruction.render("en")
    anew = transfer(world, instead_of=made.id)
    assert world.desk.refund_link("1001", refund_id=anew.id).transfer.amount == eur("40")


@pytest.mark.parametrize("code", [ErrorCode.UNAVAILABLE, ErrorCode.AUTHENTICATION, ErrorCode.RATE_LIMITED])
def test_where_the_books_cannot_be_read_now_nothing_is_decided(
    world: Any, monkeypatch: pytest.MonkeyPatch, code: ErrorCode
) -> None:
    world.open("manual_transfer")
    monkeypatch.setattr(provider_of(world), "refundable", raising(code))
    with pytest.raises(ProviderUnavailable):
        transfer(world)
    assert world.refunds == []


def test_of_a_payment_that_the_provider_does_not_know_any_more_the_customer_is_paid_all_the_same(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open("manual_transfer")
    monkeypatch.setattr(provider_of(world), "refundable", raising(ErrorCode.UNKNOWN_PAYMENT))
    assert transfer(world).state == "awaiting_merchant"


def test_where_nobody_can_read_the_books_any_more_the_customer_is_paid_all_the_same(world: Any) -> None:
    world.open("manual_transfer")
    world.desk.mark_returned("1001", by=ANNA)
    world._enter(["manual_transfer"], 10.0)
    assert transfer(world).state == "awaiting_merchant"


@pytest.mark.parametrize(
    ("code", "state"), [(None, "planned"), ("not_refundable", "awaiting_merchant"), ("disputed", None)]
)
def test_what_the_provider_says_of_the_payment_decides_whether_it_is_transferred(
    world: Any, monkeypatch: pytest.MonkeyPatch, code: str | None, state: str | None
) -> None:
    """A gift card goes by transfer; what is disputed goes nowhere; what it says in words alone a person reads first."""
    world.open("manual_transfer")
    says = Refundable(
        target="p_1", remaining=eur("0"), possible=False, reason="no", code=None if code is None else ErrorCode(code)
    )
    monkeypatch.setattr(provider_of(world), "refundable", lambda *_: says)
    if state is None:
        with pytest.raises(WrongState, match="to be transferred: no"):
            transfer(world)
    else:
        assert transfer(world).state == state


def test_while_another_refund_of_the_payment_is_unclear_nothing_is_transferred(world: Any) -> None:
    world.open("manual_transfer").ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "lost")]
    world.ledger.blind = True
    unclear = world.refund().refund_id
    with pytest.raises(WrongState, match="not clear yet"):
        transfer(world)
    with pytest.raises(WrongState):
        transfer(world, instead_of=unclear)


def test_a_link_that_was_followed_a_moment_ago_is_found_before_it_is_replaced(world: Any) -> None:
    world.open("manual_transfer")
    link = world.open_link("40.00").refund_id
    world.ledger.add("p_1", eur("40"))
    with pytest.raises(WrongState):
        transfer(world, instead_of=link)
    assert world.states == ["succeeded"]


def test_a_link_of_which_nobody_can_tell_whether_it_was_followed_is_not_replaced(world: Any) -> None:
    world.open("manual_transfer", list_refunds=Support.PROVIDER_CANNOT, webhooks=world.provider.WebhookTrust.NONE)
    link = world.open_link("40.00").refund_id
    with pytest.raises(WrongState, match="cannot tell"):
        transfer(world, instead_of=link)


def test_the_same_form_with_another_account_is_refused(world: Any) -> None:
    world.open("manual_transfer")
    transfer(world, request_id="f")
    with pytest.raises(RequestReused):
        transfer(world, request_id="f", to=OTHER)


def test_two_at_once_never_transfer_more_than_was_captured(world: Any) -> None:
    """And the same form at the same moment is one transfer."""
    world.open("manual_transfer")
    barrier, errors = threading.Barrier(6), []

    def press(form: str) -> None:
        barrier.wait()
        for _ in range(20):
            try:
                world.desk.refund("1001", "p_1", eur("60"), to=TO, consent=AGREED, by=ANNA, request_id=form)
            except InvalidAmount:
                return
            except RetourError as error:  # somebody was at it: again
                errors.append(error)
                continue
            return

    threads = [threading.Thread(target=press, args=(f"form-{number % 2}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.amount for one in world.refunds] == [eur("60")]
    with pytest.raises(InvalidAmount):
        transfer(world, "40.01", request_id="one more")


# --- payments that go back by transfer anyway ------------------------------------------------------------


def paid_on_invoice(world: Any, payer: BankAccount | None) -> None:
    world.open("manual_transfer")
    payment = a_payment("100.00", provider="manual_transfer", reference="p_1", payer=payer)
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment])


@pytest.mark.parametrize("payer", [TO, None, BankAccount(name="J. Jansen", iban="nl91 abna 0417 1643 00")])
def test_a_transfer_goes_back_to_its_payer_without_a_consent(world: Any, payer: BankAccount | None) -> None:
    paid_on_invoice(world, payer)
    made = transfer(world, consent=None)
    assert world.desk.refund_link("1001", refund_id=made.id).transfer.to == TO


def test_a_transfer_goes_to_another_account_than_its_payers_with_his_consent_alone(world: Any) -> None:
    paid_on_invoice(world, OTHER)
    with pytest.raises(ConsentMissing):
        transfer(world, consent=None)
    assert world.desk.refund_link("1001", "p_1", to=TO).transfer is None
    assert world.desk.refund_link("1001", "p_1").transfer.to == OTHER
    made = transfer(world)
    assert world.desk.refund_link("1001", refund_id=made.id).transfer.to == TO


# --- personal data ---------------------------------------------------------------------------------------


def test_the_account_is_in_no_event_and_the_refund_is_made_without_it(world: Any) -> None:
    """When it was forgotten, the merchant asks again."""
    world.open("manual_transfer")
    made = transfer(world)
    engine = world.desk._services.store.engine
    with engine.begin() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM retour_event").scalars().all()
        assert not [body for body in bodies if "ABNA" in body or "Jansen" in body]
        connection.exec_driver_sql("DELETE FROM retour_personal")
    link = world.desk.refund_link("1001", refund_id=made.id)
    assert (link.kind, link.transfer) == ("transfer", None)
    assert world.desk.refund_link("1001", refund_id=made.id, to=TO).transfer.to == TO
    assert world.desk.timeline("1001")[-2].account == ""
    assert "ABNA" not in repr(world.refunds)


# --- it is looked at again before it is paid -------------------------------------------------------------


def is_not_to_be_paid(world: Any, refund_id: str, why: str) -> None:
    """No account is given, no file for the bank takes it, and a person is told."""
    link = world.desk.refund_link("1001", refund_id=refund_id)
    assert (link.kind, link.transfer) == ("unavailable", None)
    assert why in link.instruction.render("en")
    with pytest.raises(WrongState, match=why):
        world.desk.set_refund_batch("1001", refund_id, "B1", by=ANNA)
    assert world.desk.dossier("1001").refund(refund_id).batch == ""
    [item] = world.desk.attention("refund_held").items
    assert (item.about, item.can_do) == (refund_id, ("reconcile", "cancel_refund", "confirm_refund"))
    assert why in item.why.render("en")


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("can_be_refunded", [True, False])
def test_a_transfer_that_waits_is_not_to_be_paid_once_the_customer_disputes_the_payment(
    world: Any, is_told: bool, can_be_refunded: bool
) -> None:
    """He may get it by the dispute, whether the provider refunds meanwhile or not, and whether a webhook told of it or
    nobody did."""
    world.open("manual_transfer")
    made = transfer(world)
    world.ledger.disputed.add("p_1")
    if not can_be_refunded:
        world.ledger.closed["p_1"] = ErrorCode.DISPUTED, "a dispute is open"
    if is_told:
        world.desk.reconcile("1001")
    is_not_to_be_paid(world, made.id, "the customer disputes the payment")
    assert "The customer disputes payment p_1 (Ledger Pay)." in [one.text("en") for one in world.desk.timeline("1001")]


def test_a_transfer_goes_on_once_the_dispute_is_decided_for_the_merchant(world: Any) -> None:
    world.open("manual_transfer")
    made = transfer(world)
    world.ledger.disputed.add("p_1")
    is_not_to_be_paid(world, made.id, "the customer disputes the payment")
    world.ledger.disputed.clear()
    assert world.desk.refund_link("1001", refund_id=made.id).transfer.to == TO
    world.desk.set_refund_batch("1001", made.id, "B1", by=ANNA)
    assert world.desk.attention().items == ()
    assert "The dispute about payment p_1 (Ledger Pay) is over." in [
        one.text("en") for one in world.desk.timeline("1001")
    ]


def test_a_transfer_that_waits_is_not_to_be_paid_once_the_bank_took_the_money_back(world: Any) -> None:
    world.open("manual_transfer")
    made = transfer(world)
    world.ledger.taken_back["p_1"] = eur("100")
    is_not_to_be_paid(world, made.id, "bank took")


def test_a_transfer_that_waits_is_not_to_be_paid_once_a_colleague_refunded_at_the_provider(world: Any) -> None:
    world.open("manual_transfer")
    made = transfer(world)
    world.later()
    world.ledger.add("p_1", eur("10"))
    is_not_to_be_paid(world, made.id, "re_1")


def test_where_the_books_cannot_be_read_now_no_account_is_given_and_no_file_takes_it(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open("manual_transfer")
    made = transfer(world)
    with monkeypatch.context() as broken:
        broken.setattr(provider_of(world), "refundable", raising(ErrorCode.UNAVAILABLE))
        link = world.desk.refund_link("1001", refund_id=made.id)
        assert (link.kind, link.transfer) == ("unavailable", None)
        assert "Ledger Pay cannot be asked" in link.instruction.render("en")
        with pytest.raises(ProviderUnavailable):
            world.desk.set_refund_batch("1001", made.id, "B1", by=ANNA)
    assert world.desk.refund_link("1001", refund_id=made.id).transfer.to == TO
    assert world.desk.set_refund_batch("1001", made.id, "B1", by=ANNA).refund.batch == "B1"


def test_a_transfer_whose_plugin_is_gone_is_paid_as_it_was_decided(world: Any) -> None:
    """Nobody can be asked any more, and the customer has agreed."""
    world.open("manual_transfer")
    made = transfer(world)
    world._enter(["manual_transfer"], 10.0)
    assert world.desk.refund_link("1001", refund_id=made.id).transfer.to == TO
    assert world.desk.set_refund_batch("1001", made.id, "B1", by=ANNA).refund.batch == "B1"


def test_a_transfer_can_be_taken_out_of_its_file_whatever_became_of_the_payment(world: Any) -> None:
    world.open("manual_transfer")
    made = transfer(world)
    world.desk.set_refund_batch("1001", made.id, "B1", by=ANNA)
    world.ledger.disputed.add("p_1")
    world.desk.reconcile("1001")
    [item] = world.desk.attention().items
    assert (item.kind, item.can_do) == ("refund_held", ("reconcile", "set_refund_batch", "confirm_refund"))
    assert world.desk.set_refund_batch("1001", made.id, "", by=ANNA).refund.batch == ""
    world.desk.cancel_refund("1001", made.id, by=ANNA)
    assert world.desk.attention().items == ()


def test_what_was_transferred_and_taken_back_by_the_bank_too_is_more_than_was_paid(world: Any) -> None:
    """He had transferred it before he was told; the customer has it twice, and a person is told so."""
    world.open("manual_transfer")
    made = transfer(world, "100.00")
    world.ledger.taken_back["p_1"] = eur("100")
    world.desk.reconcile("1001")
    world.desk.confirm_refund(
        "1001", "p_1", eur("100"), reference="bank 1", refund_id=made.id, by=ANNA, request_id="bank"
    )
    items = {one.kind: one.why.render("en") for one in world.desk.attention().items}
    assert items.keys() == {"charged_back", "beyond_order"}
    assert "€100.00 more" in items["beyond_order"]
