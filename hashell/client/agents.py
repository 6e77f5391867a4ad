"""The agents on this machine: which there are, what they say of themselves, and what a short name means."""

from __future__ import annotations

import os
import stat
import subprocess  # noqa: TID251 -- the shell asks agents for their meta-data; there is no daemon to do it
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from hashell.client.port import AgentCall
from hashelld.model import metadata as shared
from hashelld.model.device import told_to_device
from hashelld.model.metadata import METADATA_LENGTH_MAX, Metadata, MetadataRefused, parse_metadata
from hashelld.model.resource import Agent


STANDARDS: Final = ("heartbeat", "lsb", "ocf", "service", "stonith", "systemd")
METADATA_TIMEOUT_S: Final = 10.0
OWN_PROVIDER: Final = "hashell"
PROVIDER_ORDER: Final = ("heartbeat", "pacemaker", OWN_PROVIDER)
"""A name without a provider is looked for in these first, then in the others by name."""

UNIT_FOLDERS: Final = (
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/run/systemd/generator.late"),
    Path("/usr/local/lib/systemd/system"),
    Path("/usr/lib/systemd/system"),
    Path("/lib/systemd/system"),
)

EXTERNAL: Final = "external/"
_CACHE_FORMAT: Final = "1"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GLUE_PATH: Final = f"/usr/share/cluster-glue:{_PATH}"
HARMLESS: Final = frozenset({"monitor", "status", "list", "list-status", "validate-all", "metadata"})
"""What a fencing agent may be told by hand: nothing of it switches anything."""
_OWN_FOLDER: Final = Path(shared.__file__).parents[1] / "agents" / "ocf"


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where agents are looked for; tests name others."""

    ocf_root: Path = Path("/usr/lib/ocf")
    own_agents: Path = _OWN_FOLDER
    """Contains the folder `hashell`."""
    init_scripts: Path = Path("/etc/init.d")
    heartbeat_scripts: Path = Path("/etc/ha.d/resource.d")
    fence_agents: Path = Path("/usr/sbin")
    external_plugins: Path = Path("/usr/lib/stonith/plugins/external")
    systemctl: Path = Path("/usr/bin/systemctl")
    unit_folders: tuple[Path, ...] = UNIT_FOLDERS
    cache: Path | None = None
    """None: nothing is kept on disk."""


def default_places() -> Places:
    """This machine's places: OCF_ROOT and XDG_CACHE_HOME are respected."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Places(
        ocf_root=Path(os.environ.get("OCF_ROOT") or "/usr/lib/ocf"), cache=Path(cache) / "hashell" / "metadata"
    )


