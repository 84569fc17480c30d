"""No socket but loopback: while it is on, nothing in this process connects or looks a name up anywhere else.

Python tells its audit hooks of every connection, datagram and look-up before it makes one, whichever name it was called
by: ``socket``, ``_socket``, or a name that somebody imported before the guard was on. One thing it tells too late: that
a socket was handed a name and not an address, which is looked up first. So the methods that do so are patched besides.
"""

from __future__ import annotations

import functools
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, NamedTuple


class NotLoopback(RuntimeError):
    """Something in a test wanted to leave this machine. Nothing was sent.

    No `OSError`: code that treats those as "no connection" would hide it.
    """


class Refusal(NamedTuple):
    """One attempt to leave: ``what`` was called, for which ``host``."""

    what: str
    host: str

    def __str__(self) -> str:
        return f"{self.what} to {self.host}" if self.what in _METHODS else f"{self.what} of {self.host}"


_METHODS = ("connect", "connect_ex", "sendto", "sendmsg")
_LOOKUPS = frozenset({"getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo"})
_HEARD = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", *[f"socket.{name}" for name in _LOOKUPS]})
"""The audit events that a connection, a datagram or a look-up begins with; several calls share one."""

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_ONLY_LOOPBACK = "Tests reach nothing but this machine. Refused, and nothing was sent:"
_WHAT_TO_DO = (
    "Play a cassette or start a sandbox instead; a test that is about the refusal says so: "
    "@pytest.mark.retour_refused({hosts})"
)

_lock = threading.RLock()
_guards = 0
_hooked = False
_reached: Counter[str] = Counter()
_resolved: set[str] = set()
_refused: list[Refusal] = []
_originals: dict[str, Any] = {}


@contextmanager
def loopback_only() -> Iterator[None]:
    """Refuse every connection, datagram and name look-up that is not for loopback; raises `NotLoopback` there.

    For the whole process and all its threads, until the last one that asked for it is done. What was refused is
    remembered, since the code under test may hide it: ``take_refusals``. It sees what goes through Python's sockets:
    not a library in C with its own, and no other process.

    >>> with loopback_only():
    ...     socket.getaddrinfo("127.0.0.1", 443)[0][4][0]  # of any other host: NotLoopback
    '127.0.0.1'
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
        if _reached.total() == 1:
            _originals["getaddrinfo"] = socket.getaddrinfo
            socket.getaddrinfo = _noting(socket.getaddrinfo)
    try:
        yield
    finally:
        with _lock:
            _reached[host] -= 1
            if not _reached.total():
                _resolved.clear()
                socket.getaddrinfo = _originals.pop("getaddrinfo")


def take_refusals() -> list[Refusal]:
    """What was refused since somebody last took it, each once."""
    with _lock:
        taken = list(dict.fromkeys(_refused))
        _refused.clear()
    return taken


def refusals_not_meant(hosts: Iterable[str] | None, *, all_meant: bool) -> str:
    """What is wrong with the refusals that are to be taken, or nothing.

    ``hosts`` are those of which a test expects refusals, of any host if it names none; None where it expects none at
    all. ``all_meant`` says that the test is over, so that each of them must have been refused.
    """
    taken = take_refusals()
    meant = None if hosts is None else set(hosts)
    odd = [one for one in taken if meant is None or (meant and one.host not in meant)]
    if odd:
        named = ", ".join(f'"{host}"' for host in dict.fromkeys(one.host for one in odd))
        said = [_ONLY_LOOPBACK, *[f"  {one}" for one in odd], _WHAT_TO_DO.format(hosts=named)]
        return "\n".join(said)
    if meant is not None and all_meant:
        missing = meant - {one.host for one in taken} if meant else set() if taken else {"any host"}
        if missing:
            return f"@pytest.mark.retour_refused expects a refusal, and there was none of {', '.join(sorted(missing))}"
    return ""


def _begin() -> None:
    global _guards, _hooked
    with _lock:
        if not _hooked:
            _hooked = True  # no hook can be removed: there is one for ever, and it only looks while a guard is on
            sys.addaudithook(_hear)
        _guards += 1
        if _guards > 1:
            return
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
        for name in _METHODS:
            if f"socket.{name}" not in _originals:
                continue
            original = _originals.pop(f"socket.{name}")
            if original is None:
                delattr(socket.socket, name)  # the one of the C class shows again
            else:
                setattr(socket.socket, name, original)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Called for everything that Python audits, each import and each opened file: be quick."""
    if not _guards or event not in _HEARD:
        return
    what = event.removeprefix("socket.")
    if what in _LOOKUPS:
        asked = arguments[0]
        _refuse_outside(what, asked[0] if isinstance(asked, tuple) else asked)
        return
    opened, address = arguments
    if opened.family in _INTERNET and isinstance(address, tuple):
        _refuse_outside(what, address[0])


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


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    """A look-up that notes the addresses of a host that can be reached: they are what is connected to."""

    @functools.wraps(original)
    def noting(*arguments: Any, **named: Any) -> Any:
        host = arguments[0] if arguments else named.get("host")
        found = original(*arguments, **named)
        if _reached[_text(host)] > 0:
            with _lock:
                _resolved.update(str(address[0]) for *_, address in found)
        return found

    return noting


def _refuse_outside(what: str, host: object) -> None:
    name = _text(host)
    if _is_loopback(name) or _reached[name] > 0 or name in _resolved:
        return
    refusal = Refusal(what, name)
    with _lock:
        _refused.append(refusal)
    what_to_do = _WHAT_TO_DO.format(hosts=f'"{name}"')
    raise NotLoopback(f"{refusal} was refused: tests reach nothing but this machine. Nothing was sent. {what_to_do}")


def _text(host: object) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")


def _is_loopback(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
