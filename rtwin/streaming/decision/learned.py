"""Groups without a search: regression on emulated outcomes, and double deep Q-learning.

Both act on a few pooled features of a cell and choose one of the search's actions. The twin's
emulation makes what they learn from.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.streaming.behaviour import overlap
from rtwin.streaming.decision.emulation import Decision, Knowledge, Setting
from rtwin.streaming.decision.grouping import ACTIONS, by_actions

NUM_FEATURES = 12


def cell_features(knowledge: Knowledge, cell: int) -> Floats:
    """What a cell looks like, [NUM_FEATURES]; zeros without users.

    Users over 100; of ln(bits of a block): mean, deviation, lowest and middle; of the overlap of
    tastes between users: mean and deviation; entropy of the mean taste; of ln(haste): mean and
    deviation; the largest share of a type; users over all.
    """
    mine = knowledge.served & (knowledge.cell == cell)
    if not mine.any():
        return np.zeros(NUM_FEATURES)
    bits = np.log(np.maximum(knowledge.bits.mean(axis=0)[mine], 1.0) / 1e6)
    taste, haste = knowledge.taste[mine], np.log(knowledge.haste[mine])
    alike = overlap(taste[:, None], taste[None])
    mean = taste.mean(axis=0)
    return np.array(
        [
            mine.sum() / 100.0,
            bits.mean(),
            bits.std(),
            bits.min(),
            np.median(bits),
            alike.mean(),
            alike.std(),
            -(mean * np.log(np.maximum(mean, 1e-12))).sum(),
            haste.mean(),
            haste.std(),
            mean.max(),
            mine.mean(),
        ]
    )


def action_features() -> Floats:
    """Every action as numbers: ln(groups) and the three weights, [action, 4]."""
    return np.array([[np.log(count), *weights] for count, weights in ACTIONS])


@dataclass(frozen=True, eq=False)
class Examples:
    """Cells and what each action is expected to bring there.

    Attributes:
        features: [cell, feature].
        scores: Emulated worth, [cell, action].
        following: Row of the same cell one interval later; -1 at the end of a walk, [cell].
    """

    features: Floats
    scores: Floats
    following: Ints

    def regret(self, actions: Ints) -> float:
        """What choosing these actions loses against the best of each cell, mean."""
        chosen = self.scores[np.arange(len(self.scores)), actions]
        return float((self.scores.max(axis=1) - chosen).mean())


@dataclass(frozen=True, eq=False)
class Learned:
    """A scheme that takes the action of the largest predicted worth.

    Attributes:
        model: Of scikit-learn; predicts the worth.
        pairs: Whether the model takes a cell with one action, or a cell and gives all actions.
        mean, spread: Taken from features, and divided by, [feature].
    """

    model: Any
    pairs: bool
    mean: Floats
    spread: Floats

    def predict(self, features: Floats) -> Floats:
        """Worth of every action, up to a constant, [cell, action]."""
        scaled = (features - self.mean) / self.spread
        if not self.pairs:
            return np.asarray(self.model.predict(scaled))
        return np.asarray(self.model.predict(_pairs(scaled)).reshape(len(features), -1))

    def actions(self, features: Floats) -> Ints:
        """The action for each cell, [cell]."""
        return np.asarray(self.predict(features).argmax(axis=1), np.int64)

    def __call__(self, setting: Setting, knowledge: Knowledge) -> Decision:
        """The decision for what twins say."""
        cells = range(knowledge.num_cells)
        features = np.stack([cell_features(knowledge, cell) for cell in cells])
        return by_actions(setting, knowledge, self.actions(features))


def fit_trees(examples: Examples, seed: int = 0) -> Learned:
    """Boosted trees that predict the emulated worth of features and action.

    What is predicted is the worth over the cell's mean: which action, not how good a cell is.

    Checked by tests/streaming/decision/test_learned.py.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    _check(examples)
    target = examples.scores - examples.scores.mean(axis=1, keepdims=True)
    model = HistGradientBoostingRegressor(
        max_iter=150, learning_rate=0.08, max_leaf_nodes=15, min_samples_leaf=5, random_state=seed
    ).fit(_pairs(examples.features), target.ravel())
    width = examples.features.shape[1]
    return Learned(model, True, np.zeros(width), np.ones(width))


