"""What all tests share: the order of the run, what is skipped here and why, and the switch that rewrites goldens."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Generator
from pathlib import Path

import pytest


OCF_ROOT = Path("/usr/lib/ocf/resource.d")
PACKAGES = {
    "ip": "iproute2",
    "nginx": "nginx-light",
    "ping": "iputils-ping",
    "ps": "procps",
    "mandoc": "mandoc",
    "tmux": "tmux",
    "fence_dummy": "fence-agents",
    "fence_ipmilan": "fence-agents",
    "ipmitool": "ipmitool",
    "ipmi_sim": "openipmi",
    "crm": "crmsh",
    "heartbeat:IPaddr2": "resource-agents",
    "heartbeat:Stateful": "resource-agents",
    "pacemaker:Stateful": "pacemaker-resource-agents",
    "crm_simulate": "pacemaker-cli-utils",
}
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write golden files anew instead of comparing with them")


def pytest_configure() -> None:
    """A run that a script put into the background ignores SIGINT, and so would the programs that tests interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first."""
    items.sort(key=is_slow)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Workers run slow tests one after the other: clusters are judged by the clock of the machine that they share."""
    with Path(__file__).open() as lock:
        if is_slow(item):
            fcntl.flock(lock, fcntl.LOCK_EX)
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for thing in marker.args:
            reason = missing(thing)
            if reason:
                pytest.skip(reason)


def missing(thing: str) -> str:
    """Why a test that needs this cannot run here; empty when it can."""
    if thing == "root":
        return "" if os.geteuid() == 0 else "needs root: it makes network namespaces"
    if ":" in thing:
        found = OCF_ROOT.joinpath(*thing.split(":")).is_file()
    else:
        found = shutil.which(thing, path=SYSTEM_PATH) is not None
    return "" if found else f"needs {thing}: apt-get install {PACKAGES[thing]}"


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Are golden files written anew (`--rewrite`, `python -m tests.check --fix`)?"""
    return bool(request.config.getoption("--rewrite"))
