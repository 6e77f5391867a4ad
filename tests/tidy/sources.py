"""The project's own modules as the rules see them: path, text, syntax tree and imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import msgspec


ROOT = Path(__file__).resolve().parents[2]
OURS = ("hashelld", "hashell")


class Import(msgspec.Struct, frozen=True):
    """One imported module: `name` is the module that is loaded, ours to the last part, others to the first."""

    name: str
    line: int
    is_deferred: bool
    """Inside a function."""
    is_for_types: bool
    """Under `if TYPE_CHECKING`: never happens at run time."""


class Module(msgspec.Struct, frozen=True):
    """One file of ours."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def file(self) -> str:
        return str(self.path.relative_to(ROOT))

    def at(self, line: int, rule: str) -> str:
        """`file:line rule`, as the tests report it."""
        return f"{self.file}:{line} {rule}"


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """All modules of these top-level packages (the product's two by default)."""
    found = []
    for package in packages or OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text(encoding="utf-8")
            found.append(Module(name, path, text, ast.parse(text, filename=str(path))))
    return tuple(found)


@cache
def _names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def imports_of(module: Module) -> list[Import]:
    """Every import of the module, also those inside functions."""
    found: list[Import] = []
    _collect(module, module.tree, found, is_deferred=False, is_for_types=False)
    return found


def _collect(module: Module, node: ast.AST, found: list[Import], *, is_deferred: bool, is_for_types: bool) -> None:
    for child in ast.iter_child_nodes(node):
        deferred = is_deferred or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        for_types = is_for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test))
        for name in _imported(module, child):
            assert isinstance(child, ast.Import | ast.ImportFrom)
            found.append(Import(name, child.lineno, deferred, for_types))
        _collect(module, child, found, is_deferred=deferred, is_for_types=for_types)


def _imported(module: Module, node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _absolute(module, node)
        inner = [f"{base}.{alias.name}" for alias in node.names]
        return [name if name in _names() else base for name in inner]
    return []


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    if module.path.name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, node.module] if node.module else package)


def is_ours(name: str) -> bool:
    """Is this a module of the product?"""
    return name.partition(".")[0] in OURS


def is_within(name: str, package: str) -> bool:
    """Is this the package itself, or something in it?"""
    return name == package or name.startswith(f"{package}.")
