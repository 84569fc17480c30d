"""What holds of the class and the settings of every provider, of payments or of labels: the core believes all of it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import attrs
import pytest

from retour.providers.contract import API
from retour.providers.settings import Secret, read_settings
from retour.testing.contracts.any_account import AnyAccount

OTHER_ADDRESSES = (
    "http://api.example",
    "ftp://api.example",
    "//api.example",
    "api.example",
    "",
    "https://",
    "https://shop:hush@api.example",
    "https://hush@api.example",
    "https://api.example?key=hush",
    "https://api.example?",
    "https://api.example#hush",
    "https://api.example#",
    "https://api.example\r\nX-Key: hush",
    "https://api.example\x00",
    "https://api.example\\@hush.example",
    " https://api.example",
    "https://[api.example",
    "https://api.example:hush",
)
"""Addresses that no provider is called at."""


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SECRET = re.compile(r"(?!public|publishable)\w*(key|secret|password|token)s?")


def test_the_class_says_who_it_is(account: AnyAccount) -> None:
    """A provider has a name that a shop can store with its payments, one that people read, and the contract's number.

    A payment is refunded, and a label cancelled, by whoever has the name that stands on it: another provider would not
    know it.
    """
    kind = account.kind
    assert _NAME.fullmatch(kind.name), "the name is small letters, digits and underscores"
    assert kind.name == account.sandbox.provider, "the sandbox plays another provider"
    assert kind.display_name.strip()
    assert kind.api == API
    assert list(inspect.signature(kind).parameters)[:2] == ["settings", "http"]


def test_the_settings_cannot_be_changed_or_confused(account: AnyAccount) -> None:
    """Settings are a frozen attrs class whose fields are given by name.

    A key that is swapped while work is done would pay from another account.
    """
    settings = account.settings()
    assert attrs.has(account.kind.settings_type)
    for field in attrs.fields(account.kind.settings_type):
        assert field.kw_only, f"{field.name} can be given without its name"
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(settings, field.name, getattr(settings, field.name))


def test_the_settings_of_the_sandbox_survive_being_written_as_json(account: AnyAccount) -> None:
    """A host keeps settings in a database or a file, and gets the same account back.

    What does not survive is a shop that works until it is started anew.
    """
    written = json.loads(json.dumps(account.sandbox.settings))
    assert account.settings(written) == account.settings()


def test_settings_that_are_wrong_are_told_and_are_no_accident(account: AnyAccount) -> None:
    """A setting that does not exist and one that is missing are told as faults, and nothing that was given is repeated.

    A misspelt setting would leave the default in force, which can be the live account; an exception would leave a
    merchant without a word about which field it is.
    """
    whole = account.sandbox.settings
    wrong = [{**whole, "no_such_setting": "hush-hush"}, {}]
    wrong += [{name: value for name, value in whole.items() if name != missing} for missing in whole]
    for given in wrong:
        settings, faults = read_settings(account.kind.settings_type, given, account.kind.name)
        assert (settings is None) == bool(faults)
        assert [fault for fault in faults if not str(fault).startswith(account.kind.name)] == []
        assert "no_such_setting" not in given or [fault for fault in faults if ".no_such_setting" in str(fault)]
        assert "hush-hush" not in " ".join(map(str, faults))


def test_settings_of_the_wrong_type_are_told_without_their_value(account: AnyAccount) -> None:
    """Every field refuses a value of another type, by its name, and no fault shows what a person pasted there.

    Mostly that is a key, and it would stand in a log.
    """
    for field in attrs.fields(account.kind.settings_type):
        given = {**account.sandbox.settings, field.name: b"hush-hush"}
        settings, faults = read_settings(account.kind.settings_type, given, account.kind.name)
        assert settings is None, f"{field.name} takes anything"
        assert [fault for fault in faults if f"{account.kind.name}.{field.name}" in str(fault)]
        assert "hush-hush" not in " ".join(map(str, faults))


def test_a_setting_that_is_an_address_takes_no_other_kind_of_address(account: AnyAccount) -> None:
    """Where the sandbox's address is a setting, none is taken that is not https (or this machine), or that has a name
    and a password, a query or a fragment in it, and no fault shows it (`api_address`).

    The key is sent to that address: by plain http to everybody on the way; and a password in it stands in logs.
    """
    given = account.sandbox.settings
    for name in [name for name, value in given.items() if str(value).startswith(account.sandbox.server.url)]:
        for address in OTHER_ADDRESSES:
            settings, faults = read_settings(account.kind.settings_type, {**given, name: address}, account.kind.name)
            assert settings is None, f"{name} takes {address!r}"
            assert "hush" not in " ".join(map(str, faults))


def test_what_is_called_a_key_or_a_secret_is_one(account: AnyAccount) -> None:
    """A setting that is called a key, secret, password or token has the type `Secret`, which nobody can print.

    Whoever reads a live key in a log can pay and order in the shop's name.
    """
    types = get_type_hints(account.kind.settings_type)
    for field in attrs.fields(account.kind.settings_type):
        if _SECRET.fullmatch(field.name):
            assert Secret in _parts(types[field.name]), f"{field.name} is no Secret"


def test_no_secret_is_shown_by_the_settings_or_the_provider(account: AnyAccount) -> None:
    """Printed, settings and provider show no secret: that is what ends up in error reports.

    Whoever reads those can pay and order in the shop's name.
    """
    settings, provider = account.settings(), account.provider()
    for shown in (repr(settings), str(settings), repr(provider), str(provider), repr(account.kind)):
        assert shows(account, shown) == []


def shows(account: AnyAccount, words: str) -> list[str]:
    """How long the secrets are that some words hold; the secrets themselves are not repeated."""
    return [f"a secret of {len(secret)} characters" for secret in account.secrets() if secret in words]


def _parts(hint: Any) -> Iterator[Any]:
    """A type and everything it is made of."""
    yield hint
    for part in getattr(hint, "__args__", ()):
        yield from _parts(part)
