"""What an audit of a campaign found, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from retour.model.events.event import Event
from retour.model.events.money import (
    ExternalRefundFound,
    RefundHeld,
    RefundReported,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.reasons import ReasonCode
from retour.model.refunds import Evidence, MatchedBy

from .cuts import EVERY_CUT
from .deaths import AT_RANDOM, ODDS
from .people import complaints, decided
from .run import Campaign
from .suspensions import ANY_MOMENT, POINTS
from .trouble import WEIGHTS

BRANCHES: Mapping[str, Callable[[Event], bool]] = {
    "found by our key": lambda event: _found(event, Evidence.LOOKUP),
    "not found: the same request again": lambda event: _found(event, Evidence.REPEATED),
    "not found, too early to tell: wait": lambda event: _says(event, RefundUnclear, ReasonCode.NOT_KNOWN_YET),
    "not found, and that is proof: sent anew": lambda event: _says(event, RefundSubmitted, ReasonCode.DID_NOT_HAPPEN),
    "not found, and no proof: parked": lambda event: _says(event, RefundHeld, ReasonCode.CANNOT_TELL),
    "not made in its window: begun anew": lambda event: _says(event, RefundSubmitted, ReasonCode.NOT_MADE_BEFORE),
    "matched by our key": lambda event: _matched(event, MatchedBy.KEY),
    "matched by reference": lambda event: _matched(event, MatchedBy.REFERENCE),
    "matched by amount": lambda event: _matched(event, MatchedBy.AMOUNT),
    "matched by nothing: external": lambda event: isinstance(event, ExternalRefundFound),
}
"""Every branch of the recovery rule and of the matching rule, and the event that it leaves."""

BY_PROOF = ("not found, too early to tell: wait", "not found, and that is proof: sent anew")
"""Branches that only a provider takes whose lookup is complete."""


def _found(event: Event, evidence: Evidence) -> bool:
    return isinstance(event, RefundReported) and event.evidence is evidence


def _matched(event: Event, matched: MatchedBy) -> bool:
    return (
        isinstance(event, RefundReported)
        and event.matched is matched
        and event.evidence in (Evidence.WEBHOOK, Evidence.RECONCILE)
    )


def _says(event: Event, kind: type[Any], code: ReasonCode) -> bool:
    return isinstance(event, kind) and event.because is not None and event.because.code is code


@attrs.define(kw_only=True)
class Report:
    """What an audit found. ``parked`` are refunds that wait for a person, each with its evidence."""

    happened: Mapping[str, int]
    deaths: Counter[str]
    faults: Counter[str]
    cuts: Counter[str]
    suspensions: Counter[str]
    late: Mapping[str, int]
    branches: Counter[str]
    refunds: Counter[str] = attrs.field(factory=Counter)
    cents: Counter[str] = attrs.field(factory=Counter)
    lost: list[str] = attrs.field(factory=list)
    decided_twice: list[str] = attrs.field(factory=list)
    paid_twice: list[str] = attrs.field(factory=list)
    known_twice: list[str] = attrs.field(factory=list)
    beyond_captured: list[str] = attrs.field(factory=list)
    beyond_suggested: list[str] = attrs.field(factory=list)
    split: list[str] = attrs.field(factory=list)
    restocked_twice: list[str] = attrs.field(factory=list)
    not_restocked: list[str] = attrs.field(factory=list)
    differs: list[str] = attrs.field(factory=list)
    timeline_differs: list[str] = attrs.field(factory=list)
    forgotten: list[str] = attrs.field(factory=list)
    unasked: list[str] = attrs.field(factory=list)
    failures: list[str] = attrs.field(factory=list)
    parked: list[str] = attrs.field(factory=list)
    untold: list[str] = attrs.field(factory=list)
    locked: list[str] = attrs.field(factory=list)
    attended: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def never_died_at(self) -> list[str]:
        """The points at which no process died, so that nothing is proved of them."""
        return [point for point in (*ODDS, AT_RANDOM) if not self.deaths[point]]

    @property
    def never_suspended_at(self) -> list[str]:
        """The points at which no process was suspended."""
        return [point for point in (*POINTS, ANY_MOMENT) if not self.suspensions[point]]

    @property
    def never_cut(self) -> list[str]:
        """What never went wrong with the database."""
        return [cut for cut in EVERY_CUT if not self.cuts[cut]]

    @property
    def never_taken(self) -> list[str]:
        """The branches of the rules that no refund took, so that nothing is proved of them."""
        return [branch for branch, times in self.branches.items() if not times]

    @property
    def never_failed(self) -> list[str]:
        """What no provider ever did wrong."""
        return [fault.value for fault in WEIGHTS if not self.faults[fault.value]]

    def never_happened(self, *, cut: bool, complete: bool) -> Mapping[str, Sequence[str]]:
        """What a campaign is to do and never did, so that a clean audit proves nothing of it. Behind a proxy that
        ``cut`` connections that is what the database does; else that processes die and are suspended, and each branch
        of the rules is taken: with lookups that are ``complete`` few refunds are left to a person, and only what
        complete ones prove is waited for."""
        if cut:
            return {"the database never failed": self.never_cut, "no provider ever failed": self.never_failed}
        branches = [one for one in self.never_taken if not complete or one in BY_PROOF]
        return {
            "nobody ever died": self.never_died_at,
            "nobody was ever suspended": self.never_suspended_at,
            "no provider ever failed": self.never_failed,
            "no refund ever came to this": branches,
        }

    @property
    def faults_found(self) -> Mapping[str, Sequence[str]]:
        """Everything that must be empty."""
        return {
            "refunds lost": self.lost,
            "paid twice, and nobody was told": self.paid_twice,
            "decisions made more refunds than they are, or fewer": self.decided_twice,
            "more went back than was captured": self.beyond_captured,
            "more went back than was suggested": self.beyond_suggested,
            "one payment counted as several": self.split,
            "restocked twice": self.restocked_twice,
            "not restocked": self.not_restocked,
            "state or amount differs from the books": self.differs,
            "timeline differs from the books": self.timeline_differs,
            "pending and looked at by nobody": self.forgotten,
            "unknown at some moment and asked by nobody": self.unasked,
            "waits for a person who is not told what to do": self.untold,
            "waits although a person did all that he was told": self.locked,
            "raw errors, each of which ended a process": self.failures,
        }

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.faults_found.values())

    def result(self) -> Mapping[str, int]:
        """What was found, in numbers: everything but the last two must be zero."""
        numbers = {name: len(found) for name, found in self.faults_found.items()}
        return {**numbers, "paid twice, and on the list": len(self.known_twice), "parked": len(self.parked)}

    def text(self) -> str:
        """The report as a table."""
        rows = [f"  {name:<44}{number:>8}" for name, number in self.happened.items()]
        rows += ["died", *(f"  {point:<44}{self.deaths[point]:>8}" for point in (*ODDS, AT_RANDOM))]
        rows += ["suspended", *(f"  {point:<44}{self.suspensions[point]:>8}" for point in (*POINTS, ANY_MOMENT))]
        rows += [f"  {what:<44}{number:>8}" for what, number in self.late.items()]
        rows += ["providers failed", *(f"  {fault:<44}{number:>8}" for fault, number in sorted(self.faults.items()))]
        if self.cuts:
            rows += ["the database failed", *(f"  {cut:<66}{self.cuts[cut]:>8}" for cut in EVERY_CUT)]
        rows += ["branches taken", *(f"  {branch:<44}{number:>8}" for branch, number in self.branches.items())]
        rows += ["what waited for a person", *(f"  {what:<44}{times:>8}" for what, times in self.attended.items())]
        rows += ["refunds in the store", *(f"  {name:<44}{number:>8}" for name, number in sorted(self.refunds.items()))]
        rows += ["in cents", *(f"  {name:<44}{number:>8}" for name, number in self.cents.items())]
        rows += ["result", *(f"  {name:<44}{number:>8}" for name, number in self.result().items())]
        for name, found in self.faults_found.items():
            rows += [f"\n{name}:", *(f"  {one}" for one in found[:20])] if found else []
        rows += ["\npaid twice, and on the list:", *self.known_twice] if self.known_twice else []
        rows += ["\nparked for a person:", *self.parked] if self.parked else []
        return "\n".join(rows)


def summary(campaign: Campaign) -> Mapping[str, int]:
    """What happened, in numbers."""
    return {
        "decisions": len(campaign.world.plan.decisions),
        "of which a merchant was told": len(decided(campaign.world)),
        "processes started": sum(campaign.lives.values()),
        "killed": sum(campaign.deaths.values()),
        "could not be done at a moment": len(complaints(campaign.world)),
        **_of_each_kind(complaints(campaign.world)),
        **campaign.counts,
    }


def _of_each_kind(said: Sequence[Mapping[str, str]]) -> Mapping[str, int]:
    kinds = Counter(one["kind"] for one in said)
    return {f"  {kind}": number for kind, number in sorted(kinds.items())}
