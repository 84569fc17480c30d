"""What a person must look at, as one list: of orders, of what belongs to none, and of providers that are off."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence, Set

from retour.desk.commands import Command, Commands, check_actor
from retour.desk.services import Services
from retour.desk.webhooks_read import LOOKED_AT, SIGNED
from retour.effects.kinds import KINDS, effect_of
from retour.effects.kinds import given_up as what_follows
from retour.effects.providers_word import A_PERSON_MAY
from retour.effects.refunding import payment_of
from retour.effects.whose_payment import WEBHOOKS_OF
from retour.model.actor import Actor, ActorKind
from retour.model.attention import ATTENTION_WORDS, AttentionItem, AttentionKind, AttentionPage
from retour.model.background_work import work_in_words
from retour.model.errors import Busy, InvalidArgument, NotAllowed, RetourError, WrongState
from retour.model.events.attention import AttentionAcknowledged, SetAsideRetried
from retour.model.fields import shown, wanted_instead
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.outcome import Outcome
from retour.model.reasons import Reason, ReasonCode, given_up, reason, reason_of_problem
from retour.model.refunds import RefundState, provider_of
from retour.model.text import Text, one_after_the_other, text, texts
from retour.model.unreadable import ReadingFault, UnreadableRow
from retour.plugins.registry import PluginStatus
from retour.rules.attention import ACKNOWLEDGE, RULES, acknowledge, needs_attention
from retour.rules.draft import Draft
from retour.store.attention import AttentionRow, Place
from retour.store.commit import EffectTaken
from retour.store.index import attention_rows
from retour.store.pages import no_page
from retour.store.records import from_json

log = logging.getLogger("retour.desk")

_MENDED = (AttentionKind.PROVIDER_OFF, AttentionKind.ORDER_UNREADABLE)
"""What is no part of an order's history, and ends when its cause is mended."""

_BEFORE_ALL: Place = (-1, "", "")
_SETTINGS = "settings"
"""Settings stand after the plugins: both can have one name."""


