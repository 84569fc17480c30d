"""A bank on this machine: it takes files of transfers, pays them, and says so on its statement.

    >>> from retour.providers import Money
    >>> with BankSandbox() as bank:
    ...     invoice = bank.pay(Money.of("44.95", "EUR"), reference="invoice 1001")
    ...     transfer = bank.refund_in_dashboard(invoice, Money.of("10.00", "EUR"))
    ...     bank.statement()[0].amount.minor
    -1000

Like a real bank it knows no orders: a transfer is told apart by its EndToEndId, and belongs to the invoice whose number
its remittance ends with (``Retour 1001`` to ``invoice 1001``). A file whose message id it has seen is refused whole,
as duplicates are in the implementation guidelines of the European Payments Council.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from xml.etree import ElementTree

from retour import InvalidAmount
from retour.providers import Money, RefundStatus, Text, TextDomain
from retour.sandbox import (
    BookkeepingSandbox,
    DashboardAction,
    DashboardFile,
    DashboardTable,
    Lifecycle,
    NotPossible,
    PaymentSandbox,
    Refused,
    SandboxClock,
    SandboxPayment,
    SandboxRefund,
    SandboxRequest,
    SandboxResponse,
    Step,
)
from retour_manual_transfer import sandbox_dashboard
from retour_manual_transfer.sandbox_statement import camt053
from retour_manual_transfer.statement import StatementLine

text = TextDomain("retour_manual_transfer").text

_NOT_PROVIDED = "NOTPROVIDED"


class BankSandbox(BookkeepingSandbox):
    """A bank, from ``with`` until its end, at ``url``.

    ``POST /files`` takes a pain.001 file, as `upload` does, and answers 409 for a message id that it has seen;
    ``GET /statement`` gives the lines of `statement` as JSON: reference, amount, words, booked. Its transfers are
    instant. It sends no webhooks: the merchant reads its statement. ``invoices`` is what customers paid of which,
    ``iban`` the merchant's account.
    """

    provider: ClassVar[str] = "manual_transfer"
    dashboard_title: ClassVar[Text] = text("The bank")
    dashboard_tables: ClassVar[Sequence[DashboardTable]] = sandbox_dashboard.TABLES
    dashboard_actions: ClassVar[Sequence[DashboardAction]] = sandbox_dashboard.ACTIONS
    dashboard_files: ClassVar[Sequence[DashboardFile]] = sandbox_dashboard.FILES
    lifecycle: ClassVar[Lifecycle] = Lifecycle(
        statuses={
            "waiting": RefundStatus.PENDING,
            "paid": RefundStatus.SUCCEEDED,
            "returned": RefundStatus.FAILED,
        },
        way=(Step(status="paid"),),
    )

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self.invoices: dict[str, Money] = {}
        self._lines: list[StatementLine] = []
        self._messages: set[str] = set()
        self.iban = "NL20INGB0001234567"

    @property
    def settings(self) -> Mapping[str, object]:
        """None: the plugin knows no bank."""
        return {}

    # --- what people do ----------------------------------------------------------------------------------

    def pay(self, amount: Money, *, reference: str = "") -> str:
        """A customer pays an invoice by transfer."""
        with self.lock:
            invoice = reference or f"invoice {len(self.invoices) + 1}"
            if invoice in self.invoices:
                raise NotPossible(text("{invoice} is paid already.", invoice=invoice))
            self.invoices[invoice] = amount
            self._in(invoice, amount.currency).amount = amount
            return invoice

    def upload(self, file: bytes) -> int:
        """The merchant hands in a pain.001 file and approves it; gives how many transfers it holds.

        Raises `ValueError` for what is no such file, and for a message id that was handed in before: nothing of it is
        paid then.
        """
        with self.lock:
            message, iban, transfers = _read(file)
            if message in self._messages:
                raise _HandedInBefore(text("Message {message} was handed in before.", message=message))
            self._messages.add(message)
            self.iban = iban or self.iban
            for amount, remittance, end_to_end_id in transfers:
                self._transfer(amount, remittance, end_to_end_id)
            return len(transfers)

    def refund_in_dashboard(self, reference: str, amount: Money, **said: Any) -> str:
        """The merchant types a transfer into his banking app; no id of ours is on it, and ``remittance`` is
        what he types. The bank does not look at what was paid."""
        with self.lock:
            if reference not in self.invoices:
                raise NotPossible(text("{invoice} was never paid.", invoice=reference))
            words = said.get("remittance", f"Retour {_number(reference)}")
            return self._transfer(amount, words, "").id

    def statement(self) -> Sequence[StatementLine]:
        """Every line so far, the oldest first; money that left is below zero."""
        with self.lock:
            return tuple(self._lines)

    def statement_file(self) -> bytes:
        """The statement as a CAMT.053 file, of the account that the last file of transfers named."""
        with self.lock:
            self.settle()
            return camt053(self._lines, iban=self.iban)

    # --- the small print ---------------------------------------------------------------------------------

    def stored(self, reference: str) -> SandboxPayment:
        """What belongs to an invoice, by the number that it ends with. The bank knows no invoices: any can be asked
        for."""
        number = _number(reference)
        known = self.ledger.payments.get(number)
        nothing = SandboxPayment(id=number, amount=Money.zero("EUR"), made_at=self.clock.now())
        return known or self.ledger.add(nothing)

    def _in(self, reference: str, currency: str) -> SandboxPayment:
        """What belongs to an invoice in a currency. The bank knows no invoices, so that one can be paid in another
        currency than somebody pays back for it: the two are counted apart."""
        found = self.stored(reference)
        if found.amount.currency == currency:
            return found
        if not (found.amount or found.refunds):
            found.amount = Money.zero(currency)
            return found
        apart = f"{found.id}-{currency}"
        nothing = SandboxPayment(id=apart, amount=Money.zero(currency), made_at=self.clock.now())
        return self.ledger.payments.get(apart) or self.ledger.add(nothing)

    def refund_id(self, refund: SandboxRefund) -> str:
        """The EndToEndId, where the transfer is not one that a person typed in."""
        return str(refund.said["end_to_end_id"])

    def tell(self, refund: SandboxRefund) -> None:
        """A transfer that is paid is a line of the statement, and so is one that comes back."""
        if refund.status == "paid":
            self._book(refund, Money.zero(refund.amount.currency) - refund.amount)
        elif refund.before == "paid":
            self._book(refund, refund.amount)

    def _transfer(self, amount: Money, remittance: str, end_to_end_id: str) -> SandboxRefund:
        return self.ledger.refund(
            self._in(remittance, amount.currency),
            amount,
            reference=f"T{len(self.ledger.refunds) + 1:08}",
            said={"remittance": remittance, "end_to_end_id": end_to_end_id.replace(_NOT_PROVIDED, "")},
        )

    def _book(self, transfer: SandboxRefund, amount: Money) -> None:
        ours = self.refund_id(transfer)
        words = [transfer.said["remittance"], f"/EREF/{ours}" if ours else ""]
        self._lines.append(
            StatementLine(
                reference=f"S{len(self._lines) + 1:08}",
                amount=amount,
                words=" ".join(filter(None, words)),
                booked=self.clock.now().date(),
            )
        )

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """A file that comes in, or the statement."""
        if (request.method, request.path) == ("POST", "/files"):
            try:
                return SandboxResponse(status=201, body={"transfers": self.upload(request.body)})
            except NotPossible as error:
                raise _refused(409 if isinstance(error, _HandedInBefore) else 422, str(error)) from None
        if (request.method, request.path) == ("GET", "/statement"):
            return SandboxResponse(status=200, body=[_plain(line) for line in self.statement()])
        raise _refused(404, f"{request.method} {request.path} is not here")


class _HandedInBefore(NotPossible):
    """A file whose message id the bank has seen."""


def _refused(status: int, words: str) -> Refused:
    return Refused(SandboxResponse(status=status, body={"error": words}))


def _plain(line: StatementLine) -> dict[str, object]:
    return {
        "reference": line.reference,
        "amount": str(line.amount.decimal),
        "currency": line.amount.currency,
        "words": line.words,
        "booked": line.booked.isoformat(),
    }


def _number(words: str) -> str:
    """The number of an order or invoice: the last word."""
    return words.split()[-1] if words.split() else ""


def _read(file: bytes) -> tuple[str, str, list[tuple[Money, str, str]]]:
    """A file's message id, the account that pays, and the amount, remittance and EndToEndId of each transfer; raises
    `ValueError`."""
    try:
        root = ElementTree.fromstring(file)  # noqa: S314 - a merchant's own file, on his own machine
    except ElementTree.ParseError as error:
        raise NotPossible(text("This is no XML: {why}", why=str(error))) from None
    message = root.findtext(".//{*}GrpHdr/{*}MsgId", "")
    found = [
        (_amount(one), one.findtext("{*}RmtInf/{*}Ustrd", ""), one.findtext("{*}PmtId/{*}EndToEndId", ""))
        for one in root.iterfind(".//{*}CdtTrfTxInf")
    ]
    if not message or not found:
        raise NotPossible(text("This is no pain.001 file with transfers."))
    return message, root.findtext(".//{*}DbtrAcct/{*}Id/{*}IBAN", ""), found


def _amount(transfer: ElementTree.Element) -> Money:
    amount = transfer.find("{*}Amt/{*}InstdAmt")
    if amount is None or not amount.text:
        raise NotPossible(text("A transfer has no amount."))
    try:
        return Money.of(amount.text, amount.get("Ccy", ""))
    except InvalidAmount as error:
        raise NotPossible(error.message) from None


_: type[PaymentSandbox] = BankSandbox
