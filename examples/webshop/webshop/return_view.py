"""What staff sees of one return on the page of its order: its labels, its counts and its files, and what can be done
about each."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from retour import CanDo, DeskStep, Dossier, EvidenceFile, GoodsState, Label, Receipt, Return, Text, TimelineEntry

ENDINGS = (DeskStep.CANCEL_RETURN, DeskStep.CLOSE_RETURN, DeskStep.REOPEN_RETURN)
"""What ends a return before all of it came, and what lets it go on."""


@attrs.frozen(kw_only=True)
class ReturnView:
    """One return, and what can be done about it."""

    return_: Return
    can_do: CanDo
    labels: Sequence[Label]
    files: Sequence[EvidenceFile]
    """What retour still knows of the files that were added to it."""

    @property
    def can_decide(self) -> bool:
        """Whether it waits for somebody who says if the goods may come."""
        return DeskStep.REJECT_RETURN in self._steps

    @property
    def endings(self) -> Sequence[DeskStep]:
        """In which ways it can be ended, or go on."""
        return [one for one in ENDINGS if one in self._steps]

    @property
    def objections(self) -> Sequence[Text]:
        """What the shop's rules have against it, where it waits or was refused for that."""
        waits = self.return_.goods in (GoodsState.REQUESTED, GoodsState.REJECTED)
        return [one.because.words for one in self.return_.objections if one.because] if waits else []

    @property
    def can_order_label(self) -> bool:
        """Whether a label can be made for it: the first, one in the place of another, or for another parcel."""
        return DeskStep.ORDER_LABEL in self._steps or self.return_.id in self.can_do.another_parcel

    @property
    def label(self) -> Label | None:
        """The newest label that may be there to be used."""
        return next((one for one in reversed(self.labels) if one.open), None)

    @property
    def can_replace_label(self) -> bool:
        """Whether another label can stand in the place of the newest."""
        return self.label is not None and DeskStep.ORDER_LABEL in self.label_steps(self.label)

    @property
    def receipts(self) -> Sequence[Receipt]:
        """Its counts, the oldest first."""
        return list(self.return_.receipts.values())

    @property
    def can_correct(self) -> bool:
        """Whether what was counted can be put right."""
        return DeskStep.CORRECT_RECEIPT in self._steps

    def can_cancel(self, label: Label) -> bool:
        """Whether the provider of a label can be asked to take it back."""
        return DeskStep.CANCEL_LABEL in self.label_steps(label)

    def can_open(self, label: Label) -> bool:
        """Whether a label can be printed, or its code shown."""
        return DeskStep.LABEL_DOCUMENT in self.label_steps(label)

    def label_steps(self, label: Label) -> Sequence[DeskStep]:
        """What can be done with one of its labels."""
        return self.can_do.labels.get(label.id, ())

    @property
    def _steps(self) -> Sequence[DeskStep]:
        return self.can_do.returns.get(self.return_.id, ())


def views_of(dossier: Dossier, can_do: CanDo, history: Sequence[TimelineEntry]) -> list[ReturnView]:
    """The returns of an order, the oldest first, by what is known of it, what can be done and its history."""
    return [
        ReturnView(
            return_=one,
            can_do=can_do,
            labels=dossier.labels_of(one.id),
            files=[file for entry in history if entry.return_number == one.number for file in entry.evidence],
        )
        for one in dossier.returns.values()
    ]
