"""PayPal's settings: every fault is named, the secret never."""

from __future__ import annotations

import pytest

from retour import MemoryShop, Mode, RetourError, ReturnDesk
from retour.providers import Secret
from retour_paypal.settings import Settings

RIGHT = {"client_id": "AY", "client_secret": "s3cr3t", "environment": "live"}


def fault(**settings: object) -> str:
    """What the desk says of PayPal's settings."""
    with pytest.raises(RetourError) as caught:
        ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["paypal"], settings=settings)
    return str(caught.value)


@pytest.mark.parametrize("environment, mode", [("live", Mode.LIVE), ("sandbox", Mode.TEST)])
def test_the_environment_is_the_mode_of_the_credentials(environment: str, mode: Mode) -> None:
    settings = Settings(client_id="AY", client_secret=Secret("s3cr3t"), environment=environment)
    assert settings.mode is mode


def test_a_shop_that_says_nothing_stores_captures() -> None:
    assert Settings(client_id="AY", client_secret=Secret("s3cr3t"), environment="live").reference_is == "capture"


@pytest.mark.parametrize(
    "environment, address", [("live", "https://api-m.paypal.com"), ("sandbox", "https://api-m.sandbox.paypal.com")]
)
def test_the_environment_decides_the_address(environment: str, address: str) -> None:
    settings = Settings(client_id="AY", client_secret=Secret("s3cr3t"), environment=environment)
    assert (settings.api_url, settings.is_local) == (address, False)


def test_a_root_certificate_is_for_a_sandbox_on_this_machine_only() -> None:
    right = {**RIGHT, "environment": "sandbox", "webhook_root": "-----BEGIN CERTIFICATE-----"}
    assert "webhook_root is for an api_url on this machine only" in fault(paypal=right)
    assert "webhook_root" in fault(paypal={**right, "api_url": "https://127.0.0.1.evil.example"})
    desk = ReturnDesk(
        shop=MemoryShop(),
        store="sqlite://",
        plugins=["paypal"],
        settings={"paypal": {**right, "api_url": "http://127.0.0.1:8080"}},
    )
    assert [plugin.name for plugin in desk.plugins] == ["paypal"]


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"environment": "production"}, "paypal.environment: must be one of live, sandbox"),
        ({"reference_is": "sale"}, "paypal.reference_is: must be one of capture, order"),
        ({"client_id": " "}, "paypal.client_id: is empty"),
        ({"client_secret": ""}, "paypal.client_secret: is empty"),
        ({"environment": 1}, "paypal.environment: must be a text"),
        ({"webhook_check": "none"}, "paypal.webhook_check: must be one of local, api"),
        ({"api_url": "http://api-m.paypal.com"}, "paypal.api_url: must be an address that begins with https://"),
        ({"mode": "live"}, "paypal.mode: is no setting"),
    ],
)
def test_a_fault_names_the_path_of_its_field(settings: dict[str, object], said: str) -> None:
    assert said in fault(paypal={**RIGHT, **settings})
    assert "s3cr3t" not in fault(paypal={**RIGHT, **settings})


def test_all_faults_of_all_accounts_are_told_at_once() -> None:
    first = {"client_secret": " ", "environment": "test", "reference_is": "sale"}
    said = fault(**{"paypal": first, "paypal:second": {"client_secret": "s3cr3t"}})
    assert "paypal.client_id: is missing" in said
    assert "paypal.client_secret: is empty" in said
    assert "paypal.environment: must be one of live, sandbox" in said
    assert "paypal.reference_is: must be one of capture, order" in said
    assert "paypal:second.client_id: is missing" in said
    assert "paypal:second.environment: is missing" in said
    assert "s3cr3t" not in said


def test_the_secret_is_masked_in_repr() -> None:
    settings = Settings(client_id="AY", client_secret=Secret("s3cr3t"), environment="live")
    assert repr(settings) == (
        "Settings(client_id='AY', client_secret=Secret(***), environment='live', reference_is='capture')"
    )
