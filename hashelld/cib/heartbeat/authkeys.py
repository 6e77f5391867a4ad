"""authkeys: checked as heartbeat checks it, for its notices only; its secrets are never used again."""

from __future__ import annotations

import re
from typing import Final

from hashelld.cib.heartbeat.findings import Findings


AUTHKEYS: Final = "authkeys"
_NEEDS_SECRET: Final = {"crc": False, "md5": True, "sha1": True}
_AUTH: Final = re.compile(r"\s*a\S*\s+(\d+)\s*\Z")
_KEY: Final = re.compile(r"\s*(\d+)\s+(\S+)(?:\s+(\S+))?")
_ID_MAX: Final = 15
_OTHERS_MAY: Final = 0o077


def check_authkeys(text: str | None, mode: int, findings: Findings) -> None:
    """Report what heartbeat would refuse; tell that a new key takes the place of these."""
    if text is None:
        findings.error(AUTHKEYS, "Cannot open keyfile; it must be there and readable, with mode 0600")
        return
    if mode & _OTHERS_MAY:
        findings.error(
            AUTHKEYS, f"Bad permissions on keyfile [{AUTHKEYS}] ({mode & 0o777:04o}), 600 recommended; chmod 600 it"
        )
    active, methods = _parse(text, findings)
    if active is None:
        findings.error(AUTHKEYS, "Missing auth directive in keyfile; add a line such as 'auth 1'")
    elif active not in methods and not findings.errors:
        findings.error(AUTHKEYS, f"Auth Key [{active}] not found in keyfile; add its line, or change the auth line")
    weak = sorted({method for method in methods.values() if method != "sha1"})
    reason = f" ({' and '.join(weak)} would not be safe)" if weak else ""
    findings.notice(
        AUTHKEYS,
        f"its secrets are not used{reason}: a new random cluster key is made; copy it to every node, mode 0600",
    )


def _parse(text: str, findings: Findings) -> tuple[int | None, dict[int, str]]:
    """The id of the active key, and the method of every key."""
    active: int | None = None
    methods: dict[int, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        body, where = line.strip(), f"{AUTHKEYS}:{number}"
        if not body or body.startswith("#"):
            continue
        if body.startswith("a"):
            auth = _AUTH.match(line)
            if auth is None:
                findings.error(where, "the auth line must be 'auth NUMBER'")
            active = int(auth[1]) if auth else active if active is not None else -1
            continue
        key = _KEY.match(line)
        if key is None:
            findings.error(where, "is no key line; write NUMBER METHOD SECRET")
            continue
        _check_key(int(key[1]), key[2], key[3], where, findings, methods)
    return active, methods


def _check_key(
    number: int, method: str, secret: str | None, where: str, findings: Findings, methods: dict[int, str]
) -> None:
    needs_secret = _NEEDS_SECRET.get(method)
    if number > _ID_MAX:
        findings.error(where, f"key number {number} is more than {_ID_MAX}")
    if number in methods:
        findings.error(where, f"key {number} is there twice; numbers must differ")
    if needs_secret is None:
        findings.error(where, f"Invalid authtype [{method}]; known are crc, md5 and sha1")
    elif needs_secret and secret is None:
        findings.error(where, f"Auth method [{method}] requires a key")
    elif not needs_secret and secret is not None:
        findings.error(where, f"Auth method [{method}] doesn't use a key")
    methods.setdefault(number, method)
