"""The registry of one desk: loads only the plugins that the host names, one by one, and survives a broken one.

There is no global: every desk has its own pluggy manager.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from importlib import metadata
from types import ModuleType
from typing import Any

import attrs
import pluggy

from retour.model import provider_names
from retour.model.errors import InvalidArgument, PluginClash, RetourError
from retour.model.fields import Id, PluginName, check_again, fault_of, is_text
from retour.model.frozen import frozen
from retour.model.text import Text, as_a_name, text
from retour.plugins import defaults, specs
from retour.plugins.markers import PROJECT
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities
from retour.providers.contract import API, WHAT_CHANGED, PaymentProvider, ShippingProvider

log = logging.getLogger("retour.plugins")

OURS = ("mollie", "stripe", "paypal", "manual_transfer", "sendcloud")
"""The plugins that are developed with the core, whether they are installed or not."""

CORE = "retour"
"""The name under which the core's own defaults are registered: asked last, always there."""


class PluginStatus(StrEnum):
    """Whether a plugin takes part."""

    LOADED = "loaded"  #: it works
    BROKEN = "broken"  #: it raised when it was loaded, or has a hook that cannot be
    MISSING = "missing"  #: no installed package has this name


@frozen(kw_only=True)
class ProviderOff:
    """A provider class that is off by itself, while the rest of its plugin works: it was written for another
    contract than this retour has. What was begun with it keeps its state and waits for a class of the same
    name that fits."""

    name: str
    """What a shop's payments or deliveries call it."""

    display_name: str
    """What people call it."""

    api: int
    """The number of the contract that it was written for."""

    @property
    def reason(self) -> Text:
        """Why, and what to do."""
        if self.api > API:
            return text(
                "{provider} was written for contract {theirs} of providers, and this retour has contract {ours}: "
                "install a newer retour.",
                provider=self.display_name,
                theirs=self.api,
                ours=API,
            )
        return text(
            "{provider} was written for contract {theirs} of providers, and this retour has contract {ours}: "
            "install a newer version of its plugin. What changed: {page}",
            provider=self.display_name,
            theirs=self.api,
            ours=API,
            page=WHAT_CHANGED,
        )


@frozen(kw_only=True)
class Plugin:
    """One plugin that the host named: what it is, where it comes from, and why it is off if it is."""

    name: str
    """As it stands in ``plugins=``."""

    status: PluginStatus
    """Whether it works."""

    distribution: str = ""
    """The installed distribution that offers it, as ``retour-mollie``; empty for an object of the host's own."""

    version: str = ""
    """Its distribution's."""

    reason: str = ""
    """Why it is off, for a developer; empty while it is loaded."""

    payment_providers: tuple[type[PaymentProvider], ...] = ()
    """The classes that it handed over."""

    shipping_providers: tuple[type[ShippingProvider], ...] = ()
    """The classes that it handed over."""

    providers_off: tuple[ProviderOff, ...] = ()
    """Those of its provider classes that this retour cannot use."""

    hooks: tuple[str, ...] = ()
    """The names of the hooks that it implements."""

    words: Text | None = None
    """What it decides, as its object says in ``words``, for the page on which a shop sees what it is set up with: a
    `Text`, or one line in one language. None where it says nothing of itself."""

    from_host: bool = False
    """Whether it is an object of the host's own, and not installed."""

    settings_faults: tuple[Text, ...] = ()
    """What is wrong with the settings of its providers in the shop whose desk was asked: these are off by themselves
    until that is mended, and all else works. They name fields, and repeat no value."""

    @property
    def origin(self) -> str:
        """Who to blame: ``retour-mollie 0.1.0``, or the object's own name."""
        return f"{self.distribution} {self.version}" if self.distribution else self.name


@attrs.define
class Registry:
    """The plugins of one desk, in the order in which the host named them, and pluggy's manager."""

    manager: pluggy.PluginManager
    plugins: dict[str, Plugin]
    payment: dict[str, tuple[type[PaymentProvider], Plugin]] = attrs.field(factory=dict)
    shipping: dict[str, tuple[type[ShippingProvider], Plugin]] = attrs.field(factory=dict)
    off: dict[str, ProviderOff] = attrs.field(factory=dict)


