"""Every text of the plugin is there in Dutch."""

from __future__ import annotations

from importlib.resources import files

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po


def test_every_text_is_translated_and_every_translation_is_used():
    package = files("retour_sendcloud")
    with package.joinpath("locale", "nl.po").open("rb") as stream:
        catalogue = {message.id: message.string for message in read_po(stream) if message.id}
    used = {message for _, _, message, _, _ in extract_from_dir(str(package), keywords={"text": None})}
    assert set(catalogue) == used
    assert all(catalogue.values())
