"""The two marks of pluggy: `hookimpl` on a plugin's functions, `hookspec` on ours."""

from __future__ import annotations

import pluggy

PROJECT = "retour"
"""pluggy's project name, and the entry point group that plugins are found by."""

hookimpl = pluggy.HookimplMarker(PROJECT)
hookspec = pluggy.HookspecMarker(PROJECT)
