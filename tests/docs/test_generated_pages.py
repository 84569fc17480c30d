"""Pages that are made from the code: every error, every code of a provider, every capability, every method of the
contract. Run with RETOUR_WRITE_DOCS=1 to write them."""

from __future__ import annotations

import datetime
import inspect
import os
import re
import types
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_type_hints

import attrs
import pytest
from described import described

import retour
from retour.model.reasons import _WORDS, Reason, ReasonCode
from retour.providers import (
    Destination,
    Disposition,
    ErrorCode,
    LabelForm,
    MakesLabels,
    PaymentCapabilities,
    PaymentProvider,
    RefundsByApi,
    ShippingCapabilities,
    ShippingProvider,
    Support,
    WebhookTrust,
)
from retour.providers.errors import DISPOSITIONS

ROOT = Path(__file__).parent.parent.parent


def in_markdown(words: str) -> str:
    """Words of a docstring in one cell of a table."""
    words = " ".join(words.split())
    return re.sub(r"``(.+?)``", r"`\1`", words).replace("|", "\\|")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def between(page: str, name: str, made: str) -> str:
    """A page with what is made written anew between its two marks."""
    begin, end = f"<!-- {name}: made from the code -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.partition(begin)
    _, there, after = rest.partition(end)
    assert there, f"the page has no place for {name}"
    return f"{before}{begin}\n{made}\n{end}{after}"


# --- errors ----------------------------------------------------------------------------------------------

ERRORS: list[type[retour.RetourError]] = [
    getattr(retour, name)
    for name in retour.__all__
    if inspect.isclass(getattr(retour, name)) and issubclass(getattr(retour, name), retour.RetourError)
]

TELLS_NOTHING_NEW = (retour.RetourError, retour.NotPossibleNow, retour.StoreError)
"""Kinds of errors, for an ``except``: what is raised is one of theirs."""

STATUSES: dict[int, tuple[type[retour.RetourError], ...]] = {
    400: (retour.InvalidWebhook,),
    403: (retour.NotAllowed,),
    404: (
        retour.UnknownOrder,
        retour.UnknownLine,
        retour.UnknownReturn,
        retour.UnknownLabel,
        retour.UnknownReceipt,
        retour.UnknownRefund,
        retour.UnknownPayment,
    ),
    409: (retour.WrongState, retour.RequestReused, retour.ConsentMissing, retour.NotCommitted),
    422: (
        retour.MissingRequestId,
        retour.InvalidValue,
        retour.InvalidAmount,
        retour.InvalidQuantity,
        retour.InvalidLines,
        retour.InvalidReference,
        retour.UnknownLanguage,
    ),
    503: (
        retour.OrderUnreadable,
        retour.Busy,
        retour.ProviderUnavailable,
        retour.StoreLocked,
        retour.StoreUnavailable,
        retour.PerhapsSaved,
        retour.UnreadableWebhook,
    ),
    500: (retour.RetourError,),
}
"""What a web application answers, the first that fits. Behind 500 stands what only a developer or an operator mends."""


def status_of(error: type[retour.RetourError]) -> int:
    """The HTTP status of an error, by the first of its kinds that has one."""
    return next(status for kind in error.__mro__ for status, kinds in STATUSES.items() if kind in kinds)


def errors_made() -> str:
    rows = [
        [f"`{error.__name__}`", str(status_of(error)), in_markdown(inspect.getdoc(error) or "")]
        for error in sorted(ERRORS, key=lambda one: (status_of(one), one.__name__))
        if error not in TELLS_NOTHING_NEW
    ]
    return table(["error", "HTTP", "when it comes, and what to do"], rows)


def codes_made() -> str:
    rows = [
        [
            f"`{code}`",
            in_markdown(described(ErrorCode, code.name)),
            f"`{DISPOSITIONS[code]}`",
            Reason(code=ReasonCode(code.value)).text("en"),
        ]
        for code in ErrorCode
    ]
    return table(["code", "when, and what to do", "leads to", "what the staff reads"], rows)


def dispositions_made() -> str:
    return table(["", "what the core does"], [[f"`{one}`", described(Disposition, one.name)] for one in Disposition])


def reasons_made() -> str:
    rows = [
        [f"`{code}`", described(ReasonCode, code.name), _WORDS[code].message]
        for code in ReasonCode
        if code.value not in set(ErrorCode) and code in _WORDS
    ]
    return table(["code", "of what, and with which values", "what the staff reads"], rows)


# --- capabilities ----------------------------------------------------------------------------------------


def values_of(hint: object) -> str:
    """What a capability can be, as it is written in a class."""
    parts = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return ", or ".join(["None" if part is type(None) else _value(part) for part in parts])


def _value(hint: object) -> str:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return f"`{hint.__name__}`"
    inside = [one for one in get_args(hint) if one is not Ellipsis]
    if inside:
        return f"{hint.__origin__.__name__} of {_value(inside[0])}"
    return f"`{getattr(hint, '__name__', hint)}`"


