"""Rules that survive liars, and the liars: pure functions on arrays of updates."""

from rtwin.federation.defence.attacks import ATTACKS, Attacker, Scene
from rtwin.federation.defence.rules import RULES, Rule, Trusted, default_rule

__all__ = ["ATTACKS", "RULES", "Attacker", "Rule", "Scene", "Trusted", "default_rule"]
