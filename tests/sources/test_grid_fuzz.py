"""Truncated files and flipped bits: an error that names the file, or the same values; never a wrong frame."""

from __future__ import annotations

import os
import random
import shutil

import h5py
import numpy as np
import pytest
from grid_files import FIRST_DAYS, field, write

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError
from geoml_cli.sources.carbon_ecs.options import CarbonEcsOptions
from geoml_cli.sources.carbon_ecs.source import SOURCE as CARBON
from geoml_cli.sources.grid.options import GridOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

CASES = int(os.environ.get("GEOML_TORTURE", "26"))
"""Truncations, and likewise flips, a kind of file; `make torture` tries more."""

MONTHS = 8


def carbon(folder, checked):
    CARBON.synthetic(folder, 1)
    for path in sorted(folder.glob("*.h5"))[2:]:
        path.unlink()
    if checked:
        for path in folder.glob("*.h5"):
            with h5py.File(path) as old, h5py.File(path.with_suffix(".new"), "w", libver="latest") as new:
                for name, item in old["fco2_processed"].items():
                    new.create_dataset(f"fco2_processed/{name}", data=item[...], chunks=item.shape, fletcher32=True)
            path.with_suffix(".new").rename(path)
    return Raw("carbon-ecs", folder, CarbonEcsOptions()), "fco2"


def netcdf(folder, kind, options):
    folder.mkdir()
    for month in range(MONTHS):
        write(folder / f"sst_{month}.nc", field(1, month), times=[FIRST_DAYS[month]], format=kind, options=options)
    return Raw("grid", folder, GridOptions(var="sst")), "sst"


def geotiff(folder):
    rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
    folder.mkdir()
    profile = {"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": "float32", "crs": "EPSG:4326",
               "transform": rasterio.Affine(10, 0, 95, 0, -10, 35)}  # fmt: skip
    for month in range(MONTHS):
        with rasterio.open(folder / f"sst_20010{month + 1}.tif", "w", **profile) as file:
            file.write(field(1, month)[0], 1)
    return Raw("grid", folder, GridOptions(var="sst", unit="degC")), "sst"


FILES = {
    "geotiff": geotiff,
    "hdf5": lambda folder: carbon(folder, checked=False),
    "hdf5 with checksums": lambda folder: carbon(folder, checked=True),
    "netcdf4": lambda folder: netcdf(folder, "NETCDF4", {"chunksizes": (1, 3, 4), "fletcher32": True}),
    "classic": lambda folder: netcdf(folder, "NETCDF3_CLASSIC", {}),
}


@pytest.fixture(scope="module", params=FILES)
def intact(request, tmp_path_factory):
    """Give what is prepared, the variable, its values, and where in each file they are stored."""
    folder = tmp_path_factory.mktemp("intact") / "raw"
    raw, variable = FILES[request.param](folder)
    data = Dataset(prepare(raw, folder.parent / "data", NullReporter()).folder)
    return request.param, raw, variable, {name: np.array(data.array(name)) for name in (variable, "time", "lat", "lon")}


def outcome(intact, path, content, tmp_path):
    """Return an error's text, or the values that were prepared from the files with one changed."""
    _, raw, variable, _ = intact
    copy = tmp_path / "raw"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(raw.path, copy)
    (copy / path.name).write_bytes(content)
    try:
        folder = prepare(Raw(raw.source, copy, raw.options), tmp_path / "data", NullReporter(), force=True).folder
    except GeomlError as error:
        assert error.exit_code in (2, 3) and error.what and (error.where or error.fix)
        return str(error)
    data = Dataset(folder)
    return {name: np.array(data.array(name)) for name in (variable, "time", "lat", "lon")}


def test_truncated_files_are_refused_by_name(intact, tmp_path):
    generator = random.Random(3)
    for _ in range(CASES):
        path = generator.choice(sorted(intact[1].path.iterdir()))
        content = path.read_bytes()
        found = outcome(intact, path, content[: generator.randrange(len(content))], tmp_path)
        assert isinstance(found, str) and path.name in found, found


def test_flipped_bits_are_refused_or_change_no_more_than_can_be_seen(intact, tmp_path):
    """Without checksums, a small change of one stored number or time is not seen; anything else is."""
    kind, _, variable, values = intact
    generator = random.Random(4)
    for case in range(CASES):
        path = generator.choice(sorted(intact[1].path.iterdir()))
        content = bytearray(path.read_bytes())
        byte = generator.randrange(min(len(content), 3000)) if case % 2 else generator.randrange(len(content))
        content[byte] ^= 1 << generator.randrange(8)
        found = outcome(intact, path, bytes(content), tmp_path)
        if isinstance(found, str):
            continue
        assert found[variable].shape == values[variable].shape, (path.name, byte)
        different = ~np.isclose(found[variable], values[variable], rtol=1e-6, equal_nan=True)
        assert different.sum() <= (0 if "checksums" in kind or kind == "netcdf4" else 1), (path.name, byte)
        moved = np.abs(found["time"] - values["time"])  # within the same month
        assert moved.max() < 31 and (moved > 0).sum() <= 1, (path.name, byte)


def test_metadata_that_leads_elsewhere_is_refused(tmp_path):
    """Months whose addresses were changed: h5py would read another month's numbers."""
    raw, _ = carbon(tmp_path / "raw", checked=False)
    path = sorted(raw.path.glob("*.h5"))[0]
    content = path.read_bytes()
    with h5py.File(path) as file:
        june, july = (file["fco2_processed"][f"2003{month}"].id.get_offset() for month in ("06", "07"))
    address = june.to_bytes(8, "little")
    assert content.count(address) == 1
    for wrong in (july, july + 64, len(content) + 512):
        path.write_bytes(content.replace(address, wrong.to_bytes(8, "little")))
        with pytest.raises(GeomlError, match=rf"{path.name}.*(overlap|reaches beyond its end|cannot be read)"):
            prepare(raw, tmp_path / "data", NullReporter(), force=True)
