"""People read what a provider calls itself, in their language; code and JSON know it by the name of its plugin."""

from __future__ import annotations

import datetime
import subprocess
import sys
from typing import Any

import pytest

from retour import (
    Actor,
    MemoryShop,
    Money,
    ReturnDesk,
    UnknownReturn,
    from_dict,
    hookimpl,
    payment_name,
    provider_name,
    text,
    to_dict,
)
from retour.model.attention import ATTENTION_WORDS, AttentionKind
from retour.model.dossier import Dossier
from retour.model.events.attention import AttentionAcknowledged
from retour.model.reasons import ReasonCode, reason
from retour.model.return_number import return_number
from retour.model.returns import GoodsState, Return
from retour.model.text import Text
from retour.model.timeline import Audience
from retour.rules.timeline import WORDS  # there each event has its words
from retour.testing import a_line, a_payment, an_order

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
CANNOT = "{provider} cannot cancel a refund."


@pytest.mark.parametrize(
    "provider, english, dutch",
    [
        ("mollie", "Mollie", "Mollie"),
        ("manual_transfer", "Bank transfer", "Bankoverschrijving"),
        ("nobody_loaded_this", "Nobody loaded this", "Nobody loaded this"),
        ("Some of these", "Some of these", "Some of these"),
    ],
)
def test_a_sentence_that_names_a_provider_calls_it_as_people_do(provider: str, english: str, dutch: str) -> None:
    assert (provider_name(provider), provider_name(provider, "nl_BE")) == (english, dutch)
    assert text(CANNOT, provider=provider).render() == f"{english} cannot cancel a refund."
    several = text("{providers}", providers=[provider, "stripe"])
    assert (several.render("en"), several.render("nl")) == (f"{english}, Stripe", f"{dutch}, Stripe")


@pytest.mark.parametrize(
    "payment, words",
    [
        ("mollie:tr_1", "tr_1 (Mollie)"),
        ("mollie/second:tr_1", "tr_1 (Mollie, second)"),
        ("manual_transfer:INV-1", "INV-1 (Bankoverschrijving)"),
        ("mollie:tr_1, paypal:capture:2GG", "tr_1 (Mollie), capture:2GG (PayPal)"),
        ("mollie:a, b", "a, b (Mollie)"),
        ("tr_1", "tr_1"),
        ("", ""),
        ("mollie:", "mollie:"),
        ("Rf 18:7", "Rf 18:7"),
        ("nobody_loaded_this:p_1", "p_1 (Nobody loaded this)"),
        ("nobody_loaded_this/second:capture:2GG", "capture:2GG (Nobody loaded this, second)"),
        ("mollie:tr_1, nobody_loaded_this:p_1", "tr_1 (Mollie), p_1 (Nobody loaded this)"),
        (7, "7"),
    ],
)
def test_a_payment_in_a_sentence_is_its_reference_and_whose_it_is(payment: Any, words: str) -> None:
    assert text("{payment}", payment=payment).render("nl") == words
    assert text("{payments}", payments=[payment]).render("nl") == words
    assert payment_name(payment, "nl") == words


A_RETURN = "rt01M840A7Z8W1XK3S1T9QK7D0PV"


@pytest.mark.parametrize("hole", ["return_id", "other"])
@pytest.mark.parametrize("value", [A_RETURN, "rt", "rt-1", A_RETURN.lower(), A_RETURN[:-1], "rf" + A_RETURN[2:], 7])
def test_a_return_in_a_sentence_is_its_number(hole: str, value: Any) -> None:
    called = return_number(A_RETURN) if value == A_RETURN else str(value)
    assert text(f"{{{hole}}}", **{hole: value}).render("nl") == called
    assert text("{returns}", returns=[value, A_RETURN]).render("nl") == f"{called}, {return_number(A_RETURN)}"


def test_where_a_sentence_has_the_number_the_application_has_the_ids() -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup"))]), store="sqlite://")
    made = desk.mark_returned("1001", by=Actor.staff("anna")).return_id
    with pytest.raises(UnknownReturn) as refused:
        desk.close_return("1001", "rt-9", by=Actor.staff("anna"))
    assert refused.value.text("en") == f"Order 1001 has no return rt-9. Its returns: {return_number(made)}."
    assert refused.value.in_code == f"return_id: {made!r}"
    found = desk.find_return(return_number(made))
    assert found is not None
    assert found.return_id == made


