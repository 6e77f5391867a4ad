"""Access rights on every way into the daemon and out of it."""

from __future__ import annotations

from typing import get_args

import pytest

from hashelld.cib.document import Cib
from hashelld.cib.edit import Delete, Put
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.core.events import DropsCounted
from hashelld.core.rights import PERMISSIONS, Permission, rights_for
from hashelld.model.history import fail_count_name
from hashelld.model.ids import NO_VERSION, NodeId, ResourceId
from hashelld.model.resource import Primitive, value_of
from hashelld.wire.client import (
    DROPS,
    ISOLATION_MS_MAX,
    ISOLATION_MS_MIN,
    AgentAsk,
    AskCommit,
    Changed,
    ChangeQuorum,
    CibIs,
    Cleanup,
    Committed,
    Conflict,
    Done,
    Dropped,
    FenceNode,
    ForceStart,
    GetCib,
    GetHistory,
    GetLog,
    GetStatus,
    HistoryIs,
    Isolate,
    MakeCommit,
    Refused,
    Request,
    SetAttribute,
    StatusIs,
    Subscribe,
)
from hashelld.wire.log import Author
from tests.core.alone import ANNA, EVE, N1, ROOT, Alone


BASE = """\
node n1
primitive vip ocf:x:A params ip=10.0.0.9 password=hushhush
primitive db ocf:x:B params key=alsosecret
property stonith-enabled=false enable-acl=true
"""
OBSERVER = "read cib deny xpath:\"//nvpair[@name='password']\" deny ref:db deny xpath:\"//lrm_resource[@id='db']\""
EVERY_REQUEST: dict[type, Request] = {
    GetCib: GetCib(),
    GetStatus: GetStatus(),
    MakeCommit: MakeCommit(id="m", base=NO_VERSION, edits=()),
    AskCommit: AskCommit("m"),
    GetHistory: GetHistory(),
    GetLog: GetLog(),
    Cleanup: Cleanup(),
    FenceNode: FenceNode(N1),
    Isolate: Isolate(1_000),
    SetAttribute: SetAttribute(node=N1, name="a", value="1"),
    Subscribe: Subscribe(),
    AgentAsk: AgentAsk(("crm_node", "-n")),
    ChangeQuorum: ChangeQuorum(votes={N1: 2}),
    ForceStart: ForceStart(is_question=True),
}


def cluster(role: str = OBSERVER, more: str = "") -> Alone:
    return Alone(f"{BASE}role r {role}\nacl_target anna r\n{more}")


def text_of(answer: object) -> str:
    return repr(answer)


def test_every_request_has_a_permission() -> None:
    assert set(get_args(Request)) == set(PERMISSIONS)
    assert set(get_args(Request)) == set(EVERY_REQUEST)


@pytest.mark.parametrize("request_type", list(EVERY_REQUEST), ids=lambda one: one.__name__)
def test_who_has_no_role_is_refused_everything(request_type: type) -> None:
    alone = cluster()
    answer = alone.ask(EVE, EVERY_REQUEST[request_type])
    assert isinstance(answer, Refused)
    assert answer.code == "permission"
    assert alone.said("request.refused")[-1]["user"] == "eve"
    assert alone.node.clients.refused == 1


@pytest.mark.parametrize("request_type", [t for t, p in PERMISSIONS.items() if p is Permission.UNLIMITED])
def test_what_is_for_nobody_who_is_limited(request_type: type) -> None:
    answer = cluster("write cib").ask(ANNA, EVERY_REQUEST[request_type])
    assert isinstance(answer, Refused)
    assert answer.code == "permission"


@pytest.mark.parametrize(
    "author",
    [ROOT, Author(user="root", uid=0), Author(user="hacluster", uid=90, is_trusted=True)],
)
def test_some_are_never_limited(author: Author) -> None:
    alone = cluster()
    answer = alone.ask(author, GetCib())
    assert isinstance(answer, CibIs)
    assert answer.cib == alone.node.standing.log.cib
    assert isinstance(alone.ask(author, Cleanup()), Done)


def test_nobody_is_limited_before_it_is_switched_on() -> None:
    alone = Alone(BASE.replace("enable-acl=true", "enable-acl=false"))
    answer = alone.ask(EVE, GetCib())
    assert isinstance(answer, CibIs)
    assert "hushhush" in text_of(answer)
    assert isinstance(alone.commit(EVE, "primitive x ocf:x:A"), Committed)


def test_somebody_without_a_name_is_nobody() -> None:
    assert isinstance(cluster().ask(Author(user=""), GetCib()), Refused)


