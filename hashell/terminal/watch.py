"""What the prompt knows of the cluster without asking: a thread with its own client keeps the newest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hashell.client.port import Client
from hashell.errors import HashellError
from hashell.grammar.scope import AgentSource
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.model.metadata import Metadata
from hashelld.model.resource import Agent
from hashelld.wire.client import CibIs, GetCib, GetStatus, StatusIs


REFRESH_MS = 1_000
SILENCES_MAX = 5
"""After so many refreshes without an event, one looks nevertheless."""
RETRY_S = 2.0
FIRST_LOOK_S = 10.0
"""For so long completion waits for what is heard first."""
KEPT_S = 60.0


class Watch:
    """The newest state and configuration, or why there is none. Its values are replaced as a whole, never changed."""

    __slots__ = ("_changed", "_ended", "_looked", "_make_client", "_thread", "cib", "status", "trouble")

    def __init__(self, make_client: Callable[[], Client], changed: Callable[[], None]) -> None:
        self._make_client = make_client
        self._changed = changed
        self._ended = threading.Event()
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="hashell-watch", daemon=True)
        self.cib: CibIs | None = None
        self.status: StatusIs | None = None
        self.trouble = ""

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it returns within one refresh."""
        self._ended.set()
        self._thread.join(timeout=3 * REFRESH_MS / 1000)

    def first(self) -> CibIs | None:
        """The newest configuration; waits for a moment where there was none yet, unless it is known why."""
        if self._thread.is_alive():
            self._looked.wait(FIRST_LOOK_S)
        return self.cib

    def _listen(self) -> None:
        while not self._ended.is_set():
            client = self._make_client()
            try:
                self._follow(client)
            except HashellError as trouble:
                self.trouble = str(trouble)
                self.status = None
                self._looked.set()
                self._changed()
            finally:
                client.close()
            self._ended.wait(RETRY_S)

    def _follow(self, client: Client) -> None:
        self._look(client)
        silences = 0
        for event in client.events(REFRESH_MS):
            if self._ended.is_set():
                return
            silences = 0 if event is not None else silences + 1
            if event is not None or (silences % SILENCES_MAX == 0 and not self._is_file):
                self._look(client)

    @property
    def _is_file(self) -> bool:
        """A file says when it was changed; a daemon that was restarted may have forgotten whom to tell."""
        return self.status is not None and not self.status.node

    def _look(self, client: Client) -> None:
        status, cib = client.ask(GetStatus()), self.cib
        if not isinstance(status, StatusIs):
            return
        if cib is None or cib.version != status.version:
            answer = client.ask(GetCib())
            cib = answer if isinstance(answer, CibIs) else cib
        if (status, cib) != (self.status, self.cib) or self.trouble:
            self.status, self.cib, self.trouble = status, cib, ""
            self._looked.set()
            self._changed()


class KeptAgents:
    """Agents as they were found up to a minute ago: looking for them at every key press would be too slow."""

    __slots__ = ("_found", "_looked_s", "_source")

    def __init__(self, source: AgentSource) -> None:
        self._source = source
        self._found: tuple[tuple[str, str], ...] = ()
        self._looked_s: float | None = None

    def offered(self) -> tuple[tuple[str, str], ...]:
        """Full names with their titles."""
        now_s = time.monotonic()
        if self._looked_s is None or now_s - self._looked_s > KEPT_S:
            self._found, self._looked_s = tuple(self._source.offered()), now_s
        return self._found

    def resolve(self, text: str) -> Agent | None:
        """The agent that a name means."""
        return self._source.resolve(text)

    def metadata(self, agent: Agent | str) -> Metadata | None:
        """What the agent says of itself."""
        return self._source.metadata(agent)


class WatchedScope:
    """The scope of completion at the prompt: the session's draft and level, and what the watch last heard."""

    __slots__ = ("_agents", "_session", "_watch")

    def __init__(self, session: Session, watch: Watch) -> None:
        self._session = session
        self._watch = watch
        self._agents: KeptAgents | None = None

    @property
    def level(self) -> str:
        """Where the prompt is."""
        return self._session.level

    def cib(self) -> Cib:
        """The draft where there is one, the shadow that is worked on; else the newest configuration heard."""
        if self._session.has_draft:
            return self._session.draft.cib
        if self._session.shadow and self._session.shadows is not None:
            kept = self._session.shadows.find(self._session.shadow)
            return Cib() if kept is None else kept.cib
        newest = self._watch.first()
        return Cib() if newest is None else newest.cib

    def node_names(self) -> tuple[str, ...]:
        """Configured nodes, then others reported."""
        names = [str(node.id) for node in self.cib().nodes]
        if self._watch.status is not None:
            names.extend(str(node.node) for node in self._watch.status.nodes)
        return tuple(dict.fromkeys(names))

    def shadow_names(self) -> tuple[str, ...]:
        """The configurations that are kept beside the cluster's."""
        return self._session.shadow_names()

    @property
    def agents(self) -> AgentSource:
        """The agents installed here."""
        if self._agents is None:
            self._agents = KeptAgents(self._session.agents)
        return self._agents
