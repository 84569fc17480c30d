"""The statement of the bank on this machine as the file that banks give: CAMT.053, with one statement per currency."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from retour.providers import Money
from retour_manual_transfer.statement import StatementLine

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def camt053(lines: Sequence[StatementLine], *, iban: str) -> bytes:
    """A CAMT.053 file (ISO 20022) with these lines of an account, whose balance was zero before. Without a line it has
    one statement in euros that says so."""
    document = Element("Document", xmlns=NAMESPACE)
    message = SubElement(document, "BkToCstmrStmt")
    header = SubElement(message, "GrpHdr")
    _put(header, "MsgId", f"SANDBOX-{len(lines)}")
    for currency in dict.fromkeys([line.amount.currency for line in lines]) or ["EUR"]:
        _statement(message, [line for line in lines if line.amount.currency == currency], currency, iban)
    written: bytes = tostring(document, encoding="utf-8", xml_declaration=True)
    return written


def _statement(message: Element, lines: Sequence[StatementLine], currency: str, iban: str) -> None:
    statement = SubElement(message, "Stmt")
    _put(statement, "Id", f"{currency}-{len(lines)}")
    _put(statement, "Acct/Id/IBAN", iban)
    nothing = Money.zero(currency)
    for code, balance in (("OPBD", nothing), ("CLBD", sum([line.amount for line in lines], nothing))):
        place = SubElement(statement, "Bal")
        _put(place, "Tp/CdOrPrtry/Cd", code)
        _amount(place, balance)
    for line in lines:
        entry = SubElement(statement, "Ntry")
        _amount(entry, line.amount)
        _put(entry, "Sts/Cd", "BOOK")
        _put(entry, "BookgDt/Dt", line.booked.isoformat())
        _put(entry, "AcctSvcrRef", line.reference)
        _put(entry, "NtryDtls/TxDtls/RmtInf/Ustrd", line.words)


def _amount(place: Element, amount: Money) -> None:
    SubElement(place, "Amt", Ccy=amount.currency).text = str(abs(amount.decimal))
    _put(place, "CdtDbtInd", "DBIT" if amount.minor < 0 else "CRDT")


def _put(place: Element, path: str, words: str) -> None:
    """An element with these words, and those around it that its path names."""
    for name in path.split("/"):
        place = SubElement(place, name)
    place.text = words
