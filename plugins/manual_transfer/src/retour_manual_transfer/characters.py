"""The characters that every bank in SEPA takes."""

from __future__ import annotations

import re

from retour_manual_transfer.epc import one_line

_NOT_TAKEN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")


def sepa_text(words: str, *, longest: int) -> str:
    """``words`` on one line, in at most ``longest`` characters that every bank takes.

    Those are the letters without accents, digits, blanks and ``/ - ? : ( ) . , ' +``
    (https://wiki.xmldation.com/Support/DK/Charset). Letters of other kinds are transliterated and ``&`` becomes
    ``+``; what is left becomes a blank, and can be nothing at all.

    >>> sepa_text("Zoë Jansén & Søn_#1", longest=70)
    'Zoe Jansen + Son 1'
    """
    from text_unidecode import unidecode  # type: ignore[import-untyped]

    latin = unidecode(one_line(words)).replace("&", "+")
    return " ".join(_NOT_TAKEN.sub(" ", latin).split())[:longest].rstrip()
