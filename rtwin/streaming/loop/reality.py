"""What really happens: groups are served by the sliced network on the reference, and play."""

from dataclasses import dataclass, fields, replace

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.errors import OutOfRangeError
from rtwin.experiments import Service, SimulatorSettings, Slice, SlicedNetwork
from rtwin.experiments.network import adaptation_of, believed_efficiency
from rtwin.streaming.behaviour import Catalogue, Population, overlap
from rtwin.streaming.decision import Decision, Playback, Quality, play

SLOT_S = 0.1
BUFFER_S = 2.0  # that a second of video may be late: "several seconds" of the article's table
PLACES = 64  # of a group's list: more than anybody watches in a minute


def bits_of_block(
    trace: LinkTrace, cell: Ints, rows: slice, error_db: float = 0.0, offset_db: float = 0.0
) -> Floats:
    """Bits per second of a block for users in given cells, [row, user].

    Args:
        trace: Channels, real or believed.
        cell: Of each user, [user]; -1 none.
        rows: Of the trace.
        error_db: Standard deviation of a belief [dB]; 0 for what is known.
        offset_db: Added to the SINR [dB].
    """
    adaptation = adaptation_of(trace)
    own = np.take_along_axis(
        trace.sinr_db[rows], np.maximum(cell, 0)[None, :, None].astype(np.int64), axis=2
    )[..., 0]
    bits = believed_efficiency(adaptation, own + offset_db, error_db)
    return np.asarray(bits * adaptation.resource_elements_per_s_and_prb * (cell >= 0))


