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
from shipping.small_carrier import OPTION
from shipping.world import BOX, HOME, SHOP
from sqlalchemy import select

from retour import (
    Actor,
    Approval,
    AttentionKind,
    BankAccount,
    Consent,
    ConsentWay,
    Counted,
    Delivery,
    Dossier,
    EvidenceFile,
    GoodsState,
    LabelForm,
    LinkKind,
    MemoryShop,
    Mode,
    Money,
    Objection,
    Order,
    OrderLine,
    Outcome,
    Paid,
    Parcel,
    Payment,
    RefundLink,
    RefundPlan,
    RefundState,
    RequestedLine,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockRefused,
    StockState,
    Text,
    WhoPays,
    hookimpl,
)
from retour.model.events.event import EVENT_TYPES, Recorded
from retour.model.making import unchecked
from retour.model.order import LineKind, TaxPart
from retour.model.refunds import ApprovalKind, Reported
from retour.model.return_number import return_number
from retour.model.returns import Restock, Severity
from retour.providers import (
    ErrorCode,
    ProviderError,
    Refundable,
    RefundEvent,
    RefundResult,
    ShippingCapabilities,
    ShippingOption,
    ShippingWay,
    Support,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
)
from retour.store import tables
from retour.store.records import EVENT_COLUMNS, event_row, read_event
from retour.testing import a_line, a_payment, a_service, an_order

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "40"))
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


class Raises:
    """A value of nobody's: whatever is asked of it fails."""

    def __fail(self, *_: object) -> Any:
        raise RuntimeError("half \ud800")

    __eq__ = __ne__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __lt__ = __fail


class PlainText(str):
    """A text as a web framework marks it safe: one in all but its type."""


class Liar(str):
    """A text that is equal to nothing, and says so with a bang."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = str.__hash__


class PlainNumber(int):
    """A number in all but its type."""


class OwnMoney(Money):  # type: ignore[misc]
    """A host's own kind of amount."""


class LyingMoney(Money):  # type: ignore[misc]
    """An amount that is equal to every other."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = Money.__hash__


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
OTHERS += [Raises(), PlainText("x"), PlainText("1001"), Liar("x"), Liar("1001"), PlainNumber(1), LineKind.GOODS]
OTHERS += [OwnMoney(minor=500, currency="EUR"), LyingMoney(minor=500, currency="EUR"), {"cup": Raises()}, [Raises()]]
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
        minor, currency = self.or_odd(500, 1, 0, 1000, 5000), self.or_odd("EUR", "EUR", "USD", "JPY", once_in=12)
        kind = self.one_of(Money, Money, Money, Money, Money, Money, OwnMoney, LyingMoney)
        return kind(minor=minor, currency=currency) if honest else self.new(kind, minor=minor, currency=currency)

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
            delivery=self.or_odd(None, Delivery(paid=Paid.of("1", currency), provider="parcels"), once_in=90),
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


class OwnOrder(Order):  # type: ignore[misc]
    """A host's own kind of order."""


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
    def on_order_returned(self) -> None:
        self.answer(lambda: None)

    @hookimpl
    def on_return_received(self) -> None:
        self.answer(lambda: None)

    @hookimpl
    def on_order_status_changed(self) -> None:
        self.answer(lambda: None)

    @hookimpl
    def on_restocked(self) -> None:
        self.answer(lambda: None)

    @hookimpl
    def on_refund_changed(self) -> None:
        self.answer(lambda: None)

    @hookimpl
    def shipping_providers(self) -> list[type]:
        hostile, tape = self, self.tape

        class Parcels:
            name, display_name, api = "parcels", "Parcels", 1
            settings_type = LEDGER.Settings
            capabilities = ShippingCapabilities(portal=Support.YES)

            def __init__(self, settings: object) -> None:
                pass

            def portal_url(self, order: Order) -> Any:
                option = {"way": tape.or_odd(*ShippingWay), "provider": tape.or_odd("parcels"), "url": tape.or_odd("")}
                words = {"label": tape.text(), "instruction": tape.text()}
                return hostile.answer(lambda: tape.new(ShippingOption, **option, **words))

        return [Parcels]

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
        self.honest = False

    def change(self) -> None:
        """Another order under the same number, if there can be such an order."""
        with suppress(RetourError):
            self.orders["1001"] = self.tape.order()
            TRIED["orders accepted"] += 1

    def order(self, order_id: str) -> Any:
        """The order; once in a while another one than a moment ago, or what is none."""
        how = 0 if self.honest else self.tape.number(24)
        if how == 21:
            self.change()
        elif how == 22:
            return self.tape.odd()
        elif how == 23:
            return self.tape.new(OwnOrder, **attrs.asdict(self.orders["1001"], recurse=False))
        return super().order(order_id)

    def find_order(self, provider: str, reference: str) -> Any:
        return self.tape.or_odd("1001", None)

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        how = self.tape.number(4)
        if how == 2:
            raise StockRefused(self.tape.one_of(*WORDS), movements=[movements[0].id, self.tape.one_of(*WORDS)])
        if how == 3:
            raise self.tape.refusal()
        super().book_stock(movements)


