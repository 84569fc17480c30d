"""What is going to happen in a campaign: orders with payments at the four providers, and what merchants decide."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import attrs

from retour import BankAccount, Mode, Money, Order
from retour.sandbox import PaymentSandbox
from retour.testing import a_line, a_payment, an_order

UNITS = 4
"""Units of the one product of each order."""

USUAL_AMOUNTS = (500, 750, 1250, 1999)
"""Minor units that most refunds have, so that many are equal: two refunds of one amount are two refunds."""

IBANS = ("NL91ABNA0417164300", "DE89370400440532013000", "BE68539007547034")

REFUND, LINK, RETURN, CANCEL, DASHBOARD = "refund", "link", "return", "cancel", "dashboard"


@attrs.frozen(kw_only=True)
class Decision:
    """One thing that somebody decides about an order.

    ``kind``: a refund by API or transfer; a link that is opened, with the refund made in the dashboard later; a return
    of ``units``; a refund that is taken back while it is pending or put off; or a refund in the dashboard that nobody
    tells retour about.
    ``inline`` says whether the merchant's own process runs its effects, or leaves them to the workers.
    """

    number: int
    kind: str
    order_id: str
    payment: str = ""
    minor: int = 0
    units: int = 0
    inline: bool = False

    @property
    def request_id(self) -> str:
        """The form's, the same however often a merchant comes back to it."""
        return f"form-{self.number}"

    @property
    def amount(self) -> Money:
        """What is refunded."""
        return Money(minor=self.minor, currency="EUR")


@attrs.frozen(kw_only=True)
class Plan:
    """All orders by id, and all decisions in the order in which they come up."""

    orders: Mapping[str, Order]
    decisions: tuple[Decision, ...]

    def order_of(self, provider: str, reference: str) -> str | None:
        """The order that was paid with this payment."""
        for order in self.orders.values():
            for payment in order.payments:
                if (payment.provider, payment.reference) == (provider, reference):
                    return order.id
        return None


def make_plan(chance: random.Random, refunds: int, sandboxes: Mapping[str, PaymentSandbox]) -> Plan:
    """Orders until ``refunds`` are decided, those made in a dashboard included, with what else happens to them."""
    orders: dict[str, Order] = {}
    decisions: list[Decision] = []
    wanted = 0
    while wanted < refunds:
        order_id = str(10_001 + len(orders))
        decided = list(_decisions(chance, order_id, refunds - wanted))
        wanted += sum(1 for one in decided if one.kind in (REFUND, LINK, DASHBOARD))
        orders[order_id] = _order(chance, order_id, decided, sandboxes)
        references = {payment.provider: payment.reference for payment in orders[order_id].payments}
        decisions += [attrs.evolve(one, payment=references.get(one.payment, "")) for one in decided]
    return Plan(orders=orders, decisions=tuple(_shuffled(chance, decisions)))


def _decisions(chance: random.Random, order_id: str, most: int) -> Iterator[Decision]:
    """What happens to one order; ``payment`` is the provider's name until there is a payment."""
    providers = chance.sample(("mollie", "stripe", "paypal", "manual_transfer"), chance.choice((1, 1, 2)))
    for _ in range(min(most, chance.choice((1, 2, 3, 4, 6)))):
        provider = chance.choice(providers)
        kinds = (REFUND,) if provider == "manual_transfer" else (REFUND,) * 8 + (LINK, DASHBOARD)
        minor = chance.choice(USUAL_AMOUNTS) if chance.random() < 0.6 else chance.randrange(1, 9000)
        yield Decision(
            number=0,
            kind=chance.choice(kinds),
            order_id=order_id,
            payment=provider,
            minor=minor,
            inline=chance.random() < 0.4,
        )
    if chance.random() < 0.4:
        yield Decision(number=0, kind=RETURN, order_id=order_id, units=chance.randint(1, 2), inline=True)
    if chance.random() < 0.2:
        yield Decision(number=0, kind=RETURN, order_id=order_id, units=chance.randint(1, 2))
    if "mollie" in providers and chance.random() < 0.3:
        yield Decision(number=0, kind=CANCEL, order_id=order_id, inline=chance.random() < 0.5)


def _order(
    chance: random.Random, order_id: str, decided: list[Decision], sandboxes: Mapping[str, PaymentSandbox]
) -> Order:
    """The order, paid at the sandboxes: enough for what is decided, and now and then a little less."""
    payments = []
    for provider in dict.fromkeys(one.payment for one in decided if one.payment):
        needed = sum(one.minor for one in decided if one.payment == provider)
        paid = needed - 1 if chance.random() < 0.03 and needed > 1 else needed + chance.choice((0, 0, 1, 2500))
        captured = Money(minor=paid, currency="EUR")
        reference = _pay(chance, provider, sandboxes[provider], captured, order_id)
        by_transfer = provider == "manual_transfer"
        payments.append(
            a_payment(
                str(captured.decimal),
                provider=provider,
                reference=reference,
                mode=Mode.LIVE if by_transfer else Mode.TEST,
                payer=BankAccount(name="J. Jansen", iban=chance.choice(IBANS)) if by_transfer else None,
            )
        )
    total = sum(payment.captured.minor for payment in payments)
    line = a_line("cup", UNITS, str(Money(minor=total, currency="EUR").decimal), product=f"cup-{order_id}")
    return an_order(line, order_id=order_id, payments=payments)


def _pay(chance: random.Random, provider: str, sandbox: PaymentSandbox, amount: Money, order_id: str) -> str:
    """The customer pays, in one of the ways that make a difference for a refund."""
    pay: object = sandbox.pay
    if provider == "stripe":
        return pay(amount, method=chance.choice(("card", "ideal")))  # type: ignore[operator,no-any-return]
    if provider == "paypal":  # one capture in ten does not name its order: nothing can be looked up then
        return pay(amount, names_order=chance.random() >= 0.1)  # type: ignore[operator,no-any-return]
    return sandbox.pay(amount, reference=f"invoice {order_id}" if provider == "manual_transfer" else "")


def _shuffled(chance: random.Random, decisions: list[Decision]) -> Iterator[Decision]:
    """Many orders at once, each one's decisions roughly in their order, and a number for each."""
    keyed = [(place + chance.uniform(0, 40), one) for place, one in enumerate(decisions)]
    for number, (_, one) in enumerate(sorted(keyed, key=lambda pair: pair[0])):
        yield attrs.evolve(one, number=number)
