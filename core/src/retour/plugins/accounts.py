"""The providers of one desk: one instance per shop, account and mode, made on first use from checked settings.

What is handed out is the caller of a provider, never the provider itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from retour.model.errors import InvalidSettings
from retour.model.order import Mode, Payment
from retour.model.text import Text, text
from retour.plugins.providers import PaymentCaller, ShippingCaller
from retour.plugins.registry import Plugin, PluginStatus, Registry
from retour.providers.capabilities import Support
from retour.providers.contract import PaymentProvider, ShippingProvider
from retour.providers.http import ProviderSession
from retour.providers.settings import mode_of, read_settings

Settings = Mapping[str, Any]
"""Settings per provider: ``{"mollie": {...}, "mollie:second-account": {...}}``."""


class Accounts:
    """Makes providers, and hands out their callers. ``settings`` gives a shop's settings, by the shop's id."""

    def __init__(self, registry: Registry, settings: Callable[[str], Settings]) -> None:
        self._registry = registry
        self._settings = settings
        self._made: dict[tuple[str, str, str, str], Any] = {}
        self._lock = threading.Lock()

    def check(self, shop: str) -> None:
        """Raise `InvalidSettings` with every fault in a shop's settings."""
        faults = self._faults(shop)
        if faults:
            raise InvalidSettings(text("Settings of shop {shop}: {faults}", shop=shop, faults="; ".join(faults)))

    def _faults(self, shop: str) -> list[str]:
        """On its own, so that what the host gave is in no frame of the error."""
        given = self._settings(shop)
        faults: list[str] = []
        known: dict[str, type[PaymentProvider] | type[ShippingProvider]] = {
            name: provider for name, (provider, _) in self._registry.payment.items()
        }
        known |= {name: provider for name, (provider, _) in self._registry.shipping.items()}
        for name, provider in known.items():
            accounts = [key for key in given if key.partition(":")[0] == name] or [name]
            for key in accounts:
                faults += _read(provider, given, key)[1]
        for key in given:
            name = key.partition(":")[0]
            if name not in known and not self._is_off(name):
                faults.append(f"{key}: no plugin of this name is loaded; name it in plugins=")
        return faults

    def payment(self, shop: str, provider: str, account: str, mode: Mode) -> PaymentCaller | Text:
        """The payment provider, or the reason why there is none."""
        found = self._registry.payment.get(provider)
        if found is None:
            return self._why_not(provider)
        kind, plugin = found

        def make(settings: Any) -> PaymentCaller:
            mode_told = mode_of(settings)
            return PaymentCaller(provider=kind(settings, ProviderSession()), mode=mode_told, **_declared(kind, plugin))

        made: PaymentCaller | Text = self._instance(shop, provider, account, mode.value, kind, make)
        return made

    def refunding(self, shop: str, payment: Payment) -> PaymentCaller | Text:
        """The provider of a payment, if ``refund`` can be called on it; else the reason why that cannot be done."""
        found = self._registry.payment.get(payment.provider)
        if found is not None and not found[0].capabilities.refunds:
            return text("{provider} cannot refund by API", provider=found[0].display_name)
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

    def by_person(self, provider: str) -> bool:
        """Whether refunds of this provider's payments are made by a person."""
        found = self._registry.payment.get(provider)
        return found is not None and found[0].capabilities.refund_by_person is Support.YES

    def shipping(self, shop: str, provider: str) -> ShippingCaller | Text:
        """The shipping provider, or the reason why there is none."""
        found = self._registry.shipping.get(provider)
        if found is None:
            return self._why_not(provider)
        kind, plugin = found

        def make(settings: Any) -> ShippingCaller:
            return ShippingCaller(provider=kind(settings), **_declared(kind, plugin))

        made: ShippingCaller | Text = self._instance(shop, provider, "default", "live", kind, make)
        return made

    def _instance(
        self, shop: str, provider: str, account: str, mode: str, kind: type[Any], make: Callable[[Any], Any]
    ) -> Any:
        """The one that was made before, else a new one: made while no lock is held, and the first one stays."""
        key = (shop, provider, account, mode)
        with self._lock:
            if key in self._made:
                return self._made[key]
        path = provider if account == "default" else f"{provider}:{account}"
        try:
            given = self._settings(shop)
        except Exception as error:  # noqa: BLE001 - a host's vault that is away costs this shop, for now
            return text("its settings cannot be had now: {error}", error=type(error).__name__)
        settings, faults = _read(kind, given, path)
        del given  # it holds keys
        if faults:
            return text("its settings are wrong: {faults}", faults="; ".join(faults))
        try:
            made = make(settings)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a broken plugin still gets an answer
            return text("it cannot be started: {error}", error=type(error).__name__)
        with self._lock:
            return self._made.setdefault(key, made)

    def _is_off(self, name: str) -> bool:
        plugin = self._registry.plugins.get(name)
        return plugin is not None and plugin.status is not PluginStatus.LOADED

    def _why_not(self, provider: str) -> Text:
        plugin = self._registry.plugins.get(provider)
        if plugin is None:
            return text("no plugin of this name is loaded")
        if plugin.status is PluginStatus.BROKEN:  # its reason has words of an exception in it, and is for developers
            return text("its plugin cannot be loaded")
        return text("{reason}", reason=plugin.reason)


def _read(kind: type[Any], given: Settings, path: str) -> tuple[Any, list[str]]:
    """A provider's settings, or every fault in them; a class whose own checks break has wrong settings too."""
    try:
        return read_settings(kind.settings_type, given.get(path, {}), path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a broken plugin still gets an answer
        return None, [f"{path}: cannot be read ({type(error).__name__})"]


def _declared(kind: type[PaymentProvider] | type[ShippingProvider], plugin: Plugin) -> dict[str, Any]:
    return {
        "name": kind.name,
        "display_name": kind.display_name,
        "capabilities": kind.capabilities,
        "origin": plugin.origin,
    }
