"""How often warnings about campaigns are right, and how often clean campaigns are warned about.

    python benchmarks/campaign_warnings.py

Campaigns are drawn: one to six masts on a plain, path loss exponent 2 to 4.5, exponentially
correlated shadow fading of 3 to 9 dB, some with antenna patterns, two devices and a noise floor.
Each fault is put into the same campaigns. `--cut N` looks at one N-th of them.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.calibration.campaign import Link, Measurements, default_block_m
from rtwin.calibration.judgement.place_checks import displaced, exchanged
from rtwin.calibration.judgement.value_checks import value_warnings
from rtwin.channel import shadowing_correlation, tr38901_element_gain_db

CAMPAIGNS = 60
_FIRST_SEED = 1000


@dataclass(frozen=True)
class Drawn:
    """A campaign and what its fields were drawn from."""

    data: Measurements
    block_m: float
    rng: np.random.Generator


def clean_campaign(seed: int) -> Drawn:
    """A campaign without a fault."""
    rng = np.random.default_rng(seed)
    indoor = rng.random() < 0.3
    side = rng.uniform(15, 40) if indoor else rng.uniform(150, 1200)
    count, rows = int(rng.integers(1, 7)), int(rng.integers(60, 251))
    height = 2.5 if indoor else rng.uniform(10, 35)
    sectors = not indoor and rng.random() < 0.5
    links = tuple(
        Link(
            name=f"tx{n}",
            position_m=(*rng.uniform(0.05 * side, 0.95 * side, 2), height),
            yaw_deg=float(rng.uniform(-180, 180)) if sectors else 0.0,
            downtilt_deg=6.0 if sectors else 0.0,
            pattern="tr38901" if sectors else "iso",
            power_dbm=None,
            frequency_hz=3.5e9,
        )
        for n in range(count)
    )
    devices = ("p", "q") if rng.random() < 0.5 else ("p",)
    place = np.column_stack([rng.uniform(0, side, (rows, 2)), np.full(rows, 1.5)])
    exponent, shadow_db = rng.uniform(2, 4.5), rng.uniform(3, 9)
    length = (0.15 if indoor else 0.08) * side
    far = np.linalg.norm(place[:, None] - place[None], axis=2)
    field = np.linalg.cholesky(shadowing_correlation(far, length) + 1e-9 * np.eye(rows))
    level, common = [], field @ rng.normal(size=rows)
    for link in links:
        off = place - np.array(link.position_m)
        distance = np.linalg.norm(off, axis=1)
        own = -30 - 10 * exponent * np.log10(distance)
        if sectors:
            bearing = np.degrees(np.arctan2(off[:, 1], off[:, 0])) - link.yaw_deg
            zenith = np.degrees(np.arccos(off[:, 2] / distance)) - link.downtilt_deg
            own += tr38901_element_gain_db((bearing + 180) % 360 - 180, zenith)
        # Half of shadow fading is that of the place, whoever sends.
        own += shadow_db * np.sqrt(0.5) * (common + field @ rng.normal(size=rows))
        level.append(own + rng.normal(0, 2.0, rows))
    tx = np.repeat(np.arange(count), rows)
    device = rng.integers(0, len(devices), len(tx))
    levels = np.concatenate(level) + 4.0 * device
    floor = np.quantile(levels, 0.15) if rng.random() < 0.3 else -np.inf
    data = Measurements(
        links,
        devices,
        tx,
        device,
        np.tile(place, (count, 1)),
        np.round(np.maximum(levels, floor), int(rng.integers(0, 3))),
        levels < floor,
        np.ones(len(tx), np.int64),
        np.full(len(tx), 2.0),
    )
    return Drawn(data, default_block_m(data), rng)


CHECKS: dict[str, Callable[[Drawn], bool]] = {
    "sign": lambda drawn: _says(drawn, "grow with distance"),
    "spread": lambda drawn: _says(drawn, "differ by"),
    "copies": lambda drawn: _says(drawn, "very level"),
    "exchanged": lambda drawn: bool(exchanged(drawn.data, drawn.block_m)),
    "displaced": lambda drawn: bool(displaced(drawn.data, drawn.block_m)),
}


def _says(drawn: Drawn, words: str) -> bool:
    return any(words in line for line in value_warnings(drawn.data, drawn.block_m))


def moved(share: float) -> Callable[[Drawn], Drawn | None]:
    """One transmitter, some share of the area's side from its place."""

    def fault(drawn: Drawn) -> Drawn:
        data, angle = drawn.data, drawn.rng.uniform(0, 2 * np.pi)
        side = np.ptp(data.position_m[:, 0])
        first, *others = data.transmitters
        x, y, z = first.position_m
        place = (x + share * side * np.cos(angle), y + share * side * np.sin(angle), z)
        links = (replace(first, position_m=place), *others)
        return replace(drawn, data=replace(data, transmitters=links))

    return fault


