"""Where a person goes to refund a Mollie payment."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from retour.providers import LinkKind, LinkRequest, Mode, Money, Payment, ProviderSession, RefundLink, Secret
from retour_mollie.provider import Mollie
from retour_mollie.settings import Settings

PAYMENTS = "https://my.mollie.com/dashboard/payments"
ORDERS = "https://my.mollie.com/dashboard/orders"


def link(reference: str, mode: Mode = Mode.LIVE, key: str = "live_key") -> RefundLink:
    payment = Payment(provider="mollie", reference=reference, captured=Money.of("94.95", "EUR"), mode=mode)
    request = LinkRequest(
        order_id="1001", payment=payment, amount=Money.of("44.95", "EUR"), remittance="Retour 1001", to=None
    )
    return Mollie(Settings(api_key=Secret(key)), ProviderSession()).refund_url(request)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "reference, url",
    [
        ("tr_7UhSN1zuXS", f"{PAYMENTS}/tr_7UhSN1zuXS"),
        (" tr_7UhSN1zuXS\n", f"{PAYMENTS}/tr_7UhSN1zuXS"),
        ("ord_kEn1PlbGa", f"{ORDERS}/ord_kEn1PlbGa"),
        ("re_4qqhO89gsT", PAYMENTS),
        ("TR_7UhSN1zuXS", PAYMENTS),
        ("INV-2026-0042", PAYMENTS),
        ("..", PAYMENTS),
        ("€", PAYMENTS),
    ],
)
def test_a_reference_leads_to_the_nearest_page_the_same_in_live_and_test(reference: str, mode: Mode, url: str) -> None:
    assert link(reference, mode).url == url


@pytest.mark.parametrize("reference", ["tr_x/../../evil?x=1#", "ord_x/../../evil?x=1#", "tr_%2e%2e", "tr_\\..\\a b"])
def test_a_hostile_reference_stays_one_part_of_the_path(reference: str) -> None:
    parts = urlsplit(link(reference).url)
    assert (parts.hostname, parts.query, parts.fragment) == ("my.mollie.com", "", "")
    *folder, last = parts.path.split("/")
    assert folder in (["", "dashboard", "payments"], ["", "dashboard", "orders"])
    assert unquote(last) == reference


@pytest.mark.parametrize("reference", ["tr_\x7f", "tr_", "tr_" + "x" * 252, "{amount}", "\x01"])
def test_no_reference_is_too_strange(reference: str) -> None:
    made = link(reference)
    assert made.url.isascii()
    assert "44,95" in made.instruction.render("nl")


@pytest.mark.parametrize("key", ["live_key", "test_key", "access_token"])
@pytest.mark.parametrize("mode", Mode)
def test_the_link_does_not_depend_on_the_key(key: str, mode: Mode) -> None:
    assert link("tr_7UhSN1zuXS", mode, key) == link("tr_7UhSN1zuXS")


def test_a_link_is_a_page_of_the_provider_with_a_help_page_and_no_transfer() -> None:
    made = link("tr_7UhSN1zuXS")
    assert made.kind is LinkKind.PROVIDER_PAGE
    assert made.help_url == "https://help.mollie.com/hc/en-us/articles/115000014489"
    assert made.transfer is None


# --- the words -------------------------------------------------------------------------------------------


def test_the_instruction_names_the_amount_as_english_writes_it() -> None:
    made = link("tr_7UhSN1zuXS")
    assert made.label.render("en") == "Refund at Mollie"
    assert made.instruction.render("en") == (
        "Refund €44.95 on the payment's page at Mollie. "
        "Then confirm it here with the reference that Mollie gives the refund."
    )


def test_the_instruction_is_dutch_for_a_dutch_merchant() -> None:
    made = link("tr_7UhSN1zuXS")
    assert made.label.render("nl") == "Terugbetalen bij Mollie"
    assert made.instruction.render("nl") == (
        "Betaal €\xa044,95 terug op de pagina van de betaling bij Mollie. "
        "Bevestig dat daarna hier met het kenmerk dat Mollie aan de terugbetaling geeft."
    )


def test_an_unknown_reference_is_named_with_what_was_paid() -> None:
    assert link("INV-42").instruction.render("nl") == (
        "Zoek INV-42 op bij de betalingen in Mollie, of een betaling van €\xa094,95, en betaal daar €\xa044,95 terug. "
        "Bevestig dat daarna hier met het kenmerk dat Mollie aan de terugbetaling geeft."
    )


@pytest.mark.parametrize("reference", ["tr_7UhSN1zuXS", "ord_kEn1PlbGa", "INV-42"])
@pytest.mark.parametrize("language, amount", [("en", "€44.95"), ("nl", "€\xa044,95")])
def test_every_instruction_is_two_sentences_with_the_amount(reference: str, language: str, amount: str) -> None:
    words = link(reference).instruction.render(language)
    assert words.count(". ") == 1
    assert words.endswith(".")
    assert amount in words
