"""What somebody can do about an order now: the rules, with what the plugins that are loaded can."""

from __future__ import annotations

from retour.desk.commands import Commands, check_actor
from retour.desk.services import Services
from retour.model.actor import Actor
from retour.model.can_do import CanDo
from retour.model.frozen import frozen
from retour.model.labels import Label
from retour.model.order import Payment
from retour.model.refunds import Refund
from retour.rules.can_do import Able, can_do


@frozen
class Possible:
    """What can be done in one shop. No provider and no policy is asked."""

    services: Services
    commands: Commands

    def with_the_order(self, order_id: str, by: Actor) -> CanDo:
        """What ``by`` can do about an order, as it is now. Raises `NotAllowed` for the order of another customer."""
        case = self.commands.known(order_id, by)
        check_actor(by, case.given)
        draft = case.draft(by, self.services.clock())
        today = draft.at.astimezone(self.services.zone).date()
        able = Able(
            makes_labels=self._makes_labels(),
            refunds_by_api=self._refunds_by_api,
            takes_back=self._takes_back,
            cancels_label=self._cancels_label,
        )
        return can_do(draft.dossier, case.order, by.kind, today, able)

    def _makes_labels(self) -> bool:
        made = any(provider.capabilities.labels.usable for provider, _ in self.services.registry.shipping.values())
        return made and self.services.return_address(self.commands.shop_id) is not None

    def _refunds_by_api(self, payment: Payment) -> bool:
        found = self.services.registry.payment.get(payment.provider)
        off = self.services.accounts.known_to_be_off(self.commands.shop_id, payment)
        return found is not None and not off and found[0].capabilities.refund_by_api.usable

    def _takes_back(self, refund: Refund) -> bool:
        found = self.services.registry.payment.get(refund.provider)
        return found is not None and found[0].capabilities.cancel_refund.usable

    def _cancels_label(self, label: Label) -> bool:
        found = self.services.registry.shipping.get(label.provider)
        return found is not None and found[0].capabilities.cancel_label.usable
