"""A bank's statement files as our tests hand them in: CAMT.053 in its versions, and MT940 in both of its forms."""

from __future__ import annotations

import itertools
from decimal import Decimal

IBAN = "NL20INGB0001234567"
VERSIONS = ["02", "08", "13"]


def an_entry(
    *refunds: str, amount: str = "-45.50", parts: tuple[str, ...] = (), version: str = "02", reference: str = "17",
    status: str = "BOOK", more: str = "",
) -> str:  # fmt: skip
    """An entry of CAMT.053 with a transfer for each refund, in the way of its version."""
    told = f"<Sts>{status}</Sts>" if version == "02" else f"<Sts><Cd>{status}</Cd></Sts>"
    transfers = ""
    for refund, part in itertools.zip_longest(refunds, parts):
        written = f'<Amt Ccy="EUR">{part}</Amt>' if part else ""
        if part and version == "02":
            written = f"<AmtDtls><TxAmt>{written}</TxAmt></AmtDtls>"
        transfers += (
            f"<TxDtls><Refs><EndToEndId>{refund}</EndToEndId></Refs>{written}"
            "<RltdPties><Cdtr><Nm>J. Jansen</Nm></Cdtr></RltdPties>"
            "<RmtInf><Ustrd>Retour 1001</Ustrd></RmtInf></TxDtls>"
        )
    return (
        f'<Ntry><Amt Ccy="EUR">{amount.lstrip("-")}</Amt><CdtDbtInd>{"DBIT" if "-" in amount else "CRDT"}</CdtDbtInd>'
        f"{told}<BookgDt><Dt>2026-11-24</Dt></BookgDt>{f'<AcctSvcrRef>{reference}</AcctSvcrRef>' if reference else ''}"
        f"<NtryDtls>{transfers}</NtryDtls>{more}</Ntry>"
    )


def a_camt(*entries: str, moved: str = "-45.50", version: str = "02", codes: tuple[str, str] = ("OPBD", "CLBD")) -> str:
    def balance(code: str, amount: Decimal) -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{abs(amount)}</Amt>'
            f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>"
        )

    before = Decimal("20.00")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><GrpHdr/><Stmt>'
        f"<Id>2026-229</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{balance(codes[0], before)}"
        f"{balance(codes[1], before + Decimal(moved))}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    )


def an_mt940(*lines: tuple[str, str, str], moved: str, german: bool = False, reference: str = "//17") -> str:
    """A statement of MT940; of each line the debit or credit mark, the amount, and the refund it names."""

    def balance(amount: Decimal) -> str:
        return f"{'D' if amount < 0 else 'C'}261124EUR{abs(amount)}".replace(".", ",")

    before = Decimal("20.00")
    written = ""
    for mark, amount, refund in lines:
        words = f"/EREF/{refund[:20]}\n{refund[20:]}//REMI/USTD//Retour 1001/"
        if german:
            words = f"116?00OVERBOEKING?20EREF+{refund[:22]}?21{refund[22:]}?22SVWZ+Retour 1001?32J. JANSEN"
        written += f":61:2611241124{mark}{amount.replace('.', ',')}NTRFEREF{reference}\n:86:{words}\n"
    return (
        f":20:P261124\n:25:{IBAN} EUR\n:28C:229/1\n:60F:{balance(before)}\n"
        f"{written}:62F:{balance(before + Decimal(moved))}\n-\n"
    )


def a_file(form: str, refund: str, amount: str = "-45.50", reference: str = "17") -> bytes:
    """One line of ``amount`` that names a refund, in each format."""
    if form.startswith("mt940"):
        line = "D" if "-" in amount else "C", amount.lstrip("-"), refund
        return an_mt940(line, moved=amount, german="German" in form, reference=f"//{reference}").encode()
    version = form[-2:]
    entry = an_entry(refund, amount=amount, version=version, reference=reference)
    return a_camt(entry, moved=amount, version=version).encode()
