from __future__ import annotations

import msgspec
import pytest

from hashell.client import names
from hashell.client.offline import OfflineClient
from hashell.main import main
from hashelld.cib.document import Cib
from hashelld.cib.xml.write import write_xml
from hashelld.model.ids import NO_VERSION
from hashelld.model.resource import Template
from hashelld.wire import client as wire
from tests.shell.client.test_zmq import daemon, tell
from tests.shell.grammar.scene import cib_of


COMMENT = "# a comment that names ¢id of a primitive\n"
TEXT = f"""
node node1
{COMMENT}primitive web ocf:heartbeat:Dummy params note='<primitive id="fake">' op monitor interval=10s
primitive db ocf:pacemaker:Stateful
primitive cache ocf:heartbeat:Dummy
rsc_template small ocf:heartbeat:Dummy
group apps web cache
clone dbs db meta promotable=true
bundle box docker image=x
primitive a-very-long-name-of-a-primitive-that-has-more-than-thirty-one-letters ocf:heartbeat:Dummy
location l web 100: node1
property stonith-enabled=false
"""
CIB = cib_of(TEXT)
RESOURCES = [one.id for one in CIB.resources if not isinstance(one, Template)]


def test_the_request_is_the_one_of_the_protocol():
    assert msgspec.msgpack.encode(wire.Ask(wire.PROTOCOL, 1, wire.GetCib())) == names.ASK


def test_every_kind_of_resource_is_found_in_the_bytes_of_an_answer():
    told = wire.Tell(wire.PROTOCOL, 1, wire.CibIs(NO_VERSION, "d", CIB))
    assert names.names_in(msgspec.msgpack.encode(told)) == RESOURCES


def test_another_answer_has_no_names():
    told = wire.Tell(wire.PROTOCOL, 1, wire.Refused("permission", "no"))
    assert names.names_in(msgspec.msgpack.encode(told)) is None


def test_a_daemon_is_asked(tmp_path):
    path = str(tmp_path / "s")
    large = Cib(tuple(cib_of("\n".join(f"primitive r{at} ocf:heartbeat:Dummy" for at in range(500))).objects))
    with daemon(path, lambda ask: [tell(ask, wire.CibIs(NO_VERSION, "d", large))]):
        assert names.names_of_daemon(path) == [f"r{at}" for at in range(500)]


def test_without_a_daemon_there_are_none(tmp_path):
    assert names.names_of_daemon(str(tmp_path / "none")) is None
    (tmp_path / "file").write_text("")
    assert names.names_of_daemon(str(tmp_path / "file")) is None


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cib.xml"
    path.write_text(write_xml(cib_of(TEXT.replace(COMMENT, ""))), encoding="utf-8")
    return path


def test_a_file_has_the_same_resources(file):
    read = OfflineClient(str(file)).ask(wire.GetCib()).cib
    found = names.names_of_file(str(file))
    assert found is not None
    assert sorted(found) == sorted(one.id for one in read.resources if not isinstance(one, Template))


@pytest.mark.parametrize("mark", ["<!-- note -->", "<!DOCTYPE x>", "<x a='b'/>"])
def test_an_unusual_file_is_read_properly(file, mark):
    file.write_text(mark + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert names.names_of_file(str(file)) is None


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("resource start d", ["db", "dbs"]),
        ("resource start db d", ["dbs"]),
        ("resource start ache", ["cache"]),
        ("resource start nosuch", []),
    ],
)
def test_the_program_prints_what_completion_would(file, capsys, line, offered):
    assert main(["--cib", str(file), "--names", line]) == 0
    quick = [one.partition("\t")[0] for one in capsys.readouterr().out.splitlines()]
    assert main(["--cib", str(file), "--complete", line]) == 0
    assert quick == offered
    assert sorted(quick) == sorted(one.partition("\t")[0] for one in capsys.readouterr().out.splitlines())
