"""hashell, the shell of a hashelld cluster."""
