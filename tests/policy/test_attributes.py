"""Sets of values: which of them hold, in which order, with what defaults."""

from __future__ import annotations

import pytest

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.model.constraint import Location
from hashelld.model.ids import ConstraintId, ResourceId
from hashelld.model.resource import Agent, AttributeSet, NvPair, Operation, Primitive, Template
from hashelld.model.rule import AttributeTest, DateTest, OperationTest, ResourceTest, Rule
from hashelld.policy.attributes import META_SUFFIX, Attributes
from hashelld.policy.rules import Facts


DUMMY = Agent("ocf", "pacemaker", "Dummy")
ON_N1 = Rule(conditions=(AttributeTest(attribute="#uname", operation="eq", value="n1"),))


def pairs(**values: str | None) -> tuple[NvPair, ...]:
    return tuple(NvPair(name.replace("_", "-"), value) for name, value in values.items())


def plain(**values: str | None) -> AttributeSet:
    return AttributeSet(pairs(**values))


def ruled(rule: Rule, **values: str) -> AttributeSet:
    return AttributeSet(pairs(**values), rules=(rule,))


def scored(score: str, **values: str) -> AttributeSet:
    return AttributeSet(pairs(**values), score=score)


def primitive(name: str = "p", **options: object) -> Primitive:
    return Primitive(id=ResourceId(name), agent=DUMMY, **options)  # type: ignore[arg-type]


def attributes(*objects: Object, now_ms: int = 0) -> Attributes:
    return Attributes(Cib(objects), now_ms)


def on(node: str) -> Facts:
    return Facts(attributes={"#uname": node})


def test_nothing_says_nothing():
    assert attributes().resolve(()) == {}


def test_the_first_pair_of_a_set_wins():
    found = AttributeSet((NvPair("a", "1"), NvPair("a", "2"), NvPair("b"), NvPair("b", "3")))
    assert attributes().resolve((found,)) == {"a": "1", "b": "3"}


def test_the_highest_score_wins():
    sets = (scored("1", a="low", b="only"), scored("3", a="high"), scored("2", a="middle"), scored("-inf", c="last"))
    assert attributes().resolve(sets) == {"a": "high", "b": "only", "c": "last"}


def test_of_equal_scores_the_last_wins():
    assert attributes().resolve((plain(a="1", b="1"), plain(a="2"))) == {"a": "2", "b": "1"}
    assert attributes().resolve((scored("0", a="1"), scored("nonsense", a="2"))) == {"a": "2"}


def test_a_default_takes_a_value_back():
    assert attributes().resolve((plain(a="#default"), scored("5", a="1", b="2"))) == {"b": "2"}
    assert attributes().resolve((plain(a="1"), scored("5", a="#DEFAULT"))) == {"a": "1"}


def test_answers_are_the_callers_own():
    found, sets = attributes(), (plain(a="1"),)
    found.resolve(sets)["a"] = "changed"
    assert found.resolve(sets) == {"a": "1"}


def test_sets_with_rules():
    found, sets = attributes(), (plain(a="0", b="0"), ruled(ON_N1, a="1"))
    assert found.resolve(sets, on("n1")) == {"a": "1", "b": "0"}
    assert found.resolve(sets, on("n2")) == {"a": "0", "b": "0"}
    assert found.resolve(sets) == {"a": "0", "b": "0"}
    assert found.is_conditional(sets)
    assert not found.is_conditional(sets[:1])


def test_rules_without_facts_know_the_time():
    until = Rule(conditions=(DateTest(operation="lt", end="2005-001"),))
    assert attributes().resolve((ruled(until, a="1"),)) == {"a": "1"}
    assert attributes(now_ms=2_000_000_000_000).resolve((ruled(until, a="1"),)) == {}


def test_all_rules_of_a_set_hold():
    never = Rule(conditions=(DateTest(operation="gt", start="2005-001"),))
    found = AttributeSet(pairs(a="1"), rules=(ON_N1, never))
    assert attributes().resolve((found,), on("n1")) == {}


@pytest.mark.parametrize("reference", ["other-instance_attributes", "mine", "other"])
def test_references_to_sets(reference: str):
    first = AttributeSet(pairs(a="1"), id="mine" if reference == "mine" else None)
    other = primitive("other", params=(first, plain(b="2")), meta=(plain(c="3"),))
    assert attributes(other).resolve((AttributeSet(id_ref=reference), plain(d="4"))) == {"a": "1", "d": "4"}


def test_a_reference_to_an_object_means_its_set_of_the_kind():
    other = primitive("other", params=(plain(a="1"),), meta=(plain(c="3"),))
    assert attributes(other).resolve((AttributeSet(id_ref="other"),), kind=META_SUFFIX) == {"c": "3"}


def test_references_to_nothing_say_nothing():
    sets = (AttributeSet(id_ref="none"), AttributeSet((NvPair("", id_ref="none"), NvPair("a", "1"))))
    assert attributes().resolve(sets) == {"a": "1"}
    assert not attributes().is_conditional(sets)


def test_a_set_that_is_referred_to_keeps_its_rules_and_score():
    found = AttributeSet(pairs(a="1"), id="mine", score="5", rules=(ON_N1,))
    looked = attributes(primitive("other", params=(found,)))
    sets = (AttributeSet(id_ref="mine"), plain(a="0"))
    assert looked.resolve(sets, on("n1")) == {"a": "1"}
    assert looked.resolve(sets, on("n2")) == {"a": "0"}


