"""Finds out whose payment it is that a webhook named and neither we nor the shop know by that name.

A shop stores an order's or a session's id, and a webhook of a refund names the charge. The provider knows both; it is
asked later, behind all else, and never more often than an account can bear.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterable

import attrs

from retour.effects.attempt import Pauses
from retour.effects.inbox import Notice, Sender, identity_of
from retour.effects.keeping import Keeping, Kept
from retour.model.errors import RetourError, StoreError
from retour.model.frozen import frozen
from retour.model.order import Mode
from retour.model.text import Text
from retour.plugins.accounts import Accounts
from retour.providers.http import time_limit
from retour.rules.matching import ReportedRefund
from retour.shop import ShopCaller
from retour.store.records import as_json, from_json
from retour.store.store import Store
from retour.store.unknown_names import UnknownName

log = logging.getLogger("retour.effects")

WEBHOOKS_OF = "webhooks of "
"""Where what went wrong with a provider's webhooks comes from: before its name."""

_PAUSES = Pauses.doubling(datetime.timedelta(minutes=1), datetime.timedelta(hours=6))

MOST_TRIES = 20
"""How often a provider or a shop that cannot be asked is asked again about a name: for three days with these pauses, as
long as providers themselves send a webhook again."""

MOST_TRIES_OF_THE_SHOP = 6
"""How often a shop that knows no such payment is asked whose it is, where its provider cannot tell other names: within
half an hour, in which an order that was just paid is in the shop."""

_SECONDS = 60.0

_TAKEN_BACK = "taken_back"
"""What is kept of a webhook that tells of money which was taken back."""


@frozen(kw_only=True)
class WhosePayment:
    """Finds it out for all shops of one store."""

    store: Store
    accounts: Accounts
    shops: Callable[[str], ShopCaller]
    keeping: Keeping

    def can_be_asked(self, sender: Sender) -> bool:
        """Whether the provider can tell the other names of a payment."""
        provider = self.accounts.payment(sender.shop, sender.provider, sender.account, sender.mode)
        return not isinstance(provider, Text) and provider.capabilities.payment_names.usable

    def later(self, sender: Sender, notice: Notice) -> bool:
        """Ask about it later; False where the provider said within the hour that it does not know the name either.
        Raises `TooManyUnknown`."""
        identity = notice.identity or identity_of(*attrs.astuple(sender), *notice.names)
        return self.store.unknown_names.keep(
            UnknownName(
                shop=sender.shop,
                provider=sender.provider,
                account=sender.account,
                mode=sender.mode.value,
                identity=identity,
                names=notice.names,
                told=_TAKEN_BACK if notice.taken_back else "" if notice.seen is None else as_json(notice.seen),
                signed=notice.signed,
            )
        )

    def ask(self, limit: int, stop: Callable[[], bool] = lambda: False) -> list[Kept]:
        """Ask about up to ``limit`` of those whose turn it is, until told to ``stop``; gives what was kept of them. One
        that fails is asked about again later, and costs no other."""
        kept: list[Kept] = []
        try:
            self._ask_each(limit, stop, kept)
        except StoreError as error:
            if not kept:
                raise
            log.warning("what else webhooks named waits: %s", error)
        return kept

    def _ask_each(self, limit: int, stop: Callable[[], bool], kept: list[Kept]) -> None:
        for _ in range(limit):
            one = None if stop() else self.store.unknown_names.take()
            if one is None:
                break
            if one.tries > MOST_TRIES:  # an answer, or an error, ends it at the last of them
                self._again(one, "no question about it ever came to an end")
                continue
            try:
                with time_limit(_SECONDS):
                    found = self._ask(one)
            except KeyboardInterrupt:
                raise
            except NotYetKnown:
                self._put_off(one)
                continue
            except BaseException as error:
                log.warning("whose payment %s is was not found out", one.names[0], exc_info=True)
                self._again(one, f"{type(error).__name__}")
                continue
            kept += [found] if found is not None else []
            self.store.unknown_names.end(one, found=found is not None)

    def _ask(self, one: UnknownName) -> Kept | None:
        """What was kept for the order whose payment it is; None where the provider knows no such payment, or nobody
        knows whose it is."""
        sender = Sender(shop=one.shop, provider=one.provider, account=one.account, mode=Mode(one.mode))
        provider = self.accounts.payment(sender.shop, sender.provider, sender.account, sender.mode)
        if isinstance(provider, Text):
            raise ProviderAway(str(provider))
        names = dict.fromkeys(one.names)
        able = provider.capabilities.payment_names.usable
        known = [told for name in one.names for told in provider.payment_names(name)] if able else []
        names.update(dict.fromkeys(known))
        order_id = self.order_of(sender, names)
        if order_id is None:
            order_id = self.named_by_the_shop(sender, names if known or not able else ())
        if order_id is None:
            if not able and one.tries + 1 < MOST_TRIES_OF_THE_SHOP:
                raise NotYetKnown
            return None
        seen = from_json(ReportedRefund, one.told) if one.told not in ("", _TAKEN_BACK) else None
        notice = Notice(
            names=tuple(one.names),
            signed=one.signed,
            identity=one.identity,
            seen=seen,
            taken_back=one.told == _TAKEN_BACK,
        )
        kept = self.keeping.keep(order_id, sender, notice, names=known)
        return kept if kept.number else None

    def order_of(self, sender: Sender, names: Iterable[str]) -> str | None:
        """The order of a payment that we have seen by one of these names."""
        mode = sender.mode.value
        found = (self.store.find_order(sender.shop, sender.provider, sender.account, mode, name) for name in names)
        return next((order_id for order_id in found if order_id is not None), None)

    def named_by_the_shop(self, sender: Sender, names: Iterable[str]) -> str | None:
        """The shop is asked by provider and name alone: whether the order has such a payment is still to see."""
        shop = self.shops(sender.shop)
        found = (shop.find_order(sender.provider, name) for name in names)
        return next((order_id for order_id in found if order_id is not None), None)

    def _again(self, one: UnknownName, problem: str) -> None:
        try:
            if one.tries >= MOST_TRIES:
                named = (
                    one.names[0] if one.signed else "what unsigned ones name"
                )  # anybody can name as many as he likes
                self.store.note_problem(one.shop, f"{WEBHOOKS_OF}{one.provider}", f"nobody knows {named}: {problem}")
                self.store.unknown_names.end(one, found=False)
            else:
                self._put_off(one)
        except RetourError:  # the database is away: it is taken again in some minutes
            log.warning("what was said of payment %s waits", one.names[0])

    def _put_off(self, one: UnknownName) -> None:
        pause = datetime.timedelta(microseconds=_PAUSES.after(one.tries, 0))
        self.store.unknown_names.put_off(one, pause)


class NotYetKnown(Exception):
    """The shop knows no such payment, and its provider cannot be asked for other names of it."""


class ProviderAway(Exception):
    """The provider's plugin is missing or cannot be used now."""
