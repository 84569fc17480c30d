"""What the dashboard of every sandbox has, whichever provider it plays: the clock, faults, and standing still."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from retour.model.text import text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardField, FieldKind, Shown, Words
from retour.sandbox.faults import Fault

FAULT_WORDS = {
    Fault.REFUSED_429: text("too many requests, and nothing is done"),
    Fault.ERROR_500_BEFORE: text("an error, and nothing is done"),
    Fault.ERROR_500_AFTER: text("an error, though it is done"),
    Fault.UNAVAILABLE_503: text("not available, and nothing is done"),
    Fault.CUT_BEFORE: text("no connection, and nothing is done"),
    Fault.CUT_AFTER: text("no connection any more, though it is done"),
    Fault.SILENT_AFTER: text("no answer for a minute, though it is done"),
    Fault.TRICKLE_AFTER: text("an answer that hardly comes, though it is done"),
    Fault.NO_JSON_AFTER: text("an answer that cannot be read, though it is done"),
}
"""What goes wrong with a request, in words."""

CLOCK = (
    DashboardAction(
        name="hour-later",
        label=text("One hour later"),
        method="advance",
        given={"by": datetime.timedelta(hours=1)},
        done=text("It is one hour later now, wherever this clock counts."),
    ),
    DashboardAction(
        name="day-later",
        label=text("One day later"),
        method="advance",
        given={"by": datetime.timedelta(days=1)},
        done=text("It is one day later now, wherever this clock counts."),
    ),
    DashboardAction(
        name="month-later",
        label=text("30 days later"),
        method="advance",
        given={"by": datetime.timedelta(days=30)},
        done=text("It is 30 days later now, wherever this clock counts."),
    ),
)

FAULTS = (
    DashboardAction(
        name="fault",
        label=text("Let it go wrong"),
        method="make_fault",
        fields=(
            DashboardField(
                name="fault",
                label=text("The next thing that your shop sends here is answered with"),
                kind=FieldKind.CHOICE,
                choices={fault.value: words for fault, words in FAULT_WORDS.items()},
            ),
        ),
        done=text("The next thing that your shop sends here goes wrong."),
    ),
    DashboardAction(
        name="no-fault",
        label=text("Let nothing go wrong any more"),
        method="make_no_fault",
        offered=lambda sandbox, _: bool(sandbox.server.faults),
        done=text("Nothing goes wrong any more."),
    ),
)

EVERYWHERE = (*FAULTS, *CLOCK)
"""The actions that need nothing but a server and a clock."""

HOLD = (
    DashboardAction(
        name="hold",
        label=text("Let everything stand still"),
        method="hold",
        offered=lambda sandbox, _: not sandbox.held,
        explains=text("What is being processed stays so, however much time passes, and so does what comes now."),
        done=text("Everything stands still until you let it go on."),
    ),
    DashboardAction(
        name="release",
        label=text("Let everything go on"),
        method="release",
        offered=lambda sandbox, _: sandbox.held,
        done=text("Everything goes its way again."),
    ),
)
"""Those of a sandbox whose books can be held, which ``held`` says."""


def dashboard_facts(sandbox: Any) -> Sequence[tuple[Words, Shown]]:
    """What is said of a sandbox as a whole."""
    faults = [FAULT_WORDS[fault] for fault in sandbox.server.faults]
    return [
        (text("Time here (UTC)"), sandbox.clock.now()),
        (text("Where this clock counts"), sandbox.clock.counts),
        (text("Webhooks that your shop has not fetched"), len(sandbox.untaken)),
        (text("What goes wrong next"), faults or text("nothing")),
    ]
