"""Learned updates."""
