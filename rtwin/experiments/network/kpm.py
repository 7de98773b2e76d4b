"""KPIs of users and slices in the columns of ColO-RAN and TRACTOR.

Those data sets have a CSV file per user, `{IMSI}_metrics.csv`, with a row for each report of a
base station that srsRAN and SCOPE run. What a sliced network here knows of has values; what it
has none of (uplink, power control, precoding reports) is 0, as it is in theirs where nothing runs.
"""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.errors import StoreError
from rtwin.experiments.network.channels import adaptation_of
from rtwin.experiments.network.reports import PERCENTILES, EpochReport
from rtwin.experiments.network.simulator import SlicedNetwork
from rtwin.files import appearing

COLUMNS = (
    *("Timestamp", "num_ues", "IMSI", "RNTI", ""),
    *("slicing_enabled", "slice_id", "slice_prb", "power_multiplier", "scheduling_policy", ""),
    *("dl_mcs", "dl_n_samples", "dl_buffer [bytes]", "tx_brate downlink [Mbps]"),
    *("tx_pkts downlink", "tx_errors downlink (%)", "dl_cqi", ""),
    *("ul_mcs", "ul_n_samples", "ul_buffer [bytes]", "rx_brate uplink [Mbps]"),
    *("rx_pkts uplink", "rx_errors uplink (%)", "ul_rssi", "ul_sinr", "phr", ""),
    *("sum_requested_prbs", "sum_granted_prbs", ""),
    *("dl_pmi", "dl_ri", "ul_n", "ul_turbo_iters"),
)
"""Columns of a file of a user; empty ones separate groups."""
SLICE_COLUMNS = (
    *("Timestamp", "slice_id", "service", "num_ues", "slice_prb", "used_prb"),
    *("offered [Mbps]", "throughput [Mbps]", "dropped (%)", "sla_violation (%)"),
    *(f"delay_p{percentile:g} [ms]" for percentile in PERCENTILES),
)
FIRST_IMSI = 1010123456001
FIRST_RNTI = 70
_POLICIES = {"rr": 0, "pf": 2}  # of SCOPE; 1 is waterfilling


class KpmRecorder:
    """Reports of an episode, as files; hand it to run_episode as `observe`, then call write.

    Args:
        network: The network; its first epoch is the first that is observed.
        trace: What its users really get.
    Checked by tests/experiments/network/test_kpm.py.
    """

    def __init__(self, network: SlicedNetwork, trace: LinkTrace) -> None:
        self._network, self._trace = network, trace
        self._adaptation = adaptation_of(trace)
        self._serving = trace.serving_tx[:, : network.num_ues].astype(np.int64)
        self._own = {
            name: trace.of_serving(name)[:, : network.num_ues].astype(np.float64)
            for name in ("mcs", "cqi", "block_error_rate", "num_layers")
            if getattr(trace, name) is not None
        }
        self._users: list[list[list[Any]]] = [[] for _ in range(network.num_ues)]
        self._slices: list[list[Any]] = []
        self._epoch = 0

    def __call__(self, report: EpochReport) -> None:
        """Take an epoch's report."""
        rows = self._rows(report.duration_s)
        time_ms = round((self._epoch + 1) * report.duration_s * 1e3)
        self._epoch += 1
        cell = self._serving[rows[-1]]
        if self._network.settings.coupled:
            cqi_now = self._network.cqi_under(report.reserved_prb, rows)
            self._own["cqi"][rows], self._own["mcs"][rows] = cqi_now, self._adaptation.mcs(cqi_now)
        mcs, cqi, layers = (self._mean(name, rows) for name in ("mcs", "cqi", "num_layers"))
        errors = 100.0 * self._mean("block_error_rate", rows)
        settings = self._network.settings
        for ue, written in enumerate(self._users):
            own = int(self._network.ue_slice[ue])
            here = cell == cell[ue]
            blocks = report.reserved_prb[cell[ue], own] if cell[ue] >= 0 else 0
            slots = int(report.ue_slots[ue])
            sent = slots > 0
            written.append(
                [
                    *(time_ms, int(here.sum()) if cell[ue] >= 0 else 0),
                    *(FIRST_IMSI + ue, FIRST_RNTI + ue, ""),
                    *(1, own, int(blocks), 1, _POLICIES[settings.scheduler], ""),
                    *(_short(mcs[ue]) if sent else 0, slots),
                    int(report.ue_backlog_bits[ue] / 8),
                    _short(report.ue_throughput_mbps[ue]),
                    *(slots, _short(errors[ue]) if sent else 0, _short(cqi[ue]), ""),
                    *(0,) * 9,
                    "",
                    *(int(report.ue_requested_prb[ue]), int(report.ue_granted_prb[ue]), ""),
                    *(0, round(layers[ue]) if sent else 0, 0, 0),
                ]
            )
        used = report.used_prb.sum(axis=0)
        for row, told in enumerate(self._network.slices):
            delays = ("" if np.isnan(d) else _short(d) for d in report.delay_ms[row])
            self._slices.append(
                [
                    *(time_ms, row, told.service.name, told.num_ues),
                    *(int(report.reserved_prb[:, row].sum()), _short(used[row])),
                    *(_short(report.offered_mbps[row]), _short(report.throughput_mbps[row])),
                    _short(100.0 * report.drop_share[row]),
                    _short(100.0 * report.sla_violation[row]),
                    *delays,
                ]
            )

    def _rows(self, duration_s: float) -> Ints:
        """Rows of the trace that the epoch lies in."""
        step = self._trace.step_s
        first = int(self._epoch * duration_s / step + 1e-6)
        last = max(first + 1, int(np.ceil((self._epoch + 1) * duration_s / step - 1e-6)))
        return np.minimum(np.arange(first, last), self._trace.num_steps - 1)

    def _mean(self, name: str, rows: Ints) -> Floats:
        """Mean over the rows in which a user has a value, [ue]; 0 without one."""
        if name not in self._own:
            return np.full(self._network.num_ues, float(name == "num_layers"))
        values = self._own[name][rows]
        known = np.isfinite(values) & (values >= 0)
        total = np.where(known, values, 0.0).sum(axis=0)
        return total / np.maximum(known.sum(axis=0), 1)

    def write(self, folder: str | Path) -> Path:
        """Write a file per user, users.csv and slices.csv; each whole or not at all.

        The users' files are in `metrics`, where there is nothing else.

        Raises:
            StoreError: if one cannot be written.
        """
        folder = Path(folder)
        try:
            (folder / "metrics").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: {os.strerror(error.errno or 0)}; give a folder") from error
        users = []
        for ue, rows in enumerate(self._users):
            file = folder / "metrics" / f"{FIRST_IMSI + ue}_metrics.csv"
            _write(file, COLUMNS, rows)
            own = int(self._network.ue_slice[ue])
            service = self._network.slices[own].service.name
            users.append([FIRST_IMSI + ue, self._trace.ue_name[ue], own, service])
        _write(folder / "users.csv", ("IMSI", "ue", "slice_id", "service"), users)
        _write(folder / "slices.csv", SLICE_COLUMNS, self._slices)
        return folder


def _short(value: float) -> float | int:
    """Six digits, as those files have."""
    short = float(f"{value:.6g}")
    return int(short) if short == int(short) else short


def _write(file: Path, head: tuple[str, ...], rows: list[list[Any]]) -> None:
    try:
        with appearing(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(head)
            writer.writerows(rows)
    except OSError as error:
        raise StoreError(
            f"{file}: {os.strerror(error.errno or 0)}; choose another place"
        ) from error
