"""The timings of hashelld.toml, and the relations that they have to keep (DESIGN.md 3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hashelld.limits import KEEPALIVE_MS_MIN
from hashelld.model.duration import format_duration
from hashelld.model.ids import Millis


def timing_problems(timings: Mapping[str, Millis]) -> Iterator[tuple[str, str]]:
    """(key of [cluster], what is wrong with it), of keepalive, warntime, deadtime, initdead and restart_grace."""

    def words(name: str) -> str:
        return f"{name} ({format_duration(timings[name])})"

    if timings["keepalive"] < KEEPALIVE_MS_MIN:
        yield "keepalive", f"{words('keepalive')} is shorter than {KEEPALIVE_MS_MIN}ms"
    if not 2 * timings["keepalive"] < timings["warntime"]:
        yield "warntime", f"{words('warntime')} must be more than twice {words('keepalive')}"
    if not timings["warntime"] < timings["deadtime"]:
        yield "deadtime", f"{words('deadtime')} must be longer than {words('warntime')}"
    for name in ("initdead", "restart_grace"):
        if timings[name] < timings["deadtime"]:
            yield name, f"{words(name)} must be at least {words('deadtime')}"
