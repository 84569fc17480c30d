"""The EPC QR code: what a banking app scans to fill in a SEPA credit transfer.

Rules: European Payments Council, EPC069-12, "Quick Response Code: Guidelines to Enable Data Capture for the
Initiation of a SEPA Credit Transfer", as given in
https://neodynamic.com/barcodes/EPC-QR-Code-Barcode.aspx (the elements) and
https://github.com/bwipp/postscriptbarcode/wiki/EPC-QR-Code (the separators).
"""

from __future__ import annotations

import io
import unicodedata
from typing import TYPE_CHECKING

import attrs

from retour.providers import BankAccount, Money

if TYPE_CHECKING:
    from segno import QRCode

MAX_BYTES = 331
"""The largest payload, and what QR version 13 holds at error level M."""

MAX_CENTS = 99_999_999_999
"""The largest SEPA credit transfer, EUR 999999999.99."""

_QUIET_ZONE = 4  # modules of light around the code, ISO/IEC 18004

EEA = frozenset(  # its members, ISO 3166-1 alpha-2
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""The European Economic Area: an account there is found by its IBAN, elsewhere the bank's BIC is needed too."""

_WHITE_ON_BLACK, _RESET = "\x1b[38;5;231;48;5;16m", "\x1b[0m"
_BLOCKS = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}  # light is drawn, dark is left out


def epc_qr(*, amount: Money, to: BankAccount, remittance: str) -> EpcQr | None:
    """The code for a transfer, or None where there can be none.

    It is for EUR 0.01 to 999999999.99. An account outside the EEA needs a BIC in it, which we do not give.
    """
    if amount.currency != "EUR" or not 1 <= amount.minor <= MAX_CENTS or to.iban[:2] not in EEA:
        return None
    return EpcQr(
        payload=epc_payload(name=to.name, iban=to.iban, amount=amount, remittance=remittance),
        title=f"EPC QR: {amount}, {to.name}, {to.iban}, {remittance}",
    )


def epc_payload(*, name: str, iban: str, amount: Money, remittance: str) -> str:
    r"""The text in the code: one element a line, nothing after the last, at most 331 bytes.

    The lines are service tag, version 002 (no BIC needed in the EEA), character set 1 (UTF-8), SCT, BIC, name of the
    account holder (70 characters), IBAN, amount in EUR with a point, purpose, structured reference, and text for the
    statement (140 characters). A name that UTF-8 makes longer than 140 bytes is cut there, so that text and name
    both fit; the text gets what is left.

    >>> amount = Money.of("45.50", "EUR")
    >>> epc_payload(name="J. Jansen", iban="NL91ABNA0417164300", amount=amount, remittance="Retour 1001")
    'BCD\n002\n1\nSCT\n\nJ. Jansen\nNL91ABNA0417164300\nEUR45.50\n\n\nRetour 1001'
    """
    name = _cut(one_line(name), characters=70, size=140)
    known = "\n".join(["BCD", "002", "1", "SCT", "", name, iban, f"EUR{amount.decimal}", "", "", ""])
    return (known + _cut(one_line(remittance), characters=140, size=MAX_BYTES - len(known.encode()))).rstrip("\n")


def one_line(words: str) -> str:
    r"""Words on one line, with single blanks: a line break or an invisible character must not start an element.

    >>> one_line(" J. Jansen\nEUR999 ")
    'J. Jansen EUR999'
    """
    composed = unicodedata.normalize("NFC", words)
    return " ".join("".join([one if one.isprintable() else " " for one in composed]).split())


def _cut(words: str, *, characters: int, size: int) -> str:
    """``words`` in at most so many characters and bytes, never half a character."""
    return words[:characters].encode()[:size].decode(errors="ignore").rstrip()


@attrs.frozen(kw_only=True)
class EpcQr:
    """An EPC QR code, drawn when it is asked for. ``title`` says in words what ``payload`` says to the app:
    whose account it is, which is not shown with the variables of a traceback."""

    payload: str = attrs.field(repr=False)
    title: str = attrs.field(repr=False)

    def svg(self) -> str:
        """An SVG document with a title and a quiet zone, black on white whatever the page's colours are."""
        drawn = io.BytesIO()
        self._code().save(
            drawn, kind="svg", scale=4, unit="px", border=_QUIET_ZONE, light="white", xmldecl=False, title=self.title
        )
        return drawn.getvalue().decode().replace("<svg ", '<svg role="img" ', 1)

    def terminal(self) -> str:
        """Half blocks on several lines, white on black by ANSI colours, so that a light terminal shows no negative."""
        rows = [tuple(row) for row in self._code().matrix_iter(border=_QUIET_ZONE)]
        rows.append((0,) * len(rows[0]))  # their number is odd, and a line shows two
        pairs = [zip(upper, lower, strict=True) for upper, lower in zip(rows[::2], rows[1::2], strict=True)]
        lines = ["".join([_BLOCKS[pair] for pair in line]) for line in pairs]
        return "\n".join([f"{_WHITE_ON_BLACK}{line}{_RESET}" for line in lines])

    def _code(self) -> QRCode:
        import segno

        return segno.make(self.payload, error="m", boost_error=False, micro=False, encoding="utf-8")
