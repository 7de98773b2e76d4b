"""From elements to surfaces: footprints, roofs, terrain, plants, structures."""
