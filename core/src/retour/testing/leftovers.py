"""The last look at a cassette before it is written: nothing that must not be on it may be left, whatever form it has.

The scrubber takes out what it finds by field, by value and by shape. What it missed is looked for here in another way:
everything in the file is read as often as it can be, unescaped, unquoted, out of base64, and searched each time.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

import attrs
import yaml

from retour.model.order import BankAccount, Order, Payment
from retour.providers.wire import read_json
from retour.testing.scrubbing import GONE, LEAST_SECRET, Scrubber

_DEEPEST = 4
"""How often one text is read again: JSON in base64 in a query is three times."""

_LEAST_WORD = 5
"""Letters of a part of a name that is looked for on its own; a shorter one is part of other words too often."""

_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_UNREADABLE = "\ufffd"
"""What `bytes.decode` puts for bytes that are no text: it was no base64, or is of something else."""

_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})|\\(.)")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")

Personal = Order | Payment | BankAccount | str
"""What holds data of a person: an order, a payment, a bank account; or a name, a mail address, an IBAN itself."""


@attrs.frozen
class _Wanted:
    what: str
    is_in: Callable[[str], bool]


class Leftovers:
    """What must not be left on a cassette, and where it is."""

    def __init__(self) -> None:
        self._wanted: list[_Wanted] = []
        self._secrets: set[str] = set()
        self._shapes = Scrubber()

    def secret(self, what: str, value: str) -> None:
        """Look for a secret, which is told as ``what``; one of a few characters only where it stands on its own."""
        if value in self._secrets:
            return
        self._secrets.add(value)
        if len(value) >= LEAST_SECRET:
            self._want(what, lambda words: value in words)
        else:
            alone = re.compile(f"{_NO_LETTER_BEFORE}{re.escape(value)}{_NO_LETTER_AFTER}")
            self._want(what, lambda words: alone.search(words) is not None)

    def person(self, whose: Personal) -> None:
        """Look for what belongs to a person: of a name, each word that is not short, wherever it is a word."""
        match whose:
            case Order():
                for payment in whose.payments:
                    self.person(payment)
                if whose.customer:
                    self.person(whose.customer)
            case Payment():
                if whose.payer is not None:
                    self.person(whose.payer)
            case BankAccount():
                self._account(whose.iban)
                self.person(whose.name)
            case str():
                self._text(whose.strip())
            case _:
                raise TypeError(f"a {type(whose).__name__} is no order, payment, bank account or text")

    def places(self, words: str) -> list[str]:
        """Where in the text of a cassette something is left, and what; never the thing itself."""
        found = [
            f"{what}: {place}" for place, text in _texts(yaml.safe_load(words), self._masked) for what in self._in(text)
        ]
        return list(
            dict.fromkeys(found or [f"{one.what}: somewhere in the file" for one in self._wanted if one.is_in(words)])
        )

    def _want(self, what: str, is_in: Callable[[str], bool]) -> None:
        self._wanted.append(_Wanted(what, is_in))

    def _text(self, words: str) -> None:
        if _MAIL.fullmatch(words):
            self._want("a mail address", lambda said: words.casefold() in said.casefold())
        elif _IBAN.fullmatch(_compact(words)):
            self._account(words)
        elif words:
            parts = [re.escape(part) for part in words.split()]
            long = [re.escape(part) for part in words.split() if len(part) >= _LEAST_WORD]
            either = "|".join([r"[\W_]*".join(parts), *long])
            name = re.compile(rf"{_NO_LETTER_BEFORE}(?:{either}){_NO_LETTER_AFTER}", re.IGNORECASE)
            self._want("a name", lambda said: name.search(said) is not None)

    def _account(self, iban: str) -> None:
        compact = _compact(iban)
        if len(compact) >= LEAST_SECRET:
            self._want("an IBAN", lambda words: compact in _compact(words))

    def _in(self, text: str) -> Iterator[str]:
        """What is in a text, in any of its readings."""
        for reading in dict.fromkeys(_readings(text)):
            for one in self._wanted:
                if one.is_in(reading):
                    yield one.what
            if _UNREADABLE not in reading and self._shapes.text(reading) != reading:
                yield "what has the shape of a key, an IBAN or a mail address"

    def _masked(self, name: str) -> str:
        return GONE if next(self._in(name), None) else name


def _texts(cassette: Any, masked: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Every text of a cassette with its place, as a person calls it. ``masked`` makes a name fit to be shown."""
    for name, fact in cassette.get("metadata", {}).get("facts", {}).items():
        yield "the name of a fact", name
        yield from _inside(fact, f"fact {masked(name)}", "$", masked)
    for number, one in enumerate(cassette.get("interactions", ()), start=1):
        for side in ("request", "response"):
            place = f"{'request' if side == 'request' else 'answer'} {number}"
            parts = dict(one[side])
            for name, values in (parts.pop("headers", None) or {}).items():
                yield f"{place}, the name of a header", name
                yield from _inside(values, f"{place}, header {masked(name)}", "", masked)
            body = parts.pop("body", None)
            yield from _inside(body.get("string") if isinstance(body, dict) else body, f"{place}, body", "$", masked)
            for name, value in parts.items():
                yield from _inside(value, f"{place}, {name}", "", masked)


def _inside(value: Any, place: str, path: str, masked: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The texts in a value, in JSON that a text is too, with the path of each."""
    where = f"{place} {path}" if path not in ("", "$") else place
    match value:
        case dict():
            for name, inner in value.items():
                yield f"{where}, the name of a field", str(name)
                yield from _inside(inner, place, f"{path}.{masked(str(name))}", masked)
        case list() | tuple():
            for number, inner in enumerate(value):
                yield from _inside(inner, place, f"{path}[{number}]" if path else path, masked)
        case bytes():
            yield from _inside(value.decode(errors="replace"), place, path, masked)
        case str():
            inner = _json(value)
            if inner is None:
                yield where, value
            else:
                yield from _inside(inner, place, path, masked)
        case None | bool():
            return
        case _:
            yield where, str(value)


def _json(words: str) -> Any:
    """The object or list that a text is, if it is one."""
    if not words.lstrip().startswith(("{", "[")):
        return None
    try:
        return read_json(words)
    except ValueError:
        return None


def _readings(words: str, depth: int = 0) -> Iterator[str]:
    """A text, and what it says once it is unescaped, unquoted, or decoded from base64, where it can be."""
    yield words
    if depth == _DEEPEST or _UNREADABLE in words:
        return
    for other in dict.fromkeys([unquote_plus(words), _ESCAPED.sub(_unescaped, words), *_decoded(words)]):
        if other != words:
            yield from _readings(other, depth + 1)


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return " " if found[2] in "bfnrt" else found[2]


def _decoded(words: str) -> Iterator[str]:
    """What is in base64, also where it begins in the middle of a word."""
    for found in _BASE64.findall(words):
        for start in range(4):
            run = found[start:].rstrip("=").translate(_URL_SAFE)
            with_end = run + "=" * (-len(run) % 4) if len(run) % 4 != 1 else run[:-1]
            try:
                decoded = base64.b64decode(with_end)
            except binascii.Error:
                continue
            yield decoded.decode("utf-8", errors="replace")


def _compact(words: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", words.upper())
