"""Running the demo: the cluster as a context, then the script or the prompt; whatever ends it, all is removed."""

from __future__ import annotations

import signal
import subprocess  # noqa: TID251 - the prompt is a program of its own, with the terminal to itself
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

import msgspec

from hashell.demo.cluster import SETTLE_S, Watcher, configuration
from hashell.demo.nodes import ADDRESS, NAMES, DemoCluster, tails
from hashell.demo.polling import Poller
from hashell.demo.script import play_failover
from hashell.errors import HashellError, Refused, TimedOut
from hashell.outcomes import Outcome, Said
from hashell.views.narration import Narrator
from hashell.views.render import theme_of


_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


def play(script: str | None, *, as_json: bool) -> Outcome:
    """The whole demo. With JSON, the narration goes to standard error."""
    stream = sys.stderr if as_json else sys.stdout
    tell = Narrator(stream, theme_of(stream, is_tty=stream.isatty()))
    with _ended_by_signals(), DemoCluster() as cluster:
        try:
            if script is not None:
                return Said(text="", data=msgspec.to_builtins(play_failover(cluster, tell)))
            return _converse(cluster, tell)
        except HashellError as failure:
            # The logs are removed with everything else: what may explain the failure is told with it.
            raise type(failure)(f"{failure}\n{tails(cluster)}") from failure


def _converse(cluster: DemoCluster, tell: Narrator) -> Outcome:
    tell.text("Three daemons start on this machine, without root.")
    cluster.start()
    with Watcher(cluster, cluster.nodes[0]) as watcher:
        status = watcher.wait_founded()
        tell.event(f"{', '.join(NAMES)} are a cluster: {status.quorum.reason}, DC is {status.dc}")
        watcher.configure(configuration(cluster.web_port))
    with Poller(ADDRESS, cluster.web_port) as poller:
        seen = poller.wait_for(frozenset(NAMES), SETTLE_S)
    if seen is None:
        raise TimedOut(f"The web server does not answer at {cluster.url} within {SETTLE_S:g} s.")
    tell.event(f"web answers at {cluster.url} from {seen.node}")
    tell.text(_welcome(cluster))
    with _interrupts_are_for_the_prompt():
        ended = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-m", "hashell", "--socket", cluster.nodes[0].socket], check=False
        )
    tell.text("The demo's daemons are stopped, and their files removed.")
    if ended.returncode:
        raise Refused(f"The prompt ended with exit code {ended.returncode}.")
    return Said(text="")


def _welcome(cluster: DemoCluster) -> str:
    return (
        "\nThis is the prompt of node1. Try:\n"
        "  status                       what runs where\n"
        "  node standby node1           web and the group move away; node online node1 ends it\n"
        "  resource why web             why it is where it is\n"
        "  configure show               the configuration\n"
        "  quit                         end the demo: everything is stopped and removed\n"
        f"In another terminal: curl {cluster.url}\n"
        f"                     hashell --socket {cluster.nodes[1].socket}\n"
    )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does: by an exception, so that everything is cleaned up."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    with _handled(_SIGNALS, end):
        yield


@contextmanager
def _interrupts_are_for_the_prompt() -> Iterator[None]:
    """Ctrl-C reaches every program at the terminal; here it means what is typed at the prompt."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        return

    with _handled((signal.SIGINT,), ignore):
        yield


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
