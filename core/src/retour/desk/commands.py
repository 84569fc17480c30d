"""How a command flows: read the case, decide, commit, run the effects, tell what became of it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Annotated, Any, TypeAlias

from sqlalchemy import Connection

from retour.desk.outcomes import as_it_is_now, first_outcome, outcome_of
from retour.desk.services import Services
from retour.effects.kinds import KINDS, LEASE
from retour.effects.runner import as_claimed, by_order, half_of_lease
from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import Busy, MissingRequestId, NotAllowed, NotCommitted, RetourError
from retour.model.fields import Characters, shown, wanted_instead
from retour.model.frozen import frozen
from retour.model.ids import id_maker
from retour.model.order import Order
from retour.model.outcome import Outcome
from retour.model.text import text
from retour.plugins.context import HookContext
from retour.rules.draft import Draft
from retour.steps.case import Case
from retour.steps.commit import Committed
from retour.store.commit import HostsWriting, NotWritten, NumberTaken, VersionMoved
from retour.store.connect import SECONDS_TO_WAIT, host_connection, within
from retour.store.effects import ClaimedEffect
from retour.store.records import digest

log = logging.getLogger("retour.desk")

_ROUNDS = 3
"""How often the hooks are asked and the rules applied while they themselves keep changing the order, or its row was
taken by the host's transaction."""

_PAUSE = 0.02
"""Seconds, at most, between two tries on an order that others change at the same moment: each process waits another
while, so that not the same one is late each time."""


class _Written(threading.local):
    """How many commits this thread has made by commands, on whichever desk."""

    commits: int = 0


_written = _Written()

Decide: TypeAlias = Callable[[Draft, Order], object]
"""Applies the rules to a draft of the order, asking the deciding hooks on the way."""


_REQUEST_ID = Annotated[str, Characters(1, 200)]


@frozen
class Request:
    """The identity of a command that adds something: the host's request_id, and a digest of the arguments."""

    id: str
    digest: str

    @classmethod
    def of(cls, order_id: str, request_id: str | None, arguments: tuple[object, ...]) -> Request:
        """The identity, checked. Raises `MissingRequestId`."""
        if request_id is None or wanted_instead(request_id, _REQUEST_ID) is not None:
            raise MissingRequestId(
                text(
                    "Order {order}: this needs a request_id, 1 to 200 characters, made when the form is shown, "
                    "so that a double click does it once.",
                    order=shown(order_id),
                )
            )
        return cls(request_id, digest(arguments))

    @classmethod
    def if_given(cls, order_id: str, request_id: str | None, arguments: tuple[object, ...]) -> Request | None:
        """The identity of a command that needs none, where the host gave it one. Raises `MissingRequestId`."""
        return None if request_id is None else cls.of(order_id, request_id, arguments)


@frozen(kw_only=True)
class Command:
    """One command: on which order, by whom, and how it is decided.

    ``request`` is the identity of one that adds something. ``connection`` is the host's own, in a transaction.
    ``case`` is the order as the caller has read it already; where it moved on meanwhile it is read again. ``expects``
    says which returns the outcome shows where there was nothing to do. ``sees_the_order`` says that it is recorded also
    by itself that the shop changed an order which was seen before. ``also`` is what the host writes in the transaction
    of the commit. ``finishes`` says that it finishes what was begun,
    which is done as the order was last seen where the shop has it no more; ``as_last_seen``, that the shop is not
    asked.
    """

    order_id: str
    by: Actor
    decide: Decide
    request: Request | None = None
    connection: Any = None
    case: Case | None = None
    expects: Callable[[Dossier], Sequence[str]] = lambda _: ()
    as_last_seen: bool = False
    finishes: bool = False
    sees_the_order: bool = False
    also: HostsWriting | None = None


