"""Shards traced on a Ray cluster, by actors that hold the loaded scene.

The scene travels to the actors as triangles and shards come back as the bytes
of their files. So workers need no shared disk and none of the recipe's files,
only the same versions of rtwin and its engine.
"""

from rtwin.dataset.cluster.crew import trace_on_cluster
from rtwin.dataset.cluster.door import check_cluster, connected

__all__ = ["check_cluster", "connected", "trace_on_cluster"]
