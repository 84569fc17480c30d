"""`retour catalogue` prints every sentence, and what it printed can be translated and added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from click.testing import Result

from retour import add_catalogue
from retour.model import languages
from retour.model.text import text

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def nothing_stays_added() -> Iterator[None]:
    yield
    languages._added = {}
    languages.reader_of.cache_clear()


def printed(run: Run, *arguments: str) -> Catalog:
    result = run("catalogue", "de", *arguments)
    assert result.exit_code == 0, result.output
    return read_po(BytesIO(result.stdout.encode()), locale="de", abort_invalid=True)


def test_it_has_every_sentence_of_the_core_the_terminal_and_the_plugins(run: Run) -> None:
    catalogue = printed(run)
    for sentence in (
        "The order was changed in the shop.",
        "{count} sentence of {all} is to be translated.",
        "Refund at Mollie",
    ):
        message = catalogue.get(sentence)
        assert message is not None, sentence
        assert message.auto_comments[0].startswith("nl: ")
        assert not any(message.string)


def test_what_was_translated_is_kept_by_an_update_and_can_be_added(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "de.po"
    file.write_text('msgid "The order was changed in the shop."\nmsgstr "Die Bestellung wurde im Shop geändert."\n')
    result = run("catalogue", "de", "--update", str(file))
    every = sum(bool(message.id) for message in printed(run))
    assert f"{every - 1} sentences of {every} are to be translated." in result.stderr
    file.write_text(result.stdout, encoding="utf-8")
    add_catalogue("de", file)
    assert text("The order was changed in the shop.").render("de-CH") == "Die Bestellung wurde im Shop geändert."


def test_a_language_or_a_file_that_is_none_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    assert "xx is no language" in run("catalogue", "xx").stderr
    file = tmp_path / "de.po"
    file.write_text("no catalogue")
    result = run("catalogue", "de", "--update", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be used as a catalogue" in result.stderr
