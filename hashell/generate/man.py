"""The manual pages: hashell(1) and hashell-configure(7) from the registry and the options, the daemon's from texts."""

from __future__ import annotations

from itertools import groupby

from hashell.generate import mdoc
from hashell.generate.daemon_pages import daemon_page, file_page
from hashell.generate.tables import GLOBAL_OPTIONS, levels
from hashell.grammar.registry import EVERYWHERE, Command, all_commands, commands_of
from hashell.grammar.statements import STATEMENTS
from hashelld.model.options import (
    CLUSTER_PROPERTIES,
    META_ATTRIBUTES,
    NODE_ATTRIBUTES,
    OPERATION_ATTRIBUTES,
    Option,
)


_OPTION_VALUES = {"--socket": " PATH", "--cib": " FILE", "--shadow": " NAME", "--file": " PATH"}
_EXIT = (
    ("0", "Done."),
    ("1", "Refused or failed; nothing was changed unless the message says so."),
    ("2", "The command line is wrong."),
    ("3", "No cluster answers."),
    ("4", "Timed out, or it is not known whether it was done."),
)
_ENVIRONMENT = (
    ("HASHELL_SOCKET", "Which daemon to talk to."),
    ("HASHELL_EDITING", "emacs (the default) or vi: the keys of the prompt."),
    ("VISUAL, EDITOR", "The editor of configure edit."),
    ("HASHELL_THEME", "default or colourblind."),
    ("HASHELL_PAGER, PAGER", "The program that shows what is longer than the screen; empty: none."),
    ("HASHELL_SORT", "on: configure show sorts by kind and id."),
    ("HASHELL_SSH_USER", "Who logs in on other nodes: cluster run, copy and diff."),
    ("HASHELL_WAIT", "on: every change waits until the cluster has settled."),
    ("NO_COLOR", "When set, nothing is coloured."),
    ("HASHELL_DEBUG", "When set, an internal error shows where it happened."),
)
_LANGUAGE = """
A configuration is a list of statements, one a line; a backslash at the end of a line goes on in the next one.
Words are separated by blanks. Single quotes take everything literally, double quotes know the escapes of
a double quote and of a backslash. A line that begins with # is a comment.
The same language is typed, shown, edited, saved and loaded.
"""


def pages() -> dict[str, str]:
    """File name -> text, of every page."""
    return {
        "hashell.1": shell_page(),
        "hashell-configure.7": configure_page(),
        "hashelld.8": daemon_page(),
        "hashelld.toml.5": file_page(),
    }


def shell_page() -> str:
    """hashell(1)."""
    synopsis = [".Nm", ".Op Ar option ...", ".Op Ar level", ".Op Ar command ..."]
    words = (
        "hashell is the prompt of a hashelld cluster. With a command it runs that one command; with a file, or with "
        "standard input that is no terminal, it runs one statement a line and stops at the first that is refused. "
        "Statements of configure change a draft, which commit makes the cluster's configuration; a single configure "
        "statement on the command line commits itself."
    )
    options = [(f"{name}{_OPTION_VALUES.get(name, '')}", help_) for name, help_ in GLOBAL_OPTIONS.items()]
    body = [
        *mdoc.section("SYNOPSIS", *synopsis),
        *mdoc.section("DESCRIPTION", *mdoc.text(words), ".Pp", "The options:", *mdoc.items(options)),
        *mdoc.section("LEVELS", *mdoc.items(levels().items())),
        *mdoc.section("COMMANDS", *_commands()),
        *mdoc.section("ENVIRONMENT", *mdoc.items(_ENVIRONMENT)),
        *mdoc.section("FILES", *mdoc.items(_files())),
        *mdoc.section("EXIT STATUS", *mdoc.items(_EXIT)),
        *mdoc.section("SEE ALSO", ".Xr hashelld.toml 5 ,", ".Xr hashell-configure 7 ,", ".Xr hashelld 8"),
    ]
    return mdoc.page("HASHELL", "1", "hashell", "shell of a high-availability cluster", body)


def _files() -> list[tuple[str, str]]:
    return [
        ("/run/hashell/hashelld.sock", "The daemon's socket."),
        ("~/.config/hashell/settings", "Preferences, written by options save; the environment goes before them."),
        ("~/.local/state/hashell/drafts", "Drafts of configure that were not committed."),
        ("~/.local/state/hashell/shadows", "Shadows: see the level cib."),
        ("~/.local/state/hashell/history", "Typed lines, without those that look like secrets; mode 0600."),
    ]


def _commands() -> list[str]:
    lines: list[str] = []
    for level, commands in groupby(all_commands(), key=lambda one: one.level):
        title = {"": "Commands of the top", EVERYWHERE: "Commands of every level"}.get(level, f"Level {level}")
        lines.append(f".Ss {title}")
        # Statements are explained in a page of their own.
        told = [one for one in commands if level != "configure" or one.name not in STATEMENTS]
        lines.extend(mdoc.entries((one.usage, _explained(one)) for one in told))
    return lines


def _explained(command: Command) -> list[str]:
    parts = [command.summary, command.details]
    if command.aliases:
        parts.append(f"Also: {', '.join(command.aliases)}.")
    if command.is_exact:
        parts.append("Never by an abbreviation.")
    options = [(f"--{one.name} {one.kind.name.upper()}", one.kind.help) for one in command.options if one.kind.help]
    return [
        *mdoc.text("\n\n".join(part for part in parts if part)),
        *mdoc.items(options),
        *map(mdoc.typed, command.examples),
    ]


def configure_page() -> str:
    """hashell-configure(7)."""
    commands = commands_of("configure")
    statements = [commands[name] for name in STATEMENTS if name in commands]
    body = [
        *mdoc.section("DESCRIPTION", *mdoc.text(_LANGUAGE)),
        *mdoc.section("STATEMENTS", *mdoc.entries((one.usage, _explained(one)) for one in statements)),
        *mdoc.section("CLUSTER PROPERTIES", *_options(CLUSTER_PROPERTIES)),
        *mdoc.section("META ATTRIBUTES", *_options(META_ATTRIBUTES)),
        *mdoc.section("OPERATION ATTRIBUTES", *_options(OPERATION_ATTRIBUTES)),
        *mdoc.section("NODE ATTRIBUTES", *_options(NODE_ATTRIBUTES)),
        *mdoc.section("SEE ALSO", ".Xr hashell 1 ,", ".Xr hashelld 8"),
    ]
    return mdoc.page("HASHELL-CONFIGURE", "7", "hashell-configure", "language of a cluster's configuration", body)


def _options(options: tuple[Option, ...]) -> list[str]:
    return mdoc.items((one.name, _option(one)) for one in options if not one.deprecated)


def _option(option: Option) -> str:
    kind = ", ".join(option.values) if option.kind.value == "enumeration" else option.kind.value
    default = f"; default {option.default}" if option.default is not None else ""
    return f"{option.help} ({kind}{default})"