@frozen
class AttentionDesk:
    """What a person must look at in one shop."""

    services: Services
    commands: Commands

    def page(self, named: AttentionKind | str | None, *, limit: int, after: str | None) -> AttentionPage:
        """A page of the list: first the providers that are off, since nobody knows since when, then the oldest."""
        kind = None if named is None else _kind(named)
        place = _BEFORE_ALL if after is None else _place(after)
        providers = [] if kind not in (None, AttentionKind.PROVIDER_OFF) else list(self._providers_off())
        first = [(one, at) for one in providers if (at := (0, _SETTINGS if one.can_do else "", one.about)) > place]
        first = first[: limit + 1]
        found, more = first[:limit], len(first) > limit
        if not more and kind is not AttentionKind.PROVIDER_OFF:
            rows, more = self._rows(kind, limit=limit - len(found), after=place)
            off = self._without_a_plugin(rows)
            found += [(one, row.place) for row in rows if (one := self._item(row, off)) is not None]
            last = rows[-1].place if rows else None
        else:
            last = None
        if more and last is None:
            last = found[-1][1]
        return AttentionPage(
            items=tuple([one for one, _ in found]), next=json.dumps(last, ensure_ascii=False) if more else None
        )

    def counts(self) -> Mapping[AttentionKind, int]:
        """How much there is of each kind of which there is any."""
        found = self.services.store.attention.counts(self.commands.shop_id)
        found[AttentionKind.PROVIDER_OFF.value] = len(list(self._providers_off()))
        return {kind: found[kind.value] for kind in AttentionKind if found.get(kind.value)}

    def acknowledge(
        self, order_id: str, named: AttentionKind | str, about: str, by: Actor, note: str | None
    ) -> Outcome:
        """A person has looked at something that needs no decision."""
        kind = _kind(named)
        if kind is AttentionKind.WEBHOOK_UNREADABLE:
            return self._acknowledge_problem(about, by, note)
        check_actor(by)
        if kind in _MENDED:
            raise _to_be_mended(ATTENTION_WORDS[kind])
        if kind is AttentionKind.EFFECT_STUCK:
            return self._give_up(order_id, about, by, note)

        case = self.commands.known(order_id, by)
        listed = any((one.kind, one.about) == (kind, about) for one in needs_attention(case.dossier))

        def decide(draft: Draft, order: Order) -> None:
            acknowledge(draft, order, kind, about, note, listed=listed)

        return self.commands.run(
            Command(order_id=order_id, by=by, decide=decide, case=case, finishes=True, sees_the_order=True)
        )

    def _give_up(self, order_id: str, effect_id: str, by: Actor, note: str | None) -> Outcome:
        """A person knows that an effect does not get done, and it is not tried any more."""
        store, shop = self.services.store, self.commands.shop_id

        def decide(draft: Draft, order: Order) -> None:
            draft.only(
                ActorKind.STAFF,
                refusal=text("Order {order}: {actor} may not acknowledge what waits for a person; staff may."),
            )
            row = store.attention.stuck(shop, order_id, effect_id)
            if row is None:
                acknowledge(draft, order, AttentionKind.EFFECT_STUCK, effect_id, note)  # by now it is, or it never was
                return
            if not _may_give_up(row):
                raise _to_be_mended(work_in_words(row.name))
            why = given_up(row.name, _problem_of(row))
            draft.superseded.append(effect_id)
            draft.record(
                AttentionAcknowledged(
                    kind=row.kind, about=effect_id, since=row.since, why=why, note_id=draft.note(order, note)
                )
            )
            for body in [body for one, _, body in store.effects.bodies(shop, order_id) if one == effect_id]:
                for event in what_follows(effect_of(KINDS[row.name], order_id, effect_id, body), draft.dossier, why):
                    draft.record(event)

        try:
            return self.commands.run(
                Command(order_id=order_id, by=by, decide=decide, finishes=True, sees_the_order=True)
            )
        except EffectTaken:
            raise Busy(
                text(
                    "Order {order}: {effect} is being tried at this moment. Nothing was changed; look at the list "
                    "again in a minute.",
                    order=order_id,
                    effect=shown(effect_id),
                )
            ) from None

    def retry_set_aside(self, order_id: str, by: Actor, note: str | None) -> int:
        """A person has mended what ended its processes: it is tried again, and his name is on the timeline."""
        effects, shop, retried = self.services.store.effects, self.commands.shop_id, list[str]()

        def decide(draft: Draft, order: Order) -> None:
            draft.only(
                ActorKind.STAFF,
                refusal=text("Order {order}: {actor} may not have work tried again that was set aside; staff may."),
            )
            aside = effects.set_aside_of(shop, order_id)
            retried[:] = [effect_id for effect_id, _ in aside]
            if aside:
                works = tuple(sorted({kind for _, kind in aside}))
                draft.retried.extend(retried)
                draft.record(SetAsideRetried(works=works, note_id=draft.note(order, note)))

        self.commands.run(Command(order_id=order_id, by=by, decide=decide, as_last_seen=True, sees_the_order=True))
        return len(retried)

    def _acknowledge_problem(self, about: str, by: Actor, note: str | None) -> Outcome:
        """There is no timeline to tell it on: the row keeps who acknowledged it, and when."""
        check_actor(by)
        if by.kind is not ActorKind.STAFF or not by.id:
            raise NotAllowed(text("Staff acknowledges what went wrong, by name."))
        if note:
            raise InvalidArgument(text("A note is kept with an order, and {about} is of none.", about=shown(about)))
        problems = self.services.store.attention
        changed = problems.acknowledge_problem(self.commands.shop_id, about, by)
        if not changed and not problems.knows_problem(self.commands.shop_id, about):
            raise WrongState(text("Nothing called {about} went wrong. Look at the list again.", about=shown(about)))
        return Outcome(order_id="", version=0, changed=changed)

    # --- rows of the store ---------------------------------------------------------------------------

    def _rows(self, kind: AttentionKind | None, *, limit: int, after: Place) -> tuple[list[AttentionRow], bool]:
        """The rows as they are now: an order that a migration listed is listed anew when it is first looked at."""
        attention, shop = self.services.store.attention, self.commands.shop_id
        rows, more = attention.page(shop, kind, limit=limit, after=after)
        coarse = dict.fromkeys([row.order_id for row in rows if row.by_migration])
        if not coarse:
            return rows, more
        for order_id in coarse:
            self._list_anew(order_id)
        return attention.page(shop, kind, limit=limit, after=after)

    def _list_anew(self, order_id: str) -> None:
        shop = self.commands.shop_id
        try:
            dossier = self.services.cases.as_last_seen(shop, order_id).dossier
            rows = attention_rows(shop, order_id, (), needs_attention(dossier), RULES)
            self.services.store.attention.list_anew(shop, order_id, dossier.version, rows)
        except RetourError as error:  # an order that cannot be read, a store that cannot be written: as it was listed
            log.warning("order %s is listed as the migration left it: %s", order_id, error)

    def _without_a_plugin(self, rows: Sequence[AttentionRow]) -> frozenset[str]:
        """The unknown refunds that nobody can be asked about. An order is read only where a plugin may be the cause."""
        unknown = [row for row in rows if row.kind == AttentionKind.REFUND_UNKNOWN]
        if not unknown:
            return frozenset()
        services = self.services
        wrong = {key.partition(":")[0] for key in services.accounts.known_wrong(self.commands.shop_id)}
        working = services.registry.payment.keys() - wrong
        return frozenset(
            [row.about for row in unknown if provider_of(row.more) not in working and self._cannot_be_asked_about(row)]
        )

    def _cannot_be_asked_about(self, row: AttentionRow) -> bool:
        """Whether the plugin of an unknown refund cannot be used, so that a person's word counts at once."""
        shop = self.commands.shop_id
        try:
            case = self.services.cases.as_last_seen(shop, row.order_id)
            refund = case.dossier.refund(row.about)
            off = self.services.accounts.known_to_be_off(shop, payment_of(case, refund.payment))
        except RetourError as error:  # then the list says what the row says
            log.warning("refund %s of order %s cannot be looked at: %s", row.about, row.order_id, error)
            return False
        return refund.state is RefundState.UNKNOWN and off

    def _item(self, row: AttentionRow, off: Set[str]) -> AttentionItem | None:
        """A row as a person reads it; None for one of a newer retour, which costs its own place and no other."""
        try:
            kind = AttentionKind(row.kind)
            gone = row.plugin != "" and not self._is_loaded(row.plugin)
            why, can_do = _untold(row) if gone else _READERS.get(kind, _of_order)(kind, row)
        except (ValueError, RetourError) as error:
            log.warning("something of order %s is not listed: %s", row.order_id, error)
            return None
        if kind is AttentionKind.REFUND_UNKNOWN and row.about in off:
            can_do = ("settle_refund", "confirm_refund")
        elif kind is AttentionKind.REFUND_UNKNOWN and row.now - row.since >= A_PERSON_MAY:
            can_do = tuple(dict.fromkeys(("settle_refund", *can_do)))
        return AttentionItem(
            kind=kind,
            order_id=row.order_id,
            about=row.about,
            since=row.since,
            why=why,
            can_do=can_do,
            others=_ours(row) if kind is AttentionKind.PERHAPS_OURS else (),
        )

    def _is_loaded(self, plugin: str) -> bool:
        named = self.services.registry.plugins.get(plugin)
        return named is not None and named.status is PluginStatus.LOADED

    # --- providers -----------------------------------------------------------------------------------

    def _providers_off(self) -> Iterator[AttentionItem]:
        """Plugins that are off, and those of which a provider is, by their name; then each account whose settings are
        wrong, by the key of its settings, as they were when they were last read: a settings function that does not
        answer holds up nobody who looks at a list."""
        for plugin in sorted(self.services.registry.plugins.values(), key=lambda one: one.name):
            faults: list[Text | str] = [one.reason for one in plugin.providers_off]
            if plugin.status is not PluginStatus.LOADED:
                faults.insert(0, plugin.reason)
            if faults:
                yield _provider_off(plugin.name, text("{plugin}: {faults}", plugin=plugin.name, faults=faults), ())
        for key, wrong in sorted(self.services.accounts.known_wrong(self.commands.shop_id).items()):
            provider, _, account = key.partition(":")
            told = one_after_the_other(wrong)
            why = text("{provider}: {faults}", provider=provider, faults=told)
            if account:
                why = text("{provider}, account {account}: {faults}", provider=provider, account=account, faults=told)
            yield _provider_off(key, why, ("check_settings",))


