"""`python -m hashell`."""

from __future__ import annotations

from hashell.main import entry


entry()
