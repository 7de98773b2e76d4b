"""Readers: one file format each, to elements."""
