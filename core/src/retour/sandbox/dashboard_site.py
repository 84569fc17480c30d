"""Serves a sandbox's dashboard: which page is asked for, and whether what is pressed may be done, and what came of it.

Any page that the browser shows can send a form to this computer. So a form counts only with the token that stands in
the pages of this server, which no other site can read; and pages are shown only by an address of this computer, which
no other site's name leads to.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from string import Formatter
from traceback import print_exc
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from retour.model.errors import RetourError
from retour.model.languages import preferred_language
from retour.model.text import Text, text
from retour.sandbox.dashboard_contract import DashboardTable, Words, check_dashboard
from retour.sandbox.dashboard_forms import NotTaken, Typed, arguments, typed_in
from retour.sandbox.dashboard_pages import FILES, ROOT, DashboardPages, WhyNot, found_in, offered, table_of
from retour.sandbox.markup import Markup
from retour.sandbox.not_possible import NotPossible
from retour.sandbox.server import ON_THIS_MACHINE, SandboxRequest, SandboxResponse

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1d4e89"/>'
    b'<path d="M4 8h8M4 8l3-3M4 8l3 3" stroke="#fff" stroke-width="2" fill="none"/></svg>'
)
_STYLE = Path(__file__).with_name("dashboard.css")
_REMEMBERED = 1000
"""Forms of which is remembered what came of them."""


class _Gone(Exception):
    """A page that is not there."""


class DashboardSite:
    """The dashboard of one sandbox, at ``/dashboard`` on its server. Safe to use from several threads."""

    def __init__(self, sandbox: Any) -> None:
        kind: Any = type(sandbox)
        check_dashboard(kind)
        self._sandbox = sandbox
        self._token = secrets.token_urlsafe(24)
        self._done: OrderedDict[str, tuple[Words, Sequence[str]]] = OrderedDict()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """The answer to a request of a browser."""
        if not _is_of_this_machine(request):
            return _page(403, Markup("This page is shown on this computer only: use 127.0.0.1 in its address.\n"))
        if request.method == "GET" and request.path in _FILES:
            return _FILES[request.path]()
        pages = self._pages(request)
        with self._sandbox.lock:
            self._sandbox.settle()
            try:
                return self._route(request, pages)
            except _Gone:
                title = text("There is no such page")
                return _page(404, pages.said(title, text("What you look for is not in this sandbox, or not any more.")))
            except Exception as error:  # noqa: BLE001 - a sandbox is anybody's code, and who wrote it wants to know
                print_exc()
                title = text("Something is wrong in this sandbox")
                return _page(500, pages.said(title, f"{type(error).__name__}: {error}"))

    def _pages(self, request: SandboxRequest) -> DashboardPages:
        asked = request.query.get("lang", "")
        language = preferred_language(asked or request.headers.get("accept-language"))
        done, _ = self._done.get(request.query.get("done", ""), ("", ()))
        return DashboardPages(
            sandbox=self._sandbox,
            language=language,
            token=self._token,
            asked=language if asked else "",
            here=_path(request),
            done=done,
        )

    def _route(self, request: SandboxRequest, pages: DashboardPages) -> SandboxResponse:
        match request.method, _path(request):
            case "GET", []:
                return _page(200, pages.overview())
            case "GET", [table]:
                number = request.query.get("page", "")
                page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
                found = self._table(table)
                return _page(200, pages.listed(found, page=page, find=request.query.get("find", "").strip()))
            case "GET", [folder, name] if folder == FILES:
                return self._file(name)
            case "GET", [table, name]:
                found = self._table(table)
                return _page(200, pages.thing(found, self._thing(found, name)))
            case "POST", ["do", name]:
                return self._press(request, pages, name)
        raise _Gone

    def _file(self, name: str) -> SandboxResponse:
        for file in self._sandbox.dashboard_files:
            if file.name == name:
                headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{file.name}"'}
                content = getattr(self._sandbox, file.method)()
                return SandboxResponse(status=200, body=content, headers=headers, content_type=file.content_type)
        raise _Gone

    def _table(self, name: str) -> DashboardTable:
        try:
            return table_of(self._sandbox, name)
        except LookupError:
            raise _Gone from None

    def _thing(self, table: DashboardTable, name: str) -> Any:
        thing = found_in(self._sandbox, table, name)
        if thing is None:
            raise _Gone
        return thing

    # --- what is pressed ---------------------------------------------------------------------------------

    def _press(self, request: SandboxRequest, pages: DashboardPages, name: str) -> SandboxResponse:
        """Do what a form asks for, once, however often it is sent."""
        typed = typed_in(request.body, request.headers.get("content-type", ""))
        if not (_is_same_origin(request) and self._has_token(typed)):
            title = text("Nothing was done")
            why = text("This form is not from a page of this dashboard. Open the dashboard and do it there.")
            return _page(403, pages.said(title, why))
        pressed = sha256(repr((name, sorted(typed.items()))).encode(errors="replace")).hexdigest()[:32]
        if pressed not in self._done:
            try:
                self._done[pressed] = self._act(name, typed, pages)
            except _NotDone as refused:
                return refused.answer
            if len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        _, place = self._done[pressed]
        return SandboxResponse(status=303, headers={**_HEADERS, "Location": pages.to(*place, done=pressed)})

    def _act(self, name: str, typed: Typed, pages: DashboardPages) -> tuple[Words, Sequence[str]]:
        """What was done in words, and on which page that is said. Raises `_NotDone`."""
        action = next((one for one in self._sandbox.dashboard_actions if one.name == name), None)
        if action is None:
            raise _Gone
        table = self._table(action.table) if action.table else None
        thing = None if table is None else self._thing(table, str(typed.get("of", "")))
        called = () if table is None else (table.called(thing),)

        def not_done(why: Words, faults: Mapping[str, Text] = MappingProxyType({})) -> _NotDone:
            refusal = WhyNot(why=why, action=name, typed=typed, faults=faults)
            again = attrs.evolve(pages, refusal=refusal, here=() if table is None else (table.name, *called))
            return _NotDone(_page(422, again.overview() if table is None else again.thing(table, thing)))

        if action not in offered(self._sandbox, action.table, thing):
            raise not_done(text("This cannot be done now, so nothing was done."))
        try:
            given = arguments(action, typed, self._sandbox, thing)
            made = getattr(self._sandbox, action.method)(*called, **given)
        except NotTaken as error:
            raise not_done(text("Nothing was done yet:"), error.faults) from None
        except RetourError as error:
            raise not_done(error.message) from None
        except NotPossible as error:
            raise not_done(error.message) from None
        except ValueError as error:  # what a sandbox of others refuses, in its own words
            raise not_done(str(error)) from None
        values = {**given, "of": called[0] if called else "", "made": made}
        return _filled(action.done, values), () if table is None else (table.name, *called)

    def _has_token(self, typed: Typed) -> bool:
        given = typed.get("token", "")
        return isinstance(given, str) and compare_digest(given.encode(errors="replace"), self._token.encode())


class _NotDone(Exception):
    """What was pressed was not done, and the ``answer`` says why."""

    def __init__(self, answer: SandboxResponse) -> None:
        self.answer = answer


def _path(request: SandboxRequest) -> list[str]:
    """The parts of the path below the dashboard's own."""
    return [unquote(part, errors="replace") for part in request.path.removeprefix(ROOT).split("/") if part]


