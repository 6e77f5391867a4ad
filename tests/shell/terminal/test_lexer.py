from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from prompt_toolkit.document import Document
from pygments.token import Keyword, Name

from hashell.terminal.lexer import ConfigureLexer, LineLexer


ROOT = Path(__file__).resolve().parents[3]


def test_pygments_gets_every_character():
    text = "# note\nprimitive web ocf:heartbeat:nginx \\\n\tparams port=80\n\n"
    tokens = list(ConfigureLexer().get_tokens(text))
    assert "".join(piece for _kind, piece in tokens) == text.rstrip("\n") + "\n"
    assert (Keyword, "primitive") in tokens
    assert (Name.Class, "ocf:heartbeat:nginx") in tokens


def test_pygments_finds_it_as_a_plugin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (target,) = project["entry-points"]["pygments.lexers"].values()
    assert EntryPoint("hashell", target, "pygments.lexers").load() is ConfigureLexer


def test_the_line_being_typed_is_styled():
    styled = LineLexer("configure").lex_document(Document("show web\nmore"))
    assert styled(0) == [("class:command", "show"), ("", " web")]
    assert styled(1) == [("", "more")]
