"""The files in which a bank gives its statement, CAMT.053 and MT940, read into the lines of `statement`.

A file is read whole or refused: what the lines add up to has to be what the balances say, so nothing can be missing.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

import attrs

from retour import RetourError
from retour.providers import Money, Text, TextDomain
from retour_manual_transfer.epc import one_line
from retour_manual_transfer.statement import StatementLine

text = TextDomain("retour_manual_transfer").text


class InvalidStatement(RetourError):
    """A file that is no statement, or not a whole one: nothing of it was read. The words name the file."""


class _Fault(Exception):
    """Why a file is refused, in words that need its name."""

    def __init__(self, cause: Text) -> None:
        super().__init__(str(cause))
        self.cause = cause


def read_statement(name: str, data: bytes, *, iban: str = "") -> tuple[StatementLine, ...]:
    """The booked lines of a statement file, for `confirm_statement`: all of them, or `InvalidStatement` that says why.

    ``name`` is what the person calls the file, ``data`` its bytes: CAMT.053 of ISO 20022, any version of
    camt.053.001, or MT940 of SWIFT (with ``retour-manual-transfer[statements]``). With ``iban`` a statement of another
    account is refused. What is not booked yet is passed over. A payment of several transfers is a line for each, where
    the bank gives their amounts. The same file gives the same lines, so that handing it in twice changes nothing.
    """
    try:
        _check_kind(data)
        words = _decoded(data)
        if words.lstrip().startswith("<"):
            statements = list(_camt053(words))
        elif re.search(r"^:20:", words, re.MULTILINE):
            statements = list(_mt940(words))
        elif _is_table(words):
            raise _Fault(
                text(
                    "It is a CSV file, which is not read: nothing in it shows whether lines are missing. Download the "
                    "same days at your bank as CAMT.053 or MT940."
                )
            )
        else:
            raise _Fault(text("It is neither CAMT.053 nor MT940. Download one of those at your bank."))
        for statement in statements:
            statement.check(iban)
        return tuple(_named(line for statement in statements for line in statement.lines))
    except _Fault as fault:
        raise InvalidStatement(text("{file} was not read. {cause}", file=name, cause=fault.cause)) from None


@attrs.frozen(kw_only=True)
class _Statement:
    """One statement of a file: an account, its lines, and the balances before and after them."""

    name: str
    account: str = attrs.field(repr=False)
    lines: tuple[StatementLine, ...]
    before: Money
    after: Money

    def check(self, iban: str) -> None:
        """Raise `_Fault` for lines that are not all there, and for another account than ``iban``."""
        account = _CURRENCY.sub("", _compact(self.account))
        if iban and not _is_account(_compact(iban), account):
            raise _Fault(
                text(
                    "Statement {statement} is of the account that ends in {last_four}, not of the one that ends in "
                    "{wanted}.",
                    statement=self.name,
                    last_four=account[-4:],
                    wanted=_compact(iban)[-4:],
                )
            )
        currencies = {line.amount.currency for line in self.lines} | {self.before.currency, self.after.currency}
        if len(currencies) > 1:
            raise _Fault(text("Statement {statement} is in several currencies.", statement=self.name))
        moved = sum(line.amount.minor for line in self.lines)
        if self.before.minor + moved != self.after.minor:
            raise _Fault(
                text(
                    "Statement {statement} is not whole: with its lines, {before} becomes {sum}, and the bank says "
                    "{after}.",
                    statement=self.name,
                    before=self.before,
                    sum=Money(minor=self.before.minor + moved, currency=self.before.currency),
                    after=self.after,
                )
            )


# --- what else banks offer -------------------------------------------------------------------------------


def _check_kind(data: bytes) -> None:
    """Raise `_Fault` for a file of another kind, by its first bytes: what it is called says nothing."""
    if data.startswith(b"PK") and not (b"[Content_Types].xml" in data and b"xl/" in data):
        raise _Fault(text("It is a ZIP file. Unpack it, and hand in the files that are in it."))
    if data.startswith((b"PK", _OLD_EXCEL)):
        raise _Fault(
            text("It is an Excel file, which is not read. Download the same days at your bank as CAMT.053 or MT940.")
        )
    if data.lstrip().startswith(b"%PDF-"):
        raise _Fault(text("It is a PDF, which is not read. Download the same days at your bank as CAMT.053 or MT940."))


_OLD_EXCEL = bytes.fromhex("D0CF11E0A1B11AE1")
"""How a file of Excel before 2007 begins, as every compound file does."""


def _is_table(words: str) -> bool:
    """Whether the words are rows of values with one separator between them, with column names or, as from ABN AMRO,
    without."""
    lines = [line for line in words.splitlines() if line.strip()][:_LOOKED_AT]
    for separator in ",;\t":
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator))
        except csv.Error:
            continue
        [(width, rows)] = widths.most_common(1) or [(0, 0)]
        names_alone = len(lines) == 1 and width > 1 and lines[0].startswith('"')
        if names_alone or (width > 2 and rows > 1 and 2 * rows >= widths.total()):
            return True
    return False


_LOOKED_AT = 50
"""Lines of a file in which a table shows itself."""


# --- characters ------------------------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    """The words of a file: UTF-8, or what else the first line of an XML file says, or Windows-1252."""
    if not data.strip():
        raise _Fault(text("It is empty."))
    data = data.removeprefix(codecs.BOM_UTF8)
    told = _ENCODING.match(data)
    for encoding in (told[1].decode().lower(),) if told else ("utf-8", "cp1252"):
        if encoding in _ENCODINGS:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    raise _Fault(text("Its characters cannot be read. It has to be in UTF-8, latin-1 or Windows-1252."))


_ENCODING = re.compile(rb"\s*<\?xml[^>]*\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_ENCODINGS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "cp1252"})


def _named(lines: Iterable[StatementLine]) -> Iterator[StatementLine]:
    """The lines, each with a reference of its own.

    One that the bank gave none is called by its day and amount, and where lines have one reference the second is "(2)":
    of two payments that look the same, both are lines.
    """
    times: Counter[str] = Counter()
    for line in lines:
        reference = line.reference or f"{line.booked.isoformat()} {line.amount.decimal}"
        times[reference] += 1
        yield attrs.evolve(line, reference=reference if times[reference] == 1 else f"{reference} ({times[reference]})")


def _money(amount: str, currency: str, *, out: bool) -> Money:
    """An amount as both formats write it: without a sign, with a point or a comma, perhaps with more zeros."""
    try:
        value = Decimal(amount.strip().replace(",", "."))
        if not _AMOUNT.fullmatch(amount.strip()):
            raise InvalidOperation
        money = Money.of(value.normalize(), currency)
    except (InvalidOperation, RetourError):
        raise _Fault(
            text("{amount} {currency} is no amount.", amount=repr(amount[:40]), currency=repr(currency[:3]))
        ) from None
    return Money(minor=-money.minor, currency=money.currency) if out else money


def _is_account(iban: str, told: str) -> bool:
    """Whether a file means this IBAN: it tells it, or, as MT940 may, the number of the account at its end alone."""
    return iban in told or (len(told) >= _FEWEST_DIGITS and told.isdigit() and iban.endswith(told))


_CURRENCY = re.compile(r"(?<=[0-9])[A-Z]{3}$")
"""What many banks put behind the account in MT940."""

_FEWEST_DIGITS = 7
"""Digits: with fewer, a number is the end of too many accounts to tell one."""

_AMOUNT = re.compile(r"[0-9]{1,15}([.,][0-9]{0,5})?")


def _compact(account: str) -> str:
    return one_line(account).replace(" ", "").upper()


# --- CAMT.053 --------------------------------------------------------------------------------------------
# ISO 20022, BankToCustomerStatement: https://www.iso20022.org/iso-20022-message-definitions, "camt.053.001". The names
# in comments and code are those of its elements. Version 02 and those from 08 on differ in two places: Sts and TxDtls.

_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:(?P<message>[a-z]{4}\.[0-9]{3})\.001\.[0-9]{2}\}Document")


class _NoDocumentType(TreeBuilder):
    """Refuses a document type before it is read: it is where entities are declared that grow without an end, or that
    read another file. No CAMT.053 has one."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        del name, pubid, system
        raise _Fault(text("It declares a document type (DOCTYPE), which no bank's statement does."))


