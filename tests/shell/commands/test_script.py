"""The level `script`: recipes with parameters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashell.commands.recipes import BUILT_IN, read_recipe
from hashell.errors import Refused, Usage
from hashell.grammar.complete import complete
from hashell.outcomes import Listing, Said, Table
from hashelld.cib.lang.diagnostic import errors
from hashelld.cib.lang.lower import read_cib
from hashelld.model.resource import Primitive, value_of
from tests.shell.memory import Shell


OWN = """\
#: A server of ours
#: id: its name
#: port=80: where it listens
primitive {id} ocf:test:Web params port={port}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell whose user has a script."""
    before = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path)
    (tmp_path / "hashell" / "scripts").mkdir(parents=True)
    (tmp_path / "hashell" / "scripts" / "ours.crm").write_text(OWN)
    yield Shell()
    del os.environ["XDG_CONFIG_HOME"]
    if before is not None:
        os.environ["XDG_CONFIG_HOME"] = before


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_comes_with_hashell_is_sound(name: str) -> None:
    recipe = read_recipe(name, BUILT_IN[name])
    values = {one.name: f"x{at}" for at, one in enumerate(recipe.parameters) if one.default is None}
    text = recipe.with_values(values)
    assert "{" not in text
    _cib, found = read_cib("node x0\n" + text)
    assert not errors(found), found


def test_scripts_are_listed_with_where_they_are_from(shell: Shell, tmp_path: Path) -> None:
    table = shell.run("script list")
    assert isinstance(table, Table)
    assert ("ours", "A server of ours", f"{tmp_path}/hashell/scripts") in table.rows
    assert set(BUILT_IN) <= {row[0] for row in table.rows}
    listing = shell.run("script show ours")
    assert isinstance(listing, Listing)
    assert "  id*    its name\n  port   where it listens [80]" in listing.text


def test_a_script_is_one_commit(shell: Shell) -> None:
    listing = shell.run("script verify ours id=x")
    assert isinstance(listing, Listing)
    assert listing.text == "primitive x ocf:test:Web params port=80\n"
    assert shell.client.entries == []
    said = shell.run("script run ours id=x port=81 --wait")
    assert isinstance(said, Said)
    assert said.text == "x is configured."
    found = shell.client.cib.find("x")
    assert isinstance(found, Primitive)
    assert value_of(found.params, "port") == "81"
    assert len(shell.client.entries) == 1


def test_values_are_taken_literally(shell: Shell) -> None:
    shell.run("script run ours id=x 'port=a b\"c' --force")
    found = shell.client.cib.find("x")
    assert isinstance(found, Primitive)
    assert value_of(found.params, "port") == 'a b"c'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("script run ours", "needs id=…"),
        ("script run ours id=x prot=1", "did you mean 'port'"),
        ("script run ours id", "NAME=VALUE"),
    ],
)
def test_wrong_values_are_usage(shell: Shell, line: str, told: str) -> None:
    with pytest.raises(Usage, match=told):
        shell.run(line)


def test_what_is_there_already_is_refused(shell: Shell) -> None:
    with pytest.raises(Refused, match="web"):
        shell.run("script run ours id=web")
    with pytest.raises(Refused, match="did you mean 'ours'"):
        shell.run("script show our")


def test_completion_offers_scripts_and_their_parameters(shell: Shell) -> None:
    line = "script run ou"
    assert [one.text for one in complete(line, len(line), shell.session)] == ["ours"]
    line = "script run ours id=x "
    assert [one.text for one in complete(line, len(line), shell.session)] == ["port="]


@pytest.mark.parametrize("text", ["primitive x ocf:test:Web\n", "#: x\n#: what is this\n", "#: x\nprimitive {id} y\n"])
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_recipe("x", text)
