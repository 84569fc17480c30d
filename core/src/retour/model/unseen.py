"""Words that are what they are, and that nobody sees who looks at variables.

Who reports errors collects the variables of each frame. What a customer wrote and how a database is entered pass
through many.
"""

from __future__ import annotations

from typing import overload


class Unseen(str):
    """A text, masked where somebody shows a variable: on the wire and in the database it is as it was given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@overload
def unseen(words: str) -> str: ...
@overload
def unseen(words: None) -> None: ...
@overload
def unseen(words: str | None) -> str | None: ...
def unseen(words: str | None) -> str | None:
    """The same words, masked; what is no text is left as it is."""
    return Unseen(words) if isinstance(words, str) else words
