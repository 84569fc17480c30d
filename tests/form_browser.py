"""A browser without scripts for the tests of the webshop: it reads pages, and sends the forms that stand in them as
they are, with what a person chose or typed in place of what was there."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

import attrs
from flask import Flask


@attrs.define
class Form:
    """A form of a page: where it goes, its fields with what is in them, and its buttons as (name, value)."""

    action: str
    method: str
    fields: dict[str, str] = attrs.field(factory=dict)
    buttons: list[tuple[str, str]] = attrs.field(factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._select = self._textarea = ""
        self._hidden_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        self._hidden_text = tag in ("script", "style", "title")
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        if not self.forms:
            return
        form, name = self.forms[-1], given.get("name", "")
        if tag == "input" and name and (given.get("type") != "radio" or "checked" in given):
            form.fields[name] = given.get("value", "")
        elif tag == "button" and given.get("type") != "button":
            form.buttons.append((name, given.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            form.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
        self._hidden_text = False

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1].fields[self._textarea] += data
        if not self._hidden_text:
            self.words.append(data)


@attrs.define
class Page:
    """An answer: its status, its HTML, and where it is."""

    status: int
    html: str
    path: str
    headers: Any
    _read: _Reader = attrs.field(factory=_Reader)

    def __attrs_post_init__(self) -> None:
        self._read.feed(self.html)

    @property
    def words(self) -> str:
        """What a person reads, with single blanks."""
        return " ".join(" ".join(self._read.words).split())

    @property
    def elements(self) -> list[tuple[str, dict[str, str]]]:
        """Every element with its attributes."""
        return self._read.elements

    @property
    def forms(self) -> list[Form]:
        """Every form, in the order of the page."""
        return self._read.forms

    def form(self, action: str) -> Form:
        """The form that goes to an address ending so."""
        found = [one for one in self._read.forms if one.action.partition("?")[0].endswith(action)]
        assert found, f"no form to {action} at {self.path}, {self.status}: {self.words}"
        return found[0]

    def has_form(self, action: str) -> bool:
        """Whether there is such a form."""
        return any(one.action.partition("?")[0].endswith(action) for one in self._read.forms)


class FormBrowser:
    """Somebody's browser at a shop, with his cookies and his language."""

    def __init__(self, app: Flask, language: str = "nl-NL,nl;q=0.9") -> None:
        self.client = app.test_client()
        self.language = language

    def get(self, path: str) -> Page:
        """Open a page, wherever it leads."""
        return self._page(self.client.get(path, headers=self._headers, follow_redirects=True))

    def send(
        self, form: Form, press: tuple[str, str] | None = None, file: tuple[str, bytes] | None = None, **typed: str
    ) -> Page:
        """Send a form with what was typed in place of what stood there, by one of its buttons; with a ``file`` that was
        chosen, its name and what is in it."""
        assert set(typed) <= set(form.fields) | _RADIOS, f"{typed} is not in {sorted(form.fields)}"
        assert press is None or press in form.buttons, f"{press} is none of {form.buttons}"
        values: dict[str, Any] = {**form.fields, **typed, **dict([press] if press else [])}
        if file is not None:
            assert "file" in form.fields, form.fields
            values["file"] = (io.BytesIO(file[1]), file[0])
        return self._page(self.client.post(form.action, data=values, headers=self._headers, follow_redirects=True))

    def log_in(self, password: str) -> Page:
        """Become the merchant."""
        return self.send(self.get("/login").form("/login"), password=password)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept-Language": self.language}

    def _page(self, answer: Any) -> Page:
        page = Page(answer.status_code, answer.text, answer.request.full_path.rstrip("?"), answer.headers)
        answer.close()  # a file that was sent stays open until then
        return page


_RADIOS = {"happened", "option", "place"}
"""Fields that hold nothing until somebody chooses."""
