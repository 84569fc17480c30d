"""What every deciding and announcing hook is told beside its subject."""

from __future__ import annotations

import datetime

from retour.model.actor import Actor
from retour.model.frozen import frozen


@frozen(kw_only=True)
class HookContext:
    """In which shop, by whom and when a hook is called."""

    shop: str
    """The shop's id."""

    by: Actor
    """Who does what the hook is about."""

    at: datetime.datetime
    """When (UTC)."""

    event: str = ""
    """Names the announced event, the same every time it is told, so that a plugin recognises one that it had before;
    empty for a hook that decides."""
