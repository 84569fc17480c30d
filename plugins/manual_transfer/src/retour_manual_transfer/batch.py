"""A pain.001 file: many transfers that the merchant hands to his bank at once.

The bank shows them to him once more and pays after he has approved. A file says what to pay, so what is wrong with it
is told before there is one, and the same batch always gives the same file: a bank that sees a message's id again can
then tell a second upload from a second batch.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import attrs

from retour import RetourError
from retour.providers import PERSONAL, BankAccount, Money, Text, TextDomain, is_batch_name
from retour_manual_transfer.characters import sepa_text
from retour_manual_transfer.epc import EEA, MAX_CENTS, one_line
from retour_manual_transfer.provider import valid_iban
from retour_manual_transfer.target_days import next_target_day

text = TextDomain("retour_manual_transfer").text

SCHEMAS = ("pain.001.001.03", "pain.001.001.09")
"""The versions that can be written. Which of them a bank takes, it says itself; the first is the older."""

LONGEST_NAME, LONGEST_REMITTANCE = 70, 140
"""Characters: what is longer is cut."""

_REFUND_ID = re.compile(r"[a-z]{2}[0-9A-HJKMNP-TV-Z]{26}")
_BIC = re.compile(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?")  # as the schema of 001.001.03 has it


@attrs.frozen(kw_only=True)
class Debtor:
    """The merchant as his bank knows him: the account that the money leaves. ``bic`` can be left out."""

    name: str
    iban: str = attrs.field(repr=False, metadata=PERSONAL)
    bic: str = ""


@attrs.frozen(kw_only=True)
class Transfer:
    """One transfer of a batch: the refund that it makes, the amount, to whom, and the text for the statement."""

    order_id: str
    refund_id: str
    amount: Money
    to: BankAccount = attrs.field(repr=False, metadata=PERSONAL)
    remittance: str


class InvalidBatch(RetourError):
    """A batch that no bank would take: nothing was written. ``faults`` are all of them, a sentence each."""

    def __init__(self, faults: Sequence[Text]) -> None:
        super().__init__(sentences(faults))
        self.faults = tuple(faults)


def pain001(
    debtor: Debtor,
    transfers: Iterable[Transfer],
    *,
    batch_id: str,
    execution_date: datetime.date,
    created_at: datetime.datetime,
    schema: str = SCHEMAS[0],
) -> bytes:
    """The file for the bank, valid by the schema of ISO 20022; raises `InvalidBatch` with every fault at once.

    ``batch_id`` (at most 35 letters, digits, points and hyphens) names the file for the bank: use it for one batch
    only. ``execution_date`` is the calendar day on which the bank pays; `next_target_day` gives one. ``created_at`` is
    when the batch was made, written as its own clock shows it, without a zone. The same arguments give the same bytes,
    whatever the order of the transfers. Each transfer carries its refund's id to the statement and asks for a line of
    its own there.
    """
    day = datetime.date.fromordinal(execution_date.toordinal())  # a datetime is a date too, and its time is not wanted
    wanted = sorted(transfers, key=lambda transfer: transfer.refund_id)
    faults = [
        *_batch_faults(batch_id, day, created_at, schema),
        *_debtor_faults(debtor),
        *_list_faults(wanted),
        *[fault for transfer in wanted for fault in transfer_faults(transfer)],
    ]
    if faults:
        raise InvalidBatch(faults)
    return _written(debtor, wanted, batch_id, day, created_at, schema)


def name_faults(batch_id: str) -> Iterator[Text]:
    """What a bank, or the desk, would not take of a batch's name."""
    if not is_batch_name(batch_id):
        yield text(
            "A batch's id is 1 to 35 letters without accents, digits, points and hyphens, not {batch}.",
            batch=repr(batch_id),
        )


def transfer_faults(transfer: Transfer) -> Iterator[Text]:
    """What a bank would not take of one transfer."""
    refund = transfer.refund_id
    if not _REFUND_ID.fullmatch(refund):
        yield text("{refund} is no refund's id. Take it from the list of refunds.", refund=refund)
    if transfer.amount.currency != "EUR":
        yield text("Refund {refund}: a SEPA transfer is in EUR, not {amount}.", refund=refund, amount=transfer.amount)
    elif not 1 <= transfer.amount.minor <= MAX_CENTS:
        yield text(
            "Refund {refund}: a SEPA transfer is of {least} to {most}, not {amount}.",
            refund=refund,
            least=Money(minor=1, currency="EUR"),
            most=Money(minor=MAX_CENTS, currency="EUR"),
            amount=transfer.amount,
        )
    iban = _compact(transfer.to.iban)
    if not iban:
        yield text("Refund {refund}: the IBAN is missing.", refund=refund)
    elif valid_iban(iban) is None:
        yield text(
            "Refund {refund}: the IBAN that ends in {last_four} is not valid.", refund=refund, last_four=iban[-4:]
        )
    elif iban[:2] not in EEA:
        yield text(
            "Refund {refund}: the account that ends in {last_four} is outside the European Economic Area and needs "
            "its bank's BIC. Make this transfer by hand.",
            refund=refund,
            last_four=iban[-4:],
        )
    if not _name(transfer.to.name):
        yield text("Refund {refund}: the name of the account holder is missing or has no letters.", refund=refund)
    if not _remittance(transfer.remittance):
        yield text("Refund {refund}: the text for the statement is missing or has no letters.", refund=refund)


