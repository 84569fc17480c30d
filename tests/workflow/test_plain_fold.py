"""The second fold and the product's agree on every story that was ever stored, and it knows every type of event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retour.model.dossier import fold
from retour.store.records import read_event

GOLDEN = json.loads((Path(__file__).parent.parent / "store/golden_events.json").read_text())


@pytest.mark.parametrize("story", GOLDEN, ids=lambda story: story.get("order"))
def test_a_golden_story_means_the_same_to_both(plain_fold: Any, story: dict[str, Any]) -> None:
    dossier = fold(story["order"], [read_event(story["order"], row) for row in story["rows"]])
    rows = [(row[0], row[5], row[7]) for row in story["rows"]]
    assert plain_fold.plain_fold(rows) == plain_fold.plain_dossier(dossier)


@pytest.mark.parametrize(
    "body", ['{"refund_id": "rf1", "payment": "p", "amount": {"minor": 1, "currency": "EUR"}}', '{"return_id": "rt1"}']
)
def test_a_type_of_event_that_it_does_not_know_is_refused(plain_fold: Any, body: str) -> None:
    with pytest.raises(KeyError, match="refund_hidden"):
        plain_fold.plain_fold([(1, "refund_hidden", body)])
