"""Groundwater storage anomaly [cm] from what satellites weigh and what a land model holds above it.

GWSA = lwe_thickness - (W - mean of W over the baseline), where W [cm] is the water of four soil layers, of snow and of
the canopy in GLDAS-2.1 Noah [kg m-2; 10 kg m-2 = 1 cm]. GRACE and GRACE-FO mascons are anomalies from 2004-2009.
Months without mascons stay missing; none is filled.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.readers.grids import Floats, GridVariable, Index, names_of, open_variables
from geoml_cli.readers.nodata import Declared
from geoml_cli.sources.gwsa.months import steps_of

THICKNESS = "lwe_thickness"
_FACTORS = "scale_factor"
"""Variable of JPL's file: gain factors of a land model that spread a mascon over its cells."""
LAYERS = (
    "SoilMoi0_10cm_inst", "SoilMoi10_40cm_inst", "SoilMoi40_100cm_inst", "SoilMoi100_200cm_inst", "SWE_inst",
    "CanopInt_inst",
)  # fmt: skip
_GLDAS = re.compile(r"GLDAS_NOAH025_M\.A(?P<year>\d{4})(?P<month>\d\d)\.\d{3}(?:\..*)?\.nc4?", re.IGNORECASE)
_KG_PER_CM = 10.0
_WATER_UNITS = ("kg m-2", "kg/m2", "kg/m^2", "mm")
"""Of a layer of water; 1 kg m-2 is 1 mm."""
_MANY = 4
_SOIL, _DRIEST = "SoilMoi", 1.0
"""Layers of soil, and water [kg m-2] that the wettest hundredth of any holds: 2 kg m-2 are 2 % of the thinnest."""
_STILL, _A_YEAR = 0.2, 12
"""Median of mascons [cm] that all months of a year do not stay below: their noise alone is larger."""


@dataclass(frozen=True)
class Cells:
    """Cells of the target, N of them.

    Attributes:
        latitude: Degrees north of the rows of GLDAS that are in use, shape [R].
        longitude: Degrees east of its columns, shape [C].
        land: Which of the R x C cells are wanted, shape [R, C].
    """

    latitude: Floats
    longitude: Floats
    land: np.ndarray[tuple[int, int], np.dtype[np.bool_]]

    def place(self, variable: GridVariable) -> tuple[Index, Index]:
        """Find the rows and columns of another grid in which the cells lie."""
        return variable.place(self.latitude, self.longitude)


