"""The program: arguments to one command, a script, or the prompt; failures to messages and exit codes.

Imports are made where they are needed: `--version` costs nothing but the interpreter, a single command no terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from hashell.commands.preferences import prefer
from hashell.errors import HashellError, Refused, Usage


if TYPE_CHECKING:
    from hashell.client.port import Client
    from hashell.grammar.run import Ran
    from hashell.session import Session


EXIT_INTERRUPTED: Final = 130
EXIT_PIPE: Final = 141
_FLAGS: Final = {
    "--json": "json",
    "--yes": "yes",
    "-y": "yes",
    "--force": "force",
    "-F": "force",
    "--wait": "wait",
    "-w": "wait",
    "--show-secrets": "shows_secrets",
    "--version": "version",
    "--help": "help",
    "-h": "help",
}
_VALUES: Final = {
    "--socket": "socket",
    "--cib": "cib",
    "--shadow": "shadow",
    "-c": "shadow",
    "-f": "file",
    "--file": "file",
    "--complete": "complete",
    "--names": "names",
}


class Arguments:
    """The command line: flags that were given, options with values, and the words of the command."""

    __slots__ = ("flags", "values", "words")

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}
        self.words: list[str] = []


def parse(argv: list[str]) -> Arguments:
    """Options end at the first word that is none; what follows belongs to the command. Raises `Usage`."""
    arguments = Arguments()
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in _FLAGS and not equals:
            arguments.flags.add(_FLAGS[name])
        elif name in _VALUES:
            if not equals and not rest:
                raise Usage(f"{name} needs a value")
            arguments.values[_VALUES[name]] = value if equals else rest.pop(0)
        else:
            raise Usage(f"unknown option {word}; hashell --help lists them")
    arguments.words = rest
    if rest and "file" in arguments.values:
        raise Usage("a command and a script (-f) at once: give one of them")
    if "cib" in arguments.values and "socket" in arguments.values:
        raise Usage("--cib works without a daemon, --socket names one: give one of them")
    return arguments


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run, and turn whatever happens into an exit code."""
    try:
        code = _run(argv)
        sys.stdout.flush()
    except HashellError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone; what is still buffered must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as bug:  # The edge: a bug is told in a line, and fully when asked for.
        if os.environ.get("HASHELL_DEBUG"):
            raise
        _complain(_internal(bug))
        return 1
    return code


def _run(argv: list[str]) -> int:
    arguments = parse(argv)
    prefer(os.environ)
    if "version" in arguments.flags:
        from hashelld import __version__

        sys.stdout.write(f"hashell {__version__}\n")
        return 0
    if "help" in arguments.flags and not arguments.words:
        from hashell.grammar.helptext import usage_help

        sys.stdout.write(usage_help() + "\n")
        return 0
    if "names" in arguments.values and _quick_names(arguments):
        return 0
    session = _session(arguments)
    try:
        return _dispatch(arguments, session)
    finally:
        session.client.close()


def _dispatch(arguments: Arguments, session: Session) -> int:
    for way in ("complete", "names"):
        if way in arguments.values:
            return _complete(session, arguments.values[way])
    if arguments.words:
        if "help" in arguments.flags:
            arguments.words.insert(0, "help")
        return _one_shot(session, arguments)
    if "file" in arguments.values:
        return _script(session, arguments.values["file"])
    return _converse_or_script(session, arguments)


def _converse_or_script(session: Session, arguments: Arguments) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _script(session, "-")
    from hashell.terminal.prompt import converse

    return converse(session, lambda: _client(arguments), _run_line)


def _run_line(session: Session, line: str) -> Ran:
    """A line of the prompt: a bug ends the line, not the conversation with its draft."""
    from hashell.grammar.run import run_line

    try:
        return run_line(session, line)
    except HashellError:
        raise
    except Exception as bug:
        if os.environ.get("HASHELL_DEBUG"):
            raise
        raise Refused(_internal(bug)) from bug


def _internal(bug: Exception) -> str:
    return f"internal error: {type(bug).__name__}: {bug} (HASHELL_DEBUG=1 shows where)"


def _session(arguments: Arguments) -> Session:
    from hashell.session import Options, Session

    names = ("json", "yes", "force", "wait", "shows_secrets")
    is_terminal = sys.stdout.isatty()
    given = {name: True for name in names if name in arguments.flags}
    options = Options(**{"shows_secrets": not is_terminal, "wait": os.environ.get("HASHELL_WAIT") == "on", **given})
    is_asked = sys.stdin.isatty() and is_terminal
    session = Session(_client(arguments), options, ask_user=_ask_user if is_asked else None)
    if is_asked or _concerns_shadows(arguments):
        _add_stores(session, arguments)
    return session


