"""What the sandbox of Sendcloud prints: a label with a bar code that a scanner reads, and a QR code.

They need the extra ``sandbox`` of this package, and are drawn by what is in it: ReportLab draws PDFs and bar codes by
itself, Segno writes QR codes as images.
"""

from __future__ import annotations

import io
import unicodedata
from typing import Any

import attrs

_SIZES = ("A4", "A5", "A6")
_LINE, _MARGIN = 13, 28


class NoPrinter(Exception):
    """The packages that draw are not installed: which, and how to get them."""


@attrs.frozen(kw_only=True)
class Printed:
    """What stands on a label: the lines of both addresses, and what names it."""

    carrier: str
    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    tracking_number: str
    order_number: str
    reference: str
    grams: int


def label_pdf(printed: Printed, *, size: str = "A6", code: bool = False) -> bytes:
    """A label as a PDF on one page; with a QR code in place of the bar code where it is shown and not printed."""
    try:
        from reportlab.graphics import renderPDF
        from reportlab.graphics.barcode import code128, qr
        from reportlab.graphics.shapes import Drawing
        from reportlab.lib import pagesizes
        from reportlab.pdfgen.canvas import Canvas
    except ImportError:
        raise _missing() from None
    width, height = getattr(pagesizes, size.upper() if size.upper() in _SIZES else "A6")
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(width, height), invariant=True)
    canvas.setTitle(f"Return label {printed.tracking_number}")
    y = height - _MARGIN

    def write(*lines: str, font: str = "Helvetica", points: int = 9) -> None:
        nonlocal y
        canvas.setFont(font, points)
        for line in lines:
            canvas.drawString(_MARGIN, y, _drawable(line))
            y -= _LINE

    write(f"{printed.carrier.upper()}  RETURN", font="Helvetica-Bold", points=12)
    write("From", font="Helvetica-Bold")
    write(*printed.sender)
    y -= _LINE / 2
    write("To", font="Helvetica-Bold")
    write(*printed.recipient, points=10)
    y -= _LINE / 2
    write(f"Order {printed.order_number}", f"Reference {printed.reference}", f"{printed.grams} g")
    if code:
        drawing: Any = Drawing(110, 110)
        drawing.add(qr.QrCodeWidget(printed.tracking_number, barWidth=110, barHeight=110))
        renderPDF.draw(drawing, canvas, _MARGIN, y - 105)
    else:
        bar = code128.Code128(printed.tracking_number, barHeight=48, barWidth=1.0)
        bar.drawOn(canvas, _MARGIN - 18, y - 55)
    canvas.setFont("Helvetica", 9)
    canvas.drawString(_MARGIN, y - 120 if code else y - 68, printed.tracking_number)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def code_png(printed: Printed) -> bytes:
    """The code that a customer shows where the parcel is handed in, as an image."""
    try:
        import segno
    except ImportError:
        raise _missing() from None
    file = io.BytesIO()
    segno.make_qr(printed.tracking_number, error="m").save(file, kind="png", scale=8, border=4)
    return file.getvalue()


def _missing() -> NoPrinter:
    return NoPrinter("labels of the sandbox are drawn by ReportLab and Segno: pip install retour-sendcloud[sandbox]")


def _drawable(line: str) -> str:
    """A line in the letters that a PDF's own fonts have: others lose their accents, or become question marks."""
    kept = []
    for letter in line:
        if _has(letter):
            kept.append(letter)
        else:
            plain = unicodedata.normalize("NFKD", letter)[0]
            kept.append(plain if _has(plain) else "?")
    return "".join(kept)


def _has(letter: str) -> bool:
    return letter.encode("cp1252", errors="ignore") != b""
