"""Webhooks are read here, and what cannot be read of the provider's own is kept for a person.

What anybody can send is refused and kept nowhere: the internet would fill the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeVar

from retour.desk.services import Services
from retour.effects import inbox
from retour.effects.whose_payment import WEBHOOKS_OF
from retour.model.errors import ProviderUnavailable, UnreadableWebhook
from retour.plugins.accounts import settings_key
from retour.plugins.calling import ProviderBroke
from retour.providers.webhooks import WebhookUnreadable

SIGNED, LOOKED_AT = "signed webhooks of ", "events of "
"""How the source of a problem begins: a webhook that says nothing to us, and one whose payment was looked at."""

_LONGEST = 400
"""Characters."""

_Said = TypeVar("_Said")


def read_webhook(
    services: Services,
    shop_id: str,
    caller: inbox.ReadsWebhooks[_Said],
    account: str,
    headers: Mapping[str, str],
    body: bytes,
) -> _Said | None:
    """What a webhook says; None for one that cannot be read, as a person knows, so that it is not sent again.

    Raises as `inbox.read` does. A signed one that cannot be read, and that a plugin broke over one, is kept first.
    """
    try:
        return inbox.read(caller, headers, body)
    except ProviderUnavailable as error:
        if isinstance(error.__cause__, ProviderBroke):
            services.store.note_problem(shop_id, f"{WEBHOOKS_OF}{caller.name}", error.__cause__.message)
        raise
    except UnreadableWebhook as error:
        cause = error.__cause__
        event = cause.event if isinstance(cause, WebhookUnreadable) else ""
        named = event or f"the one whose body has the SHA-256 {hashlib.sha256(body).hexdigest()[:16]}"
        what = _short(f"{named}: {cause}")
        if services.store.note_unreadable(shop_id, SIGNED + settings_key(caller.name, account), what):
            return None
        raise


def looked_at_instead(services: Services, shop_id: str, provider: str, account: str, unread: str) -> None:
    """Keep what could not be read of a signed event whose payment is looked at."""
    services.store.note_unreadable(shop_id, LOOKED_AT + settings_key(provider, account), _short(unread))


def _short(words: str) -> str:
    """A plugin's words, as any database keeps them in a key."""
    return words.encode(errors="replace").decode().replace("\x00", "?")[:_LONGEST]
