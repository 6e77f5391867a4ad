from __future__ import annotations

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from hashell.terminal.completer import MenuCompleter
from tests.shell.grammar.scene import session_of


def offered(line, level="configure"):
    completer = MenuCompleter(session_of(level=level))
    return list(completer.get_completions(Document(line), CompleteEvent()))


def test_a_finished_word_brings_its_blank():
    (one,) = offered("show we")
    assert (one.text, one.start_position) == ("web ", -2)


def test_a_name_goes_on_with_its_value():
    first = offered("primitive x IPaddr2 ")[0]
    assert (first.text, first.display_meta_text) == ("ip=", "required: Address")


def test_a_continued_statement_is_one_line():
    assert [one.display_text for one in offered("location l \\\nwe")] == ["web"]


def test_long_descriptions_are_shortened():
    assert max(len(one.display_meta_text) for one in offered("property ")) <= 72


def test_files_where_a_file_is_named(tmp_path):
    (tmp_path / "saved.crm").write_text("")
    assert [one.text for one in offered(f"save {tmp_path}/sav")] == ["ed.crm"]
