"""The index of commands: where each is written, and its summary, so that one command costs one module."""

from __future__ import annotations

from textwrap import fill

from hashell.grammar.registry import all_commands


_HEAD = '''"""Every command: level, name and module, below it its summary; written by python -m hashell.generate."""

from __future__ import annotations

from typing import Final


ROWS: Final = r"""
'''
_WIDTH = 118


def command_index() -> str:
    """The text of hashell/grammar/index.py."""
    rows = (
        f"{one.level or '-'} {one.name} {one.function.__module__}\n"
        + fill(one.summary, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        for one in all_commands()
    )
    return _HEAD + "\n".join(rows) + '\n"""\n'
