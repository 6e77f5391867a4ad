"""Bash completion: levels, commands and options from tables in the file; names of a cluster from one quick call."""

from __future__ import annotations

from hashell.generate.tables import GLOBAL_OPTIONS, Row, rows, words_at_top


_HEAD = """\
# bash completion for hashell; written by python -m hashell.generate, do not edit.
# Levels, commands and options are in the tables below. Only names of a cluster are asked of hashell itself.

"""

_BODY = """
_hashell_offer() {
    # Candidates in $1, words separated by blanks.
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_hashell_ask() {
    # The words of the command so far, as they would be typed at the prompt.
    local line way="$1" first="$2" candidate
    local -a all=()
    shift 2
    line="$*"
    COMPREPLY=()
    while IFS=$'\\t' read -r candidate _; do
        all+=("$candidate")
        [[ $candidate == "$cur"* ]] && COMPREPLY+=("$candidate")
    done < <("$first" "${_hashell_where[@]}" "$way" "$line" 2>/dev/null)
    # An agent by its type alone.
    ((${#COMPREPLY[@]} == 0 && ${#all[@]} == 1)) && COMPREPLY=("${all[0]}")
}

_hashell() {
    local cur words cword i at=-1 level="" key
    local -a _hashell_where=() said=()
    # Words are taken as they are typed, without breaking at = and :.
    local line="${COMP_LINE:0:COMP_POINT}"
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cword=$((${#words[@]} - 1))
    cur="${words[cword]}"
    for ((i = 1; i < cword; i++)); do
        case "${words[i]}" in
            --socket | --cib | --shadow | -c)
                _hashell_where+=("${words[i]}" "${words[i + 1]}")
                ((i++))
                ;;
            -f | --file) ((i++)) ;;
            -*) ;;
            *)
                at=$i
                break
                ;;
        esac
    done
    if ((at < 0)); then
        case "${words[cword - 1]}" in
            --socket | --cib | -f | --file)
                compopt -o filenames
                COMPREPLY=($(compgen -f -- "$cur"))
                ;;
            *)
                if [[ $cur == -* ]]; then _hashell_offer "$_hashell_options"; else _hashell_offer "$_hashell_top"; fi
                ;;
        esac
        _hashell_space
        return
    fi
    said=("${words[@]:at:cword-at}")
    level="${said[0]}"
    if [[ -n ${_hashell_levels[$level]+x} && ${#said[@]} -eq 1 ]]; then
        _hashell_offer "${_hashell_levels[$level]}"
    else
        key="${said[0]}"
        [[ -n ${_hashell_levels[$level]+x} ]] && key="${said[0]} ${said[1]}"
        if [[ $cur == -* ]]; then
            _hashell_offer "${_hashell_command_options[$key]}"
        elif [[ " ${_hashell_valued[$key]} " == *" ${words[cword - 1]} "* ]]; then
            _hashell_ask --complete "${words[0]}" "${said[@]}" "$cur"
        elif [[ -n ${_hashell_paths[$key]+x} || " ${_hashell_filed[$key]} " == *" ${words[cword - 1]} "* ]]; then
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$cur"))
        elif [[ -z ${_hashell_wordless[$key]+x} ]]; then
            # Names of resources are asked for in a quicker way, where nothing else may stand.
            local way=--complete
            local -a of_command=($key)
            at=$((${#said[@]} - ${#of_command[@]}))
            [[ " ${said[*]}" != *" -"* ]] && ((at < ${_hashell_resources[$key]:-0})) && way=--names
            _hashell_ask "$way" "${words[0]}" "${said[@]}" "$cur"
        fi
    fi
    _hashell_space
}

_hashell_space() {
    # No blank after what is gone on with; readline breaks words at = and :, so only what follows is inserted.
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace
    local sign before i
    for sign in "=" ":"; do
        if [[ $COMP_WORDBREAKS == *"$sign"* && $cur == *"$sign"* ]]; then
            before="${cur%"${cur##*"$sign"}"}"
            for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#"$before"}"; done
            cur="${cur#"$before"}"
        fi
    done
}

complete -F _hashell hashell
"""


def bash_completion() -> str:
    """The text of completions/hashell.bash."""
    table = rows()
    levels: dict[str, list[str]] = {}
    for row in table:
        if row.level:
            levels.setdefault(row.level, []).append(row.name)
    parts = [
        _HEAD,
        f'_hashell_options="{" ".join(GLOBAL_OPTIONS)}"\n',
        f'_hashell_top="{" ".join(words_at_top(table))}"\n',
        _array("_hashell_levels", {level: " ".join(names) for level, names in levels.items()}),
        _array("_hashell_command_options", {row.key: " ".join(row.options) for row in table}),
        _array("_hashell_valued", {row.key: " ".join(row.valued) for row in table if row.valued}),
        _array("_hashell_filed", {row.key: " ".join(row.filed) for row in table if row.filed}),
        _array("_hashell_paths", {row.key: "1" for row in table if row.takes_path}),
        _array("_hashell_resources", {row.key: str(row.resources) for row in table if row.resources}),
        _array("_hashell_wordless", {row.key: "1" for row in table if _is_wordless(row)}),
        _BODY,
    ]
    return "".join(parts)


def _is_wordless(row: Row) -> bool:
    return not row.takes_words


def _array(name: str, items: dict[str, str]) -> str:
    body = "".join(f'    ["{key}"]="{value}"\n' for key, value in items.items())
    return f"declare -gA {name}=(\n{body})\n"