# What is read.


def test_the_configuration_is_filtered() -> None:
    alone = cluster()
    answer = alone.ask(ANNA, GetCib())
    assert isinstance(answer, CibIs)
    assert "hushhush" not in text_of(answer)
    assert "alsosecret" not in text_of(answer)
    assert "10.0.0.9" in text_of(answer)
    assert answer.version == alone.node.standing.log.acknowledged
    assert alone.ask(ANNA, GetCib()) == answer


def test_the_status_is_filtered() -> None:
    alone = cluster()
    alone.ask(ROOT, SetAttribute(node=N1, name="password", value="transient"))
    alone.wait(30)
    whole, answer = alone.ask(ROOT, GetStatus()), alone.ask(ANNA, GetStatus())
    assert isinstance(whole, StatusIs)
    assert isinstance(answer, StatusIs)
    assert {one.resource for one in whole.nodes[0].status.operations} == {"vip", "db"}
    assert {one.resource for one in answer.nodes[0].status.operations} == {"vip"}
    assert "transient" in text_of(whole)
    assert "transient" not in text_of(answer)
    assert (answer.dc, answer.in_flight, answer.drops, answer.blocked) == ("n1", (), (), ())


def test_the_status_without_a_right_to_it_says_nothing_of_the_cluster() -> None:
    answer = cluster("read type:primitive").ask(ANNA, GetStatus())
    assert isinstance(answer, StatusIs)
    assert (answer.nodes, answer.dc, answer.links, answer.quorum.total) == ((), None, (), 0)


def test_the_history_is_filtered() -> None:
    alone = cluster()
    alone.commit(ROOT, "primitive vip ocf:x:A params ip=10.0.0.8 password=hushhush2")
    alone.commit(ROOT, "primitive db ocf:x:B params key=alsosecret2")
    alone.commit(ROOT, "location l vip 100: n1")
    alone.ask(ROOT, Cleanup(ResourceId("db")))
    alone.wait(5)
    answer = alone.ask(ANNA, GetHistory())
    assert isinstance(answer, HistoryIs)
    assert [entry.text for entry in answer.entries[1:]] == [
        "changed anna r cib-bootstrap-options vip",
        "changed vip",
        "location l vip 100: n1",
    ]
    for secret in ("hushhush", "alsosecret", "cleaned"):
        assert secret not in text_of(answer)
    assert "10.0.0.8" in text_of(answer)
    assert "db" not in {edit.object.id for entry in answer.entries for edit in entry.edits if isinstance(edit, Put)}
    assert answer.entries[-1].author is not None
    assert answer.entries[-1].author.user == "root"


def test_the_history_of_what_is_wholly_hidden_is_empty() -> None:
    alone = cluster("read ref:nothing")
    alone.commit(ROOT, "primitive db ocf:x:B params key=alsosecret2")
    answer = alone.ask(ANNA, GetHistory())
    assert isinstance(answer, HistoryIs)
    assert answer.entries == ()


def test_whoever_reads_all_sees_the_history_as_it_is() -> None:
    alone = cluster("read cib")
    alone.commit(ROOT, "primitive db ocf:x:B params key=alsosecret2")
    assert alone.ask(ANNA, GetHistory()) == alone.ask(ROOT, GetHistory())


def test_a_conflict_shows_no_more_than_the_configuration() -> None:
    alone = cluster("write cib deny xpath:\"//nvpair[@name='password']\"")
    shown = alone.ask(ANNA, GetCib())
    assert isinstance(shown, CibIs)
    alone.commit(ROOT, "primitive vip ocf:x:A params ip=10.0.0.8 password=hushhush2")
    vip = shown.cib.find("vip")
    assert vip is not None
    answer = alone.ask(ANNA, MakeCommit(id="late", base=shown.version, edits=(Put(vip),)))
    assert isinstance(answer, Conflict)
    assert "10.0.0.8" in text_of(answer.theirs)
    assert "hushhush" not in text_of(answer)


def test_events_say_only_that_something_changed() -> None:
    alone = cluster()
    assert alone.ask(ANNA, Subscribe()) == Changed("status")


def test_rights_that_change_count_at_once() -> None:
    alone = cluster()
    assert "hushhush" not in text_of(alone.ask(ANNA, GetCib()))
    alone.commit(ROOT, "role r read cib")
    assert "hushhush" in text_of(alone.ask(ANNA, GetCib()))
    alone.commit_edits(ROOT, Delete("anna"))
    assert isinstance(alone.ask(ANNA, GetCib()), Refused)


