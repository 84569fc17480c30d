"""The shape of a sentence: the English sentence that names it and its values, so that it comes back equal.

What is read may come from anywhere, and a sentence is filled in and translated when somebody reads it: so its holes are
names of its values and nothing else, and its domain is a package that can be looked up without being imported.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from retour.model.fields import fault_of, shown
from retour.model.frozen import frozen
from retour.model.text import Text, text
from retour.plain.objects import check_beside, keys_of, plain_at
from retour.plain.shapes import Definitions, Extras, Json, Misfit, Shape, at, of_each, read_day, wanted

DEEPEST = 16
"""Sentences in sentences, and lists in lists, of one sentence."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?([+-][0-9]{2}:[0-9]{2})?")
_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@frozen(kw_only=True)
class Sentence:
    """A `Text`. A value that JSON does not have is ``{"type": ..., "value": ...}``; ``inside`` are the types of ours
    among them, by their names. A value of foreign code that can only be rendered is written as its words."""

    inside: Mapping[str, tuple[type, Callable[[], Shape]]]
    about_a_person: bool = False

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """An object; with a language its words too, as ``text``."""
        return self._plain(value, extras, DEEPEST)

    def _plain(self, value: Any, extras: Extras, depth: int) -> Json:
        if type(value) is not Text:
            raise wanted(text("{kind} as it is made by its class", kind="Text"), value)
        values: dict[str, Json] = {}
        for name, one in value.values.items():
            with at(f".values.{name}"):
                values[name] = self._plain_value(one, extras, depth - 1)
        plain = {
            "message": value.message,
            "domain": value.domain,
            "values": values,
            "plural": value.plural,
            "count": value.count,
        }
        return plain if extras.language is None else {**plain, "text": _rendered(value, extras.language)}

    def _plain_value(self, value: Any, extras: Extras, depth: int) -> Json:
        _not_too_deep(depth)
        if value is None or type(value) in (bool, int):
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, datetime.datetime):
            return {"type": "datetime", "value": value.isoformat()}
        if isinstance(value, datetime.date):
            return {"type": "date", "value": value.isoformat()}
        if isinstance(value, list | tuple):
            items = of_each(self._plain_value, value, extras, depth - 1)
            return items if isinstance(value, list) else {"type": "tuple", "value": items}
        if type(value) is Text:
            return {"type": "Text", "value": self._plain(value, extras, depth)}
        for name, (kind, shape) in self.inside.items():
            if type(value) is kind:
                return {"type": name, "value": shape().plain(value, extras)}
        return _rendered(value, extras.language or "en")

    def value(self, given: Json, /) -> Text:
        """The sentence. Raises `Misfit` for one whose holes are no names of its values."""
        return self._value(given, DEEPEST)

    def _value(self, given: Json, depth: int) -> Text:
        keys = keys_of(given, ("message",), ("domain", "values", "plural", "count", "text"))
        check_beside(keys)
        message, plural = plain_at(keys, "message", str), plain_at(keys, "plural", str | None)
        domain, count = plain_at(keys, "domain", str, "retour"), plain_at(keys, "count", int | None)
        values: dict[str, Any] = {}
        with at(".values"):
            for name, one in keys_of(keys.get("values", {}), (), None).items():
                with at(f".{shown(name)}"):
                    values[name] = self._read_value(one, depth - 1)
        for key, words in {"message": message, "plural": plural}.items():
            if values and words is not None and not _filled_by(words, values):
                with at(f".{key}"):
                    raise wanted(text("a sentence whose holes are the names of its values"), words)
        parent, _, package = domain.rpartition(".")
        if not (_PACKAGE.fullmatch(package) and (not parent or parent in sys.modules)):
            with at(".domain"):
                raise wanted(text("the name of a package"), domain)
        return Text(message=message, domain=domain, values=values, plural=plural, count=count)

    def _read_value(self, given: Json, depth: int) -> Any:
        _not_too_deep(depth)
        for plain in (int, str):
            if type(given) is plain and fault_of("", given, plain) is None:
                return given
        if given is None or type(given) is bool:
            return given
        if type(given) is list:
            return of_each(self._read_value, given, depth - 1)
        if type(given) is not dict:
            raise wanted(text("a value of a sentence"), given)
        keys = keys_of(given, ("type", "value"), ())
        return self._tagged(keys["type"], keys["value"], depth)

    def _tagged(self, tag: Json, given: Json, depth: int) -> Any:
        known = (*_TAGS, *self.inside)
        if type(tag) is not str or tag not in known:
            with at(".type"):
                raise wanted(text("one of {choices}", choices=list(known)), tag)
        with at(".value"):
            if tag == "datetime":
                return _read(given, _read_time, text("a time, as in 2026-11-23T12:00:00+01:00"))
            if tag == "date":
                return _read(given, read_day, text("a calendar day, as in 2026-11-23"))
            if tag == "Text":
                return self._value(given, depth)
            if tag in self.inside:
                return self.inside[tag][1]().value(given)
            if type(given) is not list:
                raise wanted(text("a list"), given)
            return tuple(of_each(self._read_value, given, depth - 1))

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """An object."""
        return named.refer("Text", self._schema)

    def _schema(self, named: Definitions) -> dict[str, Json]:
        words = {"type": "string"}
        return {
            "type": "object",
            "description": "A sentence for a person: its English words, and the values of its holes.",
            "properties": {
                "message": words,
                "domain": {**words, "default": "retour"},
                "values": {"type": "object", "additionalProperties": self._schema_of_value(named), "default": {}},
                "plural": {"anyOf": [words, {"type": "null"}], "default": None},
                "count": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                "text": {**words, "readOnly": True},
            },
            "required": ["message"],
            "additionalProperties": False,
        }

    def _schema_of_value(self, named: Definitions) -> dict[str, Json]:
        return named.refer("TextValue", self._schema_of_values)

    def _schema_of_values(self, named: Definitions) -> dict[str, Json]:
        again = self._schema_of_value(named)
        tagged = {
            "datetime": {"type": "string", "pattern": f"^{_TIME.pattern}$"},
            "date": {"type": "string", "format": "date"},
            "tuple": {"type": "array", "items": again},
            "Text": self.schema(named),
            **{name: shape().schema(named) for name, (_, shape) in self.inside.items()},
        }
        return {
            "anyOf": [
                {"type": ["string", "integer", "boolean", "null"]},
                {"type": "array", "items": again},
                *[_tagged_schema(tag, schema) for tag, schema in tagged.items()],
            ]
        }


