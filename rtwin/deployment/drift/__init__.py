"""Regions whose twins drift, mappings that cost, a budget: policies, their bound, the study."""

from rtwin.deployment.drift.exact import Deployment, knapsack, value_iteration
from rtwin.deployment.drift.policies import POLICIES
from rtwin.deployment.drift.regions import MAPPINGS, Mapping, Region, drawn_regions
from rtwin.deployment.drift.simulate import Runs, simulate
from rtwin.deployment.drift.study import DeploymentStudy, deployment_results, run_deployment

__all__ = [
    "MAPPINGS",
    "POLICIES",
    "Deployment",
    "DeploymentStudy",
    "Mapping",
    "Region",
    "Runs",
    "deployment_results",
    "drawn_regions",
    "knapsack",
    "run_deployment",
    "simulate",
    "value_iteration",
]
