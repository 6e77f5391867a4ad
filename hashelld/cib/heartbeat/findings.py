"""What reading the files brings to light: errors (nothing is imported) and notices (what became of a line)."""

from __future__ import annotations


class Findings:
    """Collects errors and notices, each with its file and, where there is one, its line."""

    __slots__ = ("_errors", "_notices")

    def __init__(self) -> None:
        self._errors: list[str] = []
        self._notices: list[str] = []

    def error(self, where: str, text: str) -> None:
        """Something that heartbeat or hashelld would refuse; `where` is `FILE` or `FILE:LINE`."""
        self._errors.append(f"{where}: {text}")

    def notice(self, where: str, text: str) -> None:
        """Something that is done in another way, or not at all; said once for each line."""
        said = f"{where}: {text}"
        if said not in self._notices:
            self._notices.append(said)

    @property
    def errors(self) -> tuple[str, ...]:
        """In the order in which they were found."""
        return tuple(self._errors)

    @property
    def notices(self) -> tuple[str, ...]:
        """In the order in which they were found."""
        return tuple(self._notices)
