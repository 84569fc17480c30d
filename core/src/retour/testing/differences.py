"""What differs between a request that was recorded and one that was made, in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from retour.providers.wire import read_json
from retour.testing.scrubbing import FORM, JSON, read_form

_NOTHING = object()


def differences(recorded: Any, sent: Any) -> list[str]:
    """Each difference between two requests of vcrpy's: method, address, headers, body. Both are scrubbed already."""
    return [*_of_address(recorded, sent), *_of_headers(recorded.headers, sent.headers), *_of_body(recorded, sent)]


def _of_address(recorded: Any, sent: Any) -> Iterator[str]:
    yield from _said("method", recorded.method, sent.method)
    old, new = urlsplit(recorded.uri), urlsplit(sent.uri)
    yield from _said("address", f"{old.scheme}://{old.netloc}", f"{new.scheme}://{new.netloc}")
    yield from _said("path", old.path or "/", new.path or "/")
    yield from _of_pairs("query", parse_qsl(old.query, True), parse_qsl(new.query, True))


def _of_headers(recorded: Any, sent: Any) -> Iterator[str]:
    old = {name.lower(): value for name, value in recorded.items()}
    new = {name.lower(): value for name, value in sent.items()}
    for name in sorted(old | new):
        yield from _said(f"header {name}", old.get(name, _NOTHING), new.get(name, _NOTHING))


def _of_body(recorded: Any, sent: Any) -> Iterator[str]:
    old, new = _words(recorded.body), _words(sent.body)
    if old == new:
        return
    kind = str(sent.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    if kind.endswith(FORM) and old and new:
        yield from _of_pairs("body", read_form(old), read_form(new))
        return
    if kind.endswith(JSON):
        try:
            yield from _of_values("body $", read_json(old), read_json(new))
            return
        except ValueError:
            pass
    yield from _said("body", old, new)


def _of_pairs(what: str, old: list[tuple[str, str]], new: list[tuple[str, str]]) -> Iterator[str]:
    """Fields by name; where a name comes more than once, its values in their order."""

    def by_name(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return found

    before, after = by_name(old), by_name(new)
    for name in dict.fromkeys([*before, *after]):
        mine, yours = before.get(name, [_NOTHING]), after.get(name, [_NOTHING])
        if len(mine) == len(yours) == 1:
            yield from _said(f"{what} {name}", mine[0], yours[0])
        else:
            yield from _said(f"{what} {name}", mine, yours)


def _of_values(path: str, old: Any, new: Any) -> Iterator[str]:
    """JSON values with their paths. ``1``, ``1.0``, ``"1"`` and ``true`` are four different things on the wire."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from _of_values(f"{path}.{name}", old.get(name, _NOTHING), new.get(name, _NOTHING))
    elif isinstance(old, list) and isinstance(new, list):
        for number in range(max(len(old), len(new))):
            mine, yours = (side[number] if number < len(side) else _NOTHING for side in (old, new))
            yield from _of_values(f"{path}[{number}]", mine, yours)
    else:
        yield from _said(path, old, new)


def _said(what: str, old: object, new: object) -> Iterator[str]:
    if _shown(old) != _shown(new):
        yield f"{what}: recorded {_shown(old)}, sent {_shown(new)}"


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "nothing"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _words(body: object) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
