"""Events as they were stored by each released version are read for ever."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from retour.model.errors import InvalidValue
from retour.model.events.event import EVENT_TYPES
from retour.model.history import fold
from retour.store.records import as_json, event_row, from_json, read_event

GOLDEN = json.loads((Path(__file__).parent / "golden_events.json").read_text())
"""Rows of ``retour_event``, one order's whole story after the other, and the dossier that they fold to."""


def rows(story: dict[str, object]) -> list[tuple[object, ...]]:
    return [tuple(row) for row in story["rows"]]  # type: ignore[attr-defined]


def test_every_stored_event_is_read_and_folds_to_the_same_dossier() -> None:
    for story in GOLDEN:
        dossier = fold(story["order"], [read_event(story["order"], row) for row in rows(story)])
        assert json.loads(as_json(dossier)) == story["dossier"]


def test_every_released_type_and_version_of_event_is_in_the_golden_file() -> None:
    stored = {(row[5], row[6]) for story in GOLDEN for row in rows(story)}
    assert {(kind, event_type.version) for kind, event_type in EVENT_TYPES.items()} <= stored


def test_an_event_of_the_newest_version_is_written_as_it_was_read() -> None:
    for story in GOLDEN:
        for row in rows(story):
            recorded = read_event(story["order"], row)
            if row[6] == recorded.event.version:
                assert json.loads(event_row("default", story["order"], recorded)["body"]) == json.loads(str(row[7]))


def test_an_event_of_any_version_is_written_in_the_newest_and_read_again_as_what_it_was() -> None:
    for story in GOLDEN:
        for row in rows(story):
            recorded = read_event(story["order"], row)
            assert from_json(type(recorded.event), as_json(recorded.event)) == recorded.event


def test_every_field_of_every_event_is_checked() -> None:
    for story in GOLDEN:
        for row in rows(story):
            event = read_event(story["order"], row).event
            for field in attrs.fields(type(event)):
                with pytest.raises(InvalidValue, match=rf"{type(event).__name__}\.{field.name} must be"):
                    attrs.evolve(event, **{field.name: object()})


def test_keys_that_we_do_not_know_are_ignored() -> None:
    story = GOLDEN[0]
    for row in rows(story):
        body = {**json.loads(str(row[7])), "added_by_a_later_release": {"x": 1}}
        assert read_event(story["order"], (*row[:7], json.dumps(body), *row[8:])) == read_event(story["order"], row)
