from __future__ import annotations

import stat

import pytest

from hashell.client.offline import OfflineClient
from hashell.errors import Refused
from hashelld.cib.edit import Delete, Put
from hashelld.model.resource import Agent, Primitive
from hashelld.wire import client as wire


NEW = Primitive(id="new", agent=Agent("ocf", "heartbeat", "Dummy"))
OTHER = Primitive(id="other", agent=Agent("ocf", "heartbeat", "Dummy"))


def cib_of(client):
    answer = client.ask(wire.GetCib())
    assert isinstance(answer, wire.CibIs)
    return answer


def commit(client, *edits, base=None):
    return client.ask(wire.MakeCommit(id="1", base=base or cib_of(client).version, edits=edits))


@pytest.mark.parametrize("name", ["cib.xml", "cib.crm"])
def test_an_absent_file_is_empty_and_a_commit_writes_it(tmp_path, name):
    path = tmp_path / name
    client = OfflineClient(str(path))
    assert cib_of(client).cib.objects == ()
    assert not path.exists()
    assert isinstance(commit(client, Put(NEW)), wire.Committed)
    assert cib_of(OfflineClient(str(path))).cib.objects == (NEW,)
    assert path.read_text().startswith("<" if name.endswith("xml") else "primitive new")


def test_every_node_counts_as_online(tmp_path):
    path = tmp_path / "x.crm"
    path.write_text("node node1\nnode node2\n")
    status = OfflineClient(str(path)).ask(wire.GetStatus())
    assert isinstance(status, wire.StatusIs)
    assert [(node.node, node.online) for node in status.nodes] == [("node1", True), ("node2", True)]
    assert status.quorum.has_quorum


def test_a_configuration_that_does_not_verify_is_not_written(tmp_path):
    path = tmp_path / "x.crm"
    path.write_text("primitive a ocf:heartbeat:Dummy\nlocation l a 100: node1\n")
    before = path.read_text()
    answer = commit(OfflineClient(str(path)), Delete("a"))
    assert isinstance(answer, wire.Refused)
    assert "unknown-resource" in answer.details[0]
    assert path.read_text() == before


def test_an_edit_that_does_not_fit_is_refused(tmp_path):
    answer = commit(OfflineClient(str(tmp_path / "x.xml")), Delete("nosuch"))
    assert isinstance(answer, wire.Refused)


def test_changes_of_other_objects_meanwhile_are_merged(tmp_path):
    path = str(tmp_path / "x.xml")
    mine, theirs = OfflineClient(path), OfflineClient(path)
    commit(mine, Put(OTHER))
    base = cib_of(mine).version
    commit(theirs, Put(NEW))
    assert isinstance(commit(mine, Delete("other"), base=base), wire.Committed)
    assert cib_of(mine).cib.objects == (NEW,)


def test_changes_of_the_same_object_meanwhile_are_a_conflict(tmp_path):
    path = str(tmp_path / "x.xml")
    mine, theirs = OfflineClient(path), OfflineClient(path)
    commit(mine, Put(NEW))
    base = cib_of(mine).version
    changed = Primitive(id="new", agent=Agent("ocf", "heartbeat", "IPaddr2"))
    commit(theirs, Put(changed))
    answer = commit(mine, Delete("new"), base=base)
    assert isinstance(answer, wire.Conflict)
    assert answer.objects == ("new",)
    assert cib_of(mine).cib.objects == (changed,)


def test_the_status_section_and_the_mode_stay(tmp_path):
    path = tmp_path / "x.xml"
    status = '<status><node_state id="1" uname="node1"/></status>'
    path.write_text(
        f"<cib><configuration><crm_config/><nodes/><resources/><constraints/></configuration>{status}</cib>"
    )
    path.chmod(0o640)
    commit(OfflineClient(str(path)), Put(NEW))
    assert '<node_state id="1" uname="node1"/>' in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.xml").write_text("<cib><configuration/></cib>")
    (tmp_path / "link.xml").symlink_to("real.xml")
    commit(OfflineClient(str(tmp_path / "link.xml")), Put(NEW))
    assert (tmp_path / "link.xml").is_symlink()
    assert "new" in (tmp_path / "real.xml").read_text()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.xml", b"<cib><configuration>", "x.xml"),
        ("x.xml", b"\xff\xfe", "not UTF-8"),
        ("x.crm", b"primitive\n", "x.crm"),
        ("x.crm", b"primitive a Dummy\nprimitve b Dummy\n", "2"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Refused, match=told):
        OfflineClient(str(path)).ask(wire.GetCib())
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(Refused, match="cannot be written"):
        commit(OfflineClient(str(tmp_path / "nosuch" / "x.xml")), Put(NEW))


def test_what_needs_a_cluster_is_refused(tmp_path):
    answer = OfflineClient(str(tmp_path / "x.xml")).ask(wire.Cleanup())
    assert isinstance(answer, wire.Refused)
    assert answer.code == "offline"


def test_a_change_of_the_file_is_an_event(tmp_path):
    path = tmp_path / "x.crm"
    client = OfflineClient(str(path))
    events = client.events(timeout_ms=0)
    assert next(events) is None
    path.write_text("node n1\n")
    assert next(events) == wire.Changed("cib")
    assert next(events) is None
