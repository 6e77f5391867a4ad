"""PID 1 of one host: its own mounts and name, then it reaps. Killing it is pulling the host's plug.

Run as `unshare --mount --uts --ipc --pid --fork python pid1.py NAME DISK`: DISK/binds lists the machine's paths over
which DISK/root's are laid; DISK/booted gets the pid that the machine knows this process by.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def main(name: str, disk: Path) -> None:
    pid = str(Path("/proc/self").readlink())  # The old /proc: the machine's number, not 1.
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    subprocess.run(["hostname", name], check=True)
    for path in (disk / "binds").read_text().split():
        mount("--bind", f"{disk}/root{path}", path)
    mount("-t", "tmpfs", "-o", "mode=755", "run", "/run")
    Path("/run/resource-agents").mkdir()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    booted = disk / "booted.new"
    booted.write_text(pid)
    booted.rename(disk / "booted")
    while True:
        signal.sigwait({signal.SIGCHLD})
        reap()


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
