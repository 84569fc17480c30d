"""What providers can do, in words."""

from __future__ import annotations

import datetime
from typing import Any

import attrs

from retour.cli.words import text, texts
from retour.model.destinations import Destination
from retour.model.labels import LabelForm
from retour.model.money import Money
from retour.model.text import Text
from retour.providers.capabilities import AmountStep, Support
from retour.providers.contract import PaymentProvider, ShippingProvider

_SUPPORT: dict[Support, Text] = {
    Support.YES: text("yes"),
    Support.PARTIAL: text("in part"),
    Support.PROVIDER_CANNOT: text("the provider cannot"),
    Support.NOT_YET: text("not yet"),
    Support.UNKNOWN: text("unknown"),
}

CAPABILITIES: dict[str, Text] = {
    "refund_page": text("refund page"),
    "refund_by_api": text("refund by API"),
    "refund_by_person": text("refund by a person"),
    "partial_refund": text("partial refund"),
    "refundable": text("what is left can be read"),
    "payment_names": text("names of a payment"),
    "fetch_refund": text("look at a refund"),
    "cancel_refund": text("cancel refund"),
    "find_refund": text("find a refund again"),
    "list_refunds": text("list refunds"),
    "check_settings": text("check the settings"),
    "webhooks": text("webhooks"),
    "outcome_within": text("outcome within"),
    "late_failure_within": text("can fail afterwards within"),
    "idempotency": text("repeats recognised"),
    "lookup_complete_after": text("lookup complete after"),
    "currencies": text("currencies"),
    "steps": text("only in steps of"),
    "never_refunded": text("never what was paid by"),
    "destinations": text("money goes to"),
    "refund_window_days": text("days to refund"),
    "portal": text("return portal"),
    "labels": text("labels"),
    "options": text("labels to choose from"),
    "prices": text("prices of labels"),
    "validate_label": text("checks before buying"),
    "fetch_label": text("documents of labels"),
    "fetch_shipment": text("look at a parcel"),
    "find_shipment": text("find a label again"),
    "list_shipments": text("list return parcels"),
    "cancel_label": text("cancel a label"),
    "forms": text("forms of labels"),
    "refuses_repeats": text("refuses repeats"),
    "cancel_within": text("cancel within"),
}

_DESTINATIONS: dict[Destination, Text] = {
    Destination.ORIGINAL_PAYMENT: text("the payment that it came from"),
    Destination.BANK_ACCOUNT: text("a bank account"),
}

_FORMS: dict[LabelForm, Text] = {
    LabelForm.PDF: text("PDF"),
    LabelForm.QR_CODE: text("QR code"),
    LabelForm.NONE: text("no label needed"),
}

_TRUST: dict[str, Text] = {
    "signed": text("signed"),
    "fetch": text("to be fetched"),
    "none": text("none"),
}


def label_of(name: str, language: str) -> str:
    """A capability's name for people."""
    return CAPABILITIES[name].render(language) if name in CAPABILITIES else name.replace("_", " ")


def declared_by(provider: type[PaymentProvider] | type[ShippingProvider]) -> dict[str, Any]:
    """The capabilities by name; none where the plugin hands over something else than a set of capabilities."""
    given: Any = provider.capabilities
    return attrs.asdict(given, recurse=False) if attrs.has(type(given)) else {}


def in_words(value: Any, language: str) -> str:
    """A capability's value; empty where it says nothing."""
    if value is None or value is Support.UNKNOWN:
        return ""
    if isinstance(value, Support):
        return _SUPPORT[value].render(language)
    if isinstance(value, bool):
        return text("yes").render(language) if value else ""
    if isinstance(value, LabelForm):
        return _FORMS[value].render(language)
    if isinstance(value, Destination):
        return _DESTINATIONS[value].render(language)
    if isinstance(value, AmountStep):
        step = str(Money(minor=value.minor_units, currency=value.currency))
        return f"{step} ({value.method})" if value.method else step
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted([in_words(one, language) for one in value]))
    if isinstance(value, datetime.timedelta):
        if value.days > 2:
            return texts("{count} day", "{count} days", value.days).render(language)
        hours = int(value.total_seconds()) // 3600
        return texts("{count} hour", "{count} hours", hours).render(language) if hours else str(value)
    if attrs.has(type(value)):
        parts = [in_words(one, language) for one in attrs.asdict(value, recurse=False).values()]
        return ", ".join([part for part in parts if part])
    return _TRUST[str(value)].render(language) if str(value) in _TRUST else str(value)
