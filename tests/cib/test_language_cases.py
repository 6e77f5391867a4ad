"""The configure language as golden cases: a text, what is wrong with it, and what is made of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashelld.cib.lang.diagnostic import render
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import locate, read_cib
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.verify import verify


CASES = Path(__file__).resolve().parents[1] / "cases" / "lang"
CHECKS = "checks"
"""The file whose cases tell what `verify` finds; the others tell what the text means."""


def answered(block, *, is_checked):
    """The block's text with what is found in it."""
    head, _, rest = block.partition("\n")
    text = rest.partition("\n----")[0] + "\n"
    cib, found = read_cib(text)
    if is_checked:
        assert found == []
        shown = [render(d, text) for d in locate(verify(cib), parse_text(text)[0])]
    else:
        shown = [render(d, text) for d in found]
        printed = format_cib(cib)
        assert read_cib(printed) == (cib, [])
        shown += [printed.rstrip("\n")] if printed else []
    return "\n".join([head, text + "----", *shown])


@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_language(path, rewrite):
    blocks = ["== " + block.strip("\n") for block in path.read_text(encoding="utf-8").split("== ")[1:]]
    now = "\n\n".join(answered(block, is_checked=path.stem == CHECKS) for block in blocks) + "\n"
    if rewrite:
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")
