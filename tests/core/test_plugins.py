"""The registry: only named plugins are loaded, one by one, and a broken one stops nobody."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

import retour
from retour import Actor, LinkKind, MemoryShop, RefundLink, ReturnDesk, hookimpl, text
from retour.model.errors import InvalidSettings, InvalidValue, PluginClash
from retour.plugins import registry
from retour.plugins.registry import Plugin, PluginStatus, installed_plugins
from retour.providers import PaymentCapabilities, Secret, ShippingCapabilities
from retour.providers.contract import WHAT_CHANGED
from retour.providers.settings import choice
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
ORDER = an_order(a_line("cup"), payments=[a_payment("20.00", provider="acme", reference="a-1")])


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour.plugins")


def desk(*plugins: object, **more: object) -> ReturnDesk:
    arguments = {"shop": MemoryShop([ORDER]), "store": "sqlite://", "plugins": plugins, **more}
    return ReturnDesk(**arguments)  # type: ignore[arg-type]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Installs a distribution with one plugin, whose module is the given source."""

    def make(name: str, source: str, distribution: str = "") -> None:
        folder = tmp_path / (distribution or f"dist-{name}")
        info = folder / f"{(distribution or name).replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        module = f"plugin_{name}_{len(list(tmp_path.iterdir()))}"
        (folder / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[retour]\n{name} = {module}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return make


GOOD = "from retour import hookimpl\n@hookimpl\ndef on_order_returned(order): pass\n"


# --- loading ---------------------------------------------------------------------------------------------


def test_only_named_plugins_are_imported(install) -> None:  # type: ignore[no-untyped-def]
    install("good", GOOD)
    install("dangerous", "raise SystemExit('imported without being named')")
    (plugin,) = desk("good").plugins
    assert (plugin.name, plugin.status, plugin.distribution, plugin.version) == ("good", "loaded", "good", "1.0")
    assert plugin.hooks == ("on_order_returned",)
    assert "dangerous" in installed_plugins()


def test_what_is_installed_is_read_once_and_again_when_something_came(
    install,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is a file of each distribution in the whole environment, and a host may make a desk for each request."""
    install("good", GOOD)
    installed_plugins()
    reading = registry.metadata.entry_points
    monkeypatch.setattr(registry.metadata, "entry_points", lambda **_: pytest.fail("nothing came since it was read"))
    assert [plugin.status for plugin in desk("good").plugins] == ["loaded"]
    monkeypatch.setattr(registry.metadata, "entry_points", reading)
    info = tmp_path / "dist-good" / "later-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: later\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[retour]\nlater = retour_later\n")
    assert "later" in installed_plugins()


@pytest.mark.parametrize(
    "source, reason",
    [
        ("raise ImportError('no module named acme_sdk')", "no module named acme_sdk"),
        ("raise SystemExit(3)", "SystemExit(3)"),
        ("this is no python", "SyntaxError"),
        (GOOD.replace("on_order_returned", "on_order_retruned"), "unknown hook 'on_order_retruned'"),
        (GOOD.replace("(order)", "(order, colour)"), "colour"),
        (GOOD.replace("@hookimpl", "@hookimpl(tryfirst=True)"), "may not use tryfirst"),
        (GOOD.replace("@hookimpl", "@hookimpl(trylast=True)"), "may not use tryfirst, trylast"),
        (
            "from retour import hookimpl\n@hookimpl(wrapper=True)\ndef restock_policy():\n    return (yield)\n",
            "may not use tryfirst, trylast or a wrapper",
        ),
        ("from retour import hookimpl\n@hookimpl\ndef payment_providers(): return [1]\n", "returns classes"),
        ("from retour import hookimpl\n@hookimpl\ndef payment_providers(): 1/0\n", "ZeroDivisionError"),
        (
            "from retour import hookimpl\nclass Acme: name = 'acme'\n"
            "@hookimpl\ndef payment_providers(): return [Acme]\n",
            "Acme has no display_name, api",
        ),
    ],
)
def test_a_broken_plugin_is_off_with_its_reason_and_the_rest_load(install, source: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    install("broken", source)
    install("good", GOOD)
    broken, good = desk("broken", "good").plugins
    assert broken.status is PluginStatus.BROKEN
    assert reason in broken.reason
    assert good.status is PluginStatus.LOADED


@pytest.mark.parametrize(
    "name, installed, said",
    [
        ("molie", True, "did you mean mollie?"),
        ("Stripe", True, "did you mean stripe?"),
        ("manual-transfer", True, "did you mean manual_transfer?"),
        ("molie", False, "did you mean mollie? try: pip install retour-mollie"),
        ("manual_transfer", False, "try: pip install retour-manual-transfer"),
        ("acme_pay", True, "install the one that does. Installed plugins: manual_transfer, mollie, paypal, s"),
        ("acme_pay", False, "install the one that does. Installed plugins: none"),
    ],
)
def test_a_plugin_that_is_not_installed_is_missing_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, name: str, installed: bool, said: str
) -> None:
    if not installed:
        monkeypatch.setattr(registry, "installed_plugins", dict)
    (plugin,) = desk(name).plugins
    assert plugin.status is PluginStatus.MISSING
    assert plugin.reason.startswith("no installed distribution offers it; ")
    assert said in plugin.reason
    assert f"retour-{name.lower()}" not in plugin.reason.replace("retour-manual-transfer", "")


def test_two_distributions_that_offer_one_name_are_an_error_that_names_both(install) -> None:  # type: ignore[no-untyped-def]
    install("acme", GOOD, "acme-one")
    install("acme", GOOD, "acme-two")
    with pytest.raises(PluginClash, match=r"acme-(one|two) 1\.0 and acme-(one|two) 1\.0"):
        desk("acme")


@attrs.frozen(kw_only=True)
class Settings:
    """Settings of the provider below."""

    api_key: Secret
    mode: str = attrs.field(default="test", validator=choice("live", "test"))
    days: int = 3


class AcmePay:
    """A payment provider that breaks when it is asked for a link."""

    name = "acme"
    display_name = "Acme Pay"
    api = 2
    settings_type = Settings
    capabilities = PaymentCapabilities()

    def __init__(self, settings: Settings, http: object) -> None:
        self.settings = settings

    def refund_url(self, request: object) -> object:
        raise RuntimeError(f"broken with {self.settings.api_key.reveal()}")


def acme(*providers: object, name: str = "acme-plugin") -> object:
    class AcmePlugin:
        @hookimpl
        def payment_providers(self) -> list[object]:
            return list(providers or [AcmePay])

    plugin = AcmePlugin()
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


def test_two_plugins_that_claim_one_provider_are_an_error_that_names_both() -> None:
    with pytest.raises(PluginClash, match="payment provider acme: acme-plugin and other-plugin"):
        desk(acme(), acme(name="other-plugin"), settings={"acme": {"api_key": "k"}})


def test_two_plugins_of_one_name_are_an_error() -> None:
    with pytest.raises(PluginClash, match="Two plugins are called acme-plugin"):
        desk(acme(), acme())


@pytest.mark.parametrize(
    "written_for, what_to_do",
    [(1, f"install a newer version of its plugin. What changed: {WHAT_CHANGED}"), (3, "install a newer retour")],
)
def test_a_provider_of_another_contract_is_off_by_itself_and_says_what_to_do(written_for: int, what_to_do: str) -> None:
    class Other(AcmePay):
        name = "other"
        display_name = "Other Pay"
        api = written_for
        capabilities = "of another contract: nobody looks at them"  # type: ignore[assignment]  # that is the test

    (plugin,) = desk(acme(AcmePay, Other), settings={"acme": {"api_key": "k"}}).plugins
    assert (plugin.status, plugin.payment_providers, plugin.reason) == ("loaded", (AcmePay,), "")
    [off] = plugin.providers_off
    assert str(off.reason).startswith(f"Other Pay was written for contract {written_for} of providers, and this retour")
    assert what_to_do in str(off.reason)


def test_the_page_on_what_changed_is_installed_with_retour_and_is_the_one_in_the_documentation() -> None:
    installed = Path(WHAT_CHANGED)
    assert installed.is_relative_to(Path(retour.__file__).parent), "a wheel has what is in the package"
    assert installed.read_text() == (Path(__file__).parents[2] / "docs/contract.md").read_text()


def test_a_contract_that_is_no_number_is_a_mistake_of_the_plugin() -> None:
    class Wordy(AcmePay):
        api = "2"  # type: ignore[assignment]  # that is the test

    (plugin,) = desk(acme(Wordy)).plugins
    assert (plugin.status, plugin.providers_off) == ("broken", ())
    assert "Wordy.api is '2', and a contract has a number: 2" in plugin.reason


def test_a_provider_whose_capabilities_are_none_is_off() -> None:
    class Boastful(AcmePay):
        capabilities = {"refund_by_api": "yes"}  # noqa: RUF012

    (plugin,) = desk(acme(Boastful)).plugins
    assert (plugin.status, plugin.payment_providers) == ("broken", ())
    assert "Boastful.capabilities is no PaymentCapabilities" in plugin.reason


@pytest.mark.parametrize(
    "field, value, why",
    [
        ("name", 5, "Odd.name must be a text of 1 to 64 characters"),
        ("name", "acme:pay", "Odd.name must be a text"),
        ("display_name", "half \ud800", "Odd.display_name must be a text"),
        ("settings_type", dict, "Odd.settings_type is no attrs class"),
        ("settings_type", "Settings", "Odd.settings_type is no attrs class"),
        ("capabilities", PaymentCapabilities, "Odd.capabilities is no PaymentCapabilities"),
    ],
)
def test_a_provider_that_is_odd_about_itself_is_off_and_the_rest_work(field: str, value: object, why: str) -> None:
    """Its settings could not be read, and no desk was made at all; its name stood in no payment."""
    odd = type("Odd", (AcmePay,), {"name": "odd", field: value})
    broken, good = desk(acme(odd, name="odd"), acme(), settings={"acme": {"api_key": "k"}}).plugins
    assert (broken.status, broken.payment_providers) == ("broken", ())
    assert why in broken.reason
    assert good.payment_providers == (AcmePay,)


@pytest.mark.parametrize(
    "capabilities, fields",
    [
        (PaymentCapabilities, {"refund_window_days": "ninety"}),
        (PaymentCapabilities, {"find_refund": "yes"}),
        (PaymentCapabilities, {"currencies": ["EUR", 5]}),
        (PaymentCapabilities, {"outcome_within": 3}),
        (ShippingCapabilities, {"forms": ["pdf"]}),
        (ShippingCapabilities, {"lookup_complete_after": 60}),
    ],
)
def test_capabilities_are_of_the_types_that_they_are_declared_with(
    capabilities: type, fields: dict[str, object]
) -> None:
    """Else the first order that comes to it finds out: a day of "ninety" raised when a refund was suggested."""
    with pytest.raises(InvalidValue, match=f"{capabilities.__name__}.{next(iter(fields))} must be"):
        capabilities(**fields)


def test_capabilities_that_were_changed_behind_their_class_put_the_plugin_off() -> None:
    changed = PaymentCapabilities()
    object.__setattr__(changed, "refund_window_days", "ninety")
    odd = type("Odd", (AcmePay,), {"capabilities": changed})
    (plugin,) = desk(acme(odd)).plugins
    assert plugin.status == "broken"
    assert "refund_window_days must be" in plugin.reason


def test_a_merchant_reads_no_words_of_a_plugin_that_could_not_be_loaded() -> None:
    class Broken:
        name = "acme"

        @hookimpl
        def payment_providers(self) -> list[object]:
            raise ValueError("password hunter2")

    broken = desk(Broken())
    assert broken._services.accounts.shipping("default", "acme").render("nl") == "de plugin kan niet worden geladen"
    assert "hunter2" in broken.plugins[0].reason  # the developer does


def test_an_objects_name_is_its_own_or_its_class() -> None:
    class Nameless:
        @hookimpl
        def on_order_returned(self) -> None: ...

    module = SimpleNamespace(name="named")
    names = [plugin.name for plugin in desk(Nameless(), module).plugins]
    assert names == [f"{__name__}.Nameless", "named"]


class SaysOfItself:
    """A policy that says of itself whatever a test wants."""

    def __init__(self, said: Any) -> None:
        self._said = said

    @property
    def words(self) -> Any:
        if isinstance(self._said, Exception):
            raise self._said
        return self._said

    @hookimpl
    def return_policy(self, order: Any) -> None:
        """Nothing against it."""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Nothing comes back on\n Sundays.", "Nothing comes back on Sundays."),
        (text("to be looked at"), "te bekijken"),
        (" ", None),
        (17, None),
        (None, None),
        (RuntimeError("no words"), None),
    ],
)
def test_what_a_plugin_says_of_itself_is_a_text_and_costs_nothing_else(said: object, words: str | None) -> None:
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=[SaysOfItself(said)])
    [plugin] = desk.plugins
    assert (plugin.status, plugin.words and plugin.words.render("nl")) == (PluginStatus.LOADED, words)
    desk.close()


def test_two_desks_in_one_process_have_two_plugin_managers() -> None:
    one, two = desk(acme(), settings={"acme": {"api_key": "k"}}), desk()
    assert [plugin.name for plugin in one.plugins] == ["acme-plugin"]
    assert list(two.plugins) == []


# --- settings --------------------------------------------------------------------------------------------


def test_every_fault_in_the_settings_is_told_at_once_with_its_path_and_no_secret() -> None:
    with pytest.raises(InvalidSettings) as caught:
        desk(
            acme(),
            settings={
                "acme": {"api_key": 7, "mode": "lvie", "days": "3", "colour": "red"},
                "acme:second": {},
                "acmee": {"api_key": "sk_live_topsecret"},
            },
        )
    said = str(caught.value)
    for fault in (
        "acme.mode: must be one of live, test",
        "acme.days: must be a whole number",
        "acme.colour: is no setting; there are api_key, mode, days",
        "acme:second.api_key: is missing",
        "acmee: no plugin of this name is loaded",
        "acme.api_key: ",
    ):
        assert fault in said
    assert "topsecret" not in said


@pytest.mark.parametrize("given", [None, "key", [], {"api_key": ""}, {"api_key": "  "}, {}])
def test_settings_of_a_wrong_shape_are_refused(given: object) -> None:
    with pytest.raises(InvalidSettings, match="acme"):
        desk(acme(), settings={"acme": given})


def test_a_secret_is_masked_everywhere_and_written_nowhere() -> None:
    import copy
    import pickle

    from retour.store.records import as_json

    secret = Secret("sk_live_topsecret")
    assert "topsecret" not in f"{secret!r} {secret} {Settings(api_key=secret)}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        as_json(Settings(api_key=secret))


def test_a_provider_that_breaks_still_gives_an_answer_without_its_secret() -> None:
    link = desk(acme(), settings={"acme": {"api_key": "sk_live_topsecret"}}).refund_link("1001", "a-1")
    assert link.kind is LinkKind.UNAVAILABLE
    assert "a-1" in str(link.instruction)
    assert "topsecret" not in str(link)


def test_each_shop_and_account_has_its_own_provider() -> None:
    made: list[str] = []

    class Counting(AcmePay):
        def __init__(self, settings: Settings, http: object) -> None:
            super().__init__(settings, http)
            made.append(settings.api_key.reveal())

    def settings(shop: str) -> dict[str, object]:
        return {"acme": {"api_key": f"key-of-{shop}"}}

    one = desk(acme(Counting), settings=settings, shop=lambda _: MemoryShop([ORDER]))
    for _ in range(2):
        one.refund_link("1001", "a-1")
        one.for_shop("two").refund_link("1001", "a-1")
    assert made == ["key-of-default", "key-of-two"]


def test_one_wrong_key_of_one_provider_switches_off_that_provider_and_nothing_else() -> None:
    given: dict[str, object] = {"acme": {"api_kee": "k"}, "good": {"api_key": "k"}}

    class Good(AcmePay):
        name = "good"

        def refund_url(self, request: object) -> RefundLink:
            return RefundLink(kind=LinkKind.PROVIDER_PAGE, label=text("Go"), instruction=text("Go"), url="https://g.e")

    paid = [
        a_payment("10.00", provider="acme", reference="a-1"),
        a_payment("10.00", provider="good", reference="g-1"),
    ]
    shops = {name: MemoryShop([an_order(a_line("cup"), payments=paid)]) for name in ("default", "two")}
    one = desk(acme(), acme(Good, name="good-plugin"), settings=lambda _: given, shop=lambda name: shops[name])
    two = one.for_shop("two")
    assert two.mark_returned("1001", by=ANNA).changed
    assert [shops["two"].stock, len(two.timeline("1001")), len(two.list_returns().returns)] == [{"cup": 1}, 3, 1]
    off, works = two.refund_options("1001")
    assert "its settings are wrong: acme.api_kee: is no setting" in off.link.instruction.render("en")
    assert works.link.url == "https://g.e"
    assert "its settings are wrong" in two.refund_link("1001", "a-1").instruction.render("en")
    told = {plugin.name: plugin.settings_faults for plugin in two.plugins}
    assert told["good-plugin"] == ()
    assert str(told["acme-plugin"][0]).startswith("acme.api_kee: is no setting")
    given["acme"] = {"api_key": "k"}  # mended, and nothing is started anew
    assert [plugin.settings_faults for plugin in two.plugins] == [(), ()]
    assert "plugin acme (acme-plugin) failed" in two.refund_link("1001", "a-1").instruction.render(
        "en"
    )  # as this plugin does when it is asked


@pytest.mark.parametrize(
    "given", [None, "sk_live_topsecret", 7, ["acme"], object()], ids=lambda given: type(given).__name__
)
def test_a_settings_function_that_gives_no_mapping_costs_the_providers_alone(
    given: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "retour.plugins")
    one = desk(acme(), settings=lambda _: given)
    assert one.mark_returned("1001", by=ANNA).changed
    said = str(one.refund_link("1001", "a-1").instruction) + str(one.plugins)
    assert "its settings cannot be read now" in said
    assert f"gave no mapping for shop default, but {type(given).__name__}" in caplog.text
    assert "topsecret" not in said + caplog.text


def test_a_shop_whose_settings_cannot_be_had_has_no_provider_until_they_can() -> None:
    away = False

    def settings(shop: str) -> dict[str, object]:
        if away:
            raise ConnectionError(f"no vault for {shop}")
        return {"acme": {"api_key": "k"}}

    one = desk(acme(), settings=settings)
    away = True
    link = one.refund_link("1001", "a-1")
    assert link.kind is LinkKind.UNAVAILABLE
    assert "its settings cannot be read now" in link.instruction.render("en")
    assert [str(fault) for fault in one.plugins[0].settings_faults] == ["acme: its settings cannot be read now"]
    away = False
    assert "cannot be had" not in one.refund_link("1001", "a-1").instruction.render("en")


def test_a_plugin_says_where_it_comes_from() -> None:
    plugin = Plugin(name="acme", status=PluginStatus.LOADED, distribution="retour-acme", version="1.2")
    assert plugin.origin == "retour-acme 1.2"