def _camt053(words: str) -> Iterator[_Statement]:
    parser = XMLParser(target=_NoDocumentType())  # noqa: S314 - without a document type there are no entities
    try:
        parser.feed(re.sub(r"^\s*<\?xml[^>]*\?>", "", words, count=1))
        document = parser.close()
    except ParseError as error:
        raise _Fault(text("It is broken XML, or was cut off: {error}.", error=str(error))) from None
    kind = _NAMESPACE.fullmatch(document.tag)
    if kind is None or kind["message"] != "camt.053":
        raise _Fault(
            text(
                "It is XML, but no CAMT.053 (a statement of what was booked): it is {kind}.",
                kind=kind["message"] if kind else repr(document.tag[:80]),
            )
        )
    for element in document.iter():
        element.tag = element.tag.partition("}")[2]
    found = document.findall("BkToCstmrStmt/Stmt")
    if not found:
        raise _Fault(text("It holds no statement."))
    for statement in found:
        yield _statement(statement)


def _statement(statement: Element) -> _Statement:
    name = _text(statement, "Id")
    lines = tuple([line for entry in statement.findall("Ntry") for line in _entry(entry)])
    return _Statement(
        name=name,
        account=_text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id"),
        lines=lines,
        before=_balance(statement, name, ("OPBD", "PRCD", "ITBD"), first=True),
        after=_balance(statement, name, ("CLBD", "ITBD"), first=False),
    )


