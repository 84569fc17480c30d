"""Folding in place gives what one event after the other gives, and so do the units that follow the returns, and what
they are worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import attrs
import pytest

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.history import Folding, apply, fold
from retour.rules.quote import value_of_what_came_back, values_of_returns
from retour.store.records import read_event

GOLDEN = json.loads((Path(__file__).parent.parent / "store/golden_events.json").read_text())


@pytest.fixture(params=GOLDEN, ids=lambda story: story.get("order"))
def story(request: pytest.FixtureRequest) -> list[Recorded]:
    """What happened to an order in an earlier release."""
    return [read_event("1001", row) for row in request.param["rows"]]


def units(dossier: Dossier) -> Sequence[Any]:
    """All that is added up over the returns of a dossier."""
    added_up = (dossier.claimed(), dossier.came_back(), dossier.absent(), dossier.surplus(), dossier.to_inspect())
    return *added_up, dossier.order_status, *worth(dossier)


def worth(dossier: Dossier) -> Sequence[Any]:
    """What is reckoned once of the units that came back and the order that they came back of."""
    order = dossier.order
    if order is None:
        return ()
    counted = dossier.counted_on_returns(order), dossier.counted(order), dossier.back_and_on(order)
    return *counted, value_of_what_came_back(dossier, order), values_of_returns(dossier)


def counted_anew(dossier: Dossier) -> Sequence[Any]:
    return units(attrs.evolve(dossier))


def test_what_is_folded_in_place_is_what_one_event_after_the_other_makes(story: list[Recorded]) -> None:
    for told in range(len(story) + 1):
        assert fold("1001", story[:told]) == reduce(apply, story[:told], Dossier(order_id="1001"))


def test_an_event_that_is_applied_leaves_the_dossier_before_it_as_it_was(story: list[Recorded]) -> None:
    dossiers = [Dossier(order_id="1001")]
    for recorded in story:
        dossiers.append(apply(dossiers[-1], recorded))
    for told, dossier in enumerate(dossiers):
        assert dossier == fold("1001", story[:told])
        assert units(dossier) == units(fold("1001", story[:told]))


def test_units_that_follow_the_returns_are_those_that_are_counted_anew(story: list[Recorded]) -> None:
    folding, dossier = Folding("1001"), Dossier(order_id="1001")
    for recorded in story:
        assert units(folding.dossier) == units(dossier)  # which is when they are added up
        folding.take(recorded)
        dossier = apply(dossier, recorded)
        assert units(folding.dossier) == counted_anew(folding.dossier)
        assert units(dossier) == counted_anew(dossier)


def test_what_the_receipts_of_a_return_counted_together_is_what_each_of_them_counted(story: list[Recorded]) -> None:
    folding = Folding("1001")
    for recorded in story:
        folding.take(recorded)
        for return_ in folding.dossier.returns.values():
            assert return_.counted == attrs.evolve(return_).counted  # which knows of none that was found out before


def test_what_is_worth_the_same_is_reckoned_once(story: list[Recorded]) -> None:
    dossier = fold("1001", story)
    if dossier.order is not None:
        as_its_host_gives_it = attrs.evolve(dossier.order, customer="someone")
        once = value_of_what_came_back(dossier, dossier.order)
        assert value_of_what_came_back(dossier, as_its_host_gives_it) is once


def test_of_another_order_it_is_reckoned_anew(story: list[Recorded]) -> None:
    dossier = fold("1001", story)
    if dossier.order is not None and dossier.came_back():
        worth(dossier)
        dearer = [attrs.evolve(line, ordered=line.ordered + 1) for line in dossier.order.lines]
        order = attrs.evolve(dossier.order, lines=tuple(dearer))
        assert value_of_what_came_back(dossier, order) == value_of_what_came_back(attrs.evolve(dossier), order)
        assert dossier.back_and_on(order) == attrs.evolve(dossier).back_and_on(order)


def test_who_changes_what_he_was_told_of_units_changes_nothing_else(story: list[Recorded]) -> None:
    dossier = fold("1001", story)
    before = units(dossier)
    for told in (dossier.claimed(), dossier.came_back(), dossier.absent(), dossier.surplus(), dossier.to_inspect()):
        told["1"] = 17
    assert units(dossier) == before
