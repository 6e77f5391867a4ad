"""How many examples a property is tried with: a few that never change, or `EXAMPLES=2000 pytest …` fresh ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


FRESH = int(os.environ.get("EXAMPLES", "0"))


def few(examples: int) -> settings:
    """The same examples in every run, unless EXAMPLES asks for so many others."""
    return settings(
        max_examples=FRESH or examples,
        derandomize=not FRESH,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
