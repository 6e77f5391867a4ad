"""Sessions at a real terminal as golden screens: what an administrator sees at 80x24, at 40x10, without a cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.terminal.screen import SCREENS, Terminal


pytestmark = pytest.mark.slow

CONFIGURATION = """\
node node1
node node2
property cib-bootstrap-options: \\
	stonith-enabled=false
primitive db ocf:test:Store \\
	params path=data
primitive web ocf:test:Pages \\
	params port=80
location web-home web 100: node1
"""
AGENT = """\
#!/bin/sh
cat <<'END'
<?xml version="1.0"?>
<resource-agent name="{name}"><version>1.0</version><longdesc lang="en">Made for a test.</longdesc>
<shortdesc lang="en">{title}</shortdesc><parameters>
<parameter name="{required}" required="1"><longdesc lang="en">{longdesc}</longdesc>
<shortdesc lang="en">{shortdesc}</shortdesc><content type="string"/></parameter>
<parameter name="mode"><shortdesc lang="en">How it runs</shortdesc><longdesc lang="en">How.</longdesc>
<content type="select" default="quiet"><option value="quiet"/><option value="loud"/></content></parameter>
</parameters><actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/></actions></resource-agent>
END
"""
PAGES = {"name": "Pages", "title": "A server of pages", "required": "port", "shortdesc": "Port to listen at"}
STORE = {"name": "Store", "title": "A place for data", "required": "path", "shortdesc": "Folder of the data"}
DOWN, TAB, ENTER, END_OF_INPUT, DROP_LINE = "\x1b[B", "\t", "\r", "\x04", "\x15"
SIZES = [pytest.param(size, "xterm-256color", id="{}x{}".format(*size)) for size in ((80, 24), (40, 10))]
DUMB = [pytest.param(size, "dumb", id="{}x{}-dumb".format(*size)) for size in ((80, 24), (40, 10))]


@pytest.fixture
def folder(tmp_path):
    """A home with a configuration, `web.crm`, and two agents."""
    (tmp_path / "web.crm").write_text(CONFIGURATION)
    agents = tmp_path / "ocf" / "resource.d" / "test"
    agents.mkdir(parents=True)
    for facts in (PAGES, STORE):
        program = agents / facts["name"]
        program.write_text(AGENT.format(longdesc=f"{facts['shortdesc']}, told at length.", **facts))
        program.chmod(0o755)
    return tmp_path


@pytest.fixture
def terminal(rewrite):
    """Makes a terminal with the golden file of a session and a size; it is closed at the end."""
    made = []

    def make(name: str, size: tuple[int, int], kind: str) -> Terminal:
        shape = "x".join(map(str, size)) + ("-dumb" if kind == "dumb" else "")
        one = Terminal(SCREENS / f"{name}-{shape}.txt", size, kind, rewrite=rewrite)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def editor_of(folder: Path) -> str:
    """Breaks the text the first time; then keeps what it is shown, and mends it."""
    program = folder / "vi"
    program.write_text(
        f"""#!/bin/sh
if [ -f {folder}/began ]; then
    cp "$2" {folder}/seen
    echo "$1" > {folder}/where
    sed -i s/port=./port=/ "$2"
else
    touch {folder}/began
    sed -i 's/port=80/port="8080/' "$1"
