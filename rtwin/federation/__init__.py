"""Twins that several stations build, keep and protect together.

    traffic  -> learning (rounds, clusters, arrivals, cost) -> studies
    defence  (rules, attacks, trust in values)  --^
    privacy  (clipping, noise, secure sums)     --^
    sites    (materials that several sites calibrate together)

Whatever is learned is one flat array a station: a forecaster of traffic, a network of
rtwin.horizontal, or the parameters of a calibration.
"""

from rtwin.federation.defence import RULES, check_series, default_rule
from rtwin.federation.learning import LinearModel, LstmModel, Model, learn_in_rounds
from rtwin.federation.traffic import Traffic, load_traffic

__all__ = [
    "RULES",
    "LinearModel",
    "LstmModel",
    "Model",
    "Traffic",
    "check_series",
    "default_rule",
    "learn_in_rounds",
    "load_traffic",
]