def _filled(done: Words, values: Mapping[str, Any]) -> Words:
    """A sentence with the values that it names."""
    if isinstance(done, str):
        return done
    named = {name for _, name, _, _ in Formatter().parse(done.message) if name}
    return attrs.evolve(done, values={name: values[name] for name in named})


def _page(status: int, page: Markup) -> SandboxResponse:
    return SandboxResponse(
        status=status, body=page.encode(errors="replace"), headers=_HEADERS, content_type="text/html; charset=utf-8"
    )


def _style() -> SandboxResponse:
    return SandboxResponse(status=200, body=_STYLE.read_bytes(), headers=_HEADERS, content_type="text/css")


def _icon() -> SandboxResponse:
    return SandboxResponse(status=200, body=_ICON, headers=_HEADERS, content_type="image/svg+xml")


_FILES: Mapping[str, Callable[[], SandboxResponse]] = {f"{ROOT}/style.css": _style, f"{ROOT}/icon.svg": _icon}


def _is_of_this_machine(request: SandboxRequest) -> bool:
    """Whether the address in the browser is one of this computer, and no name that somebody else made lead here."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname in ON_THIS_MACHINE
    except ValueError:
        return False


def _is_same_origin(request: SandboxRequest) -> bool:
    """Whether a form was sent by a page of the same address, where the browser says by which."""
    origin = request.headers.get("origin")
    return origin is None or origin == f"http://{request.headers.get('host', '')}"