def installed_plugins() -> dict[str, metadata.EntryPoint]:
    """Every plugin that is installed, by name, without importing any. Raises `PluginClash` for two of one name."""
    return dict(_installed(_where_distributions_are()))


def _where_distributions_are() -> tuple[tuple[str, int], ...]:
    """The folders in which installed distributions are looked for, each with when something came or went there."""
    folders = [os.path.abspath(folder) for folder in sys.path]
    return tuple([(folder, os.stat(folder).st_mtime_ns) for folder in folders if os.path.exists(folder)])


@lru_cache(maxsize=1)
def _installed(where: tuple[tuple[str, int], ...]) -> Mapping[str, metadata.EntryPoint]:
    """Read once for as long as it is the same ``where``: it is a file of each installed distribution, for each desk."""
    del where
    found: dict[str, metadata.EntryPoint] = {}
    for entry_point in metadata.entry_points(group=PROJECT):
        other = found.get(entry_point.name)
        if other is not None and _distribution(other) != _distribution(entry_point):
            raise PluginClash(
                text(
                    "Two installed distributions offer a plugin {name}: {one} and {other}. Uninstall one of them.",
                    name=entry_point.name,
                    one=" ".join(_distribution(other)),
                    other=" ".join(_distribution(entry_point)),
                )
            )
        found[entry_point.name] = entry_point
    return found


def load(plugins: Iterable[object]) -> Registry:
    """Load what the host names: a text is an installed plugin's name, anything else is a plugin itself.

    A plugin that cannot be loaded is kept as broken or missing, with its reason. Raises `PluginClash` when two claim
    one name.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    manager.register(defaults, name=CORE)
    registry = Registry(manager=manager, plugins={})
    installed: dict[str, metadata.EntryPoint] | None = None
    if isinstance(plugins, str):
        raise InvalidArgument(
            text('plugins= is a list of names and plugin objects, plugins=["{name}"], and no text.', name=plugins)
        )
    for given in plugins:
        if isinstance(given, str):
            installed = installed_plugins() if installed is None else installed
            plugin = _load_installed(manager, given, installed)
        else:
            plugin = _load_object(manager, given)
        if plugin.name in registry.plugins:
            raise _clash(_TWO_PLUGINS, plugin.name, registry.plugins[plugin.name], plugin)
        registry.plugins[plugin.name] = plugin
        if plugin.status is not PluginStatus.LOADED:
            log.warning("plugin %s is off: %s", plugin.name, plugin.reason)
        for payment in plugin.payment_providers:
            if payment.name in registry.payment:
                raise _clash(_TWO_PAYMENT_PROVIDERS, payment.name, registry.payment[payment.name][1], plugin)
            registry.payment[payment.name] = payment, plugin
            _call(payment)
        for shipping in plugin.shipping_providers:
            if shipping.name in registry.shipping:
                raise _clash(_TWO_SHIPPING_PROVIDERS, shipping.name, registry.shipping[shipping.name][1], plugin)
            registry.shipping[shipping.name] = shipping, plugin
            _call(shipping)
        for off in plugin.providers_off:
            log.warning("a provider of plugin %s is off: %s", plugin.name, off.reason)
            registry.off[off.name] = off
            provider_names.call(off.name, as_a_name(off.display_name), PROJECT)
    return registry


def _call(kind: type[PaymentProvider] | type[ShippingProvider]) -> None:
    """Let people read what a class calls itself, in the words of its package."""
    package = str(kind.__module__).partition(".")[0]
    provider_names.call(kind.name, as_a_name(kind.display_name), package)


def _load_installed(manager: pluggy.PluginManager, name: str, installed: Mapping[str, metadata.EntryPoint]) -> Plugin:
    entry_point = installed.get(name)
    if entry_point is None:
        return Plugin(
            name=name,
            status=PluginStatus.MISSING,
            reason=_how_to_get(name, installed),
        )
    distribution, version = _distribution(entry_point)
    plugin = Plugin(name=name, status=PluginStatus.LOADED, distribution=distribution, version=version)
    try:
        loaded = entry_point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a broken plugin must not stop the rest
        return attrs.evolve(plugin, status=PluginStatus.BROKEN, reason=f"cannot be imported: {error!r}")
    return _register(manager, loaded, plugin)


def _how_to_get(name: str, installed: Iterable[str]) -> str:
    """What to do about a name that no installed plugin has. A distribution is named only where it is one of ours: of
    another's name nobody knows who offers it."""
    if name in OURS:
        return f"no installed distribution offers it; try: pip install {_distribution_of(name)}"
    from difflib import get_close_matches  # who names what is there has no need of it

    close = get_close_matches(name.lower(), {*installed, *OURS}, n=1)
    if not close:
        known = ", ".join(sorted(installed)) or "none"
        return f"no installed distribution offers it; install the one that does. Installed plugins: {known}"
    meant = close[0]
    install = "" if meant in installed else f" try: pip install {_distribution_of(meant)}"
    return f"no installed distribution offers it; did you mean {meant}?{install}"