def capabilities_made(kind: type) -> str:
    hints = get_type_hints(kind)
    rows = []
    for field in attrs.fields(kind):
        default = field.default.name if isinstance(field.default, StrEnum) else repr(field.default)
        default = {"frozenset()": "none", "()": "none"}.get(default, default)
        default = "ORIGINAL_PAYMENT" if field.name == "destinations" else default
        rows.append(
            [f"`{field.name}`", values_of(hints[field.name]), default, in_markdown(described(kind, field.name))]
        )
    return table(["capability", "values", "if not said", "what it means, and what the core does with it"], rows)


def members_made(kind: type[StrEnum]) -> str:
    return table(["value", "means"], [[f"`{kind.__name__}.{one.name}`", described(kind, one.name)] for one in kind])


# --- the contract ----------------------------------------------------------------------------------------

_LABELS = ("fetch_shipment", "fetch_label", "forms", "refuses_repeats")
ON = {"labels": _LABELS, "validate_label": ("labels", *_LABELS)}
"""What one capability needs beside it."""


def declared_by(kind: type, names: Iterable[str]) -> dict[str, list[str]]:
    """Each of the methods ``names``, with the capabilities of ``kind`` any of which asks for it; none: it is always
    there."""
    some: dict[str, object] = {
        field.name: next(one for one in get_type_hints(kind)[field.name] if one.name in ("YES", "SIGNED"))
        for field in attrs.fields(kind)
        if isinstance(field.default, StrEnum)
    }
    rest: dict[str, object] = {"forms": frozenset({retour.LabelForm.PDF}), "refuses_repeats": True}
    always: dict[str, object] = {} if kind is ShippingCapabilities else {"outcome_within": datetime.timedelta(hours=1)}
    found: dict[str, list[str]] = {name: [] for name in names}
    for field, yes in some.items():
        beside = {name: {**some, **rest}[name] for name in ON.get(field, ())}
        without, having = kind(**always, **beside), kind(**always, **beside, **{field: yes})
        for method in set(having.methods) - set(without.methods):
            found[method].append(field)
    return found


PROTOCOLS = {
    PaymentCapabilities: (PaymentProvider, RefundsByApi),
    ShippingCapabilities: (ShippingProvider, MakesLabels),
}


def methods_of(capabilities: type) -> dict[str, types.FunctionType]:
    """What a class with such capabilities can have to have."""
    return {
        name: method
        for protocol in PROTOCOLS[capabilities]
        for name, method in vars(protocol).items()
        if isinstance(method, types.FunctionType) and not name.startswith("_")
    }


def methods_made(capabilities: type) -> str:
    methods = methods_of(capabilities)
    rows = []
    for name, by in declared_by(capabilities, methods).items():
        signature = inspect.signature(methods[name])
        arguments = ", ".join(list(signature.parameters)[1:])
        gives = str(signature.return_annotation).replace("|", "\\|")
        when = " or ".join(f"`{one}`" for one in by) if by else "always"
        first = re.split(r"(?<=\.)\s", " ".join(inspect.cleandoc(methods[name].__doc__ or "").split()))[0]
        rows.append([f"`{name}({arguments})`", when, f"`{gives}`", in_markdown(first)])
    return table(["method", "must be there where you declare", "gives", "what it does"], rows)


# --- the pages -------------------------------------------------------------------------------------------

PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/errors.md": {
        "errors": errors_made,
        "dispositions": dispositions_made,
        "codes": codes_made,
        "reasons": reasons_made,
    },
    "docs/capabilities.md": {
        "payment capabilities": lambda: capabilities_made(PaymentCapabilities),
        "shipping capabilities": lambda: capabilities_made(ShippingCapabilities),
        "support": lambda: members_made(Support),
        "webhook trust": lambda: members_made(WebhookTrust),
        "destinations": lambda: members_made(Destination),
        "forms": lambda: members_made(LabelForm),
    },
    "docs/add-a-provider.md": {
        "methods": lambda: methods_made(PaymentCapabilities),
    },
    "docs/add-a-shipping-provider.md": {
        "methods": lambda: methods_made(ShippingCapabilities),
    },
}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_of_the_code_is_made_from_the_code(page: str) -> None:
    """Run with RETOUR_WRITE_DOCS=1 to write it."""
    written = (ROOT / page).read_text()
    made = written
    for name, make in PAGES[page].items():
        made = between(made, name, make())
    if os.environ.get("RETOUR_WRITE_DOCS"):
        (ROOT / page).write_text(made)
        return
    assert written == made


def test_every_error_has_a_status_of_its_own_and_says_what_to_do() -> None:
    """Two sentences at least, or a second half: when it comes, and what to do then."""
    for error in ERRORS:
        if error not in TELLS_NOTHING_NEW:
            words = in_markdown(inspect.getdoc(error) or "")
            assert len(re.split(r"[.:;] ", words.rstrip("."))) >= 2, f"{error.__name__}: {words}"


def test_every_method_of_the_contract_has_what_declares_it() -> None:
    """But for the link, which every payment provider has."""
    for capabilities in PROTOCOLS:
        without = [name for name, by in declared_by(capabilities, methods_of(capabilities)).items() if not by]
        assert without == (["refund_url"] if capabilities is PaymentCapabilities else [])


def test_every_code_of_a_provider_is_a_reason_that_people_read() -> None:
    assert {code.value for code in ErrorCode} <= {code.value for code in ReasonCode if code in _WORDS}
