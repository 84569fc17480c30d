"""Settings of Stripe."""

from __future__ import annotations

import attrs

from retour.providers import Mode, Secret

_PREFIXES = ("sk_test_", "sk_live_", "rk_test_", "rk_live_")
"""How secret and restricted keys begin: https://docs.stripe.com/keys."""


def _is_key(_: object, __: attrs.Attribute[Secret], key: Secret) -> None:
    if key.reveal().startswith("pk_"):
        raise ValueError(
            "is the publishable key (pk_), which cannot refund; give the secret key (sk_) or a restricted key (rk_)"
        )
    if not key.reveal().startswith(_PREFIXES):
        raise ValueError("must begin with sk_test_, sk_live_, rk_test_ or rk_live_")


@attrs.frozen(kw_only=True)
class Settings:
    """``api_key`` is a secret key (``sk_test_…``, ``sk_live_…``) or a restricted one (``rk_test_…``, ``rk_live_…``)."""

    api_key: Secret = attrs.field(validator=_is_key)

    @property
    def mode(self) -> Mode:
        """The mode that the key works in."""
        return Mode(self.api_key.reveal().split("_")[1])
