"""Labels for a customer's parcel: which there are, ordering one, its document, taking it back."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import logging
from collections.abc import Mapping, Sequence

import attrs

from retour.desk.commands import Command, Commands, Request, check_actor
from retour.desk.services import Services
from retour.effects.kinds import MakeLabel, effect_of
from retour.effects.labels_read import as_reported_shipment, read_label
from retour.effects.shipment_words import there, what_can_be_asked
from retour.model.actor import Actor
from retour.model.carriers import carrier_of
from retour.model.dossier import Dossier
from retour.model.errors import Busy, InvalidArgument, ProviderUnavailable, RetourError, WrongState
from retour.model.events.labels import LabelDocumentKept
from retour.model.fields import shown
from retour.model.frozen import frozen
from retour.model.labels import MADE, Label, LabelForm, LabelOption, WhoPays
from retour.model.order import Order
from retour.model.outcome import Outcome
from retour.model.parcels import Address, Parcel, check_route
from retour.model.refunds import Evidence
from retour.model.returns import GOODS_WORDS, Return
from retour.model.text import Text, text
from retour.plugins.shipping import ShippingCaller
from retour.providers.errors import ErrorCode, ProviderError
from retour.providers.label_request import LabelDocument
from retour.rules import labels
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedShipment, report
from retour.rules.portal_returns import record_listed, record_shipment
from retour.rules.whose_label import Learnt, known_labels
from retour.steps.case import Case
from retour.store.commit import EffectTaken

log = logging.getLogger("retour.desk")


@frozen(kw_only=True)
class Wish:
    """The label that somebody wants, before it is known who makes it and where it goes."""

    return_id: str
    option: LabelOption
    sender: Address = attrs.field(repr=False)
    parcel: Parcel
    provider: str | None
    account: str
    payer: WhoPays
    beside: bool
    replaces: str | None
    note: str | None = attrs.field(repr=False)


@frozen
class Labels:
    """The labels of one shop's returns."""

    services: Services
    commands: Commands

    def options(
        self, order_id: str, sender: Address, parcel: Parcel, provider: str | None, account: str, by: Actor
    ) -> Sequence[LabelOption]:
        """Ask a provider which labels it sells for a parcel."""
        case = self._case(order_id, by)
        recipient = self._recipient(order_id)
        check_route(order_id, sender, recipient, parcel)
        caller = self._caller(order_id, provider, account)
        try:
            return caller.options(sender, recipient, parcel)
        except ProviderError as error:
            raise _unavailable(case.order_id, caller, error) from error

    def order(self, order_id: str, wish: Wish, by: Actor, request: Request) -> Outcome:
        """Decide on a label and have it made: once, however often the page that does it is opened."""
        case = self._case(order_id, by)
        before = self.commands.before(case, by, request)
        if before is not None:
            return before
        caller = self._caller(order_id, wish.provider, wish.account)
        if not caller.capabilities.labels.usable:
            raise InvalidArgument(
                text("Order {order}: {provider} makes no labels.", order=order_id, provider=caller.name)
            )
        wanted = labels.WantedLabel(
            return_id=wish.return_id,
            provider=caller.name,
            account=wish.account,
            option=wish.option,
            parcel=wish.parcel,
            sender=wish.sender,
            recipient=self._recipient(order_id),
            payer=wish.payer,
            beside=wish.beside,
            replaces=wish.replaces,
            note=wish.note,
        )

        def decide(draft: Draft, order: Order) -> None:
            labels.order_label(draft, order, wanted)

        return self.commands.run(Command(order_id=order_id, by=by, decide=decide, request=request, case=case))

    def cancel(self, order_id: str, label_id: str, by: Actor, note: str | None, request: Request | None) -> Outcome:
        """Have a label taken back."""

        def decide(draft: Draft, order: Order) -> None:
            labels.cancel_label(draft, order, label_id, note)

        return self.commands.run(Command(order_id=order_id, by=by, decide=decide, request=request, finishes=True))

    def settle(
        self,
        order_id: str,
        label_id: str,
        by: Actor,
        reference: str,
        note: str | None,
        *,
        made: bool,
        request: Request | None,
    ) -> Outcome:
        """Say what became of a label of which nobody could tell. Where its provider can be asked what it calls so, it
        is asked first: its word is a fact of its own, beside the person's. Then nobody asks for it any more."""
        case = self.commands.known(order_id, by)
        before = self.commands.before(case, by, request)
        if before is not None:
            return before

        def settled(draft: Draft, order: Order) -> None:
            labels.settle_label(draft, order, label_id, made=made, reference=reference, note=note)

        self.commands.rehearse(case, by, settled)
        label = case.dossier.label(label_id)
        seen = self._named(case, label, reference.strip()) if made else None

        def decide(draft: Draft, order: Order) -> None:
            settled(draft, order)
            draft.superseded.extend(self._still_asking(order_id, label_id))
            if seen is not None:
                follows = self.services.labelling.words.what_follows(self.commands.shop_id)
                report(draft, draft.dossier.label(label_id), seen, Evidence.LOOKUP, follows)

        try:
            return self.commands.run(
                Command(order_id=order_id, by=by, decide=decide, request=request, case=case, finishes=True)
            )
        except EffectTaken:  # a worker was faster
            raise Busy(
                text(
                    "Order {order}: label {label} is being asked for at this moment. Nothing was changed; look at it "
                    "again in a minute.",
                    order=order_id,
                    label=label_id,
                )
            ) from None

    def _still_asking(self, order_id: str, label_id: str) -> list[str]:
        """The ids of the effects that ask for a label."""
        waiting = self.services.store.effects.waiting(self.commands.shop_id, order_id, MakeLabel.kind)
        return [one.id for one in waiting if effect_of(MakeLabel, order_id, one.id, one.body).label_id == label_id]

    def _named(self, case: Case, label: Label, reference: str) -> ReportedShipment | None:
        """What a provider calls so; None where it cannot be asked now. Raises `InvalidArgument` for what is no label of
        this order there."""
        caller = self.services.accounts.shipping(self.commands.shop_id, label.provider, label.account)
        if isinstance(caller, Text) or not caller.capabilities.fetch_shipment.usable:
            return None
        named = attrs.evolve(label, reference=reference, told=None, settled=True)
        try:
            return read_label(named, caller, case.order_id)
        except ProviderError as error:
            if error.code is not ErrorCode.UNKNOWN_SHIPMENT:
                return None
            raise InvalidArgument(
                text(
                    "Order {order}: {reference} is no label of this order at {provider}: {why}. Look there again.",
                    order=case.order_id,
                    reference=shown(reference),
                    provider=caller.name,
                    why=error.reason.words,
                )
            ) from error

    def reconcile(self, order_id: str) -> Outcome:
        """Read at the provider what became of an order's labels, and which the customer made in its portal."""
        case = self.commands.known(order_id)
        read = {key: self._read(case, *key) for key in self._accounts(case)}

        def decide(draft: Draft, order: Order) -> None:
            words = self.services.labelling.words
            for (provider, account), learnt in read.items():
                portal = words.portal(self.commands.shop_id, provider, account)
                for seen in [one for one in learnt.labels.values() if one is not None]:
                    words.record_said_before(draft, case, portal, seen)
                    record_shipment(draft, order, portal, seen, Evidence.RECONCILE, learnt)
                record_listed(draft, order, portal, Evidence.RECONCILE, learnt)

        by = Actor.system("retour")
        return self.commands.run(Command(order_id=order_id, by=by, decide=decide, case=case, finishes=True))

    def _accounts(self, case: Case) -> list[tuple[str, str]]:
        """Whose labels an order has or can have: those of its labels, and who delivered it."""
        found = [(label.provider, label.account) for label in case.dossier.labels.values()]
        delivered = case.order.delivery.provider if case.order.delivery is not None else ""
        if delivered in self.services.registry.shipping:
            found.append((delivered, "default"))
        return list(dict.fromkeys(found))

    def _read(self, case: Case, provider: str, account: str) -> Learnt:
        """What a provider has of the labels of an order, and which return shipments it has of it."""
        caller = self._caller(case.order_id, provider, account)
        learnt = what_can_be_asked(caller)
        try:
            labels = {
                label.id: _as_it_is(caller, label, case.order_id)
                for label in case.dossier.labels.values()
                if (label.provider, label.account) == (provider, account) and (label.reference or label.parcel)
            }
            learnt = attrs.evolve(learnt, labels=labels)
            if not learnt.lists:
                return learnt
            since = case.time.now().earliest - _A_RETURN_LASTS
            listed = [as_reported_shipment(one) for one in caller.list_shipments(case.order_id, since)]
        except ProviderError as error:
            raise _unavailable(case.order_id, caller, error) from error
        when_listed = there(known_labels(case.dossier, provider, account))
        return attrs.evolve(learnt, listed=listed, when_listed=when_listed)

    def tracking_page(self, order_id: str, return_id: str) -> str:
        """Where the carrier of a return shows its parcel; empty where nobody knows."""
        dossier = self.commands.dossier(order_id)
        return_ = dossier.return_(return_id)
        return self.tracking_pages({return_id: return_}, dossier).get(return_id, "")

    def tracking_pages(self, returns: Mapping[str, Return], dossier: Dossier) -> dict[str, str]:
        """The same of several returns, by their id, and of each of their labels, by its id."""
        if not dossier.labels and not any(one.tracking for one in returns.values()):
            return {}
        recipient = self.services.return_address(self.commands.shop_id)
        pages_of: dict[str, dict[str, str]] = {}
        for label in dossier.labels.values():
            page = label.tracking_url or _page_at_the_carrier(label, recipient)
            if page:
                pages_of.setdefault(label.return_id, {})[label.id] = page
        found: dict[str, str] = {}
        for return_ in returns.values():
            pages = pages_of.get(return_.id, {})
            carrier = carrier_of(return_.carrier)
            own = "" if carrier is None else carrier.tracking_page(return_.tracking, recipient)
            found |= {**pages, return_.id: next(reversed(pages.values()), own)}
        return found

    def document(self, order_id: str, label_id: str, form: LabelForm | None, by: Actor) -> LabelDocument:
        """The document of a label: the one that was kept, else its provider's; one that it gives out once is kept."""
        case = self._case(order_id, by)
        label = case.dossier.label(label_id)
        _check_usable(case, label, self.services.clock().astimezone(self.services.zone).date())
        kept = self._kept(case, label)
        if kept is not None and form in (None, kept.form):
            return kept
        _check_named(case, label)
        caller = self._caller(order_id, label.provider, label.account)
        try:
            if label.unconfirmed and not _as_it_is(caller, label, order_id):
                raise _not_confirmed(order_id, caller, label)
            document = caller.fetch_label(label.reference, label.parcel, form or _form_of(label))
        except ProviderError as error:
            raise _unavailable(order_id, caller, error) from error
        if document.once:
            try:
                self._keep(case, label, document)
            except RetourError as error:  # the provider does not give it again: whoever asked for it gets it
                log.warning("the document of label %s of order %s was not kept: %s", label_id, order_id, error)
        return document

    def _kept(self, case: Case, label: Label) -> LabelDocument | None:
        """The document of a label that its provider gave out once; None where none was kept, or it was removed."""
        if label.document_id is None:
            return None
        words = self.services.store.notes(self.commands.shop_id, case.order_id).get(label.document_id)
        return None if words is None else _document_of(words)

    def _keep(self, case: Case, label: Label, document: LabelDocument) -> None:
        def decide(draft: Draft, order: Order) -> None:
            kept = LabelDocumentKept(
                return_id=label.return_id,
                label_id=label.id,
                document_id=draft.document(order, _words_of(document)),
            )
            draft.record(kept)

        command = Command(
            order_id=case.order_id, by=Actor.provider(label.provider), decide=decide, case=case, finishes=True
        )
        self.commands.run(command)

    def _case(self, order_id: str, by: Actor) -> Case:
        """The order, for who may act on it. Raises `NotAllowed`."""
        case = self.commands.known(order_id, by)
        check_actor(by, case.given)
        return case

    # --- who and where to ----------------------------------------------------------------------------

    def _recipient(self, order_id: str) -> Address:
        recipient = self.services.return_address(self.commands.shop_id)
        if recipient is None:
            raise InvalidArgument(
                text(
                    "Order {order}: the shop's return address is not set, so no label can be made.",
                    order=order_id,
                ),
                in_code="ReturnDesk(return_address=Address(...))",
            )
        return recipient

    def _caller(self, order_id: str, provider: str | None, account: str) -> ShippingCaller:
        name = provider or self._only_one(order_id)
        caller = self.services.accounts.shipping(self.commands.shop_id, name, account)
        if isinstance(caller, Text):
            raise ProviderUnavailable(
                text("Order {order}: {provider} cannot be used: {why}", order=order_id, provider=name, why=caller)
            )
        return caller

    def _only_one(self, order_id: str) -> str:
        """The one shipping provider that is loaded. Raises `InvalidArgument` where there are several, or none."""
        names = list(self.services.registry.shipping)
        if len(names) != 1:
            raise InvalidArgument(
                text(
                    "Order {order}: say which shipping provider. There are: {providers}.",
                    order=order_id,
                    providers=names or [text("none")],
                ),
                in_code=" or ".join([f"provider={one!r}" for one in names]),
            )
        return names[0]


