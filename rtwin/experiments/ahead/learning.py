"""Shares that PPO learns in the worlds that policies are tuned in, and how far it came."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from rtwin.experiments.ahead.runs import Run
from rtwin.experiments.learned import Rehearsal, Snapshot, train_shares
from rtwin.experiments.network import SlicedNetwork
from rtwin.experiments.processes import in_processes
from rtwin.experiments.study_files import Cell, StudyTable
from rtwin.experiments.table import figure_of

PPO, _ON_THE_WAY = "PPO", "PPO after "
LEARNED_ON = ("last report", "corrected twin + report")
_SNAPSHOTS = 6
Key = tuple[float, str]
"""A window [s], and what is decided on."""


def learn_all(
    jobs: Mapping[Key, tuple[Sequence[SlicedNetwork], Sequence[float]]],
    price: float,
    steps: int,
    workers: int,
    done: Callable[[int, int], None],
) -> dict[Key, list[Snapshot]]:
    """Learn for every window and knowledge, in processes side by side.

    Args:
        jobs: By window and knowledge: networks of the worlds to learn in, and the constant
            shares to begin from.
        price: Of all blocks.
        steps: Decisions to learn from, each.
        workers: Processes.
        done: Called with how many have learned, and how many shall.
    Returns:
        Policies on the way, the last is the learned one; by window and knowledge.
    Raises:
        MissingExtraError: if Stable-Baselines3 is not installed.
    """
    found: dict[Key, list[Snapshot]] = {}
    done(0, len(jobs))
    given = ((key, *job, price, steps) for key, job in jobs.items())
    for key, learned in in_processes(_learn, given, min(workers, len(jobs))):
        found[key] = learned
        done(len(found), len(jobs))
    return found


def _learn(
    key: Key, networks: Sequence[SlicedNetwork], base: Sequence[float], price: float, steps: int
) -> tuple[Key, list[Snapshot]]:
    """What one learns; in a process of its own."""
    return key, train_shares(Rehearsal(networks, base, price), steps, snapshots=_SNAPSHOTS)


def named(snapshots: Sequence[Snapshot]) -> Iterator[tuple[str, Snapshot]]:
    """Policies on the way with their names in tables; the learned one is PPO."""
    for one in snapshots:
        yield PPO if one is snapshots[-1] else f"{_ON_THE_WAY}{one.decisions}", one


def on_the_way(policy: str) -> bool:
    """Whether a policy of this name had not learned everything yet."""
    return policy.startswith(_ON_THE_WAY)


def learning_table(window_s: float, runs: Sequence[Run], others: Sequence[str]) -> StudyTable:
    """How far learning came, in worlds that nothing was learned in.

    Args:
        window_s: Of the reservations [s].
        runs: Of this window.
        others: Policies beside constant shares to compare with, on the same knowledge.
    """
    reward = {(r.seed, r.policy, r.knowledge): r.episode.reward for r in runs}
    constant = {r.seed: r.episode.reward for r in runs if r.knowledge == "nothing"}
    rows: list[dict[str, Cell]] = []
    for policy, knowledge in dict.fromkeys((r.policy, r.knowledge) for r in runs if r.decisions):
        own = [r for r in runs if (r.policy, r.knowledge) == (policy, knowledge)]
        rows.append(
            {
                "decides on": knowledge,
                "decisions": own[0].decisions,
                "processor [s]": own[0].seconds,
                "over constant": figure_of([r.episode.reward - constant[r.seed] for r in own]),
                **{
                    f"over {other}": figure_of(
                        [r.episode.reward - reward[r.seed, other, knowledge] for r in own]
                    )
                    for other in others
                },
            }
        )
    return StudyTable(
        f"learning-{window_s:g}s",
        f"What {PPO} earns more, reserving for {window_s:g} s",
        sorted(rows, key=lambda row: str(row["decides on"]), reverse=True),
        {"processor [s]": 0},
        "By decisions that it has learned from, in other worlds. Differences in reward within the "
        "same world; ± is half the 95 % interval of their mean.",
    )
