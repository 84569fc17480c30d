"""What a provider says of itself: its class, its capabilities, its settings. The core believes all of it."""

from __future__ import annotations

import datetime
import inspect
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import attrs
import pytest

from retour.model.money import currency_decimals
from retour.providers.capabilities import Support
from retour.providers.contract import API
from retour.providers.errors import ErrorCode
from retour.providers.settings import Secret, read_settings
from retour.testing.contracts.account import Account, lacks, needs, refused

PROMISED = {
    "refund_by_api": ("refund",),
    "refundable": ("refundable",),
    "payment_names": ("payment_names",),
    "fetch_refund": ("fetch_refund",),
    "check_settings": ("check_settings",),
    "find_refund": ("find_refund",),
    "list_refunds": ("list_refunds",),
    "cancel_refund": ("cancel_refund",),
    "webhooks": ("parse_webhook",),
}
"""The methods that a declared capability promises."""

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
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_SECRET = re.compile(r"(?!public|publishable)\w*(key|secret|password|token)s?")


def test_the_class_says_who_it_is(account: Account) -> None:
    """A provider has a name that a shop can store with its payments, one that people read, and the contract's number.

    A payment is refunded by whoever has the name that stands on it; another provider would not know the money.
    """
    kind = account.kind
    assert _NAME.fullmatch(kind.name), "the name is small letters, digits and underscores"
    assert kind.name == account.sandbox.provider, "the sandbox plays another provider"
    assert kind.display_name.strip()
    assert kind.api == API
    assert list(inspect.signature(kind).parameters)[:2] == ["settings", "http"]


def test_a_declared_capability_has_its_method(account: Account) -> None:
    """What the data declares, the class can do; refund links it can always make.

    The core calls what is declared without looking again, when money is already on its way.
    """
    missing = [
        f"{capability} is declared, and there is no method {method}"
        for capability, methods in PROMISED.items()
        if not lacks(account.capabilities, capability)
        for method in methods
        if not callable(getattr(account.kind, method, None))
    ]
    assert missing == []
    assert callable(account.kind.refund_url)


def test_the_declared_facts_can_be_true(account: Account) -> None:
    """Currencies exist, windows are longer than nothing, a header is one.

    The core decides by these numbers whether a refund that nobody heard of may be sent again.
    """
    declared = account.capabilities
    for currency in declared.currencies:
        currency_decimals(currency)
    if declared.idempotency is not None:
        assert declared.idempotency.window > datetime.timedelta(0)
        if declared.refund_by_api is Support.YES:
            assert _HEADER.fullmatch(declared.idempotency.header)
    if declared.lookup_complete_after is not None:
        assert declared.lookup_complete_after >= datetime.timedelta(0)
        assert declared.find_refund is Support.YES, "a lookup is said to be complete, and there is no full one"
    if declared.refund_window_days is not None:
        assert declared.refund_window_days > 0


def test_the_settings_cannot_be_changed_or_confused(account: Account) -> None:
    """Settings are a frozen attrs class whose fields are given by name.

    A key that is swapped while refunds run would pay from another account.
    """
    settings = account.settings()
    assert attrs.has(account.kind.settings_type)
    for field in attrs.fields(account.kind.settings_type):
        assert field.kw_only, f"{field.name} can be given without its name"
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(settings, field.name, getattr(settings, field.name))


def test_the_settings_of_the_sandbox_survive_being_written_as_json(account: Account) -> None:
    """A host keeps settings in a database or a file, and gets the same account back.

    What does not survive is a shop that refunds until it is started anew.
    """
    written = json.loads(json.dumps(account.sandbox.settings))
    assert account.settings(written) == account.settings()


def test_settings_that_are_wrong_are_told_and_are_no_accident(account: Account) -> None:
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
        assert [fault for fault in faults if not fault.startswith(account.kind.name)] == []
        assert "no_such_setting" not in given or [fault for fault in faults if ".no_such_setting" in fault]
        assert "hush-hush" not in " ".join(faults)


def test_settings_of_the_wrong_type_are_told_without_their_value(account: Account) -> None:
    """Every field refuses a value of another type, by its name, and no fault shows what a person pasted there.

    Mostly that is a key, and it would stand in a log.
    """
    for field in attrs.fields(account.kind.settings_type):
        given = {**account.sandbox.settings, field.name: b"hush-hush"}
        settings, faults = read_settings(account.kind.settings_type, given, account.kind.name)
        assert settings is None, f"{field.name} takes anything"
        assert [fault for fault in faults if f"{account.kind.name}.{field.name}" in fault]
        assert "hush-hush" not in " ".join(faults)


def test_a_setting_that_is_an_address_takes_no_other_kind_of_address(account: Account) -> None:
    """Where the sandbox's address is a setting, none is taken that is not https (or this machine), or that has a name
    and a password, a query or a fragment in it, and no fault shows it (`api_address`).

    The key is sent to that address: by plain http to everybody on the way; and a password in it stands in logs.
    """
    given = account.sandbox.settings
    for name in [name for name, value in given.items() if str(value).startswith(account.sandbox.server.url)]:
        for address in OTHER_ADDRESSES:
            settings, faults = read_settings(account.kind.settings_type, {**given, name: address}, account.kind.name)
            assert settings is None, f"{name} takes {address!r}"
            assert "hush" not in " ".join(faults)


def test_what_is_called_a_key_or_a_secret_is_one(account: Account) -> None:
    """A setting that is called a key, secret, password or token has the type `Secret`, which nobody can print.

    Whoever reads a live key in a log can send the shop's money anywhere.
    """
    types = get_type_hints(account.kind.settings_type)
    for field in attrs.fields(account.kind.settings_type):
        if _SECRET.fullmatch(field.name):
            assert Secret in _parts(types[field.name]), f"{field.name} is no Secret"


@needs("refund_by_api", "check_settings")
def test_settings_that_work_are_told_to_work(account: Account) -> None:
    """`check_settings` raises nothing for an account that works, however often, and moves no money.

    A check that refuses keeps a shop from refunding at all; one that refunds pays for each look.
    """
    payment = account.pay()
    provider = account.provider()
    provider.check_settings()
    provider.check_settings()
    assert account.books(payment) == []


@needs("refund_by_api")
def test_a_wrong_secret_is_told_before_and_at_a_refund(account: Account) -> None:
    """With another secret a refund says that the settings must be mended, and so does the check where there is one, and
    no refund is made.

    A person mends it and the same refund goes out; told as final, the customer would have been told no.
    """
    payment = account.pay()
    request = account.request(payment)
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    wrong = account.provider(given)
    calls: list[Callable[[], object]] = [lambda: wrong.refund(request)]
    if not lacks(account.capabilities, "check_settings"):
        calls.append(wrong.check_settings)
    for call in calls:
        error = refused(call, "a wrong secret was used")
        assert error.code in (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION)
        assert error.disposition == "fix"
    assert account.books(payment) == []
    assert account.provider().refund(request).amount == request.amount


def _parts(hint: Any) -> Iterator[Any]:
    """A type and everything it is made of."""
    yield hint
    for part in getattr(hint, "__args__", ()):
        yield from _parts(part)
