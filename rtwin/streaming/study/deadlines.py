"""Which of the article's services keep their deadlines, for one user who has a whole cell."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rtwin.dataset import LinkTrace, RadioMap, SampleSettings, sample_map
from rtwin.experiments import SimulatorSettings, Slice, SlicedNetwork
from rtwin.scene import Tracks
from rtwin.streaming.decision import profile
from rtwin.streaming.loop import multicast_trace

BANDWIDTHS_HZ = (40e6, 100e6)
FIELD = 0.32  # of the sphere: what ridge asks for half a second to a second ahead
USERS, SECONDS = 4, 5
# Service, interaction, share of the sphere that is sent.
ASKED = (
    ("short_video_4k", "weak", 1.0),
    ("vr_8k", "weak", 1.0),
    ("vr_8k", "strong", 1.0),
    ("vr_8k", "strong", FIELD),
    ("vr_30k", "weak", 1.0),
    ("vr_30k", "strong", 1.0),
    ("vr_30k", "strong", FIELD),
    ("holographic_4k", "weak", 1.0),
    ("holographic_4k", "strong", 1.0),
)


def deadline_rows(told: RadioMap, tracks: Tracks, link: SampleSettings) -> Iterator[dict[str, Any]]:
    """One row for each service, bandwidth and user.

    Args:
        told: Map that the channels are of.
        tracks: Ways of users, of whom the first few are taken.
        link: Of the study; its bandwidth is replaced.
    Source: the slots of the slicing simulator, with its deadlines. Checked by
        tests/streaming/study/test_deadlines.py.
    """
    for bandwidth in BANDWIDTHS_HZ:
        trace = sample_map(told, tracks, replace(link, bandwidth_hz=bandwidth))
        for user in _served(trace):
            alone = _alone(trace, user)
            for name, interaction, share in ASKED:
                service = profile(name, interaction, share)
                network = SlicedNetwork(
                    alone, [Slice(service, 1)], SimulatorSettings(epoch_s=float(alone.num_steps))
                )
                cell = int(alone.serving_tx[0, 0])
                blocks = np.zeros((alone.num_tx, 1))
                blocks[cell] = network.num_prb
                report = network.step(blocks)
                yield {
                    "service": name,
                    "interaction": interaction,
                    "of the sphere": share,
                    "rate [Mbit/s]": service.rate_mbps,
                    "deadline [ms]": 1e3 * service.latency_s,
                    "MHz": bandwidth / 1e6,
                    "late": float(report.ue_drop_share[0]),
                    "kept": float(report.sla_violation[0] == 0),
                }


def _served(trace: LinkTrace) -> list[int]:
    """Users who are served at first."""
    return np.flatnonzero(trace.serving_tx[0] >= 0)[:USERS].tolist()


def _alone(trace: LinkTrace, user: int) -> LinkTrace:
    """The trace of one user, who stays with its first cell for some seconds."""
    group = np.where(np.arange(trace.num_ues) == user, 0, -1)
    rows = slice(0, min(trace.num_steps, max(1, round(SECONDS / trace.step_s))))
    return multicast_trace(trace, rows, group, trace.serving_tx[0, user : user + 1].astype(int))
