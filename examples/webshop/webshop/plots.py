"""A figure as a picture: bars in an SVG document of its own, in which nothing runs."""

from __future__ import annotations

import io
from functools import lru_cache

from matplotlib import rcParams
from matplotlib.figure import Figure as Canvas

from webshop.figures import Figure

INK, BAR = "#1d2530", "#0b5a43"
"""Colours of the pages, dark enough on white for everybody (WCAG 2.2, 1.4.3 and 1.4.11)."""

WIDTH, ROW, LONGEST = 6.4, 0.34, 32
"""Inches across, inches for each bar, and characters of a label."""

rcParams.update(
    {
        "svg.fonttype": "none",  # words stay words
        "svg.hashsalt": "webshop",  # the same figure gives the same picture
        "font.family": "sans-serif",
        "text.color": INK,
        "ytick.color": INK,
        "text.parse_math": False,  # a product can be called $5$
    }
)


@lru_cache(maxsize=100)
def svg_of(figure: Figure) -> bytes:
    """A bar for each row, the first on top, each with its number. The same figure is drawn once."""
    canvas = Canvas(figsize=(WIDTH, ROW * (len(figure.rows) + 1)), layout="constrained")
    axes = canvas.subplots()
    places = range(len(figure.rows))
    bars = axes.barh(places, [row.value for row in figure.rows], color=BAR)
    axes.bar_label(bars, [row.words for row in figure.rows], padding=4)
    axes.set_yticks(places, [_short(row.label) for row in figure.rows])
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.get_xaxis().set_visible(False)
    axes.tick_params(left=False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    written = io.BytesIO()
    canvas.savefig(written, format="svg", metadata={"Date": None, "Title": figure.title})
    return written.getvalue()


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
