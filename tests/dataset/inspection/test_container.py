"""Nothing outside of an HDF5 file is read because the file says so."""

import os
import re
import shutil
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from rtwin.calibration.campaign.tables import read_table
from rtwin.cli.app import app
from rtwin.dataset import (
    evaluate,
    file_info,
    open_dataset,
    open_link_trace,
    open_radio_map,
    validate_file,
)
from rtwin.dataset.inspection import open_checked, open_container
from rtwin.errors import CampaignError, StoreError

SECRET = b"what a file of somebody else says"


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(SECRET * 100)
    return file


def put_external(h5, name, secret):
    shape, dtype = h5[name].shape, h5[name].dtype
    del h5[name]
    size = int(np.prod(shape)) * dtype.itemsize
    h5.create_dataset(name, shape, dtype, external=[(str(secret), 0, size)])


def put_external_link(h5, name, secret):
    del h5[name]
    h5[name] = h5py.ExternalLink(str(secret), "/x")


def put_soft_loop(h5, name, secret):
    del h5[name]
    h5[name] = h5py.SoftLink("/" + name)


def put_soft(h5, name, secret):
    h5.move(name, "elsewhere")
    h5[name] = h5py.SoftLink("/elsewhere")


def put_virtual(h5, name, secret):
    shape, dtype = h5[name].shape, h5[name].dtype
    del h5[name]
    layout = h5py.VirtualLayout(shape, dtype)
    layout[...] = h5py.VirtualSource(str(secret), "x", shape, dtype)
    h5.create_virtual_dataset(name, layout)


def put_group_loop(h5, name, secret):
    group = h5.create_group("around")
    group["again"] = group


def put_bomb(h5, name, secret):
    del h5[name]
    h5.create_dataset(name, (2**40,), "<f8", chunks=(2**16,))


LEADS_OUT = {
    put_external: "external storage",
    put_external_link: "is a link out of its place",
    put_soft_loop: "is a link out of its place",
    put_soft: "is a link out of its place",
    put_virtual: "virtual dataset",
    put_group_loop: "holds itself",
    put_bomb: "impossible size",
}
PUTS = pytest.mark.parametrize("put", LEADS_OUT, ids=lambda put: put.__name__)


@PUTS
def test_every_reader_refuses(paths_file, map_file, secret, tmp_path, put):
    for source, name, reader in (
        (paths_file, "doppler_hz", open_dataset),
        (map_file, "tx_power_dbm", open_radio_map),
        (map_file, "tx_power_dbm", open_link_trace),
        (paths_file, "doppler_hz", file_info),
    ):
        file = shutil.copy(source, tmp_path / "x.h5")
        with h5py.File(file, "r+") as h5:
            put(h5, name, secret)
        with pytest.raises(StoreError, match=LEADS_OUT[put]) as caught:
            reader(file)
        assert "\n" not in str(caught.value)
        assert any(LEADS_OUT[put] in line for line in validate_file(file))


def test_bytes_of_another_file_reach_no_output(paths_file, secret, tmp_path):
    """External storage in a dataset, then `rtwin evaluate`: nothing of it may come out."""
    file = shutil.copy(paths_file, tmp_path / "x.h5")
    with h5py.File(file, "r+") as h5:
        put_external(h5, "aod_azimuth", secret)
    with pytest.raises(StoreError, match="external storage"):
        evaluate(file, tmp_path / "out.h5", frequency_hz=2e9)
    assert not (tmp_path / "out.h5").exists()


@PUTS
def test_tables_refuse_as_well(secret, tmp_path, put):
    file = tmp_path / "t.h5"
    with h5py.File(file, "w") as h5:
        h5["level"] = np.zeros(40)
        put(h5, "level", secret)
    with pytest.raises(CampaignError, match=LEADS_OUT[put]):
        read_table(file, {"level"})


def test_soft_links_inside_of_groups_are_found(tmp_path):
    file = tmp_path / "t.h5"
    with h5py.File(file, "w") as h5:
        h5.create_group("a/b")["c"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(StoreError, match="'a/b/c' is a link"):
        open_container(file)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux alone can bound it")
@pytest.mark.parametrize("is_attribute", [True, False])
def test_texts_take_no_more_memory_than_their_file(map_file, tmp_path, is_attribute):
    """A text of 4 GB by its own word made HDF5 take 4 GB before it looked for it."""
    file = Path(shutil.copy(map_file, tmp_path / "x.h5"))
    text = "t" * 4321
    with h5py.File(file, "r+") as h5:
        if is_attribute:
            h5.attrs["title"] = text
        else:
            h5["tx_name"][0] = text
    data = file.read_bytes()
    places = [found.start() for found in re.finditer(re.escape(struct.pack("<I", 4321)), data)]
    # Behind the length stands the place of a heap.
    heap = (struct.unpack_from("<Q", data, at + 4)[0] for at in places)
    [at] = [
        at for at, there in zip(places, heap, strict=True) if data[there : there + 4] == b"GCOL"
    ]
    file.write_bytes(data[:at] + struct.pack("<I", 0xF0000000) + data[at + 4 :])
    before = peak_bytes()
    assert validate_file(file)
    assert peak_bytes() - before < 2**30


def peak_bytes():
    """Most memory since the last call."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(found.group(1))


def test_unknown_filters_are_refused(tmp_path):
    """A filter is code that HDF5 looks for in folders of plugins."""
    file = tmp_path / "t.h5"
    with h5py.File(file, "w") as h5:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((16,))
        made.set_filter(h5py.h5z.FILTER_SCALEOFFSET, 0, (2, 0))
        space = h5py.h5s.create_simple((16,))
        h5py.h5d.create(h5.id, b"x", h5py.h5t.STD_I32LE, space, made)
    with pytest.raises(StoreError, match="filter 6"):
        open_container(file)


def test_pipes_folders_and_odd_names(tmp_path):
    """A pipe would be waited for without end."""
    os.mkfifo(tmp_path / "pipe.h5")
    for name in ("pipe.h5", "x" * 300 + ".h5", "a\0b.h5", os.fsdecode(b"\xff.h5"), "missing.h5"):
        with pytest.raises(StoreError, match="file") as caught:
            open_checked(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert validate_file(tmp_path / name)


def test_command_line_says_it_in_a_line(paths_file, secret, tmp_path):
    from typer.testing import CliRunner

    file = shutil.copy(paths_file, tmp_path / "x.h5")
    with h5py.File(file, "r+") as h5:
        put_external(h5, "delay_s", secret)
    result = CliRunner().invoke(app, ["validate", str(file)])
    assert result.exit_code == 1
    assert "external storage" in result.output
