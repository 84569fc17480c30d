"""Effects that wait in a store are read and run by every later release."""

from __future__ import annotations

import json
from pathlib import Path

from retour.effects.kinds import KINDS
from retour.store.records import as_json, from_json

GOLDEN: list[list[str]] = json.loads((Path(__file__).parent / "golden_effects.json").read_text())
"""Kind and body of rows of ``retour_effect``, as each release wrote them."""


def test_every_stored_effect_is_read_as_it_was_written() -> None:
    for kind, body in GOLDEN:
        assert as_json(from_json(KINDS[kind], body)) == body


def test_every_kind_of_effect_is_in_the_golden_file() -> None:
    assert {kind for kind, _ in GOLDEN} == set(KINDS)


def test_keys_that_a_newer_release_added_to_a_body_are_ignored() -> None:
    for kind, body in GOLDEN:
        newer = json.dumps({**json.loads(body), "added_later": 1})
        assert as_json(from_json(KINDS[kind], newer)) == body
