"""What a person has looked at, so that it is on the list no more, and what he had tried again."""

from __future__ import annotations

import datetime
from typing import ClassVar

import attrs

from retour.model.events.event import STAFF, Subject, event
from retour.model.fields import Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.reasons import Reason, as_reason


@event
@frozen(kw_only=True, field_transformer=checked())
class AttentionAcknowledged:
    """A person has looked at something that waited for one. ``kind``, ``about``, ``since`` and ``why`` say what he saw;
    ``refund_id`` is there where it is about a refund."""

    type: ClassVar = "attention_acknowledged"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    kind: Reference
    about: str
    since: datetime.datetime
    why: Reason | None = attrs.field(default=None, converter=as_reason)
    refund_id: Id | None = None
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class SetAsideRetried:
    """A person had work tried again that was set aside since it had ended its process: ``works`` are the kinds of it,
    by their stored names."""

    type: ClassVar = "set_aside_retried"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    works: tuple[Reference, ...]
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(note_id=self.note_id)
