from __future__ import annotations

from hashell.grammar.run import run_line
from hashell.session import Session
from hashell.terminal.picking import Item, Sort, items, next_item
from hashell.views.render import render
from hashell.views.theme import Theme
from tests.shell.memory import MemoryClient


def shown(words=""):
    report = run_line(Session(MemoryClient()), f"status {words}").outcome
    lines = render(report, Theme(width=80))
    return lines, items(lines, report)


def test_every_item_is_on_its_line():
    lines, found = shown()
    assert [(one.sort, one.name) for one in found if one.sort is Sort.NODE] == [
        (Sort.NODE, name) for name in ("node1", "node2", "node3")
    ]
    assert {one.name for one in found if one.sort is Sort.RESOURCE} == {"web", "apps", "cache", "queue"}
    assert all(one.name in lines[one.line].split() for one in found)


def test_by_node_every_item_is_there_once():
    lines, found = shown("bynode")
    names = [one.name for one in found]
    assert len(names) == len(set(names))
    assert {"node1", "node2", "node3", "web"} <= set(names)
    assert all(one.name in lines[one.line].split() for one in found)


def test_stepping_stops_at_the_ends():
    first, second = Item(Sort.NODE, "a", 1), Item(Sort.RESOURCE, "b", 5)
    choices = (first, second)
    assert next_item(choices, None, 0) is first
    assert next_item(choices, first, 1) is second
    assert next_item(choices, second, 1) is second
    assert next_item(choices, first, -1) is first
    assert next_item((), first, 1) is None


def test_what_is_gone_gives_way_to_its_neighbour():
    choices = (Item(Sort.NODE, "a", 1), Item(Sort.RESOURCE, "b", 5))
    assert next_item(choices, Item(Sort.RESOURCE, "gone", 4), 0) is choices[1]


def test_what_moved_on_the_screen_stays_chosen():
    moved = Item(Sort.NODE, "a", 7)
    assert next_item((moved,), Item(Sort.NODE, "a", 1), 0) is moved
