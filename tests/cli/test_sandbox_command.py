"""`retour sandbox`: payment providers in a process of their own, for a shop in another."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from scriptless_browser import Browser

from retour import Actor, MemoryShop, Mode, Money, ReturnDesk
from retour.cli import sandbox_command as command
from retour.plugins import registry
from retour.sandbox import SandboxRequest, SandboxResponse, SandboxServer
from retour.testing import a_line, a_payment, an_order
from retour_stripe.sandbox import StripeSandbox

Run = Callable[..., Result]

RETOUR = Path(sys.executable).with_name("retour")
ANNA = Actor.staff("anna")
PART = Money.of("10.00", "EUR")
NAMES = ["mollie", "paypal", "stripe"]
"""The providers that refund by API."""
ALL = ["manual_transfer", "mollie", "paypal", "sendcloud", "stripe"]


class Sandboxes:
    """A running ``retour sandbox --json``, as a developer beside it uses it."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [str(RETOUR), "sandbox", "--json", "--lang", "en", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=20)
        self.providers: dict[str, Any] = json.loads(line)

    def read(self) -> str:
        """The next line that it says, beside the JSON."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().strip()

    def type(self, line: str) -> str:
        """Type a command; gives the first line of its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.read()

    def reference(self, provider: str) -> str:
        """The payment that was there from the start."""
        found: str = self.providers[provider]["payment"]["reference"]
        return found

    def desk(self, provider: str) -> ReturnDesk:
        """A shop with that payment."""
        paid = a_payment("44.95", provider=provider, reference=self.reference(provider), mode=Mode.TEST)
        return ReturnDesk(
            shop=MemoryShop([an_order(a_line("teapot", 1, "44.95"), payments=[paid])]),
            store="sqlite://",
            plugins=[provider],
            settings={provider: self.providers[provider]["settings"]},
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Stop it; gives the exit code, and what it still said."""
        self.process.send_signal(number)
        said, errors = self.process.communicate(timeout=20)
        return self.process.returncode, said, errors


@pytest.fixture
def start() -> Iterator[Callable[..., Sandboxes]]:
    """Starts ``retour sandbox``; what still runs after the test is stopped."""
    started: list[Sandboxes] = []

    def begin(*options: str) -> Sandboxes:
        started.append(Sandboxes(*options))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate(timeout=20)


def states(desk: ReturnDesk) -> list[str]:
    return [refund.state.value for refund in desk.dossier("1001").refunds.values()]


def test_a_shop_in_another_process_refunds_with_what_is_printed(start: Callable[..., Sandboxes]) -> None:
    sandboxes = start()
    assert sorted(sandboxes.providers) == ALL
    for name in NAMES:
        reference = sandboxes.reference(name)
        desk = sandboxes.desk(name)
        outcome = desk.refund("1001", reference, PART, by=ANNA, request_id="form-1")
        assert sandboxes.type(f"refunds {name} {reference}").startswith(f"{outcome.refund.reference}  €10.00  ")
        assert sandboxes.type("advance 2d").startswith("It is ")
        desk.reconcile("1001")
        assert states(desk) == ["succeeded"]
        desk.close()


def test_a_refund_that_is_typed_closes_the_link_that_was_opened_before(start: Callable[..., Sandboxes]) -> None:
    """So the clock of the sandboxes runs: the refund is newer than the link."""
    sandboxes = start()
    for name in NAMES:
        reference = sandboxes.reference(name)
        desk = sandboxes.desk(name)
        desk.open_refund_link("1001", reference, PART, by=ANNA, request_id="form-1")
        said = sandboxes.type(f"refund {name} {reference} 10")
        desk.reconcile("1001")
        (refund,) = desk.dossier("1001").refunds.values()
        assert refund.source == "link"
        assert said == f"€10.00 refunded in the dashboard: {refund.reference}"
        desk.close()


def test_webhooks_go_to_the_shop_by_themselves_and_are_signed_for_it(start: Callable[..., Sandboxes]) -> None:
    desks: dict[str, ReturnDesk] = {}
    heard: list[str] = []
    told = threading.Event()

    def host(request: SandboxRequest) -> SandboxResponse:
        name = request.path.removeprefix("/hooks/")
        desks[name].receive_webhook(name, request.headers, request.body, mode=Mode.TEST)
        heard.append(name)
        if set(heard) == set(NAMES):
            told.set()
        return SandboxResponse(status=200)

    with SandboxServer(host) as server:
        sandboxes = start("--webhooks", f"{server.url}/hooks/{{provider}}")
        desks |= {name: sandboxes.desk(name) for name in NAMES}
        for name in NAMES:
            desks[name].mark_returned("1001", by=ANNA)
            sandboxes.process.stdin.write(f"refund {name} {sandboxes.reference(name)} 10\n")
        sandboxes.process.stdin.write("advance 2d\n")
        sandboxes.process.stdin.flush()
        assert told.wait(20), heard
        assert sandboxes.stop()[0] == 0
    for name in NAMES:
        assert states(desks[name]) == ["succeeded"], name
        desks[name].close()


def test_a_parcel_is_there_that_the_customer_sends_back_in_the_portal(start: Callable[..., Sandboxes]) -> None:
    sandboxes = start("sendcloud")
    order = sandboxes.providers["sendcloud"]["parcel"]["order_id"]
    said = sandboxes.type(f"portal sendcloud {order} teapot 1")
    assert said.startswith("The customer has made return ")
    assert sandboxes.type("advance 1h").startswith("It is ")
    label = said.split()[5]
    assert (
        sandboxes.type(f"deliver sendcloud {label}") == f"{label}  order {order}  ready, delivered at the shop  €5.45"
    )
    keys = dict(sandboxes.providers["sendcloud"]["settings"])
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["sendcloud"], settings={"sendcloud": keys})
    assert desk.check_settings("sendcloud").ok
    desk.close()


def test_each_sandbox_says_where_its_dashboard_is_and_what_is_done_there_is_told_to_the_shop(
    start: Callable[..., Sandboxes],
) -> None:
    heard: list[str] = []
    told = threading.Event()

    def host(request: SandboxRequest) -> SandboxResponse:
        heard.append(request.path)
        if request.path == "/hooks/stripe":
            told.set()
        return SandboxResponse(status=200)

    with SandboxServer(host) as server:
        sandboxes = start("--webhooks", f"{server.url}/hooks/{{provider}}")
        addresses = {name: one["dashboard"] for name, one in sandboxes.providers.items()}
        assert addresses == {name: f"{one['url']}/dashboard" for name, one in sandboxes.providers.items()}
        browser = Browser()
        for address in addresses.values():
            assert browser.get(address).status == 200
        payment = browser.get(f"{addresses['stripe']}/payments/{sandboxes.reference('stripe')}")
        assert browser.send(payment.form("refund"), amount="10").said().startswith("A refund of €10.00 is made: re_")
        assert told.wait(20), heard
    assert set(heard) <= {"/hooks/stripe", "/hooks/sendcloud"}, "of Sendcloud's example parcel, and of the refund"


def test_the_dashboards_are_opened_in_the_browser_if_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Sandboxes]
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    sandboxes = start("mollie", "sendcloud", "--open")
    assert sandboxes.stop()[0] == 0
    assert opened.read_text().split() == [one["dashboard"] for one in sandboxes.providers.values()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_exit_code_0_and_its_ports_are_free_again(
    start: Callable[..., Sandboxes], number: signal.Signals, two_ports: int
) -> None:
    for _ in range(2):
        sandboxes = start("mollie", "--port", str(two_ports))
        assert sandboxes.providers["mollie"]["url"] == f"http://127.0.0.1:{two_ports}"
        assert sandboxes.stop(number) == (0, "", "The sandboxes have stopped.\n"), (
            "stdout has one line of JSON and nothing else"
        )


def test_named_sandboxes_have_the_ports_from_the_given_one_on(start: Callable[..., Sandboxes], two_ports: int) -> None:
    sandboxes = start("stripe", "mollie", "--port", str(two_ports))
    assert {name: one["url"] for name, one in sandboxes.providers.items()} == {
        "stripe": f"http://127.0.0.1:{two_ports}",
        "mollie": f"http://127.0.0.1:{two_ports + 1}",
    }


def test_the_end_of_a_file_that_is_no_terminal_does_not_stop_it(start: Callable[..., Sandboxes]) -> None:
    sandboxes = start("stripe")
    assert sandboxes.process.stdin is not None
    sandboxes.process.stdin.close()
    sandboxes.process.stdin = None
    with pytest.raises(subprocess.TimeoutExpired):
        sandboxes.process.wait(timeout=1)
    assert sandboxes.stop()[0] == 0


@pytest.mark.parametrize(
    "language, words", [("nl", "De sandboxen zijn gestopt."), ("en", "The sandboxes have stopped.")]
)
def test_without_json_the_settings_are_there_to_copy_into_python(language: str, words: str) -> None:
    process = subprocess.Popen(
        [str(RETOUR), "sandbox", "--lang", language], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    shown = ""
    while "\n}\n" not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert rest.endswith(f"{words}\n")
    settings = ast.literal_eval(shown.partition("settings = ")[2])
    assert sorted(settings) == ALL
    rows = [line.split() for line in shown.splitlines()[2:7]]
    assert [row[0] for row in rows] == ALL
    assert [row[1] for row in rows[1:]] == [settings[name]["api_url"] for name in ALL[1:]]
    assert [line.strip() for line in shown.splitlines() if "/dashboard" in line] == [
        f"{row[1]}/dashboard" for row in rows
    ]


# --- what can go wrong --------------------------------------------------------------------------------------


def test_a_port_in_use_is_said_and_the_other_sandboxes_are_stopped(run: Run, two_ports: int) -> None:
    with SandboxServer(nothing, port=two_ports + 1):
        result = run("sandbox", "mollie", "stripe", "--port", str(two_ports))
    assert result.exit_code == 2
    assert f"Stripe's sandbox cannot have port {two_ports + 1}: Address already in use." in result.stderr
    assert "--port" in result.stderr
    with SandboxServer(nothing, port=two_ports):
        pass  # Mollie's was closed again


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["mollei"], "No plugin mollei is installed. Installed are: manual_transfer, mollie, paypal"),
        (["mollie", "stripe", "--port", "65535"], "Stripe's sandbox cannot have port 65536"),
        (["--port", "0"], "0 is not in the range"),
        (["--webhooks", "https://example.org/hook"], "Webhooks go to this machine only"),
        (["--webhooks", "http://127.0.0.1:x/"], "Webhooks go to this machine only"),
        (["--webhooks", "nonsense"], "Webhooks go to this machine only"),
    ],
)
def test_what_cannot_be_run_is_one_sentence_and_exit_code_2(run: Run, arguments: list[str], said: str) -> None:
    result = run("sandbox", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


PLUGIN = """
import sys
from retour import hookimpl
from retour.providers import PaymentCapabilities
from retour_mollie.provider import Mollie

print("a plugin that talks")


class AcmePay:
    name = "acmepay"
    display_name = "AcmePay"
    api = 2
    settings_type, capabilities, refund_url = Mollie.settings_type, PaymentCapabilities(), Mollie.refund_url
    {sandbox}


@hookimpl
def payment_providers():
    return [AcmePay]
"""


@pytest.fixture
def acmepay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a plugin whose provider class has this line about its sandbox."""

    def install(sandbox: str) -> None:
        (tmp_path / "retour_acmepay.py").write_text(PLUGIN.format(sandbox=sandbox))
        monkeypatch.syspath_prepend(str(tmp_path))
        installed = dict(registry.installed_plugins())
        installed["acmepay"] = EntryPoint(name="acmepay", value="retour_acmepay", group="retour")
        for module in (registry, command):
            monkeypatch.setattr(module, "installed_plugins", lambda: installed)

    yield install
    sys.modules.pop("retour_acmepay", None)


@pytest.mark.parametrize(
    "sandbox, said",
    [
        ("sandbox = 'retour_acmepay_sandbox:Acme'", "cannot be imported: ModuleNotFoundError: No module named"),
        ("sandbox = 'retour_acmepay:Acme'", "cannot be imported: ImportError: retour_acmepay has no class Acme"),
        ("sandbox = 'retour_acmepay'", "not of the form module:Class"),
        ("sandbox = None", "AcmePay has no sandbox."),
    ],
)
def test_a_sandbox_that_is_broken_is_said_if_it_was_asked_for_and_else_stops_no_other(
    run: Run, acmepay: Callable[[str], None], capfd: pytest.CaptureFixture[str], sandbox: str, said: str
) -> None:
    acmepay(sandbox)
    result = run("sandbox", "acmepay")
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert sorted(command.sandboxes_of([])) == ALL
    assert said in capfd.readouterr().err


def test_a_plugin_without_a_sandbox_is_said_if_it_was_asked_for_and_else_left_out(
    run: Run, acmepay: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    acmepay("")
    result = run("sandbox", "acmepay")
    assert result.exit_code == 2
    assert "Plugin acmepay has no sandbox." in result.stderr
    assert sorted(command.sandboxes_of([])) == ALL
    assert "acmepay" not in capfd.readouterr().err.lower()


def test_no_sandbox_at_all_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (registry, command):
        monkeypatch.setattr(module, "installed_plugins", dict)
    result = run("sandbox")
    assert result.exit_code == 2
    assert "No installed plugin has a sandbox. Start with: pip install retour-mollie" in result.stderr


def test_a_webhook_that_is_not_taken_is_sent_again_and_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_PAUSE", 0.02)
    answers = [500, 503, 200]
    console = Console(record=True, width=200)

    def host(request: SandboxRequest) -> SandboxResponse:
        return SandboxResponse(status=answers.pop(0) if answers else 500)

    with StripeSandbox() as stripe, SandboxServer(host) as server:
        sender = command._Sender(
            console=console, language="en", hook=f"{server.url}/{{provider}}", sandboxes={"stripe": stripe}
        )
        with sender:
            for _ in range(2):  # the first is taken at the third try, the second never
                stripe.refund_in_dashboard(stripe.pay(PART), PART)
            deadline = time.monotonic() + 20
            while "given up" not in (said := console.export_text(clear=False)) and time.monotonic() < deadline:
                time.sleep(0.05)
        bodies = [json.loads(request.body)["id"] for request in server.requests]
        assert {request.path for request in server.requests} == {"/stripe"}
    assert [bodies.count(one) for one in dict.fromkeys(bodies)] == [3, command._TRIES]
    assert [line.partition("/stripe")[2] for line in said.splitlines()] == [
        " was not taken (500), and is sent again",
        ", answer 200",
        " was not taken (500), and is sent again",
        f" given up after {command._TRIES} tries",
    ]


def nothing(_: SandboxRequest) -> SandboxResponse:
    return SandboxResponse(status=204)
