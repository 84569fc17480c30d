"""Where a person goes to refund a PayPal payment."""

from __future__ import annotations

import pytest

from retour import Actor, MemoryShop, ReturnDesk
from retour.providers import LinkKind, LinkRequest, Mode, Money, Payment, ProviderSession, RefundLink, Secret
from retour.testing import a_line, a_payment, an_order
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_paypal.settings import Settings

LIVE = "https://www.paypal.com/activity"
TEST = "https://www.sandbox.paypal.com/activity"

CAPTURE = "3C679366HH908993F"
ORDER = "5O190127TN364715T"


def link(
    reference: str, mode: Mode = Mode.LIVE, *, reference_is: str = "capture", environment: str = "live"
) -> RefundLink:
    settings = Settings(client_id="AY", client_secret=Secret("EL"), environment=environment, reference_is=reference_is)
    payment = Payment(provider="paypal", reference=reference, captured=Money.of("94.95", "EUR"), mode=mode)
    request = LinkRequest(
        order_id="1001", payment=payment, amount=Money.of("44.95", "EUR"), remittance="Retour 1001", to=None
    )
    return PayPal(settings, ProviderSession()).refund_url(request)


@pytest.mark.parametrize("mode, activity", [(Mode.LIVE, LIVE), (Mode.TEST, TEST)])
@pytest.mark.parametrize(
    "reference_is, reference, page",
    [
        ("capture", CAPTURE, f"/payment/{CAPTURE}"),
        ("capture", f" {CAPTURE}\n", f"/payment/{CAPTURE}"),
        ("capture", f"capture:{CAPTURE}", f"/payment/{CAPTURE}"),
        ("capture", f"order:{ORDER}", ""),
        ("order", ORDER, ""),
        ("order", f"order:{ORDER}", ""),
        ("order", f"capture:{CAPTURE}", f"/payment/{CAPTURE}"),
        ("order", f" capture: {CAPTURE} ", f"/payment/{CAPTURE}"),
        ("capture", "INV-2026-0042", ""),
        ("capture", f"sale:{CAPTURE}", ""),
        ("capture", "€", ""),
    ],
)
def test_a_capture_leads_to_its_page_and_all_else_to_the_activity_in_the_mode_of_the_payment(
    reference_is: str, reference: str, page: str, mode: Mode, activity: str
) -> None:
    assert link(reference, mode, reference_is=reference_is).url == activity + page


@pytest.mark.parametrize(
    "reference", ["tr_x/../../evil?x=1#", f"{CAPTURE}/../../evil?x=1#", "..", "capture:..", "%2E%2E", "3C6\n793", "٣"]
)
def test_a_hostile_reference_is_never_part_of_the_address(reference: str) -> None:
    assert link(reference).url == LIVE


@pytest.mark.parametrize("reference", ["capture:", ":", "order::", "X" * 255, "{amount}", "\x01"])
def test_no_reference_is_too_strange(reference: str) -> None:
    made = link(reference)
    assert made.url == LIVE
    assert "44,95" in made.instruction.render("nl")


@pytest.mark.parametrize("environment", ["live", "sandbox"])
@pytest.mark.parametrize("mode", Mode)
def test_the_link_does_not_depend_on_the_environment_of_the_credentials(environment: str, mode: Mode) -> None:
    assert link(CAPTURE, mode, environment=environment) == link(CAPTURE, mode)


def test_a_link_is_a_page_of_the_provider_with_a_help_page_and_no_transfer() -> None:
    made = link(CAPTURE)
    assert made.kind is LinkKind.PROVIDER_PAGE
    assert made.help_url == "https://www.paypal.com/mt/cshelp/article/how-do-i-issue-a-refund-help101"
    assert made.transfer is None


# --- the words -------------------------------------------------------------------------------------------


def test_the_instruction_names_the_amount_as_english_writes_it() -> None:
    made = link(CAPTURE)
    assert made.label.render("en") == "Refund at PayPal"
    assert made.instruction.render("en") == (
        "Refund €44.95 on the payment's page at PayPal. "
        "Then confirm it here with the transaction ID that PayPal gives the refund."
    )


def test_the_instruction_is_dutch_for_a_dutch_merchant() -> None:
    made = link(CAPTURE)
    assert made.label.render("nl") == "Terugbetalen bij PayPal"
    assert made.instruction.render("nl") == (
        "Betaal €\xa044,95 terug op de pagina van de betaling bij PayPal. "
        "Bevestig dat daarna hier met de transactie-ID die PayPal aan de terugbetaling geeft."
    )


def test_an_order_is_named_without_its_mark_and_with_what_was_paid() -> None:
    assert link(f"order:{ORDER}").instruction.render("nl") == (
        f"PayPal heeft geen pagina voor {ORDER}: zoek de betaling van €\xa094,95 op in het overzicht, op datum of "
        "klant, en betaal daar €\xa044,95 terug. "
        "Bevestig dat daarna hier met de transactie-ID die PayPal aan de terugbetaling geeft."
    )


@pytest.mark.parametrize("reference", [CAPTURE, f"order:{ORDER}", "INV-42"])
@pytest.mark.parametrize("language, amount", [("en", "€44.95"), ("nl", "€\xa044,95")])
def test_every_instruction_is_two_sentences_with_the_amount(reference: str, language: str, amount: str) -> None:
    words = link(reference).instruction.render(language)
    assert words.count(". ") == 1
    assert words.endswith(".")
    assert amount in words


def test_once_paypal_was_asked_an_order_leads_to_the_page_of_its_capture(sandbox: PayPalSandbox) -> None:
    capture = sandbox.pay(Money.of("94.95", "EUR"))
    reference = f"order:{sandbox.order_of(capture)}"
    payment = a_payment("94.95", provider="paypal", reference=reference, mode=Mode.TEST)
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", 1, "94.95"), payments=[payment])]),
        store="sqlite://",
        plugins=["paypal"],
        settings={"paypal": sandbox.settings},
    )
    assert desk.refund_link("1001", reference).url == TEST
    desk.refund("1001", reference, Money.of("44.95", "EUR"), by=Actor.staff("anna"), request_id="form-1")
    assert desk.refund_link("1001", reference).url == f"{TEST}/payment/{capture}"
