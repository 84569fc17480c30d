"""The names of a payment, as a provider tells them: what a shop can have stored is taken, or there is an error."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from retour import Mode
from retour.model.fields import Id, wanted_instead
from retour.plugins.calling import MOST_ANSWERS
from retour.plugins.providers import PaymentCaller
from retour.providers import ErrorCode, ProviderError, ProviderSession, Support
from retour.providers.http import DEADLINE_SECONDS

SECRET = "live_hunter2"


@pytest.fixture
def asked(world: Any) -> Callable[..., Any]:
    """Asks a provider for the names of ``p_1``, which it gives as ``tell`` does."""

    def ask(tell: Callable[[str], object], support: Support = Support.YES) -> Any:
        make = world.provider.make_provider

        def telling(ledger: Any, **capabilities: Any) -> type:
            made: type = make(ledger, **{"payment_names": support, **capabilities})
            made.payment_names = lambda _, name: tell(name)  # type: ignore[attr-defined]
            return made

        world.provider.make_provider = telling
        world.open()
        found = world.desk._services.accounts.payment("default", "ledger", "default", Mode.LIVE)
        assert isinstance(found, PaymentCaller)
        return found.payment_names("p_1")

    return ask


def raising(error: BaseException) -> Callable[[str], object]:
    def tell(_: str) -> object:
        raise error

    return tell


@pytest.mark.parametrize("made", [list, tuple, iter])
def test_names_are_told_once_each_in_their_order(asked: Callable[..., Any], made: Callable[..., object]) -> None:
    assert asked(lambda name: made([name, "co_1", name])) == ["p_1", "co_1"]


def test_a_name_that_nobody_has_has_no_names(asked: Callable[..., Any]) -> None:
    assert asked(lambda _: ()) == []


def test_what_no_shop_can_have_stored_is_left_out(asked: Callable[..., Any]) -> None:
    odd = ["", "x" * 5000]
    assert all(wanted_instead(one, Id) for one in odd)
    assert asked(lambda name: [*odd, name]) == ["p_1"]


@pytest.mark.parametrize("support", [one for one in Support if not one.usable])
def test_a_provider_that_does_not_declare_it_is_not_asked(asked: Callable[..., Any], support: Support) -> None:
    called: list[str] = []
    with pytest.raises(ProviderError, match="does not declare payment_names") as refused:
        asked(called.append, support)
    assert (refused.value.code, called) == (ErrorCode.CONFIGURATION, [])


@pytest.mark.parametrize(
    "tell",
    [
        lambda _: None,
        lambda _: "p_1",
        lambda _: {"p_1": "co_1"},
        lambda _: [b"p_1"],
        lambda _: [None],
        lambda _: ["p_1\x00"],
        lambda _: (raising(ValueError(SECRET))(one) for one in "ab"),
        lambda _: itertools.repeat("p_1"),
        raising(ValueError(SECRET)),
        raising(SystemExit(SECRET)),
    ],
    ids=["none", "text", "mapping", "bytes", "none-inside", "null", "fails-later", "endless", "raises", "exits"],
)
def test_what_is_no_list_of_names_is_no_answer(asked: Callable[..., Any], tell: Callable[[str], object]) -> None:
    with pytest.raises(ProviderError) as broke:
        asked(tell)
    assert broke.value.code is ErrorCode.UNAVAILABLE
    assert SECRET not in str(broke.value)
    assert MOST_ANSWERS < 100_000, "an answer without an end is given up soon"


def test_the_providers_own_error_is_handed_on(asked: Callable[..., Any]) -> None:
    with pytest.raises(ProviderError) as told:
        asked(raising(ProviderError(ErrorCode.RATE_LIMITED, "later")))
    assert (told.value.code, told.value.message) == (ErrorCode.RATE_LIMITED, "later")


def test_the_question_has_its_time(asked: Callable[..., Any]) -> None:
    ends: list[float] = []
    with suppress(ProviderError):
        asked(lambda _: ends.append(ProviderSession(deadline=3600)._ends() - time.monotonic()))
    assert [0 < left <= DEADLINE_SECONDS for left in ends] == [True]
