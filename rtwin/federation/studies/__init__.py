"""The studies: rtwin experiment traffic, poisoning, trust, sites."""
