"""A label is asked about before it is bought: what is wrong with it costs nothing, and the question stops no label."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from shipping.small_carrier import PRICE, SmallCarrier
from shipping.world import HOME, World

from retour import LabelState
from retour.providers import ErrorCode, ProviderError, Support

ASKED = {"capabilities": attrs.evolve(SmallCarrier.capabilities, validate_label=Support.YES)}


def test_what_is_wrong_with_it_is_told_in_words_and_nothing_is_bought(make_world: Callable[..., World]) -> None:
    world = make_world(**ASKED)
    world.order(sender=attrs.evolve(HOME, city="Nowhere"))
    assert world.label().state is LabelState.REFUSED
    assert "there is no such city" in world.label().because.text("en")
    assert (world.carrier.calls, world.carrier.bought) == (["validate_label"], [])
    [entry] = [one for one in world.desk.timeline("1001") if one.code == "label_refused"]
    assert "there is no such city" in entry.text("nl")


def test_it_is_asked_once_before_each_label(make_world: Callable[..., World]) -> None:
    world = make_world(**ASKED)
    world.order()
    assert world.label().state is LabelState.READY
    assert world.carrier.calls == ["validate_label", "create_label"]


def test_a_provider_that_does_not_declare_it_is_not_asked(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    assert world.carrier.calls == ["create_label"]


@pytest.mark.parametrize(
    "fault",
    [
        lambda: ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"),
        lambda: ProviderError(ErrorCode.UNAVAILABLE, "status 503"),
        lambda: ProviderError(ErrorCode.NOT_SENT, "no connection"),
        lambda: ProviderError(ErrorCode.AUTHENTICATION, "these keys may not validate"),
        lambda: ProviderError(ErrorCode.ALREADY_MADE, "used"),
        lambda: ValueError("a fault of the plugin"),
    ],
)
def test_a_question_that_fails_stops_no_label_and_is_no_try(
    make_world: Callable[..., World], fault: Callable[[], Exception]
) -> None:
    world = make_world(**ASKED)
    world.carrier.faults.append(fault)
    world.order()
    assert (world.label().state, world.carrier.spent()) == (LabelState.READY, PRICE)
    assert world.carrier.calls == ["validate_label", "create_label"]
    assert "label_unclear" not in [one.code for one in world.desk.timeline("1001")]


def test_one_that_is_asked_too_often_is_let_alone_once(make_world: Callable[..., World]) -> None:
    world = make_world(**ASKED)
    busy = [lambda: ProviderError(ErrorCode.RATE_LIMITED, "too often")] * 2
    world.carrier.faults.extend(busy)
    world.order()
    assert (world.label().state, world.carrier.calls) == (LabelState.ORDERED, ["validate_label"])
    world.work_for(minutes=5)
    assert (world.label().state, world.carrier.calls) == (LabelState.READY, ["validate_label"] * 2 + ["create_label"])


def test_after_a_lost_answer_nothing_is_asked_but_what_became_of_it(make_world: Callable[..., World]) -> None:
    world = make_world(**ASKED)
    world.carrier.lost_answers = 1
    world.order()
    assert world.label().state is LabelState.UNKNOWN
    world.work_for(minutes=5)
    assert (world.label().state, world.carrier.spent()) == (LabelState.READY, PRICE)
    assert world.carrier.calls.count("validate_label") == 1
