"""Asking a person at the terminal what goes back in stock."""

from __future__ import annotations

from rich.console import Console

from retour.cli.demo_flow import NoAnswer
from retour.cli.words import text
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.outcome import RestockQuestion
from retour.model.returns import RestockDecision
from retour.model.text import Text

_OK = frozenset({"1", "o", "ok"})
_CANCEL = frozenset({"2", "c", "a", "cancel", "annuleren"})
_CHOOSE = frozenset({"3", "p", "k", "choose", "kies", "per product"})


@frozen(kw_only=True)
class Person:
    """Somebody at the terminal. ``again`` is the command that takes up the flow where it stopped."""

    console: Console
    language: str
    again: str

    def __call__(self, order: Order, question: RestockQuestion) -> RestockDecision:
        """The person's answer; wrong input is asked again. Raises `NoAnswer` when the input ends."""
        while True:
            words = self._read(order, text("    Answer 1 (OK), 2 (Cancel) or 3 (per product): ")).casefold()
            if words in _OK:
                return RestockDecision.all()
            if words in _CANCEL:
                return RestockDecision.by_hand()
            if words in _CHOOSE:
                return self._per_product(order, question)
            self._say(text("    That is none of the three; type 1, 2 or 3."))

    def _per_product(self, order: Order, question: RestockQuestion) -> RestockDecision:
        chosen = {}
        for line_id, units in question.units.items():
            line = order.line(line_id)
            number = self._units(order, line.name or line.product, units)
            if number:
                chosen[line_id] = number
        return RestockDecision.lines(chosen) if chosen else RestockDecision.by_hand()

    def _units(self, order: Order, name: str, units: int) -> int:
        while True:
            words = self._read(order, text("    {name}: how many of {units} back to stock? ", name=name, units=units))
            if words.isascii() and words.isdigit() and len(words) < 10 and int(words) <= units:
                return int(words)
            self._say(text("    Type a whole number from 0 to {units}.", units=units))

    def _read(self, order: Order, prompt: Text) -> str:
        self.console.print(prompt.render(self.language), end="", markup=False, highlight=False, soft_wrap=True)
        try:
            return input().strip()
        except EOFError:
            self.console.print()
            raise NoAnswer(
                text(
                    "Order {order} is saved as Returned, but its question about the stock has no answer: the input "
                    "ended. Answer at a terminal, or run without --ask: {again}",
                    order=order.id,
                    again=self.again,
                )
            ) from None

    def _say(self, words: Text) -> None:
        self.console.print(words.render(self.language), markup=False, highlight=False, style="yellow")
