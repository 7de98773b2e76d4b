"""How good twins are, and which of them to update or to rebuild.

twin folder -> attributes -> utility -> quality, and what would raise it most
regions that drift, mappings and their costs -> policies -> what each loses, against a bound
"""

from typing import TYPE_CHECKING

from rtwin.deployment.deploy import Choice, Order, carry_out, plan_deployment
from rtwin.deployment.exact import Deployment, knapsack, value_iteration
from rtwin.deployment.policies import POLICIES
from rtwin.deployment.process import MAPPINGS, Mapping, Region, drawn_regions
from rtwin.deployment.quality import ATTRIBUTES, WEIGHTS, Quality, twin_quality, weights_of
from rtwin.deployment.selection import TASKS, Candidate, Task, select_twin
from rtwin.deployment.simulate import Runs, simulate
from rtwin.deployment.study import DeploymentStudy, deployment_results, run_deployment
from rtwin.deployment.utility import (
    FORMS,
    Utility,
    additive,
    copula,
    dominance,
    master_constant,
    multilinear,
    multiplicative,
)
from rtwin.extras import lazy_members

if TYPE_CHECKING:
    from rtwin.deployment.environment import DeploymentEnv as DeploymentEnv

__all__ = [
    "ATTRIBUTES",
    "FORMS",
    "MAPPINGS",
    "POLICIES",
    "TASKS",
    "WEIGHTS",
    "Candidate",
    "Choice",
    "Deployment",
    "DeploymentStudy",
    "Mapping",
    "Order",
    "Quality",
    "Region",
    "Runs",
    "Task",
    "Utility",
    "additive",
    "carry_out",
    "copula",
    "deployment_results",
    "dominance",
    "drawn_regions",
    "knapsack",
    "master_constant",
    "multilinear",
    "multiplicative",
    "plan_deployment",
    "run_deployment",
    "select_twin",
    "simulate",
    "twin_quality",
    "value_iteration",
    "weights_of",
]

# Not in __all__: `import *` needs no extras.
__getattr__ = lazy_members(
    __name__, {"DeploymentEnv": ("environment", "Gymnasium", "'rtwin[experiments]'")}
)
