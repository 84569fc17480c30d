"""The pages of a sandbox's dashboard, made from what it declares: plain HTML without scripts, for any browser."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from retour.model.text import Text, localised, text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardField, DashboardTable, FieldKind, Shown, Words
from retour.sandbox.dashboard_forms import CURRENCY, LONGEST, Typed
from retour.sandbox.markup import Markup, tag, together

ROOT = "/dashboard"
"""Where a dashboard is on its sandbox's server."""

FILES = "files"
"""Where below it what can be downloaded is."""

NEWEST, PER_PAGE = 10, 25
"""Things of a table on the first page, and on a page of its own."""

LANGUAGES = {"en": "English", "nl": "Nederlands"}


@attrs.frozen(kw_only=True)
class WhyNot:
    """Why what was pressed was not done: in one sentence, and per field; with what was typed, to mend it."""

    why: Words
    action: str = ""
    typed: Typed = attrs.field(factory=dict)
    faults: Mapping[str, Text] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class DashboardPages:
    """The pages of a ``sandbox`` for one reader. ``asked`` is the language that an address asked for, if it did;
    ``here`` is the path of the page that is shown. ``token`` is what shows that a form is of this server; ``done`` is
    what was just done, and ``refusal`` why it was not."""

    sandbox: Any
    language: str
    token: str
    asked: str = ""
    here: Sequence[str] = ()
    done: Words = ""
    refusal: WhyNot | None = None

    # --- pages -------------------------------------------------------------------------------------------

    def overview(self) -> Markup:
        """What there is and what can be done, without choosing one thing first."""
        forms, buttons = self._forms("", None)
        return self._document(
            text("Overview"),
            self._facts(),
            buttons,
            *[self._newest(table) for table in self.sandbox.dashboard_tables],
            *[
                tag("p", tag("a", self.say(file.label), href=f"{ROOT}/{FILES}/{file.name}"))
                for file in self.sandbox.dashboard_files
            ],
            tag("h2", self.say(text("What else can be done"))),
            *forms,
        )

    def listed(self, table: DashboardTable, *, page: int, find: str) -> Markup:
        """All things of a table, the newest first, those whose name has ``find`` in it."""
        every = [one for one in reversed(table.things(self.sandbox)) if find.casefold() in table.called(one).casefold()]
        last = max(1, -(-len(every) // PER_PAGE))
        page = min(max(page, 1), last)
        shown = every[(page - 1) * PER_PAGE : page * PER_PAGE]
        return self._document(
            table.title,
            self._search(table, find),
            self._rows(table, shown),
            self._turning(table, page, last, find),
        )

    def thing(self, table: DashboardTable, thing: Any) -> Markup:
        """One thing: what the books say of it, what can be done with it, and what belongs to it."""
        name = table.called(thing)
        facts = [(heading, shows(self.sandbox, thing)) for heading, shows in table.columns]
        details = {} if table.details is None else table.details(self.sandbox, thing)
        forms, buttons = self._forms(table.name, thing)
        return self._document(
            text("{table}: {name}", table=table.title, name=name),
            self._owner(table, thing),
            self._list_of([(heading, self.say(value)) for heading, value in facts]),
            *forms,
            buttons,
            *[self._parts(part, thing) for part in self.sandbox.dashboard_tables if part.part_of == table.name],
            self._details(details),
        )

    def said(self, title: Words, words: Words) -> Markup:
        """A page that only says something."""
        return self._document(title, tag("p", self.say(words)))

    # --- words and addresses -----------------------------------------------------------------------------

    def say(self, value: Shown) -> str:
        """A value in the reader's language."""
        return "" if value is None else localised(value, self.language)

    def to(self, *path: str, **query: str | int) -> str:
        """The address of a page of this dashboard, in the language that was asked for."""
        asked = {**({"lang": self.asked} if self.asked else {}), **{key: str(value) for key, value in query.items()}}
        place = "/".join([ROOT, *[quote(part, safe="") for part in path]])
        return f"{place}?{urlencode(asked)}" if asked else place

    # --- the frame ---------------------------------------------------------------------------------------

    def _document(self, title: Words, *inside: str | None) -> Markup:
        name = self.say(self.sandbox.called)
        head = tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"{self.say(title)} – {name}"),
            tag("link", rel="stylesheet", href=f"{ROOT}/style.css"),
            tag("link", rel="icon", href=f"{ROOT}/icon.svg", type="image/svg+xml"),
        )
        body = tag(
            "body",
            tag("a", self.say(text("Skip to the contents")), href="#contents", class_="skip"),
            tag(
                "header",
                tag("p", tag("a", name, href=self.to()), class_="provider"),
                tag("p", self.say(text("A sandbox on this computer: no money moves and nothing is sent out."))),
                self._languages(),
            ),
            tag("main", *self._notices(), tag("h1", self.say(title)), *inside, id="contents"),
        )
        return Markup("<!doctype html>\n" + tag("html", head, body, lang=self.language.partition("_")[0]))

    def _languages(self) -> Markup:
        links = [
            tag("li", tag("a", name, href=attrs.evolve(self, asked=code).to(*self.here), lang=code, hreflang=code))
            for code, name in LANGUAGES.items()
        ]
        return tag("nav", tag("ul", *links, role="list"), aria_label=self.say(text("Language")))

    def _notices(self) -> list[Markup]:
        found = []
        if self.done:
            found.append(tag("p", self.say(self.done), role="status", class_="done"))
        if self.refusal is not None:
            foreign = isinstance(self.refusal.why, str)  # in the sandbox's own words, which are English
            links = [
                tag("li", tag("a", self.say(why), href=f"#{self.refusal.action}-{field}"))
                for field, why in self.refusal.faults.items()
            ]
            words = tag("p", self.say(self.refusal.why), lang="en" if foreign else None)
            found.append(tag("div", words, tag("ul", *links) if links else None, role="alert", class_="refused"))
        return found

    def _facts(self) -> Markup:
        return self._list_of([(heading, self.say(value)) for heading, value in self.sandbox.dashboard_facts()])

    def _list_of(self, pairs: Sequence[tuple[Words, str]]) -> Markup:
        said = [tag("div", tag("dt", self.say(head)), tag("dd", value or "–")) for head, value in pairs]
        return tag("dl", *said)

    # --- tables ------------------------------------------------------------------------------------------

    def _newest(self, table: DashboardTable) -> Markup:
        things = table.things(self.sandbox)
        more = None
        if len(things) > NEWEST:
            words = text("All of them: {count}", count=len(things))
            more = tag("p", tag("a", self.say(words), href=self.to(table.name)))
        return self._section(table, self._rows(table, things[: -NEWEST - 1 : -1]), more)

    def _parts(self, table: DashboardTable, owner: Any) -> Markup | None:
        mine = [one for one in table.things(self.sandbox) if table.owner is not None and table.owner(one) == owner]
        return self._section(table, self._rows(table, mine[::-1])) if mine else None

    def _section(self, table: DashboardTable, *inside: str | None) -> Markup:
        heading = tag("h2", self.say(table.title), id=f"of-{table.name}")
        return tag("section", heading, *inside, aria_labelledby=f"of-{table.name}")

    def _rows(self, table: DashboardTable, things: Sequence[Any]) -> Markup:
        """The roles are those of a table, which it stays when a narrow screen shows each row as a block."""
        if not things:
            return tag("p", self.say(text("Nothing yet.")))
        heads = [text("Name"), *[heading for heading, _ in table.columns]]
        top = tag("tr", *[tag("th", self.say(one), scope="col", role="columnheader") for one in heads], role="row")
        return tag(
            "table",
            tag("thead", top, role="rowgroup"),
            tag("tbody", *[self._row(table, heads, one) for one in things], role="rowgroup"),
            role="table",
            aria_label=self.say(table.title),
        )

    def _row(self, table: DashboardTable, heads: Sequence[Words], thing: Any) -> Markup:
        name = table.called(thing)
        first = tag("a", name, href=self.to(table.name, name)) if name else "–"
        cells = [first, *[self.say(shows(self.sandbox, thing)) or "–" for _, shows in table.columns]]
        shown = [
            tag("td", cell, role="cell", data_head=self.say(head)) for head, cell in zip(heads, cells, strict=True)
        ]
        return tag("tr", *shown, role="row")

    def _search(self, table: DashboardTable, find: str) -> Markup:
        return tag(
            "form",
            tag("input", type="hidden", name="lang", value=self.asked) if self.asked else None,
            tag("label", self.say(text("Part of a name")), for_="find"),
            tag("input", id="find", name="find", value=find, type="search", maxlength=str(LONGEST)),
            tag("button", self.say(text("Search")), type="submit"),
            method="get",
            action=f"{ROOT}/{table.name}",
            role="search",
        )

    def _turning(self, table: DashboardTable, page: int, last: int, find: str) -> Markup | None:
        if last == 1:
            return None
        query = {"find": find} if find else {}
        links = [
            tag("li", tag("a", self.say(words), href=self.to(table.name, page=number, **query)))
            for number, words in ((page - 1, text("Newer ones")), (page + 1, text("Older ones")))
            if 1 <= number <= last
        ]
        place = tag("p", self.say(text("Page {number} of {count}", number=page, count=last)))
        return tag("nav", place, tag("ul", *links, role="list"), aria_label=self.say(text("Pages")))

    def _owner(self, table: DashboardTable, thing: Any) -> Markup | None:
        for other in self.sandbox.dashboard_tables:
            if other.name == table.part_of and table.owner is not None:
                name = other.called(table.owner(thing))
                words = text("{table}: {name}", table=other.title, name=name)
                return tag("p", tag("a", self.say(words), href=self.to(other.name, name)))
        return None

    def _details(self, details: Mapping[str, object]) -> Markup | None:
        pairs: list[tuple[Words, str]] = []
        for key, value in details.items():
            with suppress(TypeError, ValueError):  # what is no data is nothing that the provider shows
                written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                pairs += [(key, written)] if value not in (None, "", {}, []) else []
        if not pairs:
            return None
        return tag("section", tag("h2", self.say(text("As the provider has it"))), self._list_of(pairs))

    # --- forms -------------------------------------------------------------------------------------------

    def _forms(self, table: str, thing: Any) -> tuple[list[Markup], Markup | None]:
        """What can be done now: the forms with something to type, and all that are one button."""
        actions = offered(self.sandbox, table, thing)
        forms = [self._form(action, thing) for action in actions if action.fields]
        buttons = [self._form(action, thing) for action in actions if not action.fields]
        return forms, tag("div", *buttons, class_="buttons") if buttons else None

    def _form(self, action: DashboardAction, thing: Any) -> Markup:
        refusal = self.refusal if self.refusal is not None and self.refusal.action == action.name else None
        hidden = {"token": self.token, "form": secrets.token_urlsafe(9)}
        if thing is not None:
            hidden["of"] = table_of(self.sandbox, action.table).called(thing)
        has_file = any(field.kind is FieldKind.FILE for field in action.fields)
        about = f"{action.name}-about"
        return tag(
            "form",
            *[tag("input", type="hidden", name=key, value=value) for key, value in hidden.items()],
            *[self._field(action, field, thing, refusal) for field in action.fields],
            tag("button", self.say(action.label), type="submit", aria_describedby=about if action.explains else None),
            tag("p", self.say(action.explains), id=about, class_="hint") if action.explains else None,
            method="post",
            action=self.to("do", action.name),
            enctype="multipart/form-data" if has_file else None,
            autocomplete="off",
            novalidate=True,
        )

    def _field(self, action: DashboardAction, field: DashboardField, thing: Any, refusal: WhyNot | None) -> Markup:
        name = f"{action.name}-{field.name}"
        fault = None if refusal is None else refusal.faults.get(field.name)
        said = [(f"{name}-{kind}", words) for kind, words in (("hint", field.hint), ("fault", fault)) if words]
        common = {
            "id": name,
            "name": field.name,
            "aria_describedby": " ".join([one for one, _ in said]) or None,
            "aria_invalid": "true" if fault else None,
        }
        typed = self._in_it(field, thing, refusal)
        return tag(
            "div",
            tag("label", self._label(field, thing), for_=name),
            *[tag("p", self.say(words), id=one, class_=one.rpartition("-")[2]) for one, words in said],
            self._control(field, typed, common),
            self._currency(action, field, refusal),
            class_="field",
        )

    def _label(self, field: DashboardField, thing: Any) -> str:
        label = self.say(field.label)
        if field.kind is FieldKind.AMOUNT and field.most is not None:
            label = f"{label} ({field.most(self.sandbox, thing).currency})"
        return f"{label} {self.say(text('(not needed)'))}" if field.may_be_empty else label

    def _in_it(self, field: DashboardField, thing: Any, refusal: WhyNot | None) -> str:
        """What is in a field: what was typed before, or what is suggested."""
        if refusal is not None:
            before = refusal.typed.get(field.name, "")
            return before if isinstance(before, str) else ""
        if field.most is not None:
            return field.most(self.sandbox, thing).as_typed(self.language)
        return field.suggested

    def _control(self, field: DashboardField, typed: str, common: Mapping[str, str | None]) -> Markup:
        if field.kind is FieldKind.CHOICE:
            options = [
                tag("option", self.say(words), value=key, selected=key == typed) for key, words in field.choices.items()
            ]
            return tag("select", *options, **common)
        if field.kind is FieldKind.UNITS:
            return tag("textarea", typed, rows="3", maxlength=str(LONGEST), **common)
        if field.kind is FieldKind.FILE:
            return tag("input", type="file", **common)
        mode = "decimal" if field.kind is FieldKind.AMOUNT else None
        return tag("input", type="text", value=typed, inputmode=mode, maxlength=str(LONGEST), **common)

    def _currency(self, action: DashboardAction, field: DashboardField, refusal: WhyNot | None) -> Markup | None:
        """Where an amount can be of any currency, the field for it."""
        if field.kind is not FieldKind.AMOUNT or field.most is not None:
            return None
        name = f"{field.name}{CURRENCY}"
        typed = "EUR" if refusal is None else str(refusal.typed.get(name, ""))
        whole = f"{action.name}-{name}"
        return together(
            tag("label", self.say(text("Currency")), for_=whole),
            tag("input", type="text", id=whole, name=name, value=typed, size="3", maxlength="3"),
        )


def offered(sandbox: Any, table: str, thing: Any) -> list[DashboardAction]:
    """What can be done now with a thing of a table, or with the provider as a whole."""
    return [
        action
        for action in sandbox.dashboard_actions
        if action.table == table
        and (action.needs is None or isinstance(sandbox, action.needs))
        and action.offered(sandbox, thing)
    ]


def table_of(sandbox: Any, name: str) -> DashboardTable:
    """A table by its name; raises `LookupError` if there is none."""
    for table in sandbox.dashboard_tables:
        if table.name == name:
            found: DashboardTable = table
            return found
    raise LookupError(name)


def found_in(sandbox: Any, table: DashboardTable, name: str) -> Any:
    """A thing of a table by its name, None if there is none."""
    if table.find is not None:
        return table.find(sandbox, name)
    return next((one for one in table.things(sandbox) if name and table.called(one) == name), None)
