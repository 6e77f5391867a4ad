"""Resource words of haresources as primitives: addresses, OCF twins, init scripts and legacy scripts."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, NetmaskValueError, ip_network
from typing import Final

from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.haresources import GroupLine
from hashelld.cib.heartbeat.twins import ADDRESS_SCRIPTS, SLOW, TWINS
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Agent, AttributeSet, NvPair, Operation, Primitive


_LOOKS_LIKE_ADDRESS: Final = re.compile(r"(?:\d[^./]*\.){3}\d[^./]*(?:/|\Z)")
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_.-]")
_QUICK_TIMEOUT: Final = "20s"
_SLOW_TIMEOUT: Final = "60s"

Pairs = tuple[tuple[str, str], ...]


def attributes(pairs: Pairs) -> tuple[AttributeSet, ...]:
    """One set of these pairs; no set when there are none."""
    return (AttributeSet(tuple(NvPair(name, value) for name, value in pairs)),) if pairs else ()


def operation(name: str, interval: str, timeout: str) -> Operation:
    """`op NAME interval=… timeout=…`."""
    return Operation(name, (NvPair("interval", interval), NvPair("timeout", timeout)))


def resource(name: str, agent: Agent, params: Pairs = (), timeout: str = _QUICK_TIMEOUT) -> Primitive:
    """A primitive with time limits and a monitor; heartbeat knew neither."""
    operations = (
        operation("start", "0", _SLOW_TIMEOUT),
        operation("stop", "0", _SLOW_TIMEOUT),
        operation("monitor", "10s", timeout),
    )
    return Primitive(id=ResourceId(name), agent=agent, params=attributes(params), operations=operations)


class Names:
    """Ids that are taken; the second httpd becomes httpd-2."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, wanted: str) -> str:
        """The wanted name made a legal id, with a number behind it when it is taken."""
        clean = _NOT_IN_IDS.sub("-", wanted)
        base = clean if clean[:1].isalpha() or clean[:1] == "_" else f"r-{clean}"
        name, number = base, 2
        while name in self._taken:
            name, number = f"{base}-{number}", number + 1
        self._taken.add(name)
        return name


def primitive_of(word: str, line: GroupLine, names: Names, findings: Findings) -> Primitive | None:
    """The primitive of one word; None after an error."""
    if _LOOKS_LIKE_ADDRESS.match(word):
        return _address(word, line, names, findings)
    script, *arguments = word.split("::")
    if not script or "/" in script:
        findings.error(line.where, f"'{word}' is no resource; write ADDRESS/…, SCRIPT or SCRIPT::ARGUMENT…")
        return None
    if script in ADDRESS_SCRIPTS:
        if len(arguments) != 1:
            findings.error(line.where, f"{script} takes one argument, {script}::ADDRESS/MASK/INTERFACE/BROADCAST")
            return None
        findings.notice(line.where, f"{script} becomes ocf:heartbeat:IPaddr2, which does the same without ifconfig")
        return _address(arguments[0], line, names, findings)
    if script == "OCF":
        return _ocf(arguments, line, names, findings)
    if script in TWINS:
        return _twin(script, arguments, line, names, findings)
    if not arguments:
        findings.notice(line.where, f"{script} becomes lsb:{script}; were it in resource.d, heartbeat:{script}")
        return resource(names.new(script), Agent("lsb", "", script))
    findings.notice(line.where, f"{script} stays a script of resource.d: heartbeat:{script}, its arguments are 1, 2…")
    numbered = tuple((str(at), value) for at, value in enumerate(arguments, start=1))
    return resource(names.new(script), Agent("heartbeat", "", script), numbered)


def _address(word: str, line: GroupLine, names: Names, findings: Findings) -> Primitive | None:
    text, *rest = word.split("/")
    try:
        address = IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError:
        findings.error(line.where, f"'{text}' is no IP address")
        return None
    mask = rest.pop(0) if rest else ""
    is_broadcast = bool(rest) and rest[0][:1].isdigit()
    interface = rest.pop(0) if rest and not is_broadcast else ""
    broadcast = rest.pop(0) if rest else ""
    if rest:
        findings.error(line.where, f"'{word}' has too many parts; write ADDRESS/MASK/INTERFACE/BROADCAST")
        return None
    prefix = _prefix(address, mask, line, findings)
    if broadcast and not _is_ipv4(broadcast):
        findings.error(line.where, f"'{broadcast}' is no broadcast address")
    given = (("ip", str(address)), ("cidr_netmask", prefix), ("nic", interface), ("broadcast", broadcast))
    params = tuple((name, value) for name, value in given if value)
    return resource(names.new(f"ip-{address}"), _ocf_agent("IPaddr2"), params)


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _prefix(address: IPv4Address | IPv6Address, mask: str, line: GroupLine, findings: Findings) -> str:
    """The prefix length of `24` or `255.255.255.0`; empty when none is given."""
    if not mask:
        return ""
    try:
        return str(ip_network(f"{address}/{mask}", strict=False).prefixlen)
    except (NetmaskValueError, ValueError):
        findings.error(line.where, f"'{mask}' is no netmask; write a prefix length such as 24")
        return ""


def _ocf(arguments: list[str], line: GroupLine, names: Names, findings: Findings) -> Primitive | None:
    if len(arguments) != 2 or not all(arguments):
        findings.error(line.where, "OCF takes two arguments, OCF::TYPE::INSTANCE")
        return None
    agent_type, instance = arguments
    findings.notice(
        line.where,
        f"the parameters of {instance} are in conf/OCF/{agent_type}/{instance}: add them to the resource '{instance}'",
    )
    return resource(names.new(instance), _ocf_agent(agent_type), timeout=_timeout(agent_type))


def _twin(script: str, arguments: list[str], line: GroupLine, names: Names, findings: Findings) -> Primitive | None:
    known = TWINS[script]
    if len(arguments) > len(known):
        findings.error(line.where, f"{script} takes at most {len(known)} arguments ({', '.join(known)})")
        return None
    params = tuple((name, value) for name, value in zip(known, arguments, strict=False) if value)
    findings.notice(line.where, f"{script} becomes ocf:heartbeat:{script}, the agent that the script runs")
    return resource(names.new(script), _ocf_agent(script), params, _timeout(script))


def _ocf_agent(agent_type: str) -> Agent:
    return Agent("ocf", "heartbeat", agent_type)


def _timeout(agent_type: str) -> str:
    return _SLOW_TIMEOUT if agent_type in SLOW else _QUICK_TIMEOUT
