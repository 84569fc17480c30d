"""Whose label a number is: which label of an order a provider speaks of, by all that is known of them.

A provider names a label by its number, its parcel or a tracking number, and often by one of them alone; nothing but our
own id, which few repeat, says which of an order's labels that is. So there is one rule, `whose`. Its answer is a label,
none of them, what has to be asked first, or that it cannot be told yet. It guesses only where a provider can be asked
nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

import attrs

from retour.model.dossier import Dossier
from retour.model.frozen import frozen
from retour.model.labels import Label, Told
from retour.rules.label_reports import ReportedShipment

MADE_BEFORE = datetime.timedelta(minutes=15)
"""How much earlier than our own intent a provider's clock can say that a label was made."""

_A_MOMENT = datetime.timedelta(seconds=1)
"""By how much the time differs at most that a provider tells of one label in two places."""

GONE = frozenset({Told.REFUSED, Told.CANCELLED})
"""Labels with which nothing comes."""


# --- what is known ---------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Known:
    """What is known of one label of an order: its names at its provider, as far as they were told.

    ``making`` says that it may be there, and that nobody knows yet; ``there`` that it is, or was. ``since`` is when it
    was asked for, None for one that the customer made in the portal: that has no id of ours, and its order can have
    another number there. ``ended`` says that nothing comes with it any more, and that it never had a parcel.
    ``made_at`` is when it was made by what its provider shows of it, which a label without a name is known by too.
    """

    id: str
    order_id: str
    reference: str = ""
    parcel: str = ""
    tracking_number: str = ""
    making: bool = False
    there: bool = False
    ended: bool = False
    since: datetime.datetime | None = None
    made_at: datetime.datetime | None = None

    @property
    def in_portal(self) -> bool:
        """Whether the customer made it in the portal."""
        return self.since is None

    @property
    def of_a_parcel(self) -> bool:
        """Whether its parcel has a name."""
        return bool(self.parcel or self.tracking_number)

    @property
    def nameless(self) -> bool:
        """Whether it is there, and has no name by which it could be read."""
        return self.there and not (self.reference or self.of_a_parcel)


def known(label: Label, order_id: str) -> Known:
    """What is known of a label of an order."""
    return Known(
        id=label.id,
        order_id=order_id,
        reference=label.reference,
        parcel=label.parcel,
        tracking_number=label.tracking_number,
        making=label.may_be_made,
        there=not label.may_be_made and (label.told is not None or bool(label.reference)),
        ended=label.told in GONE and not (label.parcel or label.tracking_number),
        since=None if label.in_portal else label.begun_at or label.ordered_at,
        made_at=label.made_at,
    )


def known_labels(dossier: Dossier, provider: str, account: str) -> list[Known]:
    """What is known of the labels of an order at an account, the oldest first."""
    there = [one for one in dossier.labels.values() if (one.provider, one.account) == (provider, account)]
    return [known(one, dossier.order_id) for one in there]


@frozen(kw_only=True)
class Learnt:
    """What a provider can be asked, and what it answered when it was.

    ``reads`` and ``lists`` say whether it shows a label by its number, and the return shipments of an order. ``itself``
    is what is spoken of, as it was read by its number; ``labels`` are labels as they were read, by our id, None for one
    that it does not have. ``listed`` are the shipments of the order, read when the labels ``when_listed`` were known to
    be there: of one that came later they tell nothing.
    """

    reads: bool = True
    lists: bool = True
    itself: ReportedShipment | None = None
    labels: Mapping[str, ReportedShipment | None] = attrs.field(factory=dict)
    listed: Sequence[ReportedShipment] | None = None
    when_listed: frozenset[str] = frozenset()

    def names_of(self, label: Known) -> Known:
        """A label with the names of its parcel, as far as it was read."""
        read = self.labels.get(label.id)
        if read is None:
            return label
        parcel, tracking_number = label.parcel or read.parcel, label.tracking_number or read.tracking_number
        ended = read.told in GONE and not (parcel or tracking_number)
        made_at = label.made_at or read.made_at
        return attrs.evolve(label, parcel=parcel, tracking_number=tracking_number, ended=ended, made_at=made_at)

    def named(self, seen: ReportedShipment) -> ReportedShipment:
        """What is spoken of, with the names of its parcel, as far as it was read."""
        if self.itself is None:
            return seen
        parcel = seen.parcel or self.itself.parcel
        return attrs.evolve(seen, parcel=parcel, tracking_number=seen.tracking_number or self.itself.tracking_number)


# --- the answers -----------------------------------------------------------------------------------------


@frozen
class This:
    """It is this label."""

    label_id: str


class Nobodys(StrEnum):
    """It is none of the labels that are known."""

    NONE = "none"  # a label that the customer made in the portal, or a parcel that went to him


class About(StrEnum):
    """What has to be asked before it can be told."""

    ITSELF = "itself"  # what is spoken of, by its number
    A_LABEL = "a label"  # a label that is known, by its names
    THE_ORDER = "the order"  # all its return shipments


