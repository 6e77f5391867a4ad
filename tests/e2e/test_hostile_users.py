"""Users of the machine who are not root, at the socket of a real daemon: their roles, and nothing else."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import LoopbackCluster, environment


GROUP = "haclient"
USER = "daemon"
SECRET = "hushhush"


def has_group() -> bool:
    try:
        grp.getgrnam(GROUP)
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or not has_group(), reason=f"needs root, and the group {GROUP}"),
]

CODE = f"""
import os, grp, pwd, sys
from hashell.client.zmq import ZmqClient
from hashelld.wire.client import *
from hashelld.cib.change import set_param, set_property
group = grp.getgrnam({GROUP!r}).gr_gid
os.setgroups([group] if sys.argv[2] == "in" else [])
os.setgid(group if sys.argv[2] == "in" else pwd.getpwnam({USER!r}).pw_gid)
os.setuid(pwd.getpwnam({USER!r}).pw_uid)
try:
    client = ZmqClient(sys.argv[1])
    for request in (GetCib(), GetStatus(), GetHistory(), GetLog(), Cleanup(), Isolate(1000), AgentAsk(("crm_node",))):
        print(type(request).__name__, client.ask(request))
    shown = client.ask(GetCib())
    for edits in (set_param(shown.cib, "vip", "fake", "2"), set_property(shown.cib, "maintenance-mode", "false")):
        print("MakeCommit", client.ask(MakeCommit(id=repr(edits), base=shown.version, edits=edits, force=True)))
except Exception as error:
    print(type(error).__name__, error)
"""

CONFIGURATION = f"""\
configure
property stonith-enabled=false
primitive vip ocf:hashell:Dummy params fake={SECRET}
role operator read cib deny params:vip write property:maintenance-mode
acl_target {USER} operator
property enable-acl=true
commit
"""


@pytest.fixture
def cluster() -> Iterator[LoopbackCluster]:
    """A daemon whose folder everybody may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="hashell-users-"))
    with LoopbackCluster(folder, ("node1",)) as made:
        made.start()
        folder.chmod(0o755)
        made["node1"].shell("--force", "-f", "-", text=CONFIGURATION).ok()
        yield made
    shutil.rmtree(folder)


def asked(cluster: LoopbackCluster, where: str) -> dict[str, list[str]]:
    """What the user is answered, by request."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(cluster["node1"].socket), where],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        name, _, answer = line.partition(" ")
        found.setdefault(name, []).append(answer)
    return found


def test_a_member_of_the_group_has_a_role_and_nothing_else(cluster: LoopbackCluster) -> None:
    found = asked(cluster, "in")
    assert not [line for lines in found.values() for line in lines if SECRET in line]
    assert found["GetCib"][0].startswith("CibIs")
    assert found["GetStatus"][0].startswith("StatusIs")
    assert found["GetHistory"][0].startswith("HistoryIs")
    for name in ("GetLog", "Cleanup", "Isolate", "AgentAsk"):
        assert found[name][0].startswith("Refused(code='permission'"), found[name]
    refused, made = found["MakeCommit"]
    assert refused.startswith("Refused(code='permission'")
    assert made.startswith("Committed")
    history = cluster["node1"].shell("--json", "history", "log").ok().out
    assert USER in history
    log = cluster["node1"].log.read_text()
    assert f"event=request.refused request=cleanup user={USER}" in log
    told = cluster["node1"].shell("--json", "cluster", "health").ok().out
    assert "refused_requests" in told


def test_others_do_not_reach_the_socket(cluster: LoopbackCluster) -> None:
    assert list(asked(cluster, "out")) == ["Unreachable"]
