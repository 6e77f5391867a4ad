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
RETRY_S = 2.0
KEPT_S = 60.0


class Watch:
    """The newest state and configuration, or why there is none. Its values are replaced as a whole, never changed."""

    __slots__ = ("_changed", "_ended", "_make_client", "_thread", "cib", "status", "trouble")

    def __init__(self, make_client: Callable[[], Client], changed: Callable[[], None]) -> None:
        self._make_client = make_client
        self._changed = changed
        self._ended = threading.Event()
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

    def _listen(self) -> None:
        while not self._ended.is_set():
            client = self._make_client()
            try:
                self._follow(client)
            except HashellError as trouble:
                self.trouble = str(trouble)
                self.status = None
                self._changed()
            finally:
                client.close()
            self._ended.wait(RETRY_S)

    def _follow(self, client: Client) -> None:
        self._look(client)
        for _event in client.events(REFRESH_MS):
            if self._ended.is_set():
                return
            self._look(client)

    def _look(self, client: Client) -> None:
        status, cib = client.ask(GetStatus()), self.cib
        if not isinstance(status, StatusIs):
            return
        if cib is None or cib.version != status.version:
            answer = client.ask(GetCib())
            cib = answer if isinstance(answer, CibIs) else cib
        if (status, cib) != (self.status, self.cib) or self.trouble:
            self.status, self.cib, self.trouble = status, cib, ""
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
        """The draft where there is one; else the newest configuration heard."""
        if self._session.has_draft:
            return self._session.draft.cib
        return Cib() if self._watch.cib is None else self._watch.cib.cib

    def node_names(self) -> tuple[str, ...]:
        """Configured nodes, then others reported."""
        names = [str(node.id) for node in self.cib().nodes]
        if self._watch.status is not None:
            names.extend(str(node.node) for node in self._watch.status.nodes)
        return tuple(dict.fromkeys(names))

    @property
    def agents(self) -> AgentSource:
        """The agents installed here."""
        if self._agents is None:
            self._agents = KeptAgents(self._session.agents)
        return self._agents
