"""Sound carriers of other kinds than Small Post: one that makes labels at once and gives a document out once, and one
that remembers no ids of ours."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
from small_post import SmallPost, SmallPostSandbox, smallpost, smallpost_sandbox

from retour.providers import ErrorCode, LabelDocument, Said, Shipment, Support, own_words, read_wire, refusal
from retour.sandbox import SandboxLabel, SandboxResponse

_REFUSALS = attrs.evolve(
    smallpost.REFUSALS, codes={**smallpost.REFUSALS.codes, "carrier_refused": ErrorCode.CARRIER_REFUSED}
)


class AtOncePostSandbox(SmallPostSandbox):
    """A label is announced and cancelled while it is asked for, and what the carrier refuses is refused then."""

    announcement_takes = datetime.timedelta(0)
    cancellation_takes = datetime.timedelta(0)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.because: list[str] = []
        self.given: set[str] = set()

    def refuse(self, because: str) -> None:
        self.because.append(because)

    def hold(self) -> None:
        """Nothing goes on by itself here anyway."""

    def new(self, asked: dict[str, Any]) -> SandboxLabel:
        if self.because and not self.labelled(asked["reference"]):
            raise smallpost_sandbox.refused(422, "carrier_refused", self.because.pop())
        made: SandboxLabel = super().new(asked)
        self.settle()
        return made

    def taken_back(self, label: SandboxLabel) -> SandboxLabel:
        super().taken_back(label)
        self.settle()
        return label

    def printed(self, label: SandboxLabel) -> SandboxResponse:
        if label.reference in self.given:
            raise smallpost_sandbox.refused(404, "unknown_label", "This document was given out.")
        answered: SandboxResponse = super().printed(label)
        self.given.add(label.reference)
        return answered


class AtOncePost(SmallPost):
    """Its carrier refuses at once, and gives a document out once."""

    def fetch_label(self, *asked: Any) -> LabelDocument:
        return attrs.evolve(super().fetch_label(*asked), once=True)

    def write(self, path: str, body: Any = None) -> Shipment:
        answer = self.http.write("POST", f"{self.settings.api_url}/{path}", headers=self.headers, json_body=body)
        if not 200 <= answer.status < 300:
            said = own_words(smallpost.WireError, answer)
            raise refusal(answer, said and Said(codes=said.error.code, message=said.error.message), _REFUSALS)
        shipment: Shipment = read_wire(smallpost.WireLabel, answer.json()).shipment
        return shipment


class ForgetfulPostSandbox(SmallPostSandbox):
    """A reference that came before is no reason to refuse."""

    def new(self, asked: dict[str, Any]) -> SandboxLabel:
        if asked["service"] not in smallpost_sandbox.SERVICES:
            raise smallpost_sandbox.refused(422, "unknown_service", f"There is no service {asked['service']}.")
        costs = smallpost_sandbox.SERVICES[asked["service"]]
        return self.make(order_id=asked["order"], label_id=asked["reference"], price=costs, asked=asked)


class ForgetfulPost(SmallPost):
    """After a lost answer only the list of an order's shipments says whether there is a label."""

    capabilities = attrs.evolve(SmallPost.capabilities, refuses_repeats=False, find_shipment=Support.PROVIDER_CANNOT)
