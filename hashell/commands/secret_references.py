"""Secrets that a configuration refers to (`password=secret:NAME`), and what is wrong with their files here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from hashell.grammar.secrecy import secrets_of
from hashelld.cib.document import Cib, Object
from hashelld.cib.lang.diagnostic import Diagnostic, Severity
from hashelld.model.secret import SecretRefused, path_of, referred


class Reference(msgspec.Struct, frozen=True):
    """A parameter that refers to a secret."""

    object: str
    parameter: str
    name: str


def references(objects: Iterable[Object]) -> tuple[Reference, ...]:
    """Every reference, in the order of the configuration."""
    return tuple(
        Reference(found.id, parameter, name)
        for found in objects
        for parameter, value in secrets_of(found, lambda _name: True).items()
        if (name := referred(value)) is not None
    )


def flaws(cib: Cib, flaw_of: Callable[[str], str]) -> tuple[tuple[Reference, str], ...]:
    """The references whose secret cannot be used on this machine, with the reason."""
    found = ((one, _misnamed(one.name) or flaw_of(one.name)) for one in references(cib.objects))
    return tuple((one, why) for one, why in found if why)


def findings(cib: Cib, flaw_of: Callable[[str], str]) -> list[Diagnostic]:
    """The same for `verify` and for commits: what is no name is objected to, what this machine lacks is told."""
    return [
        Diagnostic(
            severity=Severity.OBJECTION if _misnamed(one.name) else Severity.WARNING,
            code="secret",
            message=f"{one.object}: the secret of {one.parameter} cannot be used on this machine: {why}",
            hint="put it there on every node, mode 0600",
            object=one.object,
            word=one.parameter,
        )
        for one, why in flaws(cib, flaw_of)
    ]


def _misnamed(name: str) -> str:
    try:
        path_of("", name)
    except SecretRefused as refusal:
        return str(refusal)
    return ""
