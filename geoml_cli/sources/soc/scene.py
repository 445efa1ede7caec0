"""Rasters like those a data set was made from, cut into the same samples: for maps."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.raw_files import visible
from geoml_cli.dataset.store import Array, Block
from geoml_cli.errors import DataError
from geoml_cli.readers.locating import is_geographic, pixels
from geoml_cli.readers.mosaics import RasterFile, all_files, put_together
from geoml_cli.readers.nodata import Declared, declared_fills, refuse_unknown
from geoml_cli.readers.raster_files import bands, raster_paths
from geoml_cli.readers.raster_units import check_units
from geoml_cli.readers.rasters import Band, mask_notes, refuse_fills, require_rasterio, tiles
from geoml_cli.readers.stacks import Stack, describe, open_bands, pixel_size, rotation
from geoml_cli.samples.input import Grid, Points, SampleBlock, point_reason
from geoml_cli.sources.soc.folders import declare
from geoml_cli.sources.soc.patches import PatchExtractor
from geoml_cli.sources.soc.plan import Layer, Plan
from geoml_cli.sources.soc.sampling import cut, groups
from geoml_cli.sources.soc.writing import SERIES_UNIT, STATIC_UNIT
from geoml_cli.work.reporting import NullReporter

_SAME_ANGLE = 1.0  # degrees
_SAME_SIZE = 0.01  # pixels of another size see another neighbourhood than the network learnt on


class CovariateStack:
    """A stack of covariate rasters as samples, one a pixel.

    Args:
        plan: How the data set's samples were cut.
        stack: The same bands, opened.
        notes: What the user should know of them.

    Attributes:
        grid: The grid of the map.
    """

    def __init__(self, plan: Plan, stack: Stack, notes: Sequence[str] = ()) -> None:
        self.notes = notes
        # Yearly covariates are inputs of every sample, all of their years at once.
        self.year = None
        self.grid: Grid = stack.grid
        self._cutter = PatchExtractor(plan, stack)
        self.reasons: Sequence[str] = self._cutter.reasons()

    def digest(self, *, all_years: bool = False) -> str:
        """Name the content of all files, which are of all years anyway."""
        digest = hashlib.sha256()
        for path in sorted(all_files([raster.band.file for raster in self._cutter.stack.rasters])):
            digest.update(f"{path.name} {sha256(path)}\n".encode())
        for raster in self._cutter.stack.rasters:
            band = raster.band
            digest.update(f"{band.name} {band.index} {band.nodata} {band.valid}\n".encode())
        return digest.hexdigest()

    def block(self, rows: slice, columns: slice) -> SampleBlock:
        """Read the samples of a window of pixels; valid where their own windows are complete."""
        values, reason = self._cutter.read_with_reason(rows, columns)
        valid = reason < 0
        return SampleBlock(valid, self._named(self._cutter.gather_lazily(values, *np.nonzero(valid))), reason)

    def points(self, points: Points) -> SampleBlock:
        """Cut samples at points, as `prepare` does; `valid` has shape [N]."""
        known = points.has_place
        rows, columns = np.full(len(known), -1), np.full(len(known), -1)
        rows[known], columns[known] = pixels((points.x[known], points.y[known]), points.crs, self.grid)
        holds = self._holds(rows, columns)
        reason = point_reason(known, rows >= 0, holds)
        valid = reason < 0
        arrays = self._empty(int(valid.sum()))
        for members, samples in cut(self._cutter, rows[valid], columns[valid], NullReporter()):
            for name, part in samples.items():
                arrays[name][members] = part
        return SampleBlock(valid, self._named(arrays), reason)

    def _holds(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which reasons hold of points in pixels, [reasons, points]; none of points off the rasters."""
        holds = np.zeros((len(self.reasons), len(rows)), dtype=np.bool_)
        half, inside = self._cutter.plan.half, rows >= 0
        near = (rows < half) | (rows >= self.grid.height - half) | (columns < half)
        holds[0] = inside & (near | (columns >= self.grid.width - half))
        for members, values, places in groups(self._cutter, rows, columns, inside & ~holds[0], self._cutter.read_all):
            holds[1:, members] = self._cutter.holds(values)[:, places[0], places[1]]
        return holds

    def _empty(self, count: int) -> dict[str, Array]:
        plan = self._cutter.plan
        side = 2 * plan.half + 1
        shapes = {
            "static": (count, len(plan.channels), side, side),
            "series": (count, len(plan.years), len(plan.features)),
        }
        return {name: np.empty(shape, dtype=np.float32) for name, shape in shapes.items() if shape[1]}

    def _named(self, arrays: dict[str, Array]) -> Block:
        plan = self._cutter.plan
        texts, units = {}, {}
        if "static" in arrays:
            texts["covariate"], units["static"] = plan.channels, STATIC_UNIT
        if "series" in arrays:
            texts["feature"], units["series"] = list(plan.features), SERIES_UNIT
            arrays = {**arrays, "year": np.array(plan.years, dtype=np.int32)}
            units["year"] = "1"
        return Block(arrays, texts, units)


