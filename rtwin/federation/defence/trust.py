"""Values that fit to nothing else: mask, predict, replace, and remember who sent them.

Every value is predicted three times: by the weighted median of what each other source says
alone, which liars who are few cannot move; by all others jointly, which is sharper; and
with the source's own past besides, for which a lasting liar would vouch, so that it never
clears anybody. What a prediction leaves, over its robust spread, is a value's distance from
belief. The largest beyond a limit are masked and replaced, and everything is looked at
again without them. What each source leaves over is added up as well, so that many small
lies in one direction are found.
"""

from dataclasses import dataclass, replace

import numpy as np

from rtwin.arrays import Bools, Floats, Ints

LIMIT = 4.5  # robust standard deviations
SLACK = 0.5  # of the running sum, forgiven a step
ALARM = 4.0  # running sum over the largest in clean history
RIDGE = 100.0
ROUNDS = 6
PARTS = 4
OWN_LAGS = (1, 2, 3, 24)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What was believed and what was not.

    Attributes:
        replaced: The series with predictions in place of the untrusted, [hour, source].
        untrusted: [hour, source].
        score: Distance from belief in robust standard deviations, [hour, source].
        half_width: Of a 95 % interval around each value; 0 for what was measured, [hour, source].
        age: Hours since the source's last trusted value, [hour, source].
        running: Largest running sum of each source, [source].
        liars: Sources whose running sum passed what clean history ever had, [source].
    """

    replaced: Floats
    untrusted: Bools
    score: Floats
    half_width: Floats
    age: Ints
    running: Floats
    liars: Bools


@dataclass(frozen=True, eq=False)
class Belief:
    """What clean history says: how each source follows from the others, and how closely.

    Attributes:
        slope, offset: Of a source over another one, [source, other].
        say: How much a source believes another one, [source, other]; 0 for itself.
        joint: Weights of all others together and of one, [source, input].
        past: Weights of own past and of what all others say, [source, input].
        spread: Robust standard deviations of what the three predictions leave, the median,
            the joint one, and that with the past, [3, source].
        running: Largest running sum of each source in the history, [source].
    """

    slope: Floats
    offset: Floats
    say: Floats
    joint: Floats
    past: Floats
    spread: Floats
    running: Floats


def robust_sd(values: Floats, axis: int = 0) -> Floats:
    """1.4826 times the median absolute value; its square is the variance of a normal law."""
    return np.maximum(1.4826 * np.median(np.abs(values), axis=axis), 1e-9)


def believe(history: Floats) -> Belief:
    """Learn from clean history how sources follow from each other.

    Spreads and running sums are those of parts of the history that were left out, for what
    was learned from always fits too well.

    Args:
        history: [hour, source], at least eight days.
    """
    hour = np.arange(len(history))
    left: list[Floats] = []
    for part in np.array_split(hour, PARTS):
        learned = _learned(history, np.setdiff1d(hour, part))
        left.append(np.stack([history - said for said in _predictions(learned, history)])[:, part])
    spread = robust_sd(np.concatenate(left, axis=1), axis=1)
    running = np.max([running_sums(off[1] / spread[1]) for off in left], axis=0)
    return replace(_learned(history, hour), spread=spread, running=running)


def _learned(history: Floats, rows: Ints) -> Belief:
    """Predictions from some hours of the history; spreads are not known yet."""
    sources = history.shape[1]
    joint = []
    for source in range(sources):
        inputs = _others(history, source)[rows]
        pull = RIDGE * np.eye(sources)
        pull[-1, -1] = 0.0
        joint.append(np.linalg.solve(inputs.T @ inputs + pull, inputs.T @ history[rows, source]))
    none = np.zeros(sources)
    made = Belief(*_pairs(history[rows]), np.array(joint), np.zeros((0, 0)), none, none)
    late = rows[rows >= max(OWN_LAGS)]
    said = _jointly(made, history)
    past = []
    for source in range(sources):
        inputs = _inputs(history, said, source)[late]
        pull = np.eye(inputs.shape[1])
        past.append(np.linalg.solve(inputs.T @ inputs + pull, inputs.T @ history[late, source]))
    return replace(made, past=np.array(past))


def _predictions(belief: Belief, series: Floats) -> tuple[Floats, Floats, Floats]:
    """By the median of the others, by all others together, and with own past besides."""
    jointly = _jointly(belief, series)
    with_past = np.column_stack(
        [_inputs(series, jointly, i) @ belief.past[i] for i in range(series.shape[1])]
    )
    return _said(series, belief.slope, belief.offset, belief.say), jointly, with_past


def _others(series: Floats, source: int) -> Floats:
    return np.column_stack([np.delete(series, source, axis=1), np.ones(len(series))])


def _jointly(belief: Belief, series: Floats) -> Floats:
    return np.column_stack([_others(series, i) @ belief.joint[i] for i in range(series.shape[1])])


def _pairs(history: Floats) -> tuple[Floats, Floats, Floats]:
    """Slope, offset and say of every source over every other one, [source, other]."""
    middle = history.mean(axis=0)
    off = history - middle
    shared = off.T @ off / len(off)
    power = np.maximum(np.diag(shared), 1e-12)
    slope = shared / power
    left = np.maximum(power[:, None] - slope * shared, 1e-6 * power[:, None])
    say = 1.0 / left
    np.fill_diagonal(say, 0.0)
    return slope, middle[:, None] - slope * middle, say


def _said(series: Floats, slope: Floats, offset: Floats, say: Floats) -> Floats:
    """What the others say of every source: their weighted median, [hour, source]."""
    said = np.empty_like(series)
    for source in range(series.shape[1]):
        each = offset[source] + slope[source] * series
        order = np.argsort(each, axis=1)
        heard = np.cumsum(say[source][order], axis=1)
        middle = (heard >= 0.5 * heard[:, -1:]).argmax(axis=1)
        said[:, source] = np.take_along_axis(each, order, axis=1)[np.arange(len(each)), middle]
    return said


def _inputs(series: Floats, said: Floats, source: int) -> Floats:
    """The source's past, what the others say, and one, [hour, input]."""
    past = [np.concatenate([series[:lag, source], series[:-lag, source]]) for lag in OWN_LAGS]
    return np.column_stack([*past, said[:, source], np.ones(len(series))])


