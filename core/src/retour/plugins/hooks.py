"""The typed caller: one method for each hook, and the policy for a plugin that fails.

Each implementation is called on its own, so that a plugin that raises or exits cannot stop another. It is handed values
of its own, and what it answers is taken as it is at that moment: whatever it writes into either changes nothing else.
Nothing else in retour touches pluggy's callers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pluggy

from retour.model.announced_returns import ApprovedReturn, ClosedReturn, RequestedReturn
from retour.model.asking import asking
from retour.model.charge_backs import PaymentDispute
from retour.model.errors import RetourError
from retour.model.fields import check_again
from retour.model.frozen import frozen
from retour.model.labels import Label
from retour.model.making import apart
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import Approval, ApprovalKind, Refund, RefundLink, RefundPlan, RefundQuote
from retour.model.returns import (
    Objection,
    OrderStatus,
    ReceivedReturn,
    RestockDecision,
    Restocked,
    Returned,
    ReturnedLine,
    ReturnRequest,
)
from retour.plugins import specs
from retour.plugins.context import HookContext
from retour.plugins.registry import CORE, Plugin, Registry
from retour.providers.errors import redacted
from retour.rules.refunds import by_plan, without_plan

log = logging.getLogger("retour.plugins")

_T = TypeVar("_T")

_DECIDING = ("return_policy", "restock_policy", "refund_link", "refund_plan", "refund_approval")
_ANNOUNCING = tuple(name for name in vars(specs) if name.startswith("on_"))


class PluginFailed(Exception):
    """A plugin raised, exited, or answered something that the hook does not allow.

    What it said is kept, with an effect or on the timeline: without mail addresses and IBANs.
    """

    def __init__(self, plugin: str, origin: str, hook: str, cause: object) -> None:
        said = redacted(str(cause))
        super().__init__(f"plugin {plugin} ({origin}) failed in {hook}: {said}")
        self.plugin = plugin
        self.reason = reason(ReasonCode.PLUGIN_FAILED, said, plugin=plugin, origin=origin, hook=hook)


@frozen
class Implementation:
    """What one plugin does when a hook is called; it ``takes`` some of the hook's arguments."""

    plugin: str
    takes: frozenset[str]
    call: Callable[..., Any]

    def answer(self, hook: str, arguments: Mapping[str, Any]) -> Any:
        """What it answers. It gets values of its own; the core is trusted with ours."""
        if self.plugin == CORE:
            return self.call(**arguments)
        order, ctx = arguments["order"], arguments["ctx"]
        own = {name: apart(one) if name in self.takes else None for name, one in arguments.items()}
        with asking(f"{hook} of plugin {self.plugin}", ctx.shop, order.id):
            return self.call(**own)