# --- what is done ----------------------------------------------------------------------------------------


@attrs.frozen
class Given:
    """What a host gives, by the name of the argument: right for the most part, and odd once in a while."""

    desk: ReturnDesk
    tape: Tape
    form: str
    outcomes: list[Outcome]

    def argument(self, method: str, name: str) -> Any:
        """One argument of one method."""
        tape = self.tape
        if name == "because" and method == "set_unreadable_aside":
            return tape.or_odd("seen")
        if name == "form":  # of a label; what this value calls form is a request's
            return tape.or_odd(None, *LabelForm)
        if name == "parcel" and "label" not in method:
            return tape.or_odd("", "3S1")
        if name == "evidence" and method != "settle_refund":
            return tape.or_odd([], [EvidenceFile(reference="file-1")], [EvidenceFile(reference="f", name="left.jpg")])
        found = getattr(self, name, None)
        return found() if found is not None else tape.or_odd(*USUAL[name], once_in=12)

    def return_id(self) -> Any:
        return self.tape.or_odd(*[*reversed(self._dossier.returns), "rt_none"], once_in=12)

    def refund_id(self) -> Any:
        return self.tape.or_odd(*[*reversed(self._dossier.refunds), "rf_none"], once_in=12)

    external_id = instead_of = about = refund_id

    def receipt_id(self) -> Any:
        receipts = [one for return_ in self._dossier.returns.values() for one in return_.receipts]
        return self.tape.or_odd(*[*reversed(receipts), "rc_none"], once_in=12)

    def order_id(self) -> Any:
        return self.tape.or_odd("1001", once_in=30)

    def request_id(self) -> Any:
        return self.tape.or_odd(self.form)

    def label_id(self) -> Any:
        return self.tape.or_odd(*[*reversed(self._dossier.labels), "lb_none"], once_in=12)

    replaces = label_id

    def lines(self) -> Any:
        return self.tape.lines()

    def amount(self) -> Any:
        return self.tape.or_odd(self.tape.amount(honest=True))

    def outcome(self) -> Any:
        return self.tape.or_odd(*reversed(self.outcomes)) if self.outcomes else self.tape.odd()

    @property
    def _dossier(self) -> Dossier:
        return self.desk._services.cases.as_last_seen("default", "1001").dossier


USUAL: dict[str, Sequence[Any]] = {
    "concurrency": (1,),
    "stop": (None,),
    "by": (ANNA, ANNA, ANNA, Actor.customer("c-1"), Actor.system()),
    "note": (None, "a note"),
    "connection": (None,),
    "send_by": (None, *TIMES, "bogus"),
    "because": ("no",),
    "tracking": ("", "3S1"),
    "more_than_requested": (False, True),
    "decision": (RestockDecision.all(), RestockDecision.by_hand(), RestockDecision.lines({"cup": 1})),
    "payment": ("p_1", "p_2"),
    "to": (None, BankAccount(name="A", iban="x"), BankAccount(name="A", iban="NL91ABNA0417164300")),
    "consent": (None, Consent(how=ConsentWay.PHONE), Consent(how=ConsentWay.EMAIL, note="his mail")),
    "reference": ("bank 1", "bank 2"),
    "batch": ("", "batch"),
    "happened": (False, True),
    "evidence": ("looked",),
    "became": (None, "p_1", "p_2"),
    "provider": ("ledger", "ledger", "parcels"),
    "headers": ({}, {"Signature": "right"}),
    "body": (b"x",),
    "account": ("default",),
    "mode": (Mode.LIVE, Mode.TEST),
    "audience": ("staff", "customer"),
    "goods": (None, *GoodsState),
    "stock": (None, *StockState),
    "state": (None, *RefundState),
    "waits_for": (None, "person", "answer"),
    "kind": ("refund_failed", *AttentionKind, "bogus"),
    "limit": (50, 1, 500),
    "after": (None, "1.rt_x"),
    "shop_id": ("default",),
    "option": (OPTION, attrs.evolve(OPTION, code="none")),
    "sender": (HOME, attrs.evolve(HOME, country="CH"), attrs.evolve(HOME, house_number="")),
    "parcel": (BOX, Parcel(weight_grams=1), attrs.evolve(BOX, weight_grams=999_999)),
    "payer": tuple(WhoPays),
    "another_parcel": (False, True),
    "made": (False, True),
    "carrier": ("", "PostNL", "a friend"),
    "sent_on": (None, datetime.date(2026, 1, 1), datetime.date(9999, 1, 1)),
    "proof": (None, EvidenceFile(reference="file-2")),
    "oldest_first": (False, True),
    "instructions": (None, "use the old box"),
    "number": (return_number("rt_none"), "7K3 M9Q X4M", "bogus"),
}

