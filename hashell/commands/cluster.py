"""The commands of the level `cluster`: found one, join one, take one over from heartbeat, and see how it is."""

from __future__ import annotations

import os
import socket
from pathlib import Path as FilePath
from typing import Annotated

from hashell.commands import founding
from hashell.commands.advice import Finding, examine
from hashell.commands.observed import node_lines
from hashell.commands.secret_references import flaws
from hashell.commands.votes import unresolved
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import Flag, Integer, Kind, Path, choice
from hashell.grammar.registry import command
from hashell.outcomes import Listing, Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.heartbeat import HeartbeatFiles
from hashelld.cib.heartbeat import read as read_heartbeat
from hashelld.model.address import is_address
from hashelld.model.ids import is_id


_ADDRESS_HELP = "NAME=ADDRESS, with more addresses behind commas: one for each link"
NodeAddress = Annotated[str, Kind(name="node=address", help=_ADDRESS_HELP)]
Source = Annotated[str, choice("heartbeat:ha.cf, authkeys and haresources of heartbeat 1 to 3")]


@command("cluster", "status", examples=("cluster status",))
def cluster_status(session: Session) -> Outcome:
    """Show nodes, DC and votes."""
    status = session.status()
    rows = tuple((line.node, line.state, "DC" if line.is_dc else "") for line in node_lines(session))
    quorum = "has quorum" if status.quorum.has_quorum else "NO QUORUM"
    return Table(
        title=f"{status.cluster}: {quorum} ({status.quorum.reason}), version {status.version}",
        columns=("node", "state", "office"),
        rows=rows,
    )


@command("cluster", "links", examples=("cluster links",))
def cluster_links(session: Session) -> Outcome:
    """Show how the node that answers hears the others."""
    rows = tuple(
        (link.node, link.presence, "" if link.silence_ms is None else f"{link.silence_ms} ms ago", link.incarnation)
        for link in session.status().links
    )
    note = "" if rows else "There is no other node."
    return Table(columns=("node", "presence", "heard", "incarnation"), rows=rows, note=note)


@command("cluster", "health", examples=("cluster health",))
def cluster_health(session: Session) -> Outcome:
    """Look for what would hurt later: lost contact, no fencing, votes that may tie; with advice for each."""
    status, cib = session.status(), session.applied().cib
    names = sorted({*status.quorum.voters, *(node.id for node in cib.nodes), *(link.node for link in status.links)})
    secrets = tuple((one.object, one.parameter, why) for one, why in flaws(cib, session.programs.secret_flaw))
    found: tuple[Finding, ...] = examine(status, cib, unresolved=unresolved(names), secrets=secrets)
    rows = tuple((one.level, one.text, one.advice) for one in found)
    if not rows:
        return Said(text="Nothing is wrong.", data={"findings": []})
    return Table(columns=("how bad", "what", "advice"), rows=rows)


@command(
    "cluster",
    "init",
    examples=(
        "cluster init node1=10.0.0.1 node2=10.0.0.2 node3=10.0.0.3 --name web",
        "cluster init node1=10.0.0.1,10.1.0.1 node2=10.0.0.2,10.1.0.2 --dir /etc/hashell",
        "cluster init node1=10.0.0.1 node2=10.0.0.2 third=10.0.9.3 --arbiter third",
    ),
)
def cluster_init(
    session: Session,
    *nodes: NodeAddress,
    name: str = "hashell",
    own: str | None = None,
    arbiter: str | None = None,
    dir_: Path = founding.DEFAULT_DIR,
    port: Integer = founding.DEFAULT_PORT,
) -> Outcome:
    """Write hashelld.toml and a new cluster key for this node, and print a token with which the others join.

    Name every node with its address. This node is the one called as the machine is (uname -n), or the
    one named by --own. Existing files are replaced only with --force. The token contains the key: keep it
    secret. The node that --arbiter names votes and runs no resources: with a third host two nodes cannot tie.
    """
    members = _with_arbiter(_members(nodes), arbiter)
    if not 1 <= port <= 65_535:
        raise Usage(f"{port} is no port")
    folder = FilePath(dir_).absolute()
    here = _own_name(own, tuple(m.name for m in members), "--own NAME")
    toml = founding.config_text(cluster=name, members=members, port=port, folder=folder, own=here)
    key = founding.new_key()
    founding.write_files(folder, toml, key, replaces=session.options.force)
    token = founding.make_token(toml, key)
    others = [m.name for m in members if m.name != here]
    join = f"\nOn {', '.join(others)} (the token is a secret: it contains the key):\n\n  hashell cluster join {token}\n"
    text = (
        f"Wrote {folder / founding.CONFIG_NAME} and {folder / founding.KEY_NAME} for {here}.\n"
        f"{join if others else ''}\n"
        f"Then start the daemon on every node:\n\n{_start(folder, 'run')}"
        f"{f' (on {arbiter}: hashelld arbiter)' if arbiter else ''}"
    )
    return Said(text=text, data={"config": str(folder / founding.CONFIG_NAME), "node": here, "token": token})