def _pairs(features: Floats) -> Floats:
    """Every cell with every action, [cell * action, feature]."""
    actions = action_features()
    left = np.repeat(features, len(actions), axis=0)
    return np.concatenate([left, np.tile(actions, (len(features), 1))], axis=1)


def fit_double_q(
    examples: Examples,
    seed: int = 0,
    *,
    updates: int = 600,
    batch: int = 64,
    discount: float = 0.3,
    sync_every: int = 25,
) -> Learned:
    """Double deep Q-learning: the article's way to groups.

    A network of two hidden layers (scikit-learn's MLP, 64 units each) estimates the worth of every
    action; it acts epsilon-greedily, is told the emulated worth of what it did, and learns from a
    replay of that: target r + discount Q'(s', argmax Q(s', .)), Q' being an older copy.

    Args:
        examples: Cells in the order of their walks; what the twin would say of each action.
        seed: Of weights, exploration and replay.
        updates: Steps of learning.
        batch: Transitions of a step.
        discount: Of the next interval.
        sync_every: Steps after which Q' is copied from Q.
    Source: H. van Hasselt et al., AAAI 2016; checked by tests/streaming/decision/test_learned.py.
    """
    from sklearn.neural_network import MLPRegressor
    from threadpoolctl import threadpool_limits

    _check(examples)
    rng = np.random.Generator(np.random.PCG64([seed, 0xD0]))
    mean, spread = examples.features.mean(axis=0), examples.features.std(axis=0) + 1e-9
    level, scale = examples.scores.mean(), examples.scores.std() + 1e-12
    features = (examples.features - mean) / spread
    scores = (examples.scores - level) / scale
    num, num_actions = scores.shape
    network = MLPRegressor(hidden_layer_sizes=(64, 64), learning_rate_init=2e-3, random_state=seed)
    network.partial_fit(features, np.zeros((num, num_actions)))
    # One thread: so small a network is slower with more.
    with threadpool_limits(1):
        numbers = (updates, batch, discount, sync_every)
        _improve(network, features, scores, examples.following, rng, *numbers)
    return Learned(network, False, mean, spread)


def _improve(
    network: Any,
    features: Floats,
    scores: Floats,
    following: Ints,
    rng: np.random.Generator,
    updates: int,
    batch: int,
    discount: float,
    sync_every: int,
) -> None:
    num, num_actions = scores.shape
    older = copy.deepcopy(network)
    memory: list[tuple[int, int]] = []
    for update in range(updates):
        explore = max(0.05, 1.0 - 2.0 * update / updates)
        state = rng.integers(num, size=8)
        greedy = network.predict(features[state]).argmax(axis=1)
        chance = rng.integers(num_actions, size=8)
        acted = np.where(rng.random(8) < explore, chance, greedy)
        memory += list(zip(state.tolist(), acted.tolist(), strict=True))
        rows, actions = np.array([memory[k] for k in rng.integers(len(memory), size=batch)]).T
        target = network.predict(features[rows])
        after = following[rows]
        later = features[np.maximum(after, 0)]
        best = network.predict(later).argmax(axis=1)
        worth = older.predict(later)[np.arange(batch), best]
        reward = scores[rows, actions]
        target[np.arange(batch), actions] = reward + discount * np.where(after >= 0, worth, 0.0)
        network.partial_fit(features[rows], target)
        if update % sync_every == 0:
            older = copy.deepcopy(network)


def _check(examples: Examples) -> None:
    if not len(examples.features) or examples.scores.shape[1:] != (len(ACTIONS),):
        raise OutOfRangeError(
            f"examples have features {examples.features.shape} and scores "
            f"{examples.scores.shape}; there must be one or more, and {len(ACTIONS)} actions"
        )


def joined(parts: Sequence[Examples]) -> Examples:
    """Examples of several walks, one after the other."""
    start = np.cumsum([0, *(len(p.features) for p in parts[:-1])])
    following = [
        np.where(p.following >= 0, p.following + s, -1) for p, s in zip(parts, start, strict=True)
    ]
    return Examples(
        np.concatenate([p.features for p in parts]),
        np.concatenate([p.scores for p in parts]),
        np.concatenate(following),
    )
