"""A customer has no account. Who knows an order's number and its mail address is let in to that order alone, for an
hour: see `sessions`."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import wraps

from flask import flash, redirect, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webshop import sessions
from webshop.login import for_everybody
from webshop.running import the_shop

LASTS = datetime.timedelta(hours=1)
"""How long somebody is let in, from when he said whose order it is."""


_HOLDER = "customer of "


def let_in(order_id: str) -> None:
    """From now on this is the customer of an order. Nothing of what the session was stays but the language and the
    merchant's login, where both use one browser: a token that somebody else planted would be known to him."""
    kept = {name: session[name] for name in ("language", "staff") if name in session}
    before = session.get("customer")
    session.clear()
    session.update(kept)
    sessions.end(the_shop().engine, before)
    session["customer"] = sessions.begin(the_shop().engine, f"{_HOLDER}{order_id}", LASTS)


def leave() -> None:
    """He is done."""
    sessions.end(the_shop().engine, session.pop("customer", None))


def order_let_in_to() -> str | None:
    """The order that the reader may see; None where he may see none, or no longer."""
    if "customer" not in session:
        return None
    found = sessions.find(the_shop().engine, session["customer"])
    return None if found is None else found.holder.removeprefix(_HOLDER)


def for_the_customer(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """A page of the order that its reader was let in to. Its id is given to it, and never stands in an address or a
    form: so there is no other one to name."""

    @for_everybody
    @wraps(view)
    def guarded(**named: str) -> ResponseReturnValue:
        order_id = order_let_in_to()
        if order_id is None:
            flash(_("Fill in again which order it is about: these pages stay open for an hour."))
            return redirect(url_for("customer_access.show"), 303)
        return view(order_id, **named)

    return guarded
