"""What the system may allow and the daemon can live without: real-time priority and locked memory."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
from typing import Final


PRIORITY: Final = 1
"""Below the beat thread's; both leave the CPU to everything that the kernel holds for urgent."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def gather_orphans() -> None:
    """From now on processes below this one whose parents end become its children, however they detached themselves."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """KILL for this process as soon as its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def settle_process() -> None:
    """What every agent inherits: directory `/`, umask 022, and a parent that is told of its end."""
    os.chdir("/")
    os.umask(0o022)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def settle_memory() -> None:
    """What was made until now stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


def return_memory() -> None:
    """Give back to the system what messages took that are gone: the allocator by itself keeps much of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def raise_priority(priority: int = PRIORITY) -> bool:
    """SCHED_RR for the calling thread, not for what it executes; False when the system refuses."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError:
        return False
    return True


def lock_memory() -> bool:
    """Keep what is touched in memory; False when the system refuses.

    Where a limit holds, locking would succeed now and make a later allocation fail: then nothing is locked.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if os.geteuid() != 0 and limit != resource.RLIM_INFINITY:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
