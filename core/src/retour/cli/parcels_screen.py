"""What the demo shows of goods on their way back: the choice, the label, the carrier's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from retour.cli.demo_refunds import MERCHANT
from retour.cli.terminal import Terminal
from retour.cli.words import text, texts
from retour.model.frozen import frozen
from retour.model.labels import LABEL_WORDS, PARCEL_WORDS, Label, LabelForm, LabelOption, ParcelState
from retour.model.returns import Return
from retour.model.shipping import ShippingOption
from retour.model.text import Text
from retour.providers.label_request import LabelDocument

_OPENED: Mapping[LabelForm, Text] = {
    LabelForm.PDF: text("The customer opens the label: {kind}, {size} kB, to print."),
    LabelForm.QR_CODE: text("The customer opens the code: {kind}, {size} kB, to show where he hands the parcel in."),
}


@frozen(kw_only=True)
class ParcelsScreen:
    """Parcels on a terminal."""

    terminal: Terminal

    def shipping(self, options: Sequence[ShippingOption], chosen: ShippingOption) -> None:
        """How the customer can send the goods, and what he chose."""
        self.terminal.blank()
        self._say(text("The customer asks to send it back, and can choose how:"))
        for option in options:
            self.terminal.button(option.label, option.url)
            self.terminal.line(option.instruction, indent=6)
        self.terminal.chosen(chosen.label)

    def sent_by_himself(self, return_: Return, page: str) -> None:
        """What he said of the parcel, and where the carrier shows it."""
        self._say(
            text(
                "He sends it with {carrier}, tracking number {tracking}, and keeps the proof of that.",
                carrier=return_.carrier,
                tracking=return_.tracking,
            )
        )
        self.terminal.url(page, indent=4)

    def made_in_portal(self, label: Label, return_: Return) -> None:
        """What the portal's provider told of the return that he made there."""
        self._say(
            texts(
                "He makes it in the portal, and {provider} reports by webhook: return {number}, {count} unit.",
                "He makes it in the portal, and {provider} reports by webhook: return {number}, {count} units.",
                sum(return_.requested.values()),
                provider=label.provider,
                number=return_.number,
            )
        )

    def label_options(
        self, provider: str, options: Sequence[LabelOption], chosen: LabelOption, *, another: bool
    ) -> None:
        """The labels that can be bought, and the one that was."""
        self.terminal.blank()
        sentence = text("The customer asks for a label. {provider} sells for his parcel:")
        if another:
            sentence = text("The customer asks for a label for a second parcel. {provider} sells for it:")
        self._say(attrs.evolve(sentence, values={"provider": provider}))
        for option in options:
            self.terminal.button(_priced(option))
        self.terminal.chosen(_priced(chosen))

    def label_is(self, label: Label, *, read: bool = False) -> None:
        """How far the label is."""
        sentence = text("{provider} reports by webhook that the label is {state}, tracking number {tracking}.")
        if read:
            sentence = text("retour reads at {provider} that the label is {state}, tracking number {tracking}.")
        values = {
            "provider": label.provider,
            "state": LABEL_WORDS[label.state],
            "tracking": label.tracking_number,
        }
        self._say(attrs.evolve(sentence, values=values))

    def not_made(self, label: Label) -> None:
        """Why there is no label."""
        why = text("{state}", state=LABEL_WORDS[label.state]) if label.because is None else label.because.words
        self.terminal.line(
            text("{provider} makes no label for this parcel: {why}", provider=label.provider, why=why),
            indent=2,
            style="yellow",
        )

    def label_cancelled(self, label: Label) -> None:
        """Whether the label could be taken back."""
        self._say(
            text(
                "The customer brings it to the shop after all, so {who} has the label taken back. {provider} reports "
                "by webhook that it is {state}.",
                who=MERCHANT.id,
                provider=label.provider,
                state=LABEL_WORDS[label.state],
            )
        )

    def opened(self, document: LabelDocument | None, why_not: Text | None) -> None:
        """What the customer has in hand, or why there is nothing."""
        if document is not None:
            kind = document.media_type.rpartition("/")[2].upper()
            sentence = _OPENED[document.form]
            size = -(-len(document.content) // 1024)
            self._say(attrs.evolve(sentence, values={"kind": kind, "size": size}))
        elif why_not is not None:
            self.terminal.line(text("The label cannot be shown here. {why}", why=why_not), indent=2, style="yellow")

    def parcel_is(self, label: Label) -> None:
        """Where the parcel is."""
        values = {"provider": label.provider, "state": PARCEL_WORDS[label.progress]}
        sentence = text("{provider} reports by webhook that the parcel is {state}.")
        if label.progress is ParcelState.DELIVERED:
            sentence = text("{provider} reports by webhook that the parcel is {state}. It waits to be counted.")
        self._say(attrs.evolve(sentence, values=values))

    def _say(self, words: Text) -> None:
        self.terminal.line(words, indent=2)


def _priced(option: LabelOption) -> Text:
    name = text("{name}", name=option.name)
    return name if option.price is None else text("{name}, {price}", name=option.name, price=option.price)
