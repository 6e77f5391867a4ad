"""The daemon as a service of systemd: a unit for the installation that prints it."""

from __future__ import annotations

from typing import Final


_TEXT: Final = """\
# A service of systemd, as hashelld unit prints it. Resources are processes of this service, too:
# systemctl kill needs --kill-whom=main. To have the key files read again: systemctl reload hashelld.

[Unit]
Description=hashell, node daemon of a high-availability cluster
Documentation=man:hashelld(8) man:hashelld.toml(5)
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
# With a watchdog of the mode supervisor it is a child of the service's first process that says READY.
NotifyAccess=all
ExecStart={program} run --config {config}
ExecReload=/bin/kill -USR1 $MAINPID
# Resources outlive the daemon, and the next one finds them again.
KillMode=process
# A daemon that is back within restart_grace costs its node nothing.
Restart=on-failure
RestartSec=200ms
# To leave is to have every resource moved away or stopped first.
TimeoutStopSec=30min
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""


def unit_text(program: tuple[str, ...], config: str) -> str:
    """The unit, for the words that run the program and the file of its configuration, by absolute paths."""
    return _TEXT.format(program=" ".join(map(_word, program)), config=_word(config))


def _word(text: str) -> str:
    """One word of a command line, by systemd.syntax(7) and systemd.service(5)."""
    kept = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{kept}"' if kept != text or " " in text else text
