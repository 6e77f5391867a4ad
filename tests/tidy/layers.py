"""Who may import what: the longest matching package decides. Data of the tests beside it.

`hashell` and `hashelld` themselves (version, and the architecture in prose) import nothing; everybody may import them.
"""

from __future__ import annotations

import msgspec


class Layer(msgspec.Struct, frozen=True):
    """`ours` are packages or modules of the product beside the layer itself, `third` those of others."""

    ours: tuple[str, ...] = ()
    third: tuple[str, ...] = ()


_SHARED = ("hashelld.model", "hashelld.cib", "hashelld.wire", "hashelld.policy")
_CONFIG_PARTS = (
    "hashelld.config_arbiters",
    "hashelld.config_disk",
    "hashelld.config_lines",
    "hashelld.config_timings",
)
_SHELL = (
    "hashell.errors",
    "hashell.outcomes",
    "hashell.grammar",
    "hashell.asking",
    "hashell.session",
    "hashell.settings",
    "hashell.client.port",
)

LAYERS = {
    "hashelld": Layer(),
    "hashelld.model": Layer((), ("msgspec",)),
    "hashelld.cib": Layer(("hashelld.model",), ("msgspec",)),
    "hashelld.wire": Layer(("hashelld.model", "hashelld.cib"), ("msgspec",)),
    "hashelld.policy": Layer(("hashelld.model", "hashelld.cib"), ("msgspec",)),
    "hashelld.agents": Layer(("hashelld.model",), ("msgspec",)),
    "hashelld.agents.ocf.hashell": Layer(),
    "hashelld.limits": Layer(("hashelld.wire",)),
    "hashelld.core": Layer((*_SHARED, "hashelld.agents", "hashelld.limits"), ("msgspec",)),
    "hashelld.config": Layer((*_SHARED, *_CONFIG_PARTS, "hashelld.core.settings", "hashelld.limits"), ("msgspec",)),
    "hashelld.config_lines": Layer(),
    "hashelld.config_timings": Layer(("hashelld.model", "hashelld.limits")),
    "hashelld.config_arbiters": Layer(("hashelld.model", "hashelld.core.settings"), ("msgspec",)),
    "hashelld.config_disk": Layer(("hashelld.model", "hashelld.wire", "hashelld.core.settings"), ("msgspec",)),
    "hashelld.io": Layer(
        (*_SHARED, "hashelld.agents", "hashelld.limits", "hashelld.core", "hashelld.config"), ("msgspec", "zmq")
    ),
    "hashelld.unit": Layer(),
    "hashelld.cli": Layer(
        (*_SHARED, "hashelld.limits", "hashelld.core", "hashelld.config", "hashelld.io", "hashelld.unit"), ("msgspec",)
    ),
    "hashelld.__main__": Layer(("hashelld.cli",)),
    "hashell": Layer(),
    "hashell.errors": Layer(),
    "hashell.settings": Layer(("hashell.errors",), ("msgspec",)),
    "hashell.outcomes": Layer(_SHARED, ("msgspec",)),
    "hashell.grammar": Layer((*_SHARED, *_SHELL), ("msgspec",)),
    "hashell.asking": Layer(("hashell.errors", "hashell.client.port", "hashelld.wire")),
    "hashell.session": Layer((*_SHARED, *_SHELL), ("msgspec",)),
    "hashell.commands": Layer((*_SHARED, *_SHELL), ("msgspec",)),
    "hashell.client": Layer((*_SHARED, "hashell.errors", "hashell.grammar.scope"), ("msgspec", "zmq")),
    "hashell.views": Layer((*_SHARED, "hashell.outcomes", "hashell.errors"), ("msgspec", "rich", "pygments")),
    "hashell.terminal": Layer((*_SHARED, *_SHELL, "hashell.views"), ("msgspec", "rich", "pygments", "prompt_toolkit")),
    "hashell.drill": Layer((*_SHARED, *_SHELL, "hashell.commands", "hashell.views"), ("msgspec",)),
    "hashell.demo": Layer((*_SHARED, *_SHELL, "hashell.client", "hashell.commands", "hashell.views"), ("msgspec",)),
    "hashell.generate": Layer(
        ("hashell.grammar", "hashell.commands", "hashell.errors", "hashelld.model"), ("msgspec",)
    ),
    "hashell.main": Layer(
        (*_SHARED, *_SHELL, "hashell.client", "hashell.commands", "hashell.terminal", "hashell.views"), ("msgspec",)
    ),
    "hashell.__main__": Layer(("hashell.main",)),
}

DEFERRED_IMPORTS = (
    "hashell.main",
    "hashell.grammar.registry",
    "hashell.session",
    "hashell.client.offline",
    "hashell.client.filing",
)
"""Modules that may import inside functions: what a one-shot does not need is not loaded for it."""

PURE = ("hashelld.model", "hashelld.cib", "hashelld.wire", "hashelld.policy", "hashelld.agents", "hashelld.core")
"""Packages that take time, chance and the world as arguments."""

PROGRAMS = "hashelld.agents.ocf.hashell"
"""Resource agents: executed, never imported."""
