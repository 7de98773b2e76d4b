"""Who shares a multicast group: schemes from fixed rules to a search on the twin."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.streaming.decision.emulation import Decision, Emulator, Groups, Knowledge, Setting
from rtwin.streaming.decision.reservation import CellProblem, reserve_heuristic

COUNTS = (1, 2, 4, 6, 8, 11, 15, 20)
WEIGHTINGS = ((1.0, 1.0, 0.5), (1.0, 0.3, 0.2), (0.3, 1.0, 0.5))
ACTIONS = tuple((count, weights) for count in COUNTS for weights in WEIGHTINGS)
FIXED = ACTIONS.index((6, WEIGHTINGS[0]))
PAST_MARGIN = 1.2
Scheme = Callable[[Setting, Knowledge], Decision]


@dataclass(frozen=True, eq=False)
class Points:
    """Users as points: what k-means and DBSCAN see.

    Attributes:
        taste, channel, haste: Standardised, [user, type], [user, 1] and [user, 1].
    """

    taste: Floats
    channel: Floats
    haste: Floats

    def weighted(self, weights: tuple[float, float, float]) -> Floats:
        """All features times weights of taste, channel and haste, [user, feature]."""
        parts = zip(weights, (self.taste, self.channel, self.haste), strict=True)
        return np.concatenate([w * part for w, part in parts], axis=1)


def points(knowledge: Knowledge) -> Points:
    """Users as points; standardised over the users that are served."""
    bits = np.maximum(knowledge.bits.mean(axis=0), 1.0)
    mine = knowledge.served

    def standard(values: Floats) -> Floats:
        seen = values[mine] if mine.any() else values
        # Tastes keep their proportions: one scale for all types.
        spread = np.sqrt(seen.var(axis=0).mean() * (values.shape[1] if values.ndim > 1 else 1))
        return np.asarray((values - seen.mean(axis=0)) / max(float(spread), 1e-9))

    column = slice(None), None
    return Points(
        standard(knowledge.taste),
        standard(np.log(bits))[column],
        standard(np.log(knowledge.haste))[column],
    )


def k_means_labels(rows: Floats, count: int, seed: int = 0) -> Ints:
    """Labels of k-means++ of some rows, [row]."""
    from scipy.cluster.vq import kmeans2

    if count >= len(np.unique(rows, axis=0)):
        return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1].ravel(), np.int64)
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    with warnings.catch_warnings():
        # A cluster that runs empty is one group less.
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(kmeans2(rows, count, iter=15, minit="++", rng=rng)[1], np.int64)


def label_cells(
    knowledge: Knowledge, actions: Ints | list[int], seen: Points | None = None
) -> Ints:
    """Labels of users by one action for each cell, [user]; -1 where nobody serves."""
    seen = seen or points(knowledge)
    label = np.full(len(knowledge.cell), -1)
    for cell in range(knowledge.num_cells):
        mine = np.flatnonzero(knowledge.served & (knowledge.cell == cell))
        if mine.size:
            count, weights = ACTIONS[int(actions[cell])]
            label[mine] = k_means_labels(seen.weighted(weights)[mine], count)
    return label


def action_scores(setting: Setting, knowledge: Knowledge) -> tuple[Floats, list[Groups]]:
    """Emulated worth of every action in every cell, [action, cell], and the groups of each."""
    emulator, seen = Emulator(setting, knowledge), points(knowledge)
    scores, made = [], []
    for number in range(len(ACTIONS)):
        label = label_cells(knowledge, [number] * knowledge.num_cells, seen)
        groups = emulator.groups(label)
        scores.append(emulator.score_by_cell(groups))
        made.append(groups)
    return np.array(scores), made


def by_actions(setting: Setting, knowledge: Knowledge, actions: Ints | list[int]) -> Decision:
    """The decision with one action for each cell, and the setting's reservation."""
    emulator = Emulator(setting, knowledge)
    return emulator.decide(emulator.groups(label_cells(knowledge, actions)))


def search(setting: Setting, knowledge: Knowledge) -> Decision:
    """Try all actions on the twin, and take the best one of each cell."""
    scores, _ = action_scores(setting, knowledge)
    return by_actions(setting, knowledge, scores.argmax(axis=0))


def fixed(setting: Setting, knowledge: Knowledge) -> Decision:
    """Six groups by k-means in each cell."""
    return by_actions(setting, knowledge, [FIXED] * knowledge.num_cells)


def dbscan(setting: Setting, knowledge: Knowledge) -> Decision:
    """Groups where users lie densely in each cell; those who lie alone are a group together.

    The radius is the median distance to the third neighbour.
    """
    from sklearn.cluster import DBSCAN

    seen = points(knowledge).weighted(WEIGHTINGS[0])
    label = np.full(len(knowledge.cell), -1)
    for cell in range(knowledge.num_cells):
        mine = np.flatnonzero(knowledge.served & (knowledge.cell == cell))
        if not mine.size:
            continue
        rows = seen[mine]
        apart = np.sort(np.linalg.norm(rows[:, None] - rows[None], axis=-1), axis=1)
        radius = float(np.median(apart[:, min(3, len(mine) - 1)]))
        # A single noise group: alone, each of them would cost a multicast of its own.
        label[mine] = DBSCAN(eps=max(radius, 1e-9), min_samples=3).fit(rows).labels_ + 1
    emulator = Emulator(setting, knowledge)
    return emulator.decide(emulator.groups(label))


def heuristic(setting: Setting, knowledge: Knowledge) -> Decision:
    """Groups by favourite type; blocks for the last interval's traffic and a fifth more.

    Each group gets the highest version that fits; before any traffic is known, all blocks are
    shared in proportion to members.
    """
    emulator = Emulator(setting, knowledge)
    favourite = knowledge.taste.argmax(axis=1)
    groups = emulator.groups(np.where(knowledge.served, favourite, -1))
    prb, version = np.zeros((2, len(groups.cell)), np.int64)
    for cell in range(knowledge.num_cells):
        rows, problem = emulator.problem(groups, cell)
        if not rows.size:
            continue
        kinds = groups.mix[rows].argmax(axis=1)
        prb[rows], version[rows] = _by_past(emulator, groups, rows, problem, cell, kinds)
    return emulator.expected(groups, prb, version)


def _by_past(
    emulator: Emulator, groups: Groups, rows: Ints, problem: CellProblem, cell: int, kinds: Ints
) -> tuple[Ints, Ints]:
    quality, past = emulator.setting.quality, emulator.knowledge.past_mbps
    bits = np.maximum(groups.believed_bits[rows], 1e-9)
    traffic = np.zeros(len(rows)) if past is None else past[cell, kinds]
    if past is None or not traffic.any():
        members = np.bincount(groups.group[groups.group >= 0], minlength=len(groups.cell))[rows]
        found = reserve_heuristic(problem, quality, members.astype(np.float64))
    else:
        # A group that had no traffic gets what the lowest version needs.
        lowest = quality.rates[0] * groups.demand_s[rows] / emulator.setting.demand.interval_s
        traffic = np.where(traffic > 0, traffic, lowest)
        wanted = np.ceil(np.minimum(PAST_MARGIN * traffic * 1e6 / bits, problem.num_prb))
        found = reserve_heuristic(problem, quality, wanted, fill=False)
    return found.prb, found.version