def _start(folder: FilePath, verb: str) -> str:
    """How a node's daemon is started: the service reads the file at its usual place."""
    by_hand = f"  hashelld {verb} --config {folder / founding.CONFIG_NAME}"
    if folder != FilePath(founding.DEFAULT_DIR):
        return by_hand
    return f"  hashell cluster enable\n  hashell cluster start\n\nor, without systemd:\n\n{by_hand}"


@command("cluster", "token", examples=("cluster token",))
def cluster_token(session: Session, *, dir_: Path = founding.DEFAULT_DIR) -> Outcome:
    """Print the token with which a node joins this cluster, from the files that are here. It is a secret."""
    folder = FilePath(dir_)
    toml, key = _text(folder / founding.CONFIG_NAME), _text(folder / founding.KEY_NAME)
    founding.check_key(key)
    token = founding.make_token(toml, key)
    return Said(text=token, data={"token": token})


@command(
    "cluster",
    "join",
    examples=("cluster join TOKEN", "cluster join --file token.txt", "cluster join TOKEN --own node2"),
)
def cluster_join(
    session: Session,
    token: str | None = None,
    *,
    file: Path | None = None,
    own: str | None = None,
    dir_: Path = founding.DEFAULT_DIR,
) -> Outcome:
    """Write the files with which this node joins a cluster, from the token that `cluster init` printed.

    This node is the one called as the machine is (uname -n), or the one named by --own.
    """
    if (token is None) == (file is None):
        raise Usage("cluster join TOKEN, or cluster join --file PATH")
    found = founding.read_token(token if token is not None else _text(FilePath(file or "")))
    folder = FilePath(dir_).absolute()
    here = _own_name(own, founding.names_in(found.toml), "--own NAME")
    toml = f"{founding.node_part(here)}\n{founding.moved_key(found.toml, folder)}"
    founding.write_files(folder, toml, found.key, replaces=session.options.force)
    config = folder / founding.CONFIG_NAME
    start = _start(folder, founding.command_of(toml, here))
    text = f"Wrote {config} and {folder / founding.KEY_NAME} for {here}. Start it:\n\n{start}"
    return Said(text=text, data={"config": str(config), "node": here})


