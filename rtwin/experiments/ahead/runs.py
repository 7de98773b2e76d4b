"""What a policy earned with a knowledge in a world."""

from dataclasses import dataclass

from rtwin.experiments.network import Episode


@dataclass(frozen=True)
class Run:
    """One policy on one knowledge in one world.

    Attributes:
        seed, window_s, policy, knowledge: Which.
        episode: What it earned.
        error_db: Of the power of the truly serving cell [dB].
        right_cell: Share of rows whose cell was right.
        decisions: That the policy has learned from.
        seconds: Of the processor, that learning took so far.
    """

    seed: int
    window_s: float
    policy: str
    knowledge: str
    episode: Episode
    error_db: float
    right_cell: float
    decisions: int = 0
    seconds: float = 0.0
