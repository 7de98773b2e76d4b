"""Drives with a phone: what is read, and the figures of the real ones where they are."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from rtwin.errors import StoreError
from rtwin.streaming.twins.collection import held, on_delta
from rtwin.streaming.userdata import drives, read_drives
from rtwin.streaming.userdata.drives import ATTRIBUTES

REAL = Path(__file__).parents[4] / "shared/data/throughput_5g/irish_5g_production.zip"
TEXT = "Timestamp,RSRP,RSRQ,SNR,CQI,Speed,DL_bitrate\n1,-90,-11,7.5,9,30,12000\n2,-,-11,8,9,31,-\n"


def test_a_file_of_an_archive_and_of_a_folder(tmp_path):
    folder = tmp_path / "Download" / "Driving"
    folder.mkdir(parents=True)
    (folder / "B_1.csv").write_text(TEXT)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("x/Download/Driving/B_1.csv", TEXT)
        archive.writestr("__MACOSX/x/Download/Driving/._B_1.csv", "?")
        archive.writestr("x/Download/Static/B_2.csv", TEXT)
    for file in (tmp_path, tmp_path / "all.zip"):
        (drive,) = read_drives(file)
        assert drive[0].tolist() == [-90, -11, 7.5, 9, 30, 12000]
        assert np.isnan(drive[1, [0, 5]]).all()


def test_what_is_none_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"no\.zip: cannot be read"):
        read_drives(tmp_path / "no.zip")
    with pytest.raises(StoreError, match="no CSV file"):
        read_drives(tmp_path)
    folder = tmp_path / "Download" / "Driving"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StoreError, match="lacks some of the columns"):
        read_drives(tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason="the drives are not here")
def test_on_delta_on_real_drives():
    drives = read_drives(REAL)
    assert len(drives) == 16
    reports = count = square = 0.0
    for drive in drives:
        snr = drive[:, ATTRIBUTES.index("SNR")]
        sent = on_delta(snr, 3.0, 10**9)
        miss = held(snr, sent) - snr
        miss = miss[np.isfinite(miss)]
        reports, count, square = reports + sent.sum(), count + len(miss), square + (miss**2).sum()
    # As measured before, by other code: a fifth of the reports, 1.4 dB.
    assert reports / count == pytest.approx(0.21, abs=0.04)
    assert np.sqrt(square / count) == pytest.approx(1.36, abs=0.25)


def test_what_is_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(drives, "MAX_BYTES", 2**20)
    text = b"0" * (2**20 + 1)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Download/Driving/a.csv", text)
    with pytest.raises(StoreError, match=r"Driving/a\.csv has more than 1 MiB"):
        read_drives(tmp_path / "a.zip")
    (tmp_path / "b.zip").write_bytes(text)
    with pytest.raises(StoreError, match=r"b\.zip: cannot be read \(has more than 1 MiB\)"):
        read_drives(tmp_path / "b.zip")
