"""How values become rows and back: JSON bodies, read through cattrs and strict where it is money, and upcasters for
old ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from enum import Enum
from operator import itemgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
from cattrs.preconf.json import make_converter

from retour.model.actor import Actor, ActorKind
from retour.model.errors import InvalidValue, NotReadable, OrderUnreadable
from retour.model.events.event import EVENT_TYPES, Event, Recorded
from retour.model.exact_types import exactly
from retour.model.field_types import types_of
from retour.model.making import Reading, fields_of, unchecked, unchecked_from
from retour.model.text import Text, text
from retour.model.unreadable import ReadingFault, UnreadableRow
from retour.store.clock import as_datetime, microseconds
from retour.store.upcasters import UPCASTERS
from retour.store.writing import as_plain

_T = TypeVar("_T")


def _as_it_was_made(kind: Any) -> Callable[[Any, Any], Any]:
    """What is read back was checked when it was made; a value of the class is made of it, and not checked again."""
    types = types_of(kind)
    return unchecked_from(kind, {field.name: _reading(types[field.name]) for field in fields_of(kind)})


def _reading(kind: Any) -> Reading:
    """How a field is read: most are texts, numbers or nothing, and then no function is called; nor is one for a member
    of an enum that has its name."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    as_it_is = tuple([one for one in kinds if one in (str, int, bool, NoneType)])
    others = [one for one in kinds if one is not NoneType]
    only = others[0] if len(others) == 1 else kind  # what is nothing stands there as it is
    known = {one.value: one for one in only if type(one.value) is str} if _is_enum(only) else {}
    return Reading(only, as_it_is, known, _converter.get_structure_hook(only))


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_tuple_of_any_length(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,)


def _as_tuple(kind: Any) -> Callable[[Any, Any], Any]:
    """Each item by the same hook, which is looked for once."""
    of_each: Any = get_args(kind)[0]
    structure = _converter.get_structure_hook(of_each)
    return lambda value, _: tuple([structure(item, of_each) for item in value])


def _as_list(kind: Any) -> Callable[[Any], list[Any]]:
    """The way there: each item by the same hook, which is looked for once."""
    unstructure = _converter.get_unstructure_hook(get_args(kind)[0])
    return lambda value: [unstructure(item) for item in value]


def _exact_number(value: object, _: object) -> Decimal:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a decimal number in a text")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a decimal number") from None


_converter = make_converter(detailed_validation=False, omit_if_default=True)
_converter.register_structure_hook(int, exactly(int))
_converter.register_structure_hook(bool, exactly(bool))
_converter.register_structure_hook(Decimal, _exact_number)
_converter.register_structure_hook_factory(attrs.has, _as_it_was_made)
_converter.register_structure_hook_factory(_is_tuple_of_any_length, _as_tuple)
_converter.register_unstructure_hook(Decimal, str)
_converter.register_unstructure_hook_factory(_is_tuple_of_any_length, _as_list)
_converter.register_unstructure_hook_func(
    lambda kind: getattr(kind, "__origin__", kind) is frozenset, lambda value: sorted(value)
)

EVENT_COLUMNS = (
    "seq",
    "command",
    "at",
    "actor_kind",
    "actor_id",
    "type",
    "version",
    "body",
    "request_id",
    "request_digest",
)
"""The columns of an event that are read, in their order."""

_actor_kinds = {kind.value: kind for kind in ActorKind}
_actor = unchecked(Actor)
_recorded = unchecked(Recorded)
_columns_read = itemgetter(*EVENT_COLUMNS)

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_decoder: Any = json.JSONDecoder()
_decode, _scan = _decoder.decode, _decoder.scan_once
"""Made once: `json.dumps` makes an encoder for each call. What goes round in circles does not come so far."""


def _decoded(body: str) -> Any:
    """What a body says. Ours begin and end with what they hold: only another is looked through for blanks around it."""
    try:
        data, end = _scan(body, 0)
    except StopIteration:
        return _decode(body)
    return data if end == len(body) else _decode(body)


def as_json(value: object) -> str:
    """A value as compact JSON; the same value gives the same text."""
    return _encode(as_plain(value))


def digest(value: object) -> str:
    """A fingerprint of a command's arguments: the same for the same arguments, whatever they are.

    Raises `InvalidValue` for arguments that cannot be written down at all: no command takes such.
    """
    try:
        plain = json.dumps(_converter.unstructure(value), sort_keys=True, default=repr)
    except Exception:  # noqa: BLE001 - whatever a caller gave can fail in any way
        raise InvalidValue(text("An argument is no value that this command takes.")) from None
    return hashlib.sha256(plain.encode()).hexdigest()


def from_json(kind: type[_T], body: str) -> _T:
    """A value of ``kind`` from its JSON; keys that it does not know are ignored."""
    return _read(kind, _decoded(body))


def _read(kind: type[_T], data: Any) -> _T:
    """A value of ``kind`` from what was read of JSON."""
    value: _T = (_HOOKS.get(kind) or _hook_of(kind))(data, kind)
    return value


def _hook_of(kind: type) -> Callable[[Any, Any], Any]:
    """What makes values of ``kind``, looked for once."""
    hook = _HOOKS[kind] = _converter.get_structure_hook(kind)
    return hook


