"""Drills on a live cluster: what is broken on purpose, what is expected of it, and how it went."""
