"""What a fresh process pays: processor time to import retour, and memory."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration

AIM = 0.2
"""Seconds of processor time that ``import retour`` may cost, the start of Python included."""

_ROOT = Path(__file__).parent.parent

_PROGRAMS = {
    "python, nothing imported": "pass",
    "import retour": "import retour",
    "from retour import ReturnDesk": "from retour import ReturnDesk",
}


def processes(scale: Scale) -> Part:
    """Start everything by turns, each in a process of its own."""
    seconds: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
    for number in range(1 + scale.processes):
        for name, program in _PROGRAMS.items():
            taken = _processor_time(program)
            if number:
                seconds[name].append(taken)
    medians = {name: statistics.median(several) for name, several in seconds.items()}
    nothing = medians["python, nothing imported"]
    rows = []
    for name, median in medians.items():
        aimed = name == "import retour"
        rows.append(
            Row(
                section="Processor time of a fresh process",
                what=name,
                value=duration(median),
                against=f"{duration(median - nothing)} more" if median != nothing else "",
                aim=f"under {AIM} s" if aimed else "",
                met=median < AIM if aimed else None,
            )
        )
    return Part(rows=(*rows, *_memory(scale)))


def _memory(scale: Scale) -> list[Row]:
    orders = scale.returns_in_process
    with tempfile.TemporaryDirectory(prefix="retour-bench-") as folder:
        found = {
            "python, nothing imported": _peak("nothing"),
            "import retour": _peak("import"),
            "from retour import ReturnDesk": _peak("desk"),
            f"after {orders // 10:,} returns on SQLite": _peak("returns", str(orders // 10), f"{folder}/few.db"),
            f"after {orders:,} returns on SQLite": _peak("returns", str(orders), f"{folder}/many.db"),
        }
    return [
        Row(section="Peak memory of a fresh process", what=what, value=f"{kibibytes / 1024:.1f} MiB")
        for what, kibibytes in found.items()
    ]


def _processor_time(program: str) -> float:
    """Seconds of processor time of a whole process, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=_ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _peak(*arguments: str) -> int:
    command = [sys.executable, "-m", "benchmarks.child", *arguments]
    return int(subprocess.run(command, check=True, cwd=_ROOT, capture_output=True, text=True).stdout)
