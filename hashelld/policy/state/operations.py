"""Configured operations with their options: own ones, those of the template, defaults with rules."""

from __future__ import annotations

from typing import Final

from hashelld.cib.document import OP_DEFAULTS
from hashelld.model.resource import Agent, Operation, Primitive
from hashelld.policy.attributes import META_SUFFIX, Attributes
from hashelld.policy.rules import Facts
from hashelld.policy.settings import DEFAULT_TIMEOUT_MS, span_ms, truth
from hashelld.policy.state.ops import Op


_DEVICE_TIMEOUT: Final = "pcmk_monitor_timeout"
_FROM_DEVICE: Final = frozenset({("start", 0), ("monitor", 0)})


def read_operations(
    attributes: Attributes, source: Primitive, agent: Agent | None, device_params: dict[str, str] | None
) -> dict[tuple[str, int], Op]:
    """All operations of a primitive by name and interval; of those with the same, the first counts.

    `device_params` are the parameters of a fencing device, None for any other resource: its monitor timeout holds for
    starts and probes too.
    """
    found: dict[tuple[str, int], Op] = {}
    for operation in attributes.operations(source):
        key = (operation.name, operation.interval_ms)
        if key not in found:
            found[key] = _read(attributes, operation, agent)
    override = None if device_params is None else device_params.get(_DEVICE_TIMEOUT)
    if override is not None:
        for key in _FROM_DEVICE:
            if key not in found:
                found[key] = make_operation(*key, {})
            found[key].timeout_ms = span_ms(override, default=found[key].timeout_ms)
    return found


def _read(attributes: Attributes, operation: Operation, agent: Agent | None) -> Op:
    facts = Facts(attributes.now_ms, agent=agent, operation=operation.name, interval_ms=operation.interval_ms)
    options = dict(attributes.defaults(OP_DEFAULTS, facts))
    if operation.meta:
        options.update(attributes.resolve(operation.meta, facts, kind=META_SUFFIX))
    for pair in operation.options:
        if pair.value is not None:
            options[pair.name] = pair.value
    made = make_operation(operation.name, operation.interval_ms, options)
    if operation.params:
        made.params = attributes.resolve(operation.params, facts)
    return made


def implicit_operation(
    attributes: Attributes, agent: Agent | None, name: str, interval_ms: int, options: dict[str, str]
) -> Op:
    """An operation that nobody configured, with options besides the defaults."""
    facts = Facts(attributes.now_ms, agent=agent, operation=name, interval_ms=interval_ms)
    return make_operation(name, interval_ms, {**attributes.defaults(OP_DEFAULTS, facts), **options})


def make_operation(name: str, interval_ms: int, options: dict[str, str]) -> Op:
    """An operation with its options parsed."""
    get = options.get
    return Op(
        name,
        interval_ms,
        timeout_ms=span_ms(get("timeout"), default=DEFAULT_TIMEOUT_MS) or DEFAULT_TIMEOUT_MS,
        start_delay_ms=span_ms(get("start-delay"), default=0),
        role=(get("role") or "").strip().lower(),
        on_fail=(get("on-fail") or "").strip().lower(),
        is_enabled=truth(get("enabled"), default=True),
        meta=options,
    )
