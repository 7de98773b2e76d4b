"""Rules that survive liars, and the liars: pure functions on arrays of updates."""

from rtwin.federation.defence.attacks import ATTACKS, KNOWS, Attacker, Scene
from rtwin.federation.defence.rules import RULES, Rule, Trusted, default_rule
from rtwin.federation.defence.trust import Belief, Verdict, believe, by_source, check_series

__all__ = [
    "ATTACKS",
    "KNOWS",
    "RULES",
    "Attacker",
    "Belief",
    "Rule",
    "Scene",
    "Trusted",
    "Verdict",
    "believe",
    "by_source",
    "check_series",
    "default_rule",
]
