"""`python -m hashelld`."""

from __future__ import annotations

from hashelld.cli import entry


entry()
