"""The style guide's limits and bans, with file and line."""

from __future__ import annotations

import ast
import io
import re
import tokenize

import pytest

from tests.tidy.layers import PROGRAMS, PURE
from tests.tidy.sources import ROOT, Module, imports_of, is_within, modules


MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
JUNK_DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
WORLDLY = frozenset(
    {"asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "selectors"}
    | {"shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib", "uuid", "zmq"}
)
"""Modules through which the world comes in: clock, chance, processes, network, disk."""
WORLDLY_IN_THE_SHELL = {
    "hashell.main": {"os", "pathlib", "signal"},
    "hashell.settings": {"os", "pathlib"},
    "hashell.asking": {"time"},
    "hashell.session": {"os", "pathlib", "secrets", "time"},
    "hashell.client": {"os", "pathlib", "secrets", "socket", "tempfile", "time", "zmq"},
    "hashell.client.agents": {"os", "pathlib", "subprocess"},
    "hashell.client.processes": {"os", "pathlib", "signal"},
    "hashell.client.programs": {"subprocess"},
    "hashell.commands": {"os", "pathlib", "socket", "time"},
    "hashell.commands.picturing": {"pathlib", "subprocess"},
    "hashell.demo": {"os", "pathlib", "shutil", "signal", "socket", "subprocess", "tempfile", "threading", "time"},
    "hashell.drill": {"time"},
    "hashell.views.happenings": {"time"},
    "hashell.views.narration": {"time"},
    "hashell.views.render": {"os"},
    "hashell.terminal": {"asyncio", "os", "pathlib", "signal", "threading", "time"},
    "hashell.terminal.editor": {"os", "pathlib", "subprocess", "tempfile"},
    "hashell.generate": {"pathlib"},
}
"""What parts of the shell may use of the world; the longest matching name decides."""
CLOCKS = {"now", "utcnow", "today"}
TESTS_THAT_WAIT = ("tests.e2e", "tests.bench")


def is_pure(module: Module) -> bool:
    return any(is_within(module.name, package) for package in PURE) and not is_within(module.name, PROGRAMS)


def everything() -> tuple[Module, ...]:
    return modules("hashelld", "hashell", "tests")


def test_modules_are_short():
    long = [
        m.at(n, f"module is longer than {MODULE_LINES_MAX} lines")
        for m in everything()
        if (n := lines_of(m)) > MODULE_LINES_MAX
    ]
    assert not long, "\n".join(long)


def lines_of(module: Module) -> int:
    return module.text.count("\n")


def functions_of(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without the docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_functions_are_short():
    long = [
        module.at(function.lineno, f"{function.name} is longer than {FUNCTION_LINES_MAX} lines")
        for module in everything()
        for function in functions_of(module)
        if length_of(function) > FUNCTION_LINES_MAX
    ]
    assert not long, "\n".join(long)


def test_no_module_is_a_junk_drawer():
    named = [m.at(1, "is named after no subject") for m in everything() if JUNK_DRAWERS & set(m.name.split("."))]
    assert not named, "\n".join(named)


def test_nothing_is_left_to_be_done():
    left = [
        module.at(token.start[0], token.string)
        for module in everything()
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline)
        if token.type == tokenize.COMMENT and LEFTOVER.search(token.string)
    ]
    assert not left, "\n".join(left)


def test_the_pure_packages_know_no_world():
    wrong = [
        module.at(found.line, f"uses {found.name}; take what you need as an argument")
        for module in modules("hashelld")
        if is_pure(module)
        for found in imports_of(module)
        if found.name.partition(".")[0] in WORLDLY
    ]
    assert not wrong, "\n".join(wrong)


def test_the_shell_uses_the_world_in_few_places():
    wrong = []
    for module in modules("hashell"):
        rows = [name for name in WORLDLY_IN_THE_SHELL if is_within(module.name, name)]
        allowed = WORLDLY_IN_THE_SHELL[max(rows, key=len)] if rows else set()
        wrong += [
            module.at(found.line, f"uses {found.name}")
            for found in imports_of(module)
            if found.name.partition(".")[0] in WORLDLY - allowed
        ]
    assert not wrong, "\n".join(wrong)


def test_no_clock_is_read_but_at_the_edge():
    wrong = [
        module.at(node.lineno, f"reads a clock ({node.attr}); take the time as an argument")
        for module in modules()
        if not is_within(module.name, "hashelld.io")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_pure_packages_open_no_files():
    wrong = [
        module.at(node.lineno, f"calls {node.func.id}")
        for module in modules("hashelld")
        if is_pure(module)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "input", "print")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_function_rebinds_globals():
    wrong = [
        module.at(node.lineno, f"global {', '.join(node.names)}")
        for module in everything()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]
    assert not wrong, "\n".join(wrong)


def test_tests_use_no_mocks():
    wrong = [
        module.at(found.line, f"uses {found.name}; write a fake that implements the port")
        for module in modules("tests")
        for found in imports_of(module)
        if is_within(found.name, "unittest.mock") or found.name == "mock"
    ]
    wrong += [
        module.at(function.lineno, "takes monkeypatch")
        for module in modules("tests")
        for function in functions_of(module)
        if any(argument.arg == "monkeypatch" for argument in function.args.args)
    ]
    assert not wrong, "\n".join(wrong)


def test_tests_do_not_sleep():
    wrong = [
        module.at(node.lineno, "sleeps; make time an argument, or wait for a condition with a limit")
        for module in modules("tests")
        if not any(is_within(module.name, waiting) for waiting in TESTS_THAT_WAIT)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep", "asyncio.sleep")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".ci/run"])
def test_files_that_everybody_looks_for(name):
    assert (ROOT / name).is_file()
