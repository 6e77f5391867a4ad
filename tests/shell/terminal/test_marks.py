from __future__ import annotations

import pytest
from prompt_toolkit.document import Document
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import TransformationInput

from hashell.terminal.marks import Marks
from hashell.terminal.remarks import Remark


def drawn(text, remark, lineno=0):
    """The styled pieces of one line, neighbours of one style together."""
    document = Document(text)
    fragments = [("", document.lines[lineno])]
    shown = TransformationInput(BufferControl(), document, lineno, lambda i: i, fragments, 80, 24)
    pieces = Marks(lambda _text: (remark,)).apply_transformation(shown).fragments
    return [(style, piece) for style, piece, *_ in pieces if style]


@pytest.mark.parametrize(("is_doubt", "style"), [(False, "class:error"), (True, "class:doubt")])
def test_the_word_is_marked(is_doubt, style):
    remark = Remark("no", start=5, end=8, is_doubt=is_doubt)
    assert drawn("show web now", remark) == [(style, "w"), (style, "e"), (style, "b")]


def test_a_mark_stays_in_its_line():
    remark = Remark("no", start=7, end=9)
    assert drawn("show \\\nab", remark) == []
    assert drawn("show \\\nab", remark, lineno=1) == [("class:error", "a"), ("class:error", "b")]


def test_what_is_only_missing_marks_nothing():
    assert drawn("show web", Remark("something is missing")) == []