class InstalledAgents:
    """Looks at the disk when asked, and remembers meta-data there and for its own lifetime."""

    def __init__(self, places: Places | None = None) -> None:
        self._places = default_places() if places is None else places
        self._metadata: dict[Agent, Metadata | None] = {}

    def standards(self) -> tuple[str, ...]:
        """The classes of agents that hashell knows."""
        return STANDARDS

    def providers(self) -> tuple[str, ...]:
        """Providers of OCF agents here, in the order in which a short name is looked for."""
        found = {folder.name for folder in _entries(self._places.ocf_root / "resource.d") if folder.is_dir()}
        found |= {folder.name for folder in _entries(self._places.own_agents) if folder.name == OWN_PROVIDER}
        first = [provider for provider in PROVIDER_ORDER if provider in found]
        return (*first, *sorted(found.difference(first)))

    def types(self, standard: str, provider: str = "") -> tuple[str, ...]:
        """The agents of a class (for ocf of one provider, or of all), sorted; none for an unknown class."""
        match standard:
            case "ocf":
                chosen = (provider,) if provider else self.providers()
                names = {name for one in chosen for name in _programs(self._ocf_folder(one))}
            case "lsb":
                names = set(_programs(self._places.init_scripts))
            case "heartbeat":
                names = set(_programs(self._places.heartbeat_scripts))
            case "stonith":
                names = {name for name in _programs(self._places.fence_agents) if name.startswith("fence_")}
                names |= {EXTERNAL + name for name in _programs(self._places.external_plugins)}
            case "systemd":
                names = set(self._units())
            case "service":
                names = set(_programs(self._places.init_scripts)) | set(self._units())
            case _:
                names = set()
        return tuple(sorted(names))

    def agents(self, standard: str | None = None) -> tuple[Agent, ...]:
        """All agents of one class or of all classes."""
        chosen = STANDARDS if standard is None else (standard,)
        return tuple(agent for one in chosen for agent in self._agents_of(one))

    def resolve(self, text: str) -> Agent | None:
        """The agent that a name means: `ocf:heartbeat:IPaddr2`, `ocf:IPaddr2`, `IPaddr2`, `fence_x`, `systemd:nginx`.

        None when there is no such agent here (a name written out in full is not looked for).
        """
        parts = text.split(":", 2)
        if len(parts) == 3 and parts[0] == "ocf":
            return Agent(*parts) if all(parts) else None
        if parts[0] in STANDARDS and len(parts) > 1:
            name = ":".join(parts[1:])
            if parts[0] != "ocf":
                return Agent(parts[0], "", name) if name else None
            return self._ocf_agent(name)
        if len(parts) == 2:
            return Agent("ocf", parts[0], parts[1]) if self._is_here(Agent("ocf", *parts)) else None
        if text.startswith(("fence_", EXTERNAL)):
            fencing = Agent("stonith", "", text)
            return fencing if self._is_here(fencing) else None
        return self._ocf_agent(text)

    def is_installed(self, agent: Agent) -> bool:
        """Is this agent on this machine?"""
        if agent.standard in ("systemd", "service"):
            name = agent.type.removesuffix(".service")
            pattern = f"{name.partition('@')[0]}@.service"
            return name in self.types(agent.standard) or (
                "@" in name and any((folder / pattern).exists() for folder in self._places.unit_folders)
            )
        return self._is_here(agent)

    def offered(self) -> Iterator[tuple[str, str]]:
        """Full names of all agents, with the title of those whose meta-data was read before."""
        for agent in self.agents():
            path = self._path(agent)
            known = self._metadata.get(agent) or (None if path is None else _load(self._cache_file(path)))
            yield str(agent), "" if known is None else known.shortdesc

    def metadata(self, agent: Agent | str) -> Metadata | None:
        """What an agent (or the one that a name means) says of itself.

        None when it is not here, says nothing, or nothing that can be read.
        """
        found = self.resolve(agent) if isinstance(agent, str) else agent
        if found is None:
            return None
        if found not in self._metadata:
            self._metadata[found] = self._read_metadata(found)
        return self._metadata[found]

    def call(self, agent: Agent, operation: str, resource: str, parameters: Mapping[str, str]) -> AgentCall | None:
        """How an operation of an agent is run here; None when the agent is not here, or is a unit of systemd."""
        path = self._path(agent)
        if path is None or not _is_program(path):
            return None
        environment = {"PATH": _PATH, "LC_ALL": "C", "OCF_ROOT": str(self._places.ocf_root)}
        if agent.standard == "stonith":
            return _device_call(path, agent, operation, parameters, environment)
        if agent.standard != "ocf":
            return AgentCall(command=(str(path), operation), environment=environment)
        environment |= {
            "OCF_RA_VERSION_MAJOR": "1",
            "OCF_RA_VERSION_MINOR": "1",
            "OCF_RESOURCE_INSTANCE": resource,
            "OCF_RESOURCE_PROVIDER": agent.provider,
            "OCF_RESOURCE_TYPE": agent.type,
            **{f"OCF_RESKEY_{name}": value for name, value in parameters.items()},
        }
        if agent.provider == OWN_PROVIDER:
            environment["HASHELL_PYTHON"] = sys.executable
            return AgentCall(command=("/bin/sh", str(path), operation), environment=environment)
        return AgentCall(command=(str(path), operation), environment=environment)

    def _read_metadata(self, agent: Agent) -> Metadata | None:
        path = self._path(agent)
        if path is None or agent.standard not in ("ocf", "stonith") or not _is_program(path):
            return None
        kept = self._cache_file(path)
        found = _load(kept)
        if found is None:
            found = self._ask(agent, path)
            if found is not None:
                _keep(kept, found)
        return found

    def _ask(self, agent: Agent, path: Path) -> Metadata | None:
        """Run the agent's meta-data operation."""
        environment = {"PATH": _PATH, "LC_ALL": "C", "OCF_ROOT": str(self._places.ocf_root)}
        if agent.provider == OWN_PROVIDER:
            command, environment["HASHELL_PYTHON"] = ["/bin/sh", str(path), "meta-data"], sys.executable
        elif agent.standard == "ocf":
            command = [str(path), "meta-data"]
        elif agent.type.startswith(EXTERNAL):
            return None  # These describe their parameters only, not as an agent does.
        else:
            command = [str(path), "-o", "metadata"]
        written = _run(command, environment, METADATA_TIMEOUT_S)
        if written is None or len(written) > METADATA_LENGTH_MAX:
            return None
        try:
            return parse_metadata(written)
        except MetadataRefused:
            return None

    def _agents_of(self, standard: str) -> Iterator[Agent]:
        if standard != "ocf":
            yield from (Agent(standard, "", name) for name in self.types(standard))
            return
        for provider in self.providers():
            yield from (Agent("ocf", provider, name) for name in self.types("ocf", provider))

    def _ocf_agent(self, name: str) -> Agent | None:
        candidates = (Agent("ocf", provider, name) for provider in self.providers())
        return next((agent for agent in candidates if self._is_here(agent)), None)

    def _is_here(self, agent: Agent) -> bool:
        path = self._path(agent)
        return path is not None and _is_program(path)

    def _path(self, agent: Agent) -> Path | None:
        """The file of an agent; None for classes without files, and for names that are paths."""
        name = agent.type.removeprefix(EXTERNAL) if agent.standard == "stonith" else agent.type
        if any("/" in part or part.startswith((".", "_")) for part in (name, agent.provider)) or not name:
            return None
        match agent.standard:
            case "ocf":
                return self._ocf_folder(agent.provider) / name if agent.provider else None
            case "lsb":
                return self._places.init_scripts / name
            case "heartbeat":
                return self._places.heartbeat_scripts / name
            case "stonith":
                is_external = agent.type.startswith(EXTERNAL)
                return (self._places.external_plugins if is_external else self._places.fence_agents) / name
            case _:
                return None

    def _ocf_folder(self, provider: str) -> Path:
        if provider == OWN_PROVIDER:
            return self._places.own_agents / provider
        return self._places.ocf_root / "resource.d" / provider

    def _units(self) -> Iterator[str]:
        """Names of the installed services; none where there is no systemctl to drive them."""
        if not _is_program(self._places.systemctl):
            return
        for folder in self._places.unit_folders:
            for entry in _entries(folder):
                # A unit `name@.service` is a pattern, not a service.
                if entry.name.endswith(".service") and not entry.name.endswith("@.service"):
                    yield entry.name.removesuffix(".service")

    def _cache_file(self, path: Path) -> Path | None:
        """Where an agent's meta-data is kept: another file when the agent itself is another."""
        if self._places.cache is None:
            return None
        try:
            mtime_ns = path.stat().st_mtime_ns
        except OSError:
            return None
        key = blake2b(f"{_CACHE_FORMAT}\0{path}\0{mtime_ns}".encode(), digest_size=16).hexdigest()
        return self._places.cache / f"{key}.json"


