"""Figures of the last weeks: each as a picture, and its numbers in a table beside it."""

from __future__ import annotations

import time

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from webshop.figures import FIGURES, Asked, Figure
from webshop.languages import reader_language, say
from webshop.running import the_shop

pages = Blueprint("figures", __name__)

PERIODS = (4, 12, 26)
"""Weeks of which figures are made."""

KEPT = 60.0
"""Seconds for which a figure is shown again as it was made: it is of weeks, and looks at many returns."""


@pages.get("/figures")
def show() -> ResponseReturnValue:
    """The page."""
    asked = _asked()
    figures = {name: _figure(name, asked) for name in FIGURES}
    return render_template("figures.html", figures=figures, weeks=asked.weeks, periods=PERIODS)


@pages.get("/figures/<name>.svg")
def picture(name: str) -> ResponseReturnValue:
    """One figure as a picture, in the reader's language."""
    if name not in FIGURES:
        abort(404)
    from webshop.plots import svg_of  # it loads for seconds, which a shop that starts does not wait for

    return Response(svg_of(_figure(name, _asked())), mimetype="image/svg+xml")


def _figure(name: str, asked: Asked) -> Figure:
    """A figure, as it was made within the last minute, or anew."""
    recent: dict[tuple[str, int, str], tuple[float, Figure]] = current_app.extensions.setdefault("figures", {})
    key, now = (name, asked.weeks, asked.language), time.monotonic()
    made_at, figure = recent.get(key, (-KEPT, None))
    if figure is None or now - made_at >= KEPT:
        figure = FIGURES[name](asked)
        recent[key] = now, figure
    return figure


def _asked() -> Asked:
    """What the address asks for; twelve weeks where it names no period."""
    shop, given = the_shop(), request.args.get("weeks", type=int)
    return Asked(
        desk=shop.desk,
        weeks=given if given in PERIODS else 12,
        now=shop.now,
        language=reader_language(),
        say=say,
    )
