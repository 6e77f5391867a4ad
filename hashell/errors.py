"""The shell's failures, with an exit code each (0 done, 1 refused, 2 usage, 3 unreachable, 4 timed out or unknown)."""

from __future__ import annotations

from typing import ClassVar


class HashellError(Exception):
    """Something that the user is told, without a traceback."""

    exit_code: ClassVar[int] = 1


class Refused(HashellError):
    """It was not done, nothing was changed. `line` is where the text is wrong that was read, from 1; 0: nowhere."""

    exit_code = 1

    def __init__(self, text: str, *, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


class Usage(HashellError):
    """The command line does not say what to do."""

    exit_code = 2


class Unreachable(HashellError):
    """No cluster answers."""

    exit_code = 3


class TimedOut(HashellError):
    """It is not known to be done, or waiting for it took too long."""

    exit_code = 4
