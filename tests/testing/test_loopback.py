"""While the guard is on, nothing leaves this machine, whichever way it tries, and loopback works as before."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import pytest
import requests

from retour.providers import ProviderSession
from retour.sandbox import SandboxResponse, SandboxServer
from retour.testing import NotLoopback, loopback_only

FAR = "192.0.2.1"
"""An address for documentation (RFC 5737), which is nowhere."""


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def tcp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


WAYS_OUT: dict[str, Callable[[], object]] = {
    "connect": lambda: _with(tcp(), lambda one: one.connect((FAR, 443))),
    "connect_to_a_name": lambda: _with(tcp(), lambda one: one.connect(("api.example.org", 443))),
    "connect_ex": lambda: _with(tcp(), lambda one: one.connect_ex((FAR, 443))),
    "sendto": lambda: _with(udp(), lambda one: one.sendto(b"x", (FAR, 53))),
    "sendto_with_flags": lambda: _with(udp(), lambda one: one.sendto(b"x", 0, (FAR, 53))),
    "sendmsg": lambda: _with(udp(), lambda one: one.sendmsg([b"x"], [], 0, (FAR, 53))),
    "create_connection": lambda: socket.create_connection(("api.example.org", 443)),
    "getaddrinfo": lambda: socket.getaddrinfo("api.example.org", 443),
    "getaddrinfo_by_name": lambda: socket.getaddrinfo(host="api.example.org", port=443),
    "getaddrinfo_of_bytes": lambda: socket.getaddrinfo(b"api.example.org", 443),
    "gethostbyname": lambda: socket.gethostbyname("api.example.org"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("api.example.org"),
    "gethostbyaddr": lambda: socket.gethostbyaddr(FAR),
    "getnameinfo": lambda: socket.getnameinfo((FAR, 443), 0),
    "provider_session": lambda: ProviderSession().read(f"https://{FAR}/"),
    "requests": lambda: requests.get("http://api.example.org/", timeout=1),
    "urllib": lambda: urllib.request.urlopen(f"http://{FAR}/", timeout=1),
    "asyncio": lambda: asyncio.run(asyncio.wait_for(asyncio.open_connection(FAR, 443), 1)),
    "any_address": lambda: _with(tcp(), lambda one: one.connect(("0.0.0.0", 443))),  # noqa: S104 - not bound
}


def _with(opened: socket.socket, call: Callable[[socket.socket], object]) -> object:
    with opened:
        return call(opened)


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_leads_out_of_this_machine(way: str) -> None:
    with loopback_only(), pytest.raises(NotLoopback, match=r"was refused: .* Nothing was sent"):
        WAYS_OUT[way]()


def test_the_guard_is_on_in_all_tests_of_this_repository() -> None:
    with pytest.raises(NotLoopback, match=r"connect to 192\.0\.2\.1 was refused"):
        WAYS_OUT["connect"]()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_works(host: str) -> None:
    with (
        loopback_only(),
        SandboxServer(lambda request: SandboxResponse(status=200, body={"path": request.path})) as one,
    ):
        answer = ProviderSession().read(f"http://{host}:{one.url.rpartition(':')[2]}/here")
    assert answer.json() == {"path": "/here"}


def test_sockets_inside_this_machine_work() -> None:
    with loopback_only():
        mine, yours = socket.socketpair()
        with mine, yours:
            mine.sendall(b"hello")
            assert yours.recv(5) == b"hello"


def run(script: str) -> None:
    """In a process of its own, where no guard is on yet and the real calls can be put aside."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


CALLED = """
import socket
from retour.testing.loopback import NotLoopback, loopback_only, reaching

called = []
def noted(name, answer=None):
    def call(*arguments, **named):
        called.append((name, arguments[-1]))
        return answer
    return call

for name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, name, noted(name))
far = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
    setattr(socket, name, noted(name, far))

def refused(call):
    try:
        call()
    except NotLoopback:
        return True
    return False
"""


def test_what_is_refused_never_reaches_the_system_so_nothing_was_sent() -> None:
    run(
        CALLED
        + """
with loopback_only(), socket.socket() as tcp:
    for host in ("192.0.2.1", "api.example.org"):
        assert refused(lambda: tcp.connect((host, 443)))
        assert refused(lambda: tcp.connect_ex((host, 443)))
        assert refused(lambda: tcp.sendto(b"x", (host, 443)))
        assert refused(lambda: tcp.sendmsg([b"x"], [], 0, (host, 443)))
        assert refused(lambda: socket.getaddrinfo(host, 443))
        assert refused(lambda: socket.gethostbyname(host))
    assert called == []
    tcp.connect(("127.0.0.1", 443))
    assert called == [("connect", ("127.0.0.1", 443))]
"""
    )


def test_one_host_can_be_reached_while_it_is_recorded_from_and_no_other() -> None:
    run(
        CALLED
        + """
with loopback_only(), socket.socket() as tcp:
    with reaching("api.example.org"):
        assert refused(lambda: tcp.connect(("192.0.2.1", 443)))
        assert socket.getaddrinfo("api.example.org", 443) == far
        tcp.connect(("192.0.2.1", 443))
        assert refused(lambda: tcp.connect(("192.0.2.2", 443)))
        assert refused(lambda: socket.getaddrinfo("www.example.org", 443))
    assert refused(lambda: socket.getaddrinfo("api.example.org", 443))
    assert refused(lambda: tcp.connect(("192.0.2.1", 443)))
"""
    )


def test_when_the_last_guard_is_off_everything_is_as_it_was() -> None:
    run(
        """
import socket
from retour.testing.loopback import loopback_only

before = dict(vars(socket.socket)), dict(vars(socket))
with loopback_only():
    with loopback_only():
        pass
    assert "connect" in vars(socket.socket), "the outer guard went off with the inner one"
assert (dict(vars(socket.socket)), dict(vars(socket))) == before
"""
    )
