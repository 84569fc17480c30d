"""What a sandbox's dashboard shows and what can be done there, as data: its pages and forms are made from that.

A sandbox names its tables and its actions; those of payments, refunds, labels and the clock come with the books that
all sandboxes share, so that one has to name only what its provider has beyond them.
"""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

import attrs

from retour.model.money import Money
from retour.model.text import Text

Words: TypeAlias = "Text | str"
"""What people read: a `Text` in the language of each, or one text for all."""

Shown: TypeAlias = "Text | str | Money | datetime.datetime | int | Sequence[Text] | None"
"""What stands in a cell, written as the reader's language writes it; None is nothing."""


class FieldKind(StrEnum):
    """What is typed in a field, and what the method gets of it."""

    TEXT = "text"  #: words: a text
    AMOUNT = "amount"  #: an amount: `Money`
    CHOICE = "choice"  #: one of several: its key
    UNITS = "units"  #: products and how many of each: a mapping from SKU to number
    FILE = "file"  #: a file: its bytes


@attrs.frozen(kw_only=True)
class DashboardField:
    """What is typed for an action."""

    name: str
    """That of the method's argument."""

    label: Words
    """What stands above it."""

    kind: FieldKind = FieldKind.TEXT
    """What is typed, and what the method gets."""

    hint: Words = ""
    """How to write it, where that is not plain."""

    choices: Mapping[str, Words] = attrs.field(factory=dict)
    """Of a choice: what is handed over, and what people read."""

    most: Callable[[Any, Any], Money] | None = None
    """Of an amount: the largest, by the sandbox and the thing. Its currency is that of the field, and it is there when
    the page is opened. Without it the currency is chosen."""

    suggested: str = ""
    """What is there when the page is opened."""

    may_be_empty: bool = False
    """Whether it can be left empty, and is not handed over then."""


def _always(sandbox: object, thing: object) -> bool:
    del sandbox, thing
    return True


@attrs.frozen(kw_only=True)
class DashboardAction:
    """What a person does at the provider: a form with one button.

    ``method`` is that of the sandbox which does it. It is called with the name of the thing, if the action is about
    one, then with what was typed and what is ``given`` by their names. It raises `NotPossible` for what cannot be; the
    sentence of any other `ValueError` is shown as it is.
    """

    name: str
    """In addresses, in small letters and dashes, and its own in its sandbox."""

    label: Words
    """What stands on its button."""

    method: str
    """The name of the method of the sandbox which does it."""

    done: Words
    """What is said afterwards. ``{of}`` in it is the thing, ``{made}`` what the method gave, and each field has its
    name."""

    table: str = ""
    """The table that its thing is in, as ``"payments"``; empty for what is about the provider as a whole."""

    fields: Sequence[DashboardField] = ()
    """What is typed."""

    given: Mapping[str, object] = attrs.field(factory=dict)
    """What the method gets besides, by the names of its arguments."""

    explains: Words = ""
    """What it means, where its button does not say it."""

    needs: type[Any] | None = None
    """A protocol as `ChargesBack`: a sandbox that is none does not have the action."""

    offered: Callable[[Any, Any], bool] = _always
    """Whether it can be done now, by the sandbox and the thing."""


@attrs.frozen(kw_only=True)
class DashboardTable:
    """What a sandbox has in its books of one kind: a list, and a page for each thing that has a name."""

    name: str
    """In addresses, in small letters and dashes."""

    title: Words
    """What people call all of them."""

    things: Callable[[Any], Sequence[Any]]
    """All of them by the sandbox, the oldest first."""

    called: Callable[[Any], str]
    """The name of one, by which actions find it; empty for one without a page."""

    columns: Sequence[tuple[Words, Callable[[Any, Any], Shown]]]
    """What is shown of each: a heading, and the cell by the sandbox and the thing."""

    find: Callable[[Any, str], Any] | None = None
    """One of them by any name that it has, None if there is none; without it they are looked through."""

    details: Callable[[Any, Any], Mapping[str, object]] | None = None
    """What the provider has of one besides, in its own fields."""

    part_of: str = ""
    """The table whose things these belong to, on whose pages they stand too."""

    owner: Callable[[Any], Any] | None = None
    """The one of those that it belongs to."""


@attrs.frozen(kw_only=True)
class DashboardFile:
    """A file that a person gets from the provider, such as a statement."""

    name: str
    """Of the file, and in its address."""

    label: Words
    """What stands on the link."""

    content_type: str
    """Of what is in it."""

    method: str
    """The name of the method of the sandbox which makes it; it gives the bytes."""


@runtime_checkable
class HasDashboard(Protocol):
    """Of a sandbox with a dashboard, where a person does what a merchant does at the provider."""

    @property
    def dashboard_url(self) -> str:
        """Where it is, for a browser on this machine."""

    def dashboard_page(self, name: str, table: str = "") -> str:
        """The address of the page of one thing, by a name that a shop stored: of the first table, unless one is
        named."""


@cache
def check_dashboard(kind: Any) -> None:
    """Raise `TypeError`, with a sentence, where what a sandbox declares cannot work."""
    tables, actions = kind.dashboard_tables, kind.dashboard_actions
    known = [table.name for table in tables]
    for name in [*known, *[action.name for action in actions]]:
        if not re.fullmatch("[a-z][a-z-]*", name) or name in ("do", "files"):
            raise TypeError(f"{kind.__name__}: {name!r} cannot stand in an address; use small letters and dashes")
    for names in (known, [action.name for action in actions]):
        if twice := [name for name in names if names.count(name) > 1]:
            raise TypeError(f"{kind.__name__} declares {twice[0]!r} twice")
    for file in kind.dashboard_files:
        if not callable(getattr(kind, file.method, None)):
            raise TypeError(f"{kind.__name__} has no method {file.method!r}, which makes its file {file.name!r}")
    for action in actions:
        if action.table and action.table not in known:
            raise TypeError(f"{kind.__name__} has no table {action.table!r}, of which its action {action.name!r} is")
        _check_method(kind, action)


def _check_method(kind: type[Any], action: DashboardAction) -> None:
    method = getattr(kind, action.method, None)
    if action.needs is not None and not issubclass(kind, action.needs):
        return
    if not callable(method):
        raise TypeError(f"{kind.__name__} has no method {action.method!r}, which its action {action.name!r} calls")
    named = [field.name for field in action.fields] + list(action.given)
    try:
        inspect.signature(method).bind(None, *(("",) if action.table else ()), **dict.fromkeys(named))
    except TypeError as error:
        raise TypeError(f"{kind.__name__}.{action.method} for its action {action.name!r}: {error}") from None