def _provider_off(about: str, why: Text, can_do: tuple[str, ...]) -> AttentionItem:
    return AttentionItem(
        kind=AttentionKind.PROVIDER_OFF,
        order_id="",
        about=about,
        since=None,
        why=why,
        can_do=can_do,
    )


def _place(after: str) -> Place:
    try:
        since, order_id, item = json.loads(after)
    except (ValueError, TypeError, RecursionError):
        raise no_page(after) from None
    for given, kind in ((since, int), (order_id, str), (item, str)):
        if wanted_instead(given, kind) is not None:
            raise no_page(after)
    return since, order_id, item


# --- how each kind of row reads --------------------------------------------------------------------------

_Read = tuple[Text, tuple[str, ...]]


def _of_order(kind: AttentionKind, row: AttentionRow) -> _Read:
    can_do = tuple(from_json(tuple[str, ...], row.name))
    why = _why(row)
    return (ATTENTION_WORDS[kind] if why is None else why.words), can_do


def _why(row: AttentionRow) -> Reason | None:
    """The reason of a row of an order, which a migration could not know."""
    return None if row.by_migration else from_json(Reason | None, row.words)  # type: ignore[arg-type]  # a union


def _ours(row: AttentionRow) -> tuple[str, ...]:
    """The refunds of ours that one found at the provider may be."""
    why = _why(row)
    return () if why is None else tuple(why.values["refunds"].split(", "))


