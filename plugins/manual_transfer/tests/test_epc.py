"""The EPC QR code: its lines, its limits, and what is drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import BankAccount, Money
from retour_manual_transfer.epc import MAX_BYTES, EpcQr, epc_payload, epc_qr, one_line

IBAN = "NL91ABNA0417164300"

words = st.text(max_size=200) | st.text("é😀王\u0301\ud800\r\n\u2028 a", max_size=200)
ibans = st.sampled_from([IBAN, "MT84MALT011000012345MTLCAST001S"])
amounts = st.integers(1, 99_999_999_999).map(lambda cents: Money(minor=cents, currency="EUR"))


def code(amount: str = "45.50", name: str = "J. Jansen", remittance: str = "Retour 1001") -> EpcQr:
    drawn = epc_qr(amount=Money.of(amount, "EUR"), to=BankAccount(name=name, iban=IBAN), remittance=remittance)
    assert drawn is not None
    return drawn


def test_the_payload_has_each_element_on_its_own_line():
    payload = epc_payload(name="J. Jansen", iban=IBAN, amount=Money.of("45.50", "EUR"), remittance="Retour 1001")
    assert payload.split("\n") == [
        "BCD",
        "002",
        "1",
        "SCT",
        "",
        "J. Jansen",
        "NL91ABNA0417164300",
        "EUR45.50",
        "",
        "",
        "Retour 1001",
    ]


@pytest.mark.parametrize(
    ("amount", "line"),
    [
        ("0.01", "EUR0.01"),
        ("1", "EUR1.00"),
        ("12.3", "EUR12.30"),
        ("1234.5", "EUR1234.50"),
        ("999999999.99", "EUR999999999.99"),
    ],
)
def test_an_amount_is_written_with_a_point_and_two_decimals(amount: str, line: str):
    assert code(amount).payload.split("\n")[7] == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("J" * 71, "J" * 70),
        ("é" * 71, "é" * 70),
        ("e\u0301" * 71, "é" * 70),  # two code points, one character
        ("王" * 70, "王" * 46),  # three bytes each: 140 bytes hold 46 of them
        ("J. Jansen\nNL00EVIL", "J. Jansen NL00EVIL"),
        ("J.\r\n\x01\x85\u2028Jansen", "J. Jansen"),
    ],
)
def test_a_name_is_one_line_of_at_most_70_characters_and_140_bytes(name: str, line: str):
    assert code(name=name).payload.split("\n")[5] == line


@pytest.mark.parametrize(
    ("remittance", "line"),
    [("x" * 141, "x" * 140), ("Retour 1001\nEUR999", "Retour 1001 EUR999"), ("Zoë & Çelik", "Zoë & Çelik")],
)
def test_a_remittance_text_is_one_line_of_at_most_140_characters(remittance: str, line: str):
    assert code(remittance=remittance).payload.split("\n")[10] == line


def test_without_a_remittance_text_nothing_follows_the_amount():
    assert code(remittance="\n").payload.endswith("\nEUR45.50")


@given(name=words, iban=ibans, amount=amounts, remittance=words)
def test_whatever_the_name_and_the_text_hold_a_payload_keeps_its_lines_and_its_limit(
    name: str, iban: str, amount: Money, remittance: str
):
    payload = epc_payload(name=name, iban=iban, amount=amount, remittance=remittance)
    lines = payload.splitlines()
    assert len(payload.encode()) <= MAX_BYTES
    assert payload.split("\n") == lines
    assert len(lines) == (11 if one_line(remittance) else 8)
    assert lines[:5] == ["BCD", "002", "1", "SCT", ""]
    assert len(lines[5]) <= 70
    assert lines[6] == iban
    assert lines[7].startswith("EUR")
    assert Money.of(lines[7].removeprefix("EUR"), "EUR") == amount
    assert lines[8:10] == ["", ""][: len(lines) - 8]


@pytest.mark.parametrize(
    "drawn", [code(), code("999999999.99", "é" * 70, "é" * 140)], ids=["the usual one", "the largest one"]
)
def test_what_is_drawn_is_the_payload_at_error_level_m_and_version_13_at_most(drawn: EpcQr):
    expected = segno.make_qr(drawn.payload.encode(), error="m", boost_error=False)
    assert (expected.error, expected.version <= 13) == ("M", True)
    assert modules(drawn.terminal()) == [list(row) for row in expected.matrix_iter(border=4)]


def test_the_lines_for_a_terminal_are_equally_wide_and_bring_their_own_colours():
    lines = code().terminal().split("\n")
    assert len({len(line) for line in lines}) == 1
    assert all(re.fullmatch(r"\x1b\[38;5;231;48;5;16m[█▀▄ ]+\x1b\[0m", line) for line in lines)


def test_the_svg_is_a_document_with_a_title_and_a_light_background():
    drawn = code(name="Jansen & <Zoë>").svg()
    root = ET.fromstring(drawn)  # noqa: S314 - our own document
    svg = "{http://www.w3.org/2000/svg}"
    assert (root.tag, root.get("role")) == (f"{svg}svg", "img")
    assert root.findtext(f"{svg}title") == "EPC QR: EUR 45.50, Jansen & <Zoë>, NL91ABNA0417164300, Retour 1001"
    assert root.get("viewBox") == "0 0 180 180"
    assert 'fill="#fff"' in drawn


def modules(terminal: str) -> list[list[int]]:
    """The modules, dark is 1, read back from the half blocks; the last half line is not part of the code."""
    rows: list[list[int]] = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", terminal).split("\n"):
        rows.append([int(block in "▄ ") for block in line])
        rows.append([int(block in "▀ ") for block in line])
    return rows[:-1]