@frozen
class Ask:
    """Its provider can tell: it is asked this first."""

    about: About
    label_id: str = ""


class Wait(StrEnum):
    """It cannot be told yet, and nothing more can be asked now."""

    FOR_AN_ANSWER = "for an answer"  # a label may have been made, and nobody knows
    FOR_A_PARCEL = "for a parcel"  # one of both has none yet, which would tell
    FOR_A_PERSON = "for a person"  # several can be it, and nothing will tell them apart by itself


Answer: TypeAlias = This | Nobodys | Ask | Wait


# --- the rule --------------------------------------------------------------------------------------------


def whose(labels: Sequence[Known], seen: ReportedShipment, learnt: Learnt) -> Answer:
    """Which of the ``labels`` of an order is spoken of, by what was ``learnt``.

    It is a label by our id, else by the first name that both have. Else it can be each one that is there or may be,
    and has no name that differs: what is asked, or awaited, is the name that both will have. A label without any name
    is one of the shipments of its order, and certainly one where all the others are not.
    """
    here, seen = [learnt.names_of(one) for one in labels], learnt.named(seen)
    named = by_name(here, seen)
    if named is not None:
        return This(named.id)
    fresh = learnt.itself or (seen if is_listed(seen, learnt) else None)
    could = [one for one in here if _can_be(one, seen) and not _is_another(one, seen, fresh)]
    if not could:
        return Nobodys.NONE
    rule = _by_number if seen.reference else _by_parcel
    return rule(could, here, seen, learnt)


def _by_number(could: Sequence[Known], here: Sequence[Known], seen: ReportedShipment, learnt: Learnt) -> Answer:
    """Whose a number is that no label is known by."""
    if any(one.making for one in could):
        return Wait.FOR_AN_ANSWER
    if learnt.reads and learnt.itself is None:
        return Ask(About.ITSELF)
    if learnt.itself is not None and learnt.itself.told in GONE:
        return Nobodys.NONE  # nothing comes with it, and nobody needs its number
    if any(one.nameless for one in could) and learnt.lists:
        if learnt.listed is None:
            return Ask(About.THE_ORDER)
        return _by_elimination(could, here, seen, learnt)
    if len(could) == 1 and (not learnt.reads or could[0].nameless):  # it tells nothing more, ever
        return This(could[0].id)
    return Wait.FOR_A_PARCEL if learnt.reads else Wait.FOR_A_PERSON


def _by_parcel(could: Sequence[Known], here: Sequence[Known], seen: ReportedShipment, learnt: Learnt) -> Answer:
    """Whose a parcel is that no label is known by."""
    readable = [one for one in could if one.reference or one.parcel]
    if learnt.reads:
        unread = [one for one in readable if one.id not in learnt.labels]
        if unread:
            return Ask(About.A_LABEL, unread[0].id)
        could = [one for one in could if learnt.labels.get(one.id, seen) is not None]
    elif len(could) == 1 and could[0].in_portal and could[0].reference and seen.names:  # it tells nothing more, ever
        return This(could[0].id)
    elif not is_listed(seen, learnt):
        could = [one for one in could if one.making or one.nameless]
    if not could:
        return Nobodys.NONE
    if any(one.making for one in could):
        return Wait.FOR_AN_ANSWER
    if is_listed(seen, learnt) and any(one.nameless for one in could):
        return _by_elimination(could, here, seen, learnt)
    return Wait.FOR_A_PARCEL


def _by_elimination(could: Sequence[Known], here: Sequence[Known], seen: ReportedShipment, learnt: Learnt) -> Answer:
    """Whose it is by all shipments of the order: a label without names that can be one of them alone is that one, and
    so is what is spoken of."""
    listed = learnt.listed or ()
    own = _its_own(here, seen, learnt)
    waits: set[Wait] = set()
    for label in could:
        found = among(here, label, listed) if label.nameless and label.id in learnt.when_listed else ()
        both = [one for one in found if any(one is its for its in own)]
        if both and len(found) == len(own) == 1:
            return This(label.id)
        if both or not found:
            waits.add(Wait.FOR_A_PERSON if both and are_settled(found) else Wait.FOR_A_PARCEL)
    if not waits:
        return Nobodys.NONE
    return Wait.FOR_A_PERSON if Wait.FOR_A_PERSON in waits else Wait.FOR_A_PARCEL


def _its_own(here: Sequence[Known], seen: ReportedShipment, learnt: Learnt) -> Sequence[ReportedShipment]:
    """The shipments that were listed, and are no label's, which can be what is spoken of: by its parcel, else by when
    it was made."""
    if is_listed(seen, learnt):
        return [seen]
    free = _nobodys(here, learnt.listed or ())
    same = [one for one in free if same_parcel(one, seen)]
    made_at = None if learnt.itself is None else learnt.itself.made_at
    return same or [one for one in free if same_parcel(one, seen) is None and _made_at_once(one.made_at, made_at)]


def _made_at_once(one: datetime.datetime | None, other: datetime.datetime | None) -> bool:
    return one is None or other is None or abs(one - other) < _A_MOMENT


