"""The shop of this benchmark, here and as gunicorn serves it: ``benchmarks.webshop.served:from_environment()``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from flask import Flask

from webshop import create_app

PASSWORD = "of the benchmark"  # noqa: S105 - the shop is on loopback, and gone afterwards
DATABASE, SETTINGS = "WEBSHOP_BENCHMARK_DATABASE", "WEBSHOP_BENCHMARK_SETTINGS"
"""Where the shop's database is, and the settings of the providers as JSON."""


def shop_on(database_url: str, settings: Mapping[str, Mapping[str, object]]) -> Flask:
    """The shop on a database. All processes have the same secret key, so a visitor's session holds in each."""
    return create_app(database_url, password=PASSWORD, secret_key=PASSWORD, settings=settings, https=False)


def from_environment() -> Flask:
    """The shop that the environment tells."""
    return shop_on(os.environ[DATABASE], json.loads(os.environ[SETTINGS]))
