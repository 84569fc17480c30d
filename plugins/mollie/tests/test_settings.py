"""Mollie's settings: every fault is named, the key never."""

from __future__ import annotations

import pytest

from retour import MemoryShop, Mode, RetourError, ReturnDesk
from retour.providers import Secret
from retour_mollie.settings import Settings


def fault(**settings: object) -> str:
    """What the desk says of Mollie's settings."""
    with pytest.raises(RetourError) as caught:
        ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["mollie"], settings=settings)
    return str(caught.value)


@pytest.mark.parametrize("key, mode", [("test_s3cr3t", Mode.TEST), ("live_s3cr3t", Mode.LIVE), ("access_s3cr3t", None)])
def test_a_key_tells_its_mode_and_a_token_of_an_organisation_has_none(key: str, mode: Mode | None) -> None:
    assert Settings(api_key=Secret(key)).mode is mode


def test_blanks_around_a_key_do_no_harm() -> None:
    assert Settings(api_key=Secret(" test_s3cr3t\n")).mode is Mode.TEST


@pytest.mark.parametrize("key", ["s3cr3t", "sk_test_s3cr3t", "TEST_s3cr3t", "testing_s3cr3t", "test", "live"])
def test_a_key_of_another_shape_is_refused_without_showing_it(key: str) -> None:
    said = fault(mollie={"api_key": key})
    assert "mollie.api_key: must begin with test_ or live_ (an API key), or access_ (an organisation token)" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "settings, said",
    [
        ({}, "mollie.api_key: is missing"),
        ({"mollie": {}}, "mollie.api_key: is missing"),
        ({"mollie": {"api_key": " "}}, "mollie.api_key: is empty"),
        ({"mollie": "test_s3cr3t"}, "mollie: must be a mapping"),
    ],
)
def test_a_fault_names_the_path_of_its_field(settings: dict[str, object], said: str) -> None:
    assert said in fault(**settings)
    assert "s3cr3t" not in fault(**settings)


def test_the_faults_of_all_accounts_are_told_at_once() -> None:
    said = fault(**{"mollie": {"api_key": "s3cr3t", "testmode": True}, "mollie:second": {}})
    assert "mollie.api_key: must begin with test_" in said
    assert "mollie.testmode: is no setting" in said
    assert "mollie:second.api_key: is missing" in said
    assert "s3cr3t" not in said


def test_the_key_is_masked_in_repr() -> None:
    assert repr(Settings(api_key=Secret("test_s3cr3t"))) == "Settings(api_key=Secret(***))"


@pytest.mark.parametrize("key", ["test_s3cr3t s3cr3t", "live_s3cr3t\u200b", "access_s3cr3té", "test_s3cr3t\nX: y"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    said = fault(mollie={"api_key": key})
    assert "mollie.api_key: has a blank or a letter with an accent in it" in said
    assert "s3cr3t" not in said


def test_a_token_is_for_live_payments_unless_it_is_said_and_a_key_knows_by_itself() -> None:
    assert Settings(api_key=Secret("access_s3cr3t")).mode_used is Mode.LIVE
    assert Settings(api_key=Secret("access_s3cr3t"), token_mode="test").mode_used is Mode.TEST
    assert Settings(api_key=Secret("live_s3cr3t"), token_mode="test").mode_used is Mode.LIVE


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"token_mode": "both"}, "mollie.token_mode: must be one of live, test"),
        ({"api_url": "http://api.mollie.com"}, "mollie.api_url: must be an address that begins with https://"),
        ({"webhook_secrets": ["one", ""]}, "mollie.webhook_secrets"),
    ],
)
def test_the_other_settings_are_checked_too(settings: dict[str, object], said: str) -> None:
    assert said in fault(mollie={"api_key": "test_s3cr3t", **settings})


def test_a_desk_takes_several_webhook_secrets_and_a_sandbox_on_this_machine() -> None:
    settings = {"api_key": "test_key", "webhook_secrets": ["new", "old"], "api_url": "http://127.0.0.1:8000"}
    ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["mollie"], settings={"mollie": settings})