def _distribution_of(name: str) -> str:
    return f"retour-{name.replace('_', '-')}"


def _load_object(manager: pluggy.PluginManager, given: object) -> Plugin:
    kind = given if isinstance(given, type | ModuleType) else type(given)
    own_name = None
    with suppress(Exception):  # of a plugin that breaks over its own name
        own_name = getattr(given, "name", None)
    name = own_name if isinstance(own_name, str) else f"{getattr(kind, '__module__', '')}.{kind.__name__}"
    if isinstance(given, ModuleType) and not isinstance(own_name, str):
        name = given.__name__
    plugin = Plugin(name=name, status=PluginStatus.LOADED, from_host=True)
    if isinstance(given, type):
        return attrs.evolve(
            plugin, status=PluginStatus.BROKEN, reason=f"it is a class; name an object of it: {given.__name__}()"
        )
    return _register(manager, given, plugin)


def _register(manager: pluggy.PluginManager, loaded: object, plugin: Plugin) -> Plugin:
    """Register one plugin, ask it for its providers, and take it out again if anything about it is wrong."""
    name = plugin.name
    if manager.has_plugin(name) or any(one is loaded for _, one in manager.list_name_plugin()):
        raise PluginClash(
            text(
                "Two plugins are called {name}, or one is named twice. Give each a name of its own.",
                name=name,
            )
        )
    try:
        hash(loaded)  # pluggy keeps plugins in sets
        manager.register(loaded, name=name)
        manager.check_pending()
        _refuse_precedence(manager, loaded)
        payment, payment_off = _handed_over(manager, name, "payment_providers", ("refund_url",), PaymentCapabilities)
        shipping, shipping_off = _handed_over(manager, name, "shipping_providers", (), ShippingCapabilities)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a broken plugin must not stop the rest
        if manager.has_plugin(name):
            manager.unregister(name=name)
        why = str(error) if isinstance(error, RetourError) else repr(error)
        return attrs.evolve(plugin, status=PluginStatus.BROKEN, reason=f"{plugin.origin}: {why}")
    hooks = tuple([caller.name for caller in manager.get_hookcallers(loaded) or ()])
    if not hooks:
        manager.unregister(name=name)
        why = "it has no hook: mark its functions with @hookimpl, and call them as the hooks are called"
        return attrs.evolve(plugin, status=PluginStatus.BROKEN, reason=f"{plugin.origin}: {why}")
    return attrs.evolve(
        plugin,
        payment_providers=payment,
        shipping_providers=shipping,
        providers_off=(*payment_off, *shipping_off),
        hooks=hooks,
        words=_words_of(loaded),
    )


