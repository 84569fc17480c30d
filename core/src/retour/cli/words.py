"""The texts of the command line, in English; their Dutch is in ``locale/nl.po``."""

from __future__ import annotations

from collections.abc import Sequence

from retour.model.text import Text, TextDomain

_DOMAIN = TextDomain("retour.cli")

text = _DOMAIN.text
texts = _DOMAIN.texts


def lines(several: Sequence[Text]) -> Text:
    """Several sentences as one text, each on its own line."""
    names = [f"line{number}" for number in range(len(several))]
    return Text(
        message="\n".join(["{" + name + "}" for name in names]),
        domain="retour.cli",
        values=dict(zip(names, several, strict=True)),
    )