fi
"""
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("size", "kind"), SIZES)
def test_typing(terminal, folder, size, kind):
    """Menus with descriptions, live marking of what is wrong, help about the place where one is, several lines."""
    screen = terminal("typing", size, kind)
    screen.start(folder, "--cib", "web.crm")
    screen.shot("prompt")
    screen.send("conf")
    screen.shot("a level and what it is for")
    screen.send(TAB)
    screen.shot("chosen")
    screen.send(ENTER + ENTER)
    screen.shot("in the level")
    screen.send("primitive www page")
    screen.shot("an agent by a part of its name")
    screen.send(TAB)
    screen.shot("taken")
    screen.send("mode=")
    screen.shot("values")
    screen.send("soft ")
    screen.shot("a wrong value is marked and told")
    screen.send("prot=80 ")
    screen.shot("so is a wrong name")
    screen.send(DROP_LINE + "primitive www Pages mode=loud ")
    screen.shot("what is missing")
    screen.send("port=?")
    screen.shot("all about the parameter")
    screen.send("8080 \\" + ENTER)
    screen.shot("a statement goes on")
    screen.send("op monitor interval=10s" + ENTER)
    screen.shot("it is in the draft")
    screen.send("location l web ")
    screen.shot("scores after a resource")
    screen.send("inf: nod")
    screen.shot("nodes after a score")
    screen.send(DROP_LINE + "delete nosuch ")
    screen.shot("an id that is not there")
    screen.send(DROP_LINE + "nosuch x")
    screen.shot("junk is offered nothing")
    screen.send(DROP_LINE + "prim")
    screen.shot("the rest of a line from the history")
    screen.send(DROP_LINE + "undo" + ENTER)
    screen.shot("undone")
    screen.send("quit" + ENTER)
    assert screen.end() == 0
    assert (folder / "web.crm").read_text() == CONFIGURATION


@pytest.mark.parametrize(("size", "kind"), [*SIZES, *DUMB])
def test_editing(terminal, folder, size, kind):
    """The editor opens again at the wrong line; nothing is left behind without a question."""
    screen = terminal("editing", size, kind)
    screen.start(folder, "--cib", "web.crm", EDITOR=editor_of(folder))
    screen.shot("prompt")
    screen.send("configure" + ENTER)
    screen.shot("in the level")
    screen.send("edit web" + ENTER)
    screen.shot("edited")
    shown = (folder / "seen").read_text().splitlines()
    assert shown[int((folder / "where").read_text().lstrip("+")) - 1] == '\tparams port="8080'
    assert any(line.startswith("#! ") and "never closed" in line for line in shown)
    screen.send("show web" + ENTER)
    screen.shot("nothing was lost")
    screen.send("up" + ENTER)
    screen.shot("a question before leaving")
    screen.send("diff" + ENTER)
    screen.shot("what would be lost")
    screen.send("s" + ENTER)
    screen.shot("stayed")
    screen.send("undo" + ENTER)
    screen.shot("undone")
    screen.send("redo" + ENTER)
    screen.shot("done again")
    screen.send("quit" + ENTER)
    screen.shot("the question again")
    screen.send("c" + ENTER)
    assert screen.end() == 0
    assert "port=8080" in (folder / "web.crm").read_text()


@pytest.mark.parametrize(("size", "kind"), SIZES)
def test_mon(terminal, folder, size, kind):
    """The screen that follows the cluster; its keys ask before they do anything."""
    screen = terminal("mon", size, kind)
    screen.start(folder, "--cib", "web.crm")
    screen.shot("prompt")
    screen.send("mon" + ENTER)
    screen.shot("nodes and resources")
    screen.send(DOWN)
    screen.shot("the second node")
    screen.send("m")
    screen.shot("a node cannot be moved")
    screen.send("s")
    screen.shot("what a standby would do")
    screen.send("n")
    screen.shot("not agreed")
    screen.send("sy")
    screen.shot("in standby")
    screen.send(DOWN * 5 + "m")
    screen.shot("there is one node to move to")
    screen.send("nw")
    screen.shot("why it is where it is")
    screen.send("n")
    screen.shot("by node")
    screen.send("q")
    screen.shot("back at the prompt")
    screen.send("quit" + ENTER)
    assert screen.end() == 0
    assert "standby=on" in (folder / "web.crm").read_text()


@pytest.mark.parametrize(("size", "kind"), DUMB)
def test_without_a_cursor(terminal, folder, size, kind):
    """A terminal that cannot move its cursor: a ? at the end of a line asks."""
    screen = terminal("asking", size, kind)
    screen.start(folder, "--cib", "web.crm")
    screen.shot("prompt")
    screen.send("configure" + ENTER)
    screen.shot("in the level")
    screen.send("location l web ?" + ENTER)
    screen.shot("what may stand here")
    screen.send("primitive www Pages port=?" + ENTER)
    screen.shot("all about the parameter")
    screen.send("primitive www Pages prot=80" + ENTER)
    screen.shot("taken, and what is wrong is told")
    screen.send("primitive w2 Pages \\" + ENTER)
    screen.shot("a statement goes on")
    screen.send("port=8080" + ENTER)
    screen.shot("it is in the draft")
    screen.send(END_OF_INPUT)
    screen.shot("a question before leaving")
    screen.send("d" + ENTER)
    screen.shot("discarded")
    screen.send(END_OF_INPUT)
    assert screen.end() == 0
    assert (folder / "web.crm").read_text() == CONFIGURATION