def _words_of(loaded: object) -> Text | None:
    """What a plugin says of itself; nothing where it breaks over that, or says it in no text."""
    words: object = None
    with suppress(Exception):
        words = getattr(loaded, "words", None)
    if type(words) is str and words.strip():
        return Text(message="{said}", values={"said": as_a_name(words)})
    return words if type(words) is Text else None


def _refuse_precedence(manager: pluggy.PluginManager, loaded: object) -> None:
    for caller in manager.get_hookcallers(loaded) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is loaded and (
                implementation.tryfirst
                or implementation.trylast
                or implementation.hookwrapper
                or implementation.wrapper
            ):
                raise TypeError(
                    f"{caller.name} may not use tryfirst, trylast or a wrapper: the host's order of plugins decides"
                )


def _handed_over(
    manager: pluggy.PluginManager,
    name: str,
    hook: str,
    methods: Sequence[str],
    capabilities: type[PaymentCapabilities | ShippingCapabilities],
) -> tuple[tuple[Any, ...], tuple[ProviderOff, ...]]:
    """The provider classes that one plugin hands over, checked; and those of another contract, of which nothing is
    looked at but who they are."""
    others = [plugin for other, plugin in manager.list_name_plugin() if other != name and plugin is not None]
    classes = [one for several in manager.subset_hook_caller(hook, others)() for one in several]
    fitting: list[Any] = []
    off: list[ProviderOff] = []
    for given in classes:
        if not isinstance(given, type):
            raise TypeError(f"{hook} returns classes, not {given!r}")
        one: Any = given  # what it has is looked at here
        if _is_of_another_contract(one):
            off.append(ProviderOff(name=one.name, display_name=one.display_name, api=one.api))
            continue
        fitting.append(one)
        missing = [
            field
            for field in ("name", "display_name", "api", "settings_type", "capabilities", *methods)
            if not hasattr(one, field)
        ]
        if missing:
            raise TypeError(f"{one.__name__} has no {', '.join(missing)}")
        if one.api != API:
            raise TypeError(f"{one.__name__}.api is {one.api!r}, and a contract has a number: {API}")
        for field, kind in (("name", PluginName), ("display_name", Id)):
            fault = fault_of(f"{one.__name__}.{field}", getattr(one, field), kind)
            if fault is not None:
                raise TypeError(str(fault))
        if not (isinstance(one.settings_type, type) and attrs.has(one.settings_type)):
            raise TypeError(f"{one.__name__}.settings_type is no attrs class")
        if type(one.capabilities) is not capabilities:
            raise TypeError(f"{one.__name__}.capabilities is no {capabilities.__name__}")
        check_again(one.capabilities)
        for method in one.capabilities.methods:
            if not callable(getattr(one, method, None)):
                raise TypeError(f"{one.__name__} declares what {method} does, and has no {method}")
    return tuple(fitting), tuple(off)


def _is_of_another_contract(kind: Any) -> bool:
    """Whether a class says who it is and for which other contract it was written."""
    api, *names = [getattr(kind, field, None) for field in ("api", "name", "display_name")]
    return type(api) is int and api > 0 and api != API and all(is_text(name) and name for name in names)


def _clash(sentence: Text, name: str, one: Plugin, other: Plugin) -> PluginClash:
    """The error that says, in a ``sentence`` that still lacks its values, what two plugins both claim."""
    return PluginClash(attrs.evolve(sentence, values={"name": name, "one": one.origin, "other": other.origin}))


_TWO_PLUGINS = text("Two plugins claim the plugin {name}: {one} and {other}. Name only one of them.")
_TWO_PAYMENT_PROVIDERS = text(
    "Two plugins claim the payment provider {name}: {one} and {other}. Name only one of them."
)
_TWO_SHIPPING_PROVIDERS = text(
    "Two plugins claim the shipping provider {name}: {one} and {other}. Name only one of them."
)


def _distribution(entry_point: metadata.EntryPoint) -> tuple[str, str]:
    found = entry_point.dist
    return (found.name, found.version) if found is not None else ("", "")