class Hooks:
    """The hooks of one desk, typed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._callers = {hook: _callers(registry, hook) for hook in (*_DECIDING, *_ANNOUNCING)}
        self._announced = {hook: tuple([one.plugin for one in self._callers[hook]]) for hook in _ANNOUNCING}

    # --- deciding ------------------------------------------------------------------------------------

    def return_policy(self, order: Order, request: ReturnRequest, ctx: HookContext) -> list[Objection]:
        """Every plugin's objections; a plugin that fails objects "needs review"."""
        objections = []
        for one in self._callers["return_policy"]:
            try:
                answers = self._ask(one, "return_policy", order=order, request=request, ctx=ctx)
                objections += [self._checked(one.plugin, "return_policy", answer, Objection) for answer in answers]
            except PluginFailed as failure:
                objections.append(Objection.review(failure.reason))
        return objections

    def restock_policy(self, order: Order, returned: Returned, ctx: HookContext) -> RestockDecision:
        """The first plugin's decision; a plugin that fails makes us ask the merchant."""
        for one in self._callers["restock_policy"]:
            try:
                answer = self._ask(one, "restock_policy", order=order, returned=returned, ctx=ctx)
                if answer is not None:
                    return self._checked(one.plugin, "restock_policy", answer, RestockDecision)
            except PluginFailed as failure:
                return RestockDecision.ask(failure.reason)
        return RestockDecision.ask()

    def refund_link(self, order: Order, payment: Payment, amount: Money, ctx: HookContext) -> RefundLink | None:
        """The first link of the host's own objects or of the payment's own plugin; None leaves it to the provider."""
        owner = self._registry.payment.get(payment.provider)
        for one in self._callers["refund_link"]:
            plugin = self._registry.plugins[one.plugin]
            if plugin.from_host or (owner is not None and owner[1] is plugin):
                try:
                    answer = self._ask(one, "refund_link", order=order, payment=payment, amount=amount, ctx=ctx)
                    if answer is not None:
                        return self._checked(one.plugin, "refund_link", answer, RefundLink)
                except PluginFailed:
                    continue
        return None

    def refund_plan(
        self, order: Order, returned: Sequence[ReturnedLine], quoted: RefundQuote, ctx: HookContext
    ) -> RefundQuote:
        """The quote by the first plugin's plan; where a plugin fails nothing is suggested, and the quote says why."""
        for one in self._callers["refund_plan"]:
            try:
                given = self._ask(one, "refund_plan", order=order, returned=returned, quote=quoted, ctx=ctx)
                if given is not None:
                    listed = self._listed(one.plugin, given)
                    plans = [self._checked(one.plugin, "refund_plan", answer, RefundPlan) for answer in listed]
                    return by_plan(quoted, plans)
            except PluginFailed as failure:
                return without_plan(quoted, failure.reason)
            except ValueError as error:
                log.warning("plugin %s planned what is not there: %s", one.plugin, error)
                return without_plan(quoted, self._failed(one.plugin, "refund_plan", error).reason)
        return quoted

    def refund_approval(self, order: Order, plan: RefundPlan, ctx: HookContext) -> Approval:
        """The strictest plugin's answer; a plugin that fails holds the refund."""
        answers = [Approval.approve()]
        for one in self._callers["refund_approval"]:
            try:
                given = self._ask(one, "refund_approval", order=order, plan=plan, ctx=ctx)
                answers += [self._checked(one.plugin, "refund_approval", answer, Approval) for answer in given]
            except PluginFailed as failure:
                answers.append(Approval.hold(failure.reason))
        return max(answers, key=lambda answer: list(ApprovalKind).index(answer.kind))

    # --- announcing ----------------------------------------------------------------------------------

    def announced_to(self, hook: str) -> tuple[str, ...]:
        """The plugins that want to hear ``hook``, by name."""
        return self._announced[hook]

    def on_return_requested(self, plugin: str, order: Order, requested: RequestedReturn, ctx: HookContext) -> None:
        """Tell one plugin that a return was requested; raises `PluginFailed`."""
        self._tell(plugin, "on_return_requested", order=order, requested=requested, ctx=ctx)

    def on_return_approved(self, plugin: str, order: Order, approved: ApprovedReturn, ctx: HookContext) -> None:
        """Tell one plugin that a return was approved; raises `PluginFailed`."""
        self._tell(plugin, "on_return_approved", order=order, approved=approved, ctx=ctx)

    def on_return_closed(self, plugin: str, order: Order, closed: ClosedReturn, ctx: HookContext) -> None:
        """Tell one plugin that a return has ended; raises `PluginFailed`."""
        self._tell(plugin, "on_return_closed", order=order, closed=closed, ctx=ctx)

    def on_order_returned(self, plugin: str, order: Order, returned: Returned, ctx: HookContext) -> None:
        """Tell one plugin that goods came back; raises `PluginFailed`."""
        self._tell(plugin, "on_order_returned", order=order, returned=returned, ctx=ctx)

    def on_return_received(self, plugin: str, order: Order, received: ReceivedReturn, ctx: HookContext) -> None:
        """Tell one plugin that nothing more is expected of a return; raises `PluginFailed`."""
        self._tell(plugin, "on_return_received", order=order, received=received, ctx=ctx)

    def on_order_status_changed(self, plugin: str, order: Order, status: OrderStatus, ctx: HookContext) -> None:
        """Tell one plugin what the order's status became; raises `PluginFailed`."""
        self._tell(plugin, "on_order_status_changed", order=order, status=status, ctx=ctx)

    def on_restocked(self, plugin: str, order: Order, restocked: Restocked, ctx: HookContext) -> None:
        """Tell one plugin that stock was booked; raises `PluginFailed`."""
        self._tell(plugin, "on_restocked", order=order, restocked=restocked, ctx=ctx)

    def on_refund_changed(self, plugin: str, order: Order, refund: Refund, ctx: HookContext) -> None:
        """Tell one plugin that something happened to a refund; raises `PluginFailed`."""
        self._tell(plugin, "on_refund_changed", order=order, refund=refund, ctx=ctx)

    def on_parcel_moved(self, plugin: str, order: Order, label: Label, ctx: HookContext) -> None:
        """Tell one plugin that a parcel got further; raises `PluginFailed`."""
        self._tell(plugin, "on_parcel_moved", order=order, label=label, ctx=ctx)

    def on_payment_disputed(self, plugin: str, order: Order, dispute: PaymentDispute, ctx: HookContext) -> None:
        """Tell one plugin what a bank does with a payment; raises `PluginFailed`."""
        self._tell(plugin, "on_payment_disputed", order=order, dispute=dispute, ctx=ctx)

    # --- isolation -----------------------------------------------------------------------------------

    def _tell(self, plugin: str, hook: str, **arguments: Any) -> None:
        for one in self._callers[hook]:
            if one.plugin == plugin:
                self._ask(one, hook, **arguments)
                return
        raise PluginFailed(plugin, "not loaded", hook, "it waits until the plugin is back")

    def _ask(self, one: Implementation, hook: str, **arguments: Any) -> Any:
        try:
            return one.answer(hook, arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.warning("plugin %s failed in %s", one.plugin, hook, exc_info=True)
            raise self._failed(one.plugin, hook, _told(error)) from error

    def _checked(self, name: str, hook: str, answer: object, kind: type[_T]) -> _T:
        """The answer as it is now, if it is a ``kind`` down to its fields, however it was made. The core's own are
        values of ours, made a moment ago."""
        if name == CORE and isinstance(answer, kind):
            return answer
        if not issubclass(type(answer), kind):  # an object can say of itself that it is of any class
            log.warning("plugin %s answered %s with %s", name, hook, type(answer).__name__)
            raise self._failed(name, hook, f"it returned {type(answer).__name__}, not {kind.__name__}")
        try:
            taken: Any = apart(answer)
            check_again(taken)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.warning("plugin %s answered %s with a broken %s", name, hook, kind.__name__, exc_info=True)
            raise self._failed(name, hook, _told(error)) from error
        return taken  # type: ignore[no-any-return]  # a ``kind``, as was asked above

    def _listed(self, name: str, answer: object) -> Sequence[object]:
        if isinstance(answer, list | tuple):
            return tuple(answer)
        log.warning("plugin %s answered refund_plan with %s", name, type(answer).__name__)
        raise self._failed(name, "refund_plan", f"it returned {type(answer).__name__}, no list")

    def _failed(self, name: str, hook: str, cause: object) -> PluginFailed:
        plugin: Plugin | None = self._registry.plugins.get(name)
        return PluginFailed(name, plugin.origin if plugin is not None else "core", hook, cause)


def _told(error: BaseException) -> str:
    """What went wrong in a plugin: a refusal of ours in its own words, all else as a developer sees it."""
    if isinstance(error, RetourError):
        return str(error)
    try:
        return repr(error)
    except Exception:  # noqa: BLE001 - an exception of a plugin's own can fail at being shown
        return type(error).__name__


def _callers(registry: Registry, hook: str) -> tuple[Implementation, ...]:
    """The plugins that implement ``hook``, in the order in which they are asked."""
    return tuple(_each(registry.manager, hook))


def _each(manager: pluggy.PluginManager, hook: str) -> Iterator[Implementation]:
    everyone: Iterable[Any] = [plugin for _, plugin in manager.list_name_plugin() if plugin is not None]
    for one in reversed(getattr(manager.hook, hook).get_hookimpls()):
        others = [plugin for plugin in everyone if plugin is not one.plugin]
        yield Implementation(one.plugin_name, frozenset(one.argnames), manager.subset_hook_caller(hook, others))
