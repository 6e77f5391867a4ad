"""Pacemaker's commands for agents: `crm_attribute`, `attrd_updater`, `crm_node` and the like.

Agents call them to say how well an instance would do promoted, and to learn who is there. A daemon writes small
programs of these names into a folder of its own, first on its agents' PATH and their HA_SBIN_DIR; they send their
words to the daemon through `ask`, beside this file. What the words mean is said here, as values.
"""

from __future__ import annotations

from typing import Final


ASKED: Final = ("crm_attribute", "crm_master", "attrd_updater", "crm_node", "crm_resource")
"""Commands that the daemon answers."""
SHOWN: Final = ("crm_mon", "cibadmin")
"""Commands that the shell answers."""
SAID: Final = ("ha_logger", "pacemakerd")
"""Commands that need no answer."""
NAMES: Final = (*ASKED, *SHOWN, *SAID)
