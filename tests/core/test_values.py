"""What would make an order unreadable for ever is refused where it comes in, in a sentence, and changes nothing."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    Approval,
    BankAccount,
    Counted,
    Delivery,
    InvalidAmount,
    InvalidArgument,
    InvalidOrder,
    InvalidReference,
    InvalidValue,
    LinkKind,
    MemoryShop,
    Mode,
    Money,
    Objection,
    Order,
    Paid,
    Payment,
    RefundLink,
    RefundPlan,
    RequestedLine,
    RestockDecision,
    RetourError,
    ReturnDesk,
    Text,
    hookimpl,
    text,
)
from retour.model.fields import check_again
from retour.model.making import changed, unchecked
from retour.model.order import OrderLine, TaxPart
from retour.model.reasons import LONGEST_WORDS, Reason, ReasonCode
from retour.model.refunds import RefundInstruction, TransferInstruction
from retour.model.returns import StockMovement
from retour.providers import LinkRequest, ShippingOption
from retour.store.records import event_row, read_event
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR = Money.of("10", "EUR")
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
NAIVE = datetime.datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - in no zone
LINE = a_line("cup", 2, "20.00")
UNKEPT = ["\0", "half \ud800"]


class Answers:
    """A plugin of the host's that gives one answer to one hook, and none to the others."""

    def __init__(self, hook: str, answer: Callable[[], object]) -> None:
        self.hook, self.answer = hook, answer

    def _of(self, hook: str) -> Any:
        return self.answer() if hook == self.hook else None

    @hookimpl
    def return_policy(self) -> Any:
        return self._of("return_policy")

    @hookimpl
    def restock_policy(self) -> Any:
        return self._of("restock_policy")

    @hookimpl
    def refund_link(self) -> Any:
        return self._of("refund_link")

    @hookimpl
    def refund_plan(self) -> Any:
        return self._of("refund_plan")

    @hookimpl
    def refund_approval(self) -> Any:
        return self._of("refund_approval")


def opened(*plugins: object) -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop([an_order(LINE, a_line("pot"))]), store="sqlite://", plugins=plugins)


def still_reads(desk: ReturnDesk) -> None:
    """The order is folded, shown to everybody in both languages, and work goes on."""
    for audience in ("staff", "customer"):
        assert all(entry.text(language) for entry in desk.timeline("1001", audience) for language in ("en", "nl"))
    desk.refund_options("1001")
    assert desk.work().postponed == ()


# --- what a host gives -----------------------------------------------------------------------------------


def asked(desk: ReturnDesk, **more: Any) -> str:
    """A return that waits for the staff."""
    return desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-1"), request_id="ask", **more).return_id


def review() -> Objection:
    return Objection.review("look")


COMMANDS: dict[str, Callable[[ReturnDesk, str], object]] = {
    "a day that is a time": lambda desk, it: desk.approve_return("1001", it, by=ANNA, send_by=NOW),
    "a day in words": lambda desk, it: desk.approve_return("1001", it, by=ANNA, send_by="tomorrow"),  # type: ignore[arg-type]
    "a reason for the customer": lambda desk, it: desk.reject_return("1001", it, by=ANNA, because=UNKEPT[0]),
    "half a reason": lambda desk, it: desk.reject_return("1001", it, by=ANNA, because=UNKEPT[1]),
    "a reason that is none": lambda desk, it: desk.reject_return("1001", it, by=ANNA, because=7),  # type: ignore[arg-type]
    "a note": lambda desk, it: desk.cancel_return("1001", it, by=ANNA, note=UNKEPT[0]),
    "half a note": lambda desk, it: desk.cancel_return("1001", it, by=ANNA, note=UNKEPT[1]),
    "a book as a note": lambda desk, it: desk.cancel_return("1001", it, by=ANNA, note="x" * (LONGEST_WORDS + 1)),
    "a note that is none": lambda desk, it: desk.cancel_return("1001", it, by=ANNA, note=7),  # type: ignore[arg-type]
    "a request_id": lambda desk, _: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=UNKEPT[0]),
    "half a request_id": lambda desk, _: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=UNKEPT[1]),
    "a note that cannot be written": lambda desk, _: desk.mark_returned(
        "1001",
        {"cup": 1},
        by=ANNA,
        request_id="x",
        note={1: 1, "a": 2},  # type: ignore[arg-type]
    ),
    "an actor without an id": lambda desk, it: desk.cancel_return("1001", it, by=Actor.staff("")),
    "a decision that is none": lambda desk, it: desk.answer_restock("1001", it, "all", by=ANNA),  # type: ignore[arg-type]
    "a reference": lambda desk, _: desk.confirm_refund(
        "1001", "tr_1001", EUR, reference=f"re{UNKEPT[0]}", by=ANNA, request_id="a"
    ),
    "half a reference": lambda desk, _: desk.confirm_refund(
        "1001", "tr_1001", EUR, reference=UNKEPT[1], by=ANNA, request_id="a"
    ),
    "another currency": lambda desk, _: desk.confirm_refund(
        "1001", "tr_1001", Money.of("1", "USD"), reference="re", by=ANNA, request_id="a"
    ),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_what_a_host_gives_and_nobody_could_read_again_is_refused_and_changes_nothing(what: str) -> None:
    desk = opened(Answers("return_policy", review))
    return_id = asked(desk)
    before, timeline = desk.dossier("1001"), desk.timeline("1001")
    with pytest.raises(RetourError) as caught:
        COMMANDS[what](desk, return_id)
    assert caught.value.text("nl")
    str(caught.value).encode()
    assert (desk.dossier("1001"), desk.timeline("1001")) == (before, timeline)
    still_reads(desk)


