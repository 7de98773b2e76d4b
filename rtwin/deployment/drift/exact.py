"""What the best policy can reach: value iteration, a price on resources, and its index policy.

Where regions share a budget, the joint problem is too large to solve. With a price on every unit
it falls apart into regions, each solved exactly; the price at which the bound is largest gives a
bound that no policy can beat, and values by which a slot's budget is shared: the index policy.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize_scalar

from rtwin.arrays import Floats, Ints
from rtwin.deployment.drift.regions import Mapping, Region
from rtwin.errors import OutOfRangeError, ShapeError


def value_iteration(
    chances: Floats, loss: Floats, cost: Floats, discount: float, tolerance: float = 1e-9
) -> tuple[Floats, Floats]:
    """Least discounted cost of a Markov decision process.

    Args:
        chances: [action, state, next state].
        loss: Of the state that a slot ends in, [state].
        cost: Of each action, [action].
        discount: 0 to below 1.
    Returns:
        V [state], and Q [state, action], of which V is the least.
    Source: Bellman (1957); checked against linear equations by
        tests/deployment/drift/test_exact.py.
    """
    if not 0 <= discount < 1:
        raise OutOfRangeError(f"discount is {discount:g}, it must be from 0 to below 1")
    value = np.zeros(len(loss))
    while True:
        q = (chances @ (loss + discount * value)).T + cost
        new = q.min(axis=1)
        if np.abs(new - value).max() < tolerance * max(1 - discount, 1e-6):
            return new, q
        value = new


def policy_value(
    chances: Floats, loss: Floats, cost: Floats, discount: float, policy: Ints
) -> Floats:
    """Discounted cost of always doing policy[state], by linear equations, [state]."""
    states = np.arange(len(loss))
    moves = chances[policy, states]
    system = np.eye(len(loss)) - discount * moves
    return np.asarray(np.linalg.solve(system, moves @ loss + cost[policy]), np.float64)


def knapsack(gains: Floats, units: Ints, budget: int) -> Ints:
    """One choice per row such that gains add up to most within a budget, exactly.

    Args:
        gains: [row, choice].
        units: What choices cost, [choice], or [row, choice]; one choice of each row costs 0.
        budget: Units in all.
    Returns:
        Choice of each row, [row].
    Source: multiple-choice knapsack by dynamic programming (Kellerer, Pferschy and Pisinger
    2004, ch. 11); checked by tests/deployment/drift/test_exact.py against all combinations.
    """
    rows, choices = gains.shape
    units = np.broadcast_to(np.asarray(units, np.int64), gains.shape)
    if budget < 0 or (units < 0).any() or not (units == 0).any(axis=1).all():
        raise ShapeError("units and budget are 0 or more, and every row has a choice that is free")
    best = np.zeros(budget + 1)
    taken = np.zeros((rows, budget + 1), np.int64)
    for row in range(rows):
        tried = np.full((choices, budget + 1), -np.inf)
        for choice in range(choices):
            cost = units[row, choice]
            if cost <= budget:
                tried[choice, cost:] = best[: budget + 1 - cost] + gains[row, choice]
        taken[row] = tried.argmax(axis=0)
        best = tried.max(axis=0)
    found, left = np.empty(rows, np.int64), budget
    for row in reversed(range(rows)):
        found[row] = taken[row, left]
        left -= units[row, found[row]]
    return found


@dataclass(frozen=True, eq=False)
class Deployment:
    """Regions that share units of a budget in every slot.

    Attributes:
        regions: Each with its drift.
        mappings: What may be done to each; the first one is free.
        budget: Units in a slot.
        discount: Of what comes a slot later.
    """

    regions: tuple[Region, ...]
    mappings: tuple[Mapping, ...]
    budget: int
    discount: float = 0.95

    @cached_property
    def units(self) -> Ints:
        """Of each mapping, [mapping]."""
        return np.array([mapping.units[0] for mapping in self.mappings])

    @cached_property
    def chances(self) -> Floats:
        """[region, mapping, state, next state]."""
        return np.array([[r.transition(m) for m in self.mappings] for r in self.regions])

    @cached_property
    def cumulated(self) -> Floats:
        """Chances summed over the next state, for draws, [region, mapping, state, next state]."""
        return np.cumsum(self.chances, axis=-1)

    def priced(self, price: float) -> tuple[Floats, Floats]:
        """V [region, state] and Q [region, state, mapping] where every unit has a price."""
        cost: Floats = np.asarray(price * self.units, np.float64)
        solved = [
            value_iteration(chances, region.loss(), cost, self.discount)
            for chances, region in zip(self.chances, self.regions, strict=True)
        ]
        return np.array([v for v, _ in solved]), np.array([q for _, q in solved])

    def bound(self, state: Ints | None = None) -> tuple[float, float]:
        """Least discounted loss that any policy can hope for, and the price that shows it.

        The budget is kept on average alone, which no real policy may do.

        Args:
            state: Where it starts, [region]; default: no error, quiet.
        """
        state = np.zeros(len(self.regions), np.int64) if state is None else state
        allowed = self.budget / (1 - self.discount)

        def short(price: float) -> float:
            value, _ = self.priced(price)
            return float(price * allowed - value[np.arange(len(state)), state].sum())

        top = max(region.weight for region in self.regions) / (1 - self.discount)
        found = minimize_scalar(short, bounds=(0.0, top), method="bounded", options={"xatol": 1e-4})
        at_zero = short(0.0)
        return (-at_zero, 0.0) if at_zero <= found.fun else (-float(found.fun), float(found.x))

    @cached_property
    def index(self) -> Floats:
        """What each mapping saves over the first in the long run, [region, state, mapping].

        At the bound's price: its own units are the slot's matter, later ones are paid for.
        """
        _, price = self.bound()
        _, q = self.priced(price)
        free = q - price * self.units
        return free[..., :1] - free

    @cached_property
    def greedy(self) -> Floats:
        """What each mapping saves over the first in this slot, [region, state, mapping]."""
        losses = np.array([region.loss() for region in self.regions])
        expected = np.einsum("rmst,rt->rsm", self.chances, losses)
        return expected[..., :1] - expected

    def share(self, gains: Floats, state: Ints) -> Ints:
        """The mappings of a slot that save most within the budget, [region]."""
        return self.knapsack(gains[np.arange(len(state)), state])

    def knapsack(self, gains: Floats) -> Ints:
        """The mappings of a slot whose gains [region, mapping] are most within the budget."""
        return knapsack(gains, self.units, self.budget)
