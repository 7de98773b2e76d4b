"""How many blocks and which version each group of a cell gets.

maximise  sum_g w_g s(n_g / d_gv, v) - price sum_g n_g
with      sum_g n_g <= N  and, where cycles are limited,  sum_g c_gv <= C

over whole blocks n_g and versions v; with d_gv blocks a group gets just what it needs.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.extras import needs
from rtwin.streaming.decision.satisfaction import Quality


@dataclass(frozen=True, eq=False)
class CellProblem:
    """What the groups of a cell need, and what they are worth.

    Attributes:
        need_prb: Blocks with which a group gets just what it needs, [group, version]; inf where
            it has no channel.
        weight: What full satisfaction of the group is worth, [group].
        num_prb: Blocks of the cell.
        price: Of a block.
        cycles: That each version takes of the edge server, [group, version]; () without.
        cycle_price: Of a cycle.
    Raises:
        ShapeError, OutOfRangeError: if the numbers do not fit together.
    """

    need_prb: Floats
    weight: Floats
    num_prb: int
    price: float
    cycles: Floats | None = None
    cycle_price: float = 0.0

    def __post_init__(self) -> None:
        if self.need_prb.ndim != 2 or self.weight.shape != self.need_prb.shape[:1]:
            raise ShapeError(
                f"need_prb has shape {self.need_prb.shape}, weight {self.weight.shape}; they must "
                "be [group, version] and [group]"
            )
        if self.num_prb < 0 or not self.price >= 0 or not self.cycle_price >= 0:
            raise OutOfRangeError(f"{self.num_prb} blocks at {self.price:g}; both must be >= 0")


@dataclass(frozen=True, eq=False)
class Reservation:
    """Blocks and versions of the groups of a cell.

    Attributes:
        prb: Blocks, [group].
        version: [group]; 0 where there are no blocks.
        value: Of the objective, prices taken off.
    """

    prb: Ints
    version: Ints
    value: float


def gains(problem: CellProblem, quality: Quality) -> Floats:
    """Worth of each number of blocks with each version, prices taken off, [group, version, n]."""
    blocks = np.arange(problem.num_prb + 1)
    need = np.maximum(problem.need_prb, 1e-9)[..., None]
    found = problem.weight[:, None, None] * quality.worth[:, None] * quality.sigmoid(blocks / need)
    found = found - problem.price * blocks
    if problem.cycles is not None:
        found = found - problem.cycle_price * problem.cycles[..., None] * (blocks > 0)
    return np.asarray(found)


def worth_of(problem: CellProblem, quality: Quality, prb: Ints, version: Ints) -> float:
    """The objective at given blocks and versions."""
    rows = np.arange(len(prb))
    return float(gains(problem, quality)[rows, version, prb].sum())


def reserve_exact(
    problem: CellProblem, quality: Quality, max_cycles: float | None = None, steps: int = 40
) -> Reservation:
    """The optimum by dynamic programming over blocks, and over cycles where they are limited.

    Args:
        problem: The cell.
        quality: Versions and sigmoid.
        max_cycles: Cycles that there are; None: no limit. The optimum without a limit that keeps
            it is that with it; else cycles are counted in steps, each group's rounded up.
        steps: Steps of the limit.
    Checked by tests/streaming/decision/test_reservation.py against brute force.
    """
    table = gains(problem, quality)
    found = _over_blocks(table)
    if max_cycles is None or problem.cycles is None or not len(found.prb):
        return found
    used = problem.cycles[np.arange(len(found.prb)), found.version] * (found.prb > 0)
    if used.sum() <= max_cycles:
        return found
    return _over_both(table, np.ceil(problem.cycles / max(max_cycles, 1e-12) * steps), steps)


def _over_blocks(table: Floats) -> Reservation:
    num_groups, _, size = table.shape
    best, version = table.max(axis=1), table.argmax(axis=1)
    # Worth of what is left, [blocks in all, blocks of the group]: a view that slides over `total`.
    padded = np.full(2 * size - 1, -np.inf)
    total = padded[size - 1 :]
    total[:] = 0.0
    left = np.lib.stride_tricks.sliding_window_view(padded, size)[:, ::-1]
    taken = np.zeros((num_groups, size), np.int64)
    for group in range(num_groups):
        every = left + best[group]
        taken[group] = every.argmax(axis=1)
        total[:] = every[np.arange(size), taken[group]]
    return _back(total, taken, version)


def _back(total: Floats, taken: Ints, version: Ints) -> Reservation:
    left = int(total.argmax())
    value = float(total[left])
    prb = np.zeros(len(taken), np.int64)
    for group in range(len(taken) - 1, -1, -1):
        prb[group] = taken[group, left]
        left -= prb[group]
    chosen = np.where(prb > 0, version[np.arange(len(prb)), prb], 0)
    return Reservation(prb, chosen, value)


def _over_both(table: Floats, units: Floats, steps: int) -> Reservation:
    num_groups, num_versions, size = table.shape
    shift = np.arange(size)[:, None] - np.arange(size)
    possible, source = shift >= 0, np.maximum(shift, 0)
    total = np.zeros((steps + 1, size))
    chosen = np.zeros((num_groups, steps + 1, size, 2), np.int64)
    for group in range(num_groups):
        every = np.full((num_versions, steps + 1, size, size), -np.inf)
        for version in range(num_versions):
            unit = units[group, version]
            for held in range(steps + 1):
                # Without blocks nothing is transcoded.
                rest = (
                    total[held - int(unit)][source] if unit <= held else np.full_like(shift, -1e9)
                )
                row = np.where(possible, rest + table[group, version], -np.inf)
                row[:, 0] = total[held] + table[group, version, 0]
                every[version, held] = row
        flat = every.transpose(1, 2, 0, 3).reshape(steps + 1, size, -1)
        pick = flat.argmax(axis=2)
        total = np.take_along_axis(flat, pick[..., None], axis=2)[..., 0]
        chosen[group] = np.stack(np.divmod(pick, size), axis=-1)
    held, left = (int(n) for n in np.unravel_index(int(total.argmax()), total.shape))
    value = float(total.max())
    prb, version_of = np.zeros((2, num_groups), np.int64)
    for group in range(num_groups - 1, -1, -1):
        version_of[group], prb[group] = chosen[group, held, left]
        if prb[group]:
            held -= int(units[group, version_of[group]])
            left -= prb[group]
        else:
            version_of[group] = 0
    return Reservation(prb, version_of, value)


def hull(values: Floats) -> Ints:
    """Corners of the least concave function above values at 0, 1, ..., ascending."""
    corners: list[int] = []
    for place, value in enumerate(values):
        while len(corners) > 1:
            a, b = corners[-2], corners[-1]
            if (values[b] - values[a]) * (place - b) > (value - values[b]) * (b - a):
                break
            corners.pop()
        corners.append(place)
    return np.array(corners)


def reserve_convex(problem: CellProblem, quality: Quality) -> tuple[Reservation, float]:
    """Blocks by the concave envelope of every group's worth, rounded, and the envelope's optimum.

    The envelope (a tangent, then the concave part of the sigmoid, over all versions) is never
    below the worth, so that its optimum is an upper bound of the exact one. What it says is
    rounded down to whole blocks; those left over go where they gain most.

    Raises:
        MissingExtraError: if cvxpy is not installed.
    Source: as the article's sequence of convex problems; checked by
        tests/streaming/decision/test_reservation.py: envelope >= exact >= rounded.
    """
    with needs("the convex reservation needs cvxpy", "'rtwin[experiments]'"):
        import cvxpy as cp
    table = gains(problem, quality)
    best, version = table.max(axis=1), table.argmax(axis=1)
    num = len(best)
    if not num:
        return Reservation(np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0), 0.0
    rows: list[int] = []
    slopes: list[float] = []
    levels: list[float] = []
    for group, values in enumerate(best):
        corners = hull(values)
        slope = np.diff(values[corners]) / np.diff(corners) if len(corners) > 1 else np.zeros(1)
        rows += [group] * len(slope)
        slopes += slope.tolist()
        levels += (values[corners[: len(slope)]] - slope * corners[: len(slope)]).tolist()
    blocks, worth = cp.Variable(num, nonneg=True), cp.Variable(num)
    select = np.eye(num)[rows]
    limits = [
        cp.sum(blocks) <= problem.num_prb,
        blocks <= problem.num_prb,
        select @ worth <= cp.multiply(np.array(slopes), select @ blocks) + np.array(levels),
    ]
    bound = float(cp.Problem(cp.Maximize(cp.sum(worth)), limits).solve(solver="CLARABEL"))
    prb = np.floor(np.maximum(np.asarray(blocks.value, np.float64), 0.0) + 1e-4).astype(np.int64)
    prb = _spend(best, np.minimum(prb, problem.num_prb))
    chosen = np.where(prb > 0, version[np.arange(num), prb], 0)
    return Reservation(prb, chosen, worth_of(problem, quality, prb, chosen)), bound


def _spend(best: Floats, prb: Ints) -> Ints:
    """Change one group at a time as long as that gains something and blocks are left."""
    prb = prb.copy()
    size = best.shape[1]
    for _ in range(4 * len(prb)):
        room = size - 1 - prb.sum() + prb
        allowed = np.arange(size) <= room[:, None]
        gain = np.where(allowed, best, -np.inf) - best[np.arange(len(prb)), prb][:, None]
        group, blocks = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[group, blocks] <= 1e-12:
            break
        prb[group] = blocks
    return prb


def reserve_milp(problem: CellProblem, quality: Quality, time_limit_s: float = 30.0) -> Reservation:
    """The optimum by branch and bound (HiGHS): one option of blocks and version for each group.

    Options that cost more and are worth no more than another are left out before.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    table = gains(problem, quality)
    best, version = table.max(axis=1), table.argmax(axis=1)
    group, blocks = np.nonzero(
        best
        > np.maximum.accumulate(
            np.concatenate([np.full((len(best), 1), -np.inf), best[:, :-1]], axis=1), axis=1
        )
    )
    if not len(best):
        return Reservation(np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0)
    once = csr_array((np.ones(len(group)), (group, np.arange(len(group)))))
    limits = [
        LinearConstraint(once, 1, 1),
        LinearConstraint(csr_array(blocks[None].astype(np.float64)), 0, problem.num_prb),
    ]
    found = milp(
        -best[group, blocks],
        integrality=np.ones(len(group)),
        bounds=Bounds(0, 1),
        constraints=limits,
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise OutOfRangeError(f"branch and bound found nothing in {time_limit_s:g} s")
    prb = np.zeros(len(best), np.int64)
    taken = found.x > 0.5
    prb[group[taken]] = blocks[taken]
    chosen = np.where(prb > 0, version[np.arange(len(prb)), prb], 0)
    return Reservation(prb, chosen, worth_of(problem, quality, prb, chosen))


HEURISTICS = ("equal", "members", "past traffic")


def reserve_heuristic(
    problem: CellProblem, quality: Quality, share: Floats, fill: bool = True
) -> Reservation:
    """Blocks in given proportions; the highest version that fits into them.

    Args:
        problem: The cell.
        quality: Versions and sigmoid.
        share: Of each group, [group]; with `fill` proportions of all blocks, else blocks, which
            are scaled down where they are too many.
        fill: See there.
    """
    wanted = np.maximum(np.asarray(share, np.float64), 0.0)
    total = wanted.sum()
    scale = problem.num_prb / total if total > 0 and (fill or total > problem.num_prb) else 1.0
    prb = np.floor(wanted * scale + 1e-9).astype(np.int64)
    fits = problem.need_prb <= prb[:, None]
    version = np.where(fits.any(axis=1), quality.num_versions - 1 - fits[:, ::-1].argmax(axis=1), 0)
    return Reservation(prb, version, worth_of(problem, quality, prb, version))
