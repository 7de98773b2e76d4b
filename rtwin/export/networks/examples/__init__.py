"""Programs that run on an export in another tool; they are copied beside it, not imported."""
