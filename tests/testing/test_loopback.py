"""While the guard is on, nothing leaves this machine, whichever way it tries, and loopback works as before."""

from __future__ import annotations

import _socket
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
from retour.testing.loopback import refusals_not_meant, take_refusals

FAR = "192.0.2.1"
"""An address for documentation (RFC 5737), which is nowhere."""

EARLY_LOOKUP, EARLY_CONNECT = socket.getaddrinfo, socket.socket.connect
"""What somebody imported by name, before a guard was on or after."""


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
    "name_imported_early": lambda: EARLY_LOOKUP("api.example.org", 443),
    "method_taken_early": lambda: _with(tcp(), lambda one: EARLY_CONNECT(one, (FAR, 443))),
    "connect_in_c": lambda: _with_c(_socket.SOCK_STREAM, lambda one: one.connect((FAR, 443))),
    "connect_ex_in_c": lambda: _with_c(_socket.SOCK_STREAM, lambda one: one.connect_ex((FAR, 443))),
    "sendto_in_c": lambda: _with_c(_socket.SOCK_DGRAM, lambda one: one.sendto(b"x", (FAR, 53))),
    "sendmsg_in_c": lambda: _with_c(_socket.SOCK_DGRAM, lambda one: one.sendmsg([b"x"], [], 0, (FAR, 53))),
    "lookup_in_c": lambda: _socket.getaddrinfo("api.example.org", 443),
    "old_lookup_in_c": lambda: _socket.gethostbyname_ex("api.example.org"),
    "any_address": lambda: _with(tcp(), lambda one: one.connect(("0.0.0.0", 443))),  # noqa: S104 - not bound
}


def _with(opened: socket.socket, call: Callable[[socket.socket], object]) -> object:
    with opened:
        return call(opened)


def _with_c(kind: int, call: Callable[[_socket.socket], object]) -> object:
    opened = _socket.socket(_socket.AF_INET, kind)
    try:
        return call(opened)
    finally:
        opened.close()


@pytest.mark.retour_refused
@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_leads_out_of_this_machine(way: str) -> None:
    with loopback_only(), pytest.raises(NotLoopback, match=r"was refused: .* Nothing was sent"):
        WAYS_OUT[way]()


@pytest.mark.retour_refused(FAR)
def test_the_guard_is_on_in_all_tests_of_this_repository() -> None:
    with pytest.raises(NotLoopback, match=r"connect to 192\.0\.2\.1 was refused"):
        WAYS_OUT["connect"]()


@pytest.mark.retour_refused
def test_what_was_refused_is_remembered_until_somebody_takes_it() -> None:
    assert take_refusals() == []
    for way in ("connect", "connect", "gethostbyname"):
        with pytest.raises(NotLoopback):
            WAYS_OUT[way]()
    taken = take_refusals()
    assert [str(one) for one in taken] == ["connect to 192.0.2.1", "gethostbyname of api.example.org"]
    assert take_refusals() == []
    with pytest.raises(NotLoopback):
        WAYS_OUT["connect"]()  # of which this test itself says that it is meant


@pytest.mark.retour_refused
@pytest.mark.parametrize(
    "hosts, said",
    [
        (None, "connect to 192.0.2.1"),
        (["api.example.org"], "connect to 192.0.2.1"),
        ([], ""),
        ([FAR], ""),
        ([FAR, "api.example.org"], "there was none of api.example.org"),
    ],
)
def test_refusals_are_held_against_what_a_test_means_to_be_refused(hosts: list[str] | None, said: str) -> None:
    with pytest.raises(NotLoopback):
        WAYS_OUT["connect"]()
    told = refusals_not_meant(hosts, all_meant=True)
    assert said in told if said else told == ""
    assert take_refusals() == []
    with pytest.raises(NotLoopback):
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


REFUSED = """
import socket, sys
from retour.testing.loopback import NotLoopback, loopback_only, reaching

def refused(call):
    try:
        call()
    except NotLoopback:
        return True
    return False
"""


def test_a_name_that_a_socket_is_handed_is_refused_before_it_is_looked_up() -> None:
    """Python's audit tells of it afterwards; the calls are put aside here, to see that they are not reached."""
    run(
        REFUSED
        + """
called = []
def noted(name):
    def call(self, *arguments):
        called.append((name, arguments[-1]))
    return call

for name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, name, noted(name))
with loopback_only(), socket.socket() as tcp:
    for host in ("192.0.2.1", "api.example.org"):
        assert refused(lambda: tcp.connect((host, 443)))
        assert refused(lambda: tcp.connect_ex((host, 443)))
        assert refused(lambda: tcp.sendto(b"x", (host, 443)))
        assert refused(lambda: tcp.sendmsg([b"x"], [], 0, (host, 443)))
    assert called == []
    tcp.connect(("127.0.0.1", 443))
    assert called == [("connect", ("127.0.0.1", 443))]
"""
    )


def test_one_host_can_be_reached_while_it_is_recorded_from_and_no_other() -> None:
    """Python's audit is told what a connection would tell it, and none is made."""
    run(
        REFUSED
        + """
far = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
def found(host, port):
    sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
    return far
socket.getaddrinfo = found

with loopback_only(), socket.socket() as tcp:
    def connect(host):
        sys.audit("socket.connect", tcp, (host, 443))
    with reaching("api.example.org"):
        assert refused(lambda: connect("192.0.2.1"))
        assert socket.getaddrinfo("api.example.org", 443) == far
        connect("192.0.2.1")
        assert refused(lambda: connect("192.0.2.2"))
        assert refused(lambda: socket.getaddrinfo("www.example.org", 443))
    assert socket.getaddrinfo is found
    assert refused(lambda: socket.getaddrinfo("api.example.org", 443))
    assert refused(lambda: connect("192.0.2.1"))
"""
    )


def test_there_is_one_audit_hook_however_often_the_guard_is_on_and_it_lets_everything_through_while_it_is_off() -> None:
    run(
        """
import socket, sys
hooks = []
add = sys.addaudithook
sys.addaudithook = lambda hook: (hooks.append(hook), add(hook))
from retour.testing.loopback import loopback_only

assert hooks == []
for _ in range(3):
    with loopback_only():
        pass
assert len(hooks) == 1
sys.audit("socket.getaddrinfo", "api.example.org", 443, 0, 0, 0)
with socket.socket() as tcp:
    sys.audit("socket.connect", tcp, ("192.0.2.1", 443))
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
