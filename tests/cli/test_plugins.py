"""`retour plugins`: every installed plugin, and a broken one that stops no other."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from retour.cli import main
from retour.cli.capability_words import in_a_cell
from retour.cli.plugins_command import _as_json
from retour.providers import Support

Run = Callable[..., Result]

OURS = {"mollie", "stripe", "paypal", "manual_transfer", "sendcloud"}


def install(folder: Path, name: str, source: str, distribution: str = "") -> None:
    """Put a plugin into ``folder`` as pip would: a module, and the data of a distribution that offers it."""
    module = f"plugin_for_a_test_{name}"
    (folder / f"{module}.py").write_text(source)
    data = folder / f"{distribution or module}-1.2.3.dist-info"
    data.mkdir()
    (data / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or module}\nVersion: 1.2.3\n")
    (data / "entry_points.txt").write_text(f"[retour]\n{name} = {module}\n")


def listed(result: Result) -> dict[str, dict[str, object]]:
    return {plugin["name"]: plugin for plugin in json.loads(result.stdout)}


def test_every_installed_plugin_is_listed_with_what_it_can(run: Run) -> None:
    result = run("plugins")
    assert result.exit_code == 0
    for name in OURS:
        assert name in result.stdout
    assert "retour-mollie 0.1.0" in result.stdout
    assert "refund page: yes" in result.stdout
    assert "refund by API: yes" in result.stdout
    assert "return portal: in part" in result.stdout


def test_as_json_it_is_data(run: Run) -> None:
    plugins = listed(run("plugins", "--json"))
    assert plugins.keys() >= OURS
    assert plugins["mollie"]["distribution"] == "retour-mollie"
    assert plugins["mollie"]["kinds"] == ["payment"]
    assert plugins["sendcloud"]["kinds"] == ["shipping"]
    assert plugins["mollie"]["status"] == "loaded"
    [provider] = plugins["paypal"]["providers"]  # type: ignore[misc]
    assert provider["capabilities"]["cancel_refund"] == "provider_cannot"  # type: ignore[index]


def test_in_dutch_it_is_dutch(run: Run) -> None:
    assert "terugbetaalpagina: ja" in run("plugins", lang="nl_NL.UTF-8").stdout


@pytest.mark.parametrize(
    "source, reason",
    [
        ("raise RuntimeError('no key today')", "no key today"),
        ("import sys; sys.exit(3)", "SystemExit(3)"),
        ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
        (
            "from retour import hookimpl\n@hookimpl\ndef payment_providers():\n    return [object]\n",
            "object has no name",
        ),
    ],
    ids=["raises", "exits", "imports", "no provider"],
)
def test_a_broken_plugin_is_a_row_with_the_reason_and_stops_no_other(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    install(tmp_path, "broken", source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plugin_for_a_test_broken", raising=False)
    result = run("plugins", "--json")
    assert result.exit_code == 0
    plugins = listed(result)
    assert plugins["broken"]["status"] == "broken"
    assert reason in str(plugins["broken"]["reason"])
    assert {plugins[name]["status"] for name in OURS} == {"loaded"}
    shown = run("plugins")
    assert shown.exit_code == 0
    assert "plugin_for_a_test_broken 1.2.3" in shown.stdout
    assert "broken" in shown.stdout


def test_a_plugin_of_hooks_only_shows_its_hooks(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from retour import hookimpl\nprint('hello')\n@hookimpl\ndef restock_policy(order):\n    return None\n"
    install(tmp_path, "careful", source)
    monkeypatch.syspath_prepend(tmp_path)
    plugin = listed(run("plugins", "--json"))["careful"]
    assert (plugin["kinds"], plugin["hooks"]) == (["hooks"], ["restock_policy"])


def test_two_plugins_with_one_provider_are_both_listed_and_the_clash_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "second", "from retour_mollie import payment_providers\n")
    monkeypatch.syspath_prepend(tmp_path)
    result = run("plugins")
    assert result.exit_code == 0
    assert "second" in result.stdout
    assert "Two plugins claim the payment provider mollie" in result.stderr


def test_the_installed_command_lives_with_a_broken_plugin(tmp_path: Path) -> None:
    install(tmp_path, "broken", "raise RuntimeError('no key today')")
    shown = subprocess.run(
        [Path(sys.executable).with_name("retour"), "plugins", "--json"],
        capture_output=True,
        encoding="utf-8",
        env={"PATH": "", "PYTHONPATH": str(tmp_path), "LANG": "C.UTF-8"},
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert {plugin["name"]: plugin["status"] for plugin in json.loads(shown.stdout)}["broken"] == "broken"
    assert shown.stderr == ""


def test_capabilities_of_every_kind_are_readable_and_data() -> None:
    @attrs.frozen
    class Repeats:
        header: str
        window: datetime.timedelta

    repeats = Repeats("Idempotency-Key", datetime.timedelta(hours=24))
    assert in_a_cell(repeats, "en") == "Idempotency-Key, 24 hours"
    assert in_a_cell(Support.UNKNOWN, "en") == in_a_cell(None, "en") == ""
    assert in_a_cell(frozenset({"EUR", "CHF"}), "en") == "CHF, EUR"
    assert json.loads(json.dumps(repeats, default=_as_json)) == {"header": "Idempotency-Key", "window": 86400.0}


A_DESK = """
from retour import MemoryShop, ReturnDesk

KEYS = {"north": {"api_key": "test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM"}, "south": {"api_kee": "test_hunter2"}}
desk = ReturnDesk(
    shop=lambda _: MemoryShop(), store="sqlite://", shop_id="north", plugins=["mollie", "manual_transfer"],
    settings=lambda shop: {"mollie": KEYS[shop]},
)
"""


def test_of_a_desk_it_says_what_is_wrong_with_the_settings_of_a_shop(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desk_for_a_test.py").write_text(A_DESK)
    monkeypatch.syspath_prepend(str(tmp_path))
    north = listed(run("plugins", "--json", "--desk", "desk_for_a_test:desk"))
    assert north.keys() == {"mollie", "manual_transfer"}
    assert [plugin["settings_faults"] for plugin in north.values()] == [[], []]
    south = listed(run("plugins", "--json", "--desk", "desk_for_a_test:desk", "--shop", "south"))
    faults = south["mollie"]["settings_faults"]
    assert isinstance(faults, list)
    assert any("mollie.api_key: is missing" in fault for fault in faults)
    table = run("plugins", "--desk", "desk_for_a_test:desk", "--shop", "south", lang="nl_NL.UTF-8")
    assert table.exit_code == 0
    assert "mollie.api_kee" in table.stdout
    assert "kloppen niet" in table.stdout
    assert "hunter2" not in table.stdout


def test_every_provider_stands_beside_the_others_with_all_that_it_declares() -> None:
    said = CliRunner(env={"COLUMNS": "220"}).invoke(main, ["plugins", "--matrix"]).output
    payments, shipping = said.split("shipping")
    assert all(name in payments for name in ("Mollie", "Stripe", "PayPal", "Bank transfer"))
    assert "Sendcloud" in shipping
    row = next(line for line in payments.splitlines() if line.startswith("days to refund"))
    assert row.split() == ["days", "to", "refund", "180"], "PayPal alone has a limit"
    late = next(line for line in payments.splitlines() if line.startswith("can fail afterwards"))
    assert late.count("90 days ?") == 3, "what no page confirms is marked"
    assert "labels to choose from   yes" in shipping
