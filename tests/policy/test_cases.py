"""Golden cases: a described cluster, and what the policy plans for it (`--rewrite` refreshes them)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashelld.policy.plan import plan
from tests.build import cluster
from tests.policy.render import render


FOLDER = Path(__file__).parent.parent / "cases" / "plan"
CUT = "----"


def cases_of(path: Path) -> list[tuple[str, str, str]]:
    """(title, description, expectation) of every case in a file; a case begins with a line `# title`."""
    found = []
    for part in ("\n" + path.read_text()).split("\n# ")[1:]:
        title, _, body = part.partition("\n")
        description, _, expected = (body + "\n").partition(f"\n{CUT}\n")
        found.append((title.strip(), description.strip("\n"), expected.strip("\n")))
    return found


def planned(description: str) -> str:
    """What the policy plans for a described cluster."""
    view = cluster(description)
    return render(plan(view), view.now_ms)


CASES = [(path, *case) for path in sorted(FOLDER.glob("*.txt")) for case in cases_of(path)]


def test_titles_are_unique_and_cases_are_many():
    assert len({(path, title) for path, title, _, _ in CASES}) == len(CASES) >= 300


@pytest.mark.parametrize(
    ("description", "expected"), [case[2:] for case in CASES], ids=[f"{c[0].stem}: {c[1]}" for c in CASES]
)
def test_plan(description: str, expected: str, *, rewrite: bool):
    if not rewrite:
        assert planned(description) == expected


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_files_are_as_written_by_a_rewrite(path: Path, *, rewrite: bool):
    parts = [
        f"# {title}\n{description}\n{CUT}\n{planned(description) if rewrite else expected}\n"
        for title, description, expected in cases_of(path)
    ]
    text = "\n".join(parts)
    if rewrite:
        path.write_text(text)
    assert path.read_text() == text
