"""retour's pytest plugin: the fixture ``cassette``, the option ``--retour-record``, the setting for loopback.

It is loaded in every pytest run of an environment that has retour in it. So it imports nothing but pytest until a test
asks for something, and changes nothing that was not asked for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retour.testing.cassettes import Cassette

_used: pytest.StashKey[Cassette] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and the setting, with what `pytest --help` says of them."""
    parser.getgroup("retour", "retour: tests of payment providers").addoption(
        "--retour-record",
        action="store_true",
        default=False,
        help="Record the cassettes of the chosen tests anew: from the provider's real API where a test finds its keys "
        "in the environment, else from the provider's sandbox. Without this option nothing is ever recorded.",
    )
    parser.addini(
        "retour_loopback_only",
        type="bool",
        default=False,
        help="Refuse every socket and every look-up of a name that is not for loopback, in all tests. "
        "While a cassette is played they are refused in any case. What was refused fails the test, also where the "
        "code under test hides it.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say which marker there is, and begin to guard if the project's settings say so."""
    config.addinivalue_line(
        "markers",
        "retour_refused(*hosts): the test is about a connection or a look-up that is refused because it leads out of "
        "this machine, to one of these hosts (to any, if none is named). Without a refusal it fails.",
    )
    if config.getini("retour_loopback_only"):
        from retour.testing.loopback import loopback_only

        guard = ExitStack()
        guard.enter_context(loopback_only())
        config.add_cleanup(guard.close)


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """The recorded answers of a provider, played to this test: ``cassette.provider(AcmePay, settings=…)``.

    They are in ``cassettes/<test module>/<test>.yaml`` beside the test's file. With ``--retour-record`` they are
    recorded, and written if the test passed. A request that is not on the cassette is an error, and at the end of the
    test every recorded one must have been made.
    """
    try:
        from retour.testing.cassettes import Cassette
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("vcr", "yaml"):
            raise
        pytest.fail(f"cassettes need the package {missing.name}: pip install 'retour[testing]'", pytrace=False)
    node = request.node
    inside = ".".join([*[part.name for part in node.listchain() if isinstance(part, pytest.Class)], node.name])
    path = request.path.parent / "cassettes" / request.path.stem / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', inside)}.yaml"
    with Cassette(path, test=node.nodeid, record=request.config.getoption("--retour-record")) as made:
        node.stash[_used] = made
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Of a test that cannot begin, the report shows what was refused."""
    try:
        return (yield)
    except BaseException:
        _report_refusals(item, "setup")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """After a test that passed: did it stay on this machine, and was everything played? Else it fails.

    Of one that failed, the report shows what was refused, and what the cassette did not answer, since the code under
    test may have hidden it. One that skips itself since it cannot get out would be skipped for ever: it fails as well.
    """
    try:
        result = yield
    except pytest.skip.Exception:
        _fail_for_refusals(item)
        raise
    except BaseException:
        _report_refusals(item, "call")
        used = item.stash.get(_used, None)
        if used is not None and used.refused:
            item.add_report_section("call", "cassette", "\n\n".join(used.refused))
        raise
    _fail_for_refusals(item, all_meant=True)
    used = item.stash.get(_used, None)
    if used is not None:
        faults = used.finish(getattr(item, "funcargs", {}).values())
        if faults:
            pytest.fail(faults, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """What fixtures do at their end, and threads that go on meanwhile, is seen as well."""
    try:
        result = yield
    except BaseException:
        _report_refusals(item, "teardown")
        raise
    _fail_for_refusals(item)
    return result


def _fail_for_refusals(item: pytest.Item, *, all_meant: bool = False) -> None:
    faults = _refusals(item, all_meant=all_meant)
    if faults:
        pytest.fail(faults, pytrace=False)


def _report_refusals(item: pytest.Item, when: str) -> None:
    faults = _refusals(item)
    if faults:
        item.add_report_section(when, "loopback", faults)


def _refusals(item: pytest.Item, *, all_meant: bool = False) -> str:
    """What is wrong with what was refused up to now; where nobody asked for the guard, nothing was."""
    marker = item.get_closest_marker("retour_refused")
    if marker is None and "retour.testing.loopback" not in sys.modules:
        return ""
    from retour.testing.loopback import refusals_not_meant

    return refusals_not_meant(None if marker is None else marker.args, all_meant=all_meant)