def open_scene(folder: Path, manifest: Manifest, nodata: Sequence[str] = ()) -> CovariateStack:
    """Open rasters of the same names as those of a data set.

    Args:
        folder: Where they lie, or a folder with one folder that holds them.
        manifest: The data set's.
        nodata: What is said of the fills of these rasters, in addition to the data set's own options.

    Raises:
        DataError: The data set was not made from rasters, a raster is missing or holds undeclared fills, or pixels have
            another size.
    """
    if manifest.facts.get("kind") != "rasters":
        raise DataError(
            "the data set was made from released arrays, which have no rasters to map",
            where=manifest.source,
            fix="Predict its samples instead, or prepare points and rasters.",
        )
    require_rasterio()
    plan = manifest.facts_as(Plan)
    stack = Stack(
        open_bands(_bands(folder, plan, declared_fills(nodata))),
        frozenset(one.name for one in plan.covariates if one.kind == "class"),
        plan.reference,
        "Bring all onto the grid of {0} (gdalwarp), as those of the data set lay on one.",
        {one.name: one.resampling for one in plan.layers},
    )
    _check_pixels(plan.grid.grid(), stack.grid, folder)
    check_units(stack.rasters, {one.name: one.unit for one in plan.layers})
    refuse_fills(stack.rasters, NullReporter())
    notes = [*mask_notes(stack.rasters), *_other_descriptions(plan, stack), *_other_alignment(plan, stack)]
    notes += _unknown_codes(plan, stack)
    return CovariateStack(plan, stack, notes)


def _other_descriptions(plan: Plan, stack: Stack) -> list[str]:
    """Name rasters that call themselves something else than the data set's did."""
    return [
        f"{layer.name} calls itself {raster.description!r}, and the data set's {layer.description!r}: check that they "
        "are the same covariate"
        for layer, raster in zip(plan.layers, stack.rasters, strict=True)
        if layer.description and raster.description and layer.description != raster.description
    ]


def _other_alignment(plan: Plan, stack: Stack) -> list[str]:
    """Name rasters that are aligned otherwise than the data set's: their pixels are far larger or smaller here."""
    notes = []
    for layer in plan.layers:
        now = stack.resampling.get(layer.name, layer.resampling)
        before = f"as {layer.resampling}" if layer.resampling else "as it lies there"
        if now != layer.resampling:
            notes.append(
                f"{layer.name} is brought onto the grid as {now}, and was taken {before} in the data set: "
                "its pixels are of another size or place"
            )
    return notes


def _unknown_codes(plan: Plan, stack: Stack) -> list[str]:
    """Count pixels of classes that the data set has not; they carry no sample."""
    notes = []
    for layer, raster in zip(plan.covariates, stack.rasters, strict=False):
        counts: Counter[float] = Counter()
        for window in tiles(raster.grid) if layer.kind == "class" else ():
            values = raster.read(*window)
            found, times = np.unique(values[np.isfinite(values)], return_counts=True)
            counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
        unknown = {code: count for code, count in sorted(counts.items()) if code not in layer.classes}
        if unknown:
            listed = ", ".join(f"{code:g} ({count} pixels)" for code, count in unknown.items())
            notes.append(f"{layer.name} has classes that the data set has not, where nothing is predicted: {listed}")
    return notes


def _bands(folder: Path, plan: Plan, fills: dict[str, Declared]) -> list[Band]:
    """Find the bands of the plan by their names, whatever their number, and add what is said of their fills."""
    files = _holder(folder, plan)
    names: dict[Path, dict[str, int]] = {}
    found = []
    for one in plan.layers:
        file = files[_stem(one)]
        if file.path not in names:
            names[file.path] = bands(file)
        numbers = names[file.path]
        if one.name not in numbers:
            raise DataError(
                f"there is no band of the name {one.name}, only {', '.join(numbers)}",
                where=str(file.path),
                fix="Bands are found by name: describe them as those of the data set are.",
            )
        found.append(Band(file, one.name, numbers[one.name], one.nodata, one.valid))
    known = {name for one in plan.layers for name in (one.name, *plan.features)}
    refuse_unknown(fills, sorted(known))
    count = len(plan.features)
    features = [""] * len(plan.covariates) + [plan.features[place % count] for place in range(len(plan.yearly))]
    return [declare(band, fills, feature, band.name) for band, feature in zip(found, features, strict=True)]


def _stem(layer: Layer) -> str:
    return Path(layer.file).stem


def _holder(folder: Path, plan: Plan) -> dict[str, RasterFile]:
    """Return the rasters by stem, here or one folder below, where all are."""
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), fix="Give the folder of the rasters.")
    below = [path for path in visible(folder) if path.is_dir()]
    wanted = {_stem(one): one for one in plan.layers}
    places = {place: _by_stem(place, wanted) for place in (folder, *below)}
    best = max(places, key=lambda place: len(places[place]))
    lost = [one for stem, one in wanted.items() if stem not in places[best]]
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        raise DataError(
            f"the raster of {lost[0].name}, {lost[0].file}, is missing{more}",
            where=str(best),
            fix="The map needs all rasters that the data set was made from, under the same names.",
        )
    return places[best]


def _by_stem(folder: Path, wanted: dict[str, Layer]) -> dict[str, RasterFile]:
    """Find rasters of the stems wanted; the data set's own suffix comes first."""
    files = [file for file in put_together(raster_paths(folder.iterdir())) if file.path.stem in wanted]
    files.sort(key=lambda file: file.path.name == wanted[file.path.stem].file)
    return {file.path.stem: file for file in files}


def _check_pixels(learnt: Grid, given: Grid, folder: Path) -> None:
    same_kind = is_geographic(learnt.crs) == is_geographic(given.crs)
    if not same_kind or not np.allclose(pixel_size(learnt), pixel_size(given), rtol=_SAME_SIZE):
        raise DataError(
            f"the pixels differ from the data set's: {describe(given)}, not {describe(learnt)}",
            where=str(folder),
            fix="Resample the rasters (gdalwarp -tr), for a window must cover the same area.",
        )
    if abs(rotation(learnt) - rotation(given)) > _SAME_ANGLE:
        raise DataError(
            f"the rasters are turned by {rotation(given):.1f} degrees, and the data set's by {rotation(learnt):.1f}",
            where=str(folder),
            fix="Bring them onto a grid turned like it (gdalwarp makes it north-up).",
        )
