"""What the demo shows of one order: the goods, the question about the stock, the money, its history."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import attrs
from babel.dates import format_datetime
from rich.cells import cell_len
from rich.text import Text as Styled

from retour.cli.demo_cases import CASES, Arrival, DemoCase
from retour.cli.demo_refunds import MERCHANT, How, KnownFrom
from retour.cli.orders_faults import OrdersFault
from retour.cli.parcels_screen import ParcelsScreen
from retour.cli.terminal import Terminal
from retour.cli.words import text, texts
from retour.model.actor import ActorKind
from retour.model.frozen import frozen
from retour.model.order import BankAccount, Order, Payment
from retour.model.outcome import Outcome, RestockQuestion
from retour.model.refunds import (
    REFUND_WORDS,
    Refund,
    RefundLink,
    RefundOption,
    TransferInstruction,
)
from retour.model.returns import Counted, Restock, RestockDecision
from retour.model.text import Text, provider_name
from retour.model.timeline import TimelineEntry

METHODS: Mapping[str, Text] = {
    "ideal": text("iDEAL"),
    "bancontact": text("Bancontact"),
    "creditcard": text("credit card"),
    "card": text("card"),
    "bank_transfer_in_advance": text("Bank transfer in advance"),
    "invoice": text("Pay via invoice"),
    "pay_on_pickup": text("Pay on pick-up"),
    "pay_on_delivery": text("Pay on delivery"),
}
"""How the merchant calls the methods of payment; any other is shown as the shop wrote it."""


_KNOWN_FROM: Mapping[KnownFrom, Text] = {
    KnownFrom.ANSWER: text("{who} presses it. {provider} answers: {state}."),
    KnownFrom.LOST: text("{who} presses it. The connection breaks and {provider}'s answer is lost: {state}."),
    KnownFrom.WEBHOOK: text("{provider} reports by webhook: {state}."),
    KnownFrom.RECONCILED: text(
        "{who} refunds it there and confirms nothing: retour looks at {provider} and finds it: {state}."
    ),
    KnownFrom.LATER: text("After some days (here at once) {provider} reports by webhook: {state}."),
    KnownFrom.SENT_BACK: text("Then the bank sends it back, and {provider} reports: {state}."),
    KnownFrom.BANK: text("{who} transfers it and confirms it with the bank's reference, {reference}."),
    KnownFrom.PERSON: text("{who} did it and confirms it, reference {reference}."),
}


@frozen(kw_only=True)
class Screen:
    """Orders on a terminal."""

    terminal: Terminal
    zone: ZoneInfo
    now: datetime.datetime

    # --- one order -----------------------------------------------------------------------------------

    def begin(self, case: DemoCase, order: Order) -> None:
        """The case, and the order's head line."""
        number = 1 + [one.name for one in CASES].index(case.name)
        self.terminal.rule(f"{number}/{len(CASES)}  {self.terminal.words(case.title)}")
        units = sum(line.fulfilled for line in order.goods)
        head = [
            text("Order {order}", order=order.id),
            texts("{count} unit", "{count} units", units),
            text("{amount}", amount=order.paid),
            self._paid_with(order),
        ]
        self.terminal.line("   ".join([self.terminal.words(part) for part in head]), style="bold")

    @property
    def parcels(self) -> ParcelsScreen:
        """Its goods on their way back."""
        return ParcelsScreen(terminal=self.terminal)

    def returned(self, order: Order, outcome: Outcome, arrival: Arrival, parcel: str) -> None:
        """What the merchant saved, and what that did to the stock if nobody had to be asked."""
        self.terminal.blank()
        if not outcome.changed:
            self.terminal.line(text("Already returned, nothing booked twice."), indent=2, style="yellow")
            return
        if parcel:
            self.terminal.line(text("{who} counts parcel {parcel}.", who=MERCHANT.id, parcel=parcel), indent=2)
        if arrival is None:
            self.terminal.line(text("{who} sets the order status to Returned and saves.", who=MERCHANT.id), indent=2)
        else:
            what = self._counts(order, arrival)
            self.terminal.line(text("{who} saves as Returned: {what}", who=MERCHANT.id, what=what), indent=2)
        if not any(one.restock.needs_answer for one in outcome.returns):
            restocked = sum(sum(one.restock.restocked.values()) for one in outcome.returns)
            at_once = texts(
                "Nobody has to be asked: {count} unit is back in stock at once.",
                "Nobody has to be asked: {count} units are back in stock at once.",
                restocked,
            )
            self.terminal.line(
                at_once if restocked else text("No stock is kept of this: nothing to put back."), indent=2
            )

    def question(self, question: RestockQuestion) -> None:
        """The question about the stock, as the merchant sees it."""
        self.terminal.line(question.sentence, indent=2, style="bold")
        if question.because:
            self.terminal.line(question.because.words, indent=4, style="yellow")
        buttons = [f"[{self.terminal.words(one)}]" for one in (question.ok, question.cancel, question.choose)]
        together = "  ".join(buttons)
        if cell_len(together) + 4 <= self.terminal.width:
            self.terminal.line(together, indent=4, style="cyan")
        else:
            for button in buttons:
                self.terminal.line(button, indent=4, style="cyan")

    def answered(self, order: Order, question: RestockQuestion, decision: RestockDecision) -> None:
        """Which answer was given."""
        labels = {Restock.ALL: question.ok, Restock.BY_HAND: question.cancel}
        if decision.kind in labels:
            self.terminal.chosen(labels[decision.kind])
            return
        kept = [
            text(
                "{units} of {all} × {name}",
                units=decision.units.get(line_id, 0),
                all=units,
                name=self._name(order, line_id),
            )
            for line_id, units in question.units.items()
        ]
        self.terminal.chosen(text("{label}: {lines}", label=question.choose, lines=kept))

    def refund(self, option: RefundOption, how: How) -> None:
        """What goes back, and the button for it or everything that the merchant needs to do it himself."""
        self.terminal.blank()
        self.terminal.line(
            text(
                "The refund is not automatic. Suggestion for the goods: {suggested}. "
                "At most {left} can go back on this payment.",
                suggested=option.suggested,
                left=option.left,
            ),
            indent=2,
        )
        if how is How.API:
            self.terminal.button(text("Refund {amount}", amount=option.suggested), "")
        else:
            self._refund_link(option.link)

    def charged_back(self, option: RefundOption) -> None:
        """The customer's bank took money of the payment back, and this is what can go back now."""
        self.terminal.blank()
        self.terminal.line(
            text(
                "{provider} reports that the customer's bank took back {amount}. Suggestion for the goods: "
                "{suggested}.",
                provider=option.payment.provider,
                amount=option.charged_back,
                suggested=option.suggested,
            ),
            indent=2,
        )

    def agreed(self, option: RefundOption, to: BankAccount) -> None:
        """The customer agreed to get the money on this bank account."""
        self.terminal.line(
            text(
                "{who} phones the customer, who agrees to {amount} on the account of {account}.",
                who=MERCHANT.id,
                amount=option.suggested,
                account=to.masked,
            ),
            indent=2,
        )

    def refund_is(self, option: RefundOption, refund: Refund, known_from: KnownFrom) -> None:
        """What became of a refund, and how the merchant knows."""
        sentence = _KNOWN_FROM[known_from]
        values = {
            "who": MERCHANT.id,
            "provider": option.payment.provider,
            "state": REFUND_WORDS[refund.state],
            "reference": refund.reference,
        }
        self.terminal.line(attrs.evolve(sentence, values=values), indent=2)

    def end(self, entries: Sequence[TimelineEntry], *, unpaid: bool) -> None:
        """The order's history."""
        if unpaid:
            self.terminal.blank()
            self.terminal.line(text("There is nothing to refund."), indent=2)
        self.terminal.blank()
        self.terminal.line(text("Order history"), indent=2, style="bold")
        times = [self._time(entry.at) for entry in entries]
        actors = [self._actor(entry) for entry in entries]
        first, second = max(map(cell_len, times)), max(map(cell_len, actors))
        margin = 4 + first + 2 + second + 2
        addresses: set[str] = set()
        for entry, time, actor in zip(entries, times, actors, strict=True):
            start = f"{' ' * (first - cell_len(time))}{time}  {actor}{' ' * (second - cell_len(actor))}  "
            self.terminal.hanging(start, entry.text(self.terminal.language), indent=4)
            for beside in (entry.note, entry.account):
                if beside:
                    self.terminal.line(beside, indent=margin)
            if entry.url not in addresses:
                self.terminal.url(
                    entry.url, indent=margin if margin + cell_len(entry.url) <= self.terminal.width else 8
                )
                addresses.add(entry.url)

    # --- all orders ----------------------------------------------------------------------------------

    def left_out(self, faults: Sequence[OrdersFault], orders: int) -> None:
        """The orders that were skipped, with why."""
        self.terminal.line(texts("{count} order is left out:", "{count} orders are left out:", orders), style="yellow")
        for fault in faults:
            self.terminal.hanging("", self.terminal.words(fault.sentence), indent=2)

    # --- pieces --------------------------------------------------------------------------------------

    def _refund_link(self, link: RefundLink) -> None:
        self.terminal.button(link.label, link.url)
        self.terminal.line(link.instruction, indent=6)
        if link.transfer is not None:
            self._transfer(link.transfer)
        if link.help_url:
            self.terminal.line(text("Help: {url}", url=link.help_url), indent=6)

    def _transfer(self, transfer: TransferInstruction) -> None:
        fields: list[tuple[Text, Text | str]] = [
            (text("amount"), text("{amount}", amount=transfer.amount)),
            (text("to"), transfer.to.name),
            (text("IBAN"), " ".join(textwrap.wrap(transfer.to.iban, 4))),
            (text("bank"), transfer.bank),
            (text("description"), transfer.remittance),
        ]
        labels = [self.terminal.words(label) for label, _ in fields]
        width = max(map(cell_len, labels))
        for label, (_, value) in zip(labels, fields, strict=True):
            if value:
                self.terminal.hanging(
                    f"{label}{' ' * (width - cell_len(label))}  ", self.terminal.words(value), indent=6
                )
        if transfer.qr is not None and not self.terminal.console.options.ascii_only:
            for line in transfer.qr.terminal().splitlines():
                self.terminal.whole(Styled(" " * 6).append_text(Styled.from_ansi(line)))

    def _counts(self, order: Order, counts: Sequence[Counted]) -> list[Text | str]:
        shown: list[Text | str] = []
        for count in counts:
            name = self._name(order, count.line_id)
            what = text("{units} × {name}", units=count.units, name=name)
            if count.damaged:
                what = text("{what} ({units} damaged)", what=what, units=count.damaged)
            if count.missing:
                what = text("{what} ({units} missing)", what=what, units=count.missing)
            shown.append(what)
        return shown

    def _name(self, order: Order, line_id: str) -> str:
        line = order.line(line_id)
        return line.name or line.product

    def _paid_with(self, order: Order) -> Text:
        if not order.payments:
            return text("not paid")
        return text("{payments}", payments=[self._payment(one) for one in order.payments])

    def _payment(self, payment: Payment) -> Text | str:
        method = METHODS.get(payment.method, payment.method)
        if payment.provider == "manual_transfer":
            return method or text("bank transfer")
        if not method or payment.method == payment.provider:
            return provider_name(payment.provider, self.terminal.language)
        return text("{provider}, {method}", provider=payment.provider, method=method)

    def _actor(self, entry: TimelineEntry) -> str:
        actor = entry.by
        if actor.kind is ActorKind.CUSTOMER:
            return self.terminal.words(text("customer"))
        if actor.kind is ActorKind.SYSTEM:
            return "retour"
        if actor.kind is ActorKind.PROVIDER:
            if actor.id == "manual_transfer":
                return self.terminal.words(text("payment"))
            return provider_name(actor.id, self.terminal.language)
        return entry.name or actor.id

    def _time(self, at: datetime.datetime) -> str:
        local = at.astimezone(self.zone)
        pattern = "d MMM HH:mm" if local.year == self.now.astimezone(self.zone).year else "d MMM y HH:mm"
        return format_datetime(local, pattern, tzinfo=self.zone, locale=self.terminal.language)