def test_a_tracking_number_that_cannot_be_stored_is_refused() -> None:
    desk = opened()
    return_id = asked(desk)
    with pytest.raises(InvalidValue, match=r"ReturnSent\.tracking must be a text of 0 to 255 characters"):
        desk.mark_sent("1001", return_id, by=ANNA, tracking="x" * 256)
    for words in (*UNKEPT, 7):
        with pytest.raises(InvalidArgument, match="Order 1001: tracking must be a text"):
            desk.mark_sent("1001", return_id, by=ANNA, tracking=words)  # type: ignore[arg-type]
    still_reads(desk)


def test_a_note_says_what_it_must_be() -> None:
    with pytest.raises(InvalidReference, match="Order 1001: note must be a text of 0 to 10000 characters"):
        opened().mark_returned("1001", by=ANNA, note=UNKEPT[0])


WRONG_PARTS: list[tuple[Callable[[], object], str]] = [
    (
        lambda: TaxPart(rate="21%", net=EUR, tax=EUR),
        r"TaxPart.rate must be a decimal number from -1000000000000 to 1000000000000, as in Dec",
    ),  # type: ignore[arg-type]
    (lambda: TaxPart(rate=Decimal("NaN"), net=EUR, tax=EUR), "rate must be a decimal"),
    (lambda: TaxPart(rate=Decimal("1E-99"), net=EUR, tax=EUR), "rate must be a decimal"),
    (lambda: Paid(gross="10"), "gross must be Money as it is made by its class, not a text of 2 characters"),  # type: ignore[arg-type]
    (lambda: Paid(gross=EUR, taxes=("21%",)), "taxes must be a tuple in which each is TaxPart"),  # type: ignore[arg-type]
    (lambda: attrs.evolve(LINE, id=""), "OrderLine.id must be a text of 1 to 255 characters.*, not an empty text"),
    (lambda: attrs.evolve(LINE, id=7), "OrderLine.id must be a text .*, not 7"),
    (lambda: attrs.evolve(LINE, id="\0"), "OrderLine.id must be"),
    (lambda: attrs.evolve(LINE, product="\ud800"), "OrderLine.product must be"),
    (lambda: attrs.evolve(LINE, name=None), "name must be a text of 0 to 10000 characters.*, not nothing"),
    (lambda: attrs.evolve(LINE, ordered=True), "ordered must be a whole number from 0 to 1000000000, not True"),
    (lambda: attrs.evolve(LINE, ordered=float("nan")), "ordered must be a whole number .*, not float"),
    (lambda: attrs.evolve(LINE, fulfilled=-(10**10)), "fulfilled must be a whole number"),
    (lambda: attrs.evolve(LINE, ordered=2**63, fulfilled=2**63), "ordered must be a whole number"),
    (lambda: attrs.evolve(LINE, kind="goods"), "kind must be one of LineKind.GOODS, LineKind.SERVICE"),
    (lambda: attrs.evolve(LINE, stock_tracked="no"), "stock_tracked must be true or false, not a text of 2"),
    (lambda: attrs.evolve(LINE, tags="sale"), "tags must be a frozenset, not a text"),
    (lambda: attrs.evolve(LINE, tags=[["sale"]]), "tags must be a frozenset, not list"),
    (lambda: attrs.evolve(a_payment("1"), mode="live"), "mode must be one of Mode.LIVE, Mode.TEST"),
    (lambda: attrs.evolve(a_payment("1"), provider="a:b"), "provider must be .*, nor one of :/, not"),
    (lambda: attrs.evolve(a_payment("1"), account=""), "account must be a text of 1 to 64"),
    (lambda: attrs.evolve(a_payment("1"), reference="\0"), "reference must be"),
    (lambda: attrs.evolve(a_payment("1"), paid_at=NAIVE), "paid_at must be a time with its zone or nothing"),
    (lambda: attrs.evolve(a_payment("1"), paid_at=NOW.date()), "paid_at must be a time with its zone or nothing"),
    (lambda: attrs.evolve(a_payment("1"), payer="NL91"), "payer must be BankAccount .* or nothing"),
    (lambda: BankAccount(name="\0", iban=""), "BankAccount.name must be"),
    (lambda: Delivery(paid=Paid.of("1", "EUR"), country=31), "Delivery.country must be"),  # type: ignore[arg-type]
    (lambda: attrs.evolve(an_order(LINE), lines={"cup": 1}), "lines must be a tuple, not dict"),
    (lambda: attrs.evolve(an_order(LINE), currency=["EUR"]), "currency must be a text of 3 to 3"),
    (lambda: attrs.evolve(an_order(LINE), placed_at="yesterday"), "placed_at must be a time"),
    (lambda: attrs.evolve(an_order(LINE), placed_at=datetime.datetime.min.replace(tzinfo=datetime.UTC)), "placed_at"),
    (lambda: attrs.evolve(an_order(LINE), customer="\ud800"), "customer must be"),
    (
        lambda: an_order(a_line("a", gross="6000000000000"), a_line("b", gross="6000000000000"), payments=[]),
        "its amounts together are larger than 1000000000000000 minor units",
    ),
]


