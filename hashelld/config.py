"""hashelld.toml: text to a frozen `DaemonConfig`; every problem is told with its file and line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from hashelld.cib.digest import digest
from hashelld.config_arbiters import PingTable, check_arbiter, ping_settings
from hashelld.config_disk import marks, objections, placed, take_disk
from hashelld.config_lines import Lines
from hashelld.config_timings import timing_problems
from hashelld.core.settings import DEVICE, OFF, DiskSettings, PingSettings, Settings, Watchdog
from hashelld.limits import (
    CONFIG_BYTES_MAX,
    DEFAULT_PORT,
    LINKS_MAX,
    NODE_NAME_LENGTH_MAX,
    NODES_MAX,
    SOCKET_PATH_LENGTH_MAX,
)
from hashelld.model.address import is_address
from hashelld.model.duration import parse_duration
from hashelld.model.ids import Millis, NodeId, is_id
from hashelld.model.secret import SECRETS_DIR
from hashelld.wire.log import HIGHEST, LOWEST, Electorate


DEFAULT_PATH: Final = "/etc/hashell/hashelld.toml"
AUTO: Final = "auto"


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong; line 0 means the whole file."""

    line: int
    text: str


class ConfigError(Exception):
    """The file cannot be used; all problems that were found."""

    def __init__(self, path: str, problems: tuple[Problem, ...]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(f"{path}:{p.line}: {p.text}" if p.line else f"{path}: {p.text}" for p in problems))


class NodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One of the cluster's nodes and where it is reached, a link for each address."""

    name: NodeId
    addresses: tuple[str, ...]
    port: int
    votes: int = 1
    is_arbiter: bool = False


class DaemonConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that hashelld.toml says, checked; paths are absolute."""

    node: NodeId
    state: str
    socket: str
    realtime: bool
    cluster_name: str
    keys: tuple[str, ...]
    keepalive_ms: Millis
    warntime_ms: Millis
    deadtime_ms: Millis
    initdead_ms: Millis
    restart_grace_ms: Millis
    nodes: tuple[NodeEntry, ...]
    founding: Electorate
    takeover_delay_ms: Millis | None
    """None: computed."""
    watchdog: Watchdog | None
    ping: PingSettings | None = None
    disk: DiskSettings | None = None
    environment: dict[str, str]
    ocf_root: str
    secrets: str
    """The directory of the files that `secret:NAME` refers to."""

    @property
    def own(self) -> NodeEntry:
        """This node's entry."""
        return next(entry for entry in self.nodes if entry.name == self.node)

    @property
    def peers(self) -> tuple[NodeEntry, ...]:
        """The other nodes."""
        return tuple(entry for entry in self.nodes if entry.name != self.node)


class _Node(msgspec.Struct):
    name: str = ""
    state: str = "/var/lib/hashell"
    socket: str = "/run/hashell/hashelld.sock"
    realtime: bool = True


class _Cluster(msgspec.Struct):
    name: str = "hashell"
    key: str | list[str] = "/etc/hashell/cluster.key"
    port: int = DEFAULT_PORT
    keepalive: str = "100ms"
    warntime: str = "300ms"
    deadtime: str = "600ms"
    initdead: str = "10s"
    restart_grace: str = ""


class _Member(msgspec.Struct):
    name: str
    addresses: list[str]
    port: int = 0
    votes: int = 1
    arbiter: bool = False


class _Quorum(msgspec.Struct):
    two_node: bool = False
    wait_for_all: bool | None = None
    auto_tie_breaker: bool | str | list[str] = False
    last_man_standing: bool = False
    last_man_standing_window: str = "10s"
    takeover_delay: str = ""
    ping: dict[str, object] | None = None


class _Watchdog(msgspec.Struct):
    mode: str = DEVICE
    device: str = "/dev/watchdog"
    timeout: str = "5s"
    stop_budget: str = "20s"


class _Agents(msgspec.Struct):
    environment: dict[str, str] = {}
    ocf_root: str = "/usr/lib/ocf"
    secrets: str = SECRETS_DIR


_ARBITERS: Final = frozenset({("quorum", "device"), ("quorum", "server")})
_TABLES: Final = ("node", "cluster", "nodes", "quorum", "watchdog", "agents")
_Table = TypeVar("_Table", _Node, _Cluster, _Member, _Quorum, _Watchdog, _Agents, PingTable)


