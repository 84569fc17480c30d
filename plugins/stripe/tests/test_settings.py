"""Stripe's settings: every fault is named, the key never."""

from __future__ import annotations

import pytest

from retour import MemoryShop, Mode, RetourError, ReturnDesk
from retour.providers import Secret
from retour_stripe.settings import Settings


def fault(**settings: object) -> str:
    """What the desk says of Stripe's settings."""
    with pytest.raises(RetourError) as caught:
        ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["stripe"], settings=settings)
    return str(caught.value)


@pytest.mark.parametrize(
    "key, mode",
    [
        ("sk_test_s3cr3t", Mode.TEST),
        ("sk_live_s3cr3t", Mode.LIVE),
        ("rk_test_s3cr3t", Mode.TEST),
        ("rk_live_s3cr3t", Mode.LIVE),
        (" sk_test_s3cr3t\n", Mode.TEST),
    ],
)
def test_a_key_tells_its_mode(key: str, mode: Mode) -> None:
    assert Settings(api_key=Secret(key)).mode is mode


@pytest.mark.parametrize("key", ["pk_test_s3cr3t", "pk_live_s3cr3t"])
def test_the_publishable_key_is_refused_by_its_name(key: str) -> None:
    said = fault(stripe={"api_key": key})
    assert "stripe.api_key: is the publishable key (pk_), which cannot refund" in said
    assert "give the secret key (sk_) or a restricted key (rk_)" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("key", ["s3cr3t", "sk_s3cr3t", "SK_TEST_s3cr3t", "whsec_s3cr3t", "live_s3cr3t"])
def test_a_key_of_another_shape_is_refused_without_showing_it(key: str) -> None:
    said = fault(stripe={"api_key": key})
    assert "stripe.api_key: must begin with sk_test_, sk_live_, rk_test_ or rk_live_" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "settings, said",
    [
        ({}, "stripe.api_key: is missing"),
        ({"stripe": {}}, "stripe.api_key: is missing"),
        ({"stripe": {"api_key": " "}}, "stripe.api_key: is empty"),
        ({"stripe": "sk_test_s3cr3t"}, "stripe: must be a mapping"),
    ],
)
def test_a_fault_names_the_path_of_its_field(settings: dict[str, object], said: str) -> None:
    assert said in fault(**settings)
    assert "s3cr3t" not in fault(**settings)


def test_the_faults_of_all_accounts_are_told_at_once() -> None:
    said = fault(**{"stripe": {"api_key": "s3cr3t", "version": "2024-04-10"}, "stripe:second": {}})
    assert "stripe.api_key: must begin with sk_test_" in said
    assert "stripe.version: is no setting" in said
    assert "stripe:second.api_key: is missing" in said
    assert "s3cr3t" not in said


def test_the_secrets_are_masked_in_repr() -> None:
    shown = repr(Settings(api_key=Secret("sk_test_s3cr3t"), webhook_secrets=(Secret("whsec_s3cr3t"),)))
    assert shown.startswith("Settings(api_key=Secret(***), webhook_secrets=(Secret(***),)")
    assert "s3cr3t" not in shown


@pytest.mark.parametrize("secrets", ["whsec_s3cr3t", ["s3cr3t"], ["whsec_s3cr3t", "sk_test_s3cr3t"]])
def test_a_webhook_secret_of_another_shape_is_refused_without_showing_it(secrets: object) -> None:
    said = fault(stripe={"api_key": "sk_test_s3cr3t", "webhook_secrets": secrets})
    assert "stripe.webhook_secrets: must be a list" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize("address", ["http://api.stripe.com", "api.stripe.com", "ftp://127.0.0.1"])
def test_the_address_of_the_api_is_https_or_on_this_machine(address: str) -> None:
    assert "stripe.api_url: must be an address" in fault(stripe={"api_key": "sk_test_s3cr3t", "api_url": address})
