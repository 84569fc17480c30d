"""The providers of one desk: one instance per shop, account and mode, made on first use from checked settings.

What is handed out is the caller of a provider, never the provider itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from retour.model.asking import asking
from retour.model.errors import AskedWithin, InvalidSettings
from retour.model.fields import is_text
from retour.model.order import Mode, Payment
from retour.model.outcome import SettingsCheck
from retour.model.text import Text, one_after_the_other, text
from retour.plugins.providers import PaymentCaller
from retour.plugins.registry import Plugin, PluginStatus, Registry
from retour.plugins.shipping import ShippingCaller
from retour.providers.capabilities import PaymentCapabilities, Support
from retour.providers.contract import PaymentProvider, ShippingProvider
from retour.providers.errors import ProviderError
from retour.providers.http import ProviderSession
from retour.providers.settings import mode_of, read_settings, setting_fault

log = logging.getLogger("retour.plugins")

Settings = Mapping[str, Any]
"""Settings per provider: ``{"mollie": {...}, "mollie:second-account": {...}}``."""


class Accounts:
    """Makes providers, and hands out their callers. ``settings`` gives a shop's settings, by the shop's id."""

    def __init__(self, registry: Registry, settings: Callable[[str], Settings]) -> None:
        self._registry = registry
        self._settings = settings
        self._made: dict[tuple[str, str, str, str], Any] = {}
        self._wrong: dict[str, dict[str, list[Text]]] = {}
        self._lock = threading.Lock()

    def check(self, shop: str) -> None:
        """Raise `InvalidSettings` with every fault in a shop's settings."""
        faults = self._all_faults(shop)
        if faults:
            raise InvalidSettings(
                text("Settings of shop {shop}: {faults}", shop=shop, faults=one_after_the_other(faults)),
                in_code="ReturnDesk(plugins=[...], settings={...})",
            )

    def _all_faults(self, shop: str) -> list[Text]:
        """On its own, so that what the host gave is in no frame of the error."""
        given = self._given(shop)
        if isinstance(given, Text):
            return [given]
        names = {*self._registry.payment, *self._registry.shipping, *self._registry.off}
        unknown = [key for key in given if _provider_of(key) not in names and not self._is_off(_provider_of(key))]
        return [
            *[
                fault
                for plugin in self._registry.plugins.values()
                for fault in _all(self._faults_by_key(plugin, given))
            ],
            *[setting_fault(key, _NO_SUCH_PLUGIN) for key in unknown],
        ]

    def plugins(self, shop: str) -> tuple[Plugin, ...]:
        """The plugins, each with what is wrong with the settings of its providers in this shop."""
        given = self._given(shop)
        faults = {plugin.name: self._faults_by_key(plugin, given) for plugin in self._registry.plugins.values()}
        with self._lock:
            self._wrong[shop] = {key: found for of in faults.values() for key, found in of.items() if found}
        return tuple(
            [
                attrs.evolve(plugin, settings_faults=tuple(_all(faults[plugin.name])))
                for plugin in self._registry.plugins.values()
            ]
        )

    def known_wrong(self, shop: str) -> Mapping[str, Sequence[Text]]:
        """What was wrong with the settings of each provider's account in a shop when they were last read, under the key
        of its settings (``stripe``, ``stripe:second``); those that nothing was wrong with are left out. The settings
        are not asked for: who only looks does not wait for them."""
        with self._lock:
            return dict(self._wrong.get(shop, {}))

    def known_to_be_off(self, shop: str, payment: Payment) -> bool:
        """Whether ``refund`` cannot be called on the provider of a payment, as far as that is known without asking for
        its settings."""
        found = self._registry.payment.get(payment.provider)
        if found is None or not found[0].capabilities.refunds:
            return True
        return settings_key(payment.provider, payment.account) in self.known_wrong(shop)

    def _learn(self, shop: str, path: str, faults: list[Text]) -> None:
        with self._lock:
            known = self._wrong.setdefault(shop, {})
            known.pop(path, None)
            if faults:
                known[path] = faults

    def _faults_by_key(self, plugin: Plugin, given: Settings | Text) -> dict[str, list[Text]]:
        """What is wrong with the settings of a plugin's providers, under the key of each."""
        faults: dict[str, list[Text]] = {}
        kinds: tuple[type[Any], ...] = (*plugin.payment_providers, *plugin.shipping_providers)
        for kind in kinds:
            if isinstance(given, Text):
                faults.setdefault(kind.name, []).append(setting_fault(kind.name, given))
                continue
            for key in [key for key in given if _provider_of(key) == kind.name] or [kind.name]:
                faults.setdefault(key, []).extend(_read(kind, given, key)[1])
        return faults

    def _given(self, shop: str) -> Settings | Text:
        """A shop's settings as the host gives them now, or why they cannot be had."""
        try:
            with asking("the settings function", shop, most=1):
                given: Any = self._settings(shop)
            if isinstance(given, Mapping):
                return dict(given)
            log.error("the settings function gave no mapping for shop %s, but %s", shop, type(given).__name__)
            return text("its settings cannot be read now")
        except KeyboardInterrupt:
            raise
        except AskedWithin as error:
            return text("its settings cannot be read now: {error}", error=error.message)
        except BaseException as error:  # noqa: BLE001 - a host's vault that is away costs this shop, for now
            log.error("the settings function failed for shop %s: %s", shop, type(error).__name__)
            return text("its settings cannot be read now")

    def ask(self, shop: str, provider: object, account: object, mode: object) -> SettingsCheck:
        """Whether the settings of a provider's account work, as they are now: read, and tried at the provider where it
        can be asked. What worked there takes the place of what was made before."""
        known = Mode(mode) if is_text(mode) and mode in list(Mode) else None
        if known is None or not is_text(provider) or not is_text(account):
            return SettingsCheck(ok=False, asked=False, reason=_NONSENSE)
        if account == "default":
            provider, _, named = provider.partition(":")
            account = named or account
        if provider not in self._registry.payment:
            shipping = self.shipping(shop, provider, account, anew=True)
            if isinstance(shipping, Text):
                return SettingsCheck(ok=False, asked=False, reason=shipping)
            return self._asked(shipping, (shop, provider, account, "live"))
        caller = self.payment(shop, provider, account, known, anew=True)
        if isinstance(caller, Text):
            return SettingsCheck(ok=False, asked=False, reason=caller)
        if caller.mode not in (known, None):
            words = text("its settings are for {theirs} payments, not for {mode} ones", theirs=caller.mode, mode=known)
            return SettingsCheck(ok=False, asked=False, reason=words)
        return self._asked(caller, (shop, provider, account, known.value))

    def _asked(self, caller: PaymentCaller | ShippingCaller, key: tuple[str, str, str, str]) -> SettingsCheck:
        """Whether settings that were read right work at the provider, where it can be asked; it takes the place of what
        was made before under the same ``key``."""
        if not caller.capabilities.check_settings.usable:
            return SettingsCheck(ok=True, asked=False, reason=_not_asked(caller.name))
        try:
            caller.check_settings()
        except ProviderError as error:
            return SettingsCheck(ok=False, asked=True, reason=error.reason.words)
        with self._lock:
            self._made[key] = caller
        return SettingsCheck(ok=True, asked=True)

    def payment(
        self, shop: str, provider: str, account: str, mode: Mode, *, anew: bool = False
    ) -> PaymentCaller | Text:
        """The payment provider, or the reason why there is none; ``anew`` from the settings as they are now."""
        found = self._registry.payment.get(provider)
        if found is None:
            return self._why_not(provider)
        kind, plugin = found

        def make(settings: Any) -> PaymentCaller:
            mode_told = mode_of(settings)
            return PaymentCaller(provider=kind(settings, ProviderSession()), mode=mode_told, **_declared(kind, plugin))

        made: PaymentCaller | Text = self._instance(shop, provider, account, mode.value, kind, make, anew=anew)
        return made

    def refunding(self, shop: str, payment: Payment) -> PaymentCaller | Text:
        """The provider of a payment, if ``refund`` can be called on it; else the reason why that cannot be done."""
        found = self._registry.payment.get(payment.provider)
        if found is not None and not found[0].capabilities.refunds:
            return text("{provider} cannot refund by API", provider=payment.provider)
        return self.payment(shop, payment.provider, payment.account, payment.mode)

    def transfers(self, shop: str, payment: Payment) -> PaymentCaller | None:
        """Who says how to transfer the money of a refund by hand: the payment's own provider if its refunds are made
        by a person, else the first plugin's whose are; None where no such plugin is loaded."""
        by_person = {
            name: provider
            for name, (provider, _) in self._registry.payment.items()
            if provider.capabilities.refund_by_person is Support.YES
        }
        name = payment.provider if payment.provider in by_person else next(iter(by_person), "")
        account = payment.account if name == payment.provider else "default"
        found = self.payment(shop, name, account, payment.mode) if name else None
        return None if isinstance(found, Text) else found

    def declared(self, provider: str) -> PaymentCapabilities | None:
        """What a payment provider declares; None where no plugin offers it."""
        found = self._registry.payment.get(provider)
        return None if found is None else found[0].capabilities

    def by_person(self, provider: str) -> bool:
        """Whether refunds of this provider's payments are made by a person."""
        found = self._registry.payment.get(provider)
        return found is not None and found[0].capabilities.refund_by_person is Support.YES

    def shipping(
        self, shop: str, provider: str, account: str = "default", *, anew: bool = False
    ) -> ShippingCaller | Text:
        """The shipping provider, or the reason why there is none; ``anew`` from the settings as they are now."""
        found = self._registry.shipping.get(provider)
        if found is None:
            return self._why_not(provider)
        kind, plugin = found

        def make(settings: Any) -> ShippingCaller:
            return ShippingCaller(provider=kind(settings, ProviderSession()), **_declared(kind, plugin))

        made: ShippingCaller | Text = self._instance(shop, provider, account, "live", kind, make, anew=anew)
        return made

    def _instance(
        self,
        shop: str,
        provider: str,
        account: str,
        mode: str,
        kind: type[Any],
        make: Callable[[Any], Any],
        *,
        anew: bool,
    ) -> Any:
        """The one that was made before, else a new one: made while no lock is held, and the first one stays. One that
        is made ``anew`` is nobody else's."""
        key = (shop, provider, account, mode)
        with self._lock:
            if key in self._made and not anew:
                return self._made[key]
        path = settings_key(provider, account)
        given = self._given(shop)
        if isinstance(given, Text):
            self._learn(shop, path, [setting_fault(path, given)])
            return given
        settings, faults = _read(kind, given, path)
        del given  # it holds keys
        self._learn(shop, path, faults)
        if faults:
            return text("its settings are wrong: {faults}", faults=one_after_the_other(faults))
        try:
            with asking(f"the constructor of {path}", shop, most=1):
                made = make(settings)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a broken plugin still gets an answer
            log.error("%s cannot be made for shop %s: %s", path, shop, type(error).__name__)
            return text("its plugin broke when it was started")
        if anew:
            return made
        with self._lock:
            return self._made.setdefault(key, made)

    def _is_off(self, name: str) -> bool:
        plugin = self._registry.plugins.get(name)
        return plugin is not None and plugin.status is not PluginStatus.LOADED

    def _why_not(self, provider: str) -> Text:
        off = self._registry.off.get(provider)
        if off is not None:
            return off.reason
        plugin = self._registry.plugins.get(provider)
        if plugin is None:
            return _NO_SUCH_PLUGIN
        if plugin.status is PluginStatus.BROKEN:  # its reason has words of an exception in it, and is for developers
            return text("its plugin cannot be loaded")
        return text("{reason}", reason=plugin.reason)