@pytest.mark.parametrize("make, words", WRONG_PARTS)
def test_an_order_with_a_part_that_cannot_be_stored_is_refused_and_the_field_is_named(
    make: Callable[[], object], words: str
) -> None:
    with pytest.raises(InvalidOrder, match=words) as caught:
        make()
    assert caught.value.__cause__ is None
    assert caught.value.text("nl") != str(caught.value)


WRONG_VALUES: list[Callable[[], object]] = [
    lambda: RestockDecision(kind="bogus"),  # type: ignore[arg-type]
    lambda: RestockDecision.lines({"cup": -1}),
    lambda: RestockDecision.lines({"cup": 1.5}),  # type: ignore[dict-item]
    lambda: RestockDecision.lines({"cup": True}),
    lambda: RestockDecision.lines({"": 1}),
    lambda: RestockDecision.lines(["cup"]),  # type: ignore[arg-type]
    lambda: Objection(severity=None, because="x"),  # type: ignore[arg-type]
    lambda: Objection.review(7),  # type: ignore[arg-type]
    lambda: Approval(kind="hold"),  # type: ignore[arg-type]
    lambda: RefundPlan(payment="p", amount=10),  # type: ignore[arg-type]
    lambda: RequestedLine(line_id="cup", quantity="1"),  # type: ignore[arg-type]
    lambda: RequestedLine(line_id="cup", quantity=1, reason="\0"),
    lambda: Counted(line_id="cup", sellable=2**63),
    lambda: Actor("staff", "anna"),  # type: ignore[arg-type]
    lambda: Actor.staff("\0"),
    lambda: Actor.staff(7),  # type: ignore[arg-type]
    lambda: Reason(code="held"),  # type: ignore[arg-type]
    lambda: Reason(code=ReasonCode.HELD, values={"a": 1}),  # type: ignore[dict-item]
    lambda: RefundInstruction(target="t", key="", description=""),
    lambda: StockMovement(id="m", order_id="1", return_id="r", line_id="l", product="p", quantity=True),
    lambda: RefundLink(kind="page", label=text("x"), instruction=text("x")),  # type: ignore[arg-type]
    lambda: RefundLink(kind=LinkKind.TRANSFER, label="x", instruction=text("x")),  # type: ignore[arg-type]
    lambda: RefundLink(kind=LinkKind.TRANSFER, label=Text(message="{a.b}", values={"a": 1}), instruction=text("x")),
    lambda: RefundLink(kind=LinkKind.TRANSFER, label=Text(message="{missing}", values={"a": 1}), instruction=text("x")),
    lambda: TransferInstruction(amount=EUR, to="NL91", bank="", remittance=""),  # type: ignore[arg-type]
    lambda: LinkRequest(order_id="1", payment=a_payment("1"), amount=1, remittance=""),  # type: ignore[arg-type]
    lambda: ShippingOption(way="portal", provider="x", label=text("x"), instruction=text("x")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", WRONG_VALUES)
def test_a_value_with_a_field_that_cannot_be_is_refused_in_both_languages(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidValue, match=r"^\w+\.\w+ must be .*, not .*\.$") as caught:
        make()
    assert "moet" in caught.value.text("nl")


def test_a_text_of_a_package_that_nobody_finds_is_read_in_english() -> None:
    assert Text(message="Refund it", domain="no_such_package").render("nl") == "Refund it"


def test_an_error_never_repeats_what_was_given() -> None:
    with pytest.raises(RetourError) as caught:
        BankAccount(name="Jansen\0", iban="NL91ABNA0417164300")
    assert "Jansen" not in str(caught.value)


@pytest.mark.parametrize("minor", [2**63, -(2**63), 10**5000, True, 1.5, "1", None], ids=lambda one: type(one).__name__)
def test_an_amount_that_no_database_keeps_is_refused(minor: object) -> None:
    with pytest.raises(InvalidAmount) as caught:
        Money(minor=minor, currency="EUR")  # type: ignore[arg-type]
    assert len(caught.value.text("nl")) < 300


NO_AMOUNTS = ["1e999999", "1E-999999", "9" * 41, "1." + "0" * 41, Decimal("sNaN"), 10**5000, 10**17, "\ud800"]


@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=lambda one: type(one).__name__)
def test_a_number_that_is_no_amount_is_refused_in_a_sentence(amount: Any) -> None:
    with pytest.raises(InvalidAmount) as caught:
        Money.of(amount, "EUR")
    assert len(caught.value.text("nl")) < 200


def test_digits_after_the_28th_count() -> None:
    with pytest.raises(InvalidAmount, match="more decimals than EUR has"):
        Money.of("1.00000000000000000000000000000000001", "EUR")


@pytest.mark.parametrize("currency", [None, ["EUR"], "eur", "\ud800", b"EUR"])
def test_a_currency_that_is_none_is_refused(currency: Any) -> None:
    with pytest.raises(InvalidAmount):
        Money(minor=1, currency=currency)
    with pytest.raises(InvalidAmount):
        Money.of("1", currency)


def test_no_sum_of_amounts_fails() -> None:
    largest = Money(minor=2**63 - 1, currency="EUR")
    assert (largest + largest).minor == 2**64 - 2
    assert (Money.zero("EUR") - largest - largest).minor == 2 - 2**64


def test_an_order_gives_back_equal_what_was_given_with_lists_and_another_zone() -> None:
    amsterdam = datetime.datetime.fromisoformat("2026-10-25T02:30:00+01:00")
    order = Order(
        id="1001",
        currency="EUR",
        lines=[attrs.evolve(LINE, tags={"sale"})],  # type: ignore[arg-type]
        payments=[Payment(provider="mollie", reference="tr", captured=EUR, mode=Mode.TEST, paid_at=amsterdam)],  # type: ignore[arg-type]
        placed_at=amsterdam,
    )
    assert isinstance(order.lines, tuple)
    assert order.placed_at == amsterdam
    assert order.placed_at is not None
    assert order.placed_at.tzinfo is datetime.UTC
    shop = MemoryShop([order])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    desk.mark_returned("1001", by=ANNA)
    assert desk.dossier("1001").order == order
    assert desk.mark_returned("1001", by=ANNA).changed is False


# --- what plugins answer ---------------------------------------------------------------------------------

BROKEN: dict[str, list[Callable[[], object]]] = {
    "return_policy": [
        lambda: Objection(severity=None, because="x"),  # type: ignore[arg-type]
        lambda: unchecked(Objection)(severity=None, because=None),
        lambda: unchecked(Objection)(severity="refuse", because="said"),
        lambda: object.__new__(Objection),
        lambda: [Objection.review("x")],
        lambda: "no",
        lambda: UNKEPT[1].encode(),
    ],
    "restock_policy": [
        lambda: RestockDecision(kind="bogus"),  # type: ignore[arg-type]
        lambda: unchecked(RestockDecision)(kind="bogus"),
        lambda: unchecked(RestockDecision)(kind="per_line", units={"cup": True}),
        lambda: RestockDecision.lines({"cup": 2**64}),
        lambda: object.__new__(RestockDecision),
        lambda: True,
    ],
    "refund_approval": [
        lambda: Approval(kind="approve"),  # type: ignore[arg-type]
        lambda: unchecked(Approval)(kind="approve"),
        lambda: unchecked(Approval)(kind=None, because="\ud800"),
        lambda: "approve",
    ],
    "refund_link": [
        lambda: unchecked(RefundLink)(kind=LinkKind.TRANSFER, label="x", instruction=text("x")),
        lambda: unchecked(RefundLink)(kind="x", label=text("{a}", b=1), instruction=text("x"), url=None),
        lambda: "https://example.org",
    ],
    "refund_plan": [
        lambda: [unchecked(RefundPlan)(payment=["x"], amount=EUR)],
        lambda: [unchecked(RefundPlan)(payment="mollie:tr_1001", amount="1.00")],
        lambda: [RefundPlan(payment="mollie:tr_1001", amount=Money.of("1", "USD"))],
        lambda: {"mollie:tr_1001": EUR},
    ],
}


@pytest.mark.parametrize("hook, answer", [(hook, answer) for hook, answers in BROKEN.items() for answer in answers])
def test_a_hooks_answer_that_is_no_valid_value_is_that_plugins_failure(
    hook: str, answer: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    desk = opened(Answers(hook, answer))
    return_id = asked(desk)
    (announced,) = desk.dossier("1001").returns.values()
    if hook == "return_policy":
        assert [one.severity.value for one in announced.objections] == ["review"]
        assert announced.objections[0].because.values["hook"] == "return_policy"
    received = desk.mark_returned("1001", by=ANNA)
    if hook == "restock_policy":
        question = next(one for one in received.returns if one.restock.needs_answer).restock.question
        assert question is not None
        assert question.because.values["hook"] == "restock_policy"
    (option,) = desk.refund_options("1001")
    assert option.link.label.render("nl")
    if hook == "refund_plan":
        assert not option.suggested
        assert option.because.values["hook"] == "refund_plan"
    assert return_id
    assert caplog.records or hook == "refund_approval"
    still_reads(desk)


def test_an_exception_whose_words_no_database_keeps_is_told_all_the_same() -> None:
    class Odd(Exception):
        def __repr__(self) -> str:
            return "\ud800\0" + "x" * 20_000

    class Worse(Exception):
        def __repr__(self) -> str:
            raise RuntimeError

    def raise_(error: Exception) -> object:
        raise error

    for error, words in ((Odd(), "??xxx"), (Worse(), "Worse")):
        desk = opened(Answers("return_policy", lambda error=error: raise_(error)))  # type: ignore[misc]
        asked(desk)
        (announced,) = desk.dossier("1001").returns.values()
        assert words in announced.objections[0].because.said
        still_reads(desk)


# --- reading back ----------------------------------------------------------------------------------------


def test_what_is_read_back_is_not_checked_again() -> None:
    """Stored rows are read for ever, whatever is refused today."""
    desk = opened()
    asked(desk)
    columns = "seq, command, at, actor_kind, actor_id, type, version, body, request_id, request_digest"
    engine = desk._services.store.engine
    with engine.connect() as connection:
        row = list(
            connection.exec_driver_sql(
                f"SELECT {columns} FROM retour_event WHERE type = 'return_requested'"  # noqa: S608 - columns of ours
            ).one()
        )
    row[4], row[7] = "\0", row[7].replace('"quantity":1', '"quantity":-7').replace('"cup"', '""')
    recorded = read_event("1001", row)
    assert (recorded.by.id, recorded.event.lines[0].quantity) == ("\0", -7)  # type: ignore[attr-defined]
    assert event_row("default", "1001", recorded)["body"] == row[7]
    with pytest.raises(InvalidValue):
        check_again(recorded)


def test_a_value_made_without_checks_is_equal_to_the_checked_one() -> None:
    made = unchecked(OrderLine)(**{field.name: getattr(LINE, field.name) for field in attrs.fields(OrderLine)})
    assert made == LINE
    assert type(made) is OrderLine
    assert unchecked(Counted)(line_id="x") == Counted(line_id="x")
    first, second = unchecked(RestockDecision)(kind="all"), unchecked(RestockDecision)(kind="all")
    assert first.units == {}
    assert first.units is not second.units


def test_a_value_that_is_changed_without_checks_is_equal_to_the_one_that_is_checked() -> None:
    assert changed(LINE, name="Cups", ordered=9) == attrs.evolve(LINE, name="Cups", ordered=9)
    assert changed(LINE) == LINE
    with pytest.raises(AttributeError, match="unit"):
        changed(LINE, unit=9)
