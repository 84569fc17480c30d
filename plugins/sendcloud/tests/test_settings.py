"""Sendcloud's settings: every fault is named, the keys never."""

from __future__ import annotations

import pytest

from retour import MemoryShop, RetourError, ReturnDesk
from retour.providers import Secret
from retour_sendcloud.settings import Settings


def fault(**settings: object) -> str:
    with pytest.raises(RetourError) as caught:
        ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["sendcloud"], settings={"sendcloud": settings})
    return str(caught.value)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"public_key": "s3cr3t"}, "sendcloud: secret_key is missing: the two keys of an integration belong together"),
        ({"secret_key": "s3cr3t"}, "sendcloud: public_key is missing: the two keys of an integration belong together"),
        ({"public_key": "s3cr3t", "secret_key": " "}, "sendcloud.secret_key: is empty"),
        ({"public_key": "s3c:r3t", "secret_key": "s3cr3t"}, "sendcloud.public_key: has a blank, a colon or a letter"),
        ({"public_key": "s3c r3t", "secret_key": "s3cr3t"}, "sendcloud.public_key: has a blank, a colon or a letter"),
        ({"public_key": "s3cr3té", "secret_key": "s3cr3t"}, "sendcloud.public_key: has a blank, a colon or a letter"),
        ({"webhook_keys": "s3cr3t"}, "sendcloud.webhook_keys: must be a list"),
        ({"webhook_keys": ["s3cr3t", ""]}, "sendcloud.webhook_keys"),
        ({"api_url": "http://panel.sendcloud.sc"}, "sendcloud.api_url: must be an address that begins with https://"),
        ({"writes_a_minute": 0}, "sendcloud.writes_a_minute: must be a whole number from 1 to 1000000"),
        ({"reads_a_minute": "s3cr3t"}, "sendcloud.reads_a_minute"),
        ({"api_key": "s3cr3t"}, "sendcloud.api_key: is no setting"),
    ],
)
def test_a_fault_names_its_field_and_shows_no_key(settings: dict[str, object], said: str) -> None:
    told = fault(**settings)
    assert said in told
    assert "s3cr3t" not in told


def test_the_keys_are_masked_in_repr() -> None:
    shown = repr(Settings(public_key="s3cr3t-public", secret_key=Secret("s3cr3t"), webhook_keys=(Secret("s3cr3t"),)))
    assert "s3cr3t" not in shown


def test_a_desk_takes_keys_from_plain_values() -> None:
    settings = {
        "public_key": "public",
        "secret_key": "secret",
        "webhook_keys": ["new", "old"],
        "brand": "my-shop",
        "api_url": "http://127.0.0.1:8000",
        "writes_a_minute": 25,
    }
    ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["sendcloud"], settings={"sendcloud": settings})


def test_webhooks_are_signed_by_the_secret_key_unless_there_are_keys_of_their_own() -> None:
    keys = {"public_key": "public", "secret_key": Secret("secret")}
    assert list(Settings(**keys).signing) == [Secret("secret")]  # type: ignore[arg-type]
    assert list(Settings(**keys, webhook_keys=(Secret("own"),)).signing) == [Secret("own")]  # type: ignore[arg-type]
    assert list(Settings().signing) == [None]