def test_an_answer_for_a_shell_that_is_gone_is_not_given() -> None:
    alone = cluster()
    alone.ask(ANNA, GetCib())
    alone.gone(ANNA)
    alone.node.clients.reply(b"anna", 99, Done("late"))
    alone.wait()
    assert (b"anna", 99) not in alone._answers


# What is written.


def test_a_commit_is_judged_edit_by_edit() -> None:
    alone = cluster("read cib write xpath:\"//nvpair[@name='ip']\"")
    assert isinstance(alone.commit(ANNA, "primitive vip ocf:x:A params ip=10.0.0.8 password=hushhush"), Committed)
    for text in (
        "primitive vip ocf:x:A params ip=10.0.0.8 password=mine",
        "primitive vip ocf:x:C params ip=10.0.0.8 password=hushhush",
        "primitive new ocf:x:A",
        "property enable-acl=false",
        "acl_target eve r",
    ):
        answer = alone.commit(ANNA, text)
        assert isinstance(answer, Refused)
        assert answer.code == "permission"
        assert answer.details
    refused = alone.commit_edits(ANNA, Delete("db"))
    assert isinstance(refused, Refused)


def test_an_objection_says_nothing_of_what_is_hidden() -> None:
    alone = cluster("write cib deny ref:secret-place", "primitive a ocf:x:A\nlocation secret-place a 100: n1\n")
    made = alone.ask(ANNA, GetCib())
    assert isinstance(made, CibIs)
    answer = alone.ask(ANNA, MakeCommit(id="d", base=made.version, edits=(Delete("a"),)))
    assert answer == Refused(
        "invalid",
        "something that you may not see would not be sound any more",
        ("something that you may not see would not be sound any more",),
    )


def test_what_is_hidden_survives_a_change() -> None:
    alone = cluster("write cib deny xpath:\"//nvpair[@name='password']\"")
    shown = alone.ask(ANNA, GetCib())
    assert isinstance(shown, CibIs)
    text = format_cib(Cib(tuple(o for o in shown.cib.objects if o.id == "vip"))).replace("10.0.0.9", "10.0.0.7")
    assert isinstance(alone.commit(ANNA, text), Committed)
    vip = alone.node.standing.log.cib.find("vip")
    assert isinstance(vip, Primitive)
    assert (value_of(vip.params, "ip"), value_of(vip.params, "password")) == ("10.0.0.7", "hushhush")


@pytest.mark.parametrize(
    ("role", "request_", "is_permitted"),
    [
        ("read cib", Cleanup(ResourceId("vip")), False),
        ("read cib write status", Cleanup(), True),
        ("read cib write status deny xpath:\"//lrm_resource[@id='db']\"", Cleanup(), False),
        ("read cib write status deny xpath:\"//lrm_resource[@id='db']\"", Cleanup(ResourceId("vip")), True),
        ("read cib write xpath:\"//lrm_resource[@id='vip']\"", Cleanup(ResourceId("vip"), N1), True),
        ("read cib write xpath:\"//lrm_resource[@id='vip']\"", Cleanup(ResourceId("db")), False),
        ("read cib write xpath:\"//lrm_resource[@id='vip']\"", Cleanup(), False),
        ("read cib", SetAttribute(node=N1, name="a", value="1"), False),
        ("read cib write xpath:\"//node_state//nvpair[@name='a']\"", SetAttribute(node=N1, name="a"), True),
        ("read cib write xpath:\"//node_state//nvpair[@name='a']\"", SetAttribute(node=N1, name="b"), False),
        ("read cib write status", FenceNode(N1), False),
        ("read cib write node", FenceNode(N1, confirm=True), False),
        ("read cib write node write status", FenceNode(N1), True),
        ("write cib deny xpath:\"//node[@uname='n1']\"", FenceNode(N1), False),
    ],
)
def test_operations_need_write_on_the_state_that_they_change(
    role: str, request_: Request, *, is_permitted: bool
) -> None:
    answer = cluster(role).ask(ANNA, request_)
    is_refused = isinstance(answer, Refused) and answer.code == "permission"
    assert is_refused is not is_permitted, answer


def test_a_request_that_another_node_passes_on_is_judged_here_too() -> None:
    alone = cluster()
    alone.node.requests.on_forwarded_here(alone.now, NodeId("n2"), 1, EVE, Cleanup())
    assert alone.node.clients.refused == 1
    alone.node.requests.on_forwarded_here(alone.now, NodeId("n2"), 1, EVE, SetAttribute(node=N1, name="a", value="1"))
    assert alone.node.clients.refused == 2
    assert alone.node.lrm.attributes() == {}


