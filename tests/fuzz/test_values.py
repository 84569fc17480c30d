"""Hostile values from everybody: what is accepted reads for ever, and what is refused changed nothing.

A host's arguments, a shop's orders, a policy's answers and a provider's are built of what somebody could give who means
no good. Whatever is accepted folds, is shown to everybody in both languages, and is read back from the database as it
was; whatever is refused is a `RetourError`. Nothing that was stored stops ``work()``.

Hypothesis writes a tape of bytes, and every choice takes the next one; zero is what is right, so a failure shrinks to
an order that goes well but for one thing.
"""

from __future__ import annotations

import datetime
import enum
import importlib.util
import inspect
import logging
import os
import sys
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from retour import (
    Actor,
    Approval,
    BankAccount,
    Counted,
    Delivery,
    LinkKind,
    MemoryShop,
    Mode,
    Money,
    Objection,
    Order,
    OrderLine,
    Paid,
    Payment,
    RefundLink,
    RefundPlan,
    RequestedLine,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockRefused,
    Text,
    hookimpl,
)
from retour.model.events.event import EVENT_TYPES, Recorded
from retour.model.fields import unchecked
from retour.model.order import LineKind, TaxPart
from retour.model.refunds import ApprovalKind, Reported
from retour.model.returns import Restock, Severity
from retour.providers import (
    ErrorCode,
    ProviderError,
    Refundable,
    RefundEvent,
    RefundResult,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
)
from retour.store import tables
from retour.store.records import event_row, read_event
from retour.testing import a_line, a_payment, a_service, an_order

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "60"))
"""How many events are made of each class; ``make fuzz`` tries many more."""

