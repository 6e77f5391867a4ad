"""The machine-readable twin of every outcome: one JSON object, `{"schema": 1, "type": …}`, with every field present."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec

from hashell.outcomes import Outcome, Simulated, Simulation, Table


SCHEMA = 1
"""Grows when a field is removed or changes its meaning; new fields may come at any time."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def to_json(outcome: Outcome) -> bytes:
    """The outcome as one line of JSON; of a simulation, one for each file (in the form that the scores expect)."""
    if isinstance(outcome, Simulation):
        return b"\n".join(map(msgspec.json.encode, map(_simulated, outcome.files)))
    body = plain(outcome)
    assert isinstance(body, dict), "outcomes are structs"
    return msgspec.json.encode({"schema": SCHEMA, **body})


def _simulated(one: Simulated) -> Json:
    if one.error:
        return {"file": one.file, "error": one.error}
    return {
        "file": one.file,
        "placement": plain(one.placement),
        "actions": plain(one.actions),
        "edges": plain(one.edges),
        "reasons": plain(one.reasons),
        "blocked": plain(one.blocked),
        "assumed": plain(one.assumed),
        "failed": plain(one.failed),
        "skipped": plain(one.skipped),
    }


def plain(value: object) -> Json:
    """Structs as objects with all their fields; versions, epochs, incarnations and agents as the text people know."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Table():
            return {
                "type": "table",
                "title": value.title,
                "columns": list(value.columns),
                "rows": [dict(zip(value.columns, row, strict=True)) for row in value.rows],
                "note": value.note,
            }
        case msgspec.Struct():
            return _struct(value)
        case Enum():
            return plain(value.value)
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list() | frozenset():
            return [plain(item) for item in value]
        case _:
            raise TypeError(f"an outcome cannot hold {type(value).__name__}")


def _struct(value: msgspec.Struct) -> Json:
    config = value.__struct_config__
    if config.array_like:
        return str(value)
    body: dict[str, Json] = {config.tag_field: config.tag} if config.tag_field else {}
    for field in value.__struct_fields__:
        body[field] = plain(getattr(value, field))
    return body
