"""A browser without scripts: it opens pages, fills in the forms that stand in them and sends them, as a person does."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import attrs
import requests
from flask import Flask

DUTCH = "nl-NL,nl;q=0.9"
"""The language that browsers in the Netherlands ask for."""

_WITHOUT_END = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_NOT_READ = ("script", "style", "title")
_CHOSEN_LATER = ("happened", "option", "place")
"""Fields of the webshop's forms that hold nothing until somebody chooses."""


@attrs.define
class Form:
    """A form of a page: where it goes, and what is in it."""

    page: str
    """The address of its page."""

    action: str
    """Where it goes, as the page has it."""

    method: str
    multipart: bool = False
    fields: dict[str, str] = attrs.field(factory=dict)
    """What stands in each field."""

    files: list[str] = attrs.field(factory=list)
    """The names of fields for files."""

    choices: dict[str, list[str]] = attrs.field(factory=dict)
    """What can be chosen, by field."""

    buttons: list[tuple[str, str]] = attrs.field(factory=list)
    """Name and value of each button that sends it."""

    on_button: str = ""
    """The words on its last button."""

    @property
    def name(self) -> str:
        """The action of a dashboard that it is for, empty for a search."""
        return urlsplit(self.action).path.partition("/do/")[2]

    def goes_to(self, action: str) -> bool:
        """Whether it goes to an address that ends so, whatever is asked for there."""
        return urlsplit(self.action).path.endswith(action if action.startswith("/") else f"/{action}")


class Page(HTMLParser):
    """What a page has: forms, links, words as people read them, and each element with its attributes."""

    def __init__(self, url: str, status: int, html: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.url, self.status, self.html, self.headers = url, status, html, headers
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._words: list[str] = []
        self._said: dict[str, list[str]] = {}
        self._select = ""
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    @property
    def path(self) -> str:
        """Its address within the site, with what is asked for."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def words(self) -> str:
        """What a person reads, with single blanks."""
        return " ".join(" ".join(self._words).split())

    def form(self, action: str) -> Form:
        """The form that goes to an address ending so."""
        found = [one for one in self.forms if one.goes_to(action)]
        assert found, f"no form to {action} at {self.url}, {self.status}: {self.words}"
        return found[0]

    def has_form(self, action: str) -> bool:
        """Whether there is such a form."""
        return any(one.goes_to(action) for one in self.forms)

    def said(self, role: str = "status") -> str:
        """What a message says, empty where there is none."""
        return re.sub(r"\s+", " ", " ".join(self._said.get(role, ()))).strip()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note an element, and what it adds to its form."""
        given = {name: value or "" for name, value in attributes}
        self.elements.append((tag, given))
        if tag not in _WITHOUT_END:
            self._open.append((tag, given))
        if tag == "form":
            multipart = given.get("enctype") == "multipart/form-data"
            self.forms.append(Form(self.url, given.get("action", ""), given.get("method", "get"), multipart))
        if self.forms:
            self._fill(self.forms[-1], tag, given)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element without an inside."""
        self.elements.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        """The end of the element that was opened last."""
        assert self._open, f"{tag} was never open"
        assert self._open[-1][0] == tag, f"{tag} is closed in {self._open[-1][0]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Words, as far as they are read."""
        tag, given = self._open[-1] if self._open else ("", {})
        if tag == "textarea":
            self.forms[-1].fields[given["name"]] += data
        if tag in _NOT_READ:
            return
        self._words.append(data)
        if tag == "a":
            self.links[data] = urljoin(self.url, given.get("href", ""))
        elif tag == "button" and self.forms:
            self.forms[-1].on_button = data
        for role in {attributes.get("role", "") for _, attributes in self._open}:
            self._said.setdefault(role, []).append(data)

    def _fill(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "")
        if tag == "input" and kind == "file":
            form.files.append(name)
        elif tag == "input" and name and (kind != "radio" or "checked" in given):
            form.fields[name] = given.get("value", "")
        elif tag == "button" and kind != "button":
            form.buttons.append((name, given.get("value", "")))
        elif tag == "textarea":
            form.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and any(opened == "select" for opened, _ in self._open):
            choices = form.choices.setdefault(self._select, [])
            choices.append(given.get("value", ""))
            if "selected" in given or len(choices) == 1:
                form.fields[self._select] = choices[-1]


class Browser:
    """Somebody's browser, with his cookies and his language: at the pages of this machine."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._session = requests.Session()

    def get(self, url: str, **headers: str) -> Page:
        """Open a page, wherever it leads."""
        answer = self._session.get(url, headers=self._headers | headers, timeout=20)
        return Page(answer.url, answer.status_code, answer.text, answer.headers)

    def send(
        self,
        form: Form,
        press: tuple[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
        **typed: str,
    ) -> Page:
        """Send a form with what was typed in place of what stood there, by one of its buttons, with a ``file`` that was
        chosen, its name and what is in it; gives the page that this leads to. A dash in a field's name is typed as two
        low lines."""
        answer = self.post(form, self._filled(form, press, typed), file)
        return Page(answer.url, answer.status_code, answer.text, answer.headers)

    def post(
        self,
        form: Form,
        fields: Mapping[str, str],
        file: tuple[str, bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send fields to where a form goes, as a browser does."""
        parts = {form.files[0]: file} if file is not None else {} if form.multipart else None
        origin = "http://" + urlsplit(form.page).netloc
        url = urljoin(form.page, form.action)
        sent = self._headers | {"Origin": origin, **(headers or {})}
        return self._session.post(url, data=fields, files=parts, headers=sent, timeout=20)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept-Language": self.language}

    def _filled(self, form: Form, press: tuple[str, str] | None, typed: Mapping[str, str]) -> dict[str, str]:
        named = {name if name in form.fields else name.replace("__", "-"): value for name, value in typed.items()}
        assert set(named) <= {*form.fields, *_CHOSEN_LATER}, f"{named} is not in {sorted(form.fields)}"
        assert press is None or press in form.buttons, f"{press} is none of {form.buttons}"
        return {**form.fields, **named, **dict([press] if press else [])}


class ShopBrowser(Browser):
    """The same at a webshop that no server serves."""

    def __init__(self, app: Flask, language: str = DUTCH) -> None:
        super().__init__(language)
        self.client = app.test_client()

    def get(self, url: str, **headers: str) -> Page:
        """Open a page, wherever it leads."""
        return _page(self.client.get(url, headers=self._headers | headers, follow_redirects=True))

    def send(
        self,
        form: Form,
        press: tuple[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
        **typed: str,
    ) -> Page:
        """Send a form with what was typed in place of what stood there, by one of its buttons, with a ``file``."""
        values: dict[str, Any] = dict(self._filled(form, press, typed))
        if file is not None:
            values[form.files[0]] = (io.BytesIO(file[1]), file[0])
        return _page(self.client.post(form.action, data=values, headers=self._headers, follow_redirects=True))

    def log_in(self, password: str) -> Page:
        """Become the merchant."""
        return self.send(self.get("/login").form("/login"), password=password)


def _page(answer: Any) -> Page:
    html = answer.text if answer.mimetype == "text/html" else ""
    page = Page(answer.request.full_path.rstrip("?"), answer.status_code, html, answer.headers)
    answer.close()  # a file that was sent stays open until then
    return page
