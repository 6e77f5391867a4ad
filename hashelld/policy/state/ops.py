"""One configured operation of an item, as all phases share it."""

from __future__ import annotations


class Op:
    """One operation of an item with its options parsed."""

    __slots__ = ("interval_ms", "is_enabled", "meta", "name", "on_fail", "params", "role", "start_delay_ms",
                 "timeout_ms")  # fmt: skip

    def __init__(
        self,
        name: str,
        interval_ms: int,
        *,
        timeout_ms: int = 20_000,
        start_delay_ms: int = 0,
        role: str = "",
        on_fail: str = "",
        is_enabled: bool = True,
        params: dict[str, str] | None = None,
        meta: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.interval_ms = interval_ms
        self.timeout_ms = timeout_ms
        self.start_delay_ms = start_delay_ms
        self.role = role
        """As written, in lower case; empty when not given."""
        self.on_fail = on_fail
        """As written, in lower case; empty when not given."""
        self.is_enabled = is_enabled
        self.params = params or {}
        """The operation's own parameters."""
        self.meta = meta or {}
        """All its options, defaults included."""