LIVES = max(20, EXAMPLES // 8)
"""How many orders are lived through: each takes a good many statements."""

ANNA = Actor.staff("anna")
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
TRIED: Counter[str] = Counter()

many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@pytest.fixture(autouse=True)
def tried(tell: Callable[[str, Mapping[str, int]], None]) -> Iterator[None]:
    """How much was tried is told at the end."""
    TRIED.clear()
    yield
    tell("hostile values tried", {"in all": TRIED.total()} | dict(TRIED))


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Plugins fail by the thousand here, and each is logged with where it failed."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _load_ledger() -> ModuleType:
    source = Path(__file__).parents[1] / "refunds/ledger_provider.py"
    spec = importlib.util.spec_from_file_location("fuzzed_ledger_provider", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


LEDGER = _load_ledger()


# --- what is given ---------------------------------------------------------------------------------------


class Odd(Exception):
    """An exception whose words are as bad as can be."""

    def __str__(self) -> str:
        return "half \ud800 and \0" + "x" * 11_000

    __repr__ = __str__


WORDS = [
    "",
    " ",
    "x",
    "\0",
    "a\0b",
    "\ud800",
    "half \udfff",
    "x" * 255,
    "x" * 256,
    "x" * 10_001,
    "\N{GRINNING FACE}" * 255,
]
WORDS += [
    "4111 1111 1111 1111",
    "{",
    "{0}",
    "{a.b}",
    "%s",
    "NL91ABNA0417164300",
    "a@example.org",
    "\u202e",
    "1001",
    "p_1",
]
NUMBERS = [0, 1, -1, 2, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 1.5, float("nan"), True, Decimal(1)]
TIMES = [
    NOW.date(),
    NOW,
    NOW.replace(tzinfo=None),
    datetime.datetime.min.replace(tzinfo=datetime.UTC),
    datetime.datetime.max.replace(tzinfo=datetime.timezone(-datetime.timedelta(hours=12))),
    datetime.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    datetime.date.max,
    datetime.date.min,
]
OTHERS = [None, b"x", Decimal("21"), Decimal("NaN"), Decimal("1E+99"), Decimal("0.1"), Text, object(), Odd()]
OTHERS += [{"cup": 1}, {"cup": -1}, {1: 1}, {"\0": 1}, ["cup"], [1], [], {}, (), "bogus", "succeeded", "all"]


class Tape:
    """Choices, one after the other. When it has ended everything is right."""

    def __init__(self, tape: bytes) -> None:
        self._rest = iter(tape)

    def number(self, below: int) -> int:
        """A number below another; 0 is what is right."""
        return next(self._rest, 0) % below

    def one_of(self, *options: Any) -> Any:
        """One of several values."""
        return options[self.number(len(options))]

    def odd(self) -> Any:
        """Anything at all."""
        return self.one_of(*self.one_of(WORDS, OTHERS, NUMBERS, TIMES))

    def or_odd(self, *good: Any, once_in: int = 8) -> Any:
        """One of several good values, and once in a while something odd."""
        return self.odd() if self.number(once_in) == once_in - 1 else self.one_of(*good)

    def new(self, kind: Any, **fields: Any) -> Any:
        """A value, made as everybody makes it, or once in a while behind the back of its class."""
        maker = unchecked(kind) if self.number(8) == 7 else kind
        return maker(**fields)

    # --- of the words of the field

    def amount(self, *, honest: bool = False) -> Any:
        """An amount of money; an ``honest`` one is made by its class."""
        minor, currency = self.or_odd(500, 1, 0, 1000, 5000), self.or_odd("EUR", "EUR", "USD", once_in=12)
        return Money(minor=minor, currency=currency) if honest else self.new(Money, minor=minor, currency=currency)

    def text(self) -> Any:
        """A text for people."""
        return self.or_odd(Text(message="Do it"), Text(message=self.one_of(*WORDS), values={"a": self.odd()}))

    def reason(self) -> Any:
        """Why: in words, as a reason, or not at all."""
        return self.or_odd(None, "because", self.one_of(*WORDS))

    def lines(self) -> Any:
        """What a host says that is sent or came back."""
        line = self.or_odd("cup", "pot", "post", "mug")
        units = self.or_odd(1, 2, 3)
        kind = self.one_of("mapping", "mapping", "requested", "counted", "odd")
        if kind == "mapping":
            return {line: units} if isinstance(line, str | int | None) else line
        if kind == "requested":
            return [RequestedLine(line_id=line, quantity=units, reason=self.or_odd("", "too small"))]
        if kind == "counted":
            return [Counted(line_id=line, sellable=units, damaged=self.or_odd(0, 1), wrong=self.or_odd(0, 1))]
        return self.odd()

    def order(self) -> Order:
        """An order as a shop has it now. Raises what the shop's own code would raise."""
        currency = self.one_of("EUR", "EUR", "EUR", "USD")
        lines = [
            OrderLine(
                id=self.or_odd(name, once_in=90),
                product=self.or_odd(name, once_in=90),
                name=self.or_odd(name, once_in=90),
                ordered=self.or_odd(3, 0, 1, once_in=90),
                fulfilled=self.or_odd(3, 0, 1, once_in=90),
                paid=Paid(gross=self.price(currency), taxes=self.taxes()),
                kind=self.or_odd(LineKind.GOODS, once_in=90),
                stock_tracked=self.or_odd(True, False, once_in=90),
                tags=self.or_odd(frozenset(), {"sale"}, once_in=90),
            )
            for name in ("cup", "pot")[: 1 + self.number(2)]
        ]
        payments = [
            Payment(
                provider=self.or_odd("ledger", "ledger", "mollie", once_in=90),
                reference=self.or_odd(name, once_in=90),
                captured=self.price(currency),
                mode=self.or_odd(Mode.LIVE, once_in=90),
                method=self.or_odd("", "ideal", once_in=40),
                paid_at=self.or_odd(None, *TIMES[1:2], once_in=40),
                payer=self.or_odd(None, BankAccount(name="A", iban="NL91ABNA0417164300"), once_in=90),
            )
            for name in ("p_1", "p_2")[: 1 + self.number(2)]
        ]
        return Order(
            id="1001",
            currency=self.or_odd(currency, once_in=90),
            lines=self.or_odd(tuple(lines), lines, once_in=90),
            payments=self.or_odd(tuple(payments), payments, once_in=90),
            delivery=self.or_odd(None, Delivery(paid=Paid.of("1", currency)), once_in=90),
            placed_at=self.or_odd(None, NOW, once_in=40),
            customer=self.or_odd("c-1", "", once_in=40),
        )

    def price(self, currency: str) -> Any:
        """An amount in the order's own currency, most of the time."""
        return Money(minor=self.or_odd(1000, 0, 5000, once_in=60), currency=self.or_odd(currency, once_in=90))

    def taxes(self) -> Any:
        """What a shop says of the taxes."""
        if self.number(40) < 39:
            return ()
        return [TaxPart(rate=self.or_odd(Decimal("21")), net=self.amount(honest=True), tax=self.amount(honest=True))]

    def result(self, **fields: Any) -> Any:
        """A refund as a provider tells of it."""
        usual = {
            "reference": self.or_odd("re_1", "re_2", "re_3"),
            "status": self.or_odd(*Reported),
            "amount": self.amount(),
            "provider_status": self.or_odd("ok"),
            "refund_id": self.or_odd("", "rf_x"),
            "reason": self.or_odd("", self.one_of(*WORDS)),
            "created_at": self.or_odd(None, NOW, NOW.astimezone(datetime.timezone(datetime.timedelta(hours=9)))),
        }
        return self.new(RefundResult, **usual | fields)

    def refusal(self) -> Exception:
        """What a provider or a plugin raises."""
        if self.number(3) == 2:
            return self.one_of(Odd(), ValueError("\0"), LookupError(), SystemExit("\ud800"))  # type: ignore[no-any-return]
        code = self.one_of(*ErrorCode)
        return ProviderError(code, self.one_of("no", *WORDS), provider_code=self.one_of("", *WORDS))


class Hostile:
    """A policy, a provider and a shop of which each says what the tape says."""

    name = "hostile"

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.shop = HostileShop(tape)
        self.ledger = LEDGER.Ledger(
            clock=lambda: NOW, paid={"p_1": Money.of("100", "EUR"), "p_2": Money.of("9", "EUR")}
        )

    def answer(self, make: Callable[[], Any]) -> Any:
        """None, a made answer, something odd, or an exception."""
        how = self.tape.number(5)
        if how == 3:
            return self.tape.odd()
        if how == 4:
            raise self.tape.refusal()
        return None if how == 0 else make()

    @hookimpl
    def return_policy(self) -> Any:
        tape = self.tape
        return self.answer(lambda: tape.new(Objection, severity=tape.or_odd(*Severity), because=tape.reason()))

    @hookimpl
    def restock_policy(self) -> Any:
        tape = self.tape
        return self.answer(
            lambda: tape.new(
                RestockDecision,
                kind=tape.or_odd(*Restock),
                units=tape.or_odd({}, {"cup": 1}, {"cup": 99}, {"mug": 1}),
                because=tape.reason(),
            )
        )

    @hookimpl
    def refund_link(self) -> Any:
        tape = self.tape
        return self.answer(
            lambda: tape.new(
                RefundLink, kind=tape.or_odd(*LinkKind), label=tape.text(), instruction=tape.text(), url=tape.or_odd("")
            )
        )

    @hookimpl
    def refund_plan(self) -> Any:
        tape = self.tape
        return self.answer(
            lambda: [tape.new(RefundPlan, payment=tape.or_odd("ledger:p_1", "ledger:p_2"), amount=tape.amount())]
        )

    @hookimpl
    def refund_approval(self) -> Any:
        tape = self.tape
        return self.answer(lambda: tape.new(Approval, kind=tape.or_odd(*ApprovalKind), because=tape.reason()))

    @hookimpl
    def payment_providers(self) -> list[type]:
        hostile = self
        tape = self.tape

        class HostilePay(LEDGER.make_provider(self.ledger)):  # type: ignore[misc]
            def refund_url(self, request: Any) -> Any:
                usual = super().refund_url(request)
                return hostile.answer(lambda: usual) or usual

            def refundable(self, payment: Payment) -> Any:
                if tape.number(3) < 2:
                    return super().refundable(payment)
                fields = {"target": tape.or_odd("p_1"), "remaining": tape.amount(), "reason": tape.or_odd("")}
                return hostile.answer(lambda: tape.new(Refundable, **fields, url=tape.or_odd("")))

            def refund(self, request: Any) -> Any:
                made = super().refund(request)
                fields = {"amount": request.amount, "refund_id": request.refund_id}
                return made if tape.number(2) else hostile.answer(lambda: tape.result(**fields))

            def fetch_refund(self, target: str, reference: str) -> Any:
                return hostile.answer(lambda: tape.result(reference=reference))

            def find_refund(self, request: Any) -> Any:
                return hostile.answer(lambda: tape.result(refund_id=request.refund_id, amount=request.amount))

            def list_refunds(self, target: str) -> Any:
                return hostile.answer(lambda: [tape.result() for _ in range(tape.number(3))]) or []

            def cancel_refund(self, target: str, reference: str) -> Any:
                return hostile.answer(lambda: tape.result(reference=reference))

            def parse_webhook(self, webhook: Any) -> Any:
                if tape.number(6) == 5:
                    raise WebhookRejected(tape.one_of(*WORDS))
                target = tape.or_odd("p_1", "p_2")
                event = {"event_id": tape.or_odd("ev_1"), "target": target}
                told = [
                    lambda: tape.new(VerifiedEvents, events=[tape.new(RefundEvent, **event, refund=tape.result())]),
                    lambda: tape.new(ToFetch, targets=tape.or_odd([target])),
                ]
                return hostile.answer(tape.one_of(*told))

        return [HostilePay]


class HostileShop(MemoryShop):
    """A shop that changes its orders, and books stock or not."""

    def __init__(self, tape: Tape) -> None:
        lines = [a_line("cup", 3, "30.00"), a_line("pot", 2), a_service("post", "1.00")]
        payments = [
            a_payment("41.00", provider="ledger", reference="p_1"),
            a_payment("9", provider="ledger", reference="p_2"),
        ]
        super().__init__([an_order(*lines, payments=payments, customer="c-1")])
        self.tape = tape

    def change(self) -> None:
        """Another order under the same number, if there can be such an order."""
        with suppress(RetourError):
            self.orders["1001"] = self.tape.order()
            TRIED["orders accepted"] += 1

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        how = self.tape.number(4)
        if how == 2:
            raise StockRefused(self.tape.one_of(*WORDS), movements=[movements[0].id, self.tape.one_of(*WORDS)])
        if how == 3:
            raise self.tape.refusal()
        super().book_stock(movements)


# --- what is done ----------------------------------------------------------------------------------------


def by(tape: Tape) -> Any:
    """Who does it."""
    return tape.or_odd(ANNA, ANNA, ANNA, Actor.customer("c-1"), Actor.system(), once_in=12)


def of_returns(desk: ReturnDesk, tape: Tape) -> Any:
    return tape.or_odd(*[*reversed(desk.dossier("1001").returns), "rt_none"], once_in=12)


def of_refunds(desk: ReturnDesk, tape: Tape) -> Any:
    return tape.or_odd(*[*reversed(desk.dossier("1001").refunds), "rf_none"], once_in=12)


def of_receipts(desk: ReturnDesk, tape: Tape) -> Any:
    receipts = [one for return_ in desk.dossier("1001").returns.values() for one in return_.receipts]
    return tape.or_odd(*[*reversed(receipts), "rc_none"], once_in=12)


def note(tape: Tape) -> Any:
    return tape.or_odd(None, "a note")


Command = Callable[[ReturnDesk, Tape, str], object]

COMMANDS: dict[str, Command] = {
    "request_return": lambda desk, tape, form: desk.request_return(
        "1001", tape.lines(), by=by(tape), request_id=tape.or_odd(form), note=note(tape)
    ),
    "approve_return": lambda desk, tape, _: desk.approve_return(
        "1001", of_returns(desk, tape), by=by(tape), send_by=tape.one_of(None, *TIMES, "bogus"), note=note(tape)
    ),
    "reject_return": lambda desk, tape, _: desk.reject_return(
        "1001", of_returns(desk, tape), by=by(tape), because=tape.or_odd("no"), note=note(tape)
    ),
    "mark_sent": lambda desk, tape, _: desk.mark_sent(
        "1001", of_returns(desk, tape), by=by(tape), tracking=tape.or_odd("", "3S1"), note=note(tape)
    ),
    "cancel_return": lambda desk, tape, _: desk.cancel_return(
        "1001", of_returns(desk, tape), by=by(tape), note=note(tape)
    ),
    "close_return": lambda desk, tape, _: desk.close_return(
        "1001", of_returns(desk, tape), by=by(tape), note=note(tape)
    ),
    "receive": lambda desk, tape, form: desk.receive(
        "1001",
        of_returns(desk, tape),
        tape.lines(),
        by=by(tape),
        request_id=tape.or_odd(form),
        more_than_requested=tape.or_odd(False, True),
        note=note(tape),
    ),
    "mark_returned": lambda desk, tape, form: desk.mark_returned(
        "1001", tape.one_of(None, tape.lines()), by=by(tape), request_id=tape.or_odd(form), note=note(tape)
    ),
    "correct_receipt": lambda desk, tape, _: desk.correct_receipt(
        "1001", of_receipts(desk, tape), tape.lines(), by=by(tape), note=note(tape)
    ),
    "answer_restock": lambda desk, tape, _: desk.answer_restock(
        "1001",
        of_returns(desk, tape),
        tape.or_odd(RestockDecision.all(), RestockDecision.by_hand(), RestockDecision.lines({"cup": 1})),
        by=by(tape),
    ),
    "confirm_refund": lambda desk, tape, form: desk.confirm_refund(
        "1001",
        tape.or_odd("p_1", "p_2"),
        tape.or_odd(tape.amount(honest=True)),
        reference=tape.or_odd("bank 1", "bank 2"),
        by=by(tape),
        request_id=tape.or_odd(form),
        refund_id=tape.or_odd(None, of_refunds(desk, tape)),
        return_id=tape.or_odd(None, of_returns(desk, tape)),
        note=note(tape),
    ),
    "refund": lambda desk, tape, form: desk.refund(
        "1001",
        tape.or_odd("p_1", "p_2"),
        tape.or_odd(tape.amount(honest=True)),
        by=by(tape),
        request_id=tape.or_odd(form),
        return_id=tape.or_odd(None, of_returns(desk, tape)),
        note=note(tape),
    ),
    "open_refund_link": lambda desk, tape, form: desk.open_refund_link(
        "1001",
        tape.or_odd("p_1", "p_2"),
        tape.or_odd(tape.amount(honest=True)),
        by=by(tape),
        request_id=tape.or_odd(form),
        note=note(tape),
    ),
    "reverse_refund": lambda desk, tape, _: desk.reverse_refund(
        "1001", of_refunds(desk, tape), reference=tape.or_odd("bank 9"), by=by(tape), note=note(tape)
    ),
    "cancel_refund": lambda desk, tape, _: desk.cancel_refund(
        "1001", of_refunds(desk, tape), by=by(tape), note=note(tape)
    ),
    "set_refund_batch": lambda desk, tape, _: desk.set_refund_batch(
        "1001", of_refunds(desk, tape), tape.or_odd("", "batch"), by=by(tape)
    ),
    "retry_refund": lambda desk, tape, _: desk.retry_refund("1001", of_refunds(desk, tape), by=by(tape)),
    "match_refund": lambda desk, tape, _: desk.match_refund(
        "1001", of_refunds(desk, tape), of_refunds(desk, tape), by=by(tape)
    ),
    "reconcile": lambda desk, _, __: desk.reconcile("1001"),
    "receive_webhook": lambda desk, _, __: desk.receive_webhook("ledger", {}, b"x"),
}

LOOKS: Sequence[Callable[[ReturnDesk, Tape], object]] = [
    lambda desk, tape: desk.refund_link(
        "1001",
        tape.or_odd("p_1", "p_2"),
        tape.or_odd(None, tape.amount(honest=True)),
        to=tape.or_odd(None, BankAccount(name="A", iban="x")),
    ),
    lambda desk, tape: desk.refund_link("1001", refund_id=of_refunds(desk, tape)),
    lambda desk, tape: desk.timeline("1001", tape.odd()),
]


def rows(desk: ReturnDesk) -> list[list[tuple[object, ...]]]:
    """All that is stored."""
    with desk._services.store.engine.connect() as connection:
        return [
            sorted([tuple(row) for row in connection.execute(select(table))], key=repr)
            for table in tables.metadata.sorted_tables
            if table is not tables.problem  # what a plugin did wrong is kept, and is of no order
        ]


def shows(desk: ReturnDesk) -> None:
    """The order is folded and shown to everybody in both languages, in words that can be sent."""
    for audience in ("staff", "customer"):
        for entry in desk.timeline("1001", audience):
            for language in ("en", "nl"):
                assert f"{entry.text(language)}{entry.note}{entry.url}{entry.by.id}".encode()
    for option in desk.refund_options("1001"):
        for language in ("en", "nl"):
            assert f"{option.link.label.render(language)}{option.link.instruction.render(language)}".encode()
            assert (option.because.text(language) if option.because is not None else "none").encode()
    assert len(desk.list_returns().returns) == len(desk.dossier("1001").returns)
    assert len(desk.list_refunds().refunds) == len(desk.dossier("1001").refunds)


def reads_back(desk: ReturnDesk) -> None:
    """Every stored event is read, and written again as it stands."""
    columns = [column for column in tables.event.columns if column.name not in ("shop", "order_id")]
    with desk._services.store.engine.connect() as connection:
        for row in connection.execute(select(*columns)):
            recorded = read_event("1001", row[:-1])  # all but the commit
            written = event_row("default", "1001", recorded, row.commit_id)
            assert written == {"shop": "default", "order_id": "1001", **row._asdict()}


def refusal(command: Command, desk: ReturnDesk, tape: Tape, form: str) -> RetourError | None:
    """What a command is refused with; None where it is taken."""
    try:
        command(desk, tape, form)
    except RetourError as error:
        return error
    return None


def live_through(tape: Tape) -> None:
    """Some commands, each of whatever the tape says, and after each everything reads."""
    hostile = Hostile(tape)
    desk = ReturnDesk(shop=hostile.shop, store="sqlite://", plugins=[hostile], clock=lambda: NOW)
    try:
        for turn in range(6):
            name = tape.one_of(*COMMANDS)
            before = rows(desk)
            TRIED[name] += 1
            refused = refusal(COMMANDS[name], desk, tape, f"form-{turn}")
            if refused is not None:
                assert f"{refused.text('en')}{refused.text('nl')}".encode()
                assert rows(desk) == before, name
                TRIED["refused"] += 1
            with suppress(RetourError):
                tape.one_of(*LOOKS)(desk, tape)
            if tape.number(4) == 3:
                hostile.shop.change()
            shows(desk)
            reads_back(desk)
        with desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, lease_until = 0")
        desk.work()
        shows(desk)
        reads_back(desk)
    finally:
        desk.close()


@settings(many, max_examples=LIVES)
@given(st.binary(min_size=400, max_size=400))
def test_what_is_accepted_reads_for_ever_and_what_is_refused_changed_nothing(tape: bytes) -> None:
    live_through(Tape(tape))


def test_every_command_of_the_desk_is_given_hostile_values() -> None:
    asks = {"request_id", "by", "connection"}
    commands = {
        name
        for name, member in vars(ReturnDesk).items()
        if not name.startswith("_") and callable(member) and asks & set(inspect.signature(member).parameters)
    }
    assert commands - COMMANDS.keys() == set()


# --- what is stored is what was made ---------------------------------------------------------------------


def of_kind(tape: Tape, kind: Any) -> Any:
    """A value of an annotation, or once in a while something odd. Raises what its class raises."""
    if tape.number(12) == 11:
        return tape.odd()
    origin = get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return of_kind(tape, tape.one_of(*reversed(get_args(kind))))
    if origin is not None and issubclass(origin, Mapping):
        key, value = get_args(kind)
        return {of_kind(tape, key): of_kind(tape, value) for _ in range(tape.number(3))}
    if origin is not None:
        return [of_kind(tape, get_args(kind)[0]) for _ in range(tape.number(3))]
    if kind is Order:
        return tape.order().without_personal_data()
    if attrs.has(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: of_kind(tape, hints[field.name]) for field in attrs.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tape.one_of(*kind)
    usual: dict[Any, Any] = {
        str: tape.one_of("x", *WORDS),
        int: tape.number(4),
        bool: bool(tape.number(2)),
        type(None): None,
        Decimal: Decimal("21"),
        datetime.date: NOW.date(),
        datetime.datetime: tape.one_of(*TIMES[1:2], *TIMES),
    }
    return usual[kind]


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
@many
@given(st.binary(min_size=150, max_size=150))
def test_an_event_that_can_be_made_is_read_back_equal(kind: type, tape: bytes) -> None:
    TRIED["events"] += 1
    try:
        event = of_kind(Tape(tape), kind)
        if not isinstance(event, kind):
            return
        recorded = Recorded(seq=1, command=1, at=NOW, by=ANNA, event=event)  # type: ignore[arg-type]
    except (RetourError, TypeError):  # a TypeError is this test's own: of what can be no key of a mapping
        return
    TRIED["events accepted"] += 1
    row = event_row("default", "1001", recorded)
    assert all(b"\0" not in value.encode() for value in row.values() if isinstance(value, str))
    columns = (
        "seq",
        "command",
        "at",
        "actor_kind",
        "actor_id",
        "type",
        "version",
        "body",
        "request_id",
        "request_digest",
    )
    assert read_event("1001", [row[name] for name in columns]) == recorded
