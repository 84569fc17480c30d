"""A host's own gettext catalogue: the sentences of retour in another language, or in the host's own words."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from string import Formatter

import attrs

from retour.model.errors import InvalidArgument
from retour.model.languages import locale_of, speak
from retour.model.text import text


@attrs.frozen(kw_only=True)
class Catalogue:
    """What a file says: ``sentences`` by the English one, each in as many forms as its language counts in."""

    sentences: Mapping[str, Sequence[str]]
    form_of: Callable[[int], int]

    def words(self, message: str, count: int | None) -> str | None:
        """A sentence in this language, in the form for ``count`` where it counts; None where the file lacks it."""
        forms = self.sentences.get(message)
        if forms is None:
            return None
        form = 0 if count is None else self.form_of(count)
        return forms[min(form, len(forms) - 1)] or None


def add_catalogue(language: str, file: str | PathLike[str]) -> None:
    """Let readers of ``language`` read the words of a gettext catalogue (a ``.po`` file, UTF-8), from now on and in
    every desk of this process: call it where your application starts.

    The English sentence is the key, whichever package wrote it; a sentence that the file lacks stays Dutch for Dutch
    readers and is English for all others. A language that retour speaks can be added too, for sentences that you would
    say otherwise. ``retour catalogue de`` prints a file with every sentence to begin with.

    Raises `InvalidArgument` for a language that CLDR does not know, a file that is no catalogue, and a translation that
    names a value which its sentence does not have, or leaves one out.

    >>> add_catalogue("de", "a-file-that-is-not-there.po")
    Traceback (most recent call last):
    ...
    retour.model.errors.InvalidArgument: ...
    """
    locale = locale_called(language)
    speak(locale, read_catalogue(locale, file).words)


def locale_called(language: str) -> str:
    """The locale of a language that a catalogue is for. Raises `InvalidArgument` where CLDR knows none."""
    locale = locale_of(language) if isinstance(language, str) else None
    if locale is None:
        raise InvalidArgument(
            text("{language} is no language. Give its code, as in nl, de or pt_BR.", language=str(language)[:40])
        )
    return locale


def read_catalogue(language: str, file: str | PathLike[str]) -> Catalogue:
    """A host's ``.po`` file. Raises `InvalidArgument` where it is none, or a translation does not fit its sentence."""
    from babel.messages.pofile import PoFileError, read_po

    path = Path(file)
    try:
        with path.open("rb") as stream:
            read = read_po(stream, locale=language, abort_invalid=True)
        form_of = gettext.c2py(str(read.plural_expr))
    except (OSError, PoFileError, ValueError, LookupError) as error:
        raise _refused(path, str(error)) from None
    sentences: dict[str, Sequence[str]] = {}
    for message in read:
        originals = _forms(message.id)
        forms = _forms(message.string)
        if message.fuzzy or not any(originals) or not any(forms):
            continue
        for form in filter(None, forms):
            if not _fits(form, originals):
                raise _refused(path, f"“{form}” does not name the values of “{originals[-1]}”")
        sentences[originals[0]] = forms
    return Catalogue(sentences=sentences, form_of=form_of)


def _forms(given: str | Sequence[str] | None) -> Sequence[str]:
    """One sentence, or as many as a language counts in."""
    if given is None or isinstance(given, str):
        return (given or "",)
    return tuple(given)


def _fits(form: str, originals: Sequence[str]) -> bool:
    """Whether a translation names the values of its sentence, each as it is; one that counts may leave out how many."""
    try:
        parts = list(Formatter().parse(form))
    except ValueError:
        return False
    if any(spec or conversion for _, _, spec, conversion in parts):
        return False
    named = {name for _, name, _, _ in parts if name is not None}
    there = {name for original in originals for _, name, _, _ in Formatter().parse(original) if name is not None}
    return there - ({"count"} if len(originals) > 1 else set()) <= named <= there


def _refused(path: Path, why: str) -> InvalidArgument:
    return InvalidArgument(
        text("{file} cannot be used as a catalogue: {why}. Nothing of it was taken.", file=str(path), why=why)
    )
