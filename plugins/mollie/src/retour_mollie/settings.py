"""Settings of Mollie."""

from __future__ import annotations

import attrs

from retour.providers import Mode, Secret

_MODES = {"test": Mode.TEST, "live": Mode.LIVE, "access": None}
"""What stands before the first underscore of a key or token, and the mode it is of.

https://docs.mollie.com/reference/authentication
"""


def _prefix(key: Secret) -> str:
    return key.reveal().partition("_")[0]


def _is_key(_: object, __: attrs.Attribute[Secret], key: Secret) -> None:
    if "_" not in key.reveal() or _prefix(key) not in _MODES:
        raise ValueError("must begin with test_ or live_ (an API key), or access_ (an organisation token)")


@attrs.frozen(kw_only=True)
class Settings:
    """``api_key`` is a profile's API key (``test_…``, ``live_…``) or an organisation access token (``access_…``)."""

    api_key: Secret = attrs.field(validator=_is_key)

    @property
    def mode(self) -> Mode | None:
        """The mode that the key works in; None for an organisation token, which is not bound to one."""
        return _MODES[_prefix(self.api_key)]
