"""Passwords and the like: at a terminal they are shown as stars unless they are asked for.

What is piped or saved is whole, so that it can be loaded again; what is hidden is refused when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from hashell.errors import Refused
from hashell.grammar.secrecy import OTHER_STARS, STARS, masked, repeated, secrets_of
from hashell.session import Session
from hashelld.cib.document import Cib


def shown(session: Session, cib: Cib, *, is_asked_for: bool = False) -> Cib:
    """The configuration as this user may have it printed."""
    return cib if session.options.shows_secrets or is_asked_for else masked(cib)


def shown_pair(session: Session, old: Cib, new: Cib, *, is_asked_for: bool = False) -> tuple[Cib, Cib]:
    """Both sides of a difference as this user may have them printed: changed secrets are told from others."""
    if session.options.shows_secrets or is_asked_for:
        return old, new
    return masked(old), masked(new, old)


def shown_values(session: Session, pairs: Mapping[str, str]) -> dict[str, str]:
    """Names with their values, with stars for secrets where this user may not have them printed."""
    hides = not session.options.shows_secrets
    return {name: repeated(name, value) if hides else value for name, value in pairs.items()}


def refuse_stars(cib: Cib) -> None:
    """`Refused` when a value is the stars that were shown for it."""
    hidden = [
        f"{found.id}: {name}"
        for found in cib.objects
        for name, value in secrets_of(found, lambda _name: True).items()
        if value in (STARS, OTHER_STARS)
    ]
    if hidden:
        raise Refused(f"{', '.join(hidden)} is what is shown in place of a secret; show it with --show-secrets.")
