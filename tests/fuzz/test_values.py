"""Events of hostile values: what can be made at all is stored, and read back as it was.

Hypothesis writes a tape of bytes, and every choice takes the next one; zero is what is right, so a failure shrinks to
an event that is right but for one thing.
"""

from __future__ import annotations

import datetime
import enum
import os
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest
from fuzz.hostile_values import KINDS, NOW, TIMES, WORDS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from retour import Actor, BankAccount, Delivery, Mode, Money, Order, OrderLine, Paid, Payment, RetourError
from retour.model.events.event import EVENT_TYPES, Recorded
from retour.model.order import LineKind, TaxPart
from retour.store.records import EVENT_COLUMNS, event_row, read_event

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "40"))
"""How many events are made of each class; ``make fuzz`` tries many more."""

ANNA = Actor.staff("anna")
TRIED: Counter[str] = Counter()

many = settings(
    max_examples=EXAMPLES,
    derandomize="RETOUR_EXAMPLES" not in os.environ,  # so few could by chance all be ones that cannot be made
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@pytest.fixture(autouse=True)
def tried(tell: Callable[[str, Mapping[str, int]], None]) -> Iterator[None]:
    """How much was tried is told at the end; where nearly nothing can be made, nothing is proven."""
    TRIED.clear()
    yield
    tell("events of hostile values", dict(TRIED))
    assert TRIED["could be made"] > TRIED["tried"] / 40


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
        return self.one_of(*self.one_of(*KINDS))

    def or_odd(self, *good: Any, once_in: int = 8) -> Any:
        """One of several good values, and once in a while something odd."""
        return self.odd() if self.number(once_in) == once_in - 1 else self.one_of(*good)

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
                paid=Paid(gross=self.price(currency), taxes=self.taxes(currency)),
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

    def taxes(self, currency: str) -> Any:
        """What a shop says of the taxes."""
        if self.number(40) < 39:
            return ()
        return [TaxPart(rate=self.or_odd(Decimal("21")), net=self.price(currency), tax=self.price(currency))]


def of_kind(tape: Tape, kind: Any) -> Any:
    """A value of an annotation, or once in a while something odd. Raises what its class raises."""
    if tape.number(60) == 59:
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
    if kind is Money:
        return tape.price(tape.one_of("EUR", "EUR", "EUR", "JPY"))
    if attrs.has(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: of_kind(tape, hints[field.name]) for field in attrs.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tape.one_of(*kind)
    usual: dict[Any, Any] = {
        str: "x" if tape.number(8) < 7 else tape.one_of(*WORDS),
        int: tape.one_of(1, 2, 3, 0),
        bool: bool(tape.number(2)),
        type(None): None,
        Decimal: Decimal("21"),
        datetime.date: NOW.date(),
        datetime.datetime: NOW if tape.number(8) < 7 else tape.one_of(*TIMES),
    }
    return usual[kind]


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
@many
@given(st.binary(min_size=150, max_size=150))
def test_an_event_that_can_be_made_is_read_back_equal(kind: type, tape: bytes) -> None:
    TRIED["tried"] += 1
    try:
        event = of_kind(Tape(tape), kind)
        if not isinstance(event, kind):
            return
        recorded = Recorded(seq=1, command=1, at=NOW, by=ANNA, event=event)  # type: ignore[arg-type]
    except RetourError:
        return
    TRIED["could be made"] += 1
    row = event_row("default", "1001", recorded)
    assert all(b"\0" not in value.encode() for value in row.values() if isinstance(value, str))
    assert read_event("1001", [row[name] for name in EVENT_COLUMNS]) == recorded
