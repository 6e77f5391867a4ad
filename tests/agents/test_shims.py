"""Pacemaker's commands for agents: what their command lines mean. The lines are those of Debian's agents."""

from __future__ import annotations

import pytest

from hashelld.agents.shims.wishes import Ban, Fact, Get, Place, Said, Set, Slot, Style, Tell
from hashelld.agents.shims.words import understand


def slot(place: Place, name: str, owner: str = "") -> Slot:
    return Slot(place=place, name=name, owner=owner)


SCORE = slot(Place.STATUS, "master-db")


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("crm_attribute --promotion -v 10", Set(slot=SCORE, value="10")),
        ("crm_attribute -p -v -INFINITY", Set(slot=SCORE, value="-INFINITY")),
        ("crm_attribute --promotion -D", Set(slot=SCORE, value=None)),
        ("crm_attribute -p -G -N n2", Get(slot=slot(Place.STATUS, "master-db", "n2"), style=Style.SCOPED)),
        ("crm_attribute -p -N n2 -v 100", Set(slot=slot(Place.STATUS, "master-db", "n2"), value="100")),
        ("crm_attribute --promotion=other -v 1", Set(slot=slot(Place.STATUS, "master-other"), value="1")),
        ("crm_attribute -p -l forever -v 1", Set(slot=slot(Place.NODES, "master-db"), value="1")),
        ("crm_master -l reboot -v 5", Set(slot=SCORE, value="5")),
        ("crm_master -Q -l reboot -v 100", Set(slot=SCORE, value="100")),
        ("crm_master -N n2 -l reboot -G --quiet", Get(slot=slot(Place.STATUS, "master-db", "n2"), style=Style.PLAIN)),
        ("crm_master -l reboot -D", Set(slot=SCORE, value=None)),
        ("crm_master -r web -v 5", Set(slot=slot(Place.NODES, "master-web"), value="5")),
    ],
)
def test_promotion_scores(line, wish):
    assert understand(tuple(line.split()), "db") == wish


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        (
            "crm_attribute -N n1 -l reboot --name db-status -v PRI",
            Set(slot=slot(Place.STATUS, "db-status", "n1"), value="PRI"),
        ),
        (
            "crm_attribute -l forever -N n1 -n db-data-status -G -q",
            Get(slot=slot(Place.NODES, "db-data-status", "n1"), style=Style.PLAIN),
        ),
        (
            "crm_attribute -N n1 -l reboot --name db-bootstrap --quiet",
            Get(slot=slot(Place.STATUS, "db-bootstrap", "n1"), style=Style.PLAIN),
        ),
        (
            "crm_attribute --type crm_config --name db_REPL_INFO -s mysql_replication -v n1|log|4",
            Set(slot=slot(Place.CRM_CONFIG, "db_REPL_INFO", "mysql_replication"), value="n1|log|4"),
        ),
        (
            "crm_attribute --type=crm_config --name=stonith-enabled --query --quiet --default=true",
            Get(slot=slot(Place.CRM_CONFIG, "stonith-enabled"), style=Style.PLAIN, default="true"),
        ),
        (
            "crm_attribute --quiet -t nodes --node n1 -z -n cpu",
            Get(slot=slot(Place.NODE_UTILIZATION, "cpu", "n1"), style=Style.PLAIN),
        ),
        (
            "crm_attribute -t nodes --node n1 -z -n cpu -v 8",
            Set(slot=slot(Place.NODE_UTILIZATION, "cpu", "n1"), value="8"),
        ),
        ("crm_attribute -n x -v 1", Set(slot=slot(Place.CRM_CONFIG, "x"), value="1")),
        ("crm_attribute -N n1 -n x -v 1", Set(slot=slot(Place.NODES, "x", "n1"), value="1")),
        ("crm_attribute -t status -N n1 -nx -v1", Set(slot=slot(Place.STATUS, "x", "n1"), value="1")),
    ],
)
def test_attributes(line, wish):
    assert understand(tuple(line.split()), "db") == wish


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("attrd_updater -n pingd -B 1000 -d 5s", Set(slot=slot(Place.STATUS, "pingd"), value="1000", delay_ms=5_000)),
        ("attrd_updater -n pingd -v 1000 -d 5", Set(slot=slot(Place.STATUS, "pingd"), value="1000", delay_ms=5_000)),
        ("attrd_updater -D -n pingd -d 5s", Set(slot=slot(Place.STATUS, "pingd"), value=None)),
        ("attrd_updater -p -n db-gtid -U 0-1-2", Set(slot=slot(Place.STATUS, "db-gtid"), value="0-1-2")),
        ("attrd_updater -n opa -Q", Get(slot=slot(Place.STATUS, "opa"), style=Style.QUOTED)),
        ("attrd_updater -p -N n2 -n x -Q", Get(slot=slot(Place.STATUS, "x", "n2"), style=Style.QUOTED)),
        ("attrd_updater --query -n x -A", Get(slot=slot(Place.STATUS, "x"), style=Style.QUOTED, is_everywhere=True)),
        ("attrd_updater -S status -n free -B 3 -d 0", Set(slot=slot(Place.STATUS, "free"), value="3")),
        ("attrd_updater -R", Said()),
        ("crm_node -n", Tell(Fact.NAME)),
        ("crm_node --list", Tell(Fact.LIST)),
        ("crm_node -l -p", Tell(Fact.MEMBERS)),
        ("crm_node -q", Tell(Fact.QUORUM)),
        ("crm_node -i", Tell(Fact.NUMBER)),
        ("crm_node -N 2", Tell(Fact.NAME_OF, "2")),
        ("crm_resource -Q -r vm -z -g cpu", Get(slot=slot(Place.UTILIZATION, "cpu", "vm"), style=Style.PLAIN)),
        ("crm_resource -r vm -z -p cpu -v 2", Set(slot=slot(Place.UTILIZATION, "cpu", "vm"), value="2")),
        (
            "crm_resource --resource=vm --utilization --delete-parameter=cpu",
            Set(slot=slot(Place.UTILIZATION, "cpu", "vm"), value=None),
        ),
        ("crm_resource -m -g target-role", Get(slot=slot(Place.META, "target-role", "db"), style=Style.PLAIN)),
        ("crm_resource -B -r db -N n1 -Q", Ban("db", "n1")),
    ],
)
def test_other_commands(line, wish):
    assert understand(tuple(line.split()), "db") == wish


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "no such command"),
        ("crm_shadow -l", "no such command"),
        ("crm_attribute --bogus", "Unknown option --bogus"),
        ("crm_attribute -n", "Missing argument for -n"),
        ("crm_attribute -n x stray", "Unexpected argument stray"),
        ("crm_attribute -G", "attribute is needed"),
        ("crm_attribute -n x -l month -v 1", "no lifetime"),
        ("crm_attribute -n x -t acls -v 1", "no section"),
        ("crm_attribute --quiet=yes -n x", "takes no value"),
        ("crm_master -l month -v 1", "no lifetime"),
        ("attrd_updater -n x", "Must specify a command"),
        ("attrd_updater -Q", "requires --name"),
        ("attrd_updater -n x -U 1 -d soon", "no duration"),
        ("crm_node", "Must specify a command"),
        ("crm_resource -r vm -p cpu", "supply a value"),
        ("crm_resource -r vm -W", "Unknown option -W"),
        ("crm_resource -r vm", "only parameters"),
    ],
)
def test_what_is_not_understood_is_a_usage_error(line, told):
    said = understand(tuple(line.split()), "db")
    assert isinstance(said, Said)
    assert (said.code, said.out) == (64, "")
    assert told in said.err


def test_a_promotion_score_is_some_resource_s():
    for line in ("crm_attribute -p -v 1", "crm_master -v 1"):
        said = understand(tuple(line.split()))
        assert isinstance(said, Said)
        assert said.code == 64


@pytest.mark.parametrize("line", ["crm_attribute --version", "crm_node -$"])
def test_versions(line):
    said = understand(tuple(line.split()))
    assert isinstance(said, Said)
    assert said.out.startswith("Pacemaker 2.")


def test_help_is_no_error():
    said = understand(("attrd_updater", "--help"))
    assert isinstance(said, Said)
    assert (said.code, said.err) == (0, "")