# Who did what, from where.


def test_every_change_says_who_did_it() -> None:
    alone = Alone(BASE)
    alone.commit(ROOT, "node n1 attributes standby=on")
    alone.ask(ROOT, Cleanup(ResourceId("vip")))
    alone.ask(ROOT, SetAttribute(node=N1, name="a", value="1"))
    alone.wait(5)
    history = alone.ask(ROOT, GetHistory())
    assert isinstance(history, HistoryIs)
    done = [(entry.kind, entry.text) for entry in history.entries if entry.author is not None]
    assert done[-2:] == [("commit", "node n1 attributes standby=on"), ("operation", "cleaned up vip on n1")]
    for entry in history.entries:
        if entry.author is not None:
            assert (entry.author.user, entry.author.uid, entry.author.node, entry.author.pid) == ("root", 0, "n1", 7)
            assert (entry.author.groups, entry.author.is_trusted) == ((), False)
    assert [one["what"] for one in alone.said("request.done")] == ["cleaned up vip on n1", "set a of n1"]
    assert {(one["user"], one["uid"], one["pid"], one["at"]) for one in alone.said("request.done")} == {
        ("root", 0, 7, "n1")
    }


def test_agents_attributes_are_not_noted() -> None:
    alone = Alone(BASE)
    alone.ask(ROOT, AgentAsk(("attrd_updater", "-n", "pingd", "-U", "1")))
    assert alone.node.lrm.attributes() == {"pingd": "1"}
    assert alone.said("request.done") == []


# What is not taken is counted.


def test_what_is_not_taken_is_told() -> None:
    alone = cluster("read cib")
    alone.ask(EVE, GetCib())
    alone.take(DropsCounted((Dropped("forged_beats", 3),)))
    answer = alone.ask(ANNA, GetStatus())
    assert isinstance(answer, StatusIs)
    assert answer.drops == (Dropped("forged_beats", 3), Dropped("refused_requests", 1))
    assert {one.kind for one in answer.drops} <= DROPS.keys()


def test_the_log_is_told_by_the_world() -> None:
    alone = cluster()
    assert alone.ask(ROOT, GetLog(5)) is None
    assert [(one.client, one.limit) for one in alone.logs] == [(b"root", 5)]
    assert isinstance(alone.ask(EVE, GetLog(5)), Refused)
    assert len(alone.logs) == 1


def test_a_fail_count_is_set_and_counts_as_what_happened() -> None:
    alone = cluster()
    name = fail_count_name("vip", "monitor", 10_000)

    def counts() -> list[tuple[str, str, int, int]]:
        found = alone.node.lrm.status().failures
        return [(one.resource, one.operation, one.interval_ms, one.count) for one in found]

    assert isinstance(alone.ask(ROOT, SetAttribute(node=N1, name=name, value="3")), Done)
    assert counts() == [("vip", "monitor", 10_000, 3)]
    assert alone.node.lrm.attributes() == {}
    assert isinstance(alone.ask(ROOT, SetAttribute(node=N1, name=name, value="INFINITY")), Done)
    assert counts() == [("vip", "monitor", 10_000, 1_000_000)]
    for bad in ("-1", "often"):
        assert isinstance(alone.ask(ROOT, SetAttribute(node=N1, name=name, value=bad)), Refused)
    assert isinstance(alone.ask(ROOT, SetAttribute(node=N1, name=name)), Done)
    assert counts() == []
    assert isinstance(alone.ask(ANNA, SetAttribute(node=N1, name=name, value="1")), Refused)


def test_a_drill_is_bounded_and_told_to_the_world() -> None:
    alone = cluster()
    for span in (0, ISOLATION_MS_MIN - 1, ISOLATION_MS_MAX + 1):
        assert isinstance(alone.ask(ROOT, Isolate(span)), Refused)
    assert alone.cuts == []
    assert isinstance(alone.ask(ROOT, Isolate(ISOLATION_MS_MIN)), Done)
    assert [one.until_ms for one in alone.cuts] == [alone.now + ISOLATION_MS_MIN]
    assert alone.said("request.done")[-1]["user"] == "root"


def test_rights_of_an_empty_configuration() -> None:
    assert rights_for(Cib(), EVE).is_unlimited
    assert rights_for(read_cib(BASE)[0], EVE).is_none
