"""What a shipping provider says of itself: its capabilities, and whether its settings work. The core believes it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial

import pytest

from retour.model.labels import LabelForm
from retour.providers.capabilities import Support
from retour.providers.errors import Disposition, ErrorCode
from retour.testing.contracts.any_account import lacks, needs, refused
from retour.testing.shipping_contracts.shipping_account import PARCEL, ShippingAccount


def test_a_declared_capability_has_its_method(account: ShippingAccount) -> None:
    """What the data declares, the class can do.

    The core calls what is declared without looking again, when a customer already waits for his label.
    """
    missing = [name for name in account.capabilities.methods if not callable(getattr(account.kind, name, None))]
    assert missing == [], f"declared, and there is no method: {', '.join(missing)}"


def test_the_declared_facts_can_be_true(account: ShippingAccount) -> None:
    """A lookup that is said to be complete is there, times are longer than nothing, forms are of labels that are made.

    The core decides by these facts whether a label that nobody heard of may be bought again.
    """
    declared = account.capabilities
    if declared.lookup_complete_after is not None:
        assert declared.lookup_complete_after >= datetime.timedelta(0)
        assert declared.find_shipment is Support.YES, "a lookup is said to be complete, and there is no full one"
    if declared.cancel_within is not None:
        assert declared.cancel_within > datetime.timedelta(0)
        assert declared.cancel_label.usable, "it is said how long labels can be cancelled, and none can"
    if not declared.labels.usable:
        assert not declared.forms, "it is said what a customer gets, and no labels are made"
        assert not declared.refuses_repeats, "repeats are said to be refused, and no labels are made"
    if declared.prices.usable:
        assert declared.options.usable, "options are said to have prices, and there are no options"


@needs("labels", "options")
def test_each_declared_form_can_be_bought(account: ShippingAccount) -> None:
    """Of each form that is declared there is an option, and no option is of another form.

    A customer without a printer is promised a code, and there is none.
    """
    offered = {option.form for option in account.provider().options(account.sender, account.recipient, PARCEL)}
    declared = account.capabilities.forms
    assert offered <= declared, f"offered and not declared: {', '.join(offered - declared)}"
    missing = declared - offered - {LabelForm.NONE}
    assert missing == frozenset(), f"declared and not offered: {', '.join(missing)}"


@needs("labels", "check_settings")
def test_settings_that_work_are_told_to_work(account: ShippingAccount) -> None:
    """`check_settings` raises nothing for an account that works, however often, and buys nothing.

    A check that refuses keeps a shop from taking anything back; one that buys pays for each look.
    """
    provider = account.provider()
    provider.check_settings()
    provider.check_settings()
    assert list(account.sandbox.books()) == []


@needs("labels")
def test_a_wrong_secret_is_told_before_and_at_a_label(account: ShippingAccount) -> None:
    """With another secret a label says that the settings must be mended, and so does the check where there is one, and
    no label is made.

    A person mends it and the same label is made; told as final, a customer would have been told no.
    """
    request = account.request()
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    wrong = account.provider(given)
    calls: list[Callable[[], object]] = [partial(wrong.create_label, request)]
    if not lacks(account.capabilities, "check_settings"):
        calls.append(wrong.check_settings)
    for call in calls:
        error = refused(call, "a wrong secret was used")
        assert error.code in (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION)
        assert error.disposition is Disposition.FIX
    assert list(account.sandbox.books()) == []
    account.provider().create_label(request)
    assert len(account.booked(request)) == 1
