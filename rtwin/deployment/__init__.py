"""How good twins are, and which of them to update or to rebuild.

twin folder -> attributes -> utility -> quality, and what would raise it most
regions that drift, mappings and their costs -> policies -> what each loses, against a bound
"""

from typing import TYPE_CHECKING

from rtwin.deployment.deploy import Choice, Order, carry_out, plan_deployment
from rtwin.deployment.drift import (
    MAPPINGS,
    POLICIES,
    Deployment,
    DeploymentStudy,
    Mapping,
    Region,
    Runs,
    deployment_results,
    drawn_regions,
    knapsack,
    run_deployment,
    simulate,
    value_iteration,
)
from rtwin.deployment.quality import ATTRIBUTES, WEIGHTS, Quality, twin_quality, weights_of
from rtwin.deployment.selection import TASKS, Candidate, Task, select_twin
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
    from rtwin.deployment.drift.environment import DeploymentEnv as DeploymentEnv

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
    __name__, {"DeploymentEnv": ("drift.environment", "Gymnasium", "'rtwin[experiments]'")}
)
