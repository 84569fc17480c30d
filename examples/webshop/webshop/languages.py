"""The pages in the reader's language: which one he gets, the shop's own catalogue, and the words of what retour
gives."""

from __future__ import annotations

import datetime
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, format_datetime, get_locale

from retour import Money, in_words, preferred_language, provider_name
from webshop.forms import page_to_return_to
from webshop.login import for_everybody

LANGUAGES = {"nl": "Nederlands", "en": "English"}
"""The languages of the pages, each by its own name."""

CATALOGUES = Path(__file__).parent / "translations"

pages = Blueprint("languages", __name__)


class Catalogue(Domain):  # type: ignore[misc]  # Flask-Babel tells no types
    """The shop's sentences, read from its ``.po`` files as they are: nothing has to be compiled before it starts."""

    def get_translations(self) -> Any:
        """Those of the reader's language."""
        return _translations(get_locale().language)


@lru_cache
def _translations(language: str) -> NullTranslations:
    file = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not file.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with file.open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=language, abort_invalid=True))
    compiled.seek(0)
    return Translations(compiled)


def reader_language() -> str:
    """The language that was chosen, else the one that the browser prefers, with its region: ``nl_BE``."""
    if "language" not in g:
        chosen = session.get("language")
        g.language = chosen if chosen in LANGUAGES else preferred_language(request.headers.get("Accept-Language"))
    return str(g.language)


def say(value: object) -> str:
    """A sentence or a value of retour in the reader's language."""
    return in_words(value, reader_language())


def at(moment: datetime.datetime) -> str:
    """A moment in the shop's zone: ``23 nov 2026 14:02``."""
    return str(format_datetime(moment, "d MMM y HH:mm"))


def amount(money: Money) -> str:
    """An amount as it is typed: 44,95 or 44.95."""
    return money.as_typed(reader_language())


def install(app: Flask, zone: str) -> None:
    """Let the pages of ``app`` speak the reader's language, and show times in ``zone``."""
    app.config["BABEL_DEFAULT_TIMEZONE"] = zone
    Babel(app, locale_selector=reader_language)
    app.before_request(Catalogue().as_default)
    app.add_template_filter(say, "say")
    app.add_template_filter(lambda name: provider_name(name, reader_language()), "provider")
    app.add_template_filter(at, "at")
    app.add_template_filter(amount, "amount")
    app.jinja_env.globals["LANGUAGES"] = LANGUAGES
    app.add_template_global(lambda: reader_language().partition("_")[0], "reader_language")
    app.register_blueprint(pages)


@pages.post("/language")
@for_everybody
def choose_language() -> ResponseReturnValue:
    """The reader chose a language, for as long as his session lasts."""
    chosen = request.form.get("language")
    if chosen in LANGUAGES:
        session["language"] = chosen
    return redirect(page_to_return_to(), 303)
