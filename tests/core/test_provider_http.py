"""The HTTP session that a provider gets: what it never sends, and what it never follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retour.providers import Disposition, ErrorCode, ProviderError, ProviderSession
from retour.sandbox import SandboxRequest, SandboxResponse, SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Answers with a cookie; ``/moved`` leads elsewhere."""

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.path == "/moved":
            return SandboxResponse(status=307, headers={"Location": "/elsewhere"})
        return SandboxResponse(status=200, body={}, headers={"Set-Cookie": "session=1; Path=/"})

    with SandboxServer(handle) as made:
        yield made


def test_a_cookie_that_a_provider_sets_is_never_sent_back(server: SandboxServer) -> None:
    http = ProviderSession()
    http.read(f"{server.url}/a")
    http.write("POST", f"{server.url}/b", json_body={})
    http.read(f"{server.url}/c")
    assert ["cookie" in request.headers for request in server.requests] == [False, False, False]


def test_proxies_and_passwords_of_the_machine_take_no_part_in_a_call(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert ProviderSession().write("POST", f"{server.url}/a", form={"b": "1"}).status == 200
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example/payments",
        "ftp://127.0.0.1/payments",
        "{server}@127.0.0.1:9/payments",
        "http://shop:hush@{host}/payments",
        "https://shop:hush@{host}/payments",
        "http://hush@{host}/payments",
        "{server}/payments#hush",
        "{server}/pay\r\nments",
        "{server}\\@api.example/payments",
        "{server}/ payments",
        "http://127.0.0.1:hush/payments",
        "http://[::1/payments",
        "/payments",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_is_called_that_no_settings_should_take(server: SandboxServer, method: str, address: str) -> None:
    """Whatever a third party's settings take, and whatever its plugin makes of it."""
    http = ProviderSession()
    url = address.format(server=server.url, host=server.url.removeprefix("http://"))
    with pytest.raises(ProviderError, match="what is called must be an address that begins with https") as caught:
        http.read(url) if method == "GET" else http.write(method, url, json_body={"amount": 1})
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.CONFIGURATION, Disposition.FIX)
    assert "hush" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_is_followed(server: SandboxServer, method: str) -> None:
    http = ProviderSession()
    url = f"{server.url}/moved"
    answer = http.read(url) if method == "GET" else http.write(method, url, json_body={"amount": 1})
    assert (answer.status, answer.headers["location"]) == (307, "/elsewhere")
    assert [request.path for request in server.requests] == ["/moved"]


def test_a_header_of_the_plugin_takes_the_place_of_ours_however_it_is_written(server: SandboxServer) -> None:
    ProviderSession().read(server.url, headers={"ACCEPT": "application/hal+json", "user-agent": "plugin/1"})
    sent = server.requests[0].headers
    assert (sent["accept"], sent["user-agent"]) == ("application/hal+json", "plugin/1")