METHODS = {
    name: inspect.signature(method).parameters
    for name, method in inspect.getmembers(ReturnDesk, inspect.isfunction)
    if not name.startswith("_") and name != "close"
}
"""Every public method of the desk, with its arguments."""

COMMANDS = [name for name in METHODS if {"by"} & set(METHODS[name])] + ["reconcile", "receive_webhook"]
LOOKS = [name for name in METHODS if name not in COMMANDS]


def call(given: Given, name: str) -> object:
    """Call a method with what is given; an argument that may be left out often is."""
    tape, arguments = given.tape, {}
    for parameter in list(METHODS[name].values())[1:]:
        needed = parameter.default is inspect.Parameter.empty
        if needed or tape.number(2):
            arguments[parameter.name] = given.argument(name, parameter.name)
    return getattr(given.desk, name)(**arguments)


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
    assert desk.unreadable_orders().orders == ()
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


def refusal(given: Given, name: str) -> RetourError | None:
    """What a method refuses; None where it takes what is given."""
    TRIED[name] += 1
    try:
        answer = call(given, name)
    except RetourError as error:
        return error
    if isinstance(answer, Outcome):
        given.outcomes.append(answer)
    return None


def live_through(tape: Tape) -> None:
    """Some commands and looks, each given whatever the tape says, and after each everything reads."""
    hostile = Hostile(tape)
    desk = ReturnDesk(
        shop=hostile.shop,
        store="sqlite://",
        plugins=[hostile, "manual_transfer"],
        settings={"ledger": {}, "parcels": {}},
        clock=lambda: NOW,
        return_address=SHOP,
    )
    outcomes: list[Outcome] = []
    try:
        for turn in range(6):
            for name in (tape.one_of(*COMMANDS), tape.one_of(*LOOKS)):
                before = rows(desk)
                refused = refusal(Given(desk, tape, f"form-{turn}", outcomes), name)
                if refused is not None:
                    assert f"{refused.text('en')}{refused.text('nl')}".encode()
                    assert rows(desk) == before, name
                    TRIED["refused"] += 1
            if tape.number(4) == 3:
                hostile.shop.change()
            everything_reads(desk, hostile.shop)
        with desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, lease_until = 0")
        desk.work()
        everything_reads(desk, hostile.shop)
    finally:
        desk.close()


def everything_reads(desk: ReturnDesk, shop: HostileShop) -> None:
    shop.honest = True
    shows(desk)
    reads_back(desk)
    shop.honest = False


@settings(many, max_examples=LIVES)
@given(st.binary(min_size=600, max_size=600))
def test_what_is_accepted_reads_for_ever_and_what_is_refused_changed_nothing(tape: bytes) -> None:
    live_through(Tape(tape))


def test_what_is_right_is_accepted() -> None:
    """Else all of the above would prove nothing: a tape that says nothing odd is taken, method after method."""
    taken = set()
    for name in METHODS:
        hostile = Hostile(Tape(b""))
        desk = ReturnDesk(
            shop=hostile.shop,
            store="sqlite://",
            plugins=[hostile],
            settings={"ledger": {}, "parcels": {}},
            return_address=SHOP,
        )
        with suppress(RetourError):
            call(Given(desk, Tape(b""), "form", []), name)
            taken.add(name)
        desk.close()
    assert taken >= {"mark_returned", "request_return", "confirm_refund", "refund", "open_refund_link", "reconcile"}


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
        pairs = [(of_kind(tape, key), of_kind(tape, value)) for _ in range(tape.number(3))]
        with suppress(TypeError, RuntimeError):  # of what can be no key, or fails at being compared with another
            return dict(pairs)
        return {}
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
    except RetourError:
        return
    TRIED["events accepted"] += 1
    row = event_row("default", "1001", recorded)
    assert all(b"\0" not in value.encode() for value in row.values() if isinstance(value, str))
    assert read_event("1001", [row[name] for name in EVENT_COLUMNS]) == recorded
