"""One value by its path: `vip.ip`, `vip.meta.target-role`, `vip.monitor.timeout`, `vip.monitor.10s.timeout`."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.edit import EditRefused, Put
from hashelld.cib.lang.attributes import META, OPERATION_OPTIONS, PARAMS
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.setting import Edits, set_meta, set_param, unset_meta, unset_param
from hashelld.model.duration import parse_duration
from hashelld.model.options import operation_attribute
from hashelld.model.resource import NvPair, Operation, Primitive, Resource, Template, pairs_of, value_of, with_value


def set_path(cib: Cib, path: str, value: str) -> Edits:
    """Set the value at a path.

    A parameter or meta attribute named without its section must be there already; an option of an operation is
    added where it is missing.
    """
    found, rest = _owner(cib, path)
    match rest:
        case [section, name] if section == PARAMS:
            return set_param(cib, found.id, name, value)
        case [section, name] if section == META:
            return set_meta(cib, found.id, name, value)
        case [name]:
            if _section_of(found, name) == PARAMS:
                return set_param(cib, found.id, name, value)
            return set_meta(cib, found.id, name, value)
        case _:
            return _set_operation(found, rest, value)


def unset_path(cib: Cib, path: str) -> Edits:
    """Remove the value at a path."""
    found, rest = _owner(cib, path)
    match rest:
        case [section, name] if section == PARAMS:
            return unset_param(cib, found.id, name)
        case [section, name] if section == META:
            return unset_meta(cib, found.id, name)
        case [name]:
            if _section_of(found, name) == PARAMS:
                return unset_param(cib, found.id, name)
            return unset_meta(cib, found.id, name)
        case _:
            return _set_operation(found, rest, None)


def get_path(cib: Cib, path: str) -> str | None:
    """The value at a path; None when it is not set."""
    found, rest = _owner(cib, path)
    match rest:
        case [section, name] if section in (PARAMS, META):
            return value_of(found.params if section == PARAMS else found.meta, name)
        case [name]:
            in_params = value_of(found.params, name)
            return in_params if in_params is not None else value_of(found.meta, name)
        case _:
            operation, name = _operation(found, rest)
            own = operation.option(name)
            return own if own is not None else value_of(operation.params, name)


def _owner(cib: Cib, path: str) -> tuple[Resource, list[str]]:
    """The resource whose id begins the path (ids may contain dots: the longest wins), and the other parts."""
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:count])
        found = next((r for r in cib.resources if r.id == head), None)
        if found is not None:
            return found, _rest(found, parts[count:])
    hint = suggest(parts[0], (r.id for r in cib.resources))
    if len(parts) == 1:
        raise EditRefused(f"'{path}' names no value: write RESOURCE.PARAMETER or RESOURCE.OPERATION.OPTION")
    raise EditRefused(f"no resource '{parts[0]}' in this configuration" + (f": {hint}" if hint else ""))


def _rest(found: Resource, parts: list[str]) -> list[str]:
    """The parts behind the id; a name that itself contains dots is one part."""
    if parts[0] in (PARAMS, META) and len(parts) > 1:
        return [parts[0], ".".join(parts[1:])]
    joined = ".".join(parts)
    is_known = any(p.name == joined for p in (*pairs_of(found.params), *pairs_of(found.meta)))
    return [joined] if is_known else parts


def _section_of(found: Resource, name: str) -> str:
    if any(p.name == name for p in pairs_of(found.params)):
        return PARAMS
    if any(p.name == name for p in pairs_of(found.meta)):
        return META
    known = [p.name for p in (*pairs_of(found.params), *pairs_of(found.meta))]
    hint = suggest(name, known) or f"to add it, write {found.id}.params.{name} or {found.id}.meta.{name}"
    raise EditRefused(f"'{found.id}' has no parameter or meta attribute '{name}': {hint}")


def _operation(found: Resource, rest: list[str]) -> tuple[Operation, str]:
    if not isinstance(found, Primitive | Template) or len(rest) not in (2, 3):
        raise EditRefused(f"'{found.id}.{'.'.join(rest)}' names no value: write RESOURCE.OPERATION.OPTION")
    operations = [o for o in found.operations if o.name == rest[0]]
    if not operations:
        hint = suggest(rest[0], (o.name for o in found.operations))
        raise EditRefused(f"'{found.id}' has no operation '{rest[0]}'" + (f": {hint}" if hint else ""))
    if len(rest) == 3:
        interval = parse_duration(rest[1])
        operations = [o for o in operations if o.interval_ms == interval]
        if not operations:
            raise EditRefused(f"'{found.id}' has no {rest[0]} with interval {rest[1]}")
    if len(operations) > 1:
        raise EditRefused(
            f"'{found.id}' has {len(operations)} {rest[0]} operations: name the interval, "
            f"for instance {found.id}.{rest[0]}.{operations[0].option('interval')}.{rest[-1]}"
        )
    return operations[0], rest[-1]


def _set_operation(found: Resource, rest: list[str], value: str | None) -> Edits:
    operation, name = _operation(found, rest)
    assert isinstance(found, Primitive | Template)
    changed = _with_option(found.id, operation, name, value)
    if changed == operation:
        return ()
    operations = tuple(changed if o is operation else o for o in found.operations)
    return (Put(msgspec.structs.replace(found, operations=operations)),)


def _with_option(owner: str, operation: Operation, name: str, value: str | None) -> Operation:
    if name not in OPERATION_OPTIONS:
        if value_of(operation.params, name) is None:
            hint = suggest(name, OPERATION_OPTIONS)
            message = f"the {operation.name} of '{owner}' has no option '{name}'"
            raise EditRefused(message + (f": {hint}" if hint else ""))
        return msgspec.structs.replace(operation, params=with_value(operation.params, name, value))
    if value is None:
        if operation.option(name) is None:
            raise EditRefused(f"the option '{name}' of {operation.name} of '{owner}' is not set")
        if name == "interval":
            raise EditRefused("an operation always has an interval: set it to 0 instead")
        return msgspec.structs.replace(operation, options=tuple(o for o in operation.options if o.name != name))
    option = operation_attribute(name)
    objection = option.objection(value) if option is not None else None
    if objection is not None:
        raise EditRefused(f"{name} {objection}, not '{value}'")
    if operation.option(name) is None:
        return msgspec.structs.replace(operation, options=(*operation.options, NvPair(name, value)))
    options = tuple(msgspec.structs.replace(o, value=value) if o.name == name else o for o in operation.options)
    return msgspec.structs.replace(operation, options=options)
