"""The completion menu: an adapter from `grammar.complete` to prompt_toolkit."""

from __future__ import annotations

from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from hashell.grammar.complete import complete, expects_path, word_start
from hashell.grammar.scope import Scope


DESCRIPTION_MAX = 72


class MenuCompleter(Completer):
    """Names of files where a file is expected, else what the grammar offers against a scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Candidates with their descriptions; one that is finished brings its blank."""
        line = _line(document)
        start = word_start(line, len(line))
        if expects_path(line, len(line), self._scope):
            yield from self._paths.get_completions(Document(line[start:]), complete_event)
            return
        for candidate in complete(line, len(line), self._scope):
            is_finished = not candidate.text.endswith(("=", ":"))
            yield Completion(
                candidate.text + (" " if is_finished else ""),
                start_position=start - len(line),
                display=candidate.text,
                display_meta=_shortened(candidate.description),
            )


def _line(document: Document) -> str:
    """The statement up to the cursor, however many lines it has been typed on."""
    return document.text_before_cursor.replace("\\\n", "")


def _shortened(description: str) -> str:
    return description if len(description) <= DESCRIPTION_MAX else description[: DESCRIPTION_MAX - 1] + "…"