def sentences(found: Sequence[Text]) -> Text:
    """Several sentences as one text."""
    names = [f"sentence_{number}" for number in range(len(found))]
    return Text(message=" ".join([f"{{{name}}}" for name in names]), values=dict(zip(names, found, strict=True)))


# --- what is wrong ---------------------------------------------------------------------------------------


def _batch_faults(
    batch_id: str, execution_date: datetime.date, created_at: datetime.datetime, schema: str
) -> Iterator[Text]:
    yield from name_faults(batch_id)
    if execution_date < created_at.date():
        yield text(
            "The bank cannot pay on {execution}: the batch was made on {created}.",
            execution=execution_date,
            created=created_at.date(),
        )
    elif (open_on := next_target_day(execution_date)) != execution_date:
        yield text(
            "The banks are closed on {execution}: no SEPA transfer is paid on that day. The next day is {next}.",
            execution=execution_date,
            next=open_on,
        )
    if schema not in SCHEMAS:
        yield text("{schema} cannot be written; these can: {schemas}.", schema=schema, schemas=SCHEMAS)


def _debtor_faults(debtor: Debtor) -> Iterator[Text]:
    iban = _compact(debtor.iban)
    if not _name(debtor.name):
        yield text("Your own name, as your bank knows it, is missing or has no letters.")
    if not iban:
        yield text("Your own IBAN is missing.")
    elif valid_iban(iban) is None:
        yield text("Your own IBAN, which ends in {last_four}, is not valid.", last_four=iban[-4:])
    if debtor.bic and not _valid_bic(debtor.bic):
        yield text("{bic} is no BIC. Leave your bank's BIC out, or take it from your statement.", bic=debtor.bic)


def _list_faults(transfers: Sequence[Transfer]) -> Iterator[Text]:
    if not transfers:
        yield text("There is no transfer in this batch.")
    for refund, times in Counter([transfer.refund_id for transfer in transfers]).items():
        if times > 1:
            yield text(
                "Refund {refund} is in this batch {times} times, and would be paid as often.",
                refund=refund,
                times=times,
            )


def _valid_bic(given: str) -> bool:
    from schwifty import BIC

    bic = _compact(given)
    try:
        BIC(bic)
    except ValueError:
        return False
    return _BIC.fullmatch(bic) is not None


def _name(given: str) -> str:
    return sepa_text(given, longest=LONGEST_NAME)


def _remittance(given: str) -> str:
    return sepa_text(given, longest=LONGEST_REMITTANCE)


def _compact(given: str) -> str:
    return one_line(given).replace(" ", "").upper()


# --- writing it ------------------------------------------------------------------------------------------


def _written(
    debtor: Debtor,
    transfers: Sequence[Transfer],
    batch_id: str,
    execution_date: datetime.date,
    created_at: datetime.datetime,
    schema: str,
) -> bytes:
    from sepaxml import SepaTransfer  # type: ignore[import-untyped]
    from sepaxml.validation import try_valid_xml  # type: ignore[import-untyped]

    merchant = {"name": _name(debtor.name), "IBAN": _compact(debtor.iban), "currency": "EUR", "batch": True}
    if debtor.bic:
        merchant["BIC"] = _compact(debtor.bic)
    sepa = SepaTransfer(merchant, schema=schema, clean=False)
    for transfer in transfers:
        sepa.add_payment(
            {
                "name": _name(transfer.to.name),
                "IBAN": _compact(transfer.to.iban),
                "amount": transfer.amount.minor,
                "description": _remittance(transfer.remittance),
                "execution_date": execution_date,
                "endtoend_id": transfer.refund_id,
            }
        )
    written = _fixed(sepa.export(validate=False), batch_id, created_at)
    try_valid_xml(written, schema)
    return bytes(written)


def _fixed(written: bytes, batch_id: str, created_at: datetime.datetime) -> bytes:
    """The file with what sepaxml 2.7 cannot be told: it makes ids by chance, reads the clock, and asks for one line on
    the statement for the whole batch, where nobody could see which refunds were paid. A bank without a BIC is
    NOTPROVIDED, as the implementation guidelines of the European Payments Council have it."""
    moment = created_at.replace(tzinfo=None).isoformat(timespec="seconds")
    for element, value in {"MsgId": batch_id, "CreDtTm": moment, "PmtInfId": batch_id, "BtchBookg": "false"}.items():
        written, times = re.subn(
            f"<{element}>[^<]*</{element}>".encode(), f"<{element}>{value}</{element}>".encode(), written
        )
        if times != 1:
            raise RuntimeError(f"sepaxml wrote {element} {times} times; this needs a sepaxml that writes it once")
    unknown = b"<FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId>"
    return written.replace(b"<FinInstnId />", unknown)
