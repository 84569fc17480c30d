"""Where a person goes to refund a Stripe payment."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from retour.providers import LinkKind, LinkRequest, Mode, Money, Payment, ProviderSession, RefundLink, Secret
from retour_stripe.provider import Stripe
from retour_stripe.settings import Settings

LIVE = "https://dashboard.stripe.com"
TEST = "https://dashboard.stripe.com/test"


def link(reference: str, mode: Mode = Mode.LIVE, key: str = "sk_live_key") -> RefundLink:
    payment = Payment(provider="stripe", reference=reference, captured=Money.of("94.95", "EUR"), mode=mode)
    request = LinkRequest(
        order_id="1001", payment=payment, amount=Money.of("44.95", "EUR"), remittance="Retour 1001", to=None
    )
    return Stripe(Settings(api_key=Secret(key)), ProviderSession()).refund_url(request)


@pytest.mark.parametrize(
    "reference, mode, url",
    [
        ("pi_3MtwBw", Mode.LIVE, f"{LIVE}/payments/pi_3MtwBw"),
        ("pi_3MtwBw", Mode.TEST, f"{TEST}/payments/pi_3MtwBw"),
        ("ch_3LmzzQ", Mode.LIVE, f"{LIVE}/payments/ch_3LmzzQ"),
        ("ch_3LmzzQ", Mode.TEST, f"{TEST}/payments/ch_3LmzzQ"),
        ("py_1FXrxH", Mode.LIVE, f"{LIVE}/payments/py_1FXrxH"),
        ("py_1FXrxH", Mode.TEST, f"{TEST}/payments/py_1FXrxH"),
        (" pi_3MtwBw\n", Mode.LIVE, f"{LIVE}/payments/pi_3MtwBw"),
        ("re_1Nispe", Mode.LIVE, f"{LIVE}/search?query=re_1Nispe"),
        ("re_1Nispe", Mode.TEST, f"{TEST}/search?query=re_1Nispe"),
        ("INV 42", Mode.LIVE, f"{LIVE}/search?query=INV%2042"),
        ("€", Mode.TEST, f"{TEST}/search?query=%E2%82%AC"),
    ],
)
def test_a_reference_leads_to_its_page_in_the_mode_of_the_payment(reference: str, mode: Mode, url: str) -> None:
    assert link(reference, mode).url == url


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "reference, url",
    [
        ("cs_live_a1b2", f"{LIVE}/search?query=cs_live_a1b2"),
        ("cs_test_a1b2", f"{TEST}/search?query=cs_test_a1b2"),
    ],
)
def test_a_checkout_session_tells_its_mode_itself_and_is_searched_for(reference: str, mode: Mode, url: str) -> None:
    assert link(reference, mode).url == url


def test_a_checkout_session_that_tells_no_mode_has_that_of_the_payment() -> None:
    assert link("cs_a1b2", Mode.TEST).url == f"{TEST}/search?query=cs_a1b2"


@pytest.mark.parametrize("reference", ["pi_x/../../evil?x=1#", "ch_%2e%2e", "py_\\..\\a b"])
def test_a_hostile_reference_stays_one_part_of_the_path(reference: str) -> None:
    parts = urlsplit(link(reference).url)
    assert (parts.hostname, parts.query, parts.fragment) == ("dashboard.stripe.com", "", "")
    *folder, last = parts.path.split("/")
    assert folder == ["", "payments"]
    assert unquote(last) == reference


@pytest.mark.parametrize("reference", ["tr_x/../../evil?x=1#", "cs_test_x&query=y#z", "..", "a+b%20c"])
def test_a_hostile_reference_stays_one_value_of_the_search(reference: str) -> None:
    parts = urlsplit(link(reference).url)
    assert (parts.hostname, parts.fragment) == ("dashboard.stripe.com", "")
    assert parts.path in ("/search", "/test/search")
    assert parse_qsl(parts.query) == [("query", reference)]


@pytest.mark.parametrize("reference", ["pi_\x7f", "pi_", "pi_" + "x" * 252, "{amount}", "\x01"])
def test_no_reference_is_too_strange(reference: str) -> None:
    made = link(reference)
    assert made.url.isascii()
    assert "44,95" in made.instruction.render("nl")


@pytest.mark.parametrize("key", ["sk_live_key", "sk_test_key", "rk_live_key"])
@pytest.mark.parametrize("mode", Mode)
def test_the_link_does_not_depend_on_the_key(key: str, mode: Mode) -> None:
    assert link("pi_3MtwBw", mode, key) == link("pi_3MtwBw", mode)


def test_a_link_is_a_page_of_the_provider_with_a_help_page_and_no_transfer() -> None:
    made = link("pi_3MtwBw")
    assert made.kind is LinkKind.PROVIDER_PAGE
    assert made.help_url == "https://docs.stripe.com/refunds?dashboard-or-api=dashboard"
    assert made.transfer is None


# --- the words -------------------------------------------------------------------------------------------


def test_the_instruction_names_the_amount_as_english_writes_it() -> None:
    made = link("pi_3MtwBw")
    assert made.label.render("en") == "Refund at Stripe"
    assert made.instruction.render("en") == (
        "Refund €44.95 on the payment's page at Stripe. "
        "Then confirm it here with the reference that Stripe gives the refund."
    )


def test_the_instruction_is_dutch_for_a_dutch_merchant() -> None:
    made = link("pi_3MtwBw")
    assert made.label.render("nl") == "Terugbetalen bij Stripe"
    assert made.instruction.render("nl") == (
        "Betaal €\xa044,95 terug op de pagina van de betaling bij Stripe. "
        "Bevestig dat daarna hier met het kenmerk dat Stripe aan de terugbetaling geeft."
    )


def test_a_checkout_session_is_named_with_what_was_paid() -> None:
    assert link("cs_live_a1b2").instruction.render("nl") == (
        "Open de betaling die de zoekfunctie van Stripe vindt bij cs_live_a1b2, of zoek er een van €\xa094,95, "
        "en betaal daar €\xa044,95 terug. "
        "Bevestig dat daarna hier met het kenmerk dat Stripe aan de terugbetaling geeft."
    )


@pytest.mark.parametrize("reference", ["pi_3MtwBw", "cs_live_a1b2", "INV-42"])
@pytest.mark.parametrize("language, amount", [("en", "€44.95"), ("nl", "€\xa044,95")])
def test_every_instruction_is_two_sentences_with_the_amount(reference: str, language: str, amount: str) -> None:
    words = link(reference).instruction.render(language)
    assert words.count(". ") == 1
    assert words.endswith(".")
    assert amount in words
