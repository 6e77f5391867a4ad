"""`read`: the three files in, hashelld.toml and the configuration out, or the errors that keep them from it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hashelld.cib.heartbeat.authkeys import check_authkeys
from hashelld.cib.heartbeat.configuration import configuration_of
from hashelld.cib.heartbeat.daemonfile import addresses_of, daemon_file_of
from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.hacf import HaCf, read_ha_cf
from hashelld.cib.heartbeat.haresources import HARESOURCES, read_haresources
from hashelld.cib.heartbeat.lexer import HA_CF


class HeartbeatFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of /etc/ha.d; None for a file that is absent. `authkeys_mode` is its permission bits."""

    ha_cf: str | None
    authkeys: str | None
    authkeys_mode: int = 0o600
    haresources: str | None = None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What the files became. With errors there is neither `toml` nor `configuration`."""

    toml: str = ""
    configuration: str = ""
    """Statements of the configure language; empty when heartbeat kept its resources in a CIB."""
    notices: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def read(files: HeartbeatFiles, host: str, addresses: Mapping[str, str]) -> Imported:
    """Translate the files as seen on node `host`; `addresses` is what the resolver knows of the nodes.

    Names of nodes are compared in lower case, as heartbeat does.
    """
    findings = Findings()
    ha = _ha(files, host, findings)
    check_authkeys(files.authkeys, files.authkeys_mode, findings)
    configuration = _configuration(ha, files.haresources, findings) if ha is not None else ""
    known = {node.lower(): address for node, address in addresses.items()}
    found = addresses_of(ha, known, findings) if ha is not None else {}
    if ha is None or findings.errors:
        end = "nothing is imported (heartbeat's own words: Heartbeat not started: configuration error.)"
        return Imported(notices=findings.notices, errors=(*findings.errors, end))
    toml = daemon_file_of(ha, host.lower(), found, findings)
    return Imported(toml=toml, configuration=configuration, notices=findings.notices)


def _ha(files: HeartbeatFiles, host: str, findings: Findings) -> HaCf | None:
    if files.ha_cf is None:
        findings.error(HA_CF, f"Cannot open config file [{HA_CF}]; it must be in the folder and readable")
        return None
    return read_ha_cf(files.ha_cf, host, findings)


def _configuration(ha: HaCf, haresources: str | None, findings: Findings) -> str:
    if ha.is_crm:
        findings.notice(
            HARESOURCES,
            "resources of this cluster are in a CIB (pacemaker or crm in ha.cf): load its XML with 'configure load'",
        )
        return ""
    if haresources is None:
        findings.error(HARESOURCES, f"Cannot open resources file [{HARESOURCES}]; it must be there, even if empty")
        return ""
    return configuration_of(ha, read_haresources(haresources, ha.nodes, findings), findings)
