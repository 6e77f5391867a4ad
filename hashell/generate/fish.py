"""Fish completion: levels, commands and options with descriptions; names of a live cluster from one quick call."""

from __future__ import annotations

from hashell.generate.tables import GLOBAL_OPTIONS, WITH_FILE, Row, levels, rows


_HEAD = """\
# fish completion for hashell; written by python -m hashell.generate, do not edit.

function __hashell_words
    # The words of the command, without the options before it.
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --socket --cib --shadow -c -f --file
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                break
        end
    end
    string join \\n -- $words
end

function __hashell_is
    # Are the words of the command exactly these?
    test (string join ' ' -- (__hashell_words)) = "$argv"
end

function __hashell_has
    # Do the words of the command begin with these?
    string match -q -- "$argv *" (string join ' ' -- (__hashell_words))' '
end

function __hashell_ask
    set -l where
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] --socket --cib --shadow -c
            set -a where $words[$i] $words[(math $i + 1)]
        end
    end
    set -l line (string join ' ' -- (__hashell_words) (commandline -ct))
    command $words[1] $where --complete "$line" 2>/dev/null
end

complete -c hashell -f
"""


def fish_completion() -> str:
    """The text of completions/hashell.fish."""
    table = rows()
    lines = [_HEAD]
    for name, text in GLOBAL_OPTIONS.items():
        file = " -r -F" if name in WITH_FILE else " -x" if name == "--shadow" else ""
        lines.append(f"complete -c hashell -n '__hashell_is' -l {name[2:]}{file} -d {_quoted(text)}\n")
    lines += [
        f"complete -c hashell -n '__hashell_is' -a {name} -d {_quoted(text)}\n" for name, text in levels().items()
    ]
    for row in table:
        lines.append(f"complete -c hashell -n '__hashell_is {row.level}' -a {row.name} -d {_quoted(row.summary)}\n")
    for row in table:
        lines.extend(_arguments(row))
    return "".join(lines)


def _arguments(row: Row) -> list[str]:
    condition = f"-n '__hashell_has {row.key}'"
    lines = [
        f"complete -c hashell {condition} -l {name[2:]}{_value(row, name)} -d {_quoted(text)}\n"
        for name, text in row.options.items()
    ]
    if row.takes_path:
        lines.append(f"complete -c hashell {condition} -F\n")
    elif row.takes_words:
        lines.append(f"complete -c hashell {condition} -a '(__hashell_ask)'\n")
    return lines


def _value(row: Row, option: str) -> str:
    if option in row.valued:
        return " -x -a '(__hashell_ask)'"
    return " -r -F" if option in row.filed else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
