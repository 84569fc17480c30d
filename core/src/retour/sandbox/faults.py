"""Faults that a sandbox can be told to make, one for each of its next requests."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with a request.

    "before" faults leave nothing done; "after" faults do the work first, and then the answer is lost or wrong.
    """

    REFUSED_429 = "429 before"
    ERROR_500_BEFORE = "500 before"
    ERROR_500_AFTER = "500 after"
    UNAVAILABLE_503 = "503 before"
    CUT_BEFORE = "connection cut before"
    CUT_AFTER = "connection cut after"
    SILENT_AFTER = "no answer after"
    TRICKLE_AFTER = "answer trickles after"
    NO_JSON_AFTER = "answer is no JSON after"
