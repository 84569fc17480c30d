"""A form that makes something makes one thing: the first, the second, the third of its kind. Which one stands in its
address, and its request_id follows from that. Whoever goes back to it goes back to the same one, however his browser
comes by the page, and pressing again cannot make another."""

from __future__ import annotations

import hashlib

import attrs
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webshop.forms import NotUnderstood

NUMBER = "number"
"""What an address and a form call which one it is."""

_MOST = 1_000_000


@attrs.frozen(kw_only=True)
class Making:
    """What a form makes: the one with a ``number`` of its ``kind``, where so many are ``made``. The kind names the
    order's part that they belong to, as in ``label rt_…``; what is made is counted so that it never becomes less."""

    kind: str
    made: int
    number: int

    @property
    def is_made(self) -> bool:
        """Whether it was made: by this form, or by another one like it."""
        return self.number <= self.made

    @property
    def next(self) -> int:
        """The number of the one that would be made now."""
        return self.made + 1

    @property
    def request_id(self) -> str:
        """The id of the command, the same for as long as it is about the same one."""
        return hashlib.sha256(f"{self.kind} {self.number}".encode()).hexdigest()[:32]


def making(kind: str, made: int) -> Making | None:
    """What the form at this address makes, or the one that was sent; None where that says no number that can be."""
    given = (request.form if request.method == "POST" else request.args).get(NUMBER, "")
    if not given.isascii() or not given.isdigit() or len(given) > len(str(_MOST)):
        return None
    number = int(given)
    return Making(kind=kind, made=made, number=number) if 1 <= number <= made + 1 else None


def sent(kind: str, made: int) -> Making:
    """What the form that was sent makes. Raises `NotUnderstood`."""
    found = making(kind, made)
    if found is None:
        raise NotUnderstood(NUMBER, _("This form is incomplete. Open the page again."))
    return found


def to_the_next(made: int) -> ResponseReturnValue:
    """The page of the form at hand, at the address of the one that would be made now."""
    return redirect(url_for(str(request.endpoint), **(request.view_args or {}), number=made + 1))
