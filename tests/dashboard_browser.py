"""A browser without scripts for the dashboards of sandboxes: it opens pages, fills in forms as they stand and sends
them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import attrs
import requests


@attrs.define
class Form:
    """A form of a page: where it goes, what is in its fields, and the words on its button."""

    action: str
    method: str
    multipart: bool
    fields: dict[str, str] = attrs.field(factory=dict)
    files: list[str] = attrs.field(factory=list)
    choices: dict[str, list[str]] = attrs.field(factory=dict)
    button: str = ""

    @property
    def name(self) -> str:
        """The action that it is for, empty for a search."""
        return urlsplit(self.action).path.partition("/do/")[2]


class Page(HTMLParser):
    """What a page has: forms, links, words as people read them, and each element with its attributes."""

    def __init__(self, url: str, answer: requests.Response) -> None:
        super().__init__()
        self.url, self.status, self.source = url, answer.status_code, answer.text
        self.headers = answer.headers
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._select = ""
        self.feed(answer.text)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    @property
    def text(self) -> str:
        """All words, with one blank between them."""
        return re.sub(r"\s+", " ", " ".join(self.words))

    def form(self, name: str) -> Form:
        """The form of an action."""
        found = [form for form in self.forms if form.name == name]
        assert len(found) == 1, f"{self.url} has {[form.name for form in self.forms]}: {self.text}"
        return found[0]

    def said(self, role: str = "status") -> str:
        """What a message says, empty where there is none."""
        return self._in_role.get(role, "")

    @property
    def _in_role(self) -> dict[str, str]:
        notices = re.finditer(r'<(p|div) role="(status|alert)" class="\w+">(.*?)</\1>', self.source)
        return {one[2]: re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", one[3]))).strip() for one in notices}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.elements.append((tag, given))
        if tag not in ("meta", "link", "input"):
            self._open.append((tag, given))
        if tag == "form":
            self.forms.append(
                Form(
                    action=given["action"] or "",
                    method=given.get("method") or "get",
                    multipart=given.get("enctype") == "multipart/form-data",
                )
            )
        elif tag in ("input", "textarea", "select") and given.get("name"):
            name = str(given["name"])
            if given.get("type") == "file":
                self.forms[-1].files.append(name)
            else:
                self.forms[-1].fields[name] = given.get("value") or ""
            self._select = name if tag == "select" else self._select
        elif tag == "option":
            choices = self.forms[-1].choices.setdefault(self._select, [])
            choices.append(given["value"] or "")
            if "selected" in given or len(choices) == 1:
                self.forms[-1].fields[self._select] = choices[-1]

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{tag} was never open"
        assert self._open[-1][0] == tag, f"{tag} is closed in {self._open[-1][0]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        tag, given = self._open[-1] if self._open else ("", {})
        if tag == "a":
            self.links[data] = urljoin(self.url, given["href"] or "")
        elif tag == "textarea":
            self.forms[-1].fields[str(given["name"])] = data
        elif tag == "button":
            self.forms[-1].button = data


class Browser:
    """Opens pages of this machine, in one language."""

    def __init__(self, language: str = "en") -> None:
        self._session = requests.Session()
        self._session.headers["Accept-Language"] = language

    def open(self, url: str, **headers: str) -> Page:
        """A page, whatever its status."""
        answer = self._session.get(url, headers=headers, timeout=20)
        return Page(answer.url, answer)

    def send(self, page: Page, form: Form | str, files: Mapping[str, bytes] | None = None, **typed: str) -> Page:
        """Fill a form in and send it; gives the page that this leads to."""
        answer = self.post(page, form, files, **typed)
        return Page(answer.url, answer)

    def post(
        self,
        page: Page,
        form: Form | str,
        files: Mapping[str, bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        **typed: str,
    ) -> requests.Response:
        """Fill a form in and send it, as a browser does."""
        found = page.form(form) if isinstance(form, str) else form
        fields = found.fields | {name.replace("__", "-"): value for name, value in typed.items()}
        origin = "http://" + urlsplit(page.url).netloc
        given: dict[str, Any] = {"data": fields}
        if found.multipart:
            given["files"] = {name: (name, content) for name, content in (files or {}).items()}
        url = urljoin(page.url, found.action)
        return self._session.post(url, headers={"Origin": origin, **(headers or {})}, timeout=20, **given)
