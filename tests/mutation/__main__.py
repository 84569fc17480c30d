"""Whether the tests prove the rules: each is changed in one place after the other, and at least one test must fail.

``make mutants`` runs it, in at most twenty minutes on two processors. mutmut makes the changes (another operator,
another constant, an argument less) and runs, on each, the tests that reach the changed function; what mypy refuses
needs no test. A change that no test notices is a rule that nobody proves, or code that nobody needs, and fails the run;
unless nothing can notice it: then `equivalent.toml` names it and says why. What is named and noticed fails it too.

Everything is written to the folder ``.mutants``, anew each time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from mutmut.mutation.data import MutantLineSpans
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import mangled_name_from_mutant_name, orig_function_and_class_names_from_key

from mutation.equivalents import Change, change_of, judge, read_equivalents

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".mutants"
LINKS = {"src": "core/src", "tests": "tests", "conftest.py": "tests/mutation/rules_conftest.py"}
"""What mutmut copies from, by the name that it knows it by."""

RULES = "src/retour/rules"

TESTS = (
    "tests/core/test_can_do_rule.py",
    "tests/core/test_counts.py",
    "tests/core/test_drafts.py",
    "tests/core/test_effects_of_events.py",
    "tests/core/test_request_rule.py",
    "tests/core/test_stock_decisions.py",
    "tests/core/test_timeline_rule.py",
    "tests/core/test_units_that_can_come_back.py",
    "tests/core/test_value_of_goods.py",
    "tests/refunds/test_amounts_of_an_order.py",
    "tests/refunds/test_matching_rule.py",
    "tests/refunds/test_quotes.py",
    "tests/refunds/test_recovery_rule.py",
    "tests/refunds/test_refund_decisions.py",
    "tests/refunds/test_transfer_decisions.py",
    "tests/refunds/test_what_a_report_changes.py",
    "tests/refunds/test_what_payments_are.py",
    "tests/refunds/test_what_the_books_change.py",
    "tests/refunds/test_when_to_look_again.py",
    "tests/shipping/test_label_attention_rule.py",
    "tests/shipping/test_label_report_rule.py",
    "tests/shipping/test_label_rule.py",
    "tests/shipping/test_portal_return_rule.py",
    "tests/shipping/test_unneeded_label_rule.py",
    "tests/shipping/test_whose_label_rule.py",
    "tests/shipping/test_words_in_any_order.py",
)
"""The tests that run on a change that they reach: those of the rules, which need no desk and no database."""

LEFT_OUT = ("attention",)
"""Rules that are tried only where they are named. Their tests go through a desk and a database, and take too long to be
run on each change; a new module of rules is tried."""

FOUND = {"killed", "timeout", "caught by type check"}
"""How a change ends that was noticed: a test failed, or went on for ever, or mypy refused it."""

UNNOTICED = {"survived", "no tests"}


def main() -> int:
    """Run, tell, and give the exit code: 0 where nothing is left to prove."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20, help="longest time; 20 where two processors are free")
    parser.add_argument(
        "rules", nargs="*", help="modules of the rules, as in: quote matching; all but LEFT_OUT where none is"
    )
    given = parser.parse_args()
    named = read_equivalents()
    modules = sorted(file.stem for file in (ROOT / "core/src/retour/rules").glob("*.py") if file.stem != "__init__")
    unknown = set(given.rules) - set(modules)
    if unknown:
        parser.error(f"no such rules: {', '.join(sorted(unknown))}. There are {', '.join(modules)}.")
    chosen = given.rules or [one for one in modules if one not in LEFT_OUT]
    _prepare(chosen)
    began = time.monotonic()
    ended = _run(given.minutes * 60)
    minutes = (time.monotonic() - began) / 60
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    outcomes, survived = _outcomes(chosen)
    print(", ".join([f"{number} {status}" for status, number in outcomes.most_common()]))
    print(f"{minutes:.1f} minutes, {(used.ru_utime + used.ru_stime) / 60:.1f} of a processor's")
    if ended is None:
        print(f"Stopped after {given.minutes:g} minutes: give more with --minutes where others use this machine too.")
        return 1
    if ended or any(status not in FOUND | UNNOTICED for status in outcomes):
        print(f"mutmut did not come to its end. The last of what it said, all of which is in {FOLDER.name}/run.txt:")
        print((FOLDER / "run.txt").read_text(encoding="utf-8").replace("\r", "\n")[-2000:])
        return 1
    verdict = judge(survived, [change for change in named if change.function.partition(".")[0] in chosen])
    if verdict.unproved:
        print(f"\n{len(verdict.unproved)} changes that no test notices. Prove the rule, delete what nobody needs, or")
        print("say in tests/mutation/equivalent.toml why nothing can notice it:")
        print(*verdict.unproved, sep="\n")
    if verdict.noticed:
        print(f"\n{len(verdict.noticed)} changes that are named as equivalent, and are noticed or made no more:")
        print(*verdict.noticed, sep="\n")
    return 1 if verdict.unproved or verdict.noticed else 0


def _prepare(modules: list[str]) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name, target in LINKS.items():
        (FOLDER / name).symlink_to(ROOT / target)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"{RULES}/{module}.py" for module in modules],
        "also_copy": ["conftest.py"],
        "type_check_command": [
            *(sys.executable, "-m", "mypy", RULES, "--output", "json", "--disable-error-code", "unused-ignore")
        ],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=--import-mode=importlib"],
        "pytest_add_cli_args_test_selection": list(TESTS),
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]  # a list is written alike in TOML
    ours = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (FOLDER / "pyproject.toml").write_text("\n".join([ours, "[tool.mutmut]", *lines, ""]), encoding="utf-8")


def _run(seconds: float) -> int | None:
    """Run mutmut, and give its exit code; None where it was stopped because its time was over."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2"]
    with (FOLDER / "run.txt").open("w") as told:
        mutmut = subprocess.Popen(command, cwd=FOLDER, stdout=told, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return mutmut.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(mutmut.pid, signal.SIGKILL)
            mutmut.wait()
            return None


def _outcomes(modules: list[str]) -> tuple[Counter[str], list[Change]]:
    """How many changes ended how, and those that no test noticed."""
    os.chdir(FOLDER)
    counted: Counter[str] = Counter()
    survived = []
    for module in modules:
        source = Path(f"{RULES}/{module}.py")
        meta = Path("mutants") / f"{source}.meta"
        ended = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
        for name, code in ended.items():
            status = status_by_exit_code[code]
            counted[status] += 1
            if status in UNNOTICED:
                survived.append(_change(name, source))
    return counted, survived


def _change(name: str, source: Path) -> Change:
    generated = name.rpartition(".")[-1]
    original = f"{mangled_name_from_mutant_name(generated)}__mutmut_orig"
    spans = MutantLineSpans.load(source)
    if spans is None:
        raise SystemExit(f"{FOLDER.name} has no index of the changes of {source}: is this mutmut 3.8.1?")
    function, in_class = orig_function_and_class_names_from_key(name)
    texts = spans.read_function_sources([original, generated])
    return change_of(
        ".".join([source.stem, *([in_class] if in_class else []), function]),
        texts[0].replace(original, function),
        texts[1].replace(generated, function),
    )


if __name__ == "__main__":
    sys.exit(main())
