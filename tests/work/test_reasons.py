"""Reasons of damage are in our words, whatever the library says; its own are shown with GEOML_DEBUG."""

from __future__ import annotations

import zipfile
import zlib

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine

from geoml_cli.readers.grid_files import damage_named, open_file
from geoml_cli.readers.raster_damage import raster_damage
from geoml_cli.work.reasons import FaultError, reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FaultError("3 blocks, where 4 are needed"), "3 blocks, where 4 are needed"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (zlib.error("Error -3 while decompressing data"), "its compressed data are damaged or cut off"),
        (zipfile.BadZipFile("File is not a zip file"), "its compressed data are damaged or cut off"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "it holds bytes that are no text"),
        (EOFError("No data left in file"), "it is cut off, or a part of it is damaged"),
        (RuntimeError("NetCDF: HDF error"), "its HDF5 structure is damaged"),
        (RuntimeError("NetCDF: Filter error: undefined filter encountered"), "it is packed with a method that is not"),
        (OSError("Unable to synchronously open file (truncated file: eof = 96)"), "it is cut off"),
        (ValueError("cannot reshape array of size 3 into shape (2,2)"), "its bytes are not those of its format"),
    ],
)
def test_reasons(error, words):
    assert reason(error).startswith(words)


LIBRARIES = ("libhdf5", "h5py", "gdal", "tiff", "zstd", "xarray", "netcdf:", "errno", "0x", "synchronously", "ifd")


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", ["nc", "tif"])
def test_damaged_files_are_told_without_the_words_of_libraries(tmp_path, kind, keep):
    path = tmp_path / f"x.{kind}"
    values = np.random.default_rng(1).random((40, 50)).astype("f4")
    if kind == "nc":
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=values, chunks=(8, 10), compression="gzip", fletcher32=True)
    else:
        place = {"crs": "EPSG:4326", "transform": Affine(0.1, 0, 20, 0, -0.1, 10)}
        with rasterio.open(path, "w", driver="GTiff", width=50, height=40, count=1, dtype="float32",
                           compress="deflate", **place) as out:  # fmt: skip
            out.write(values, 1)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(Exception) as told:
        if kind == "nc":
            with open_file(path) as file, damage_named(path):
                file["x"].values  # noqa: B018
        else:
            with raster_damage(path), rasterio.open(path) as file:
                file.read()
    text = str(told.value).replace(str(path), "").lower()
    assert not [name for name in LIBRARIES if name in text], text
    assert "fetch it again" in text or "get the file again" in text


def test_the_words_of_a_library_are_shown_to_who_asks_for_them(geoml, raw_soc, tmp_path, monkeypatch):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "x.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    told = geoml("prepare", "grid", raw, "--var", "x")
    assert told.code == 3 and "(GEOML_DEBUG) from " in told.err
    monkeypatch.delenv("GEOML_DEBUG")
    told = geoml("prepare", "grid", raw, "--var", "x")
    assert told.code == 3 and "GEOML_DEBUG" not in told.err
