"""The merchant logs in with one password. Wrong ones are counted per address."""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import Actor
from webshop.forms import page_to_return_to
from webshop.guesses import Limit, TooManyGuesses, guess, reader_address
from webshop.running import the_shop

_View = TypeVar("_View", bound=Callable[..., ResponseReturnValue])

pages = Blueprint("login", __name__)

OF_AN_ADDRESS = Limit(name="login", most=5, within=datetime.timedelta(minutes=15))
"""Wrong passwords of one address."""


@pages.before_app_request
def only_for_the_merchant() -> ResponseReturnValue | None:
    """Every page is the merchant's, but for those that say that anybody may have them."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "for_everybody", False) or request.endpoint == "static" or "staff" in session:
        return None
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("login.show", next=here))


def for_everybody(view: _View) -> _View:
    """Mark a page that needs no login."""
    view.for_everybody = True  # type: ignore[attr-defined]  # a function takes what is written on it
    return view


def merchant() -> Actor:
    """Who is logged in."""
    return Actor.staff(session["staff"])


@pages.get("/login")
@for_everybody
def show() -> ResponseReturnValue:
    """The form."""
    return render_template("login.html", next=request.args.get("next", ""), error="")


@pages.post("/login")
@for_everybody
def enter() -> ResponseReturnValue:
    """The password was sent."""
    shop, given = the_shop(), request.form.get("password", "")
    try:
        limits = [(OF_AN_ADDRESS, reader_address())]
        if not guess(shop.engine, limits, lambda _connection: _is_the_password(given, shop.password)):
            return _refused(_("That is not the password."), 403)
    except TooManyGuesses:
        return _refused(_("Too many wrong passwords. Try again in a quarter of an hour."), 429)
    language = session.get("language")
    session.clear()  # nothing of who was here before
    session["staff"] = shop.staff
    if language:
        session["language"] = language
    return redirect(page_to_return_to(), 303)


@pages.post("/logout")
def leave() -> ResponseReturnValue:
    """The merchant leaves. Nobody after him sees by Back what he saw."""
    session.clear()
    answer = redirect(url_for("login.show"), 303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _refused(error: str, status: int) -> ResponseReturnValue:
    return render_template("login.html", next=request.form.get("next", ""), error=error), status


def _is_the_password(given: str, right: str) -> bool:
    """Compared in a time that tells nothing of either."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(right.encode()).digest())
