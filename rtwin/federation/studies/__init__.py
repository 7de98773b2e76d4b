"""The studies: rtwin experiment traffic, poisoning, trust."""

from rtwin.federation.studies.history import run_history, run_holidays
from rtwin.federation.studies.poisoning import PoisoningStudy, run_poisoning
from rtwin.federation.studies.traffic import TrafficStudy, run_traffic
from rtwin.federation.studies.trust import run_trust

__all__ = [
    "PoisoningStudy",
    "TrafficStudy",
    "run_history",
    "run_holidays",
    "run_poisoning",
    "run_traffic",
    "run_trust",
]
