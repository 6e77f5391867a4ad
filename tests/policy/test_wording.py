"""Actions in a few words."""

from __future__ import annotations

import pytest

from hashelld.model.action import Action, ActionKind
from hashelld.policy.wording import phrase, verb_of


RESOURCE = ActionKind.RESOURCE


def notified(kind: str, operation: str) -> dict[str, object]:
    return {"meta": {"notify_type": kind, "notify_operation": operation}}


@pytest.mark.parametrize(
    ("kind", "operation", "more", "words"),
    [
        (RESOURCE, "start", {}, "start web on n1"),
        (RESOURCE, "monitor", {}, "probe web on n1"),
        (RESOURCE, "monitor", {"interval_ms": 10_000}, "monitor web on n1 every 10s"),
        (RESOURCE, "migrate_to", {}, "migrate web on n1"),
        (RESOURCE, "migrate_from", {}, "take over web on n1"),
        (RESOURCE, "notify", notified("pre", "stop"), "notify web on n1 before stop"),
        (RESOURCE, "notify", notified("post", "start"), "notify web on n1 after start"),
        (RESOURCE, "notify", {}, "notify web on n1"),
        (ActionKind.CANCEL, "monitor", {"interval_ms": 5000}, "cancel monitor of web on n1 every 5s"),
        (ActionKind.FENCE, "reboot", {"resource": None}, "fence n1 (reboot)"),
        (ActionKind.FENCE, "off", {"resource": None}, "fence n1 (off)"),
        (ActionKind.FENCE, "on", {"resource": None}, "unfence n1"),
        (ActionKind.SHUTDOWN, "do_shutdown", {"resource": None}, "let n1 go"),
        (ActionKind.CLEAR_FAILURES, "clear_failcount", {}, "clear failures of web on n1"),
        (ActionKind.FORGET, "delete", {}, "forget web on n1"),
        (ActionKind.PSEUDO, "stopped", {"node": None}, "stopped of web"),
        (ActionKind.PSEUDO, "load_stopped", {"resource": None}, "load_stopped on n1"),
    ],
)  # fmt: skip
def test_phrases(kind: ActionKind, operation: str, more: dict[str, object], words: str):
    fields = {"node": "n1", "resource": "web", **more}
    action = Action(kind=kind, operation=operation, **fields)
    assert phrase(action) == words


@pytest.mark.parametrize(
    ("kind", "operation", "verb"),
    [
        (RESOURCE, "promote", "promote"),
        (RESOURCE, "monitor", "probe"),
        (ActionKind.FENCE, "on", "unfence"),
        (ActionKind.FENCE, "off", "fence"),
        (ActionKind.SHUTDOWN, "do_shutdown", "let go"),
        (ActionKind.CANCEL, "monitor", "cancel"),
        (ActionKind.CLEAR_FAILURES, "clear_failcount", "clear failures"),
        (ActionKind.FORGET, "delete", "forget"),
        (ActionKind.PSEUDO, "start", "start"),
    ],
)
def test_verbs(kind: ActionKind, operation: str, verb: str):
    assert verb_of(Action(kind=kind, operation=operation, node="n1")) == verb