@dataclass(frozen=True)
class Gldas:
    """Monthly files of GLDAS, by month.

    Attributes:
        files: By month.
        handles: Closes those that were opened.
        nodata: Says of their fills.
        memory: What months that were read may take [bytes], which are then read once.
    """

    files: dict[np.datetime64, Path]
    handles: ExitStack = field(default_factory=ExitStack)
    nodata: Mapping[str, Declared] = field(default_factory=dict)
    memory: int = 0
    _opened: dict[np.datetime64, list[GridVariable]] = field(default_factory=dict)
    _storages: dict[np.datetime64, Floats] = field(default_factory=dict)

    def layers(self, month: np.datetime64) -> list[GridVariable]:
        """Open the six variables of a month, once.

        Raises:
            DataError: One is missing.
        """
        if month not in self._opened:
            self._opened[month] = self._layers(self.files[month])
            for layer in self._opened[month]:
                _refuse_other_month(layer, month)
        return self._opened[month]

    def opened(self) -> list[GridVariable]:
        """Return the variables that were opened so far."""
        return [layer for layers in self._opened.values() for layer in layers]

    def _layers(self, path: Path) -> list[GridVariable]:
        try:
            layers = list(open_variables(path, LAYERS, self.handles, self.nodata).values())
        except DataError as error:
            names = names_of(path)
            if missing := [name for name in LAYERS if name not in names]:
                raise DataError(
                    f"there is no {', '.join(missing)}",
                    where=str(path),
                    fix=f"Get the whole monthly file of GLDAS-2.1 Noah; the sum needs {', '.join(LAYERS)}.",
                ) from error
            raise
        for layer in layers:
            if not any(same_unit(layer.unit, unit) for unit in _WATER_UNITS):
                raise DataError(
                    f"{layer.name} is in {layer.unit or 'no unit'}, not in kg m-2",
                    where=str(path),
                    fix="Give the files of GLDAS-2.1 Noah as they are distributed, whose units are kg m-2.",
                )
        return layers

    def storage(self, month: np.datetime64, latitude: Floats, longitude: Floats) -> Floats:
        """Return the water that GLDAS holds at places [cm], shape [R, C], NaN over sea and ice and off the file.

        Each file has a grid of its own: subsets of two orders may differ in their box or begin in the north. Places are
        the same in every call.
        """
        if (known := self._storages.get(month)) is not None:
            return known
        layers = self.layers(month)
        place = layers[0].place(latitude, longitude)
        read = [layer.read(0, *place) for layer in layers]
        for layer, values in zip(layers, read, strict=True):
            _refuse_shares(layer, values)
        found = np.asarray(sum(read) / _KG_PER_CM)
        if (len(self._storages) + 1) * found.nbytes <= self.memory:
            self._storages[month] = found
        return found

    def mean(self, years: tuple[int, int], latitude: Floats, longitude: Floats) -> tuple[Floats, int]:
        """Return the mean storage of the baseline at places [cm], and at how many some months alone have one.

        Those have no mean: a file may be of a smaller box.

        Raises:
            DataError: A month of it is missing, which would lean the mean to a season.
        """
        months = np.arange(f"{years[0]}-01", f"{years[1] + 1}-01", dtype="datetime64[M]")
        missing = [str(month) for month in months if month not in self.files]
        if missing:
            more = f" and {len(missing) - _MANY} more" if len(missing) > _MANY else ""
            raise DataError(
                f"GLDAS of {', '.join(missing[:_MANY])}{more} is missing from the baseline {years[0]}-{years[1]}",
                where=str(next(iter(self.files.values())).parent),
                fix="Add the files (GLDAS_NOAH025_M.AYYYYMM.021.nc4), or choose other years with --baseline.",
            )
        total, seen = (
            np.zeros((len(latitude), len(longitude))),
            np.zeros((len(latitude), len(longitude)), dtype=np.bool_),
        )
        for month in months:
            storage = self.storage(month, latitude, longitude)
            total += storage
            seen |= np.isfinite(storage)
        return total / len(months), int((seen & ~np.isfinite(total)).sum())


def _refuse_shares(layer: GridVariable, values: Floats) -> None:
    """Refuse a layer of soil that holds hardly any water at all cells: its file is in m3 m-3, whatever it says."""
    known = values[np.isfinite(values)] if layer.name.startswith(_SOIL) else np.empty(0)
    if len(known) and (most := float(np.quantile(known, 0.99))) < _DRIEST:
        raise DataError(
            f"{layer.name} is {most:.3g} or less in 99 of 100 cells, which no layer of soil is in {layer.unit}",
            where=str(layer.path),
            fix="Give the files of GLDAS-2.1 Noah as they are distributed, whose units are kg m-2.",
        )


def _refuse_other_month(layer: GridVariable, month: np.datetime64) -> None:
    """Refuse a file whose own time is not the month in its name, or that holds several."""
    if layer.months is None or layer.months.tolist() == [month.astype("datetime64[M]").item()]:
        return
    months = ", ".join(map(str, layer.months[:_MANY])) + (" ..." if len(layer.months) > _MANY else "")
    raise DataError(
        f"{layer.name} is of {months}, and the name of the file of {month}",
        where=str(layer.path),
        fix="Give the monthly files of GLDAS-2.1 Noah as they are distributed, one month each.",
    )


