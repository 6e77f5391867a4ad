"""Help as text, made from the registry: for `help`, `--help`, and the man page."""

from __future__ import annotations

from hashell.grammar.bind import COMMON
from hashell.grammar.registry import EVERYWHERE, LEVELS, Command, Parameter, summaries


def command_help(command: Command) -> str:
    """Usage, what it does, its words and options, examples."""
    parts = [f"usage: {command.usage}", command.summary]
    if command.details:
        parts.append(command.details)
    for title, parameters in (("Words", command.positionals), ("Options", command.options)):
        lines = _aligned([_described(one) for one in parameters])
        if lines:
            parts.append("\n".join((f"{title}:", *lines)))
    if command.aliases:
        parts.append(f"Also: {', '.join(command.aliases)}")
    if command.is_exact:
        parts.append("It interrupts or removes something: its name is not abbreviated.")
    if command.examples:
        parts.append("\n".join(("Examples:", *(f"  {line}" for line in command.examples))))
    return "\n\n".join(parts)


def level_help(level: str) -> str:
    """What may be said at a level."""
    parts = [f"{level}: {LEVELS[level].help}" if level else "hashell: commands at the top"]
    if not level:
        levels = [(name, known.help) for name, known in LEVELS.items() if name not in ("", EVERYWHERE)]
        parts.append("\n".join(("Levels:", *_aligned(levels))))
    for title, listed in (("Commands:", summaries(level)), ("Everywhere:", summaries(EVERYWHERE))):
        lines = _aligned(sorted(listed.items()))
        if lines:
            parts.append("\n".join((title, *lines)))
    parts.append("help COMMAND explains one, help LEVEL COMMAND one of another level.")
    return "\n\n".join(parts)


def usage_help() -> str:
    """What `hashell --help` prints."""
    levels = [(name, known.help) for name, known in LEVELS.items() if name not in ("", EVERYWHERE)]
    options = [
        ("--socket PATH", "which hashelld to talk to (environment: HASHELL_SOCKET)"),
        ("--cib FILE", "work on a CIB file instead of a cluster"),
        ("-c, --shadow NAME", "work on a shadow of the configuration: hashell cib list"),
        ("-f, --file PATH", "run the statements of a file; - is standard input"),
        ("--json", COMMON["--json"]),
        ("-F, --force", COMMON["--force"]),
        ("-y, --yes", COMMON["--yes"]),
        ("-w, --wait", COMMON["--wait"]),
        ("--show-secrets", "print passwords and the like at a terminal, too"),
        ("--version", "print the version"),
        ("-h, --help", "print this"),
    ]
    status = [
        ("0", "done"),
        ("1", "refused or failed"),
        ("2", "the command line is wrong"),
        ("3", "no cluster answers"),
        ("4", "timed out, or not known whether it was done"),
    ]
    return "\n\n".join(
        (
            "usage: hashell [OPTION …] [LEVEL COMMAND …]",
            "Without a command it is a prompt.",
            "\n".join(("Options:", *_aligned(options))),
            "\n".join(("Levels:", *_aligned(levels))),
            "\n".join(("Exit status:", *_aligned(status))),
            "hashell help lists the commands, hashell help LEVEL COMMAND explains one.",
        )
    )


def _described(parameter: Parameter) -> tuple[str, str]:
    if not parameter.is_option:
        return parameter.name.upper(), parameter.kind.help or parameter.kind.name
    if parameter.kind.is_flag:
        return f"--{parameter.name}", parameter.kind.help or COMMON.get(f"--{parameter.name}", "")
    return f"--{parameter.name} {parameter.kind.name.upper()}", parameter.kind.help


def _aligned(rows: list[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:<{width}}  {text}".rstrip() for name, text in rows]
