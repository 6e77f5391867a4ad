"""Zsh completion: levels, commands and options with descriptions; names of a live cluster from one quick call."""

from __future__ import annotations

from hashell.generate.tables import GLOBAL_OPTIONS, WITH_FILE, Row, levels, rows


_HEAD = """\
#compdef hashell
# zsh completion for hashell; written by python -m hashell.generate, do not edit.

"""

_BODY = """
_hashell_ask() {
  # The words from the command on, as they would be typed at the prompt.
  local -a found
  local text description
  while IFS=$'\\t' read -r text description; do
    found+=("${text//:/\\\\:}:$description")
  done < <("$hashell_program" "${hashell_where[@]}" --complete "${(j: :)${words[hashell_at,CURRENT]}}" 2>/dev/null)
  (( $#found )) && _describe -V name found -S ''
}

_hashell() {
  local -a hashell_where options
  local hashell_program="${words[1]}" hashell_at=0 key i
  for ((i = 2; i < CURRENT; i++)); do
    case "${words[i]}" in
      --socket|--cib|--shadow|-c) hashell_where+=("${words[i]}" "${words[i+1]}"); ((i++)) ;;
      -f|--file) ((i++)) ;;
      -*) ;;
      *) hashell_at=$i; break ;;
    esac
  done
  if (( ! hashell_at )); then
    case "${words[CURRENT-1]}" in
      WITH_FILE) _files; return ;;
    esac
    if [[ "$PREFIX" == -* ]]; then _describe option hashell_options; return; fi
    _describe level hashell_levels
    _describe command hashell_top
    return
  fi
  key="${words[hashell_at]}"
  if (( ${+hashell_commands[$key]} )); then
    if (( CURRENT == hashell_at + 1 )); then
      options=("${(@f)hashell_commands[$key]}")
      _describe command options
      return
    fi
    key="$key ${words[hashell_at+1]}"
  fi
  if [[ "$PREFIX" == -* ]]; then
    options=("${(@f)hashell_command_options[$key]}")
    _describe option options
  elif [[ " ${hashell_valued[$key]} " == *" ${words[CURRENT-1]} "* ]]; then
    _hashell_ask
  elif (( ${+hashell_paths[$key]} )) || [[ " ${hashell_filed[$key]} " == *" ${words[CURRENT-1]} "* ]]; then
    _files
  else
    _hashell_ask
  fi
}

_hashell "$@"
"""


def zsh_completion() -> str:
    """The text of completions/_hashell."""
    table = rows()
    inner: dict[str, list[str]] = {}
    for row in table:
        if row.level:
            inner.setdefault(row.level, []).append(_described(row.name, row.summary))
    body = _BODY.replace("WITH_FILE", "|".join((*WITH_FILE, "-f")))
    return "".join(
        (
            _HEAD,
            _list("hashell_options", [_described(name, text) for name, text in GLOBAL_OPTIONS.items()]),
            _list("hashell_levels", [_described(name, text) for name, text in levels().items()]),
            _list("hashell_top", [_described(row.name, row.summary) for row in table if not row.level]),
            _map("hashell_commands", {level: "\n".join(names) for level, names in inner.items()}),
            _map("hashell_command_options", {row.key: _options(row) for row in table}),
            _map("hashell_valued", {row.key: " ".join(row.valued) for row in table if row.valued}),
            _map("hashell_filed", {row.key: " ".join(row.filed) for row in table if row.filed}),
            _map("hashell_paths", {row.key: "1" for row in table if row.takes_path}),
            body,
        )
    )


def _options(row: Row) -> str:
    return "\n".join(_described(name, text) for name, text in row.options.items())


def _described(name: str, text: str) -> str:
    return f"{name.replace(':', chr(92) + ':')}:{text}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _list(name: str, items: list[str]) -> str:
    return f"local -a {name}=(\n{''.join(f'  {_quoted(item)}{chr(10)}' for item in items)})\n"


def _map(name: str, items: dict[str, str]) -> str:
    body = "".join(f"  {_quoted(key)} {_quoted(value)}\n" for key, value in items.items())
    return f"local -A {name}=(\n{body})\n"
