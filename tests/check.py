"""Everything that is checked before a change goes in: `python -m tests.check [--fix] [--quick]`.

Steps run in the order of `STEPS`, each in a process of its own; the tests come last, and all steps run even when one
failed. The exit code is 1 when any did.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec


ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("hashelld", "hashell", "tests")
SIDE_BY_SIDE = ("-n", "2")
"""Two workers; of the slow tests, which come last, only one runs at a time (tests/conftest.py)."""


class Step(msgspec.Struct, frozen=True):
    """One thing to run: `check` says whether it is right, `fix` (first, with --fix) makes it so."""

    name: str
    check: tuple[str, ...]
    fix: tuple[str, ...] = ()


STEPS = (
    Step("format", ("ruff", "format", "--check", *FOLDERS), ("ruff", "format", *FOLDERS)),
    Step("lint", ("ruff", "check", *FOLDERS), ("ruff", "check", "--fix", *FOLDERS)),
    Step("types", ("mypy",)),
    Step("generated files", ("hashell.generate", "--check"), ("hashell.generate",)),
)


def main(argv: list[str]) -> int:
    options = parsed(argv)
    failed = []
    for step in STEPS:
        if options.fix and step.fix:
            run(f"{step.name}: fix", step.fix)
        if not run(step.name, step.check):
            failed.append(step.name)
    tests = ("pytest", *SIDE_BY_SIDE)
    if options.quick:
        tests = (*tests, "-m", "not slow")
    if options.fix and not run("tests: rewrite goldens", (*tests, "--rewrite")):
        failed.append("tests: rewrite goldens")
    if failed:
        say(f"FAILED: {', '.join(failed)}")
    say("tests")
    # Nothing is printed after pytest's own last line.
    is_passed = module(tests) == 0
    return 0 if is_passed and not failed else 1


def parsed(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.check", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="format, generate and rewrite goldens before checking")
    parser.add_argument(
        "--quick", action="store_true", help="leave out the slow tests (daemons, namespaces, terminals)"
    )
    return parser.parse_args(argv)


def run(name: str, arguments: tuple[str, ...]) -> bool:
    """Run one step and say how long it took. True when it succeeded."""
    say(name)
    began = time.monotonic()
    code = module(arguments)
    say(f"{name}: {'ok' if code == 0 else 'FAILED'}, {time.monotonic() - began:.1f} s")
    return code == 0


def module(arguments: tuple[str, ...]) -> int:
    """Exit code of `python -m ARGUMENTS…` in the project's root, with this interpreter."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, env=environment, check=False).returncode


def say(text: str) -> None:
    print(f"== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
