"""Translations as gettext keeps them, in a ``.po`` file: a message, and what it is in another language.

Babel reads these files too, with all that a translator needs of them: comments, places, flags. That takes as long as a
return, in every process that shows a Dutch sentence or checks that a link can be shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CHARSET = rb'(?m)^"Content-Type:.*charset=([\w-]+)'
_LINE = r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])?)?\s*"(.*)"\s*'
"""A keyword with its words, or more words of the last one. All other lines are comments."""

_ESCAPED = r"\\(.)"
_MEANT = {"n": "\n", "t": "\t", "r": "\r"}


def translations_in(file: bytes) -> Mapping[tuple[str, int], str]:
    """(Message, plural form) to its translation: form 0 is that of a message which counts nothing, or one. The message
    of no words is the head of the file. A translation of no words has yet to be made."""
    charset = re.search(_CHARSET, file)
    translations: dict[tuple[str, int], str] = {}
    message, keyword, form = "", "", 0
    for line in file.decode(charset[1].decode() if charset else "utf-8").split("\n"):
        found = re.fullmatch(_LINE, line)
        if found is None:
            continue
        if found[1]:
            keyword, form = found[1], int(found[2] or 0)
        words = re.sub(_ESCAPED, _meant, found[3]) if "\\" in found[3] else found[3]
        if keyword == "msgid":
            message = words if found[1] else message + words
        elif keyword == "msgstr":
            translations[message, form] = words if found[1] else translations[message, form] + words
    return translations


def _meant(escaped: re.Match[str]) -> str:
    return _MEANT.get(escaped[1], escaped[1])