def _balance(statement: Element, name: str, codes: tuple[str, ...], *, first: bool) -> Money:
    """The booked balance of the first of these codes that is there. On a page of a statement the balance before and the
    one after can both be interim (ITBD): then the first is before, the last after."""
    for code in codes:
        found = [one for one in statement.findall("Bal") if _text(one, "Tp/CdOrPrtry/Cd") == code]
        if found:
            return _signed(found[0 if first else -1])
    raise _Fault(
        text(
            "Statement {statement} has no balance {codes}, so nobody can tell whether it is whole.",
            statement=name,
            codes=codes,
        )
    )


def _entry(entry: Element) -> Iterator[StatementLine]:
    """The lines of a booked entry: one for each transfer where their amounts are there and add up, else one."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status in ("PDNG", "INFO", "FUTR"):
        return
    if status != "BOOK":
        raise _Fault(text("An entry has the status {status}, which is not known.", status=repr(status[:40])))
    amount = _signed(entry)
    booked = _day(_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")[:10])
    told = _text(entry, "AcctSvcrRef")
    more = _text(entry, "AddtlNtryInf")
    transfers = entry.findall("NtryDtls/TxDtls")
    amounts = [_amount_of(one, amount) for one in transfers]
    known = [one for one in amounts if one is not None and one.currency == amount.currency]
    if len(transfers) > 1 and len(known) == len(transfers) and sum(one.minor for one in known) == amount.minor:
        for one, part in zip(transfers, known, strict=True):
            yield StatementLine(
                reference=_text(one, "Refs/AcctSvcrRef") or told,
                amount=part,
                words=" ".join(_words(one)),
                booked=booked,
            )
        return
    own = _text(transfers[0], "Refs/AcctSvcrRef") if len(transfers) == 1 else ""
    yield StatementLine(
        reference=told or own,
        amount=amount,
        words=" ".join([*[word for one in transfers for word in _words(one)], more]).strip(),
        booked=booked,
    )


def _amount_of(transfer: Element, entry: Money) -> Money | None:
    """What one transfer of an entry is of: Amt from version 04 on, AmtDtls/TxAmt before; the entry says its direction
    where it does not."""
    found = transfer.find("Amt")
    if found is None:
        found = transfer.find("AmtDtls/TxAmt/Amt")
    if found is None:
        return None
    direction = _text(transfer, "CdtDbtInd")
    out = _is_out(direction) if direction else entry.minor < 0
    return _money(found.text or "", found.get("Ccy", ""), out=out)


def _words(transfer: Element) -> Iterator[str]:
    """All words by which a refund can be known: its EndToEndId, the remittance, and why it was returned."""
    for place in ("Refs/EndToEndId", "RmtInf", "RtrInf", "AddtlTxInf"):
        for found in transfer.findall(place):
            for element in found.iter():
                if element.text and element.text.strip():
                    yield element.text.strip()


def _signed(element: Element) -> Money:
    """The amount of an entry or a balance, below zero where it is a debit. Of a reversal (RvslInd) too: CdtDbtInd then
    says which way the money went now."""
    amount = element.find("Amt")
    if amount is None:
        raise _Fault(text("An entry or a balance has no amount."))
    return _money(amount.text or "", amount.get("Ccy", ""), out=_is_out(_text(element, "CdtDbtInd")))


def _is_out(direction: str) -> bool:
    if direction not in ("CRDT", "DBIT"):
        raise _Fault(text("{direction} is neither CRDT nor DBIT.", direction=repr(direction[:40])))
    return direction == "DBIT"


def _day(given: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        raise _Fault(text("An entry was booked on {day}, which is no day.", day=repr(given[:40]))) from None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


# --- MT940 -----------------------------------------------------------------------------------------------
# SWIFT, Category 9, MT940 Customer Statement Message. Tag 61 is a line, 86 its words, 60 and 62 the balances.


def _mt940(words: str) -> Iterator[_Statement]:
    try:
        import mt940
    except ImportError:
        raise _Fault(
            text("It is MT940; to read it, install retour-manual-transfer[statements], or hand in CAMT.053.")
        ) from None
    import logging

    logging.getLogger("mt940").setLevel(logging.CRITICAL)  # it logs a line that it cannot read, names and all
    try:
        read = mt940.parse_statements(words, options=mt940.Options.all(), processors={"post_transaction_details": []})
        found = [(one.data, [line.data for line in one.transactions]) for one in read]
    except Exception:  # noqa: BLE001 - it raises whatever its parts raise, with the bank's line in the words
        raise _Fault(text("It is MT940, but a tag of it cannot be read.")) from None
    if sum(len(lines) for _, lines in found) != len(re.findall(r"^:61:", words, re.MULTILINE)):
        raise _Fault(text("It is MT940, but has lines (:61:) outside of any statement (:20:)."))
    for data, lines in found:
        name = f"{data.get('statement_number') or data.get('transaction_reference')}"
        balances = {}
        for when in ("opening", "closing"):
            told = data.get(f"final_{when}_balance") or data.get(f"intermediate_{when}_balance")
            if told is None:
                raise _Fault(
                    text(
                        "Statement {statement} has no balance {codes}, so nobody can tell whether it is whole.",
                        statement=name,
                        codes=(":60F:" if when == "opening" else ":62F:",),
                    )
                )
            balances[when] = _of_mt940(told.amount)
        yield _Statement(
            name=name,
            account=f"{data.get('account_identification')}",
            lines=tuple([_line_of_mt940(line) for line in lines]),
            before=balances["opening"],
            after=balances["closing"],
        )


def _line_of_mt940(line: dict[str, object]) -> StatementLine:
    told = f"{line.get('bank_reference') or ''}".strip()
    details = f"{line.get('transaction_details') or ''}"
    parts = [line.get("customer_reference"), _SUBFIELD.sub("\n", details), line.get("extra_details")]
    booked = line.get("entry_date") or line.get("date")
    if not isinstance(booked, datetime.date):
        raise _Fault(text("It is MT940, but a tag of it cannot be read."))
    return StatementLine(
        reference="" if told.upper() in ("", "NONREF") else told,
        amount=_of_mt940(line["amount"]),
        words="\n".join([f"{part}" for part in parts if part]),
        booked=datetime.date.fromordinal(booked.toordinal()),
    )


_SUBFIELD = re.compile(r"\?[0-9]{2}")
"""What parts the words of tag 86 where a bank uses the German structure: a refund's id can stand on both sides."""


def _of_mt940(amount: object) -> Money:
    value, currency = getattr(amount, "amount", None), getattr(amount, "currency", None)
    if not isinstance(value, Decimal):
        raise _Fault(text("It is MT940, but a tag of it cannot be read."))
    return _money(str(abs(value)), f"{currency}", out=value < 0)
