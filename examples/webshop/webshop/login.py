"""The merchant logs in with one password, for half a day at most. Wrong ones are counted per address."""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from retour import Actor
from webshop import sessions
from webshop.forms import page_to_return_to
from webshop.guesses import Limit, TooManyGuesses, guess, reader_address
from webshop.running import the_shop

_View = TypeVar("_View", bound=Callable[..., ResponseReturnValue])

pages = Blueprint("login", __name__)

OF_AN_ADDRESS = Limit(name="login", most=5, within=datetime.timedelta(minutes=15))
"""Wrong passwords of one address."""

LASTS = datetime.timedelta(hours=12)
"""How long a login lasts, from when the password was typed."""


@pages.before_app_request
def only_for_the_merchant() -> ResponseReturnValue | None:
    """Every page is the merchant's, but for those that say that anybody may have them."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "for_everybody", False) or request.endpoint == "static" or who_is_here():
        return None
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("login.show", next=here))


def for_everybody(view: _View) -> _View:
    """Mark a page that needs no login."""
    view.for_everybody = True  # type: ignore[attr-defined]  # a function takes what is written on it
    return view


@pages.app_template_global("who_is_here")
def who_is_here() -> str:
    """The merchant of this browser, as its session names him; empty for anybody else. It is looked up once."""
    if "staff" not in session:
        return ""
    if "here" not in g:
        shop = the_shop()
        found = sessions.find(shop.engine, session["staff"], _password_as_known(shop.password))
        g.here = "" if found is None else found.holder
    return str(g.here)


def merchant() -> Actor:
    """Who is logged in."""
    return Actor.staff(who_is_here().removeprefix("staff "))


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
    language, before = session.get("language"), session.get("staff")
    session.clear()  # nothing of who was here before
    sessions.end(shop.engine, before)
    session["staff"] = sessions.begin(shop.engine, f"staff {shop.staff}", LASTS, _password_as_known(shop.password))
    if language:
        session["language"] = language
    return redirect(page_to_return_to(), 303)


@pages.post("/logout")
def leave() -> ResponseReturnValue:
    """The merchant leaves this browser. Nobody after him sees by Back what he saw."""
    sessions.end(the_shop().engine, session.get("staff"))
    return _out()


@pages.post("/logout/everywhere")
def leave_everywhere() -> ResponseReturnValue:
    """He leaves all of them: one that he lost, or that is not his, is out with its next press."""
    sessions.end_all(the_shop().engine, who_is_here())
    answer = _out()
    flash(_("You are logged out everywhere."))
    return answer


def logins() -> Sequence[sessions.Session]:
    """The browsers in which the merchant is logged in, the newest first."""
    shop = the_shop()
    return sessions.sessions_of(shop.engine, who_is_here(), _password_as_known(shop.password))


def _out() -> Response:
    session.clear()
    answer = redirect(url_for("login.show"), 303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _password_as_known(password: str) -> str:
    """What a session keeps of the password that it was begun with: with another one it is over. Nobody who has the
    database alone can try passwords on it."""
    secret = str(current_app.secret_key).encode()
    return hmac.digest(secret, f"password:{password}".encode(errors="surrogatepass"), "sha256").hex()


def _refused(error: str, status: int) -> ResponseReturnValue:
    return render_template("login.html", next=request.form.get("next", ""), error=error), status


def _is_the_password(given: str, right: str) -> bool:
    """Compared in a time that tells nothing of either."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(right.encode()).digest())
