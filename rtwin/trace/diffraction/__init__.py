"""Diffraction: which edges a scene has, and what an edge does to a wave."""

from rtwin.trace.diffraction.edge_material import edge_material, rough_slab
from rtwin.trace.diffraction.edges import NO_ROW, SceneEdges, find_edges, find_parts
from rtwin.trace.diffraction.ranks import row_ranks
from rtwin.trace.diffraction.uniform_theory import Matrix, Slab, Wedge, edge_matrix, world_jones

__all__ = [
    "NO_ROW",
    "Matrix",
    "SceneEdges",
    "Slab",
    "Wedge",
    "edge_material",
    "edge_matrix",
    "find_edges",
    "find_parts",
    "rough_slab",
    "row_ranks",
    "world_jones",
]
