"""Records of operations as a real cluster leaves them in the status section, with digests of the parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

import msgspec


FEATURE_SET = "3.16.1"
"""Of Pacemaker 2.1.5: it refuses a CIB with a later one."""
TIMEOUT_MS = 20_000
STILL_UNDER_WAY = -1


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One operation that was run: what, when (a call number and seconds since 1970), and what came of it."""

    resource: str
    task: str
    interval_ms: int = 0
    call: int = 1
    rc: int = 0
    expected_rc: int = 0
    op_status: int = 0
    at_s: int = 0
    parameters: Mapping[str, str] = {}

    @property
    def is_failed(self) -> bool:
        """Did it end otherwise than it was expected to? A probe that finds something has not failed."""
        is_probe = self.task == "monitor" and not self.interval_ms
        return self.op_status > 0 or (self.op_status == 0 and self.rc != self.expected_rc and not is_probe)


def attributes_of(node: str, record: Record) -> str:
    """An `<lrm_rsc_op>` as text, without its id."""
    key = f"{record.call}:1:{record.expected_rc}:00000000-0000-0000-0000-000000000000"
    found = {
        "operation_key": f"{record.resource}_{record.task}_{record.interval_ms}",
        "operation": record.task,
        "crm-debug-origin": "build_active_RAs",
        "crm_feature_set": FEATURE_SET,
        "transition-key": key,
        "transition-magic": f"{record.op_status}:{record.rc};{key}",
        "exit-reason": "",
        "on_node": node,
        "call-id": str(record.call),
        "rc-code": str(record.rc),
        "op-status": str(record.op_status),
        "interval": str(record.interval_ms),
        "last-rc-change": str(record.at_s),
        "exec-time": "20",
        "queue-time": "0",
        "op-digest": digest(record),
    }
    return " ".join(f"{name}={quoteattr(value)}" for name, value in found.items())


def digest(record: Record) -> str:
    """Of the parameters that the operation was run with; those of a recurring one include its timeout."""
    given = dict(record.parameters)
    if record.interval_ms:
        given["CRM_meta_timeout"] = str(TIMEOUT_MS)
    text = "".join(f" {name}={quoteattr(given[name])}" for name in sorted(given))
    return hashlib.md5(f" <parameters{text}/>\n".encode(), usedforsecurity=False).hexdigest()


def history(node: str, record_list: list[Record]) -> str:
    """What a node keeps of one resource: the last operation, the last failure, and each recurring one that succeeded.

    The records are in the order of their calls.
    """
    kept: dict[str, Record] = {}
    for record in record_list:
        resource = record.resource
        if not record.interval_ms:
            kept[f"{resource}_last_0"] = record
            if record.task != "monitor":
                kept = {name: other for name, other in kept.items() if not other.interval_ms or other.is_failed}
        elif not record.is_failed:
            kept[f"{resource}_{record.task}_{record.interval_ms}"] = record
        if record.is_failed:
            kept[f"{resource}_last_failure_0"] = record
    return "".join(f"<lrm_rsc_op id={quoteattr(name)} {attributes_of(node, record)}/>" for name, record in kept.items())