def names_exchanged(drawn: Drawn) -> Drawn | None:
    """The names of the first two transmitters, exchanged."""
    links = drawn.data.transmitters
    if len(links) < 2:
        return None
    a, b, *others = links
    mixed = (replace(b, name=a.name), replace(a, name=b.name), *others)
    return replace(drawn, data=replace(drawn.data, transmitters=mixed))


def columns_turned(drawn: Drawn) -> Drawn | None:
    """Every transmitter under the name of the next."""
    links = drawn.data.transmitters
    if len(links) < 3:
        return None
    turned = tuple(
        replace(links[(n + 1) % len(links)], name=link.name) for n, link in enumerate(links)
    )
    return replace(drawn, data=replace(drawn.data, transmitters=turned))


def sign_turned(drawn: Drawn) -> Drawn:
    """Levels of the other sign, as losses are."""
    data = drawn.data
    heard = data.take(~data.censored)
    return replace(drawn, data=replace(heard, level_db=-heard.level_db - 150.0))


def linear(drawn: Drawn) -> Drawn:
    """Nanowatts where dBm are expected."""
    data = drawn.data
    return replace(drawn, data=replace(data, level_db=10 ** (data.level_db / 10 + 3)))


def copied(drawn: Drawn) -> Drawn:
    """A fifth of the rows once more, two blocks further on."""
    data = drawn.data
    rows = data.take(np.arange(len(data)) % 5 == 0)
    place = rows.position_m + np.array([2 * drawn.block_m, 0.0, 0.0])
    columns = ("tx", "device", "position_m", "level_db", "censored", "count", "uncertainty_db")
    added: dict[str, Any] = {
        name: np.concatenate([getattr(data, name), getattr(replace(rows, position_m=place), name)])
        for name in columns
    }
    return replace(drawn, data=replace(data, **added))


FAULTS: dict[str, tuple[str, Callable[[Drawn], Drawn | None]]] = {
    "sign turned": ("sign", sign_turned),
    "nanowatts in a dBm column": ("spread", linear),
    "a fifth of the rows copied": ("copies", copied),
    "two names exchanged": ("exchanged", names_exchanged),
    "every name on the next": ("exchanged", columns_turned),
    "one moved by 10 % of the side": ("displaced", moved(0.1)),
    "one moved by 25 % of the side": ("displaced", moved(0.25)),
    "one moved by 50 % of the side": ("displaced", moved(0.5)),
    "one moved by 100 % of the side": ("displaced", moved(1.0)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cut", type=int, default=1)
    asked = parser.parse_args()
    seeds = range(_FIRST_SEED, _FIRST_SEED + CAMPAIGNS // asked.cut)
    drawn = [clean_campaign(seed) for seed in seeds]
    print("| check | clean campaigns warned about |\n|---|---|")
    for name, check in CHECKS.items():
        print(f"| {name} | {sum(map(check, drawn))} of {len(drawn)} |", flush=True)
    print("\n| fault | check | noticed |\n|---|---|---|")
    for title, (name, fault) in FAULTS.items():
        made = [faulty for one in drawn if (faulty := fault(one)) is not None]
        noticed = sum(map(CHECKS[name], made))
        print(f"| {title} | {name} | {noticed} of {len(made)} |", flush=True)


if __name__ == "__main__":
    main()
