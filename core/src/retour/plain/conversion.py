"""Values of retour as plain JSON and back, and the JSON Schema of each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import attrs

from retour.model.errors import InvalidArgument, InvalidValue
from retour.model.text import speaking, text
from retour.plain.annotations import shape_of
from retour.plain.shapes import Definitions, Extras, Json, Misfit, Shape

_T = TypeVar("_T")


def to_dict(value: object, *, personal: bool = False, language: str | None = None) -> dict[str, Json]:
    """A value of retour as plain JSON: dicts, lists, texts, whole numbers, true, false and null.

    What is about a person (names, addresses, bank accounts, notes) is left out unless ``personal``; a value that is
    nothing without it is refused then. Secrets have no form. With a ``language`` each amount, sentence and reason has
    its words beside it as ``text``, and each object the words of its states and kinds as ``in_words``: for a screen;
    who reads the JSON back passes over them.

    Of a mapping it writes what stands under each name: a value, several in a list, a tuple or a mapping, and texts,
    whole numbers, true, false and None as they are. So what a page shows is one call.

    Times are in UTC (RFC 3339), amounts in minor units, decimals and periods (ISO 8601) texts, members of enums their
    values. Raises `InvalidArgument` for what is no value of retour, `InvalidValue`, with the way to it, for one that
    was made behind the back of its class, `UnknownLanguage` for a language that there are no words in.

    >>> from retour import Money
    >>> to_dict(Money.of("44.95", "EUR"), language="nl")
    {'minor': 4495, 'currency': 'EUR', 'decimal': '44.95', 'text': '€\\xa044,95'}
    >>> to_dict({"order": "1001", "left": [Money.of("5", "EUR")]})
    {'order': '1001', 'left': [{'minor': 500, 'currency': 'EUR', 'decimal': '5.00'}]}
    """
    if language is not None:
        speaking(language)
    extras = Extras(personal=personal, language=language)
    if isinstance(value, Mapping):
        return {_name(name): _several(one, extras) for name, one in value.items()}
    return _written(value, extras)


def _written(value: object, extras: Extras) -> dict[str, Json]:
    kind = type(value)
    shape = _shape(kind)
    plain: dict[str, Json] = _fitting(kind, lambda: shape.plain(value, extras))
    return plain


def _several(value: object, extras: Extras) -> Json:
    """What stands under a name that a host gave: one, or several."""
    if isinstance(value, Mapping):
        return {_name(name): _one(one, extras) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_one(one, extras) for one in value]
    return _one(value, extras)


def _one(value: object, extras: Extras) -> Json:
    """A value of retour, or what is plain JSON already."""
    if value is None or isinstance(value, bool | int):
        return value
    return str.__str__(value) if isinstance(value, str) else _written(value, extras)


def _name(name: object) -> str:
    """A key of JSON: a text, or a member of an enum of texts, which stands for its value."""
    if not isinstance(name, str):
        raise _no_value(type(name))
    return str.__str__(name)


def from_dict(kind: type[_T], plain: Json) -> _T:
    """The value of ``kind`` that `to_dict` wrote: equal to it, but for what was left out.

    The JSON can come from anybody. Whatever it is, this gives a value that its class takes or raises `InvalidValue`
    with the way to what is wrong: a key that nobody knows, one that is missing, a number or a text that is none.
    A key whose field has a default can be left out. Raises `InvalidArgument` for a ``kind`` that is no value of retour.

    >>> from retour import Money
    >>> from_dict(Money, {"minor": 4495, "currency": "EUR"})
    Money(minor=4495, currency='EUR')
    """
    shape = _shape(kind)
    value: _T = _fitting(kind, lambda: shape.value(plain))
    return value


def json_schema(kind: type, *, definitions: str = "#/$defs/") -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of a value of retour: of what `to_dict` writes and `from_dict` reads.

    What is about a person has ``"x-personal": true``; what is written beside a value and passed over by who reads is
    ``readOnly``. ``definitions`` is where the definitions in ``$defs`` are referred to: in a document of OpenAPI 3.1
    they go to ``"#/components/schemas/"``. Raises `InvalidArgument` for what is no value of retour.

    >>> from retour import Money
    >>> json_schema(Money)["$defs"]["Money"]["required"]
    ['minor', 'currency']
    """
    named = _Named(definitions)
    shape = _shape(kind)
    reference = shape.schema(named)
    return {"$schema": DRAFT, **reference, "$defs": named.made}


def has_a_form(kind: type) -> bool:
    """Whether values of a class can be written as JSON: not those that can hold a secret or do something."""
    try:
        _shape(kind)
    except InvalidArgument:
        return False
    return True


DRAFT = "https://json-schema.org/draft/2020-12/schema"


def _shape(kind: Any) -> Shape:
    if not (isinstance(kind, type) and attrs.has(kind)):
        raise _no_value(kind if isinstance(kind, type) else type(kind))
    return _whole(kind)


def _no_value(kind: type) -> InvalidArgument:
    return InvalidArgument(
        text("{type} is no value of retour: give one of its values, or the class of one.", type=kind.__name__)
    )


@cache
def _whole(kind: type) -> Shape:
    """The shape of a class, once all of its fields are known to have one."""
    shape = shape_of(kind)
    shape.schema(_Named(""))  # it goes through all fields, and refuses what has no form before anything is written
    return shape


def _fitting(kind: type, do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Misfit as misfit:
        raise InvalidValue(misfit.sentence(kind.__name__)) from None


@attrs.define
class _Named(Definitions):
    """The definitions of a schema, by the names of their classes."""

    at: str
    made: dict[str, Json] = attrs.field(factory=dict)
    _of: dict[str, object] = attrs.field(factory=dict)

    def refer(self, kind: type | str, schema: Callable[[Definitions], dict[str, Json]]) -> dict[str, Json]:
        """A reference; two classes of one name are told apart by their packages."""
        name = kind if isinstance(kind, str) else kind.__name__
        if self._of.get(name, kind) is not kind and isinstance(kind, type):
            name = f"{kind.__module__.partition('.')[0]}.{name}"
        if name not in self._of:
            self._of[name] = kind
            self.made[name] = {}
            self.made[name] = schema(self)
        return {"$ref": f"{self.at}{name}"}
