"""The part of `ReturnDesk` that is about labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retour.desk.commands import Request
from retour.model.actor import Actor
from retour.model.labels import LabelForm, LabelOption, WhoPays
from retour.model.outcome import Outcome
from retour.model.parcels import Address, Parcel
from retour.model.unseen import unseen
from retour.providers.label_request import LabelDocument

if TYPE_CHECKING:
    from retour.desk.labels import Labels


class LabelDesk:
    """What a person does about the labels of a shop's returns.

    ``provider`` is the name of a shipping provider; the one that is loaded where there is only one. Labels go to the
    desk's ``return_address``.
    """

    @property
    @abstractmethod
    def _labels(self) -> Labels:
        """What orders and follows them."""

    def label_options(
        self,
        order_id: str,
        *,
        sender: Address,
        parcel: Parcel,
        by: Actor,
        provider: str | None = None,
        account: str = "default",
    ) -> Sequence[LabelOption]:
        """The labels that can be bought for a ``parcel`` of the customer, ``sender``, the cheapest first where prices
        are known. Nothing is bought. Raises `InvalidArgument` for what no carrier takes, with what to do, and
        `ProviderUnavailable`."""
        return self._labels.options(order_id, sender, parcel, provider, account, by)

    def order_label(
        self,
        order_id: str,
        return_id: str,
        option: LabelOption,
        *,
        sender: Address,
        parcel: Parcel,
        by: Actor,
        request_id: str,
        provider: str | None = None,
        account: str = "default",
        payer: WhoPays = WhoPays.SHOP,
        another_parcel: bool = False,
        replaces: str | None = None,
        note: str | None = None,
    ) -> Outcome:
        """Buy a label for an approved return, as `label_options` gave it: once, however often the page is opened.

        A return has one label for each parcel: `WrongState` names the one that is there. ``another_parcel`` says that
        another one goes with it; ``replaces`` names a label that cannot be used any more, as when its last day comes
        before the return's: it is cancelled where it can be. The outcome's ``label`` says how far it is: the provider
        may announce it to the carrier for some seconds, or minutes.
        """
        from retour.desk.labels import Wish

        note = unseen(note)
        wish = Wish(
            return_id=return_id,
            option=option,
            sender=sender,
            parcel=parcel,
            provider=provider,
            account=account,
            payer=payer,
            beside=another_parcel,
            replaces=replaces,
            note=note,
        )
        return self._labels.order(order_id, wish, by, Request.of(order_id, request_id, ("order_label", wish)))

    def label_document(
        self, order_id: str, label_id: str, *, by: Actor, form: LabelForm | None = None
    ) -> LabelDocument:
        """What the customer prints or shows: ``content`` of a ``media_type``, with his address on it. Opening it again
        buys nothing. Raises `WrongState` where there is none, and `ProviderUnavailable` while it is not ready."""
        return self._labels.document(order_id, label_id, form, by)

    def reconcile_labels(self, order_id: str) -> Outcome:
        """Read at the provider what became of an order's labels and parcels, and which labels the customer made in its
        portal: those are returns like any other. For the page of an order; webhooks and ``work()`` do it by themselves,
        what is made in a portal once `shipping_options` has led there.
        Raises `ProviderUnavailable`, with nothing changed."""
        return self._labels.reconcile(order_id)

    def tracking_page(self, order_id: str, return_id: str) -> str:
        """Where the carrier shows how far the parcel of a return is: of its newest label, on the page that its provider
        names, else on the carrier's own as soon as there is a tracking number; else of the carrier that the customer
        named. Empty where nobody knows."""
        return self._labels.tracking_page(order_id, return_id)

    def cancel_label(
        self, order_id: str, label_id: str, *, by: Actor, request_id: str | None = None, note: str | None = None
    ) -> Outcome:
        """Have a label taken back that nobody used. The provider says later whether it could: a parcel that a carrier
        scanned meanwhile is on its way, and the timeline says so."""
        note = unseen(note)
        request = Request.if_given(order_id, request_id, ("cancel_label", label_id, note))
        return self._labels.cancel(order_id, label_id, by, note, request)

    def settle_label(
        self,
        order_id: str,
        label_id: str,
        *,
        by: Actor,
        made: bool,
        request_id: str | None = None,
        reference: str = "",
        note: str | None = None,
    ) -> Outcome:
        """Say, by what you saw at the provider, whether a label was ``made`` of which nobody could tell, and what it is
        called there. For one that waits for a person."""
        note = unseen(note)
        request = Request.if_given(order_id, request_id, ("settle_label", label_id, made, reference, note))
        return self._labels.settle(order_id, label_id, by, reference, note, made=made, request=request)
