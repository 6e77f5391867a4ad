"""Digests of what an operation ran with: a change of the configuration shows as another digest than the recorded one.

They are Pacemaker's, so that the histories of both can be compared with either's configuration: the MD5 of an empty
XML element with the parameters as its attributes, sorted by name. They guard nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import md5
from typing import Final

from hashelld.policy.rules import compare_versions


SECRETS: Final = " passwd password user "
"""The names that `secure_digest` leaves out where the history does not say which."""
_META: Final = "CRM_meta_"
_TIMEOUT: Final = "CRM_meta_timeout"
_NEVER: Final = frozenset({"id", "crm_feature_set", "op-digest", "pcmk_external_ip"})
_FENCING: Final = re.compile(
    r"provides|stonith-timeout|pcmk_(?:action_limit|delay_base|delay_max|host_(?:argument|check|list|map))"
    r"|pcmk_[^_]*_(?:action|timeout|retries)"
)
"""Parameters of fence devices that no fence agent sees."""
_ESCAPED: Final = str.maketrans(
    {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"}
    | {chr(code): f"&#x{code:02X};" for code in [*range(32), 127]}
)


def covered(
    params: Mapping[str, str], operation_params: Mapping[str, str], *, interval_ms: int, timeout_ms: int
) -> dict[str, str]:
    """What the digests of an operation cover.

    `params` are the resource's for that node, with those of its group or clone; they win over the operation's own. The
    timeout counts for recurring operations only. No other meta attribute counts, so the number of an instance, its
    node and notifications do not either.
    """
    found = {name: value for name, value in {**operation_params, **params}.items() if _is_covered(name)}
    if interval_ms:
        found[_TIMEOUT] = str(timeout_ms)
    return found


def all_digest(found: Mapping[str, str]) -> str:
    """The digest (hexadecimal) of all that is `covered`."""
    attributes = "".join(f' {name}="{found[name].translate(_ESCAPED)}"' for name in sorted(found))
    return md5(f" <parameters{attributes}/>\n".encode(), usedforsecurity=False).hexdigest()


def restart_digest(found: Mapping[str, str], restart_params: str | None) -> str:
    """The digest of those whose change needs a restart: names between blanks, as the history has them; None is all."""
    if restart_params is None:
        return all_digest(found)
    return all_digest({name: value for name, value in found.items() if f" {name} " in restart_params})


def secure_digest(
    found: Mapping[str, str],
    params: Mapping[str, str],
    *,
    secure_params: str = SECRETS,
    version: str = "",
    is_fencing: bool = False,
) -> str:
    """The digest without secrets, whose names stand between blanks; it lasts where a CIB comes without passwords.

    Histories of a crm_feature_set (`version`) before 3.16.0 have that of the resource's own `params` alone, without
    what no agent of a fence device sees.
    """
    if version and compare_versions(version, "3.16.0") < 0:
        found = {n: v for n, v in params.items() if _is_covered(n) and not (is_fencing and _FENCING.fullmatch(n))}
    return all_digest({name: value for name, value in found.items() if f" {name} " not in secure_params})


def _is_covered(name: str) -> bool:
    return name not in _NEVER and not name.startswith(_META)