_A_RETURN_LASTS = datetime.timedelta(days=90)
"""How far back the return shipments of an order are read."""


def _page_at_the_carrier(label: Label, recipient: Address | None) -> str:
    """Where the carrier itself shows the parcel of a label whose provider has told its number and no page of it yet:
    webhooks tell none. Empty for a carrier that is not known here."""
    said = label.carrier or (label.option.carrier if label.option is not None else "")
    carrier = carrier_of(said)
    return "" if carrier is None else carrier.tracking_page(label.tracking_number, recipient)


def _as_it_is(caller: ShippingCaller, label: Label, order_id: str) -> ReportedShipment | None:
    """A label as its provider has it; None for one that he does not know any more, which costs no other."""
    try:
        return read_label(label, caller, order_id)
    except ProviderError as error:
        if error.code is ErrorCode.UNKNOWN_SHIPMENT:
            return None
        raise


def _form_of(label: Label) -> LabelForm:
    return LabelForm.PDF if label.option is None else label.option.form


def _check_usable(case: Case, label: Label, today: datetime.date) -> None:
    """Raise `WrongState` for a label that must not be used any more, or is not there: before anything of it is shown,
    wherever its document is."""
    return_ = case.dossier.return_(label.return_id)
    if not return_.live:
        raise WrongState(
            text(
                "Order {order}: return {return_id} is {state}, so its label {label} is not to be used. Reopen the "
                "return to let it go on.",
                order=case.order_id,
                return_id=return_.id,
                state=GOODS_WORDS[return_.goods],
                label=label.id,
            ),
            in_code=f"reopen_return({case.order_id!r}, {return_.id!r}, ...)",
        )
    if label.valid_until is not None and label.valid_until < today:
        raise WrongState(
            text(
                "Order {order}: label {label} could be used until {day}. Replace it by a new one.",
                order=case.order_id,
                label=label.id,
                day=label.valid_until,
            ),
            in_code=f"order_label(..., replaces={label.id!r})",
        )
    if label.replaced_by is not None:
        raise WrongState(
            text(
                "Order {order}: label {label} was replaced by {other}. Show that one.",
                order=case.order_id,
                label=label.id,
                other=label.replaced_by,
            )
        )
    if label.state not in MADE or label.cancel_asked:
        raise WrongState(
            text(
                "Order {order}: label {label} is {state}, so there is nothing to print.",
                order=case.order_id,
                label=label.id,
                state=label.words,
            )
        )