def among(labels: Sequence[Known], label: Known, listed: Sequence[ReportedShipment]) -> Sequence[ReportedShipment]:
    """The ``listed`` return shipments of an order that can be a label: that with our id where one has it, else all that
    are no other label's and have no name that differs. None where another label, of which nothing is listed, can be the
    only one, and not even its time tells them apart: what a provider lists can be late."""
    ours = [one for one in listed if one.label_id == label.id]
    if ours:
        return ours
    others = [one for one in labels if one.id != label.id]
    free = [one for one in _nobodys(others, listed) if _fits(label, one)]
    if len(free) == 1 and None in (label.made_at, free[0].made_at):
        rivals = [one for one in others if one.there and not one.tracking_number]
        return () if any(_fits(one, free[0]) for one in rivals) else free
    return free


def _fits(label: Known, listed: ReportedShipment) -> bool:
    """Whether a shipment that was listed can be a label."""
    return _can_be(label, listed) and not _is_another(label, listed, listed)


def are_settled(shipments: Sequence[ReportedShipment]) -> bool:
    """Whether shipments have all names that they will ever have, so that only a person can tell them apart."""
    return all(one.parcel or one.tracking_number or one.told in GONE for one in shipments)


def sorted_out(labels: Sequence[Known], learnt: Learnt) -> Learnt:
    """The same, with our id on each shipment that was listed and must be a label which is known without its names: a
    label has none in what is read of it until its carrier has it."""
    listed = learnt.listed or ()
    whose_is: dict[int, list[str]] = {}
    for label in labels:
        found = among(labels, label, listed) if label.nameless and label.id in learnt.when_listed else ()
        if len(found) == 1:
            whose_is.setdefault(id(found[0]), []).append(label.id)
    sure = {place: ids[0] for place, ids in whose_is.items() if len(ids) == 1}
    named = [attrs.evolve(one, label_id=sure[id(one)]) if id(one) in sure else one for one in listed]
    return attrs.evolve(learnt, listed=named)


def is_listed(seen: ReportedShipment, learnt: Learnt) -> bool:
    """Whether what is spoken of is one of the shipments that were listed."""
    return any(one is seen for one in learnt.listed or ())


# --- names -----------------------------------------------------------------------------------------------


def by_name(labels: Sequence[Known], seen: ReportedShipment) -> Known | None:
    """The label that a provider speaks of by our id, or by a name that it is known by there."""
    there = [one for one in labels if not _is_anothers(one, seen)]
    by_our_id = next((one for one in there if one.id == seen.label_id), None)
    return by_our_id or next((one for one in there if _named_alike(one, seen)), None)


def same_parcel(one: ReportedShipment, other: ReportedShipment) -> bool | None:
    """Whether two words are about one parcel, by its number or else its tracking number; None where that is open."""
    for ours, theirs in ((one.parcel, other.parcel), (one.tracking_number, other.tracking_number)):
        if ours and theirs:
            return ours == theirs
    return None


def _nobodys(labels: Sequence[Known], listed: Sequence[ReportedShipment]) -> list[ReportedShipment]:
    return [one for one in listed if not one.label_id and not any(_named_alike(label, one) for label in labels)]


def _can_be(label: Known, seen: ReportedShipment) -> bool:
    """Whether a label can be what is seen: it is there or may be, has no name that differs, and was not asked for
    after that was made."""
    if not (label.there or label.making) or _is_anothers(label, seen):
        return False
    too_early = label.since is not None and seen.made_at is not None and seen.made_at < label.since - MADE_BEFORE
    return not too_early and all(one == other for one, other in _in_common(label, seen))


def _is_another(label: Known, seen: ReportedShipment, now: ReportedShipment | None) -> bool:
    """Whether a label cannot be what is seen, by what its provider shows of that ``now``: it was made at another time.
    One that ended without a parcel has none, and a number only if what has that number ended too."""
    if now is not None and not _made_at_once(label.made_at, now.made_at):
        return True
    if not label.ended:
        return False
    return not seen.reference or bool(seen.tracking_number) or (now is not None and now.told not in GONE)


def _is_anothers(label: Known, seen: ReportedShipment) -> bool:
    """Whether what is said is of another order, or carries our id of another label. Of a label that the customer made
    in the portal neither tells: its order can have another number at the provider, and our id it has not."""
    if label.in_portal:
        return False
    return seen.order_id not in ("", label.order_id) or seen.label_id not in ("", label.id)


def _named_alike(label: Known, seen: ReportedShipment) -> bool:
    """Whether a label is named by the first name that both have: its number, else that of its parcel, else its tracking
    number. Numbers of labels and of parcels are two things, and a carrier can give a tracking number again."""
    return next((one == other for one, other in _in_common(label, seen)), False)


def _in_common(label: Known, seen: ReportedShipment) -> Iterator[tuple[str, str]]:
    ours = (label.reference, label.parcel, label.tracking_number)
    theirs = (seen.reference, seen.parcel, seen.tracking_number)
    return ((one, other) for one, other in zip(ours, theirs, strict=True) if one and other)
