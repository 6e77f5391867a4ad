"""The colours of the prompt. Whatever a colour says is also said by a word, a mark or an underline."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from prompt_toolkit.styles import Style


_COMMON: Final = {
    "bottom-toolbar": "noreverse",
    "bottom-toolbar.text": "",
    "dim": "ansibrightblack",
    "comment": "ansibrightblack",
    "selected": "reverse",
    "question": "bold",
    "completion-menu.meta.completion.current": "bold",
}
_DEFAULT: Final = {
    "prompt": "ansigreen bold",
    "prompt-trouble": "ansiyellow bold",
    "prompt-bad": "ansired bold",
    "dirty": "ansiyellow bold",
    "level": "ansiblue",
    "command": "ansicyan bold",
    "keyword": "ansimagenta",
    "option": "ansiyellow",
    "name": "ansiblue",
    "value": "ansigreen",
    "score": "ansiyellow",
    "agent": "ansicyan",
    "error": "ansired underline",
    "doubt": "ansiyellow underline",
    "good": "ansigreen",
    "warning": "ansiyellow",
    "bad": "ansired bold",
}
_COLOURBLIND: Final = {
    **_DEFAULT,
    "prompt": "#5fafd7 bold",
    "prompt-trouble": "#ffaf00 bold",
    "prompt-bad": "#ff5f00 bold",
    "dirty": "#ffaf00 bold",
    "level": "#87d7ff",
    "command": "#87d7ff bold",
    "keyword": "bold",
    "option": "#d7af87",
    "name": "#87d7ff",
    "value": "#d7af87",
    "score": "#ffaf00",
    "agent": "#5fafd7",
    "error": "#ff5f00 underline",
    "doubt": "#ffaf00 underline",
    "good": "#5fafd7",
    "warning": "#ffaf00",
    "bad": "#ff5f00 bold",
}
STYLES: Final = MappingProxyType(
    {
        "default": Style.from_dict({**_COMMON, **_DEFAULT}),
        "colourblind": Style.from_dict({**_COMMON, **_COLOURBLIND}),
    }
)
"""By the names of `settings.THEMES`."""
