"""A short run of random faults; HASHELL_FAULT_SEED and HASHELL_FAULT_MINUTES choose another one."""

from __future__ import annotations

import os

import pytest

from tests.e2e.faultrun import run_seed


pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("root", "ip", "nginx", "heartbeat:IPaddr2", "fence_ipmilan", "ipmitool", "ipmi_sim"),
]

SEED = int(os.environ.get("HASHELL_FAULT_SEED", "1"))
MINUTES = float(os.environ.get("HASHELL_FAULT_MINUTES", "1.5"))


def test_random_faults_activate_nothing_twice_and_lose_no_commit():
    run_seed(SEED, MINUTES)
