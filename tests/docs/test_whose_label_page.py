"""The page about whose label a number is shows the whole rule as its test has it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "decisions" / "0041-whose-label-a-number-is.md"
TABLE = ROOT / "tests" / "shipping" / "whose_label.md"
BEGIN, END = "<!-- the rule -->\n", "<!-- the end of the rule -->"


def test_the_page_shows_the_whole_rule() -> None:
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    wanted = f"{before}{BEGIN}{TABLE.read_text()}{END}{after}"
    if os.environ.get("RETOUR_WRITE_DOCS"):
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted, "write it anew: RETOUR_WRITE_DOCS=1 pytest tests/docs/test_whose_label_page.py"
