"""`python -m hashell.generate [--check]`: writes man/, completions/ and the index of commands from the registry.

With --check it compares them with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hashell.generate.bash import bash_completion
from hashell.generate.fish import fish_completion
from hashell.generate.index import command_index
from hashell.generate.man import pages
from hashell.generate.zsh import zsh_completion


ROOT = Path(__file__).resolve().parents[2]


def files() -> dict[str, str]:
    """Every generated file with its text."""
    return {
        "hashell/grammar/index.py": command_index(),
        "completions/hashell.bash": bash_completion(),
        "completions/_hashell": zsh_completion(),
        "completions/hashell.fish": fish_completion(),
        **{f"man/{name}": text for name, text in pages().items()},
    }


def main(argv: list[str], root: Path = ROOT) -> int:
    """Write or check; the exit code."""
    if argv not in ([], ["--check"]):
        sys.stderr.write("usage: python -m hashell.generate [--check]\n")
        return 2
    stale = [name for name, text in files().items() if _text(root / name) != text]
    if argv:
        for name in stale:
            sys.stderr.write(f"{name} differs from the registry: run python -m hashell.generate\n")
        return 1 if stale else 0
    for name in stale:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files()[name], encoding="utf-8")
        sys.stdout.write(f"wrote {name}\n")
    return 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
