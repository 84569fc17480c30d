"""A small webshop whose merchant handles returns in the browser: what a host of retour looks like from within.

``python -m webshop`` runs it with orders to try and every provider's sandbox. `create_app` is what a server serves.
"""

from webshop.application import create_app

__all__ = ["create_app"]
