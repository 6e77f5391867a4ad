"""The first entry of a new cluster."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib
from hashelld.core.standing import Standing
from hashelld.model.node import Node as ConfiguredNode
from hashelld.wire.log import DISK, Founding


def founding_by(standing: Standing) -> Founding:
    """The file's electorate, with the quorum disk that is there now; who runs nothing is in no configuration."""
    settings = standing.settings
    founding = settings.founding
    nodes = tuple(ConfiguredNode(id=name) for name in founding.votes if name != founding.network_arbiter)
    cluster = f"{settings.cluster_name}-{standing.incarnation.token}"
    if settings.disk is not None:
        founding = msgspec.structs.replace(founding, arbiter=DISK + standing.disk.uuid)
    return Founding(cluster, founding, Cib(nodes))