def _concerns_shadows(arguments: Arguments) -> bool:
    if "complete" in arguments.values:
        return arguments.values["complete"].startswith("cib ")
    return "shadow" in arguments.values or not arguments.words or arguments.words[0] == "cib"


def _add_stores(session: Session, arguments: Arguments) -> None:
    """Where drafts and shadows are kept; a draft outlives its shell only where somebody can be told of it."""
    from hashell.client.shadow import shadows_of
    from hashell.client.shelf import shelf_of

    cluster = _cluster(arguments)
    session.shadows = shadows_of(os.environ, cluster)
    if session.is_interactive:
        session.shelf = shelf_of(os.environ, cluster)
    if "shadow" in arguments.values:
        session.use_shadow(arguments.values["shadow"])


def _cluster(arguments: Arguments) -> str:
    """What tells this cluster from others: its file, or its socket."""
    if "cib" in arguments.values:
        return os.path.realpath(arguments.values["cib"])
    from hashell.settings import read

    return arguments.values.get("socket") or read(os.environ).socket


def _client(arguments: Arguments) -> Client:
    if "cib" in arguments.values:
        from hashell.client.offline import OfflineClient

        return OfflineClient(arguments.values["cib"])
    from hashell.client.quick import QuickClient

    return QuickClient(_cluster(arguments))


def _ask_user(question: str) -> bool:
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _one_shot(session: Session, arguments: Arguments) -> int:
    from hashell.grammar.registry import LEVELS
    from hashell.grammar.run import run_line
    from hashell.grammar.words import join

    words = arguments.words
    if len(words) == 1 and words[0] in LEVELS:
        session.enter(words[0])
        return _converse_or_script(session, arguments)
    ran = run_line(session, join(words))
    _show(ran)
    return ran.exit_code


def _script(session: Session, path: str) -> int:
    """Run statements line by line; the first that is refused ends it, and so does a draft left at the end."""
    from hashell.grammar.run import run_line
    from hashell.outcomes import Said

    name = "standard input" if path == "-" else path
    for number, statement in statements(_lines(path)):
        try:
            ran = run_line(session, statement)
        except (Refused, Usage) as error:
            raise Refused(f"{name}:{number}: {error}") from error
        except HashellError as error:
            raise type(error)(f"{name}:{number}: {error}") from error
        _show(ran)
        if isinstance(ran.outcome, Said) and ran.exit_code:
            raise Refused(f"{name}:{number}: ends here")
        if session.is_finished:
            return 0
    if session.is_dirty:
        raise Refused(f"{name}: ends with changes that were not committed; nothing of them was applied (add: commit)")
    return 0


def statements(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Statements with the number of their first line; a trailing backslash goes on in the next line."""
    from hashell.grammar.words import glue, is_continued

    begun: list[str] = []
    first = 0
    for number, line in enumerate(lines, 1):
        first = first if begun else number
        begun.append(line.rstrip("\r\n"))
        if is_continued(begun[-1]):
            continue
        yield first, glue(begun)
        begun = []
    if begun:
        yield first, glue(begun)


def _lines(path: str) -> list[str]:
    try:
        if path == "-":
            return sys.stdin.readlines()
        with open(path, encoding="utf-8") as script:  # noqa: PTH123 - pathlib would cost start-up time
            return script.readlines()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: byte {error.start} is not UTF-8") from None


def _show(ran: Ran) -> None:
    if ran.outcome is None:
        return
    from hashell.views.render import show

    show(ran.outcome, sys.stdout, as_json=ran.as_json, is_tty=sys.stdout.isatty())


def _complete(session: Session, line: str) -> int:
    """Candidates for the end of a line, one a line with its description behind a tab; nothing when there is trouble."""
    from hashell.grammar.complete import complete

    for candidate in complete(line, len(line), session):
        sys.stdout.write(f"{candidate.text}\t{candidate.description}\n")
    return 0


def _quick_names(arguments: Arguments) -> bool:
    """Print the names of resources that begin with the line's last word; False when that must be done by completion."""
    from hashell.client.names import names_of_daemon, names_of_file

    if "shadow" in arguments.values:
        return False
    *before, partial = arguments.values["names"].split(" ")
    cluster = _cluster(arguments)
    found = names_of_file(cluster) if "cib" in arguments.values else names_of_daemon(cluster)
    fitting = sorted(name for name in found or () if name.startswith(partial) and name not in before)
    sys.stdout.write("".join(f"{name}\t\n" for name in fitting))
    return bool(fitting)


def _complain(text: str) -> None:
    sys.stderr.write(f"error: {text}\n")
