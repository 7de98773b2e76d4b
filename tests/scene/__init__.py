"""Tests of rtwin.scene."""
