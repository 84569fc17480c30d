"""What comes in with a form: the id of the form, amounts, units and days, each read strictly or told what is wrong."""

from __future__ import annotations

import datetime
import hashlib
import re
import uuid
from collections.abc import Mapping

import attrs
from flask import request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from retour import InvalidAmount, Money

MOST_UNITS = 1_000_000


class NotUnderstood(Exception):
    """What stands in a field cannot be read: a sentence for whoever typed it, and the field's name."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@attrs.frozen(kw_only=True)
class Kept:
    """A form that was sent and is shown again, since something was wrong with it: its ``name``, what stood in it, and
    what was wrong. It keeps its request_id, so that what was saved after all is not done a second time."""

    name: str = ""
    values: Mapping[str, str] = attrs.field(factory=dict)
    error: str = ""
    field: str = ""

    def request_id(self, name: str) -> str:
        """The id of the form called ``name``: the one it was sent with, or a new one."""
        sent = self.values.get("request_id", "") if name == self.name else ""
        return sent or uuid.uuid4().hex

    def value(self, name: str, field: str, otherwise: object = "") -> str:
        """What stands in a field of the form called ``name``."""
        return self.values.get(field, "") if name == self.name and field in self.values else str(otherwise)

    def is_wrong(self, name: str, field: str) -> bool:
        """Whether this field is what was wrong."""
        return name == self.name and field == self.field


def sent_form(name: str, error: str, field: str = "") -> Kept:
    """The form of this request, to be shown again."""
    return Kept(name=name, values=request.form.to_dict(), error=error, field=field)


def request_id() -> str:
    """The id that the form was shown with."""
    given = request.form.get("request_id", "")
    if not re.fullmatch(r"[0-9a-f]{32}", given):
        raise NotUnderstood("request_id", _("This form is incomplete. Open the page again."))
    return given


def id_of_part(form: str, part: str) -> str:
    """The id of one of several commands that a form is sent for: the same for the same form and ``part``."""
    return hashlib.sha256(f"{form} {part}".encode()).hexdigest()[:32]


def text_of(field: str, longest: int = 1000) -> str:
    """What was typed, without the blanks around it."""
    typed = request.form.get(field, "").strip()
    if len(typed) > longest:
        raise NotUnderstood(field, _("At most %(longest)d characters fit here.", longest=longest))
    return typed


def amount_of(field: str, currency: str) -> Money:
    """An amount above zero, as people of both languages type it: 44,95 or 44.95."""
    try:
        return Money.typed(request.form.get(field, ""), currency)
    except InvalidAmount as error:
        raise NotUnderstood(field, error.text(get_locale().language)) from None


def units_of(field: str) -> int:
    """A number of units; an empty field is none."""
    typed = request.form.get(field, "").strip() or "0"
    if not typed.isascii() or not typed.isdigit() or int(typed[:9]) > MOST_UNITS or len(typed) > 9:
        raise NotUnderstood(field, _("Type a number of units, as in 2."))
    return int(typed)


def day_of(given: str) -> datetime.date | None:
    """A calendar day of a date field; None where there is none or it is no day."""
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        return None


def page_to_return_to() -> str:
    """The page of this shop that a form says it stood on; the first page where it names none of ours."""
    given = request.form.get("next", "")
    ours = given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable()
    return given if ours else url_for("attention.show")