@command(
    "cluster",
    "import",
    examples=("cluster import heartbeat /etc/ha.d --dry-run", "cluster import heartbeat /etc/ha.d --dir /etc/hashell"),
)
def cluster_import(
    session: Session,
    source: Source,
    folder: Path,
    *nodes: NodeAddress,
    own: str | None = None,
    dir_: Path = founding.DEFAULT_DIR,
    dry_run: Flag = False,
) -> Outcome:
    """Translate a heartbeat cluster: ha.cf, authkeys and haresources become hashelld.toml and a configuration.

    With --dry-run both are printed and nothing is written. The configuration is written as heartbeat.crm beside
    hashelld.toml, to be loaded once the daemons run. Heartbeat's own key is not taken over: a new one is made.
    Addresses of nodes that this machine cannot resolve are given as NAME=ADDRESS.
    """
    ha_d = FilePath(folder)
    files = HeartbeatFiles(
        ha_cf=_optional_text(ha_d / "ha.cf"),
        authkeys=_optional_text(ha_d / "authkeys"),
        authkeys_mode=_mode(ha_d / "authkeys"),
        haresources=_optional_text(ha_d / "haresources"),
    )
    host = own or os.uname().nodename
    given = {member.name: member.addresses[0] for member in _members(nodes)} if nodes else {}
    made = read_heartbeat(files, host, {**_resolved(files.ha_cf or ""), **given})
    if made.errors:
        raise Refused("\n".join((*made.errors, *made.notices)))
    if dry_run:
        text = f"# {founding.CONFIG_NAME}\n{made.toml}\n# heartbeat.crm\n{made.configuration}"
        comments = "".join(f"# {notice}\n" for notice in made.notices)
        return Listing(text=comments + text, language="text")
    out = FilePath(dir_).absolute()
    founding.write_files(out, founding.moved_key(made.toml, out), founding.new_key(), replaces=session.options.force)
    crm = out / "heartbeat.crm"
    crm.write_text(made.configuration, encoding="utf-8")
    config = out / founding.CONFIG_NAME
    text = (
        f"Wrote {config}, {out / founding.KEY_NAME} and {crm}.\nOn the other nodes: hashell cluster join TOKEN "
        f"(hashell cluster token --dir {out} prints it)\nThen start the daemons, and load the resources:\n\n"
        f"  hashelld run --config {config}\n  hashell configure load update {crm}"
    )
    return Said(text=text, data={"config": str(config), "configuration": str(crm)}, warnings=made.notices)


def _members(nodes: tuple[str, ...]) -> tuple[founding.Member, ...]:
    if not nodes:
        raise Usage("Name every node with its address: cluster init node1=10.0.0.1 node2=10.0.0.2 node3=10.0.0.3")
    members = []
    for word in nodes:
        name, equals, addresses = word.partition("=")
        if not equals or not is_id(name):
            raise Usage(f"'{word}' is not NAME=ADDRESS[,ADDRESS…]")
        for address in addresses.split(","):
            if not is_address(address):
                raise Usage(f"'{address}' is no IP address: names would make the cluster depend on DNS")
        members.append(founding.Member(name, tuple(addresses.split(","))))
    names = [m.name for m in members]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Usage(f"{twice} is named twice")
    return tuple(members)


def _with_arbiter(members: tuple[founding.Member, ...], name: str | None) -> tuple[founding.Member, ...]:
    """One of them marked."""
    if name is None:
        return members
    if name not in [member.name for member in members]:
        raise Usage(f"--arbiter names {name}, which has no address here: {name}=ADDRESS")
    if len(members) < 2:
        raise Usage("An arbiter runs nothing: name the nodes that do, too.")
    return tuple(founding.Member(m.name, m.addresses, is_arbiter=m.name == name) for m in members)


def _own_name(own: str | None, names: tuple[str, ...], option: str) -> str:
    wanted = own or os.uname().nodename
    found = next((n for n in names if n.casefold() in (wanted.casefold(), wanted.split(".")[0].casefold())), None)
    if found is None:
        source = "" if own else " (so it is called: uname -n)"
        raise Refused(f"This node, '{wanted}'{source}, is not among {', '.join(names)}: say which it is with {option}.")
    return found


def _resolved(ha_cf: str) -> dict[str, str]:
    """The addresses of the nodes that ha.cf names, as far as this machine knows them."""
    names = [w for line in ha_cf.splitlines() if line.split()[:1] == ["node"] for w in line.split("#")[0].split()[1:]]
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
        except OSError:
            continue
    return found


def _optional_text(path: FilePath) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


def _text(path: FilePath) -> str:
    found = _optional_text(path)
    if found is None:
        raise Refused(f"{path}: no such file")
    return found


def _mode(path: FilePath) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o600
