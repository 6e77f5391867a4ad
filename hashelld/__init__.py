"""hashelld, a small high-availability node daemon."""

__version__ = "0.1.0"
