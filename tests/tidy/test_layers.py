"""Imports go one way: the table of layers, the third parties, no cycles, nothing imported inside functions."""

from __future__ import annotations

import sys

from tests.tidy.layers import DEFERRED_IMPORTS, LAYERS, Layer
from tests.tidy.sources import OURS, Import, Module, imports_of, is_ours, is_within, modules


def layer_of(name: str) -> str:
    return max((layer for layer in LAYERS if is_within(name, layer)), key=len)


def is_allowed(found: Import, package: str, layer: Layer) -> bool:
    if not is_ours(found.name):
        top = found.name.partition(".")[0]
        return top in sys.stdlib_module_names or top in layer.third
    return found.name in OURS or any(is_within(found.name, ours) for ours in (package, *layer.ours) if ours not in OURS)


def test_every_import_is_in_the_table():
    wrong = []
    for module in modules():
        package = layer_of(module.name)
        wrong += [
            module.at(found.line, f"{package} may not import {found.name}")
            for found in imports_of(module)
            if not is_allowed(found, package, LAYERS[package])
        ]
    assert not wrong, "\n".join(wrong)


def test_the_daemon_never_imports_the_shell():
    wrong = [
        module.at(found.line, f"{module.name} imports {found.name}")
        for module in modules("hashelld")
        for found in imports_of(module)
        if is_within(found.name, "hashell")
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_imported_inside_functions():
    wrong = [
        module.at(found.line, f"{found.name} is imported inside a function")
        for module in modules()
        if not any(is_within(module.name, allowed) for allowed in DEFERRED_IMPORTS)
        for found in imports_of(module)
        if found.is_deferred
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_do_not_import_each_other_in_circles():
    graph = {module.name: loaded_by(module) for module in modules()}
    assert circles(graph) == []


def loaded_by(module: Module) -> set[str]:
    """Modules of ours that are loaded when this one is."""
    return {
        found.name
        for found in imports_of(module)
        if is_ours(found.name) and not found.is_deferred and not found.is_for_types and found.name != module.name
    }


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Modules that are left when those that need nothing more are taken away, again and again."""
    left = dict(graph)
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    needed = set().union(*left.values()) if left else set()
    return sorted(name for name in left if name in needed)


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert circles({"a": {"b"}, "b": set()}) == []