def _read(kind: type[Any], given: Settings, path: str) -> tuple[Any, list[Text]]:
    """A provider's settings, or every fault in them; a class whose own checks break has wrong settings too."""
    try:
        return read_settings(kind.settings_type, given.get(path, {}), path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a broken plugin still gets an answer
        log.error("the settings at %s cannot be read: %s", path, type(error).__name__)
        return None, [setting_fault(path, text("cannot be read"))]


_NO_SUCH_PLUGIN = text("no plugin of this name is loaded")

_NONSENSE = text("a provider and an account are texts, and a mode is Mode.LIVE or Mode.TEST")


def settings_key(provider: str, account: str) -> str:
    """The key of an account's settings."""
    return provider if account == "default" else f"{provider}:{account}"


def _all(faults: Mapping[str, list[Text]]) -> list[Text]:
    return [fault for found in faults.values() for fault in found]


def _provider_of(key: object) -> str:
    """The provider that settings under ``key`` are of: ``"mollie:second"`` are Mollie's."""
    return str(key).partition(":")[0]


def _not_asked(provider: str) -> Text:
    return text("{provider} has nothing to ask: its settings were read, and they are right", provider=provider)


def _declared(kind: type[PaymentProvider] | type[ShippingProvider], plugin: Plugin) -> dict[str, Any]:
    return {
        "name": kind.name,
        "capabilities": kind.capabilities,
        "origin": plugin.origin,
    }
