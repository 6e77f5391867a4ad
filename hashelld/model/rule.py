"""Rules: conditions on node attributes, dates, resources and operations (Pacemaker Explained, "Rules").

Everything is text as it was written; the policy engine parses what it needs. `id` fields are None unless somebody
chose the id.
"""

from __future__ import annotations

import msgspec


class AttributeTest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="attribute"):
    """`attribute operation value`: a node attribute (`#uname` and the like included) compared with a value."""

    attribute: str
    operation: str
    """`lt`, `gt`, `lte`, `gte`, `eq`, `ne`, `defined` or `not_defined`."""
    value: str | None = None
    type: str | None = None
    """`string`, `integer`, `number` or `version`; by default what the operation and the values suggest."""
    value_source: str | None = None
    """`literal` (the default), `param` or `meta`: the value names a parameter or meta attribute of the resource."""
    id: str | None = None


class DateSpan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A `duration` or a `date_spec`: field (`hours`, `weekdays`, `months`…) and value, in the order written."""

    fields: tuple[tuple[str, str], ...]
    id: str | None = None


class DateTest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="date"):
    """A moment compared with now: `lt`/`gt` a time, `in_range` of two times or a time and a duration, `date_spec`."""

    operation: str
    start: str | None = None
    end: str | None = None
    duration: DateSpan | None = None
    spec: DateSpan | None = None
    id: str | None = None


class ResourceTest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="resource"):
    """Matches resources by their agent (`rsc_expression`); None matches any."""

    standard: str | None = None
    provider: str | None = None
    type: str | None = None
    id: str | None = None


class OperationTest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="operation"):
    """Matches operations by name and, when given, interval (`op_expression`)."""

    name: str
    interval: str | None = None
    id: str | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="rule"):
    """Conditions that hold all together (`and`, the default) or one of them (`or`); rules nest.

    `score` or `score_attribute` (the name of a node attribute that holds the score) counts where the rule is a location
    constraint's; `id_ref` names a rule elsewhere and leaves everything else empty.
    """

    conditions: tuple[Condition, ...] = ()
    operator: str | None = None
    """`and` or `or`, as written."""
    score: str | None = None
    score_attribute: str | None = None
    role: str | None = None
    id: str | None = None
    id_ref: str | None = None


Condition = AttributeTest | DateTest | ResourceTest | OperationTest | Rule
