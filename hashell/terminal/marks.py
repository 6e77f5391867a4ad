"""Marks on the words of the line that are wrong, drawn over its highlighting whenever the line has been checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.application.current import get_app
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments


if TYPE_CHECKING:
    # It reads the whole language, which a prompt that waits for its first key should not have to load.
    from hashell.terminal.remarks import Remark


class Marks(Processor):
    """Not the lexer's: prompt_toolkit keeps what a lexer said of a text, and a text is checked after it is drawn."""

    def __init__(self, remarks_on: Callable[[str], tuple[Remark, ...]]) -> None:
        self._remarks_on = remarks_on

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """One line of the input, its wrong words marked until it is entered: what is wrong then is told below."""
        document = transformation_input.document
        wrong = [] if get_app().is_done else [one for one in self._remarks_on(document.text) if one.is_wrong]
        if not wrong:
            return Transformation(transformation_input.fragments)
        begins = document.translate_row_col_to_index(transformation_input.lineno, 0)
        length = len(document.lines[transformation_input.lineno])
        pieces = explode_text_fragments(transformation_input.fragments)
        for remark in wrong:
            mark = "class:doubt" if remark.is_doubt else "class:error"
            for at in range(max(remark.start - begins, 0), min(remark.end - begins, length)):
                pieces[at] = (mark, pieces[at][1])
        return Transformation(pieces)