def load(path: str, uname: str | None = None) -> DaemonConfig:
    """Read and check a file; `ConfigError` with every problem. `uname` replaces the host's name."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        problem = Problem(0, "no such file (write it, or name another with --config PATH)")
        raise ConfigError(path, (problem,)) from None
    except OSError as failure:
        raise ConfigError(path, (Problem(0, str(failure.strerror)),)) from failure
    if len(data) > CONFIG_BYTES_MAX:
        raise ConfigError(path, (Problem(0, f"longer than {CONFIG_BYTES_MAX} bytes"),))
    try:
        text = data.decode()
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise ConfigError(path, (Problem(line, "not UTF-8"),)) from None
    return parse(text, path, os.uname().nodename if uname is None else uname)


def parse(text: str, path: str, uname: str) -> DaemonConfig:
    """The configuration that this text is; relative paths in it count from the file's directory."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as failure:
        message, _, place = str(failure).partition(" (at line ")
        line = int(place.split(",")[0]) if place else text.count("\n") + 1
        raise ConfigError(path, (Problem(line, f"not TOML: {message}"),)) from None
    return _Reader(text, path, uname).read(document)


def to_settings(config: DaemonConfig) -> Settings:
    """What the core is told of the file."""
    limits = (config.keepalive_ms, config.warntime_ms, config.deadtime_ms, config.initdead_ms, config.restart_grace_ms)
    timings = (*limits, *(config.watchdog.timings if config.watchdog is not None else ()))
    names = tuple(entry.name for entry in config.nodes)
    disk = placed(config.disk, names, config.node)
    return Settings(
        node=config.node,
        cluster_name=config.cluster_name,
        file_digest=digest((config.founding, timings, *marks(disk, names))),
        disk=disk,
        timings_digest=digest(timings),
        founding=config.founding,
        keepalive_ms=config.keepalive_ms,
        warntime_ms=config.warntime_ms,
        deadtime_ms=config.deadtime_ms,
        initdead_ms=config.initdead_ms,
        restart_grace_ms=config.restart_grace_ms,
        takeover_delay_ms=config.takeover_delay_ms,
        watchdog=config.watchdog,
        ping=config.ping,
        ocf_root=config.ocf_root,
        own_ocf_root=str(Path(__file__).resolve().parent / "agents" / "ocf"),
        shims_dir=str(Path(config.state) / "shims"),
        state_dir=config.state,
        environment=config.environment,
    )