_HOOKS: dict[type, Callable[[Any, Any], Any]] = {}


def event_row(shop: str, order_id: str, recorded: Recorded, commit_id: str = "") -> dict[str, Any]:
    """An event as its row in ``retour_event``, written by the commit called ``commit_id``."""
    return {
        "shop": shop,
        "order_id": order_id,
        "seq": recorded.seq,
        "command": recorded.command,
        "at": microseconds(recorded.at),
        "actor_kind": recorded.by.kind.value,
        "actor_id": recorded.by.id,
        "type": recorded.event.type,
        "version": recorded.event.version,
        "body": as_json(recorded.event),
        "request_id": recorded.request_id,
        "request_digest": recorded.request_digest,
        "commit_id": commit_id,
    }


def proven_row(shop: str, order_id: str, recorded: Recorded, commit_id: str) -> dict[str, Any]:
    """An event as its row, proven to be read as what it is. Raises `NotReadable`: what is stored is kept for ever, and
    one event that cannot be read makes its order unreadable."""
    try:
        row = event_row(shop, order_id, recorded, commit_id)
        row["body"].encode()  # half a character is no text to a database
        if "\\u0000" not in row["body"] and read_event(order_id, _columns_read(row)) == recorded:
            return row
        why: Text | str = text("it reads as something else")
    except OrderUnreadable as error:
        why = error.row.error
    except Exception as error:  # noqa: BLE001 - a value that is none can fail in any way
        why = type(error).__name__
    raise NotReadable(
        text(
            "Order {order}: {event} holds a value that could not be read again ({why}), so nothing was changed. Look "
            "at what the shop, a plugin or the caller gave.",
            order=order_id,
            event=recorded.event.type,
            why=why,
        )
    )


def read_event(order_id: str, row: Any) -> Recorded:
    """A row of ``retour_event`` as the event. Raises `OrderUnreadable`, which says what is wrong with it."""
    return read_events(order_id, (row,))[0]


def read_events(order_id: str, rows: Iterable[Any]) -> list[Recorded]:
    """Rows of ``retour_event`` as the events. Raises `OrderUnreadable` for the first that is none, which says what is
    wrong with it. Who did it is made once for all of them: few people do much."""
    events: list[Recorded] = []
    people: dict[tuple[str, str], Actor] = {}
    for seq, command, at, actor_kind, actor_id, kind, version, body, request_id, request_digest in rows:
        try:
            event_type = EVENT_TYPES[kind]
            data = _decoded(body) if version == event_type.version else _as_of_now(event_type, version, body)
            by = people.get((actor_kind, actor_id))
            if by is None:
                by = people[actor_kind, actor_id] = _actor(_actor_kinds[actor_kind], actor_id)
            events.append(
                _recorded(
                    seq=seq,
                    command=command,
                    at=as_datetime(at),
                    by=by,
                    event=(_HOOKS.get(event_type) or _hook_of(event_type))(data, event_type),
                    request_id=request_id,
                    request_digest=request_digest,
                )
            )
        except Exception as error:  # noqa: BLE001 - it is raised on, with what it is of
            row = _unreadable(order_id, seq, kind, version, body, error)
            raise OrderUnreadable(row) from None if row.fault is ReadingFault.NEWER else error
    return events


def _unreadable(order_id: str, seq: int, kind: str, version: int, body: str, cause: Exception) -> UnreadableRow:
    """What is wrong with a row."""
    fault = _what_is_wrong(kind, version, body)
    return UnreadableRow(
        order_id=order_id,
        seq=seq,
        kind=kind,
        version=version,
        fault=fault,
        error="" if fault is ReadingFault.NEWER else type(cause).__name__,
    )


def _as_of_now(event_type: type[Event], version: int, body: str) -> Any:
    """What the body of an older version says, as this version would say it. Raises LookupError for a newer one."""
    if version > event_type.version:
        raise LookupError(f"{event_type.type} of version {version}")
    data = _decoded(body)
    while version < event_type.version:
        data = UPCASTERS[event_type.type, version](data)
        version += 1
    return data


def _what_is_wrong(kind: str, version: int, body: str) -> ReadingFault:
    """Why an event could not be read: how far one comes with it."""
    event_type = EVENT_TYPES.get(kind)
    if event_type is None or version > event_type.version:
        return ReadingFault.NEWER
    fault = ReadingFault.NOT_JSON
    with suppress(Exception):
        _decoded(body)
        fault = ReadingFault.UPCASTER
        _as_of_now(event_type, version, body)
        fault = ReadingFault.VALUE
    return fault


def read_effect(kind: type[_T], name: str, order_id: str, effect_id: str, body: str) -> _T:
    """The body of an effect of the kind called ``name`` as its value. Raises `OrderUnreadable`."""
    fault = ReadingFault.NOT_JSON
    try:
        data = _decoded(body)
        fault = ReadingFault.VALUE
        return _read(kind, data)
    except Exception as error:
        row = UnreadableRow(order_id=order_id, effect_id=effect_id, kind=name, fault=fault, error=type(error).__name__)
        raise OrderUnreadable(row) from error
