"""The dashboard of the bank on this machine: invoices that customers paid, transfers, files of them, the statement."""

from __future__ import annotations

from typing import Any

import attrs

from retour.providers import TextDomain
from retour.sandbox import (
    PAYMENT_ACTIONS,
    PAYMENT_TABLES,
    DashboardAction,
    DashboardField,
    DashboardFile,
    DashboardTable,
    FieldKind,
)

text = TextDomain("retour_manual_transfer").text


def _called(sandbox: Any, name: str) -> str | None:
    return name if name in sandbox.invoices else None


INVOICES = DashboardTable(
    name="payments",
    title=text("Invoices that were paid"),
    things=lambda sandbox: list(sandbox.invoices),
    called=lambda invoice: invoice,
    columns=((text("Paid"), lambda sandbox, invoice: sandbox.invoices[invoice]),),
    find=_called,
)

STATEMENT = DashboardTable(
    name="statement",
    title=text("Statement"),
    things=lambda sandbox: sandbox.statement(),
    called=lambda _: "",
    columns=(
        (text("Line"), lambda _, line: line.reference),
        (text("Booked"), lambda _, line: f"{line.booked:%Y-%m-%d}"),
        (text("Amount"), lambda _, line: line.amount),
        (text("Words"), lambda _, line: line.words),
    ),
)

_REFUNDS = next(table for table in PAYMENT_TABLES if table.name == "refunds")

TRANSFERS = attrs.evolve(
    _REFUNDS,
    title=text("Transfers"),
    columns=(*_REFUNDS.columns[:-1], (text("Words"), lambda _, transfer: transfer.said["remittance"])),
    part_of="",
    owner=None,
)

TABLES = (INVOICES, TRANSFERS, STATEMENT)

FILES = (
    DashboardFile(
        name="statement.xml",
        label=text("Download the statement (CAMT.053)"),
        content_type="application/xml",
        method="statement_file",
    ),
)

_OF_NO_BANK = ("refund", "charge-back", "give-back", "cancel", "pay-out")

ACTIONS = (
    DashboardAction(
        name="upload",
        label=text("Hand in a file of transfers"),
        method="upload",
        fields=(DashboardField(name="file", label=text("File (pain.001)"), kind=FieldKind.FILE),),
        done=text("Transfers in the file: {made}"),
    ),
    DashboardAction(
        name="refund",
        label=text("Transfer it back"),
        method="refund_in_dashboard",
        table="payments",
        fields=(
            DashboardField(name="amount", label=text("Amount to transfer"), kind=FieldKind.AMOUNT),
            DashboardField(
                name="remittance",
                label=text("Words on the transfer"),
                hint=text("Those that your shop shows with the refund, by which it knows the transfer."),
                may_be_empty=True,
            ),
        ),
        done=text("{amount} is transferred: {made}"),
    ),
    *[action for action in PAYMENT_ACTIONS if action.name not in _OF_NO_BANK],
)
