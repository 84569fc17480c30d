"""What is wrong with data from outside: where it is and what should be there, and never what is there.

A value may be a secret or about a person, and so may a key of a mapping. The exceptions of cattrs hold both, so they
are told here and then let go.
"""

from __future__ import annotations

from collections.abc import Iterator

from cattrs.errors import BaseValidationError, ClassValidationError, IterableValidationError


def data_faults(error: BaseException, path: str = "$") -> Iterator[str]:
    """Each fault with its path: ``expected int @ $.amount``, ``is missing @ $.links[0].href``."""
    if isinstance(error, ClassValidationError):
        named, others = error.group_exceptions()
        for inner, field in named:
            yield from _told(inner, f"{path}.{field.name}", field.type)
    elif isinstance(error, IterableValidationError):
        placed, others = error.group_exceptions()
        for inner, item in placed:
            index = item.index if isinstance(item.index, int) else "…"
            yield from _told(inner, f"{path}[{index}]", item.type)
    else:
        yield from _told(error, path, None)
        return
    for inner in others:
        yield from _told(inner, path, None)


def _told(error: BaseException, path: str, kind: object) -> Iterator[str]:
    if isinstance(error, BaseValidationError):
        yield from data_faults(error, path)
    elif isinstance(error, KeyError):
        yield f"is missing @ {path}"
    elif isinstance(kind, type):
        yield f"expected {kind.__name__} @ {path}"
    else:
        yield f"is not as expected @ {path}"
