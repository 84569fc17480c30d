"""What cannot be at a sandbox's provider, in the language of whoever asked for it."""

from __future__ import annotations

from retour.model.text import Text


class NotPossible(ValueError):
    """Something that cannot be at this provider, or not now. ``message`` says why, to a person: its dashboard and
    ``retour sandbox`` show it in his language, and ``str(error)`` is the English sentence."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message.render("en")
