"""The table that closes the demo: a row for each case, and what the providers' books say of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
from rich.cells import cell_len
from rich.text import Text as Styled

from retour.cli.demo_cases import CASES, DemoCase
from retour.cli.demo_flow import Result
from retour.cli.demo_refunds import How
from retour.cli.terminal import Terminal
from retour.cli.ways_back import CameBy, WayBack
from retour.cli.words import text, texts
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import Order
from retour.model.refunds import REFUND_WORDS, RefundState
from retour.model.text import Text, provider_name
from retour.sandbox import BookedLabel

WAYS: Mapping[How, Text] = {
    How.API: text("API"),
    How.LINK: text("link"),
    How.TRANSFER: text("transfer"),
    How.BY_HAND: text("by hand"),
}

CAME: Mapping[CameBy, Text] = {
    CameBy.PORTAL: text("{who}'s portal"),
    CameBy.LABEL: text("{who} label"),
    CameBy.QR_CODE: text("{who} QR code"),
    CameBy.SELF: text("customer, with {who}"),
    CameBy.BROUGHT: text("brought back"),
}

_HEAD = (
    text("case"),
    text("order"),
    text("back"),
    text("stock"),
    text("hand"),
    text("refund"),
    text("how"),
    text("came by"),
    text("label"),
    text("status"),
)
_NUMBERS = frozenset({2, 3, 4, 5, 8})
"""The columns that hold numbers."""

_SECOND_LINE = 7
"""From this column on a row goes on in a second line, where a terminal is too narrow for it."""


@frozen(kw_only=True)
class ClosingTable:
    """The closing table on a terminal."""

    terminal: Terminal

    def show(
        self,
        results: Mapping[str, Sequence[Result]],
        nothing: Sequence[Order],
        labels: Mapping[str, Sequence[BookedLabel]],
    ) -> None:
        """One row per case, and below them the orders of which ``nothing`` can come back, and what the ``labels`` cost
        by each provider's own books."""
        self.terminal.rule(self._words(text("All cases")))
        rows = [[self._words(one) for one in _HEAD]]
        rows += [self._row(case, results.get(case.name, ())) for case in CASES]
        self._table(rows)
        self.terminal.blank()
        self._legend([one for several in results.values() for one in several], nothing, labels)

    # --- rows ----------------------------------------------------------------------------------------

    def _row(self, case: DemoCase, results: Sequence[Result]) -> list[str]:
        title = self._words(case.title)
        if not results:
            return [title, self._words(text("no order in this file fits"))]
        order = text("{order}", order=results[0].order_id)
        if len(results) > 1:
            order = texts("{count} order", "{count} orders", len(results))
        ways = [way for way in How if any(way in one.ways for one in results)]
        came = {way for one in results for way in one.came}
        return [
            title,
            self._words(order),
            str(sum(one.returned for one in results)),
            str(sum(one.restocked for one in results)),
            str(sum(one.by_hand for one in results)),
            self._amounts([one.refunded for one in results if one.refunded]),
            ", ".join([self._words(WAYS[way]) for way in ways]) or "–",
            ", ".join([self._came(way) for by in CameBy for way in sorted(came) if way.by is by]) or "–",
            self._amounts([one.label_cost for one in results if one.label_cost is not None]),
            self._words(text("{parts}", parts=self._status(results))),
        ]

    def _came(self, way: WayBack) -> str:
        return self._words(attrs.evolve(CAME[way.by], values={"who": provider_name(way.who, self.terminal.language)}))

    def _amounts(self, amounts: Sequence[Money]) -> str:
        return " + ".join([self._words(text("{amount}", amount=one)) for one in _sums(amounts)]) or "–"

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
        missing = sum(one.missing for one in results)
        if missing:
            parts.append(text("{units} missing", units=missing))
        untracked = sum(one.untracked for one in results)
        if untracked:
            parts.append(text("{units} without stock", units=untracked))
        money = {state for one in results for state in one.money}
        parts += [text("refund {state}", state=REFUND_WORDS[state]) for state in RefundState if state in money]
        parts += [one.note for one in results[:1] if one.note is not None]
        parts += [text("order {order}: {why}", order=one.order_id, why=one.problem) for one in problems if one.problem]
        return parts

    # --- columns -------------------------------------------------------------------------------------

    def _table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows in columns; numbers to the right. Where the terminal is too narrow for all of them, each row is two
        lines; what does not fit even so goes on a line of its own, nothing is cut."""
        whole = [row for row in rows if len(row) > 2]
        widths = [max(cell_len(row[column]) for row in whole) for column in range(len(whole[0]))]
        widths[0] = max(cell_len(row[0]) for row in rows)
        last = max(cell_len(row[-1].partition(", ")[0]) for row in whole)
        gap = self._gap([*widths[:-1], last])
        two_lines = gap is None
        if gap is None:
            gap = self._gap(widths[:_SECOND_LINE]) or 1
        for number, row in enumerate(rows):
            style = "bold" if number == 0 else ("dim" if len(row) == 2 else "")
            cells = [
                cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row[:-1], widths, strict=False))
            ]
            start = " " * 4 if two_lines and len(row) > 2 else ""
            if start:
                self.terminal.whole(Styled((" " * gap).join(cells[:_SECOND_LINE]).rstrip(), style=style))
                cells = cells[_SECOND_LINE:]
            self._ending(start + "".join([cell + " " * gap for cell in cells]), row[-1], style)

    def _gap(self, widths: Sequence[int]) -> int | None:
        """How many blanks stand between columns of these widths; None where they do not fit."""
        return next((gap for gap in (2, 1) if sum(widths) + gap * (len(widths) - 1) <= self.terminal.width), None)

    def _ending(self, start: str, last: str, style: str) -> None:
        """A line with its last cell, or as much of that as fits and the rest below."""
        room = self.terminal.width
        if cell_len(start) + cell_len(last) <= room:
            self.terminal.whole(Styled(start + last, style=style))
            return
        first, comma, rest = last.partition(", ")
        fits = comma and cell_len(start) + cell_len(first) <= room
        self.terminal.whole(Styled(start + first if fits else start.rstrip(), style=style))
        self.terminal.hanging("", rest if fits else last, indent=4, style=style)

    # --- below the rows ------------------------------------------------------------------------------

    def _legend(
        self, results: Sequence[Result], nothing: Sequence[Order], labels: Mapping[str, Sequence[BookedLabel]]
    ) -> None:
        self.terminal.line(
            text(
                "back: units that came back; stock: put back in stock; hand: left for the merchant to book; "
                "refund: what has gone back, and label: what labels cost, to the cent as in the books of the providers."
            ),
            style="dim",
        )
        made = sum(one.labels for one in results)
        for provider, booked in labels.items():
            self.terminal.line(
                texts(
                    "{provider} made {count} label, charged {cost}. Bought twice: {twice}.",
                    "{provider} made {count} labels, charged {cost}. Bought twice: {twice}.",
                    len(booked),
                    provider=provider,
                    cost=self._amounts([one.charged for one in booked]),
                    twice=len(booked) - made,
                )
            )
        before = sum(one.before for one in results)
        if before:
            self.terminal.line(
                texts(
                    "{count} order was already returned: nothing booked twice.",
                    "{count} orders were already returned: nothing booked twice.",
                    before,
                )
            )
        if nothing:
            self.terminal.line(
                texts(
                    "{count} order has no goods that were fulfilled, so nothing of it can come back: {orders}",
                    "{count} orders have no goods that were fulfilled, so nothing of them can come back: {orders}",
                    len(nothing),
                    orders=[order.id for order in nothing],
                )
            )

    def _words(self, words: Text) -> str:
        return self.terminal.words(words)


def _sums(amounts: Iterable[Money]) -> list[Money]:
    """One sum per currency."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums[amount.currency] + amount if amount.currency in sums else amount
    return list(sums.values())
