"""What providers say is kept without the credentials that we sent and without who the customer is."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest

from retour.providers import ErrorCode, Money, ProviderError, ProviderSession, RefundResult, RefundStatus, Secret
from retour.providers.errors import redacted
from retour.providers.settings import read_settings
from retour.providers.wire import read_wire
from retour.sandbox import SandboxRequest, SandboxResponse, SandboxServer

KEY = "live_a/long+key=="


@pytest.fixture
def parrot() -> Iterator[str]:
    """A server that answers with the credentials it was sent, in its body and in a header; gives its address."""

    def handle(request: SandboxRequest) -> SandboxResponse:
        said = request.headers.get("authorization", "")
        _, _, given = said.partition(" ")
        password = base64.b64decode(given).decode().partition(":")[2] if said.startswith("Basic") else ""
        words = {"said": said, "escaped": given.replace("/", "\\/"), "password": password, "idempotency": "rf_12345678"}
        return SandboxResponse(status=401, body=words, headers={"X-Said": said})

    with SandboxServer(handle) as server:
        yield server.url


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"headers": {"authorization": KEY}},
        {"auth": ("client", KEY)},
    ],
)
@pytest.mark.parametrize("method", ["read", "write"])
def test_an_answer_does_not_repeat_the_credentials_that_it_was_asked_with(
    parrot: str, how: Mapping[str, Any], method: str
) -> None:
    session = ProviderSession()
    answer = session.read(parrot, **how) if method == "read" else session.write("POST", parrot, json_body={}, **how)
    shown = answer.body.decode() + str(answer.headers)
    assert KEY not in shown
    assert KEY.replace("/", "\\/") not in shown
    assert base64.b64encode(f"client:{KEY}".encode()).decode() not in shown
    assert answer.json()["idempotency"] == "rf_12345678"


@pytest.mark.parametrize("short", ["Bearer x", "Bearer ", "x", ""])
def test_what_is_too_short_for_a_secret_masks_nothing(parrot: str, short: str) -> None:
    answer = ProviderSession().read(parrot, headers={"Authorization": short})
    assert set(answer.json()) == {"said", "escaped", "password", "idempotency"}


@pytest.mark.parametrize(
    "words, kept",
    [
        ("NL91ABNA0417164300", "***"),
        ("to NL91 ABNA 0417 1643 00.", "to ***."),
        ("NL91 ABNA 0417 1643 00 IS CLOSED", "*** IS CLOSED"),
        ("MT84MALT011000012345MTLCAST001S", "***"),
        ("NL91ABNA0417164301", "NL91ABNA0417164301"),  # no IBAN: its check digits are wrong
        ("capture 3C679366HH908993F", "capture 3C679366HH908993F"),
        ("anna.de-vries+1@sub.example.org, again", "***, again"),
        ("<anna@example.org>", "<***>"),
        ("é@exämple.nl", "***"),
        ("3 @ 4.50", "3 @ 4.50"),
    ],
)
def test_mail_addresses_and_ibans_are_taken_out_of_what_a_provider_says(words: str, kept: str) -> None:
    error = ProviderError(ErrorCode.INVALID_REQUEST, words, provider_code=words)
    assert (error.message, error.provider_code) == (kept, kept)
    assert str(error) == f"invalid_request: {kept} ({kept})"
    result = RefundResult(
        reference="re_1",
        target="",
        status=RefundStatus.FAILED,
        amount=Money.of("1", "EUR"),
        provider_status=words,
        reason=words,
    )
    assert (result.provider_status, result.reason) == (kept, kept)


@attrs.frozen(kw_only=True)
class Inner:
    number: int


@attrs.frozen(kw_only=True)
class Outer:
    name: str
    inner: list[Inner]
    by_name: dict[str, int] = attrs.field(factory=dict)


def test_what_is_wrong_with_an_answer_is_told_by_its_place_and_never_by_what_is_there() -> None:
    data = {"inner": [{"number": 1}, {"number": "anna"}, {}], "by_name": {"anna": "anna"}}
    with pytest.raises(ProviderError) as caught:
        read_wire(Outer, data)
    said = caught.value.message
    for part in ("is missing @ $.name", "expected int @ $.inner[1].number", "is missing @ $.inner[2].number"):
        assert part in said
    assert "expected int @ $.by_name[…]" in said
    assert "anna" not in said
    assert caught.value.__context__ is None


@attrs.frozen(kw_only=True)
class Settings:
    secrets: tuple[Secret, ...] = ()


@pytest.mark.parametrize("given", ["a text", b"bytes", {"a": "mapping"}, 7, None, {"a set"}])
def test_only_a_list_is_a_list_of_secrets_and_a_text_is_not_one_of_letters(given: object) -> None:
    read, faults = read_settings(Settings, {"secrets": given}, "acme")
    assert read is None
    assert [str(fault) for fault in faults] == ["acme.secrets: must be a list"]


def test_a_list_of_secrets_is_read() -> None:
    read, faults = read_settings(Settings, {"secrets": ["one", Secret("two")]}, "acme")
    assert faults == []
    assert read == Settings(secrets=(Secret("one"), Secret("two")))
    assert [str(fault) for fault in read_settings(Settings, {"secrets": ["one", " ", 7]}, "acme")[1]] == [
        "acme.secrets[1]: is empty or no text",
        "acme.secrets[2]: is empty or no text",
    ]


def test_long_words_are_searched_in_a_time_that_grows_with_them_alone() -> None:
    """Each took a quarter of a second, and a plugin says as many as it likes."""
    begun = time.process_time()
    for _ in range(40):
        assert redacted("x" * 9_000 + " of anna@example.org") == "x" * 9_000 + " of ***"
    assert time.process_time() - begun < 3
