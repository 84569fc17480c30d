"""What is going to happen in a campaign: orders with payments at the four providers, and what merchants decide."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import attrs

from retour import BankAccount, Mode, Money, Order, Payment
from retour.sandbox import NamesPayments, PaymentSandbox
from retour.testing import a_line, a_payment, an_order

UNITS = 4
"""Units of the one product of each order."""

USUAL_AMOUNTS = (500, 750, 1250, 1999)
"""Minor units that most refunds have, so that many are equal: two refunds of one amount are two refunds."""

BEATEN = 0.06
"""How often a colleague is faster."""

BY_TRANSFER = 0.2
"""How often money of a provider goes back by bank transfer."""

IBANS = ("NL91ABNA0417164300", "DE89370400440532013000", "BE68539007547034")

REFUND, LINK, RETURN, CANCEL, DASHBOARD, SUGGESTION = "refund", "link", "return", "cancel", "dashboard", "suggestion"
AT_ONCE = "at_once"

GOES_OUT = (REFUND, LINK, SUGGESTION, AT_ONCE)
"""What a merchant decides of money that is to go back, each in a form of its own."""

COMES_BACK = (RETURN, SUGGESTION, AT_ONCE)
"""What he decides of goods."""

BY_ONE_PRESS = 0.2
"""How often he counts a unit and refunds by one press."""


@attrs.frozen(kw_only=True)
class Decision:
    """One thing that somebody decides about an order.

    ``kind``: a refund by API or transfer; a link that is opened, with the refund made in the dashboard later; a return
    of ``units``; a refund that is taken back while it is pending or put off; a refund in the dashboard that nobody
    tells retour about; a return of ``units`` for which just what is suggested is refunded; or a return of ``units`` and
    a refund by API, both at once. ``provider`` says on
    which payment of the order, for an order has one at each.
    ``inline`` says whether the merchant's own process runs its effects, or leaves them to the workers. ``beaten`` says
    that a colleague refunds the very amount in the provider's dashboard a moment before. What goes back by bank
    transfer in place of its provider goes to the account ``to``, an IBAN; the customer has agreed.
    """

    number: int
    kind: str
    order_id: str
    provider: str = ""
    minor: int = 0
    units: int = 0
    inline: bool = False
    beaten: bool = False
    to: str = ""

    @property
    def request_id(self) -> str:
        """The form's, the same however often a merchant comes back to it."""
        return f"form-{self.number}"

    @property
    def goods_request_id(self) -> str:
        """That of the form in which he counts what came back."""
        return f"goods-{self.number}" if self.kind == SUGGESTION else self.request_id

    @property
    def amount(self) -> Money:
        """What is refunded."""
        return Money(minor=self.minor, currency="EUR")


@attrs.frozen(kw_only=True)
class PlannedPayment:
    """A payment of an order: ``at_first`` is how the shop has it first, ``reference`` what its sandbox finds it by.

    ``names`` are all names under which a shop can have stored it, blanks included, and ``telling`` those of them by
    which its provider lists its refunds. ``unrelated`` is a name that nobody but the shop has ever heard of.
    """

    number: int
    order_id: str
    at_first: Payment
    reference: str
    names: tuple[str, ...]
    telling: tuple[str, ...]
    unrelated: str

    @property
    def provider(self) -> str:
        """Where it is."""
        return self.at_first.provider

    @property
    def captured(self) -> Money:
        """What was paid."""
        return self.at_first.captured


@attrs.frozen(kw_only=True)
class Plan:
    """All orders by id, as they are at first, with their payments, and all decisions in the order in which they come
    up. Of orders that are ``suggesting`` merchants refund nothing but what is suggested."""

    orders: Mapping[str, Order]
    payments: Mapping[str, Sequence[PlannedPayment]]
    suggesting: frozenset[str]
    decisions: tuple[Decision, ...]

    def payment(self, order_id: str, payment_id: str) -> PlannedPayment:
        """A payment of an order, by its provider or by any id that it ever had."""
        provider = payment_id.partition(":")[0]
        return next(payment for payment in self.payments[order_id] if payment.provider == provider)

    def merchant_of(self, decision: Decision, merchants: int) -> int:
        """Who decides it. What is suggested for an order is paid by one person, who does one thing after the other."""
        return (int(decision.order_id) if decision.order_id in self.suggesting else decision.number) % merchants


