"""What cannot be read of an order: which of its rows, why not, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from retour.model.frozen import frozen
from retour.model.text import Text, text


class ReadingFault(StrEnum):
    """Why a stored row cannot be read."""

    NEWER = "newer"  #: its type or version is none that this retour knows
    NOT_JSON = "not_json"  #: its bytes are no JSON
    UPCASTER = "upcaster"  #: it is of an earlier version, and what makes the next one of it failed
    VALUE = "value"  #: a value in it is none that can be
    STEP = "step"  #: it reads, and does not follow from what happened before

    @classmethod
    def _missing_(cls, value: object) -> ReadingFault | None:
        return cls.VALUE if isinstance(value, str) else None  # a newer retour's, that this one has no words for


@frozen(kw_only=True)
class UnreadableRow:
    """A row of an order that cannot be read: an event or an effect."""

    order_id: str
    """The order that it is of."""

    kind: str
    """The event's type, or the effect's kind, by its stored name."""

    fault: ReadingFault
    """What is wrong with it."""

    seq: int = 0
    """The number of the event on the timeline; 0 where it is an effect."""

    effect_id: str = ""
    """The effect; empty where it is an event."""

    version: int = 0
    """The version of the event's type; 0 for an effect."""

    error: str = ""
    """The type of what was raised. What that said is left out: it can hold anything."""

    @property
    def name(self) -> Text:
        """The row, as a person looks for it."""
        if self.seq:
            return text("event {seq} ({type}, version {version})", seq=self.seq, type=self.kind, version=self.version)
        return text("effect {effect} ({kind})", effect=self.effect_id, kind=self.kind)

    @property
    def why(self) -> Text:
        """What is wrong with it, without anything that stands in it."""
        return READING_FAULT_WORDS[self.fault]

    @property
    def what_to_do(self) -> Text:
        """What can be done: nothing that was stored is ever edited."""
        return _WHAT_TO_DO[self.fault]


READING_FAULT_WORDS: Mapping[ReadingFault, Text] = {
    ReadingFault.NEWER: text("a newer retour wrote it, and this one does not know it"),
    ReadingFault.NOT_JSON: text("what was stored of it is damaged"),
    ReadingFault.UPCASTER: text("an older retour wrote it, and this one cannot bring it up to date"),
    ReadingFault.VALUE: text("a value that was stored of it cannot be right"),
    ReadingFault.STEP: text("it does not follow from what happened before it"),
}

_BY_CODE = text(
    "It takes a change of retour: report what `retour doctor` says of it. Until then a person can set the order aside."
)
_WHAT_TO_DO: Mapping[ReadingFault, Text] = {
    ReadingFault.NEWER: text("Upgrade retour. Until then a person can set the order aside."),
    ReadingFault.NOT_JSON: text(
        "Somebody changed the row, or the disk did: restore it from a backup. Until then a person can set the order "
        "aside."
    ),
    ReadingFault.UPCASTER: _BY_CODE,
    ReadingFault.VALUE: _BY_CODE,
    ReadingFault.STEP: _BY_CODE,
}
