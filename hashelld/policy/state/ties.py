"""Constraints between items, as the phases share them, and what a name in a constraint stands for."""

from __future__ import annotations

from typing import Final

from hashelld.model.constraint import ResourceSet
from hashelld.model.score import INFINITY, Score
from hashelld.policy.state.items import Item, Stage
from hashelld.policy.state.situation import Situation


UNAME: Final = "#uname"


class Tie:
    """One colocation: the dependent is placed by where the primary is."""

    __slots__ = ("attribute", "dependent", "dependent_stage", "has_influence", "id", "is_explicit", "primary",
                 "primary_stage", "score")  # fmt: skip

    def __init__(self, name: str, dependent: Item, primary: Item, score: Score, *, is_explicit: bool = True) -> None:
        self.id = name
        self.dependent = dependent
        self.primary = primary
        self.score = score
        self.attribute = UNAME
        """The node attribute that is compared."""
        self.dependent_stage = Stage.UNKNOWN
        """Only in this role; UNKNOWN: in any."""
        self.primary_stage = Stage.UNKNOWN
        self.has_influence = True
        """Does the primary heed where the dependent would like to be?"""
        self.is_explicit = is_explicit
        """Written by the user; else made for a group's members and the like."""

    def __repr__(self) -> str:
        return f"<tie {self.id}: {self.dependent.id} with {self.primary.id} {self.score}>"

    @property
    def is_mandatory(self) -> bool:
        """Is it a requirement rather than a preference?"""
        return abs(self.score) >= INFINITY


def stands_for(situation: Situation, name: str) -> tuple[str, ...] | None:
    """The resource ids that a tag or template in a constraint means; None when the name is neither."""
    if situation.named(name) is not None:
        return None
    for table in (situation.templates, situation.tags):
        if name in table:
            return tuple(member for member in table[name] if situation.named(member) is not None)
    return None


def members_of(situation: Situation, found: ResourceSet) -> list[Item]:
    """The items of a set, tags and templates expanded in place; names of nothing are left out."""
    items: list[Item] = []
    for name in found.members:
        for member in stands_for(situation, name) or (name,):
            item = situation.named(member)
            if item is not None:
                items.append(item)
    return items