_TAGS = ("datetime", "date", "tuple", "Text")


def _tagged_schema(tag: str, schema: Json) -> Json:
    return {
        "type": "object",
        "properties": {"type": {"const": tag}, "value": schema},
        "required": ["type", "value"],
        "additionalProperties": False,
    }


def _rendered(value: Any, language: str) -> str:
    """The words of a sentence, or of a value of foreign code in one."""
    try:
        return str(value.render(language))
    except Exception:  # noqa: BLE001 - a text can hold values of foreign code
        raise wanted(text("a Text that every language can show"), value) from None


def _not_too_deep(depth: int) -> None:
    if depth <= 0:
        raise Misfit(lambda where: text("{path} is nested more than {most} deep.", path=where, most=DEEPEST))


def _read(given: Json, read: Callable[[str], Any], what: Text) -> Any:
    if type(given) is str and len(given) < 50:
        try:
            return read(given)
        except ValueError:
            pass
    raise wanted(what, given)


def _read_time(given: str) -> datetime.datetime:
    """A time in its own zone, in which it is shown, or in none. Raises ValueError."""
    if not _TIME.fullmatch(given):
        raise ValueError(given)
    return datetime.datetime.fromisoformat(given)


def _filled_by(words: str, values: Mapping[str, Any]) -> bool:
    """Whether each hole of a sentence is the name of a value: no part of one, and no way to write it."""
    try:
        holes = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(words) if name is not None]
    except ValueError:
        return False
    return all(name in values and not spec and not conversion for name, spec, conversion in holes)