def _device_call(
    path: Path, agent: Agent, operation: str, parameters: Mapping[str, str], environment: dict[str, str]
) -> AgentCall | None:
    """Ask a device whether it works, or about its parameters; None for all else, above all for what switches power."""
    if operation == "validate-all":
        verb = operation
    elif operation in ("start", "monitor"):
        verb = parameters.get("pcmk_monitor_action", "monitor")
    else:
        return None
    told = told_to_device(parameters)
    if any(set(value) & set("\n\r\0") for value in told.values()):
        return None  # A second line would be a second order.
    if agent.type.startswith(EXTERNAL):
        word = {"monitor": "status", "status": "status"}.get(verb)
        if word is None:
            return None
        return AgentCall(command=(str(path), word), environment={**environment, **told, "PATH": GLUE_PATH})
    if verb not in HARMLESS:
        return None
    lines = "".join(f"{name}={value}\n" for name, value in {"action": verb, **told}.items())
    return AgentCall(command=(str(path),), environment=environment, text=lines)


def _entries(folder: Path) -> Iterator[Path]:
    """What is in a folder; nothing if it cannot be read."""
    try:
        yield from folder.iterdir()
    except OSError:
        return


def _programs(folder: Path) -> Iterator[str]:
    """Names of the programs in a folder, without hidden and auxiliary files."""
    return (entry.name for entry in _entries(folder) if not entry.name.startswith((".", "_")) and _is_program(entry))


def _is_program(path: Path) -> bool:
    """Is it a file that can be executed? The agents of this package are run by name of their interpreter."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and (bool(found.st_mode & 0o111) or path.parent == _OWN_FOLDER / OWN_PROVIDER)


def _run(command: list[str], environment: dict[str, str], timeout_s: float) -> str | None:
    """What a program writes on standard output; None when it fails or takes too long."""
    try:
        ended = subprocess.run(  # noqa: S603 -- a path that was found on disk, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.decode(errors="replace") if ended.returncode == 0 else None


def _load(file: Path | None) -> Metadata | None:
    """Meta-data kept earlier; a damaged file is as good as none."""
    if file is None:
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Metadata)
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(file: Path | None, metadata: Metadata) -> None:
    """Keep meta-data for the next shell; a full or read-only disk only costs its speed."""
    if file is None:
        return
    written = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written.write_bytes(msgspec.json.encode(metadata))
        written.replace(file)
    except OSError:
        with suppress(OSError):
            written.unlink()