def find_gldas(paths: Sequence[Path]) -> Gldas:
    """Sort GLDAS files by month.

    Raises:
        DataError: There are none, or two of a month.
    """
    found: dict[np.datetime64, Path] = {}
    for path in paths:
        match = _GLDAS.fullmatch(path.name)
        if match is None:
            continue
        month = np.datetime64(f"{match['year']}-{match['month']}")
        if month in found:
            raise DataError(
                f"{path.name} and {found[month].name} are of one month", where=str(path.parent), fix="Keep one."
            )
        found[month] = path
    return Gldas(dict(sorted(found.items())))


@dataclass(frozen=True)
class Mascons:
    """Total water storage of GRACE and GRACE-FO.

    Attributes:
        variable: Thickness in the unit of the file, which is cm.
        steps: Steps of each month that has some (see `gwsa.months`).
        notes: What was made of two solutions whose middles lie in one month.
        unapplied: That the file has factors which its values are not multiplied by; empty where it has none.
        zero: Months that are 0 at all cells that were read.
        sizes: Medians of the magnitudes of months that were read [cm].
    """

    variable: GridVariable
    steps: dict[np.datetime64, list[int]]
    notes: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()
    zero: set[np.datetime64] = field(default_factory=set)
    sizes: list[float] = field(default_factory=list)

    def thickness(self, month: np.datetime64, rows: Index, columns: Index) -> Floats:
        """Return the anomaly of a month [cm], shape [rows, columns].

        Raises:
            DataError: A year of months is far too small for the unit.
        """
        read = [self.variable.read(step, rows, columns) for step in self.steps[month]]
        if any(np.isfinite(values).any() and not np.nan_to_num(values).any() for values in read):
            self.zero.add(month)
        found = np.asarray(np.mean(read, axis=0))
        self._refuse_metres(np.abs(found[np.isfinite(found) & (found != 0)]))
        return found

    def _refuse_metres(self, sizes: Floats) -> None:
        if len(self.sizes) < _A_YEAR and sizes.size:
            self.sizes.append(float(np.median(sizes)))
            if len(self.sizes) == _A_YEAR and max(self.sizes) < _STILL:
                raise DataError(
                    f"half of the values of {THICKNESS} are {max(self.sizes):.2g} or less in each of {_A_YEAR} months, "
                    f"which is less than the noise of mascons in {self.variable.unit}",
                    where=str(self.variable.path),
                    fix="Give the mascon file of JPL or CSR as it is distributed, or multiply metres by 100.",
                )


def find_mascons(paths: Sequence[Path]) -> list[Path]:
    """Find files that hold mascons."""
    return [path for path in paths if not _GLDAS.fullmatch(path.name) and THICKNESS in names_of(path)]


def open_mascons(path: Path, files: ExitStack, nodata: Mapping[str, Declared]) -> Mascons:
    """Open a file of mascons, which `files` closes; `nodata` says of its fills.

    Raises:
        DataError: It has no time, or another unit.
    """
    variable = open_variables(path, (THICKNESS,), files, nodata)[THICKNESS]
    if variable.unit.lower() not in ("cm", "centimeters", "centimetres"):
        raise DataError(
            f"{THICKNESS} is in {variable.unit or 'no unit'}, not in cm",
            where=str(path),
            fix="Give the mascon file of JPL or CSR as it is distributed, or bring its values to cm (of mm a tenth), "
            "unit and all.",
        )
    if variable.months is None:
        raise DataError(f"{THICKNESS} has no time", where=str(path), fix="Give the file with all months.")
    steps, notes = steps_of(np.array([_day(time) for time in variable.part.times], dtype="datetime64[D]"))
    has_factors = _FACTORS in names_of(path)
    unapplied = f"{THICKNESS} is taken as {path.name} has it: its {_FACTORS} is not applied"
    return Mascons(variable, steps, tuple(notes), (unapplied,) if has_factors else ())


def _day(time: Any) -> str:  # noqa: ANN401  cftime.datetime
    """Return a day as ISO 8601 writes it; calendars of models have a 30 February."""
    return f"{time.year:04d}-{time.month:02d}-{min(time.day, monthrange(time.year, time.month)[1]):02d}"
