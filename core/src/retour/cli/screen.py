"""What the demo shows: one order at a time, and the closing table."""

from __future__ import annotations

import datetime
import re
import textwrap
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import attrs
from babel.dates import format_datetime
from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text as Styled

from retour.cli.demo_cases import CASES, Arrival, DemoCase
from retour.cli.demo_flow import TRACKING, Result
from retour.cli.demo_refunds import MERCHANT, How, KnownFrom
from retour.cli.orders_faults import OrdersFault
from retour.cli.words import text, texts
from retour.model.actor import Actor, ActorKind
from retour.model.money import Money
from retour.model.order import BankAccount, Order, Payment
from retour.model.outcome import Outcome, RestockQuestion
from retour.model.refunds import (
    REFUND_WORDS,
    Refund,
    RefundLink,
    RefundOption,
    RefundState,
    TransferInstruction,
)
from retour.model.returns import Counted, Restock, RestockDecision
from retour.model.shipping import ShippingOption
from retour.model.text import Text
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

WAYS: Mapping[How, Text] = {
    How.API: text("API"),
    How.LINK: text("link"),
    How.TRANSFER: text("transfer"),
    How.BY_HAND: text("by hand"),
}


_KNOWN_FROM: Mapping[KnownFrom, Text] = {
    KnownFrom.ANSWER: text("{who} presses it. {provider} answers: {state}."),
    KnownFrom.LOST: text("{who} presses it. The connection breaks and the answer of {provider} is lost: {state}."),
    KnownFrom.WEBHOOK: text("{provider} reports by webhook: {state}."),
    KnownFrom.RECONCILED: text(
        "{who} refunds it there and confirms nothing: retour looks at {provider} and finds it: {state}."
    ),
    KnownFrom.LATER: text("Two days later {provider} reports by webhook: {state}."),
    KnownFrom.SENT_BACK: text("Then the bank sends it back, and {provider} reports: {state}."),
    KnownFrom.BANK: text("{who} transfers it and confirms it with the bank's reference, {reference}."),
    KnownFrom.PERSON: text("{who} did it and confirms it, reference {reference}."),
}