def _unreadable(_: AttentionKind, row: AttentionRow) -> _Read:
    number = int(row.about) if row.about.isdecimal() else 0
    unreadable = UnreadableRow(
        order_id=row.order_id,
        seq=number,
        effect_id="" if number else row.about,
        kind=row.name,
        version=row.number,
        fault=ReadingFault(row.words),
        error=row.more,
    )
    return unreadable.why, ("set_unreadable_aside",)


def _problem(_: AttentionKind, row: AttentionRow) -> _Read:
    """Of a webhook that cannot be read, ``name`` says whether its payment could be looked at all the same."""
    if row.name.startswith(SIGNED):
        why = texts(
            "a signed webhook from {provider} cannot be read, and is sent again for some days. Look there what it is "
            "about, and have that order checked; a newer version of the plugin may read it ({count} time)",
            "a signed webhook from {provider} cannot be read, and is sent again for some days. Look there what it is "
            "about, and have that order checked; a newer version of the plugin may read it ({count} times)",
            row.number,
            provider=row.name.removeprefix(SIGNED),
        )
        return why, (ACKNOWLEDGE,)
    if row.name.startswith(LOOKED_AT):
        why = texts(
            "what a signed webhook from {provider} says cannot be read, and its payment was looked at instead. A newer "
            "version of the plugin may read it ({count} time)",
            "what a signed webhook from {provider} says cannot be read, and its payment was looked at instead. A newer "
            "version of the plugin may read it ({count} times)",
            row.number,
            provider=row.name.removeprefix(LOOKED_AT),
        )
        return why, (ACKNOWLEDGE,)
    why = texts(
        "a webhook from {provider} could not be used; `retour doctor` says why ({count} time)",
        "a webhook from {provider} could not be used; `retour doctor` says why ({count} times)",
        row.number,
        provider=row.name.removeprefix(WEBHOOKS_OF),
    )
    return why, (ACKNOWLEDGE,)


def _stuck(_: AttentionKind, row: AttentionRow) -> _Read:
    """What was set aside goes on when a person says so; what fails goes on by itself when its cause is mended. Either
    can be given up where it only asks or tells."""
    if row.more == "aside":
        ended = text("retour was stopped by it again and again, and does not try it until a person has looked at it")
        return _tried(row, ended), ("retry_set_aside", *_giving_up(row))
    return _tried(row, _problem_of(row).words), _giving_up(row)


def _untold(row: AttentionRow) -> _Read:
    """Only the plugin gets it done, whatever went wrong when it was still there."""
    why = text(
        "plugin {plugin} has yet to be told of it, and is off: that ends when the plugin is on again",
        plugin=row.plugin,
    )
    return _tried(row, why), _giving_up(row)


def _problem_of(row: AttentionRow) -> Reason:
    return reason_of_problem(row.words) or reason(ReasonCode.UNKNOWN)


def _may_give_up(row: AttentionRow) -> bool:
    kind = KINDS.get(row.name)
    return kind is not None and kind.may_give_up


def _giving_up(row: AttentionRow) -> tuple[str, ...]:
    return (ACKNOWLEDGE,) if _may_give_up(row) else ()


def _to_be_mended(what: Text | str) -> WrongState:
    return WrongState(text("{what}: that is not ended by acknowledging it, but by mending it.", what=what))


def _tried(row: AttentionRow, problem: Text | str) -> Text:
    return texts(
        "{work}: {problem} ({count} try)",
        "{work}: {problem} ({count} tries)",
        row.number,
        work=work_in_words(row.name),
        problem=problem,
    )


_READERS = {
    AttentionKind.ORDER_UNREADABLE: _unreadable,
    AttentionKind.WEBHOOK_UNREADABLE: _problem,
    AttentionKind.EFFECT_STUCK: _stuck,
}
"""Of what is no part of an order's history."""


def _kind(given: str) -> AttentionKind:
    """A kind by its name. Raises `InvalidArgument`, naming those there are."""
    try:
        return AttentionKind(given)
    except ValueError:
        raise InvalidArgument(
            text("kind is one of {known}, not {given}.", known=[one.value for one in AttentionKind], given=shown(given))
        ) from None
