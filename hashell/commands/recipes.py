"""Recipes: statements of the configure language with parameters, for what many clusters need. Reading is pure.

A recipe is a text. Its first lines begin with `#:`; the first of them is its summary, each other a parameter:
`#: NAME: what it is`, or `#: NAME=DEFAULT: what it is`. In the statements, {NAME} stands for its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from hashell.errors import Refused, Usage
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.words import quote


MARK: Final = "#:"
_PARAMETER: Final = re.compile(r"([a-z][a-z0-9_-]*)(?:=([^:]*))?: *(.+)")
_PLACE: Final = re.compile(r"\{([a-z][a-z0-9_-]*)\}")


class Wanted(msgspec.Struct, frozen=True):
    """A parameter; `default` None: it must be given."""

    name: str
    default: str | None
    help: str


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe, read."""

    name: str
    summary: str
    parameters: tuple[Wanted, ...]
    text: str
    """The statements."""

    def with_values(self, given: Mapping[str, str]) -> str:
        """The statements with values in their places; raises `Usage` for what is missing or unknown."""
        names = [one.name for one in self.parameters]
        for name in given:
            if name not in names:
                raise Usage(f"{self.name} has no parameter '{name}'. {did_you_mean(name, names)}".strip())
        values = {one.name: given.get(one.name, one.default) for one in self.parameters}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            raise Usage(f"{self.name} needs {' '.join(f'{name}=…' for name in missing)}: script show {self.name}")
        return _PLACE.sub(lambda place: quote(values[place[1]] or ""), self.text)


def read_recipe(name: str, text: str) -> Recipe:
    """A recipe from its text; what is wrong with it is `Refused`."""
    lines = text.strip().splitlines()
    head = [line.removeprefix(MARK).strip() for line in lines if line.startswith(MARK)]
    if not head:
        raise Refused(f"{name} is no recipe: its first line begins with {MARK} and says what it is for.")
    found = [_PARAMETER.fullmatch(line) for line in head[1:]]
    parameters = tuple(Wanted(one[1], one[2], one[3]) for one in found if one is not None)
    if len(parameters) != len(head) - 1:
        raise Refused(f"{name} is no recipe: a line with {MARK} is not 'NAME: what it is'.")
    body = "\n".join(line for line in lines if not line.startswith(MARK))
    unknown = {place[1] for place in _PLACE.finditer(body)} - {one.name for one in parameters}
    if unknown:
        raise Refused(f"{name} names {' '.join(sorted(unknown))}, and does not say what that is.")
    return Recipe(name=name, summary=head[0], parameters=parameters, text=f"{body}\n")


BUILT_IN: Final = {
    "virtual-ip": """\
#: An address that moves with the service
#: id: what the resource is called
#: ip: the address
#: netmask=24: its mask, in bits
primitive {id} ocf:heartbeat:IPaddr2 params ip={ip} cidr_netmask={netmask} op monitor interval=10s timeout=20s
""",
    "filesystem": """\
#: A file system that is mounted on one node at a time
#: id: what the resource is called
#: device: what is mounted
#: directory: where it is mounted
#: fstype=ext4: its type
primitive {id} ocf:heartbeat:Filesystem params device={device} directory={directory} fstype={fstype} \\
    op start timeout=60s op stop timeout=60s op monitor interval=20s timeout=40s
""",
    "web-server": """\
#: Apache with an address of its own, as a group
#: id: what the group is called; its members are called ID-ip and ID-server
#: ip: the address
#: netmask=24: its mask, in bits
#: configfile=/etc/apache2/apache2.conf: Apache's configuration
primitive {id}-ip ocf:heartbeat:IPaddr2 params ip={ip} cidr_netmask={netmask} op monitor interval=10s timeout=20s
primitive {id}-server ocf:heartbeat:apache params configfile={configfile} \\
    op start timeout=40s op stop timeout=60s op monitor interval=10s timeout=20s
group {id} {id}-ip {id}-server
""",
    "service": """\
#: A unit of systemd with an address of its own, as a group
#: id: what the group is called; its members are called ID-ip and ID-unit
#: unit: the unit's name, without .service
#: ip: the address
#: netmask=24: its mask, in bits
primitive {id}-ip ocf:heartbeat:IPaddr2 params ip={ip} cidr_netmask={netmask} op monitor interval=10s timeout=20s
primitive {id}-unit systemd:{unit} op monitor interval=20s timeout=100s
group {id} {id}-ip {id}-unit
""",
    "weak-bond": """\
#: Two resources on one node, of which neither waits for the other
#: id: what the place that they share is called
#: first: one resource
#: second: the other
primitive {id} ocf:hashell:Dummy op monitor interval=30s timeout=20s
colocation {id}-{first} inf: {first} {id}
colocation {id}-{second} inf: {second} {id}
""",
    "ipmi-fencing": """\
#: Fencing of one node by its management board
#: node: the node that is fenced
#: ip: the board's address
#: user: who logs in there
#: password: with which password, or secret:NAME (a file below /etc/hashell/secrets on every node)
primitive fence-{node} stonith:fence_ipmilan \\
    params ip={ip} username={user} password={password} lanplus=true pcmk_host_list={node} op monitor interval=60s
location fence-{node}-elsewhere fence-{node} -inf: {node}
""",
}
"""What comes with hashell, by name."""