@attrs.frozen(kw_only=True)
class Screen:
    """A terminal in one language. ``providers`` are the display names of the loaded providers."""

    console: Console
    language: str
    zone: ZoneInfo
    providers: Mapping[str, str]
    now: datetime.datetime

    # --- one order -----------------------------------------------------------------------------------

    def begin(self, case: DemoCase, order: Order) -> None:
        """The case, and the order's head line."""
        number = 1 + [one.name for one in CASES].index(case.name)
        self.console.print()
        self.console.rule(
            Styled(f"{number}/{len(CASES)}  {self._words(case.title)}", style="bold"), align="left", style="dim"
        )
        units = sum(line.fulfilled for line in order.goods)
        head = [
            text("Order {order}", order=order.id),
            texts("{count} product", "{count} products", units),
            self._money(order.paid),
            self._paid_with(order),
        ]
        self._line("   ".join([self._words(part) for part in head]), style="bold")

    def shipping(self, options: Sequence[ShippingOption], chosen: ShippingOption) -> None:
        """How the customer can send the goods, and what he chose."""
        self.console.print()
        self._line(text("The customer asks to send it back, and can choose how:"), indent=2)
        for option in options:
            self._button(option.label, option.url)
            self._line(option.instruction, indent=6)
        self._chosen(chosen.label)
        self._line(text("The parcel is on its way, tracking number {tracking}.", tracking=TRACKING), indent=2)

    def returned(self, order: Order, outcome: Outcome, arrival: Arrival) -> None:
        """What the merchant saved, and what that did to the stock if nobody had to be asked."""
        self.console.print()
        if not outcome.changed:
            self._line(text("Already returned, nothing booked twice."), indent=2, style="yellow")
            return
        if arrival is None:
            self._line(text("{who} sets the order status to Returned and saves.", who=MERCHANT.id), indent=2)
        else:
            what = self._counts(order, arrival)
            self._line(text("{who} saves as Returned: {what}", who=MERCHANT.id, what=what), indent=2)
        if not any(one.restock.needs_answer for one in outcome.returns):
            restocked = sum(sum(one.restock.restocked.values()) for one in outcome.returns)
            at_once = texts(
                "Nobody has to be asked: {count} unit is back in stock at once.",
                "Nobody has to be asked: {count} units are back in stock at once.",
                restocked,
            )
            self._line(at_once if restocked else text("No stock is kept of this: nothing to put back."), indent=2)

    def question(self, question: RestockQuestion) -> None:
        """The question about the stock, as the merchant sees it."""
        self._line(question.sentence, indent=2, style="bold")
        if question.because:
            self._line(question.because.words, indent=4, style="yellow")
        buttons = [f"[{self._words(one)}]" for one in (question.ok, question.cancel, question.choose)]
        together = "  ".join(buttons)
        if cell_len(together) + 4 <= self.console.width:
            self._line(together, indent=4, style="cyan")
        else:
            for button in buttons:
                self._line(button, indent=4, style="cyan")

    def answered(self, order: Order, question: RestockQuestion, decision: RestockDecision) -> None:
        """Which answer was given."""
        labels = {Restock.ALL: question.ok, Restock.BY_HAND: question.cancel}
        if decision.kind in labels:
            self._chosen(labels[decision.kind])
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
        self._chosen(text("{label}: {lines}", label=question.choose, lines=kept))

    def refund(self, option: RefundOption, how: How) -> None:
        """What goes back, and the button for it or everything that the merchant needs to do it himself."""
        self.console.print()
        self._line(
            text(
                "The refund is not automatic. Suggestion for the goods: {suggested}. "
                "At most {left} can go back on this payment.",
                suggested=option.suggested,
                left=option.left,
            ),
            indent=2,
        )
        if how is How.API:
            self._button(text("Refund {amount}", amount=option.suggested), "")
        else:
            self._refund_link(option.link)

    def charged_back(self, option: RefundOption) -> None:
        """The customer's bank took money of the payment back, and this is what can go back now."""
        self.console.print()
        self._line(
            text(
                "{provider} reports that the customer's bank took back {amount}. Suggestion for the goods: "
                "{suggested}.",
                provider=self.providers.get(option.payment.provider, option.payment.provider),
                amount=option.charged_back,
                suggested=option.suggested,
            ),
            indent=2,
        )

    def agreed(self, option: RefundOption, to: BankAccount) -> None:
        """The customer agreed to get the money on this bank account."""
        self._line(
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
            "provider": self.providers.get(option.payment.provider, option.payment.provider),
            "state": REFUND_WORDS[refund.state],
            "reference": refund.reference,
        }
        self._line(attrs.evolve(sentence, values=values), indent=2)

    def end(self, entries: Sequence[TimelineEntry], *, unpaid: bool) -> None:
        """The order's history."""
        if unpaid:
            self.console.print()
            self._line(text("There is nothing to refund."), indent=2)
        self.console.print()
        self._line(text("Order history"), indent=2, style="bold")
        times = [self._time(entry.at) for entry in entries]
        actors = [self._actor(entry.by) for entry in entries]
        first, second = max(map(cell_len, times)), max(map(cell_len, actors))
        margin = 4 + first + 2 + second + 2
        addresses: set[str] = set()
        for entry, time, actor in zip(entries, times, actors, strict=True):
            start = f"{' ' * (first - cell_len(time))}{time}  {actor}{' ' * (second - cell_len(actor))}  "
            self._hanging(start, entry.text(self.language), indent=4)
            for beside in (entry.note, entry.account):
                if beside:
                    self._line(beside, indent=margin)
            if entry.url not in addresses:
                self._url(entry.url, indent=margin if margin + cell_len(entry.url) <= self.console.width else 8)
                addresses.add(entry.url)

    # --- all orders ----------------------------------------------------------------------------------

    def left_out(self, faults: Sequence[OrdersFault], orders: int) -> None:
        """The orders that were skipped, with why."""
        self._line(texts("{count} order is left out:", "{count} orders are left out:", orders), style="yellow")
        for fault in faults:
            self._hanging("", self._words(fault.sentence), indent=2)

    def closing(self, results: Mapping[str, Sequence[Result]], nothing: Sequence[Order]) -> None:
        """The closing table: one row per case."""
        self.console.print()
        self.console.rule(Styled(self._words(text("All cases")), style="bold"), align="left", style="dim")
        head = [
            text("case"),
            text("order"),
            text("back"),
            text("stock"),
            text("hand"),
            text("refund"),
            text("how"),
            text("status"),
        ]
        rows = [[self._words(one) for one in head]]
        for case in CASES:
            rows.append(self._row(case, results.get(case.name, ())))
        self._table(rows)
        self.console.print()
        self._legend([one for several in results.values() for one in several], nothing)

    def _row(self, case: DemoCase, results: Sequence[Result]) -> list[str]:
        title = self._words(case.title)
        if not results:
            return [title, self._words(text("no order in this file fits"))]
        order = text("{order}", order=results[0].order_id)
        if len(results) > 1:
            order = texts("{count} order", "{count} orders", len(results))
        amounts = _sums([one.refunded for one in results if one.refunded])
        ways = [way for way in How if any(way in one.ways for one in results)]
        return [
            title,
            self._words(order),
            str(sum(one.returned for one in results)),
            str(sum(one.restocked for one in results)),
            str(sum(one.by_hand for one in results)),
            " + ".join([self._words(self._money(one)) for one in amounts]) or "–",
            ", ".join([self._words(WAYS[way]) for way in ways]) or "–",
            self._words(text("{parts}", parts=self._status(results))),
        ]

    def _status(self, results: Sequence[Result]) -> list[Text | str]:
        """``ok``, and everything that a reader of the row would stumble over."""
        many = len(results) > 1
        before = sum(one.before for one in results)
        problems = [one for one in results if one.problem is not None]
        parts: list[Text | str] = []
        if len(problems) + before < len(results):
            parts.append(text("ok"))
        if before:
            parts.append(
                texts("{count} already returned", "{count} already returned", before)
                if many
                else text("already returned")
            )
        damaged = sum(one.damaged for one in results)
        if damaged:
            parts.append(text("{units} damaged", units=damaged))
        untracked = sum(one.untracked for one in results)
        if untracked:
            parts.append(text("{units} without stock", units=untracked))
        money = {state for one in results for state in one.money}
        parts += [text("refund {state}", state=REFUND_WORDS[state]) for state in RefundState if state in money]
        parts += [one.note for one in results[:1] if one.note is not None]
        parts += [text("order {order}: {why}", order=one.order_id, why=one.problem) for one in problems if one.problem]
        return parts

    def _table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows in columns; numbers to the right. What does not fit goes on a line of its own, nothing is cut."""
        whole = [row for row in rows if len(row) > 2]
        widths = [max(cell_len(row[column]) for row in whole) for column in range(len(whole[0]) - 1)]
        widths[0] = max(cell_len(row[0]) for row in rows)
        room = self.console.width
        need = sum(widths) + max(cell_len(row[-1].partition(", ")[0]) for row in whole)
        gap = 1 if need + len(widths) <= room < need + 2 * len(widths) else 2
        for number, row in enumerate(rows):
            style = "bold" if number == 0 else ("dim" if len(row) == 2 else "")
            cells = []
            for column, cell in enumerate(row[:-1]):
                blanks = " " * (widths[column] - cell_len(cell))
                cells.append(blanks + cell if column in _NUMBERS else cell + blanks)
            start = "".join([cell + " " * gap for cell in cells])
            if cell_len(start) + cell_len(row[-1]) <= room:
                self._whole(Styled(start + row[-1], style=style))
                continue
            first, comma, rest = row[-1].partition(", ")
            fits = comma and cell_len(start) + cell_len(first) <= room
            self._whole(Styled(start + first if fits else start.rstrip(), style=style))
            self._hanging("", rest if fits else row[-1], indent=4, style=style)

    def _legend(self, results: Sequence[Result], nothing: Sequence[Order]) -> None:
        self._line(
            text(
                "back: units that came back; stock: put back in stock; hand: left for the merchant to book; "
                "refund: what has gone back, to the cent as in the books of the providers."
            ),
            style="dim",
        )
        before = sum(one.before for one in results)
        if before:
            self._line(
                texts(
                    "{count} order was already returned: nothing booked twice.",
                    "{count} orders were already returned: nothing booked twice.",
                    before,
                )
            )
        if nothing:
            self._line(
                texts(
                    "{count} order has no goods that were fulfilled, so nothing of it can come back: {orders}",
                    "{count} orders have no goods that were fulfilled, so nothing of them can come back: {orders}",
                    len(nothing),
                    orders=[order.id for order in nothing],
                )
            )

    def command(self, words: Text, command: str) -> None:
        """A command to type, whole on its own line."""
        self._line(words)
        self._whole(Styled(f"  {command}"))

    def say(self, words: Text, style: str = "") -> None:
        """A sentence of its own."""
        self._line(words, style=style)

    # --- pieces --------------------------------------------------------------------------------------

    def _refund_link(self, link: RefundLink) -> None:
        self._button(link.label, link.url)
        self._line(link.instruction, indent=6)
        if link.transfer is not None:
            self._transfer(link.transfer)
        if link.help_url:
            self._line(text("Help: {url}", url=link.help_url), indent=6)

    def _transfer(self, transfer: TransferInstruction) -> None:
        fields: list[tuple[Text, Text | str]] = [
            (text("amount"), self._money(transfer.amount)),
            (text("to"), transfer.to.name),
            (text("IBAN"), " ".join(textwrap.wrap(transfer.to.iban, 4))),
            (text("bank"), transfer.bank),
            (text("description"), transfer.remittance),
        ]
        labels = [self._words(label) for label, _ in fields]
        width = max(map(cell_len, labels))
        for label, (_, value) in zip(labels, fields, strict=True):
            if value:
                self._hanging(f"{label}{' ' * (width - cell_len(label))}  ", self._words(value), indent=6)
        if transfer.qr is not None and not self.console.options.ascii_only:
            for line in transfer.qr.terminal().splitlines():
                self._whole(Styled(" " * 6).append_text(Styled.from_ansi(line)))

    def _counts(self, order: Order, counts: Sequence[Counted]) -> list[Text | str]:
        shown: list[Text | str] = []
        for count in counts:
            name = self._name(order, count.line_id)
            what = text("{units} × {name}", units=count.units, name=name)
            if count.damaged:
                what = text("{what} ({units} damaged)", what=what, units=count.damaged)
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
        provider = self.providers.get(payment.provider, payment.provider)
        same = not method or payment.method == payment.provider
        return provider if same else text("{provider}, {method}", provider=provider, method=method)

    def _actor(self, actor: Actor) -> str:
        if actor.kind is ActorKind.CUSTOMER:
            return self._words(text("customer"))
        if actor.kind is ActorKind.SYSTEM:
            return "retour"
        if actor.kind is ActorKind.PROVIDER:
            if actor.id == "manual_transfer":
                return self._words(text("payment"))
            return self.providers.get(actor.id, actor.id)
        return actor.id

    def _time(self, at: datetime.datetime) -> str:
        local = at.astimezone(self.zone)
        pattern = "d MMM HH:mm" if local.year == self.now.astimezone(self.zone).year else "d MMM y HH:mm"
        return format_datetime(local, pattern, tzinfo=self.zone, locale=self.language)

    def _money(self, amount: Money) -> Text:
        return text("{amount}", amount=amount)

    def _words(self, words: Text | str) -> str:
        return words if isinstance(words, str) else words.render(self.language)

    def _button(self, label: Text, url: str) -> None:
        """A button's words, with the address that it opens beside it, or below where that does not fit."""
        words = f"[{self._words(label)}]"
        if url and 4 + cell_len(words) + 2 + cell_len(url) > self.console.width:
            self._line(words, indent=4, style="bold cyan")
            self._url(url, indent=6)
        else:
            line = Styled(" " * 4).append(words, style="bold cyan")
            self._whole(line.append(f"  {url}", style="cyan") if url else line)

    def _chosen(self, words: Text) -> None:
        self._hanging("→ ", self._words(words), indent=4, style="green")

    def _url(self, url: str, indent: int) -> None:
        """An address on one line, whole, so that it can be copied and clicked."""
        if url:
            fits = indent + cell_len(url) <= self.console.width
            self._whole(Styled(" " * (indent if fits else 4) + url, style="cyan"))

    def _hanging(self, start: str, words: str, *, indent: int, style: str = "") -> None:
        """``words`` after ``start``; further lines begin below the first word."""
        margin = indent + cell_len(start)
        for number, line in enumerate(_wrapped(words, max(20, self.console.width - margin))):
            before = " " * indent + start if number == 0 else " " * margin
            self._whole(Styled(before + line, style=style))

    def _line(self, words: Text | str, *, indent: int = 0, style: str = "") -> None:
        self._hanging("", self._words(words), indent=indent, style=style)

    def _whole(self, line: Styled) -> None:
        """A line as it is: neither wrapped nor cut."""
        self.console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)


def _wrapped(words: str, width: int) -> list[str]:
    """``words`` in lines of at most ``width`` cells. ``2 × Cup`` and ``€ 4,95`` stay together."""
    lines: list[str] = []
    for paragraph in words.split("\n"):
        line = ""
        for piece in re.split(r"(?<!×) (?!×)", paragraph):
            longer = f"{line} {piece}" if line else piece
            if cell_len(longer) <= width:
                line = longer
                continue
            lines += [line] if line else []
            *whole, line = chop_cells(piece, width) or [""]
            lines += whole
        lines.append(line)
    return lines


_NUMBERS = frozenset({2, 3, 4, 5})
"""The columns of the closing table that hold numbers."""


def _sums(amounts: Sequence[Money]) -> list[Money]:
    """One sum per currency."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums[amount.currency] + amount if amount.currency in sums else amount
    return list(sums.values())