@pytest.mark.parametrize(
    "value, words",
    [
        ("mollie:second", "Mollie (second)"),
        ("manual_transfer:second", "Bankoverschrijving (second)"),
        ("nobody_loaded_this:second", "Nobody loaded this (second)"),
    ],
)
def test_one_account_of_several_is_called_by_its_provider_and_its_own_name(value: str, words: str) -> None:
    assert text("{provider}", provider=value).render("nl") == words


READ_WITHOUT_PLUGINS = """
from retour import provider_name, text

print(*[provider_name(one, "nl") for one in ("mollie", "stripe", "paypal", "manual_transfer", "sendcloud", "tea_pay")])
print(text("{payments}", payments=["mollie/second:tr_1", "manual_transfer:INV-1", "tea_pay:t_1"]).render("nl"))
"""


def test_a_provider_whose_plugin_was_taken_away_keeps_its_name() -> None:
    """In a process of its own, which loads no plugin: what somebody's host does after it has left a provider."""
    told = subprocess.run([sys.executable, "-c", READ_WITHOUT_PLUGINS], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [
        "Mollie Stripe PayPal Bankoverschrijving Sendcloud Tea pay",
        "tr_1 (Mollie, second), INV-1 (Bankoverschrijving), t_1 (Tea pay)",
    ]


def test_what_was_stored_before_reads_so_too() -> None:
    """A reason and a sentence are kept as their parts, of which the provider's name in code is one."""
    gone = reason(ReasonCode.PAYMENT_VANISHED, payment="mollie:tr_1")
    assert "tr_1 (Mollie)" in gone.words.render("nl")
    before = {"message": "Label from {provider} ready", "values": {"provider": "sendcloud"}}
    assert from_dict(Text, before).render("nl") == "Het label van Sendcloud is klaar"


def test_in_json_the_name_in_code_stays_beside_the_words() -> None:
    told = to_dict(text("Label from {provider} ready", provider="sendcloud"), language="nl")
    assert (told["values"], told["text"]) == ({"provider": "sendcloud"}, "Het label van Sendcloud is klaar")


class TeaPay:
    name, display_name, api = "tea_pay", "Tea\n Pay {x}", 99
    settings_type = capabilities = None


class Tea:
    name = "tea"

    @hookimpl
    def payment_providers(self) -> list[Any]:
        return [TeaPay]


def test_a_provider_of_a_stranger_is_called_as_it_calls_itself_on_one_line() -> None:
    """Also one that is off: what it began is still told of."""
    payment = a_payment("40", provider="tea_pay", reference="t_1")
    order = an_order(a_line("cup", gross="40.00"), payments=[payment])
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=[Tea()])
    link = desk.refund_link("1001", "t_1", Money.of("40", "EUR"))
    assert link.label.render("nl") == "Zelf terugbetalen bij Tea Pay {x}"


@pytest.mark.parametrize(
    "kind, about",
    [
        (AttentionKind.CHARGED_BACK, "corner_pay:t_1"),
        (AttentionKind.ANNOUNCED_TWICE, A_RETURN),
        (AttentionKind.PARCEL, "lb"),
    ],
)
def test_what_somebody_looked_at_is_called_so_on_the_timeline(kind: AttentionKind, about: str) -> None:
    payment = a_payment("40", provider="corner_pay", reference="t_1")
    dossier = Dossier(
        order_id="1001",
        payments={payment.id: payment},
        returns={A_RETURN: Return(id=A_RETURN, opened=NOW, goods=GoodsState.APPROVED, changed=NOW)},
    )
    event = AttentionAcknowledged(kind=kind, about=about, since=NOW)
    words = WORDS[AttentionAcknowledged, Audience.STAFF](dossier, event)
    called = {"corner_pay:t_1": "t_1 (Corner pay)", A_RETURN: return_number(A_RETURN)}.get(about, about)
    assert words is not None
    assert words.render("nl") == f"Gezien: {ATTENTION_WORDS[kind].render('nl')} ({called})"
