"""Checks of constraints against each other: what one demands absolutely, another must not forbid."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

from hashelld.cib.findings import Findings
from hashelld.model.constraint import Colocation, Constraint, Location
from hashelld.model.options import canonical_role
from hashelld.model.score import INFINITY, parse_score


_PASSING: Final = ("cli-prefer-", "cli-ban-")
"""What `move` and `ban` leave for a while, on purpose against other constraints."""


def check_contradictions(findings: Findings) -> None:
    """No two constraints demand and forbid the same place."""
    seen: dict[Hashable, tuple[bool, Constraint]] = {}
    for found in findings.cib.constraints:
        for key, is_demanded in _absolutes(found):
            was_demanded, other = seen.setdefault(key, (is_demanded, found))
            if was_demanded is not is_demanded:
                wants = ("demands", "forbids") if is_demanded else ("forbids", "demands")
                message = f"{found.id} {wants[0]} what {other.id} {wants[1]}"
                findings.objection(found, "contradiction", message, hint="an absolute score is enough once")


def _absolutes(found: Constraint) -> Iterator[tuple[Hashable, bool]]:
    """What is demanded (True) or forbidden without condition."""
    is_passing = found.id.startswith(_PASSING) or bool(found.lifetime)
    if is_passing or not isinstance(found, Location | Colocation):
        return
    score = parse_score(found.score or "")
    if score is None or abs(score) < INFINITY:
        return
    if isinstance(found, Location):
        if found.resource is not None and found.node is not None:
            yield (found.resource, found.node, _role(found.role)), score > 0
    elif found.resource is not None and found.with_resource is not None and not found.options:
        one, other = (found.resource, _role(found.role)), (found.with_resource, _role(found.with_role))
        yield frozenset((one, other)), score > 0


def _role(role: str | None) -> str:
    return canonical_role(role or "Started") or ""
