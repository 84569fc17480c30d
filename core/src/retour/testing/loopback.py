"""No socket but loopback: while it is on, nothing in this process connects or looks a name up anywhere else."""

from __future__ import annotations

import functools
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any


class NotLoopback(RuntimeError):
    """Something in a test wanted to leave this machine. Nothing was sent.

    No `OSError`: code that treats those as "no connection" would hide it.
    """


_METHODS = ("connect", "connect_ex", "sendto", "sendmsg")
_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
_INTERNET = (socket.AF_INET, socket.AF_INET6)

_lock = threading.RLock()
_guards = 0
_reached: Counter[str] = Counter()
_resolved: set[str] = set()
_originals: dict[str, Any] = {}


@contextmanager
def loopback_only() -> Iterator[None]:
    """Refuse every connection, datagram and name look-up that is not for loopback; raises `NotLoopback` there.

    For the whole process and all its threads, until the last one that asked for it is done. It sees what goes through
    Python's `socket`: not a library in C with its own sockets, and no other process.
    """
    _begin()
    try:
        yield
    finally:
        _end()


@contextmanager
def reaching(host: str) -> Iterator[None]:
    """Let one host through meanwhile: the provider's own, while a cassette is recorded from it."""
    with _lock:
        _reached[host] += 1
    try:
        yield
    finally:
        with _lock:
            _reached[host] -= 1
            if not +_reached:
                _resolved.clear()


def _begin() -> None:
    global _guards
    with _lock:
        _guards += 1
        if _guards > 1:
            return
        for name in _LOOKUPS:
            _originals[name] = getattr(socket, name)
            setattr(socket, name, _guarded_lookup(name, _originals[name]))
        for name in _METHODS:
            if hasattr(socket.socket, name):  # sendmsg is not everywhere
                _originals[f"socket.{name}"] = vars(socket.socket).get(name)
                setattr(socket.socket, name, _guarded_method(name, getattr(socket.socket, name)))


def _end() -> None:
    global _guards
    with _lock:
        _guards -= 1
        if _guards:
            return
        for name, original in _originals.items():
            method = name.removeprefix("socket.")
            if method == name:
                setattr(socket, name, original)
            elif original is None:
                delattr(socket.socket, method)  # the one of the C class shows again
            else:
                setattr(socket.socket, method, original)
        _originals.clear()


def _guarded_method(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def guarded(self: socket.socket, *arguments: Any, **named: Any) -> Any:
        address = _address(name, arguments)
        if self.family in _INTERNET and isinstance(address, tuple):
            _refuse_outside(name, address[0])
        return original(self, *arguments, **named)

    return guarded


def _address(method: str, arguments: tuple[Any, ...]) -> Any:
    """The address among a method's arguments; a datagram's comes last, and a connected socket's has none."""
    if method == "sendmsg":
        return arguments[3] if len(arguments) > 3 else None
    return arguments[-1] if arguments else None


def _guarded_lookup(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def guarded(*arguments: Any, **named: Any) -> Any:
        asked = arguments[0] if arguments else named.get("host")
        host = asked[0] if isinstance(asked, tuple) else asked
        _refuse_outside(name, host)
        found = original(*arguments, **named)
        if name == "getaddrinfo" and _reached[_text(host)] > 0:
            with _lock:
                _resolved.update(str(address[0]) for *_, address in found)
        return found

    return guarded


def _refuse_outside(what: str, host: object) -> None:
    name = _text(host)
    if _is_loopback(name) or _reached[name] > 0 or name in _resolved:
        return
    raise NotLoopback(f"{what} to {name} was refused: tests reach nothing but this machine. Nothing was sent.")


def _text(host: object) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")


def _is_loopback(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