def make_plan(chance: random.Random, refunds: int, sandboxes: Mapping[str, PaymentSandbox]) -> Plan:
    """Orders until ``refunds`` are decided, those made in a dashboard included, with what else happens to them."""
    orders: dict[str, Order] = {}
    payments: dict[str, Sequence[PlannedPayment]] = {}
    suggesting: set[str] = set()
    decisions: list[Decision] = []
    wanted = 0
    while wanted < refunds:
        order_id = str(10_001 + len(orders))
        if chance.random() < 0.3:
            suggesting.add(order_id)
            decided = list(_suggestions(chance, order_id, refunds - wanted))
        else:
            decided = list(_decisions(chance, order_id, refunds - wanted))
        wanted += sum(1 for one in decided if one.kind in (*GOES_OUT, DASHBOARD))
        payments[order_id] = list(_payments(chance, order_id, decided, sandboxes, sum(map(len, payments.values()))))
        orders[order_id] = _order(order_id, payments[order_id])
        decisions += decided
    return Plan(
        orders=orders,
        payments=payments,
        suggesting=frozenset(suggesting),
        decisions=tuple(_shuffled(chance, decisions)),
    )


def _decisions(chance: random.Random, order_id: str, most: int) -> Iterator[Decision]:
    """What happens to one order."""
    providers = _providers(chance)
    for _ in range(min(most, chance.choice((1, 2, 3, 4, 6)))):
        provider = chance.choice(providers)
        by_transfer = provider == "manual_transfer"
        kind = REFUND if by_transfer else chance.choice((REFUND,) * 8 + (LINK, DASHBOARD))
        if kind == REFUND and not by_transfer and chance.random() < BY_ONE_PRESS:
            kind = AT_ONCE
        minor = chance.choice(USUAL_AMOUNTS) if chance.random() < 0.6 else chance.randrange(1, 9000)
        yield Decision(
            number=0,
            kind=kind,
            order_id=order_id,
            provider=provider,
            minor=minor,
            units=1 if kind == AT_ONCE else 0,
            inline=chance.random() < 0.4,
            beaten=kind in (REFUND, AT_ONCE) and not by_transfer and chance.random() < BEATEN,
            to=chance.choice(IBANS) if kind == REFUND and not by_transfer and chance.random() < BY_TRANSFER else "",
        )
    if chance.random() < 0.4:
        yield Decision(number=0, kind=RETURN, order_id=order_id, units=chance.randint(1, 2), inline=True)
    if chance.random() < 0.2:
        yield Decision(number=0, kind=RETURN, order_id=order_id, units=chance.randint(1, 2))
    if "mollie" in providers and chance.random() < 0.3:
        yield Decision(number=0, kind=CANCEL, order_id=order_id, inline=chance.random() < 0.5)


def _suggestions(chance: random.Random, order_id: str, most: int) -> Iterator[Decision]:
    """What happens to an order of which only what is suggested is refunded: units come back one by one."""
    providers = _providers(chance)
    for place in range(min(most, chance.randint(1, UNITS))):
        yield Decision(
            number=0,
            kind=SUGGESTION,
            order_id=order_id,
            provider=providers[place % len(providers)],
            minor=chance.randrange(100, 9000),
            units=1,
            inline=chance.random() < 0.4,
            beaten=chance.random() < BEATEN,
            to=chance.choice(IBANS) if chance.random() < BY_TRANSFER else "",
        )
    if "mollie" in providers and chance.random() < 0.3:
        yield Decision(number=0, kind=CANCEL, order_id=order_id, inline=chance.random() < 0.5)


