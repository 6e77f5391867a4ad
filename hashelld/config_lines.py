"""Where the keys of hashelld.toml are, so that every problem is told with its line."""

from __future__ import annotations


class Lines:
    """Where in the text a key or a table's header is."""

    def __init__(self, text: str) -> None:
        self._places: dict[tuple[str, int, str], int] = {}
        table, count, seen = "", 0, {"": 1}
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = line.strip()
            if stripped.startswith("["):
                table = stripped.split("]")[0].strip("[ ").replace('"', "").replace(" ", "")
                count = seen.get(table, 0)
                seen[table] = count + 1
                self._places.setdefault((table, count, ""), number)
            elif "=" in stripped and not stripped.startswith("#"):
                key = stripped.split("=")[0].split(".")[0].strip().strip("\"'")
                self._places.setdefault((table, count, key), number)

    def find(self, table: str, at: int, key: str) -> int:
        """The key's line; else its table's; 0 when neither is in the text (all of it is a default)."""
        above, _, last = table.rpartition(".")
        candidates = ((table, at, key), (f"{table}.{key}", 0, ""), (table, at, ""), (above, 0, last))
        return next((self._places[c] for c in candidates if c in self._places), 0)