def _check_named(case: Case, label: Label) -> None:
    """Raise `WrongState` for a label that its provider cannot be asked for by any name."""
    if not label.parcel and not label.reference:
        raise WrongState(
            text(
                "Order {order}: {provider} has not said yet what it calls label {label}. Print it there, or wait until "
                "it is told.",
                order=case.order_id,
                provider=label.provider,
                label=label.id,
            )
        )


def _not_confirmed(order_id: str, caller: ShippingCaller, label: Label) -> WrongState:
    return WrongState(
        text(
            "Order {order}: what {provider} has by the number that was given for label {label} is no label of this "
            "order. It is shown when it is known which one it is.",
            order=order_id,
            provider=caller.name,
            label=label.id,
        )
    )


def _unavailable(order_id: str, caller: ShippingCaller, error: ProviderError) -> ProviderUnavailable:
    return ProviderUnavailable(
        text("Order {order}: {provider}: {why}", order=order_id, provider=caller.name, why=error.reason.words)
    )


def _words_of(document: LabelDocument) -> str:
    content = base64.b64encode(document.content).decode("ascii")
    return json.dumps({"form": document.form.value, "media_type": document.media_type, "content": content})


def _document_of(words: str) -> LabelDocument:
    kept = json.loads(words)
    return LabelDocument(
        form=LabelForm(kept["form"]),
        media_type=kept["media_type"],
        content=binascii.a2b_base64(kept["content"]),
        once=True,
    )
