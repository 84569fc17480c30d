"""The shape of each type: of a class of values by its fields, and of what its annotations name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs

from retour.model.errors import InvalidArgument
from retour.model.fields import LARGEST_INTEGER, LONGEST_WORDS, Between, Characters
from retour.model.making import fields_of
from retour.model.money import Money
from retour.model.personal import is_personal, is_secret
from retour.model.reasons import Reason
from retour.model.return_reasons import ReturnReason
from retour.model.text import RetourError, Text, text
from retour.plain.objects import check_beside, keys_of, missing, plain_at
from retour.plain.sentences import Sentence
from retour.plain.shapes import (
    WRITTEN,
    AsItIs,
    ClassName,
    Definitions,
    Extras,
    Json,
    Member,
    Misfit,
    OrNothing,
    Row,
    Several,
    Shape,
    Table,
    at,
    wanted,
)


@cache
def shape_of(annotation: Any) -> Shape:
    """The shape of a type. Raises `InvalidArgument` for one that JSON cannot hold."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bounded(annotation, *parts)
    if origin in (Union, UnionType) and len(parts) == 2 and NoneType in parts:
        (shape,) = [shape_of(one) for one in parts if one is not NoneType]
        return OrNothing(shape=shape, about_a_person=shape.about_a_person)
    if origin is tuple and parts[-1] is not Ellipsis:
        return Row(shapes=tuple([shape_of(one) for one in parts]))
    if origin in (tuple, frozenset):
        return Several(kind=origin, each=shape_of(parts[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Table(key=shape_of(parts[0]), each=shape_of(parts[1]))
    if origin is type:
        return ClassName()
    return _plain(annotation)


def _bounded(annotation: Any, kind: Any, *bounds: Any) -> Shape:
    """A text or a number within bounds."""
    if kind not in (str, int) or len(bounds) != 1 or not isinstance(bounds[0], Characters | Between):
        raise _cannot(annotation)
    return AsItIs(kind=kind, annotation=annotation, bounds=_in_schema(bounds[0]))


def _in_schema(bounds: Characters | Between) -> Mapping[str, Json]:
    if isinstance(bounds, Between):
        return {"type": "integer", "minimum": bounds.least, "maximum": bounds.most}
    never = {"pattern": f"^[^{bounds.never}]*$"} if bounds.never else {}
    return {"type": "string", "minLength": bounds.least, "maxLength": bounds.most, **never}


_BOUNDS: Mapping[type, Mapping[str, Json]] = {
    str: {"type": "string", "maxLength": LONGEST_WORDS},
    int: {"type": "integer", "minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER},
    bool: {"type": "boolean"},
}


def _plain(kind: Any) -> Shape:
    if kind in _BOUNDS:
        return AsItIs(kind=kind, annotation=kind, bounds=_BOUNDS[kind])
    if kind in WRITTEN:
        return WRITTEN[kind]
    if kind is Text:
        return SENTENCE
    if kind is Money:
        return Amount()
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Member(kind=kind, members={str.__str__(one.value): one for one in kind})
    if isinstance(kind, type) and attrs.has(kind):
        return Record(kind)
    raise _cannot(kind)


def _cannot(kind: Any) -> InvalidArgument:
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    return InvalidArgument(
        text("{type} has no form in JSON: it is no value of retour, or can hold a secret.", type=name)
    )


# --- amounts ---------------------------------------------------------------------------------------------


@attrs.frozen
class Amount:
    """An amount: minor units and the currency, and beside them the same as a decimal number, for who shows it."""

    about_a_person: bool = False

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """``{"minor": 4495, "currency": "EUR", "decimal": "44.95"}``."""
        if type(value) is not Money:
            raise wanted(text("{kind} as it is made by its class", kind="Money"), value)
        plain = {"minor": value.minor, "currency": value.currency, "decimal": str(value.decimal)}
        return plain if extras.language is None else {**plain, "text": value.render(extras.language)}

    def value(self, given: Json, /) -> Money:
        """Of the minor units and the currency; a decimal number that says something else is refused."""
        keys = keys_of(given, ("minor", "currency"), ("decimal", "text"))
        check_beside(keys)
        minor, currency = plain_at(keys, "minor", int), plain_at(keys, "currency", str)
        amount: Money = _made(lambda: Money(minor=minor, currency=currency))
        decimal = plain_at(keys, "decimal", str, str(amount.decimal))
        if decimal != str(amount.decimal):
            with at(".decimal"):
                raise wanted(text("“{value}”, as minor says", value=str(amount.decimal)), decimal)
        return amount

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """An object."""
        return named.refer(Money, _schema_of_money)


def _schema_of_money(named: Definitions) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {
            "minor": shape_of(int).schema(named),
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "decimal": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "readOnly": True},
            "text": {"type": "string", "readOnly": True},
        },
        "required": ["minor", "currency"],
        "additionalProperties": False,
    }


def _made(make: Callable[[], Any]) -> Any:
    """What a class makes of fields that fit each by itself; what it refuses is a misfit."""
    try:
        return make()
    except RetourError as error:
        why: Text | str = error.message
    except Exception as error:  # noqa: BLE001 - a class of a provider or a host refuses with errors of its own
        why = str(error)
    raise Misfit(lambda where: text("{path}: {why}", path=where, why=why))


# --- sentences -------------------------------------------------------------------------------------------

SENTENCE = Sentence(
    inside={
        "Money": (Money, lambda: shape_of(Money)),
        "ReturnReason": (ReturnReason, lambda: shape_of(ReturnReason)),
    }
)
"""A sentence for a person, and the values of ours that can stand in it."""


# --- values with fields ----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Part:
    """A field of a class: its shape, and how it is given to the class. It is ``needed`` where nothing can be made
    without it, and left out unless it is asked for where it is ``personal``."""

    name: str
    given_as: str
    shape: Shape
    default: Any
    needed: bool
    personal: bool

    @property
    def without(self) -> Any:
        """What the field is where nothing is said."""
        return self.default.factory() if isinstance(self.default, _FACTORY) else self.default


_FACTORY: Any = type(attrs.Factory(dict))
_IN_ONE_PIECE = (Reason, ReturnReason)
"""Values with fields that a reader reads as one text."""


class Record:
    """A class of values, as an object with a key for each field. Every key is written, null for None; one that has a
    default can be left out of what is read."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """The fields by their names. Raises `InvalidArgument` where one of them has no form in JSON."""
        hints = get_type_hints(self._kind, include_extras=True)
        return {part.name: part for part in self._parts(hints)}

    def _parts(self, hints: Mapping[str, Any]) -> Iterator[Part]:
        for field in fields_of(self._kind):
            hint = hints[field.name]
            if is_secret(field):
                raise _cannot(self._kind)
            if field.init and not _draws(hint):
                shape = shape_of(hint)
                yield Part(
                    name=field.name,
                    given_as=field.alias or field.name,
                    shape=shape,
                    default=field.default,
                    needed=field.default is attrs.NOTHING,
                    personal=is_personal(field) or shape.about_a_person,
                )

    @cached_property
    def about_a_person(self) -> bool:
        """Whether something that a value cannot be without is."""
        return any(part.needed and part.personal for part in self.parts.values())

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """An object."""
        if type(value) is not self._kind:
            raise wanted(text("{kind} as it is made by its class", kind=self._kind.__name__), value)
        if self.about_a_person and not extras.personal:
            raise Misfit(_only_if_asked(self._kind))
        plain: dict[str, Json] = {}
        for name, part in self.parts.items():
            if extras.personal or not part.personal:
                try:
                    plain[name] = part.shape.plain(getattr(value, name), extras)
                except Misfit as misfit:
                    raise misfit.under(f".{name}") from None
        if extras.language is not None:
            plain |= self._in_words(value, extras.language)
        return plain

    def _in_words(self, value: Any, language: str) -> dict[str, Json]:
        """What a reader of a language reads: a value in one piece, and the words of its states and kinds."""
        from retour.plugins.values_in_words import in_words

        if self._kind in _IN_ONE_PIECE:
            return {"text": value.text(language)}
        members = {name: getattr(value, name) for name in self.parts}
        return {"in_words": {name: in_words(one, language) for name, one in members.items() if isinstance(one, Enum)}}

    def value(self, given: Json, /) -> Any:
        """The value that its class makes of the keys."""
        parts = self.parts
        beside = "text" if self._kind in _IN_ONE_PIECE else "in_words"
        keys = keys_of(given, (), (*parts, beside))
        if beside in keys:
            check_beside({beside: keys[beside]})
        found = {}
        for name, part in parts.items():
            if name in keys:
                try:
                    found[part.given_as] = part.shape.value(keys[name])
                except Misfit as misfit:
                    raise misfit.under(f".{name}") from None
            elif part.needed:
                raise missing(name, personal=part.personal)
        return _made(lambda: self._kind(**found))

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """An object with these keys, and no other."""
        return named.refer(self._kind, self._schema)

    def _schema(self, named: Definitions) -> dict[str, Json]:
        properties = {part.name: _described(part, named) for part in self.parts.values()}
        if self._kind in _IN_ONE_PIECE:
            properties["text"] = {"type": "string", "readOnly": True}
        else:
            words = {"type": "object", "additionalProperties": {"type": "string"}, "readOnly": True}
            properties["in_words"] = words
        return {
            "type": "object",
            "description": inspect.cleandoc(self._kind.__doc__ or "").partition("\n\n")[0].replace("\n", " "),
            "properties": properties,
            "required": [part.name for part in self.parts.values() if part.needed],
            "additionalProperties": False,
        }


def _draws(hint: Any) -> bool:
    """Whether a field holds something that does, and is no value: a QR code draws itself."""
    return any(getattr(one, "_is_protocol", False) for one in (hint, *get_args(hint)))


def _only_if_asked(kind: type) -> Callable[[str], Text]:
    return lambda where: text(
        "{path}: {kind} is about a person, and written with personal=True only.", path=where, kind=kind.__name__
    )


def _described(part: Part, named: Definitions) -> dict[str, Json]:
    """The schema of a field, with its default and whether it is about a person."""
    schema = part.shape.schema(named)
    if not part.needed:
        schema = {**schema, "default": part.shape.plain(part.without, Extras(personal=True))}
    return {**schema, "x-personal": True} if part.personal else schema