def test_references_to_pairs():
    other = primitive("other", params=(AttributeSet((NvPair("a", "1", id="chosen"), NvPair("b", "2"))),))
    referring = AttributeSet(
        (
            NvPair("", id_ref="chosen"),
            NvPair("alias", id_ref="chosen"),
            NvPair("", id_ref="other-instance_attributes-b"),
        )
    )
    assert attributes(other).resolve((referring,)) == {"a": "1", "alias": "1", "b": "2"}


def test_the_first_property_set_is_the_one_of_the_installation():
    extra = Properties(id="no-stonith", kind=PROPERTY, set=AttributeSet(pairs(a="0", b="0"), score="100"))
    main = Properties(id="cib-bootstrap-options", kind=PROPERTY, set=plain(a="1"))
    last = Properties(id="zz", kind=PROPERTY, set=plain(a="2", b="2", c="2"))
    assert attributes(extra, main, last).cluster(PROPERTY) == {"a": "1", "b": "0", "c": "2"}


def test_defaults_are_of_one_kind():
    mine = Properties(id="x", kind=RSC_DEFAULTS, set=plain(a="1"))
    other = Properties(id="y", kind=OP_DEFAULTS, set=plain(a="2"))
    found = attributes(mine, other)
    assert found.defaults(RSC_DEFAULTS) == {"a": "1"}
    assert found.defaults(OP_DEFAULTS) is found.defaults(OP_DEFAULTS)
    assert found.cluster(OP_DEFAULTS) is not found.cluster(OP_DEFAULTS)
    assert found.defaults(PROPERTY) == {}


def test_defaults_by_agent_and_operation():
    dummies = Rule(conditions=(ResourceTest(type="Dummy"),))
    often = Rule(conditions=(OperationTest(name="monitor", interval="10s"),))
    monitors = Rule(conditions=(OperationTest(name="monitor"),))
    found = attributes(
        Properties(id="r", kind=RSC_DEFAULTS, set=ruled(dummies, is_managed="false")),
        Properties(id="o1", kind=OP_DEFAULTS, set=ruled(often, timeout="8s", a="1")),
        Properties(id="o2", kind=OP_DEFAULTS, set=ruled(monitors, timeout="7s")),
    )
    assert found.defaults(RSC_DEFAULTS, Facts(agent=DUMMY)) == {"is-managed": "false"}
    assert found.defaults(RSC_DEFAULTS, Facts(agent=Agent("systemd", "", "nginx"))) == {}
    assert found.defaults(OP_DEFAULTS, Facts(operation="monitor", interval_ms=10_000)) == {"timeout": "7s", "a": "1"}
    assert found.defaults(OP_DEFAULTS, Facts(operation="start")) == {}


def test_operations_with_references():
    start = Operation("start", pairs(timeout="20s"))
    monitor = Operation("monitor", pairs(interval="10s"), id="chosen")
    other = primitive("other", operations=(start, monitor), operations_id="ops")
    for name in ("ops", "other"):
        assert attributes(other).operations(primitive(operations_ref=name)) == (start, monitor)
    referring = primitive(operations=(Operation("", id_ref="chosen"), Operation("", id_ref="other-start-0")))
    assert attributes(other).operations(referring) == (monitor, start)
    lost = primitive(operations=(Operation("", id_ref="none"),), operations_ref="none")
    assert attributes(other).operations(lost) == ()


def test_operations_of_templates():
    slow, quick = Operation("monitor", pairs(interval="60s")), Operation("monitor", pairs(interval="10s"))
    promoted = Operation("monitor", pairs(interval="5s", role="Promoted"))
    stop = Operation("stop", pairs(timeout="60s"))
    template = Template(id=ResourceId("t"), agent=DUMMY, operations=(slow, promoted, stop))
    found = attributes(template)
    assert found.operations(primitive(template=ResourceId("t"))) == (slow, promoted, stop)
    mine = primitive(template=ResourceId("t"), operations=(quick,))
    assert found.operations(mine) == (quick, promoted, stop)
    started = primitive(template=ResourceId("t"), operations=(Operation("monitor", pairs(role="Started")),))
    assert found.operations(started) == (started.operations[0], promoted, stop)
    assert found.operations(template) == (slow, promoted, stop)
    assert found.operations(primitive(template=ResourceId("none"), operations=(quick,))) == (quick,)


def test_rules_by_reference_and_the_moment_to_look_again():
    until = Rule(conditions=(DateTest(operation="lt", end="2005-001"),), id="until", score="inf")
    location = Location(id=ConstraintId("l"), resource=ResourceId("p"), rules=(until,))
    found = attributes(location)
    assert found.wake_ms is None
    assert found.rules == {"until": until}
    assert found.resolve((ruled(Rule(id_ref="until"), a="1"),)) == {"a": "1"}
    assert found.wake_ms == 1_104_537_600_000
    assert found.holds(Rule(conditions=(DateTest(operation="lt", end="2004-001"),)), Facts())
    assert found.wake_ms == 1_072_915_200_000
    assert found.holds(until, Facts())
    assert found.wake_ms == 1_072_915_200_000


def test_rules_within_rules_are_known():
    inner = Rule(conditions=(DateTest(operation="lt", end="2005-001"),), id="inner")
    location = Location(id=ConstraintId("l"), resource=ResourceId("p"), rules=(Rule(conditions=(inner,), id="outer"),))
    assert set(attributes(location).rules) == {"inner", "outer"}
