"""What staff sees of one return on the page of its order: its labels, its counts and its files, and what can be done
about each."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from retour import Dossier, EvidenceFile, GoodsState, Label, LabelState, Receipt, Return, Text, TimelineEntry

CAN_TRAVEL = frozenset({GoodsState.APPROVED, GoodsState.IN_TRANSIT, GoodsState.PARTLY_RECEIVED})
"""Where a return is of which a parcel can still come."""


@attrs.frozen(kw_only=True)
class ReturnView:
    """One return, and what can be done about it."""

    return_: Return
    labels: Sequence[Label]
    files: Sequence[EvidenceFile]
    """What retour still knows of the files that were added to it."""

    @property
    def can_decide(self) -> bool:
        """Whether it waits for somebody who says if the goods may come."""
        return self.return_.goods is GoodsState.REQUESTED

    @property
    def objections(self) -> Sequence[Text]:
        """What the shop's rules have against it, where it waits or was refused for that."""
        waits = self.return_.goods in (GoodsState.REQUESTED, GoodsState.REJECTED)
        return [one.because.words for one in self.return_.objections if one.because] if waits else []

    @property
    def can_order_label(self) -> bool:
        """Whether a label can be made for it: the first, one in the place of another, or for another parcel."""
        return self.return_.goods in CAN_TRAVEL

    @property
    def label(self) -> Label | None:
        """The newest label that may be there to be used."""
        return next((one for one in reversed(self.labels) if one.open), None)

    @property
    def can_replace_label(self) -> bool:
        """Whether another label can stand in the place of the newest."""
        label = self.label
        return label is not None and not (label.scanned or label.may_be_made or label.cancel_asked)

    @property
    def receipts(self) -> Sequence[Receipt]:
        """Its counts, the oldest first."""
        return list(self.return_.receipts.values())

    @property
    def can_correct(self) -> bool:
        """Whether what was counted can be put right."""
        return self.return_.live


def can_cancel(label: Label) -> bool:
    """Whether the provider of a label can be asked to take it back."""
    usable = label.state in (LabelState.ANNOUNCING, LabelState.READY) and bool(label.reference)
    return usable and not (label.scanned or label.cancel_asked)


def can_open(label: Label) -> bool:
    """Whether a label can be printed, or its code shown."""
    return label.state is LabelState.READY and label.open and not label.cancel_asked


def views_of(dossier: Dossier, history: Sequence[TimelineEntry]) -> list[ReturnView]:
    """The returns of an order, the oldest first, by what is known of it and its history."""
    return [
        ReturnView(
            return_=one,
            labels=dossier.labels_of(one.id),
            files=[file for entry in history if entry.return_number == one.number for file in entry.evidence],
        )
        for one in dossier.returns.values()
    ]
