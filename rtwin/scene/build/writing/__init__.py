"""What a built scene writes: recipe, meshes, deployment, report."""
