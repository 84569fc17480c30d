"""The settings as a page shows them: plugins, what they can do, keys that nobody can read, and a check."""

from __future__ import annotations

import pytest
from flask import Flask
from scriptless_browser import ShopBrowser

from retour.providers import Secret
from webshop import create_app
from webshop.masked import masked_settings
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing of it is in the database


def strings(given: object) -> list[str]:
    """Every text in settings, secrets included."""
    if isinstance(given, Secret):
        return [given.reveal()]
    if isinstance(given, dict):
        return [one for value in given.values() for one in strings(value)]
    return [one for value in given for one in strings(value)] if isinstance(given, list | tuple) else [str(given)]


def test_plugins_policies_reasons_and_the_address_are_shown(merchant: ShopBrowser) -> None:
    page = merchant.get("/settings")
    assert "manual_transfer" not in [word for word in page.words.split() if word.isidentifier()]
    for said in (
        "retour-mollie",
        "Bankoverschrijving retour-manual-transfer",
        "Mollie",
        "Stripe",
        "Sendcloud",
        "Keizersgracht 1",
        "Te klein",
        "werkt",
        "Regels",
    ):
        assert said in page.words, said
    assert "Bij meer producten" in page.words or "bij meer producten" in page.words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl-NL", "Over wat later dan 30 dagen na de levering wordt aangemeld, beslist een medewerker."),
        ("en-GB", "What is asked for later than 30 days after the delivery waits for staff to decide."),
    ],
)
def test_a_policy_says_what_it_decides_and_nobody_reads_the_name_of_a_class(
    app: Flask, language: str, words: str
) -> None:
    browser = ShopBrowser(app, language)
    browser.log_in("open sesame")
    page = browser.get("/settings")
    assert words in page.words
    assert "ReturnWindow" not in page.words


def test_no_key_is_on_the_page_or_on_any_other(merchant: ShopBrowser, sandboxes: Sandboxes) -> None:
    keys = [
        one
        for settings in sandboxes.settings.values()
        for name, value in settings.items()
        if any(word in name for word in ("key", "secret", "token"))
        for one in strings(value)
    ]
    assert len(keys) >= 4
    for path in ("/settings", "/attention", "/orders/1001", "/transfers"):
        html = merchant.get(path).html
        assert not [key for key in keys if key in html], path
    assert "••••" in merchant.get("/settings").words


def test_a_short_secret_shows_none_of_its_characters(shop: RunningShop) -> None:
    given = {"mollie": {"api_key": "test_1", "api_url": "https://api.mollie.com"}, "nobody": {"key": "x" * 20}}
    shown = {one.name: one.value for one in masked_settings(shop.desk.plugins, given)}
    assert shown == {"api_key": "••••", "api_url": "https://api.mollie.com"}


def test_nothing_can_be_typed_into_it(merchant: ShopBrowser) -> None:
    typed = [given for tag, given in merchant.get("/settings").elements if tag in ("input", "textarea", "select")]
    assert {given.get("type") for given in typed} == {"hidden"}


def check(merchant: ShopBrowser, account: str) -> str:
    """What the page says after the button of an account was pressed."""
    form = next(one for one in merchant.get("/settings").forms if ("account", account) in one.buttons)
    page = merchant.send(form, ("account", account))
    assert page.path == "/settings"
    return page.words


@pytest.mark.parametrize("account", ["mollie", "stripe", "paypal", "sendcloud"])
def test_settings_that_work_are_said_to(merchant: ShopBrowser, account: str) -> None:
    assert ": De instellingen werken." in check(merchant, account)


def test_settings_that_do_not_work_are_told_with_the_reason(
    database: str, merchant: ShopBrowser, sandboxes: Sandboxes
) -> None:
    wrong = {**sandboxes.settings["mollie"], "api_key": "test_" + "x" * 30}
    settings = {**sandboxes.settings, "mollie": wrong}
    app = create_app(database, password="open sesame", secret_key="x", settings=settings, https=False)
    browser = ShopBrowser(app)
    browser.log_in("open sesame")
    said = check(browser, "mollie")
    assert "Mollie: " in said
    assert "Mollie: De instellingen werken." not in said
    app.extensions["webshop"].engine.dispose()


def test_what_is_no_account_is_not_checked(merchant: ShopBrowser) -> None:
    form = merchant.get("/settings").form("/settings/check")
    assert merchant.client.post("/settings/check", data={**form.fields, "account": "nobody"}).status_code == 404
    sent = {**form.fields, "account": "mollie", "request_id": ""}
    assert merchant.client.post("/settings/check", data=sent).status_code == 400


def test_each_provider_has_its_place_in_what_they_can_do(merchant: ShopBrowser, app: Flask) -> None:
    english = ShopBrowser(app, "en")
    english.log_in("open sesame")
    words = english.get("/settings").words
    assert "refund by API" in words or "Refund by API" in words
    assert "the provider cannot" in words
