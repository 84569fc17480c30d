"""The cases of the flow, as data: which orders each fits, how the goods come back, and what the merchant answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from retour.cli.words import text
from retour.model.frozen import frozen
from retour.model.order import Order, OrderLine
from retour.model.returns import Counted, RestockDecision
from retour.model.text import Text

Arrival = Sequence[Counted] | None
"""What one parcel holds; None is everything that has not come back yet."""


class SendsBy(Enum):
    """How a customer sends what he announced: with a label that he makes in the return portal, with one of the shop's
    to print or a code to show, with one that is taken back since he brings the goods, or as he likes."""

    PORTAL = "portal"
    LABEL = "label"
    QR_CODE = "qr code"
    LABEL_CANCELLED = "label cancelled"
    SELF = "self"


class Press(Enum):
    """What the merchant presses to refund: retour's own button, whose answer may get lost, whose money the customer's
    bank may send back, or have taken back before; or the provider's link."""

    REFUND = "refund"
    ANSWER_LOST = "answer lost"
    SENT_BACK = "sent back"
    CHARGED_BACK = "charged back"
    LINK = "link"


@frozen(kw_only=True)
class DemoCase:
    """One case: its ``title``, the orders that it ``fits``, the ``arrivals`` of goods, and the ``answer`` about the
    sellable units per line when the merchant is asked. ``sends_by`` says how the customer sends a return that he
    announced, one parcel for each of the arrivals; None is a return that begins with the merchant setting the order to
    Returned. ``press`` is how a payment goes back that its provider can refund by API."""

    name: str
    title: Text
    fits: Callable[[Order], bool]
    arrivals: Callable[[Order], Sequence[Arrival]] = lambda _: (None,)
    answer: Callable[[Mapping[str, int]], RestockDecision] = lambda _: RestockDecision.all()
    sends_by: SendsBy | None = None
    press: Press = Press.REFUND


# --- which orders fit -----------------------------------------------------------------------------------


def back(order: Order) -> list[OrderLine]:
    """The lines of which something can come back."""
    return [line for line in order.goods if line.fulfilled]


def can_come_back(order: Order) -> bool:
    """Whether anything of the order can come back."""
    return bool(back(order))


def _one_product(order: Order) -> bool:
    return can_come_back(order) and len({line.product for line in order.goods}) == 1


def _asks(order: Order) -> bool:
    """Whether the merchant is asked about the stock: several products, and one whose stock is tracked came back."""
    return len({line.product for line in order.goods}) > 1 and any(line.stock_tracked for line in back(order))


def _asks_about_two(order: Order) -> bool:
    return _asks(order) and sum(line.fulfilled for line in back(order) if line.stock_tracked) > 1


def _two_of_one_sent_with_sendcloud(order: Order) -> bool:
    return _sent_with_sendcloud(order) and any(line.fulfilled > 1 for line in back(order) if line.stock_tracked)


def _two_units_sent_with_sendcloud(order: Order) -> bool:
    return _sent_with_sendcloud(order) and _two_units(order)


def _two_units(order: Order) -> bool:
    return sum(line.fulfilled for line in order.goods) > 1


def _paid(provider: str, method: str = "") -> Callable[[Order], bool]:
    def fits(order: Order) -> bool:
        return can_come_back(order) and any(
            payment.provider == provider and payment.captured and (not method or payment.method == method)
            for payment in order.payments
        )

    return fits


def _sent_with_sendcloud(order: Order) -> bool:
    return can_come_back(order) and order.delivery is not None and order.delivery.provider == "sendcloud"


# --- what comes back, and what the merchant answers -----------------------------------------------------


def _one_damaged(order: Order) -> Sequence[Arrival]:
    """Everything at once, with one unit damaged: of the line with the most units, so that sellable ones are left."""
    lines = back(order)
    most = max((line for line in lines if line.stock_tracked), key=lambda line: line.fulfilled)
    return (
        [
            Counted(line_id=line.id, sellable=line.fulfilled - (line is most), damaged=int(line is most))
            for line in lines
        ],
    )


def _one_damaged_one_missing(order: Order) -> Sequence[Arrival]:
    """One parcel, in which of the line with the most units one is damaged, and one that was announced is missing."""
    lines = back(order)
    most = max((line for line in lines if line.stock_tracked), key=lambda line: line.fulfilled)
    return (
        [
            Counted(
                line_id=line.id,
                sellable=line.fulfilled - 2 * (line is most),
                damaged=int(line is most),
                missing=int(line is most),
            )
            for line in lines
        ],
    )


