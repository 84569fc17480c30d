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

import datetime
import json
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import ClassVar
from xml.etree import ElementTree

import attrs

from retour.providers import Money, RefundStatus
from retour.sandbox import (
    BookedRefund,
    PaymentSandbox,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxServer,
    SandboxWebhook,
)
from retour_manual_transfer.statement import StatementLine

_NOT_PROVIDED = "NOTPROVIDED"


@attrs.define(kw_only=True)
class BankTransfer:
    """A transfer that the bank was told to make. ``end_to_end_id`` is empty where a person typed it in."""

    number: str
    amount: Money
    remittance: str
    end_to_end_id: str
    status: RefundStatus


class BankSandbox:
    """A bank, from ``with`` until its end, at ``url``.

    ``POST /files`` takes a pain.001 file, as `upload` does, and answers 409 for a message id that it has seen;
    ``GET /statement`` gives the lines of `statement` as JSON: reference, amount, words, booked.
    """

    provider: ClassVar[str] = "manual_transfer"

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        self.clock = clock or SandboxClock()
        self.server = SandboxServer(self._handle, port=port)
        self._invoices: dict[str, Money] = {}
        self._transfers: list[BankTransfer] = []
        self._lines: list[StatementLine] = []
        self._messages: set[str] = set()
        self._held = False
        self._lock = threading.RLock()

    def __enter__(self) -> BankSandbox:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        """Where it is."""
        return self.server.url

    @property
    def settings(self) -> Mapping[str, object]:
        """None: the plugin knows no bank."""
        return {}

    # --- what people do ----------------------------------------------------------------------------------

    def pay(self, amount: Money, *, reference: str = "") -> str:
        """A customer pays an invoice by transfer."""
        with self._lock:
            invoice = reference or f"invoice {len(self._invoices) + 1}"
            if invoice in self._invoices:
                raise ValueError(f"{invoice} is paid already")
            self._invoices[invoice] = amount
            return invoice

    def upload(self, file: bytes) -> int:
        """The merchant hands in a pain.001 file and approves it; gives how many transfers it holds.

        Raises `ValueError` for what is no such file, and for a message id that was handed in before: nothing of it is
        paid then.
        """
        with self._lock:
            message, transfers = _read(file)
            if message in self._messages:
                raise ValueError(f"message {message} was handed in before")
            self._messages.add(message)
            for amount, remittance, end_to_end_id in transfers:
                self._transfer(amount, remittance, end_to_end_id)
            return len(transfers)

    def refund_in_dashboard(self, reference: str, amount: Money) -> str:
        """The merchant types a transfer into his banking app; no id of ours is on it."""
        with self._lock:
            if reference not in self._invoices:
                raise ValueError(f"{reference} was never paid")
            return self._transfer(amount, f"Retour {_number(reference)}", "").number

    def fail(self, refund: str) -> None:
        """The money comes back: the account was closed."""
        with self._lock:
            transfer = next((one for one in self._transfers if one.number == refund), None)
            if transfer is None:
                raise ValueError(f"there is no transfer {refund}")
            if transfer.status is RefundStatus.FAILED:
                raise ValueError(f"{refund} came back already")
            if transfer.status is RefundStatus.SUCCEEDED:
                self._book(transfer, transfer.amount)
            transfer.status = RefundStatus.FAILED

    def statement(self) -> Sequence[StatementLine]:
        """Every line so far, the oldest first; money that left is below zero."""
        with self._lock:
            return tuple(self._lines)

    # --- the handles of every sandbox --------------------------------------------------------------------

    def hold(self) -> None:
        """From now on transfers wait at the bank."""
        with self._lock:
            self._held = True

    def release(self) -> None:
        """What waited is paid."""
        with self._lock:
            self._held = False
            for transfer in self._transfers:
                if transfer.status is RefundStatus.PENDING:
                    self._pay_out(transfer)

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass. Transfers are instant here."""
        self.clock.advance(by)

    def books(self, reference: str) -> Sequence[BookedRefund]:
        """The transfers for an invoice, by the number that their remittance ends with."""
        with self._lock:
            return tuple(
                BookedRefund(
                    reference=transfer.number,
                    amount=transfer.amount,
                    status=transfer.status,
                    refund_id=transfer.end_to_end_id,
                )
                for transfer in self._transfers
                if _number(transfer.remittance) == _number(reference)
            )

    def take_webhooks(self) -> list[SandboxWebhook]:
        """None: a bank sends no webhooks, the merchant reads its statement."""
        return []

    # --- the small print ---------------------------------------------------------------------------------

    def _transfer(self, amount: Money, remittance: str, end_to_end_id: str) -> BankTransfer:
        made = BankTransfer(
            number=f"T{len(self._transfers) + 1:08}",
            amount=amount,
            remittance=remittance,
            end_to_end_id="" if end_to_end_id == _NOT_PROVIDED else end_to_end_id,
            status=RefundStatus.PENDING,
        )
        self._transfers.append(made)
        if not self._held:
            self._pay_out(made)
        return made

    def _pay_out(self, transfer: BankTransfer) -> None:
        transfer.status = RefundStatus.SUCCEEDED
        self._book(transfer, Money.zero(transfer.amount.currency) - transfer.amount)

    def _book(self, transfer: BankTransfer, amount: Money) -> None:
        words = [transfer.remittance, f"/EREF/{transfer.end_to_end_id}" if transfer.end_to_end_id else ""]
        self._lines.append(
            StatementLine(
                reference=f"S{len(self._lines) + 1:08}",
                amount=amount,
                words=" ".join(filter(None, words)),
                booked=self.clock.now().date(),
            )
        )

    def _handle(self, request: SandboxRequest) -> SandboxResponse:
        if (request.method, request.path) == ("POST", "/files"):
            try:
                return SandboxResponse(status=201, body={"transfers": self.upload(request.body)})
            except ValueError as error:
                return SandboxResponse(status=409 if "before" in str(error) else 422, body={"error": str(error)})
        if (request.method, request.path) == ("GET", "/statement"):
            return SandboxResponse(status=200, body=json.loads(json.dumps([_plain(line) for line in self.statement()])))
        return SandboxResponse(status=404, body={"error": f"{request.method} {request.path} is not here"})


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


def _read(file: bytes) -> tuple[str, list[tuple[Money, str, str]]]:
    """A file's message id, and the amount, remittance and EndToEndId of each transfer; raises `ValueError`."""
    try:
        root = ElementTree.fromstring(file)  # noqa: S314 - a merchant's own file, on his own machine
    except ElementTree.ParseError as error:
        raise ValueError(f"this is no XML: {error}") from None
    message = root.findtext(".//{*}GrpHdr/{*}MsgId", "")
    found = [
        (_amount(one), one.findtext("{*}RmtInf/{*}Ustrd", ""), one.findtext("{*}PmtId/{*}EndToEndId", ""))
        for one in root.iterfind(".//{*}CdtTrfTxInf")
    ]
    if not message or not found:
        raise ValueError("this is no pain.001 file with transfers")
    return message, found


def _amount(transfer: ElementTree.Element) -> Money:
    amount = transfer.find("{*}Amt/{*}InstdAmt")
    if amount is None or not amount.text:
        raise ValueError("a transfer has no amount")
    return Money.of(amount.text, amount.get("Ccy", ""))


_: type[PaymentSandbox] = BankSandbox
