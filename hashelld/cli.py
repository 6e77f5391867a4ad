"""`hashelld run`, `arbiter`, `keygen`, `check`, `unit`: words to one call, failures to a sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hashelld import __version__
from hashelld.config import DEFAULT_PATH, ConfigError, DaemonConfig, Problem, load, to_settings
from hashelld.core.settings import SUPERVISOR
from hashelld.io import keys
from hashelld.io.clients import SocketTaken
from hashelld.io.daemon import FORMS, LEVELS, run_node
from hashelld.io.keys import KeyFileError
from hashelld.io.runtime import StartFailed
from hashelld.io.store import StoreUnusable
from hashelld.model.duration import format_duration
from hashelld.unit import unit_text


_DONE, _FAILED = 0, 1
_EPILOG: Final = "exit codes: 0 done, or left cleanly; 1 refused or failed; 2 usage"
_FAILURES: Final = (ConfigError, KeyFileError, SocketTaken, StartFailed, StoreUnusable)


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Do what the words say; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except _FAILURES as failure:
        for line in str(failure).splitlines():
            sys.stderr.write(f"hashelld: {line}\n")
        return _FAILED


def _run(options: argparse.Namespace) -> int:
    return run_node(load(options.config), form=options.log, level=options.level)


def _arbiter(options: argparse.Namespace) -> int:
    """As `run`, which is an arbiter too where the file says so; this one makes sure of it."""
    config = load(options.config)
    if not config.own.is_arbiter:
        named = config.founding.network_arbiter
        advice = f"{named} is" if named else "write arbiter = true into its [[nodes]], on every node"
        raise ConfigError(options.config, (Problem(0, f"this node, '{config.node}', is no arbiter: {advice}"),))
    return run_node(config, form=options.log, level=options.level)


def _keygen(options: argparse.Namespace) -> int:
    keys.generate(options.path)
    sys.stdout.write(f"{options.path}: written; copy it to every node of the cluster, mode 0600\n")
    return _DONE


def _check(options: argparse.Namespace) -> int:
    config = load(options.path)
    accepted = keys.load(config.keys)
    names = ", ".join(f"{entry.name}{' (arbiter)' * entry.is_arbiter}" for entry in config.nodes)
    several = f"{len(accepted)} keys, the first one active" if len(accepted) > 1 else "1 key"
    sys.stdout.write(f"{options.path}: good; cluster {config.cluster_name}, nodes {names}, here {config.node}, ")
    sys.stdout.write(f"{several}\n")
    sys.stdout.write(f"{_told_watchdog(config)}\n")
    return _DONE


def _unit(options: argparse.Namespace) -> int:
    python = Path(sys.executable).absolute()  # Not resolved: a virtual environment's is a link.
    beside = python.with_name("hashelld")
    program = (str(beside),) if os.access(beside, os.X_OK) else (str(python), "-m", "hashelld")
    sys.stdout.write(unit_text(program, str(Path(options.config).absolute())))
    return _DONE


def _told_watchdog(config: DaemonConfig) -> str:
    """What ends this node when its daemon hangs, and what that needs."""
    found = config.watchdog
    if found is None:
        return "no watchdog: a daemon that hangs, or cannot stop its resources without quorum, is not ended"
    after_ms = to_settings(config).ended_ms or 0
    spans = f"{format_duration(found.timeout_ms)}; a lost node runs nothing after {after_ms / 1000:g}s"
    told = f"watchdog: {found.mode}, {spans}"
    if found.mode == SUPERVISOR:
        return f"{told}; processes are ended, but no addresses, mounts or units of systemd"
    if not os.access(found.device, os.W_OK):
        return f"{told}; BUT {found.device} is missing, or not for this user: the daemon will end when it joins"
    return f"{told}; {found.device}"


_COMMANDS: Final = {"run": _run, "arbiter": _arbiter, "keygen": _keygen, "check": _check, "unit": _unit}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashelld", description="The node daemon of a hashell cluster.", epilog=_EPILOG, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"hashelld {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run_command = commands.add_parser("run", help="run the daemon in the foreground; SIGTERM leaves cleanly")
    arbiter = commands.add_parser("arbiter", help="the same on a host that votes and runs nothing (arbiter = true)")
    for command in (run_command, arbiter):
        command.add_argument("--config", default=DEFAULT_PATH, metavar="PATH", help="default: %(default)s")
        command.add_argument("--log", choices=FORMS, default=FORMS[0], help="default: %(default)s")
        command.add_argument("--level", choices=LEVELS, default="info", help="default: %(default)s")
    keygen = commands.add_parser("keygen", help="write a new cluster key, readable by its owner alone")
    keygen.add_argument("path", metavar="PATH", type=os.path.abspath)
    check = commands.add_parser("check", help="check a hashelld.toml and the key that it names")
    check.add_argument("path", metavar="PATH", nargs="?", default=DEFAULT_PATH)
    unit = commands.add_parser("unit", help="print a service of systemd that runs this installation's daemon")
    unit.add_argument("--config", default=DEFAULT_PATH, metavar="PATH", help="default: %(default)s")
    return parser
