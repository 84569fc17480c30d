"""A reader is shown his language however it is written, and a host can add one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from retour import (
    InvalidArgument,
    Money,
    ReturnReason,
    Text,
    UnknownLanguage,
    add_catalogue,
    languages,
    preferred_language,
)
from retour.model import languages as module
from retour.model.text import text, texts

AMOUNT = Money.of("1234.5", "EUR")
SENTENCE = text("Refund of {amount} cancelled", amount=AMOUNT)

DUTCH = ["nl", "NL", "nl-NL", "nl_NL", "nl_BE", "nl-be", "nl_NL.UTF-8", "nl_NL@euro", " nl ", "nl-XX"]


@pytest.fixture(autouse=True)
def nothing_stays_added() -> Iterator[None]:
    before = module._added
    yield
    module._added = before
    module.reader_of.cache_clear()


@pytest.fixture
def german(tmp_path: Path) -> Path:
    return catalogue(
        tmp_path,
        'msgid "Refund of {amount} cancelled"\nmsgstr "Erstattung von {amount} abgebrochen"\n',
        'msgid "{count} unit"\nmsgid_plural "{count} units"\nmsgstr[0] "ein Stück"\nmsgstr[1] "{count} Stück"\n',
    )


def catalogue(folder: Path, *entries: str, plural: str = "nplurals=2; plural=(n != 1);") -> Path:
    file = folder / "mine.po"
    head = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {plural}\\n"\n'
    file.write_text("\n".join([head, *entries]), encoding="utf-8")
    return file


@pytest.mark.parametrize("language", DUTCH)
def test_dutch_is_dutch_however_it_is_written(language: str) -> None:
    assert SENTENCE.render(language).startswith("Terugbetaling van €")
    assert AMOUNT.render(language).endswith("1.234,50")
    assert ReturnReason(code="small", words={"en": "Small", "nl": "Klein"}).text(language) == "Klein"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("nl-BE,nl;q=0.9,en;q=0.5", "nl_BE"),
        ("en;q=0.5,nl", "nl"),
        ("fr-CH, fr;q=0.9, nl;q=0.8, en;q=0.7", "nl"),
        ("en-GB", "en_GB"),
        ("nl;q=0, en", "en"),
        ("nl;q=much, en;q=0.1", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("C.UTF-8", "en"),
        ("POSIX", "en"),
        (None, "en"),
        (["fr", "nl_NL"], "nl_NL"),
        (["tlh"], "en"),
        (",".join(["xx"] * 1000 + ["nl"]), "en"),
    ],
)
def test_of_what_a_reader_prefers_the_first_that_is_spoken_is_shown(asked: str | None, shown: str) -> None:
    assert preferred_language(asked) == shown


@given(some.text() | some.lists(some.text()))
def test_whatever_a_browser_sends_there_is_a_language_to_show(asked: str | list[str]) -> None:
    assert SENTENCE.render(preferred_language(asked)).count("1")


@pytest.mark.parametrize("language", ["de", "xx", "", "C", "nederlands", 7, None])
def test_a_language_that_is_set_and_that_nobody_speaks_is_an_error(language: str) -> None:
    for one in (SENTENCE.render, AMOUNT.render):
        with pytest.raises(UnknownLanguage, match=r"no words in the language .*Give one of en, nl.*preferred_language"):
            one(language)


def test_a_region_says_how_amounts_are_written() -> None:
    assert Money.of("1234.50", "EUR").render("en") == Money.of("1234.50", "EUR").render("en-GB") == "€1,234.50"
    assert Money.of("1234.50", "EUR").render("en-NL").replace("\N{NO-BREAK SPACE}", " ") == "€ 1.234,50"


def test_a_host_adds_a_language(german: Path) -> None:
    add_catalogue("de", german)
    assert languages() == ("en", "nl", "de")
    assert SENTENCE.render("de").replace("\N{NO-BREAK SPACE}", " ") == "Erstattung von 1.234,50 € abgebrochen"
    assert SENTENCE.render("de-AT").replace("\N{NO-BREAK SPACE}", " ") == "Erstattung von € 1.234,50 abgebrochen"
    assert [texts("{count} unit", "{count} units", count).render("de") for count in (1, 2)] == ["ein Stück", "2 Stück"]
    assert preferred_language("fr, de-CH;q=0.5") == "de_CH"


def test_what_its_catalogue_lacks_is_english(german: Path) -> None:
    add_catalogue("de", german)
    assert text("The order was changed in the shop.").render("de") == "The order was changed in the shop."


def test_a_host_says_a_sentence_in_its_own_words_and_the_others_stay(tmp_path: Path) -> None:
    add_catalogue("nl", catalogue(tmp_path, 'msgid "Refund of {amount} cancelled"\nmsgstr "{amount} gaat niet door"\n'))
    assert SENTENCE.render("nl-NL").endswith("gaat niet door")
    assert languages() == ("en", "nl")
    assert text("The order was changed in the shop.").render("nl") != "The order was changed in the shop."


def test_a_language_counts_in_its_own_forms(tmp_path: Path) -> None:
    polish = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
    forms = "".join(f'msgstr[{form}] "{{count}} {word}"\n' for form, word in enumerate(["sztuka", "sztuki", "sztuk"]))
    add_catalogue(
        "pl", catalogue(tmp_path, f'msgid "{{count}} unit"\nmsgid_plural "{{count}} units"\n{forms}', plural=polish)
    )
    said = [texts("{count} unit", "{count} units", count).render("pl") for count in (1, 3, 5)]
    assert said == ["1 sztuka", "3 sztuki", "5 sztuk"]


def test_what_is_doubted_or_not_translated_is_not_taken(tmp_path: Path) -> None:
    fuzzy = '#, fuzzy\nmsgid "Refund of {amount} cancelled"\nmsgstr "{amount} weg"\n'
    add_catalogue("de", catalogue(tmp_path, fuzzy, 'msgid "Money"\nmsgstr ""\n'))
    assert SENTENCE.render("de").startswith("Refund of")


@pytest.mark.parametrize(
    "translation",
    ["{amount} {order}", "nothing", "{amount.minor}", "{amount!r} weg", "{amount:>9} weg", "{amount", "{} {amount}"],
)
def test_a_translation_that_does_not_fit_its_sentence_is_refused_whole(tmp_path: Path, translation: str) -> None:
    entries = [
        'msgid "The order was changed in the shop."\nmsgstr "Anders"\n',
        f'msgid "Refund of {{amount}} cancelled"\nmsgstr "{translation}"\n',
    ]
    with pytest.raises(InvalidArgument, match=r"mine\.po cannot be used as a catalogue"):
        add_catalogue("de", catalogue(tmp_path, *entries))
    assert languages() == ("en", "nl")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no catalogue"])
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.po"
    file.write_bytes(content)
    with pytest.raises(InvalidArgument, match="cannot be used as a catalogue"):
        add_catalogue("de", file)
    with pytest.raises(InvalidArgument, match="cannot be used as a catalogue"):
        add_catalogue("de", tmp_path / "none.po")
    with pytest.raises(InvalidArgument, match="is no language"):
        add_catalogue("xx", file)
    assert languages() == ("en", "nl")


def test_a_plugins_sentences_are_added_to_by_the_same_file(tmp_path: Path) -> None:
    add_catalogue("de", catalogue(tmp_path, 'msgid "Paid by AcmePay"\nmsgstr "Mit AcmePay bezahlt"\n'))
    assert Text(message="Paid by AcmePay", domain="retour_acmepay").render("de") == "Mit AcmePay bezahlt"


ODD = ["elsewhere", "elsewhere.below", "elsewhere.below.further", "elsewhere./etc", ".", ""]


@pytest.mark.parametrize("domain", ODD)
def test_a_sentence_of_a_package_that_is_not_imported_runs_none_of_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    """Nor that of the package it is below; and what is no name of a package is no folder either."""
    package = tmp_path / "elsewhere"
    (package / "below").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "below" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert Text(message="Hello", domain=domain).render("nl") == "Hello"
    assert "elsewhere" not in sys.modules


def test_the_words_of_a_package_below_another_are_found_without_importing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "elsewhere2" / "below" / "locale"
    words.mkdir(parents=True)
    (tmp_path / "elsewhere2" / "__init__.py").write_text("raise SystemExit('imported')")
    (words / "nl.po").write_text('msgid "Hello"\nmsgstr "Hallo"\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert Text(message="Hello", domain="elsewhere2.below").render("nl") == "Hallo"