def _half_then_rest(order: Order) -> Sequence[Arrival]:
    """First half of the units, rounded down but at least one, the first lines first; then the rest."""
    lines = back(order)
    units = max(1, sum(line.fulfilled for line in lines) // 2)
    part = []
    for line in lines:
        now = min(units, line.fulfilled)
        units -= now
        if now:
            part.append(Counted(line_id=line.id, sellable=now))
    return part, None


def _all_but_one(units: Mapping[str, int]) -> RestockDecision:
    """Everything but the last unit, which stays on the list by hand; a single unit goes back."""
    chosen = dict(units)
    if sum(chosen.values()) > 1:
        last = next(reversed(chosen))
        chosen[last] -= 1
    return RestockDecision.lines({line_id: number for line_id, number in chosen.items() if number})


def _cancel(units: Mapping[str, int]) -> RestockDecision:
    del units
    return RestockDecision.by_hand()


CASES: tuple[DemoCase, ...] = (
    DemoCase(name="one_product", title=text("one product"), fits=_one_product),
    DemoCase(name="several_ok", title=text("several products, OK"), fits=_asks),
    DemoCase(name="several_cancel", title=text("several products, Cancel"), fits=_asks, answer=_cancel),
    DemoCase(
        name="per_line",
        title=text("per product, one damaged"),
        fits=_asks_about_two,
        arrivals=_one_damaged,
        answer=_all_but_one,
    ),
    DemoCase(name="part", title=text("a part, then the rest"), fits=_two_units, arrivals=_half_then_rest),
    DemoCase(name="mollie", title=text("paid with Mollie"), fits=_paid("mollie"), press=Press.LINK),
    DemoCase(name="stripe", title=text("paid with Stripe"), fits=_paid("stripe"), press=Press.ANSWER_LOST),
    DemoCase(name="paypal", title=text("paid with PayPal"), fits=_paid("paypal")),
    DemoCase(
        name="bank_transfer_in_advance",
        title=text("bank transfer in advance"),
        fits=_paid("manual_transfer", "bank_transfer_in_advance"),
    ),
    DemoCase(name="invoice", title=text("pay via invoice"), fits=_paid("manual_transfer", "invoice")),
    DemoCase(name="pay_on_pickup", title=text("pay on pick-up"), fits=_paid("manual_transfer", "pay_on_pickup")),
    DemoCase(name="pay_on_delivery", title=text("pay on delivery"), fits=_paid("manual_transfer", "pay_on_delivery")),
    DemoCase(name="sent_back", title=text("card closed"), fits=_paid("stripe"), press=Press.SENT_BACK),
    DemoCase(
        name="charged_back",
        title=text("charged back by bank"),
        fits=_paid("mollie", "creditcard"),
        press=Press.CHARGED_BACK,
    ),
    DemoCase(name="portal", title=text("label by return portal"), fits=_sent_with_sendcloud, sends_by=SendsBy.PORTAL),
    DemoCase(name="label", title=text("label of the shop"), fits=_sent_with_sendcloud, sends_by=SendsBy.LABEL),
    DemoCase(name="qr_code", title=text("code, no printer"), fits=_sent_with_sendcloud, sends_by=SendsBy.QR_CODE),
    DemoCase(name="self_sent", title=text("sent by the customer"), fits=can_come_back, sends_by=SendsBy.SELF),
    DemoCase(
        name="missing",
        title=text("one damaged, one missing"),
        fits=_two_of_one_sent_with_sendcloud,
        arrivals=_one_damaged_one_missing,
        sends_by=SendsBy.LABEL,
    ),
    DemoCase(
        name="two_parcels",
        title=text("a second parcel"),
        fits=_two_units_sent_with_sendcloud,
        arrivals=_half_then_rest,
        sends_by=SendsBy.LABEL,
    ),
    DemoCase(
        name="label_cancelled",
        title=text("label cancelled"),
        fits=_sent_with_sendcloud,
        sends_by=SendsBy.LABEL_CANCELLED,
    ),
)
"""The flow of the reference article, case by case: the stock, the payment methods, the ways of sending."""


def deal(orders: Iterable[Order]) -> tuple[dict[str, list[Order]], list[Order]]:
    """Which orders run which case, by the case's name, and the orders of which nothing can come back.

    Each order runs one case. First as many cases as possible get an order; the others take turns over what is left.
    """
    listed = list(orders)
    fitting = [[case.name for case in CASES if case.fits(order)] for order in listed]
    takers = _first_orders(fitting)
    dealt: dict[str, list[Order]] = {
        case.name: [listed[takers[case.name]]] if case.name in takers else [] for case in CASES
    }
    taken = set(takers.values())
    nothing = []
    for position, (order, names) in enumerate(zip(listed, fitting, strict=True)):
        if not names:
            nothing.append(order)
        elif position not in taken:
            dealt[min(names, key=lambda name: len(dealt[name]))].append(order)
    return dealt, nothing


def _first_orders(fitting: Sequence[Sequence[str]]) -> dict[str, int]:
    """One order (its position) for as many cases as can be: a maximum matching by augmenting paths."""
    fits: dict[str, list[int]] = {case.name: [] for case in CASES}
    for position, names in enumerate(fitting):
        for name in names:
            if len(fits[name]) < len(CASES):  # more candidates than cases are never needed
                fits[name].append(position)
    case_of: dict[int, str] = {}

    def place(name: str, seen: set[int]) -> bool:
        free = next((position for position in fits[name] if position not in case_of), None)
        if free is not None:
            case_of[free] = name
            return True
        for position in fits[name]:
            if position not in seen:
                seen.add(position)
                if place(case_of[position], seen):
                    case_of[position] = name
                    return True
        return False

    for name in fits:
        place(name, set())
    return {name: position for position, name in case_of.items()}
