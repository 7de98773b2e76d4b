"""The studies: rtwin experiment traffic, poisoning, trust, privacy, sites, networks."""

from rtwin.federation.studies.history import run_history, run_holidays
from rtwin.federation.studies.networks import NetworksStudy, networks_results, run_networks
from rtwin.federation.studies.poisoning import PoisoningStudy, run_poisoning
from rtwin.federation.studies.poisoning_results import poisoning_results
from rtwin.federation.studies.privacy import PrivacyStudy, privacy_results, run_privacy
from rtwin.federation.studies.sites import SitesStudy, run_sites
from rtwin.federation.studies.sites_results import sites_results
from rtwin.federation.studies.traffic import TrafficStudy, run_traffic
from rtwin.federation.studies.traffic_results import traffic_results
from rtwin.federation.studies.trust import run_trust
from rtwin.federation.studies.trust_results import trust_results

__all__ = [
    "NetworksStudy",
    "PoisoningStudy",
    "PrivacyStudy",
    "SitesStudy",
    "TrafficStudy",
    "networks_results",
    "poisoning_results",
    "privacy_results",
    "run_history",
    "run_holidays",
    "run_networks",
    "run_poisoning",
    "run_privacy",
    "run_sites",
    "run_traffic",
    "run_trust",
    "sites_results",
    "traffic_results",
    "trust_results",
]
