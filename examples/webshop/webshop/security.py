"""What protects every page, in one place: the headers, the token in every form, and how much is read of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, abort, current_app, request, session
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from retour import LARGEST_WEBHOOK

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Only files of this shop: no script and no style stands in a page, so none that somebody writes into one runs."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
"""Headers of every answer, errors and files included."""

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes of a request with a file of staff in it: a photo as a phone makes it."""

_View = TypeVar("_View", bound=Callable[..., ResponseReturnValue])

csrf = CSRFProtect()
"""Every POST needs the token of its session, but for webhooks, which have none and are signed or only hints."""


def install(app: Flask) -> None:
    """Protect every page of ``app``."""
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_WEBHOOK,
        MAX_FORM_MEMORY_SIZE=LARGEST_WEBHOOK,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form that was left open for a day still works
    )
    app.url_map.merge_slashes = False  # else an address with two of them leads to whatever the Host header names
    app.before_request(_only_readable)
    app.before_request(_files_of_staff)
    csrf.init_app(app)
    app.after_request(_with_headers)


def _only_readable() -> None:
    """No id of ours has a character in it that nobody can read, and no database takes all of them."""
    if not request.path.isprintable():
        abort(404)


def takes_files(view: _View) -> _View:
    """Mark a form with which staff can send a file."""
    view.takes_files = True  # type: ignore[attr-defined]  # a function takes what is written on it
    return view


def _files_of_staff() -> None:
    """Nobody but staff sends more than a form of words, and staff only where a file is asked for."""
    view = current_app.view_functions.get(request.endpoint or "")
    if "staff" in session and getattr(view, "takes_files", False):
        request.max_content_length = LARGEST_FILE


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # Not no-store: the page that a browser goes back to is then the one that was sent, with the same request_id.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
