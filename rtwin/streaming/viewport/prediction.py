"""Where a head will point: persistence, constant velocity, ridge, other viewers, a network.

Everything is said in a frame that has turned about the vertical with the head: what a model
learns of one direction it knows of all. Directions are of samples; `history` of them are seen.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.streaming.viewport.heads import Heads, angle_deg

HISTORY_S = 1.6
VELOCITY_S = 0.3
PREDICTORS = ("persistence", "constant velocity", "ridge", "ridge + other viewers", "network")
PERSISTENCE, VELOCITY, RIDGE, CROWD, NETWORK = PREDICTORS


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments at which somebody must say where a head will point.

    Attributes:
        view: Of the traces, [moment].
        past: Directions up to now, oldest first, turned, [moment, history, 3].
        others: Mean direction of the other viewers of the video at each horizon, turned, shorter
            where they disagree, 0 where there are none, [moment, horizon, 3].
        future: True directions, turned, [moment, horizon, 3].
        turn: Heading that was taken off [rad], [moment].
    """

    view: Ints
    past: Floats
    others: Floats
    future: Floats
    turn: Floats


def moments_of(
    heads: Heads, views: Ints, crowd: Ints, horizons_s: Sequence[float], every_s: float = 0.5
) -> Moments:
    """Moments of some views.

    Args:
        heads: Traces.
        views: Whose moments, [n].
        crowd: Views whose directions are known ahead; a viewer is none of its own others.
        horizons_s: How far ahead [s].
        every_s: Time between moments [s].
    Raises:
        OutOfRangeError: if the traces are too short, or a horizon is not above 0.
    """
    history = max(2, round(HISTORY_S / heads.step_s))
    ahead = np.array([round(h / heads.step_s) for h in horizons_s])
    last = heads.direction.shape[1] - ahead.max(initial=0)
    if not len(ahead) or ahead.min() < 1 or last <= history:
        raise OutOfRangeError(
            f"horizons are {list(horizons_s)} s, traces last "
            f"{heads.direction.shape[1] * heads.step_s:g} s; longer traces or shorter horizons"
        )
    now = np.arange(history - 1, last, max(1, round(every_s / heads.step_s)))
    total = {
        video: heads.direction[crowd[heads.video[crowd] == video]].sum(axis=0)
        for video in np.unique(heads.video[views])
    }
    in_crowd = np.isin(np.arange(len(heads.user)), crowd)
    parts = []
    for view in views:
        track, video = heads.direction[view], int(heads.video[view])
        past = track[now[:, None] + np.arange(1 - history, 1)]
        future = track[now[:, None] + ahead]
        count = int((heads.video[crowd] == video).sum()) - int(in_crowd[view])
        others = total[video] - (track if in_crowd[view] else 0.0)
        seen = others[now[:, None] + ahead] / max(count, 1) * (count > 0)
        turn = np.arctan2(past[:, -1, 0], past[:, -1, 2])
        parts.append(
            (np.full(len(now), view), *(_turned(v, -turn) for v in (past, seen, future)), turn)
        )
    return Moments(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _turned(vectors: Floats, angle: Floats) -> Floats:
    """Vectors turned about the vertical; +z goes towards +x by the angle [rad], [moment]."""
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([c * x + s * z, y, c * z - s * x], axis=-1)


def unit(vectors: Floats) -> Floats:
    """Vectors of length 1; straight ahead where there is none."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])


def persistence(moments: Moments) -> Floats:
    """The head stays where it is, [moment, horizon, 3]."""
    return np.broadcast_to(moments.past[:, -1:], moments.future.shape).copy()


def constant_velocity(moments: Moments, horizons_s: Sequence[float], step_s: float) -> Floats:
    """The head turns on along its great circle, at the speed of the last 0.3 s."""
    back = max(1, round(VELOCITY_S / step_s))
    now, before = moments.past[:, -1], moments.past[:, -1 - back]
    axis = np.cross(before, now)
    length = np.linalg.norm(axis, axis=-1)
    axis = axis / np.maximum(length, 1e-12)[:, None]
    speed = np.deg2rad(angle_deg(before, now)) / (back * step_s)
    turn = (speed[:, None] * np.asarray(horizons_s))[..., None]
    aside = np.cross(axis, now)[:, None]
    return np.asarray(unit(np.cos(turn) * now[:, None] + np.sin(turn) * aside))


class Fitted:
    """Models that learned from some views.

    Args:
        moments: What they learn from.
        horizons_s: Of the moments [s].
        step_s: Of the samples [s].
        seed: Of the network.
    """

    def __init__(
        self, moments: Moments, horizons_s: Sequence[float], step_s: float, seed: int = 0
    ) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import Ridge
        from sklearn.neural_network import MLPRegressor

        self.horizons_s, self.step_s = tuple(horizons_s), step_s
        shift = _flat(moments.future - persistence(moments))
        plain, wide = _features(moments, False), _features(moments, True)
        self._ridge = Ridge(1.0).fit(plain, shift)
        self._crowd = Ridge(1.0).fit(wide, shift)
        # What ridge leaves: where there is nothing more to be had, the network says 0.
        self._network: Any = MLPRegressor(
            hidden_layer_sizes=(48, 48),
            alpha=1e-2,
            learning_rate_init=2e-3,
            max_iter=40,
            early_stopping=True,
            n_iter_no_change=4,
            random_state=seed,
        )
        with warnings.catch_warnings():
            # So many epochs are all that it gets.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._network.fit(wide, shift - self._crowd.predict(wide))

    def predict(self, name: str, moments: Moments) -> Floats:
        """Directions by one of PREDICTORS, turned, [moment, horizon, 3]."""
        if name == PERSISTENCE:
            return persistence(moments)
        if name == VELOCITY:
            return constant_velocity(moments, self.horizons_s, self.step_s)
        if name == RIDGE:
            shift = self._ridge.predict(_features(moments, False))
        elif name in (CROWD, NETWORK):
            wide = _features(moments, True)
            shift = self._crowd.predict(wide)
            if name == NETWORK:
                shift = shift + self._network.predict(wide)
        else:
            raise OutOfRangeError(f"predictor is {name!r}; there are {', '.join(PREDICTORS)}")
        return np.asarray(unit(persistence(moments) + shift.reshape(moments.future.shape)))


def _flat(values: Floats) -> Floats:
    return values.reshape(len(values), -1)


def _features(moments: Moments, with_others: bool) -> Floats:
    steps = np.diff(moments.past, axis=1)
    parts = [moments.past[:, -1], _flat(steps)]
    if with_others:
        parts.append(_flat(moments.others))
    return np.concatenate(parts, axis=1)
