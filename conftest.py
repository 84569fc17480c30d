"""What the tests of the core and of all plugins share: random examples on a busy machine, how what is missing is
treated, and the providers' own SDKs."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

settings.register_profile("retour", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("retour")  # how long an example takes says how busy the machine is

SDKS = Path(__file__).parent / ".sdks"
"""An environment for each SDK, by the name of its distribution; `make sdks` builds them from requirements-sdk/."""

LONGEST = 60
"""Seconds that a program with an SDK may take."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is there when all tests are known stays to the end, and is never looked through for what can be forgotten:
    that alone took Python a fifth of the time that it needs to find the tests, in each worker. What the tests leave is
    looked for more seldom than Python would: that took one part in twenty of their time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20, 10)
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """A test that fails over half a character is told like any other: no process can send that to another as it is."""
    return _that_can_be_sent((yield))


def _that_can_be_sent(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _that_can_be_sent(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_that_can_be_sent(inner) for inner in value)
    return value


class _CompiledOnce(LRUCache[Any, Any]):
    """What SQLAlchemy compiled, for all engines of a kind: it keeps that for each engine alone, and the tests open
    thousands, each of which would compile every statement anew."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._of_a_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(self._of_a_kind(key), value)

    def _of_a_kind(self, key: Any) -> Any:
        dialect, *statement = key
        return (type(dialect), dialect.server_version_info, *statement)


@pytest.fixture(autouse=True, scope="module")
def providers_have_their_names() -> Iterator[None]:
    """A sentence reads alike in every file of tests, whichever plugins those before it have loaded."""
    from retour.model import provider_names

    known = dict(provider_names._called)
    for name in ("Mollie", "PayPal", "Sendcloud", "Stripe"):
        provider_names.call(name.lower(), name, f"retour_{name.lower()}")
    provider_names.call("manual_transfer", "Bank transfer", "retour_manual_transfer")
    yield
    provider_names._called.clear()
    provider_names._called.update(known)


@pytest.fixture(autouse=True, scope="session")
def compiled_once() -> Iterator[None]:
    """Each statement is compiled once for SQLite and once for PostgreSQL."""
    from retour.store import connect

    compiled, make = _CompiledOnce(5000), connect.create_engine

    def made(*arguments: Any, **given: Any) -> Engine:
        engine = make(*arguments, **given)
        engine._compiled_cache = compiled
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connect, "create_engine", made)
        yield


@pytest.fixture(autouse=True, scope="session")
def tables_in_memory() -> Iterator[None]:
    """A desk on an empty SQLite database in memory gets its tables as a copy of one that was migrated: the migrations
    have tests of their own, and the others open thousands of desks."""
    from retour import connect, reading
    from retour.desk import services
    from retour.store.migrations import migrate

    template = sqlite3.connect(":memory:", check_same_thread=False)

    def copied(engine: Any) -> list[str]:
        in_memory = engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:")
        if not in_memory:
            return migrate(engine)
        with reading(engine) as connection:
            memory: Any = connection.connection.driver_connection
            empty = memory.execute("SELECT 1 FROM sqlite_master").fetchone() is None
            if empty:
                connection.rollback()
                template.backup(memory)
        return [] if empty else migrate(engine)

    first = connect("sqlite://")
    migrate(first)
    with first.connect() as connection:
        connection.connection.driver_connection.backup(template)  # type: ignore[union-attr]  # there is one
    first.dispose()
    services.migrate = copied
    yield
    services.migrate = migrate
    template.close()


@pytest.fixture(scope="session")
def missing() -> Callable[[str], NoReturn]:
    """Skips a test whose surroundings are missing; where CI=true they must be there."""

    def skip_or_fail(what: str) -> NoReturn:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} is missing, and CI=true")
        pytest.skip(f"{what} is missing")

    return skip_or_fail


@pytest.fixture(scope="session")
def run_with_sdk(missing: Callable[[str], NoReturn]) -> Callable[..., None]:
    """Runs a program in the environment of an SDK: ``run_with_sdk("stripe", PROGRAM, sandbox.url)``.

    The test fails with what the program wrote if the program does. The environment holds nothing of ours, so that an
    SDK has the versions it asks for, and the two that are both called ``mollie`` do not meet.
    """

    def run(sdk: str, program: str, *arguments: str) -> None:
        environment = SDKS / sdk
        if not (environment / "ready").exists():
            missing(f"the SDK {sdk} (make sdks)")
        done = subprocess.run(
            [environment / "bin" / "python", "-I", "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        if done.returncode:
            pytest.fail(f"{sdk}:\n{done.stdout}{done.stderr}")

    return run
