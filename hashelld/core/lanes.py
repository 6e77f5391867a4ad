"""The queues of the local resource manager: one for each resource, with what waits in it and what runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hashelld.core.results import Began
from hashelld.model.action import Action
from hashelld.model.ids import Millis


if TYPE_CHECKING:
    from hashelld.core.lrm import OrderKey


@dataclass(slots=True, eq=False)
class Recurring:
    """A monitor that runs again and again. `key` is the order that its first run answers."""

    action: Action
    due: Millis | None
    key: OrderKey | None
    is_ended: bool = False


@dataclass(slots=True, eq=False)
class Job:
    """One run to be: an order, or a recurring monitor's turn."""

    action: Action
    key: OrderKey | None
    not_before: Millis
    recurring: Recurring | None = None
    word: str = ""
    """What the agent is told, where it does not know the operation by its name."""


@dataclass(slots=True, eq=False)
class Run:
    """An agent in flight."""

    job: Job
    began: Began
    started: Millis
    is_cancelled: bool = False


@dataclass(slots=True, eq=False)
class Lane:
    """A resource's queue. `run` is the number of its agent in flight."""

    jobs: deque[Job] = field(default_factory=deque)
    run: int | None = None
