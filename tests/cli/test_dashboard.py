"""The commands that a person types at running sandboxes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retour import Money
from retour.cli.dashboard import COMMANDS, Dashboard, NotUnderstood
from retour_manual_transfer.sandbox import BankSandbox
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox

PAID = Money.of("44.95", "EUR")


@pytest.fixture
def mollie() -> Iterator[MollieSandbox]:
    with MollieSandbox() as made:
        yield made


@pytest.fixture
def paypal() -> Iterator[PayPalSandbox]:
    with PayPalSandbox() as made:
        yield made


@pytest.fixture
def dashboard(mollie: MollieSandbox, paypal: PayPalSandbox) -> Dashboard:
    return Dashboard(sandboxes={"mollie": mollie, "paypal": paypal})


def said(dashboard: Dashboard, line: str, language: str = "en") -> list[str]:
    return [words if isinstance(words, str) else words.render(language) for words in dashboard.do(line)]


def test_a_customer_pays_the_merchant_refunds_days_pass_and_the_books_tell(
    dashboard: Dashboard, mollie: MollieSandbox
) -> None:
    assert said(dashboard, "pay mollie 44.95 tr_7UhSN1zuXS") == ["€44.95 paid: tr_7UhSN1zuXS"]
    assert said(dashboard, "refunds mollie tr_7UhSN1zuXS") == ["No refunds."]
    assert said(dashboard, " REFUND  Mollie tr_7UhSN1zuXS  10 ") == ["€10.00 refunded in the dashboard: re_0000000001"]
    assert said(dashboard, "refunds mollie tr_7UhSN1zuXS") == ["re_0000000001  €10.00  being processed"]
    before = mollie.clock.now()
    assert len(said(dashboard, "advance 1d2h30m")) == 1
    assert (mollie.clock.now() - before).total_seconds() == 26.5 * 3600
    assert said(dashboard, "refunds mollie tr_7UhSN1zuXS") == ["re_0000000001  €10.00  refunded"]
    assert said(dashboard, "refunds mollie tr_7UhSN1zuXS", "nl") == ["re_0000000001  €\u00a010,00  terugbetaald"]
    assert said(dashboard, "fail mollie re_0000000001") == ["The bank refused re_0000000001."]
    assert said(dashboard, "refunds mollie tr_7UhSN1zuXS") == ["re_0000000001  €10.00  failed"]


def test_an_amount_can_be_of_another_currency(dashboard: Dashboard, paypal: PayPalSandbox) -> None:
    [answer] = said(dashboard, "pay paypal 1200jpy")
    [refund] = said(dashboard, f"refund paypal {answer.rpartition(' ')[2]} 200JPY")
    assert refund.startswith("¥200 refunded")


def test_what_is_held_is_held_everywhere(dashboard: Dashboard, mollie: MollieSandbox, paypal: PayPalSandbox) -> None:
    payments = {mollie: mollie.pay(PAID), paypal: paypal.pay(PAID)}
    dashboard.do("hold")
    for sandbox, payment in payments.items():
        dashboard.do(f"refund {sandbox.provider} {payment} 1")
    dashboard.do("advance 9999d")
    assert {sandbox.books(one)[0].status for sandbox, one in payments.items()} == {"pending"}
    dashboard.do("release")
    assert {sandbox.books(one)[0].status for sandbox, one in payments.items()} == {"succeeded"}


def test_a_fault_waits_for_the_next_write(dashboard: Dashboard, paypal: PayPalSandbox) -> None:
    assert said(dashboard, "fault paypal cut_after") == ["The next write goes wrong."]
    assert said(dashboard, "fault PayPal ERROR_500_BEFORE") == ["The next 2 writes go wrong."]
    assert [fault.name for fault in paypal.server.faults] == ["CUT_AFTER", "ERROR_500_BEFORE"]


def test_a_reference_with_a_blank_stands_in_quotation_marks() -> None:
    with BankSandbox() as bank:
        dashboard = Dashboard(sandboxes={"manual_transfer": bank})
        assert said(dashboard, 'pay manual_transfer 44.95 "invoice 1001"') == ["€44.95 paid: invoice 1001"]
        assert said(dashboard, "refund manual_transfer 'invoice 1001' 5") == [
            "€5.00 refunded in the dashboard: T00000001"
        ]
        assert said(dashboard, "refunds manual_transfer 'invoice 1001'") == ["T00000001  €5.00  refunded"]


@pytest.fixture
def sendcloud() -> Iterator[SendcloudSandbox]:
    with SendcloudSandbox() as made:
        yield made


@pytest.mark.parametrize(
    "move, progress",
    [
        ("scan", "on its way"),
        ("deliver", "delivered at the shop"),
        ("lose", "held up"),
        ("send-back", "going back to the customer"),
    ],
)
def test_a_customer_makes_a_return_in_the_portal_and_a_carrier_moves_its_parcel(
    sendcloud: SendcloudSandbox, move: str, progress: str
) -> None:
    dashboard = Dashboard(sandboxes={"sendcloud": sendcloud})
    [sent] = said(dashboard, 'send sendcloud 1001 "1012 LM"')
    assert sent.startswith("Order 1001 was sent: 3SSENT")
    assert said(dashboard, "labels sendcloud") == ["No labels."]
    [made] = said(dashboard, "portal sendcloud 1001 teapot 2")
    label = sendcloud.books()[0].reference
    assert made == f"The customer has made return {label} in the portal."
    dashboard.do("advance 1h")
    line = f"{label}  order 1001  ready, not handed in yet  €5.45"
    assert said(dashboard, "labels sendcloud 1001") == [line]
    assert said(dashboard, "labels sendcloud 1002") == ["No labels."]
    assert said(dashboard, f"{move} sendcloud {label}") == [line.replace("not handed in yet", progress)]


def test_a_carrier_refuses_the_next_label(sendcloud: SendcloudSandbox) -> None:
    dashboard = Dashboard(sandboxes={"sendcloud": sendcloud})
    sendcloud.send("1001", postal_code="1012 LM")
    assert said(dashboard, 'refuse sendcloud "Zone not served"') == ["The carrier refuses the next label."]
    dashboard.do("portal sendcloud 1001 teapot 1")
    dashboard.do("advance 1h")
    assert "refused" in said(dashboard, "labels sendcloud")[0]


@pytest.mark.parametrize(
    "line, why",
    [
        ("pay sendcloud 10", "Sendcloud is about parcels, not about payments"),
        ("labels mollie", "Mollie is about payments, not about parcels"),
        ("send mollie 1001 1012LM", "Mollie is about payments, not about parcels"),
        ("portal sendcloud 1001 teapot 0", "0 is no number of units"),
        ("portal sendcloud 1001 teapot many", "many is no number of units"),
        ("portal sendcloud 1001 teapot 1", "No parcel of order 1001 was sent"),
        ("scan sendcloud 1", "There is no return 1"),
    ],
)
def test_what_cannot_be_done_with_parcels_is_said(
    mollie: MollieSandbox, sendcloud: SendcloudSandbox, line: str, why: str
) -> None:
    with pytest.raises(NotUnderstood) as caught:
        Dashboard(sandboxes={"mollie": mollie, "sendcloud": sendcloud}).do(line)
    assert why in caught.value.text("en")
    assert sendcloud.books() == []


def test_help_names_every_command(dashboard: Dashboard) -> None:
    shown = said(dashboard, "help")
    assert len(shown) == len(COMMANDS)
    assert all(any(line.startswith(usage) for line in shown) for usage, _, _ in COMMANDS)
    assert said(dashboard, "") == []


@pytest.mark.parametrize(
    "line, why",
    [
        ("nonsense", "There is no command nonsense. Type help."),
        ("pay mollie", "Write: pay PROVIDER AMOUNT [REFERENCE]"),
        ("hold it", "Write: hold"),
        ("pay adyen 10", "adyen is not running; there are: mollie, paypal"),
        ("pay mollie 4,95", "4,95"),
        ("pay mollie 4.95XYZ", "XYZ is not a currency"),
        ("pay mollie 0", "0 is not above zero"),
        ("pay mollie 10.999", "10.999"),
        ("pay mollie 10 pi_1", "pi_1 is no payment of Mollie"),
        ("refund mollie tr_1 10", "There is no payment tr_1 at Mollie."),
        ("refunds mollie 'tr_1", "A quotation mark is missing."),
        ("refund mollie {payment} 44.96", "€44.95 can be. How the payment is: paid."),
        ("refund mollie {payment} -1", "€44.95 can be."),
        ("fail mollie re_1", "There is no refund re_1"),
        ("advance", "Write: advance PERIOD"),
        ("advance d", "d is no period"),
        ("advance -1d", "-1d is no period"),
        ("advance 99999d", "99999d is no period"),
        ("fault mollie fire", "fire is no fault; there are: refused_429"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    dashboard: Dashboard, mollie: MollieSandbox, line: str, why: str
) -> None:
    payment = mollie.pay(PAID)
    before = mollie.clock.now()
    with pytest.raises(NotUnderstood) as caught:
        dashboard.do(line.format(payment=payment))
    assert why in caught.value.text("en")
    assert list(mollie.books(payment)) == []
    assert mollie.clock.now() == before
    assert not mollie.server.faults
