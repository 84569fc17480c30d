"""Two policies about one refund: the strictest wins, whichever is asked first."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from retour import Approval, NotAllowed, hookimpl

ANSWERS = {
    "no opinion": None,
    "approve": Approval.approve(),
    "hold": Approval.hold("a second person looks"),
    "refuse": Approval.refuse("no refunds on Friday"),
}
STRICTNESS = list(ANSWERS)


class Policy:
    """A refund_approval that answers what the test says."""

    def __init__(self, name: str, answer: Approval | None) -> None:
        self.name = name
        self.answer = answer

    @hookimpl
    def refund_approval(self) -> Approval | None:
        return self.answer


@pytest.mark.parametrize("one, other", list(product(ANSWERS, repeat=2)))
def test_of_two_policies_the_strictest_wins_in_either_order(world: Any, one: str, other: str) -> None:
    world.open(Policy("one", ANSWERS[one]), Policy("other", ANSWERS[other]))
    strictest = max(one, other, key=STRICTNESS.index)
    if strictest == "refuse":
        with pytest.raises(NotAllowed, match="no refunds on Friday"):
            world.refund()
        assert (world.refunds, world.ledger.calls) == ([], 0)
    elif strictest == "hold":
        held = world.refund().refund
        assert (held.state, held.needs_person, world.ledger.calls) == ("planned", True, 0)
        assert "a second person looks" in world.desk.timeline("1001")[-1].text("en")
    else:
        assert world.refund().refund.state == "succeeded"


@pytest.mark.parametrize("broken_first", [True, False])
def test_a_policy_that_fails_holds_what_another_approves_and_lets_nothing_through_that_another_refuses(
    world: Any, broken_first: bool
) -> None:
    class Broken:
        name = "broken"

        @hookimpl
        def refund_approval(self) -> Approval:
            raise ConnectionError("the accounts are closed")

    def both(answer: str) -> list[object]:
        policies = [Broken(), Policy("other", ANSWERS[answer])]
        return policies if broken_first else policies[::-1]

    assert world.open(*both("approve")).refund().refund.state == "planned"
    world.open(*both("refuse"))
    with pytest.raises(NotAllowed):
        world.refund()