def multicast_trace(trace: LinkTrace, rows: slice, group: Ints, cell: Ints) -> LinkTrace:
    """The link trace of groups: in every row a group has the channel of its worst member.

    Args:
        trace: Of users.
        rows: Of the trace.
        group: Of each user, [user]; -1 for none. Every group has a member.
        cell: That serves each group through all rows, [group].
    """
    num = len(cell)
    rate = trace.rate_mbps[rows]
    pick = np.empty((len(rate), num), np.int64)
    for number in range(num):
        members = np.flatnonzero(group == number)
        pick[:, number] = members[rate[:, members, cell[number]].argmin(axis=1)]
    step = np.arange(len(rate))[:, None]
    names = [f.name for f in fields(LinkTrace) if not f.name.startswith(("tx_", "attr"))]
    columns = {
        name: getattr(trace, name)[rows][step, pick]
        for name in names
        if name not in ("time_s", "ue_name", "serving_tx", "handover")
        and getattr(trace, name) is not None  # of link layers that were not asked for
    }
    return replace(
        trace,
        time_s=trace.time_s[rows],
        ue_name=tuple(f"group_{n}" for n in range(num)),
        serving_tx=np.broadcast_to(cell, pick.shape),
        handover=np.zeros(pick.shape, bool),
        **columns,
    )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an interval really brought.

    Attributes:
        satisfaction: Of each user, [user].
        ratio: Rate that the reserved blocks carried over the rate that was needed, [group].
        late: Share of a group's bits that came too late, [group].
        demand_s: Seconds of video that each group needed, [group].
        traffic_mbps: Mean rate that got through, [group].
        computing: Share of the edge server's cycles.
        playback: What each group played.
        bits: Mean bits per second of a block of each user from its cell, [user].
    """

    satisfaction: Floats
    ratio: Floats
    late: Floats
    demand_s: Floats
    traffic_mbps: Floats
    computing: float
    playback: list[Playback]
    bits: Floats


@dataclass(frozen=True, eq=False)
class World:
    """The real users and channels of a run.

    Attributes:
        trace: The reference's channels, a row for each second or so.
        catalogue: The videos.
        population: Users as they are, in the order of the trace.
        interval_s: Length of an interval [s].
        seed: Of what users do; the same for every scheme.
    Raises:
        OutOfRangeError: if the trace is too short or has other users.
    """

    trace: LinkTrace
    catalogue: Catalogue
    population: Population
    interval_s: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.population.num_users != self.trace.num_ues:
            raise OutOfRangeError(
                f"{self.population.num_users} people, the trace has {self.trace.num_ues} users; "
                "draw as many"
            )
        if self.num_intervals < 1:
            raise OutOfRangeError(
                f"the trace lasts {self.trace.num_steps * self.trace.step_s:g} s, an interval "
                f"{self.interval_s:g} s; sample a longer one"
            )

    @property
    def rows_per_interval(self) -> int:
        """Rows of the trace in an interval."""
        return max(1, round(self.interval_s / self.trace.step_s))

    @property
    def num_intervals(self) -> int:
        """Whole intervals of the trace."""
        return self.trace.num_steps // self.rows_per_interval

    def rows(self, interval: int) -> slice:
        """Rows of an interval."""
        return slice(interval * self.rows_per_interval, (interval + 1) * self.rows_per_interval)

    def cell(self, interval: int) -> Ints:
        """Serving cell of each user as an interval begins, [user]; -1 none."""
        return self.trace.serving_tx[interval * self.rows_per_interval].astype(np.int64)

    def likes(self, interval: int, count: int = 10) -> Ints:
        """How often each user chose each type in an interval, [user, type]."""
        rng = np.random.Generator(np.random.PCG64([self.seed, interval, 0x6C]))
        return np.asarray(rng.multinomial(count, self.population.taste), np.int64)

    def happens(self, interval: int, decision: Decision, quality: Quality) -> Outcome:
        """Serve a decision's groups for an interval, and let them play.

        What users do is drawn alike for every decision: their clocks by user and place in the
        list, the lists by place.
        """
        rng = np.random.Generator(np.random.PCG64([self.seed, interval, 0x77]))
        clock = rng.exponential(size=(self.population.num_users, PLACES))
        pick = rng.random((PLACES, 2))
        playback = []
        for number in range(decision.num_groups):
            members = np.flatnonzero(decision.group == number)
            haste = self.population.haste[members]
            mix = decision.mix[number]
            played = play(self.catalogue, mix, haste, clock[members], pick, self.interval_s)
            playback.append(played)
        demand = np.array([p.demand_s for p in playback])
        served = self._served(interval, decision, quality, demand)
        ratio, late, traffic = served
        satisfaction = np.zeros(self.population.num_users)
        mine = decision.group >= 0
        own = decision.group[mine]
        content = quality.satisfaction(ratio, decision.version)
        satisfaction[mine] = content[own] * overlap(self.population.taste[mine], decision.mix[own])
        cycles = quality.cycles(demand)[np.arange(len(demand)), decision.version]
        bits = bits_of_block(self.trace, self.cell(interval), self.rows(interval)).mean(axis=0)
        total = float((cycles * (decision.prb > 0)).sum())
        return Outcome(satisfaction, ratio, late, demand, traffic, total, playback, bits)

    def _served(
        self, interval: int, decision: Decision, quality: Quality, demand: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Ratio, late share and traffic of each group, by the sliced network."""
        ratio, late, traffic = np.zeros((3, decision.num_groups))
        late += 1.0
        on = np.flatnonzero(decision.prb > 0)
        if not on.size:
            return ratio, late, traffic
        number = np.full(decision.num_groups, -1)
        number[on] = np.arange(len(on))
        group = np.where(decision.group >= 0, number[decision.group], -1)
        trace = multicast_trace(self.trace, self.rows(interval), group, decision.cell[on])
        rate = quality.rates[decision.version[on]] * demand[on] / self.interval_s
        slices = [
            Slice(Service(f"group_{g}", r * 1e6, 1.0, True, 0.0, BUFFER_S, 0.95), 1)
            for g, r in zip(on, np.maximum(rate, 1e-6), strict=True)
        ]
        settings = SimulatorSettings(self.interval_s, SLOT_S, handover_interruption_s=0.0)
        network = SlicedNetwork(trace, slices, settings)
        blocks = np.zeros((trace.num_tx, len(on)))
        blocks[decision.cell[on], np.arange(len(on))] = decision.prb[on]
        network.reset(self.seed)
        report = network.step(blocks)
        used, offered = report.used_prb.sum(axis=0), report.offered_mbps
        # What the reserved blocks could have carried: those used, and as much in each of the rest.
        carried = report.throughput_mbps * decision.prb[on] / np.where(used > 0, used, 1.0)
        ratio[on] = np.where((used > 0) & (offered > 0), carried / np.maximum(offered, 1e-12), 0.0)
        late[on], traffic[on] = report.ue_drop_share, report.throughput_mbps
        return ratio, late, traffic
