"""Edge caching on a twin: stations with caches, users who walk, a twin of their requests."""
