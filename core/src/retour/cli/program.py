"""How `retour` was called, for the commands that it tells people to type."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "retour"


def as_called() -> str:
    """What to type for `retour` in the same shell: that alone where the shell finds it, else the path that was typed,
    as ``.venv/bin/retour`` is by who has not activated the environment."""
    called = Path(sys.argv[0])
    if called.stem != PROGRAM or not called.exists():  # imported by something else
        return PROGRAM
    found = shutil.which(PROGRAM)
    return PROGRAM if found is not None and os.path.samefile(found, called) else shlex.quote(sys.argv[0])