def _providers(chance: random.Random) -> Sequence[str]:
    return chance.sample(("mollie", "stripe", "paypal", "manual_transfer"), chance.choice((1, 1, 2)))


def _payments(
    chance: random.Random,
    order_id: str,
    decided: Sequence[Decision],
    sandboxes: Mapping[str, PaymentSandbox],
    number: int,
) -> Iterator[PlannedPayment]:
    """The payments of an order at the sandboxes: enough for what is decided, and now and then a little less, or too
    little for what a colleague refunds besides."""
    for provider in dict.fromkeys(one.provider for one in decided if one.provider):
        needed = sum(one.minor for one in decided if one.provider == provider)
        twice = sum(one.minor for one in decided if one.provider == provider and one.beaten)
        paid = needed - 1 if chance.random() < 0.03 and needed > 1 else needed + chance.choice((0, 0, 1, 2500))
        captured = Money(minor=paid + chance.choice((0, twice)), currency="EUR")
        names_order = chance.random() >= 0.1
        reference, names = _pay(chance, provider, sandboxes[provider], captured, order_id, names_order=names_order)
        by_transfer = provider == "manual_transfer"
        yield PlannedPayment(
            number=number,
            order_id=order_id,
            at_first=a_payment(
                str(captured.decimal),
                provider=provider,
                reference=names[0],
                mode=Mode.LIVE if by_transfer else Mode.TEST,
                payer=BankAccount(name="J. Jansen", iban=chance.choice(IBANS)) if by_transfer else None,
            ),
            reference=reference,
            names=tuple(names),
            telling=tuple(name for name in names if names_order or provider != "paypal" or "order:" in name),
            unrelated=f"web {order_id}",
        )
        number += 1


def _order(order_id: str, payments: Sequence[PlannedPayment]) -> Order:
    total = Money(minor=sum(payment.captured.minor for payment in payments), currency="EUR")
    line = a_line("cup", UNITS, str(total.decimal), product=f"cup-{order_id}")
    return an_order(line, order_id=order_id, payments=[payment.at_first for payment in payments])


def _pay(
    chance: random.Random, provider: str, sandbox: PaymentSandbox, amount: Money, order_id: str, *, names_order: bool
) -> tuple[str, Sequence[str]]:
    """The customer pays, in one of the ways that make a difference for a refund. Gives what the sandbox finds the
    payment by, and every name under which a shop can have it, in any order. One capture in ten at PayPal does not name
    its order: nothing can be looked up by it then."""
    pay: object = sandbox.pay
    if provider == "manual_transfer":
        invoice = sandbox.pay(amount, reference=f"invoice {order_id}")
        names = [invoice, f"Invoice  {order_id}", f" INVOICE {order_id} "]
    elif provider == "paypal":
        names = _names(sandbox, pay(amount, names_order=names_order))  # type: ignore[operator]  # its own way
    elif provider == "mollie":
        names = _names(sandbox, sandbox.pay(amount, reference=chance.choice(("", f"ord_{order_id}"))))
    else:
        way = chance.choice(("", f"ch_{order_id}", f"cs_test_{order_id}"))
        method = "card" if way else chance.choice(("card", "ideal"))
        names = _names(sandbox, pay(amount, reference=way, method=method))  # type: ignore[operator]  # its own way
    return names[0], chance.sample(names, len(names))


def _names(sandbox: PaymentSandbox, reference: str) -> list[str]:
    """All names of a payment, and one with the blanks that come along when somebody copies it."""
    assert isinstance(sandbox, NamesPayments)
    names = list(sandbox.names(reference))
    return [*names, f" {names[-1]} "]


def _shuffled(chance: random.Random, decisions: list[Decision]) -> Iterator[Decision]:
    """Many orders at once, each one's decisions roughly in their order, and a number for each."""
    keyed = [(place + chance.uniform(0, 40), one) for place, one in enumerate(decisions)]
    for number, (_, one) in enumerate(sorted(keyed, key=lambda pair: pair[0])):
        yield attrs.evolve(one, number=number)
