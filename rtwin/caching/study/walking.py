"""The study itself: users who walk, their tastes with them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Ints
from rtwin.caching.demand import Bursts, Reach, RequestTrace, WalkingDemand, reach_of_trace
from rtwin.caching.study.rows import (
    AXES,
    COUNTS,
    TWIN,
    Run,
    counted,
    log_loss,
    of_forecast,
    of_textbook,
)
from rtwin.caching.study.safety import fresh_twin, run_safety
from rtwin.caching.study.settings import PACE_S, CachingStudy
from rtwin.caching.study.town import free_space_gain, street_walk, town_map, trace_of
from rtwin.caching.twin import CountTwin, PresentCounts, TasteTwin, fit_counts
from rtwin.dataset import make_link_trace, open_link_trace, open_radio_map
from rtwin.dataset.reading import RadioMap
from rtwin.link import LinkAdaptation
from rtwin.scene import Tracks, Walk, read_footways, walk_ways

DEMAND = WalkingDemand(bursts=Bursts(every=1500.0, length=400, share=0.5))
TOWN_LOAD = (1.8, 1.0, 1.0, 1.0, 0.7)  # the square in the middle is where people sit and watch
LATE, AHEAD = 500, 60  # requests: 125 s and 15 s of the default study
STEP_S = 2.0


@dataclass(frozen=True)
class Ground:
    """Where users of the study walk, the same for all seeds but for their ways.

    Attributes:
        radio_map: Of the stations; None where a link trace is given.
        ways: To walk along; None: the streets of the town.
        trace: Link trace whose users are taken.
    """

    radio_map: RadioMap | None = None
    ways: Path | None = None
    trace: Path | None = None


def prepare(study: CachingStudy, folder: Path) -> Ground:
    """Trace the town, or open what is given."""
    if study.trace is not None:
        return Ground(trace=study.trace)
    if study.twin is not None:
        return Ground(open_radio_map(study.twin), study.ways)
    return Ground(town_map(folder))


@dataclass(frozen=True)
class World:
    """One seed: users, stations, requests, and where free space would place the users."""

    reach: Reach
    requests: RequestTrace
    free_space: NDArray[np.int16] | None


def draw_world(study: CachingStudy, ground: Ground, seed: int) -> World:
    """Walks and requests of a seed."""
    if ground.trace is not None:
        reach = reach_of_trace(open_link_trace(ground.trace), study.within_db)
        return World(reach, DEMAND.draw(reach, study.num_requests, seed), None)
    assert ground.radio_map is not None
    duration = study.num_requests / study.users * PACE_S
    walk = Walk(study.users, duration, STEP_S, (0.6, 1.8), 0.0, seed)
    tracks = _walked(ground, walk)
    reach = reach_of_trace(trace_of(ground.radio_map, tracks), study.within_db)
    demand = DEMAND if ground.ways else replace(DEMAND, load=TOWN_LOAD)
    requests = demand.draw(reach, study.num_requests, seed)
    blind = _reach_without_houses(ground.radio_map, tracks, study.within_db)
    return World(reach, requests, blind.first[blind.spread(len(requests))])


def _walked(ground: Ground, walk: Walk) -> Tracks:
    if ground.ways is None or ground.radio_map is None:
        return street_walk(walk)
    from rtwin.dataset.tracks import recipe_of

    georeference = recipe_of(ground.radio_map.attributes, None).georeference
    return walk_ways(read_footways(ground.ways, georeference), walk)


def _reach_without_houses(radio_map: RadioMap, tracks: Tracks, within_db: float) -> Reach:
    names = ("tx_name", "tx_position_m", "tx_power_dbm")
    still = np.zeros_like(radio_map.tx_position_m)
    columns: dict[str, Any] = {name: getattr(radio_map, name) for name in names}
    columns |= {"tx_orientation_rad": still, "tx_velocity_m_s": still}
    trace = make_link_trace(
        columns,
        tracks.time_s,
        tracks.ue_name,
        np.nan_to_num(tracks.position_m),
        free_space_gain(radio_map, tracks),
        noise_power_w=float(radio_map.attributes["noise_power_w"]),
        adaptation=LinkAdaptation(20e6),
    )
    return reach_of_trace(trace, within_db)


def run_walking(study: CachingStudy, world: World, seed: int) -> Iterator[Run]:
    """All rows of a seed."""
    whole = world.requests
    trace, start = _known(study, whole, study.history)
    for name, out in of_textbook(trace, study.slots).items():
        yield counted(out, trace, start, "walking", name, seed)
    offset = len(whole) - len(trace)
    for name, make in _forecasters(trace, world, offset, seed).items():
        out = of_forecast(trace, study.slots, make)
        yield counted(out, trace, start, "walking", name, seed)
    yield from run_safety(study, world.reach, trace, start, seed)
    if study.ppo_steps:
        from rtwin.caching.study.ppo_rows import run_ppo

        yield from run_ppo(study, world.reach, trace, start, seed)
    yield from _axes(study, whole, seed)


def _known(study: CachingStudy, whole: RequestTrace, history: int) -> tuple[RequestTrace, int]:
    """History, warm-up and test; the test is the same for every history."""
    before = study.longest_history - history
    return whole.part(before, len(whole)), history + study.warm_up


def _forecasters(trace: RequestTrace, world: World, offset: int, seed: int) -> dict[str, Any]:
    """Forecasters that start with nothing and learn from every request of the trace."""
    stations, clients, kind = trace.num_stations, trace.num_clients, trace.catalogue.kind
    rng = np.random.Generator(np.random.PCG64([seed, 0x3A]))
    found: dict[str, Any] = {
        COUNTS: CountTwin(stations, len(kind), 30.0),
        "counts of users present": PresentCounts(stations, clients, kind),
        TWIN: TasteTwin(stations, clients, kind),
        "tastes, ways known ahead": TasteTwin(stations, clients, kind, ahead=AHEAD),
        "wrong twin: places of long ago": TasteTwin(stations, clients, kind, late=LATE),
        "wrong twin: tastes of others": _Shuffled(
            stations, clients, kind, rng.permutation(clients)
        ),
    }
    if world.free_space is not None:
        found["wrong twin: stations by free space"] = TasteTwin(
            stations, clients, kind, place=world.free_space[offset:]
        )
    return found


class _Shuffled(TasteTwin):
    """A twin that takes every user for another one."""

    def __init__(self, stations: int, clients: int, kind: Ints, other: Ints) -> None:
        super().__init__(stations, clients, kind)
        self._other = other

    def learn(self, client: int, item: int) -> None:
        super().learn(int(self._other[client]), item)


def _axes(study: CachingStudy, whole: RequestTrace, seed: int) -> Iterator[Run]:
    """The same test with other histories and other caches; the usual ones are in `walking`."""
    points = [("history", study.slots, history) for history in study.other_histories]
    points += [("slots", slots, study.history) for slots in study.other_slots]
    for part, slots, history in points:
        trace, start = _known(study, whole, history)
        setting = {"slots": slots, "history": history}
        for name, out in of_textbook(trace, slots, AXES).items():
            yield counted(out, trace, start, part, name, seed, **setting)
        for name, forecaster in _counts_and_tastes(trace).items():
            out = of_forecast(trace, slots, forecaster)
            yield counted(out, trace, start, part, name, seed, **setting)


def _counts_and_tastes(trace: RequestTrace) -> dict[str, Any]:
    num = trace.catalogue.num_items
    return {COUNTS: CountTwin(trace.num_stations, num, 30.0), TWIN: fresh_twin(trace)}


def surprises(study: CachingStudy, world: World) -> dict[str, float]:
    """Log loss of the test's requests [nat] for each forecast."""
    trace, start = _known(study, world.requests, study.history)
    num = trace.catalogue.num_items
    history = trace.part(0, study.history)
    fitted = fit_counts(history)

    def counts() -> CountTwin:
        return CountTwin(trace.num_stations, num, fitted.strength, fitted.span)

    def tastes(**options: Any) -> TasteTwin:
        return TasteTwin(trace.num_stations, trace.num_clients, trace.catalogue.kind, **options)

    return {
        "all items alike": float(np.log(num)),
        COUNTS: log_loss(counts, trace, start),
        TWIN: log_loss(tastes, trace, start),
        "wrong twin: places of long ago": log_loss(lambda: tastes(late=LATE), trace, start),
    }
