"""Checking a scene before it is traced, and mending it.

lint_scene(recipe)      -> findings, worst first
fix_scene(recipe, file) -> what was mended
"""

from rtwin.scene.lint.check import lint_scene
from rtwin.scene.lint.findings import Finding
from rtwin.scene.lint.fix import fix_scene

__all__ = ["Finding", "fix_scene", "lint_scene"]