def running_sums(distance: Floats, slack: float = SLACK) -> Floats:
    """Largest cumulative sum of each source, up or down, [source].

    Args:
        distance: Signed, in standard deviations, [hour, source].
        slack: Forgiven each hour.
    Source: E. S. Page, Biometrika 41 (1954); checked by tests/federation/test_trust.py.
    """
    up = down = np.zeros(distance.shape[1])
    largest = up
    for row in np.clip(distance, -4.0, 4.0):
        up, down = np.maximum(up + row - slack, 0.0), np.maximum(down - row - slack, 0.0)
        largest = np.maximum(largest, np.maximum(up, down))
    return largest


def check_series(
    belief: Belief, series: Floats, limit: float = LIMIT, alarm: float = ALARM
) -> Verdict:
    """Mask what does not fit, replace it, and look again until nothing is left.

    Args:
        belief: From clean history.
        series: New values, [hour, source].
        limit: Robust standard deviations that are believed.
        alarm: Running sum, over the largest of clean history, from which a source is a liar;
            all its values are replaced then.
    Returns:
        The verdict; nothing is masked in an empty series.
    Source: checked by tests/federation/test_trust.py: of a linear process with normal noise
    the share of false alarms is that of the normal law.
    """
    mended = np.array(series, np.float64)
    untrusted = np.zeros(series.shape, bool)
    if not series.size:
        zeros = np.zeros(series.shape)
        none = np.zeros(series.shape[1], bool)
        return Verdict(
            mended, untrusted, zeros, zeros, zeros.astype(np.int64), zeros.sum(axis=0), none
        )
    score = np.zeros(series.shape)
    # The median first: it stands where liars are many. Then, with the gross ones mended, the
    # sharper joint prediction.
    for judge in (0, 1):
        for _ in range(ROUNDS):
            said = _predictions(belief, mended)
            off = np.abs(series - said[judge]) / belief.spread[judge]
            score = np.maximum(score, off) if judge == 0 else off
            fresh = ~untrusted & (off > limit)
            # Only the worst of an hour: its neighbours may look odd because of it.
            worst = np.zeros_like(fresh)
            rows = np.flatnonzero(fresh.any(axis=1))
            worst[rows, np.argmax(np.where(fresh, off, -1.0), axis=1)[rows]] = True
            if not worst.any():
                break
            untrusted |= worst
            mended = np.where(untrusted, said[1], series)
    said = _predictions(belief, mended)
    past = np.abs(series - said[2]) / belief.spread[2]
    untrusted |= (past > limit) & (score > limit / 2)
    mended = np.where(untrusted, said[1], series)
    said = _predictions(belief, mended)
    running = running_sums((series - said[1]) / belief.spread[1])
    liars = running > alarm * belief.running
    untrusted = untrusted | liars
    mended = np.where(untrusted, said[1], series)
    half_width = np.where(untrusted, 1.96 * belief.spread[1], 0.0)
    return Verdict(mended, untrusted, score, half_width, _age(untrusted), running, liars)


def _age(untrusted: Bools) -> Ints:
    """Hours since the last trusted value of each source."""
    age = np.zeros(untrusted.shape, np.int64)
    for hour in range(len(untrusted)):
        before = age[hour - 1] if hour else np.zeros(untrusted.shape[1], np.int64)
        age[hour] = np.where(untrusted[hour], before + 1, 0)
    return age


def by_source(verdict: Verdict, names: list[str]) -> list[dict[str, float | str | bool]]:
    """What each source is found to have sent, the worst first."""
    rows: list[dict[str, float | str | bool]] = [
        {
            "source": name,
            "untrusted_share": float(verdict.untrusted[:, i].mean()),
            "largest_score": float(verdict.score[:, i].max(initial=0.0)),
            "running_sum": float(verdict.running[i]),
            "is_liar": bool(verdict.liars[i]),
        }
        for i, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: (-float(row["untrusted_share"]), str(row["source"])))