@frozen
class Commands:
    """Commands on the orders of one shop."""

    services: Services
    shop_id: str

    def read(self, order_id: str) -> Case:
        """The order as it is now, and its history. Raises `UnknownOrder`."""
        return self.services.cases.read(self.shop_id, order_id)

    def known(self, order_id: str, by: Actor | None = None, connection: Connection | None = None) -> Case:
        """The order as it is now, or as it was last seen where the shop has it no more. Nobody can say any more whose
        it was then, so for a customer it is unknown. Raises `UnknownOrder`, and `NotAllowed` for who is nobody."""
        cases = self.services.cases
        if by is not None:
            check_actor(by)
        read = cases.read if by is not None and by.kind is ActorKind.CUSTOMER else cases.known
        return read(self.shop_id, order_id, connection)

    def dossier(self, order_id: str) -> Dossier:
        """What is known of an order. Raises `UnknownOrder`."""
        return self.services.cases.seen(self.shop_id, order_id).dossier

    def context(self, draft: Draft) -> HookContext:
        """What the hooks are told beside their subject."""
        return HookContext(shop=self.shop_id, by=draft.by, at=draft.at)

    def run(self, command: Command) -> Outcome:
        """Read the case, decide, commit; then run the effects and tell what became of it.

        Decides again, hooks included, when somebody else changed the order in between: no lock is held while they are
        asked, also in a host's transaction.
        """
        check_actor(command.by)
        if command.connection is not None:
            connection = host_connection(command.connection)
            with within(connection):
                return self._rounds(command, connection)
        return self._rounds(command, None)

    def rehearse(self, case: Case, by: Actor, decide: Decide) -> None:
        """Decide on a draft that nobody keeps: raises what the decision would raise as things are known now.

        So that who may not do it, and what cannot be, is refused before anybody outside is asked.
        """
        check_actor(by, case.given)
        decide(case.draft(by, self.services.clock()), case.order)

    def see(self, case: Case) -> None:
        """Record the order as the shop has it now, where that is news."""
        command = Command(
            order_id=case.order_id, by=Actor.system(), decide=lambda *_: None, case=case, sees_the_order=True
        )
        self.run(command)

    def before(self, case: Case, by: Actor, request: Request | None) -> Outcome | None:
        """The first outcome of the same request, for who may act on the order. Raises `NotAllowed` for who may not."""
        check_actor(by, case.given)
        return None if request is None else first_outcome(case, request.id, request.digest)

    def run_effects(self, ids: Sequence[str]) -> None:
        """Run effects that are committed, for as long as a command may. No error leaves this: what cannot be run is
        left to `work()`."""
        services = self.services
        owner = id_maker(time.time_ns() // 1_000_000)("wk")
        try:
            claimed = services.store.effects.claim(owner, lease=LEASE, limit=len(ids), kinds=KINDS, ids=ids)
            for batch in by_order(claimed):
                services.runner.run(batch, until=self._until(claimed))
        except Exception:
            log.exception("effects of shop %s are left to work()", self.shop_id)

    def after_the_hosts_commit(self, outcome: Outcome) -> Outcome:
        """Run the effects of a command that was made in a host's transaction. Raises `NotCommitted`, and the store's
        errors where it cannot be asked; what goes wrong from then on is left to `work()`."""
        order_id, services = outcome.order_id, self.services
        if outcome.commit_id and not services.store.has_commit(self.shop_id, order_id, outcome.commit_id):
            raise NotCommitted(
                text(
                    "Order {order}: what this outcome tells is not in the database. Commit your transaction first, "
                    "then run the outcome; after a rollback there is nothing to run.",
                    order=order_id,
                )
            )
        try:
            if outcome.effect_ids:
                self.run_effects(outcome.effect_ids)
            return as_it_is_now(services.cases.as_last_seen(self.shop_id, order_id), outcome)
        except RetourError as error:
            log.warning("what follows from a commit on order %s is left to work(): %s", order_id, error)
            return outcome

    # --- one round -----------------------------------------------------------------------------------

    def _rounds(self, command: Command, connection: Connection | None) -> Outcome:
        """Decide until it is written: each waits his turn where several change one order at the same moment. What was
        changed by what this command itself has asked is no matter of waiting, and soon given up."""
        elapsed, turns, case, rounds = self.services.store.elapsed, self.services.turns, command.case, 0
        until = elapsed() + SECONDS_TO_WAIT
        late = connection is None and turns.wanted(self.shop_id, command.order_id)
        while rounds < _ROUNDS:
            made = _written.commits
            with ExitStack() as turn:
                if late:
                    turn.enter_context(turns.taken(self.shop_id, command.order_id, until - elapsed()))
                    case = None  # what was read while others had their turn is old
                try:
                    return self._round(command, case or self._case(command, connection), connection, turn)
                except VersionMoved as moved:
                    case = None
                    others = connection is None and made == _written.commits and not isinstance(moved, NumberTaken)
            if others and elapsed() < until:
                late = True
                time.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - so that two processes do not meet again
            else:
                rounds += 1
        raise Busy(
            text(
                "Order {order} was changed by somebody else at the same moment. Nothing was changed; try again.",
                order=command.order_id,
            )
        )

    def _case(self, command: Command, connection: Connection | None) -> Case:
        if command.finishes:
            return self.known(command.order_id, command.by, connection)
        cases = self.services.cases
        return (cases.as_last_seen if command.as_last_seen else cases.read)(self.shop_id, command.order_id, connection)

    def _round(self, command: Command, case: Case, connection: Connection | None, turn: ExitStack) -> Outcome:
        services, request = self.services, command.request
        before = self.before(case, command.by, request)
        if before is not None:
            return before
        draft = case.draft(
            command.by,
            services.clock(),
            request_id=request.id if request is not None else None,
            request_digest=request.digest if request is not None else None,
        )
        seen = 0 if command.sees_the_order and case.dossier.order is not None else len(draft.events)
        command.decide(draft, case.order)
        if len(draft.events) == seen:
            return outcome_of(case.after(draft), (), shows=command.expects(draft.dossier))
        inline = connection is None and services.inline_seconds > 0
        owner = draft.new_id("wk") if inline else None
        try:
            done = services.commits.write(case, draft, owner=owner, connection=connection, also=command.also)
        except NotWritten as error:
            cause: Any = error.__cause__
            raise cause from None
        _written.commits += 1
        turn.close()  # no provider is asked while others wait for it
        case = self._with_effects(done)
        ids = () if inline else tuple([effect.id for effect in done.effects if not effect.delay])
        return outcome_of(case, draft.events, commit_id=done.id, effect_ids=ids)

    def _with_effects(self, done: Committed) -> Case:
        """The case after the effects that the command runs itself. It is committed: no error leaves it any more."""
        claimed = as_claimed(done)
        if not claimed:
            return done.case
        try:
            return self.services.runner.run(claimed, done.case, until=self._until(claimed)).case or done.case
        except Exception:  # the effects stay with the lease, and go to the next worker when it is over
            log.exception("effects of order %s are left to work()", done.case.order_id)
            return done.case

    def _until(self, claimed: Sequence[ClaimedEffect]) -> float:
        """For as long as a command may, and not longer than half a lease."""
        return min(self.services.store.elapsed() + self.services.inline_seconds, half_of_lease(claimed))


def check_actor(by: Any, order: Order | None = None) -> None:
    """Raise `NotAllowed` where nobody says who does it, or where a customer acts on the ``order`` of another, as far as
    the shop says whose it is."""
    if not issubclass(type(by), Actor):  # an object can say of itself that it is one, and `isinstance` believes it
        raise NotAllowed(text("Say who does this."), in_code='by=Actor.staff("anna")')
    if by.kind is ActorKind.CUSTOMER and order is not None and order.customer not in ("", by.id):
        raise NotAllowed(
            text("Order {order} is another customer's. A customer acts on his own orders.", order=order.id)
        )
