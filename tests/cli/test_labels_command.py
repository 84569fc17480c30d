"""`retour labels`: which labels are to be used, announced or looked at, and until when each can be used."""

from __future__ import annotations

import datetime
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import attrs
import pytest
from click.testing import Result
from shipping.small_carrier import SmallCarrier, lost
from shipping.world import JANSEN, World, worlds

from retour import ParcelState, ReturnDesk
from retour.cli.labels_command import command

Run = Callable[..., Result]


@pytest.fixture
def world(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A return with three labels: one on its way, one to print, and one of which nobody knows whether it was made."""
    making = worlds(sqlite_url)
    made = next(making)(capabilities=attrs.evolve(SmallCarrier.capabilities, refuses_repeats=False))
    made.order("first")
    made.carrier.bought[-1].progress = ParcelState.ON_ITS_WAY
    made.work_for(hours=7)
    made.order("second", another_parcel=True)
    made.carrier.faults.append(lost)
    made.order("third", another_parcel=True)
    made.work_for(hours=1)
    module: Any = ModuleType("host_with_labels")
    module.desk = made.desk
    monkeypatch.setitem(sys.modules, "host_with_labels", module)
    yield made
    making.close()


def labels(run: Run, *options: str, **more: Any) -> str:
    result = run("labels", "--desk", "host_with_labels:desk", *options, **more)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_label_is_a_row_with_what_it_waits_for(run: Run, world: World) -> None:
    said = labels(run, columns=300).splitlines()
    rows = [line for line in said if line.startswith("1001")]
    number = world.desk.dossier("1001").return_(world.return_id).number
    assert [number in row for row in rows] == [True, True, True]
    assert [
        wait for wait, row in zip(("a person", "the customer", "the carrier"), rows, strict=True) if wait in row
    ] == [
        "a person",
        "the customer",
        "the carrier",
    ]
    assert "€4.95" in rows[1]
    assert "on its way" in rows[2]
    assert said[-1] == "3 labels."


def test_in_dutch_it_is_dutch(run: Run, world: World) -> None:
    said = labels(run, "--lang", "nl", columns=300)
    assert "wacht op" in said
    assert "de klant" in said
    assert said.splitlines()[-1] == "3 labels."
    assert labels(run, "--lang", "nl", "--waits-for", "provider") == "Er wacht geen label.\n"
    assert labels(run, "--lang", "nl", "--order", "1002") == "Zo'n label is er niet.\n"


@pytest.mark.parametrize(
    "options, waits",
    [
        ((), ["person", "customer", "carrier"]),
        (("--oldest-first",), ["carrier", "customer", "person"]),
        (("--waits-for", "customer"), ["customer"]),
        (("--waits-for", "customer", "--waits-for", "carrier"), ["customer", "carrier"]),
        (("--state", "ready"), ["customer", "carrier"]),
        (("--state", "ready", "--waits-for", "person"), []),
        (("--provider", "small_carrier"), ["person", "customer", "carrier"]),
        (("--order", "1001", "--search", "1002"), []),
        (("--from", "2020-01-01"), ["person", "customer", "carrier"]),
        (("--before", "2020-01-01"), []),
    ],
)
def test_every_filter_of_the_desk_is_one_here(
    run: Run, world: World, options: Sequence[str], waits: Sequence[str]
) -> None:
    assert [one["waits_for"] for one in json.loads(labels(run, *options, "--json"))] == waits


def test_the_filters_are_those_that_a_list_of_the_desk_has() -> None:
    taken = set(inspect.signature(ReturnDesk.list_labels).parameters) - {"self", "limit", "after", "before"}
    assert {one.name for one in command.params} - {"where", "as_json", "lang"} == taken


def test_a_state_lists_what_has_ended_too_and_a_wrong_provider_is_an_error(run: Run, world: World) -> None:
    world.desk.cancel_return("1001", world.return_id, by=JANSEN)
    ended = json.loads(labels(run, "--state", "cancelled", "--json"))
    assert {one["waits_for"] for one in ended} == {""}
    refused = run("labels", "--desk", "host_with_labels:desk", "--provider", "smal_carrier")
    assert refused.exit_code == 2
    assert "provider is one of small_carrier" in refused.stderr


def test_until_when_a_label_can_be_used_stands_in_its_row(run: Run, world: World) -> None:
    world.carrier.bought[1].valid_until = datetime.date(2099, 3, 1)
    world.work_for(hours=7)
    assert "1 Mar 2099" in labels(run, "--waits-for", "customer", columns=300)
