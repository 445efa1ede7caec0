"""Contract of every source: a fill value that nobody declared never becomes a value, and columns are found by name."""

from __future__ import annotations

import csv
import os
import random
import shutil
from pathlib import Path

import numpy as np

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

CASES = int(os.environ.get("GEOML_TORTURE", "4"))
FILLS = (-9999.0, -999.0, 9999.0, 1e20, -3.4e38, 9.969209968386869e36, 65535.0, -32768.0)
PUT = 6
"""Cells that hold a fill: more than once, as fills do."""


def test_undeclared_fills_never_stay_as_values(made, tmp_path):
    raw, dataset = made
    paths = [path for path in sorted(raw.path.rglob("*")) if path.suffix in _PUTTERS]
    generator = random.Random(11)
    tried = 0
    for number in range(CASES if paths else 0):
        copy, path, fill = tmp_path / f"raw{number}", generator.choice(paths), generator.choice(FILLS)
        shutil.copytree(raw.path, copy)
        place = _PUTTERS[path.suffix](copy / path.relative_to(raw.path), fill, generator)
        if not place:
            continue
        tried += 1
        try:
            done = prepare(Raw(raw.source, copy, raw.options), tmp_path / f"data{number}", NullReporter())
        except GeomlError as error:
            assert error.what and error.exit_code in (2, 3), error
            continue
        assert not (grown := _beyond(Dataset(done.folder), dataset)), (fill, place, grown)
        shutil.rmtree(copy)
    assert tried or not paths


def test_columns_in_another_order_give_the_same_data_set(made, tmp_path):
    raw, dataset = made
    paths = [path for path in sorted(raw.path.rglob("*.csv")) if _table(path)]
    if not paths:
        return
    copy = tmp_path / "raw"
    shutil.copytree(raw.path, copy)
    for path in paths:
        rows = _table(path)
        order = list(range(len(rows[0])))
        random.Random(3).shuffle(order)
        _write(copy / path.relative_to(raw.path), [[row[place] for place in order] for row in rows])
    other = Dataset(prepare(Raw(raw.source, copy, raw.options), tmp_path / "data", NullReporter()).folder)
    for name in dataset.manifest.variables:
        if dataset.is_text(name):
            assert dataset.labels(name) == other.labels(name)
        else:
            np.testing.assert_array_equal(dataset.array(name), other.array(name))


def _beyond(found: Dataset, clean: Dataset) -> list[str]:
    """Name the variables that hold values far beyond those of the undamaged data set."""
    grown = []
    for name in found.manifest.variables:
        if found.is_text(name) or found.array(name).dtype.kind != "f":
            continue
        values, known = found.array(name), clean.array(name)
        if not np.isfinite(known).any() or not np.isfinite(values).any():
            continue
        low, high = float(np.nanmin(known)), float(np.nanmax(known))
        span = max(high - low, abs(high), abs(low))
        if np.nanmax(values) > high + span or np.nanmin(values) < low - span:
            grown.append(f"{name}: {np.nanmin(values):g} to {np.nanmax(values):g}, not {low:g} to {high:g}")
    return grown


def _table(path: Path) -> list[list[str]]:
    """Return a file's rows where it is a plain table with a header; else none."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        text = stream.read()
    rows = [row for row in csv.reader(text.splitlines()) if row]
    even = len(rows) > 10 and len({len(row) for row in rows}) == 1 and len(set(rows[0])) == len(rows[0]) > 1
    return rows if even and not text.startswith("#") else []


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def _put_in_table(path: Path, fill: float, generator: random.Random) -> str:
    rows = _table(path)
    columns = [place for place in range(len(rows[0]) if rows else 0) if all(map(_is_fraction, _cells(rows, place)))]
    if not columns:
        return ""
    column = generator.choice(columns)
    for row in generator.sample(rows[1:], min(PUT, len(rows) - 1)):
        row[column] = f"{fill:g}"
    _write(path, rows)
    return f"{path.name}, column {rows[0][column]}"


def _cells(rows: list[list[str]], place: int) -> list[str]:
    return [row[place] for row in rows[1:] if row[place]] or [""]


def _is_fraction(cell: str) -> bool:
    try:
        return "." in cell and bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _put_in_raster(path: Path, fill: float, generator: random.Random) -> str:
    import rasterio

    with rasterio.open(path, "r+") as file:
        kind = np.dtype(file.dtypes[0])
        if not _holds(kind, fill) or file.nodata == fill:
            return ""
        band = generator.randrange(file.count) + 1
        values = file.read(band)
        values.ravel()[generator.sample(range(values.size), PUT)] = fill
        file.write(values, band)
    return f"{path.name}, band {band}"


def _put_in_grid(path: Path, fill: float, generator: random.Random) -> str:
    import h5py

    with h5py.File(path, "r+") as file:
        found: list[h5py.Dataset] = []
        file.visititems(lambda _, item: found.append(item) if _is_field(item, fill) else None)
        if not found:
            return ""
        item = generator.choice(found)
        values = item[...]
        values.ravel()[generator.sample(range(values.size), PUT)] = fill
        item[...] = values
        return f"{path.name}, {item.name}"


def _is_field(item: object, fill: float) -> bool:
    import h5py

    return isinstance(item, h5py.Dataset) and item.ndim > 1 and item.dtype.kind in "fiu" and _holds(item.dtype, fill)


def _holds(kind: np.dtype, fill: float) -> bool:
    ends = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    return ends.min <= fill <= ends.max


_PUTTERS = {".csv": _put_in_table, ".tif": _put_in_raster, ".nc": _put_in_grid, ".h5": _put_in_grid}
