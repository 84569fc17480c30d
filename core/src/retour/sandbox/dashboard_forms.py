"""What was typed in a form of a dashboard, read as what a sandbox's method takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from retour.model.errors import InvalidAmount
from retour.model.money import Money, is_currency, shortened
from retour.model.text import Text, text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardField, FieldKind

CURRENCY = "-currency"
"""What follows the name of a field for an amount in the name of the one for its currency."""

LONGEST = 500
"""Characters that can be typed in a field."""

MOST_UNITS = 10_000
"""Units of one product that can come back at once."""

_UNITS = re.compile(r"(\S+?)(?:(?:\s+|\s*×\s*)([0-9]{1,6}))?")

Typed = Mapping[str, "str | bytes"]
"""What was typed, by the name of each field; bytes are a file."""


class NotTaken(Exception):
    """What was typed cannot be taken: why, by the name of the field."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


def typed_in(body: bytes, content_type: str) -> dict[str, str | bytes]:
    """The fields of a form as a browser sends it, with files or without; nothing of what is no form."""
    if not content_type.startswith("multipart/form-data"):
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, errors="replace"))
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    found: dict[str, str | bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content if part.get_filename() is not None else content.decode(errors="replace")
    return found


def arguments(action: DashboardAction, typed: Typed, sandbox: Any, thing: Any) -> dict[str, Any]:
    """What the method is called with, by name. Raises `NotTaken` with every fault at once."""
    found: dict[str, Any] = dict(action.given)
    faults: dict[str, Text] = {}
    for field in action.fields:
        given = typed.get(field.name, "")
        if not (given if isinstance(given, bytes) else given.strip()):
            if not field.may_be_empty:
                faults[field.name] = _MISSING[field.kind]
            continue
        try:
            found[field.name] = _read(field, given, typed, sandbox, thing)
        except _Fault as fault:
            faults[field.name] = fault.why
    if faults:
        raise NotTaken(faults)
    return found


class _Fault(Exception):
    def __init__(self, why: Text) -> None:
        self.why = why


_MISSING = {
    FieldKind.TEXT: text("Fill this in."),
    FieldKind.AMOUNT: text("Enter an amount."),
    FieldKind.CHOICE: text("Choose one of these."),
    FieldKind.UNITS: text("Enter at least one product."),
    FieldKind.FILE: text("Choose a file."),
}


def _read(field: DashboardField, given: str | bytes, typed: Typed, sandbox: Any, thing: Any) -> Any:
    if (field.kind is FieldKind.FILE) is not isinstance(given, bytes):
        raise _Fault(_MISSING[field.kind])
    if isinstance(given, bytes):
        return given
    if len(given) > LONGEST:
        raise _Fault(text("Write at most {most} characters.", most=LONGEST))
    match field.kind:
        case FieldKind.AMOUNT:
            return _amount(field, given, typed, sandbox, thing)
        case FieldKind.CHOICE:
            if given not in field.choices:
                raise _Fault(_MISSING[field.kind])
            return given
        case FieldKind.UNITS:
            return _units(given)
    if not given.strip().isprintable():
        raise _Fault(text("Write it on one line, without special characters."))
    return given.strip()


def _amount(field: DashboardField, given: str, typed: Typed, sandbox: Any, thing: Any) -> Money:
    most = None if field.most is None else field.most(sandbox, thing)
    currency = str(typed.get(f"{field.name}{CURRENCY}", "")).strip().upper() if most is None else most.currency
    if not is_currency(currency):
        wrong = shortened(currency)
        raise _Fault(text("{currency} is not a currency. Use its three letters, as in EUR.", currency=wrong))
    try:
        amount = Money.typed(given, currency)
    except InvalidAmount as error:
        raise _Fault(error.message) from None
    if most is not None and amount > most:
        raise _Fault(text("{amount} is too much: at most {left} is possible.", amount=amount, left=most))
    return amount


def _units(given: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in filter(None, [one.strip() for one in re.split(r"[\n,;]", given)]):
        read = _UNITS.fullmatch(line)
        units = 0 if read is None else int(read[2] or 1)
        if read is None or not 0 < units <= MOST_UNITS:
            raise _Fault(text("{line} is not a product and a number, as in teapot 2.", line=shortened(line)))
        found[read[1]] = found.get(read[1], 0) + units
    if not found:
        raise _Fault(_MISSING[FieldKind.UNITS])
    return found
