"""Faults that a sandbox can be told to make, one for each of its next requests."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with a request.

    "before" faults leave nothing done; "after" faults do the work first, and then the answer is lost or wrong.
    """

    REFUSED_429 = "429 before"  #: too many requests
    ERROR_500_BEFORE = "500 before"  #: an error, and nothing was done
    ERROR_500_AFTER = "500 after"  #: an error, though it was done
    UNAVAILABLE_503 = "503 before"  #: not to be had now
    CUT_BEFORE = "connection cut before"  #: no answer, and nothing was done
    CUT_AFTER = "connection cut after"  #: no answer, though it was done
    SILENT_AFTER = "no answer after"  #: the connection stays open, and nothing comes
    TRICKLE_AFTER = "answer trickles after"  #: a byte now and then
    NO_JSON_AFTER = "answer is no JSON after"  #: words that no client can read