class _Reader:
    """Collects the problems of one text while it reads it."""

    def __init__(self, text: str, path: str, uname: str) -> None:
        self._lines = Lines(text)
        self._path = path
        self._directory = Path(path).absolute().parent
        self._uname = uname
        self._problems: list[Problem] = []

    def read(self, document: dict[str, object]) -> DaemonConfig:
        """The configuration, or `ConfigError`."""
        self._check_keys("", 0, document, _TABLES)
        node = self._table("node", 0, document.get("node", {}), _Node)
        cluster = self._table("cluster", 0, document.get("cluster", {}), _Cluster)
        disk, words = take_disk(document.get("quorum", {}), self._directory, self._tell, self._check_keys)
        quorum = self._table("quorum", 0, words, _Quorum)
        watchdog = self._table("watchdog", 0, document.get("watchdog", {"mode": OFF}), _Watchdog)
        agents = self._table("agents", 0, document.get("agents", {}), _Agents)
        members = self._members(document.get("nodes", []))
        self._stop_if_bad()
        assert node is not None
        assert cluster is not None
        assert quorum is not None
        assert watchdog is not None
        assert agents is not None
        entries = self._entries(members, cluster)
        founding = self._electorate(entries, quorum)
        config = DaemonConfig(
            node=self._own_name(node, entries),
            state=self._absolute(node.state),
            socket=self._socket(node),
            realtime=node.realtime,
            cluster_name=cluster.name,
            keys=tuple(self._absolute(key) for key in ([cluster.key] if isinstance(cluster.key, str) else cluster.key)),
            keepalive_ms=self._duration("cluster", "keepalive", cluster.keepalive),
            warntime_ms=self._duration("cluster", "warntime", cluster.warntime),
            deadtime_ms=self._duration("cluster", "deadtime", cluster.deadtime),
            initdead_ms=self._duration("cluster", "initdead", cluster.initdead),
            restart_grace_ms=self._restart_grace(cluster),
            nodes=entries,
            founding=founding,
            takeover_delay_ms=self._takeover_delay(quorum),
            watchdog=self._watchdog(watchdog),
            ping=self._ping(quorum, entries),
            disk=disk,
            environment=agents.environment,
            ocf_root=agents.ocf_root,
            secrets=self._absolute(agents.secrets),
        )
        self._check_values(config)
        for text in objections(config.disk, config.founding, config.takeover_delay_ms):
            self._tell("quorum.disk", 0, "", text)
        self._stop_if_bad()
        return config

    def _tell(self, table: str, at: int, key: str, text: str) -> None:
        self._problems.append(Problem(self._lines.find(table, at, key), text))

    def _stop_if_bad(self) -> None:
        if self._problems:
            raise ConfigError(self._path, tuple(sorted(self._problems, key=lambda p: p.line)))

    def _check_keys(self, table: str, at: int, found: Iterable[str], known: tuple[str, ...]) -> None:
        for key in found:
            if key not in known:
                where = f" in [{table}]" if table else ""
                self._tell(table or key, at, key, f"unknown key '{key}'{where}{_hint(key, known)}")

    def _table(self, table: str, at: int, found: object, kind: type[_Table]) -> _Table | None:
        if not isinstance(found, dict):
            self._tell(table, at, "", f"[{table}] is a table of keys")
            return None
        known = kind.__struct_fields__
        missing = [key for key in found if (table, key) in _ARBITERS]
        for key in missing:
            self._tell(table, at, key, f"[{table}.{key}] is not supported: hashelld has no such arbiter")
        self._check_keys(table, at, (key for key in found if key not in missing), known)
        try:
            return msgspec.convert(found, kind)
        except msgspec.ValidationError as failure:
            message, _, place = str(failure).partition(" - at `$.")
            key = place.rstrip("`").split("[")[0].split(".")[0]
            what = f"'{key}': " if key else ""
            self._tell(table, at, key, f"{what}{_plain(message)}")
            return None

    def _members(self, found: object) -> list[_Member]:
        if not isinstance(found, list) or not found:
            self._tell("nodes", 0, "", "no [[nodes]]: name every node of the cluster with its addresses")
            return []
        if len(found) > NODES_MAX:
            self._tell("nodes", 0, "", f"{len(found)} nodes; at most {NODES_MAX} are supported")
            return []
        members = (self._table("nodes", at, one, _Member) for at, one in enumerate(found))
        return [member for member in members if member is not None]

    def _entries(self, members: list[_Member], cluster: _Cluster) -> tuple[NodeEntry, ...]:
        entries: list[NodeEntry] = []
        names: dict[str, str] = {}
        places: dict[tuple[str, int], str] = {}
        for at, member in enumerate(members):
            other = names.setdefault(member.name.casefold(), member.name)
            if other != member.name or any(entry.name == member.name for entry in entries):
                self._tell("nodes", at, "name", f"node '{member.name}' is there twice (case does not tell names apart)")
            port = member.port or cluster.port
            self._check_member(at, member, port)
            for address in member.addresses:
                owner = places.setdefault((address, port), member.name)
                if owner != member.name or member.addresses.count(address) > 1:
                    self._tell("nodes", at, "addresses", f"address {address} port {port} is there twice (also {owner})")
            name = NodeId(member.name)
            arbiter = member.arbiter
            entry = NodeEntry(
                name=name, addresses=tuple(member.addresses), port=port, votes=member.votes, is_arbiter=arbiter
            )
            entries.append(entry)
        return tuple(entries)

    def _check_member(self, at: int, member: _Member, port: int) -> None:
        if not is_id(member.name) or len(member.name) > NODE_NAME_LENGTH_MAX:
            rule = f"letters, digits, '_', '.' and '-', no digit first, at most {NODE_NAME_LENGTH_MAX}"
            self._tell("nodes", at, "name", f"'{member.name}' is no node name ({rule})")
        if not 1 <= len(member.addresses) <= LINKS_MAX:
            self._tell("nodes", at, "addresses", f"node '{member.name}' needs 1 to {LINKS_MAX} addresses, one a link")
        for address in member.addresses:
            if not is_address(address):
                why = "names would make the cluster depend on DNS"
                self._tell("nodes", at, "addresses", f"'{address}' is no IP address ({why})")
        if not 1 <= port <= 65_535:
            table, index = ("nodes", at) if member.port else ("cluster", 0)
            self._tell(table, index, "port", f"{port} is no port")
        if not 0 <= member.votes <= 100:
            self._tell("nodes", at, "votes", f"{member.votes} votes; 0 to 100 are possible")

    def _electorate(self, entries: tuple[NodeEntry, ...], quorum: _Quorum) -> Electorate:
        votes = {entry.name: entry.votes for entry in entries}
        if not sum(votes.values()):
            self._tell("nodes", 0, "votes", "no node has a vote")
        if quorum.two_node:
            self._check_two_node(quorum, votes, has_arbiter=any(entry.is_arbiter for entry in entries))
        window = self._duration("quorum", "last_man_standing_window", quorum.last_man_standing_window)
        modes = Electorate(
            votes={},
            two_node=quorum.two_node,
            wait_for_all=bool(quorum.wait_for_all) and not quorum.two_node,
            tie_order=self._tie_order(quorum, [entry.name for entry in entries if entry.votes]),
            last_man_standing_ms=window if quorum.last_man_standing else None,
            network_arbiter=self._network_arbiter(entries, quorum),
        )
        return modes.with_votes(votes)

    def _network_arbiter(self, entries: tuple[NodeEntry, ...], quorum: _Quorum) -> NodeId | None:
        modes = {"two_node": quorum.two_node, "auto_tie_breaker": bool(quorum.auto_tie_breaker)}
        marked = [(at, entry.votes) for at, entry in enumerate(entries) if entry.is_arbiter]
        check_arbiter(marked, len(entries), modes, self._tell)
        return entries[marked[0][0]].name if marked else None

    def _check_two_node(self, quorum: _Quorum, votes: dict[NodeId, int], *, has_arbiter: bool) -> None:
        """What votequorum(5) allows beside two_node and what DESIGN.md 3.2 does not: a pair has rules of its own."""
        if list(votes.values()) != [1, 1] and not has_arbiter:
            self._tell("quorum", 0, "two_node", f"two_node is for two nodes with a vote each, here are {len(votes)}")
        if quorum.auto_tie_breaker:
            self._tell("quorum", 0, "auto_tie_breaker", "auto_tie_breaker and two_node exclude each other")
        if quorum.last_man_standing:
            why = "with two_node the survivor stands alone once its peer is off"
            self._tell("quorum", 0, "last_man_standing", f"last_man_standing and two_node exclude each other: {why}")
        if quorum.wait_for_all is False:
            why = "a node that starts needs its peer, or could fence it for its own fault"
            self._tell("quorum", 0, "wait_for_all", f"wait_for_all cannot be switched off with two_node: {why}")

    def _tie_order(self, quorum: _Quorum, voters: list[NodeId]) -> tuple[str, ...]:
        """lowest, highest, or the names of voters, as they are spelled in [[nodes]]."""
        wanted = quorum.auto_tie_breaker
        if not wanted or not voters:
            return ()
        words = [LOWEST] if isinstance(wanted, bool) else [wanted] if isinstance(wanted, str) else wanted
        if words in ([LOWEST], [HIGHEST]):
            return tuple(words)
        found = []
        for word in words:
            name = next((name for name in voters if name.casefold() == word.casefold()), None)
            if name is None:
                known = (LOWEST, HIGHEST, *voters) if len(words) == 1 else tuple(voters)
                self._tell("quorum", 0, "auto_tie_breaker", f"'{word}' is no node with a vote{_hint(word, known)}")
            elif name in found:
                self._tell("quorum", 0, "auto_tie_breaker", f"'{word}' is named twice")
            else:
                found.append(name)
        return tuple(found)

    def _own_name(self, node: _Node, entries: tuple[NodeEntry, ...]) -> NodeId:
        wanted = node.name or self._uname
        found = next((entry.name for entry in entries if entry.name.casefold() == wanted.casefold()), None)
        if found is not None:
            return found
        names = tuple(entry.name for entry in entries)
        source = "" if node.name else " (from 'uname -n'; set [node] name to choose another)"
        hint = _hint(wanted, names) or _hint(wanted.split(".")[0], names)
        self._tell("node", 0, "name", f"this node, '{wanted}'{source}, is not in [[nodes]]{hint}")
        return NodeId(wanted)

    def _duration(self, table: str, key: str, text: str) -> Millis:
        span_ms = parse_duration(text)
        if span_ms is None:
            self._tell(table, 0, key, f"'{key}': '{text}' is no duration (write 100ms, 10s, 2min)")
        return span_ms or 0

    def _restart_grace(self, cluster: _Cluster) -> Millis:
        if cluster.restart_grace:
            return self._duration("cluster", "restart_grace", cluster.restart_grace)
        return max(3_000, parse_duration(cluster.deadtime) or 0)

    def _takeover_delay(self, quorum: _Quorum) -> Millis | None:
        """A pair does not wait by default (DESIGN.md 3.2, Modes); a majority lets others stop (ARBITRATION.md 3.6)."""
        text = quorum.takeover_delay or ("0s" if quorum.two_node else AUTO)
        return None if text == AUTO else self._duration("quorum", "takeover_delay", text)

    def _watchdog(self, found: _Watchdog) -> Watchdog | None:
        timeout_ms = self._duration("watchdog", "timeout", found.timeout)
        budget_ms = self._duration("watchdog", "stop_budget", found.stop_budget)
        device, mode = self._absolute(found.device), found.mode
        made = Watchdog(mode=mode, device=device, timeout_ms=timeout_ms, stop_budget_ms=budget_ms)
        return None if mode == OFF else made

    def _ping(self, quorum: _Quorum, entries: tuple[NodeEntry, ...]) -> PingSettings | None:
        table = self._table("quorum.ping", 0, quorum.ping, PingTable) if quorum.ping is not None else None
        members = {address: entry.name for entry in entries for address in entry.addresses}
        return ping_settings(table, members, self._tell, self._duration) if table is not None else None

    def _absolute(self, path: str) -> str:
        return os.path.normpath(self._directory / path)

    def _socket(self, node: _Node) -> str:
        path = self._absolute(node.socket)
        if len(os.fsencode(path)) > SOCKET_PATH_LENGTH_MAX:
            self._tell("node", 0, "socket", f"longer than {SOCKET_PATH_LENGTH_MAX} bytes: {path}")
        return path

    def _check_values(self, config: DaemonConfig) -> None:
        if not config.keys:
            self._tell("cluster", 0, "key", "no key file is named")
        if not config.cluster_name.strip():
            self._tell("cluster", 0, "name", "the cluster's name is empty")
        for name in config.environment:
            if not name or "=" in name or "\0" in name + config.environment[name]:
                self._tell("agents", 0, "environment", f"'{name}' is no environment variable's name or value")
        if not Path(config.ocf_root).is_absolute():
            self._tell("agents", 0, "ocf_root", f"'{config.ocf_root}' is not absolute")
        if not self._problems:
            timings = {
                "keepalive": config.keepalive_ms,
                "warntime": config.warntime_ms,
                "deadtime": config.deadtime_ms,
                "initdead": config.initdead_ms,
                "restart_grace": config.restart_grace_ms,
            }
            for key, text in timing_problems(timings):
                self._tell("cluster", 0, key, text)
            for key, text in config.watchdog.flaws(config.deadtime_ms) if config.watchdog is not None else ():
                self._tell("watchdog", 0, key, text)


def _hint(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _plain(message: str) -> str:
    """msgspec's words, in the words of TOML."""
    words = {
        "`str`": "text in quotes",
        "`int`": "a whole number",
        "`bool`": "true or false",
        "`bool | null`": "true or false",
        "`array`": "a list",
        "`bool | str | array`": "true, false, text in quotes or a list",
    }
    for theirs, ours in words.items():
        message = message.replace(theirs, ours)
    return message.replace("Object missing required field", "it needs the key").replace("Expected", "expected")
