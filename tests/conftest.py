"""What all tests share: the order of the run, what is skipped here and why, and the switch that rewrites goldens."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


OCF_ROOT = Path("/usr/lib/ocf/resource.d")
PACKAGES = {
    "ip": "iproute2",
    "nginx": "nginx-light",
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first and side by side; slow ones last, one after the other (they share the machine's clock)."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
    for item in items:
        if item.get_closest_marker("slow") is not None:
            item.add_marker(pytest.mark.xdist_group("slow"))


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
