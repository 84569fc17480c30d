"""The shop's own sentences are there in every language that it speaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import webshop
from webshop.languages import CATALOGUES


def sentences() -> Iterator[tuple[str, str]]:
    """Every sentence of the shop, with the file that says it."""
    ways = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    options = {"**/templates/**.html": {"extensions": "jinja2.ext.i18n"}}
    words = {"_": None, "_l": None, "ngettext": (1, 2)}
    package = Path(webshop.__file__).parent
    for file, _, message, _, _ in extract_from_dir(package, ways, options, words):
        yield (message if isinstance(message, str) else message[0]), file


def test_every_sentence_is_there_in_dutch_and_none_is_left_over() -> None:
    with (CATALOGUES / "nl" / "LC_MESSAGES" / "messages.po").open("rb") as stream:
        dutch: Catalog = read_po(stream, locale="nl", abort_invalid=True)
    there = {one.id if isinstance(one.id, str) else one.id[0] for one in dutch if one.id and one.string}
    assert dict(sentences()).keys() == there
    assert not [(one.id, error) for one, errors in dutch.check() for error in errors]
