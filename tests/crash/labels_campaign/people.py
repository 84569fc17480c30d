"""What each process does until it is killed: a customer, one of staff, a worker, a receiver of webhooks."""

from __future__ import annotations

import datetime
import json
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from crash.campaign.deaths import Deaths
from crash.campaign.files import append, lines
from crash.campaign.people import hurry

from retour import (
    Actor,
    Busy,
    Label,
    LabelState,
    NotCommitted,
    ProviderUnavailable,
    RetourError,
    ReturnDesk,
    StoreError,
)

from .world import ANNA, ANOTHER, BOX, CANCEL, FIRST, HOME, ORDER, READ, REPLACE, SHOW, Act, World

ODDS: Mapping[str, float] = {
    "after effects were claimed": 0.01,
    "before the provider is called": 0.02,
    "after the provider was called": 0.04,
    "before the record": 0.01,
    "between two statements of the commit": 0.003,
    "in the middle of the commit, before COMMIT": 0.01,
    "after the commit": 0.015,
    "before a webhook is kept": 0.01,
    "after a webhook was kept": 0.01,
}
"""How likely a process dies each time it comes by."""

CALLS = ("validate_label", "create_label", "cancel_label", "fetch_shipment", "list_shipments")
NOT_NOW = (Busy, StoreError, NotCommitted, ProviderUnavailable)
A_DAY = datetime.timedelta(days=1)
DOUBLE_CLICKS = 0.3


@attrs.frozen(kw_only=True)
class Person:
    """One life of one process."""

    world: World
    role: str
    number: int
    life: int

    def live(self) -> None:
        """Work until killed, or until everything is done."""
        chance = random.Random(f"{self.world.seed}/{self.role}/{self.number}/{self.life}")
        deaths = Deaths(chance, self.world.folder / "deaths", ODDS)
        hurry()
        desk = self.world.desk(off=chance.uniform(-1, 1) * A_DAY)
        deaths.lie_in_wait(desk)
        deaths.watch(desk)
        provider: Any = desk._services.registry.shipping["sendcloud"][0]
        for call in CALLS:
            watched = deaths.around(
                "before the provider is called", getattr(provider, call), "after the provider was called"
            )
            setattr(provider, call, watched)
        if self.role == "worker":
            self._work(desk, chance)
        elif self.role == "receiver":
            self._receive(desk, chance, deaths)
        else:
            self._ask(desk, chance)

    # --- customers and staff -------------------------------------------------------------------------

    @property
    def _by(self) -> Actor:
        return Actor.customer("c-1") if self.role == "customer" else ANNA

    def _ask(self, desk: ReturnDesk, chance: random.Random) -> None:
        """Do one thing after the other; after a death go on with that in which it died, on the same page."""
        folder, name = self.world.folder, f"{self.role}-{self.number}"
        acts = self.world.acts(self.role, self.number)
        for act in acts[len(lines(folder / f"done-{name}")) :]:
            if act in acts[1 : len(FIRST)]:
                self._wait_for_a_label(desk, act)
            while True:
                try:
                    self._act(desk, act, chance)
                except NOT_NOW as error:
                    self._complain(error)
                    time.sleep(chance.uniform(0.02, 0.1))
                    continue
                except RetourError as error:  # the answer: nothing was changed
                    self._complain(error)
                break
            append(folder / f"done-{name}", act.request_id)
            time.sleep(chance.uniform(0.0, 0.05))

    def _wait_for_a_label(self, desk: ReturnDesk, act: Act) -> None:
        """Until there is one of which he can change his mind; for some seconds at most."""
        until = time.monotonic() + 5.0
        while time.monotonic() < until:
            label = newest(desk, act.order_id, self.world.returns[act.order_id])
            if label is not None and label.state is LabelState.READY:
                return
            time.sleep(0.05)

    def _act(self, desk: ReturnDesk, act: Act, chance: random.Random) -> None:
        if act.kind == READ:
            desk.reconcile_labels(act.order_id)
            return
        label_id = self._chosen(desk, act)
        if act.kind in (ORDER, ANOTHER, REPLACE):
            if act.kind == REPLACE and not label_id:
                return
            for _ in range(2 if chance.random() < DOUBLE_CLICKS else 1):
                self._order(desk, act, label_id)
        elif act.kind == SHOW and label_id:
            desk.label_document(act.order_id, label_id, by=self._by)
        elif act.kind == CANCEL and label_id:
            desk.cancel_label(act.order_id, label_id, by=self._by)

    def _order(self, desk: ReturnDesk, act: Act, label_id: str) -> None:
        told = desk.order_label(
            act.order_id,
            self.world.returns[act.order_id],
            self.world.option,
            sender=HOME,
            parcel=BOX,
            by=self._by,
            request_id=act.request_id,
            another_parcel=act.kind == ANOTHER,
            replaces=label_id if act.kind == REPLACE else None,
        )
        said = {"order": act.order_id, "request": act.request_id, "label": told.label_id, "kind": act.kind}
        append(self.world.folder / "told", said)

    def _chosen(self, desk: ReturnDesk, act: Act) -> str:
        """The label that the page is about: it stays the same however often the page is sent."""
        path = self.world.folder / "pages" / act.request_id
        if not path.exists():
            label = newest(desk, act.order_id, self.world.returns[act.order_id])
            draft = path.with_suffix(".draft")
            draft.write_text("" if label is None else label.id)
            draft.rename(path)
        return path.read_text()

    # --- workers and receivers -----------------------------------------------------------------------

    def _work(self, desk: ReturnDesk, chance: random.Random) -> None:
        while True:
            try:
                report = desk.work(limit=chance.choice((3, 5, 20)))
            except RetourError as error:
                self._complain(error)
                continue
            if not (report.done or report.failed):
                time.sleep(chance.uniform(0.05, 0.15))

    def _receive(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        """Take webhooks in any order, many twice."""
        inbox = self.world.folder / "webhooks"
        while True:
            waiting = sorted(inbox.iterdir())
            if not waiting:
                time.sleep(0.05)
            for path in chance.sample(waiting, min(len(waiting), 10)):
                deaths.perhaps("before a webhook is kept")
                if deliver(desk, path):
                    deaths.perhaps("after a webhook was kept")
                    if chance.random() < 0.75:
                        path.unlink(missing_ok=True)

    def _complain(self, error: Exception) -> None:
        said = {"role": self.role, "kind": type(error).__name__, "error": str(error)}
        append(self.world.folder / "complaints", said)


def newest(desk: ReturnDesk, order_id: str, return_id: str) -> Label | None:
    """The newest label of a return that may be there."""
    with suppress(RetourError):
        labels = [label for label in desk.dossier(order_id).labels_of(return_id) if label.open]
        return labels[-1] if labels else None
    return None


def deliver(desk: ReturnDesk, path: Path) -> bool:
    """Give a webhook to the desk; whether it was answered so that it does not come again."""
    try:
        webhook = json.loads(path.read_text())
        desk.receive_webhook("sendcloud", webhook["headers"], webhook["body"].encode())
    except (FileNotFoundError, *NOT_NOW):
        return False
    return True
