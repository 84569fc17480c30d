"""Settings of a manual transfer: there is nothing to set."""

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """No settings. The merchant transfers from his own bank account, so retour needs to know none of his."""
