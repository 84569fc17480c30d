"""What is wrong with settings reads in the language of whoever has to mend it; nothing that was given is in it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from babel.messages.pofile import read_po
from sentences import PACKAGES

from retour import MemoryShop, ReturnDesk, text
from retour.model.attention import AttentionKind
from retour.providers import Secret, WrongSetting
from retour.providers.settings import choice, read_settings


@attrs.frozen(kw_only=True)
class Inner:
    number: int


def _is_even(_: object, __: object, value: int) -> None:
    if value % 2:
        raise WrongSetting(text("must be a whole number"))
    if value > 100:
        raise ValueError("is far too much")


@attrs.frozen(kw_only=True)
class Settings:
    api_key: Secret
    mode: str = attrs.field(default="live", validator=choice("live", "test"))
    pairs: int = attrs.field(default=2, validator=_is_even)
    active: bool = True
    secrets: tuple[Secret, ...] = ()
    inner: Inner | None = None

    def __attrs_post_init__(self) -> None:
        if self.mode == "test" and self.pairs == 4:
            raise WrongSetting(text("is empty"))


@pytest.mark.parametrize(
    "given, english, dutch",
    [
        ({}, "acme.api_key: is missing", "acme.api_key: ontbreekt"),
        ({"api_key": " "}, "acme.api_key: is empty", "acme.api_key: is leeg"),
        ({"mode": "hush"}, "acme.mode: must be one of live, test", "acme.mode: moet een van deze zijn: live, test"),
        ({"mode": 7}, "acme.mode: must be a text", "acme.mode: moet een tekst zijn"),
        ({"pairs": "hush"}, "acme.pairs: must be a whole number", "acme.pairs: moet een geheel getal zijn"),
        ({"pairs": 3}, "acme.pairs: must be a whole number", "acme.pairs: moet een geheel getal zijn"),
        ({"pairs": 200}, "acme.pairs: is far too much", "acme.pairs: is far too much"),
        ({"active": "hush"}, "acme.active: must be true or false", "acme.active: moet true of false zijn"),
        ({"secrets": "hush"}, "acme.secrets: must be a list", "acme.secrets: moet een lijst zijn"),
        ({"secrets": ["hush", ""]}, "acme.secrets[1]: is empty or no text", "acme.secrets[1]: is leeg of geen tekst"),
        ({"mode": "test", "pairs": 4}, "acme: is empty", "acme: is leeg"),
        (
            {"hush": "hush"},
            "acme.hush: is no setting; there are api_key, mode, pairs, active, secrets, inner",
            "acme.hush: is geen instelling; er zijn: api_key, mode, pairs, active, secrets, inner",
        ),
    ],
)
def test_every_fault_reads_in_both_languages(given: dict[str, Any], english: str, dutch: str) -> None:
    whole = given if not given or "api_key" in given else {"api_key": "k", **given}
    read, faults = read_settings(Settings, whole, "acme")
    assert read is None
    assert ([one.render("en") for one in faults], [one.render("nl") for one in faults]) == ([english], [dutch])
    if "hush" not in given:
        assert "hush" not in str(faults)


def test_settings_that_are_no_mapping_are_told_too() -> None:
    [fault] = read_settings(Settings, "hush", "acme")[1]
    assert fault.render("nl") == "acme: moet een verzameling instellingen zijn"


def test_a_merchant_reads_which_provider_it_is_and_what_is_wrong() -> None:
    kept = {"stripe": {"api_key": "pk_hush"}, "mollie:second": {"api_key": "hush"}}
    desk = ReturnDesk(
        shop=lambda _: MemoryShop(), store="sqlite://", plugins=["stripe", "mollie"], settings=lambda _: kept
    )
    stripe, mollie = desk.plugins
    assert stripe.settings_faults[0].render("nl").startswith("stripe.api_key: is de publieke sleutel (pk_), waarmee")
    assert mollie.settings_faults[0].render("nl").startswith("mollie:second.api_key: moet beginnen met test_ of live_")
    second, first = desk.attention(AttentionKind.PROVIDER_OFF).items
    assert first.why.render("nl").startswith("Stripe: stripe.api_key: is de publieke sleutel")
    assert second.why.render("nl").startswith("Mollie, account second: mollie:second.api_key: moet beginnen met")
    check = desk.check_settings("stripe")
    assert check.reason is not None
    assert check.reason.render("nl").startswith("de instellingen kloppen niet: stripe.api_key: is de publieke sleutel")


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "retour.cli"])
def test_no_settings_class_of_ours_says_a_fault_in_one_language_alone(package: str) -> None:
    found = PACKAGES[package] / ("providers/settings.py" if package == "retour" else "settings.py")
    assert "raise ValueError(" not in found.read_text(encoding="utf-8"), f"{found}: WrongSetting(text(...))"
    with (PACKAGES[package] / "locale/nl.po").open("rb") as stream:
        assert len(read_po(stream, locale="nl")) > 0
