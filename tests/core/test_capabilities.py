"""A capability and a method of the contract are in every place that they need; what is forgotten is named."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import pytest

from retour.plugins import hooks, specs
from retour.plugins.providers import PaymentCaller
from retour.plugins.shipping import ShippingCaller
from retour.plugins.values_in_words import CAPABILITIES as LABELS
from retour.providers import (
    LabelForm,
    MakesLabels,
    PaymentCapabilities,
    RefundsByApi,
    ShippingCapabilities,
    Support,
    WebhookTrust,
)

EVERYTHING = PaymentCapabilities(
    **{field.name: Support.YES for field in attrs.fields(PaymentCapabilities) if field.type == "Support"},
    webhooks=WebhookTrust.SIGNED,
)

EVERY_LABEL = ShippingCapabilities(
    **{field.name: Support.YES for field in attrs.fields(ShippingCapabilities) if field.type == "Support"},
    webhooks=WebhookTrust.SIGNED,
    forms=frozenset(LabelForm),
)


def methods_of(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("contract, caller", [(RefundsByApi, PaymentCaller), (MakesLabels, ShippingCaller)])
def test_every_method_of_the_contract_has_its_caller_and_no_other_is_called(contract: type, caller: type) -> None:
    assert methods_of(contract) == methods_of(caller)


def test_what_capabilities_promise_is_in_the_contract() -> None:
    assert set(EVERYTHING.methods) <= methods_of(RefundsByApi)
    assert set(EVERY_LABEL.methods) == methods_of(MakesLabels)
    assert ShippingCapabilities().methods == ()
    assert PaymentCapabilities().methods == ("refund_url",)


@pytest.mark.parametrize("kind", [PaymentCapabilities, ShippingCapabilities])
def test_every_capability_is_named_for_people(kind: type) -> None:
    marks = {"unconfirmed"}  # marks others, and is no capability of its own
    assert [field.name for field in attrs.fields(kind) if field.name not in {*LABELS, *marks}] == []


def test_every_hook_is_called_by_a_method_of_its_own() -> None:
    named = {name for name, value in vars(specs).items() if hasattr(value, "retour_spec")}
    registering = {"payment_providers", "shipping_providers"}
    assert named - registering == {name for name in methods_of(hooks.Hooks) if name != "announced_to"}


class ForgetsToRefund:
    """A provider that declares more than it has."""

    name = "forgetful"
    display_name = "Forgetful Pay"
    api = 2
    settings_type = PaymentCapabilities
    capabilities = EVERYTHING

    def refund_url(self) -> None: ...


def test_a_provider_that_declares_what_it_has_not_is_off_and_says_what_is_missing() -> None:
    from retour import MemoryShop, ReturnDesk, hookimpl
    from retour.testing import a_line, an_order

    class Plugin:
        name = "forgetful"

        @hookimpl
        def payment_providers(self) -> list[type]:
            return [ForgetsToRefund]

    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup"))]), store="sqlite://", plugins=[Plugin()])
    assert "ForgetsToRefund declares what refund does, and has no refund" in desk.plugins[0].reason
    desk.close()


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"fetch_label": Support.YES, "forms": frozenset(LabelForm)}, "labels need fetch_shipment"),
        ({"fetch_shipment": Support.YES}, "labels need fetch_label, and forms"),
        (
            {"fetch_shipment": Support.YES, "fetch_label": Support.YES, "forms": frozenset(LabelForm)},
            "nobody could say whether a label was bought",
        ),
    ],
)
def test_labels_that_could_be_bought_twice_or_never_be_seen_are_not_declared(
    declared: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ShippingCapabilities(labels=Support.YES, **declared)
