"""The two loops: twins decide for the next interval, the network serves it, reports come back.

radio map -> link trace -> user twins -> groups -> demand -> reservation -> sliced network on the
reference -> satisfaction and V.
"""

import time

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.streaming.behaviour import Views
from rtwin.streaming.decision import (
    Decision,
    Emulator,
    Knowledge,
    Playback,
    Scheme,
    Setting,
    mean_age_s,
    performance,
    value,
)
from rtwin.streaming.loop.reality import Outcome, World, bits_of_block
from rtwin.streaming.loop.records import Belief, Log, Step
from rtwin.streaming.twins import InfrastructureTwin, SliceTwin, Store, UserTwin

SAMPLED_ROWS = 12  # of an interval, of which a decision is told the believed channel
BAND = 0.9  # of earlier errors; a model whose error lies above is refitted


class ClosedLoop:
    """Twins of users, stations and the slice around a world, and the loop through them.

    Args:
        world: Real users and channels.
        belief: What twins are told.
        setting: Versions, prices, blocks.
        scheme: Decides from what twins say.
        store: Where twins live; None: in memory. What it holds is taken up again.
        name: Before the twins' names, where one store serves several runs.
    Checked by tests/streaming/loop/test_closed_loop.py.
    """

    def __init__(
        self,
        world: World,
        belief: Belief,
        setting: Setting,
        scheme: Scheme,
        store: Store | None = None,
        name: str = "",
    ) -> None:
        self.world, self.belief, self.setting, self.scheme = world, belief, setting, scheme
        self.store = store = store or Store()
        self.users = [UserTwin(f"{name}{ue}", store) for ue in world.trace.ue_name]
        self.stations = [InfrastructureTwin(f"{name}{tx}", store) for tx in world.trace.tx_name]
        self.edge = InfrastructureTwin(f"{name}edge", store)
        self.slice = SliceTwin(f"{name}short_video", store)
        num_types = world.catalogue.num_types
        self._haste = [twin.haste() for twin in self.users]
        self._taste = [twin.preference(num_types) for twin in self.users]
        self._past: Floats | None = None
        self._last: Decision | None = None
        self._offset_db, self._error_db = 0.0, belief.error_db
        self._errors: list[float] = []
        self.log = Log()
        self.playback: list[list[Playback]] = []  # of every interval's groups

    def run(self, num_intervals: int | None = None) -> Log:
        """Run so many further intervals, or to the end of the trace."""
        first = len(self.log.steps)
        last = self.world.num_intervals
        if num_intervals is not None:
            last = min(last, first + num_intervals)
        for interval in range(first, last):
            self.step(interval)
        return self.log

    def knowledge(self, interval: int) -> Knowledge:
        """What the twins say as an interval begins."""
        world, belief = self.world, self.belief
        people, cell = world.population, world.cell(interval)
        rows = world.rows(interval)
        if belief.ways == "known":
            stride = max(1, world.rows_per_interval // SAMPLED_ROWS)
            rows = slice(rows.start, rows.stop, stride)
        else:
            seen = max(0, rows.start - round(self._channel_age_s(interval) / world.trace.step_s))
            rows = slice(seen, seen + 1)
        bits = bits_of_block(belief.trace, cell, rows, self._error_db, self._offset_db)
        if belief.users == "true":
            taste, haste = people.taste, people.haste
        elif belief.users == "none":
            taste = np.tile(people.taste.mean(axis=0), (people.num_users, 1))
            haste = np.ones(people.num_users)
        else:
            taste = np.stack([known.mean for known in self._taste])
            haste = np.array([known.mean for known in self._haste])
        num_cells = world.trace.num_tx
        return Knowledge(cell, bits, taste, haste, num_cells, self._past)

    def _channel_age_s(self, interval: int) -> float:
        """Age of the newest report of a user's place as an interval begins, on average [s].

        Users report at phases of their own; nothing is older than the walk.
        """
        age = mean_age_s(1.0 / self.belief.report_s, self.belief.delay_s)
        return min(age, interval * self.world.interval_s)

    def step(self, interval: int) -> Step:
        """Decide for an interval, serve it, and take the reports."""
        known = self.knowledge(interval)
        begun = time.process_time()
        new = self.scheme(self.setting, known)
        decision, accepted = self._validated(known, new)
        spent = time.process_time() - begun
        outcome = self.world.happens(interval, decision, self.setting.quality)
        refitted, channel_error = self._compare_channels(known, outcome)
        row = self._row(interval, decision, accepted, outcome, spent, refitted, channel_error)
        self._report(interval, decision, outcome, row)
        self._past = self._traffic(decision, outcome, known)
        self._last = decision
        self._log(decision, outcome, row)
        self.playback.append(outcome.playback)
        return row

    def _validated(self, known: Knowledge, new: Decision) -> tuple[Decision, bool]:
        """The new decision, or the last one where the twin expects more of keeping it."""
        if self._last is None:
            return new, True
        last = self._last
        stays = (last.group >= 0) & (known.cell >= 0)
        stays[stays] = last.cell[last.group[stays]] == known.cell[stays]
        emulator = Emulator(self.setting, known)
        label = np.where(stays & known.served, last.group, -1)
        groups = emulator.groups(label)
        if not len(groups.cell):
            return new, True
        before = np.zeros(len(groups.cell), np.int64)
        mine = groups.group >= 0
        before[groups.group[mine]] = label[mine]
        kept = emulator.expected(groups, last.prb[before], last.version[before])
        return (kept, False) if kept.utility > new.utility + 1e-9 else (new, True)

    def _compare_channels(self, known: Knowledge, outcome: Outcome) -> tuple[bool, float]:
        """Error of the believed bits of a block [dB], and whether the model was refitted."""
        believed = known.bits.mean(axis=0)
        both = (believed > 0) & (outcome.bits > 0)
        if not both.any():
            return False, np.nan
        miss = 10.0 * np.log10(outcome.bits[both] / believed[both])
        error = float(np.sqrt(np.mean(miss**2)))
        refitted = False
        if self.belief.refit:
            # Without earlier errors the band is what the twin states of itself.
            earlier = self._errors or [self._error_db]
            if error > float(np.quantile(earlier, BAND)):
                self._offset_db += float(np.median(miss))
                self._error_db = float(np.std(miss))
                self._errors, refitted = [], True
        self._errors.append(error)
        return refitted, error

    def _row(
        self,
        interval: int,
        decision: Decision,
        accepted: bool,
        outcome: Outcome,
        spent: float,
        refitted: bool,
        channel_error: float,
    ) -> Step:
        setting, belief, world = self.setting, self.belief, self.world
        satisfaction = float(outcome.satisfaction.mean())
        computing = outcome.computing / setting.max_cycles
        weights = setting.weights
        quality = performance(satisfaction, decision.consumption, min(computing, 1.0), weights)
        # R is 1 for raw reports in every second.
        raw = 1.0 / belief.report_s
        cost = raw * belief.share
        total = value(raw, belief.delay_s, quality, cost, weights).total
        served = decision.demand_s > 0
        gap = outcome.demand_s[served] - decision.demand_s[served]
        mean = max(float(outcome.demand_s[served].mean()), 1e-9) if served.any() else 1.0
        on = decision.prb > 0
        num_values = 4 + world.trace.num_tx
        return Step(
            interval=interval,
            time_s=interval * world.interval_s,
            groups=decision.num_groups,
            accepted=accepted,
            emulated_satisfaction=decision.satisfaction,
            emulated_consumption=decision.consumption,
            emulated_utility=decision.utility,
            satisfaction=satisfaction,
            consumption=decision.consumption,
            computing=computing,
            utility=quality,
            left_out=float((outcome.satisfaction < 0.01).mean()),
            late=float(outcome.late[on].mean()) if on.any() else 1.0,
            demand_error=float(np.sqrt(np.mean(gap**2))) / mean if served.any() else 0.0,
            channel_error_db=channel_error,
            refitted=refitted,
            channel_age_s=self._channel_age_s(interval),
            behaviour_age_s=world.interval_s if interval else float("nan"),
            value=total,
            decision_s=spent,
            report_bytes=8.0 * num_values * len(self.users) * world.interval_s * cost,
        )

    def _report(self, interval: int, decision: Decision, outcome: Outcome, row: Step) -> None:
        """Reports update the databases at once, and the users' models learn from them."""
        with self.store.together():
            self._take(interval, decision, outcome, row)

    def _take(self, interval: int, decision: Decision, outcome: Outcome, row: Step) -> None:
        world = self.world
        now = (interval + 1) * world.interval_s
        likes: Floats = world.likes(interval).astype(np.float64)
        if self.belief.private is not None:
            draws = np.random.Generator(np.random.PCG64([world.seed, interval, 0x70]))
            likes = np.maximum(self.belief.private(world.likes(interval), draws), 0.0)
        trace, last = world.trace, world.rows(interval).stop - 1
        views = self._views(decision, outcome)
        for number, twin in enumerate(self.users):
            twin.put(
                now,
                position_m=trace.ue_position_m[last, number],
                serving_tx=trace.serving_tx[last, number],
                sinr_db=trace.sinr_db[last, number],
            )
            mine = views.get(number)
            if mine is None:
                empty = np.zeros(0)
                mine = Views(empty, empty.astype(np.int64), empty, empty.astype(bool))
            self._haste[number], self._taste[number] = twin.learn(now, mine, likes[number])
        for number, station in enumerate(self.stations):
            rows = decision.cell == number
            station.put(
                now,
                reserved_prb=float(decision.prb[rows].sum()),
                group_rate_mbps=outcome.traffic_mbps[rows],
            )
            parameters = {"offset_db": self._offset_db, "error_db": self._error_db}
            newest = station.models.newest("efficiency")
            if newest is None or newest.parameters != parameters:
                station.models.add("efficiency", now, parameters, 10.0)
        self.edge.put(now, cycles=outcome.computing)
        self.slice.put(
            now,
            demand_s=outcome.demand_s,
            reserved_prb=decision.prb,
            satisfaction=row.satisfaction,
            consumption=row.consumption,
            group=decision.group,
        )

    @staticmethod
    def _views(decision: Decision, outcome: Outcome) -> dict[int, Views]:
        """What each user watched, by user."""
        found = {}
        for number, played in enumerate(outcome.playback):
            for place, user in enumerate(np.flatnonzero(decision.group == number)):
                begun: NDArray[np.bool_] = played.begun[place]
                found[int(user)] = Views(
                    *(getattr(played.views, name)[place][begun] for name in Views.__annotations__)
                )
        return found

    def _traffic(self, decision: Decision, outcome: Outcome, known: Knowledge) -> Floats:
        """Traffic of the interval by cell and the groups' favourite type [Mbit/s]."""
        past = np.zeros((known.num_cells, known.taste.shape[1]))
        np.add.at(past, (decision.cell, decision.mix.argmax(axis=1)), outcome.traffic_mbps)
        return past

    def _log(self, decision: Decision, outcome: Outcome, row: Step) -> None:
        log, mine = self.log, decision.group >= 0
        own = decision.group[mine]
        blocks, version = np.zeros((2, len(self.users)), np.int64)
        blocks[mine], version[mine] = decision.prb[own], decision.version[own]
        log.steps.append(row)
        log.satisfaction.append(outcome.satisfaction)
        log.group.append(decision.group)
        log.version.append(version)
        log.prb.append(blocks)
        cells = np.bincount(decision.cell, decision.prb, len(self.stations)).astype(np.float64)
        log.cell_prb.append(cells)
        log.demand_s.append(outcome.demand_s)
        log.believed_demand_s.append(decision.demand_s)
        log.decisions.append(decision)
