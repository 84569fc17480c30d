"""A document for a sandbox that prints: one page with lines of text, which any reader opens."""

from __future__ import annotations

from collections.abc import Iterable

_WIDTH, _HEIGHT = 298, 420
"""Points of an A6 page, in which labels are printed."""

_LINE, _MARGIN = 16, 24
"""Points from line to line, and around them."""


def a_page(lines: Iterable[str]) -> bytes:
    """A PDF of one page (ISO 32000-1) with ``lines`` on it, top down. Letters that Latin-1 has not become ``?``.

    >>> a_page(["Kade 1", "1011 AA  Amsterdam"])[:8]
    b'%PDF-1.4'
    """
    shown = "".join([f"({_escaped(line)}) Tj T*\n" for line in lines])
    words = f"BT /F1 11 Tf {_LINE} TL {_MARGIN} {_HEIGHT - _MARGIN} Td\n{shown}ET".encode("latin-1", "replace")
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"{page} /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>".encode(),
        f"<< /Length {len(words)} >>\nstream\n".encode() + words + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, held in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n".encode() + held + b"\nendobj\n"
    table = "".join([f"{place:010d} 00000 n \n" for place in places])
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(made)}\n%%EOF\n"
    return made + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
