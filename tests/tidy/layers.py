"""Who may import what: the longest matching package decides. Data of test_layers.py."""

from __future__ import annotations

import msgspec


class Layer(msgspec.Struct, frozen=True):
    """`ours` are packages or modules of the product beside the layer itself, `third` those of others."""

    ours: tuple[str, ...] = ()
    third: tuple[str, ...] = ()


_SHARED = ("hashelld.model", "hashelld.cib", "hashelld.wire", "hashelld.policy")
_SHELL = ("hashell.errors", "hashell.outcomes", "hashell.grammar", "hashell.session", "hashell.settings")

LAYERS = {
    "hashelld": Layer(),
    "hashelld.model": Layer((), ("msgspec",)),
    "hashelld.cib": Layer(("hashelld.model",), ("msgspec",)),
    "hashelld.wire": Layer(("hashelld.model", "hashelld.cib"), ("msgspec",)),
    "hashelld.policy": Layer(("hashelld.model", "hashelld.cib"), ("msgspec",)),
    "hashelld.agents": Layer(("hashelld.model",), ("msgspec",)),
    "hashelld.limits": Layer(),
    "hashelld.core": Layer((*_SHARED, "hashelld.agents", "hashelld.limits"), ("msgspec",)),
    "hashelld.config": Layer(("hashelld.model", "hashelld.wire", "hashelld.core", "hashelld.limits"), ("msgspec",)),
    "hashelld.io": Layer(
        (*_SHARED, "hashelld.agents", "hashelld.limits", "hashelld.core", "hashelld.config"), ("msgspec", "zmq")
    ),
    "hashelld.cli": Layer(
        ("hashelld", *_SHARED, "hashelld.limits", "hashelld.core", "hashelld.config", "hashelld.io"), ("msgspec",)
    ),
    "hashelld.__main__": Layer(("hashelld.cli",)),
    "hashell": Layer(),
    "hashell.errors": Layer(),
    "hashell.settings": Layer(("hashell.errors",), ("msgspec",)),
    "hashell.outcomes": Layer(_SHARED, ("msgspec",)),
    "hashell.grammar": Layer((*_SHARED, *_SHELL, "hashell.client.port"), ("msgspec",)),
    "hashell.session": Layer((*_SHARED, *_SHELL, "hashell.client.port"), ("msgspec",)),
    "hashell.commands": Layer((*_SHARED, *_SHELL, "hashell.client.port", "hashell"), ("msgspec",)),
    "hashell.client": Layer((*_SHARED, "hashell.errors"), ("msgspec", "zmq")),
    "hashell.views": Layer((*_SHARED, "hashell.outcomes", "hashell.errors"), ("msgspec", "rich", "pygments")),
    "hashell.terminal": Layer(
        (*_SHARED, *_SHELL, "hashell.views", "hashell.client.port"), ("prompt_toolkit", "pygments", "rich", "msgspec")
    ),
    "hashell.generate": Layer(("hashell", "hashell.grammar", "hashell.commands", "hashelld.model", "hashell.errors")),
    "hashell.main": Layer(("hashell", *_SHARED), ("msgspec",)),
    "hashell.__main__": Layer(("hashell.main",)),
}

WHOLE = ("hashell.main",)
"""Layers for which the package `hashell` means everything in it; for others it is `hashell/__init__.py` alone."""

DEFERRED_IMPORTS = (
    "hashell.main",
    "hashell.grammar.registry",
    "hashell.session",
)
"""Modules that may import inside functions: what a one-shot does not need is not loaded for it."""
