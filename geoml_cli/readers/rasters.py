"""Single raster bands, read in windows as physical float32 with NaN where there is no data, the north up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.band_tags import alpha_band, band_unit, check_mask, colour_table, says_mask
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.nodata import Declared
from geoml_cli.readers.raster_damage import raster_damage
from geoml_cli.readers.raster_files import Span, grid_of, open_file
from geoml_cli.readers.row_buffer import RowBuffer
from geoml_cli.readers.undeclared_fills import HUGE, Undeclared, refuse_undeclared, undeclared
from geoml_cli.samples.input import Grid
from geoml_cli.work.raster_cache import small_cache
from geoml_cli.work.reporting import Reporter

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

TILE = 256
Window = tuple[Span, Span]
_SHADES = 200
"""Of grey in a colour table that shows a quantity."""


@dataclass(frozen=True)
class Band:
    """One band of a raster.

    Attributes:
        file: The raster: a file, or tiles.
        name: What its values are called.
        index: Band number, from 1.
        nodata: Values that mean "no data" in addition to the file's own.
        valid: Whether values that look like "no data" are values.
    """

    file: RasterFile
    name: str
    index: int = 1
    nodata: tuple[float, ...] = ()
    valid: bool = False

    @property
    def path(self) -> Path:
        """Return the file; of tiles the one that they make up."""
        return self.file.path


def add_unique(bands: dict[str, Band] | dict[int, Band], key: str | int, band: Band) -> None:
    """Add a band under its name or year.

    Raises:
        DataError: Another one holds the same.
    """
    known: dict[str | int, Band] = bands  # type: ignore[assignment]
    if key in known:
        raise DataError(
            f"{band.path.name} and {known[key].path.name} both hold {key}",
            where=str(band.path.parent),
            fix="Keep one of them.",
        )
    known[key] = band


class Raster:
    """An open band.

    Raises:
        DataError: The file is missing, damaged, or does not say where on Earth it lies.
    """

    def __init__(self, band: Band) -> None:
        self.band = band
        self._file = open_file(band.file)
        if band.index > self._file.count:
            raise DataError(
                f"there is no band {band.index}, only {self._file.count}",
                where=str(band.path),
                fix="Use the file that the data set was made from.",
            )
        with raster_damage(band.path):  # GDAL reads some of a file's tags only when they are asked for
            self._describe(band)

    def _describe(self, band: Band) -> None:
        self.grid, self._orientation = grid_of(self._file, band.path)
        self.kind = np.dtype(self._file.dtypes[band.index - 1])
        self.complete = np.issubdtype(self.kind, np.integer)
        self._scale, self._offset = (float(of[band.index - 1]) for of in (self._file.scales, self._file.offsets))
        self._fills = _fills(self._file, band)
        self._masked, self._alpha = self._has_mask(), alpha_band(self._file)
        self._rows = RowBuffer(self._file.width, self._file.block_shapes[band.index - 1][1] == self._file.width)

    @property
    def scaling(self) -> tuple[float, float] | None:
        """Scale and offset that the file asks to be applied; None where values stand as they are."""
        return (self._scale, self._offset) if (self._scale, self._offset) != (1.0, 0.0) else None

    @property
    def description(self) -> str:
        """Return what the file calls the band, or nothing."""
        return (self._file.descriptions[self.band.index - 1] or "").strip()

    @property
    def unit(self) -> str:
        """Return the unit that the file names, or nothing."""
        return band_unit(self._file, self.band.index)

    @property
    def named_classes(self) -> bool:
        """Return whether the file itself says that its whole numbers are classes (names or colours)."""
        if not self.complete:
            return False
        tags = {key.upper() for key in self._file.tags(self.band.index)}
        # Shades of grey for every number are how a quantity is shown.
        colours = self._file.colorinterp[self.band.index - 1].name == "palette" and not self._grey()
        return colours or bool(tags & {"CATEGORY_NAMES", "CLASS_NAMES", "LAYER_TYPE_THEMATIC"}) or self._thematic()

    def _grey(self) -> bool:
        shades = list(colour_table(self._file, self.band.index).values())
        return len({shade[0] for shade in shades}) > _SHADES and all(len(set(shade[:3])) == 1 for shade in shades)

    def _thematic(self) -> bool:
        return str(self._file.tags(self.band.index).get("LAYER_TYPE", "")).lower() == "thematic"

    @property
    def pieces(self) -> tuple[int, int]:
        """Rows and columns of the pieces in which the file is stored, which are read whole."""
        height, width = self._file.block_shapes[self.band.index - 1]
        return (int(width), int(height)) if self._orientation.swapped else (int(height), int(width))

    def read(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Read a window of the band's own grid; what lies outside is NaN.

        Args:
            rows: From and to; may reach beyond the raster.
            columns: Likewise.

        Returns:
            Physical values, shape [rows, columns], NaN where there is no data.
        """
        values = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, dtype=np.float32)
        top, bottom = max(rows.start, 0), min(rows.stop, self.grid.height)
        left, right = max(columns.start, 0), min(columns.stop, self.grid.width)
        if top < bottom and left < right:
            inside = (
                slice(top - rows.start, bottom - rows.start),
                slice(left - columns.start, right - columns.start),
            )
            values[inside] = self._cleaned(((top, bottom), (left, right)))
        return values

    def _cleaned(self, window: Window) -> NDArray[np.float32]:
        return self.physical(*self._raw(window))

    def physical(self, raw: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Scale stored values as the file says; NaN where they are missing."""
        physical = raw.astype(np.float64) * self._scale + self._offset if self.scaling else raw
        with np.errstate(over="ignore"):  # what float32 cannot hold is missing already
            return np.where(missing, np.float32(np.nan), physical.astype(np.float32))

    def stored(self, rows: slice, columns: slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return stored values of a window inside the raster, and which of them are missing."""
        return self._raw(((rows.start, rows.stop), (columns.start, columns.stop)))

    def _raw(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        stored = self._orientation.stored(window, (self.grid.height, self.grid.width))
        raw = self._pixels(self.band.index, stored)
        missing = _missing(raw, self._fills)
        if self._alpha is not None:
            missing |= self._alpha_pixels(self._alpha, stored) == 0
        elif self._masked:
            missing |= self._rows.read("mask", stored, partial(self._file.read_masks, self.band.index)) == 0
        return self._orientation.turned(raw), self._orientation.turned(missing)

    def _pixels(self, index: int, stored: Window) -> NDArray[Any]:
        with raster_damage(self.band.path, f"cannot read rows {stored[0][0]} to {stored[0][1]}"), small_cache():
            return self._rows.read(f"band {index}", stored, partial(self._file.read, index))

    def _alpha_pixels(self, index: int, stored: Window) -> NDArray[Any]:
        values = self._pixels(index, stored)
        if not says_mask(self._file, index):
            check_mask(values, index, self.band.path)
        return values

    def _has_mask(self) -> bool:
        from rasterio.enums import MaskFlags

        flags = self._file.mask_flag_enums[self.band.index - 1]
        return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags

    @property
    def mask_note(self) -> str | None:
        """Say which band is taken as a mask, if one is."""
        if self._alpha is None:
            return None
        name = self.band.path.name
        return (
            f"{name}: band {self._alpha}, which is marked as alpha, is taken as a mask; where it is 0, data are missing"
        )

    @property
    def added_fills(self) -> tuple[float, ...]:
        """Return the values that only the user, and not the file, says mean "no data"."""
        tag = self._file.nodatavals[self.band.index - 1]
        return tuple(value for value in self.band.nodata if value != tag)

    @property
    def has_fill(self) -> bool:
        """Return whether file or user say which pixels are missing."""
        return bool(self._fills) or self._masked or self._alpha is not None

    def undeclared(self) -> Undeclared:
        """Count values of the whole raster that look like fills, though nobody says so."""
        blocks = (raw[~missing] for raw, missing in (self.stored(*window) for window in tiles(self.grid)))
        declared = Declared(self.band.nodata, self.band.valid)
        return self.named_counts(undeclared(self.kind, blocks, declared, has_fill=self.has_fill))

    def named_counts(self, counts: dict[float, int]) -> Undeclared:
        """Say which band counts of fills belong to."""
        band = f", band {self.band.index}" if self._file.count > 1 else ""
        return Undeclared(self.band.name, f"{self.band.path}{band}", {} if self.band.valid else counts)

    def close(self) -> None:
        """Close the file."""
        self._rows.close()
        self._file.close()


def require_rasterio() -> None:
    """Refuse with advice where rasterio is not installed.

    Raises:
        SettingsError: It is not.
    """
    try:
        import rasterio  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "rasters are read with rasterio, which is not installed",
            fix='Install it: pip install "geoml[raster]".',
        ) from error


def refuse_fills(rasters: Sequence[Raster], reporter: Reporter) -> None:
    """Read rasters once and refuse values that look like fills.

    Raises:
        DataError: There are some that nobody declared.
    """
    found = []
    with reporter.task("look for undeclared fills", len(rasters)) as advance:
        for raster in rasters:
            found.append(raster.undeclared())
            advance(1)
    refuse_undeclared(found)


def mask_notes(rasters: Sequence[Raster]) -> list[str]:
    """Say of each file which band is taken as a mask, and so is no covariate."""
    return list(dict.fromkeys(note for raster in rasters if (note := raster.mask_note)))


def tiles(grid: Grid, size: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Give windows that cover a grid, row by row."""
    for top in range(0, grid.height, size):
        for left in range(0, grid.width, size):
            yield slice(top, min(top + size, grid.height)), slice(left, min(left + size, grid.width))


def _fills(file: DatasetReader, band: Band) -> tuple[float, ...]:
    tag = file.nodatavals[band.index - 1]
    return tuple(dict.fromkeys([*([float(tag)] if tag is not None else []), *band.nodata]))


def _missing(raw: NDArray[Any], fills: tuple[float, ...]) -> NDArray[np.bool_]:
    """Find missing values; a tag is rounded to the raster's own type first, as its values were.

    A tag near the limit of float32 stands for all such numbers, for tags and values are rounded in many ways.
    """
    floating = np.issubdtype(raw.dtype, np.floating)
    missing = ~np.isfinite(raw) if floating else np.zeros(raw.shape, dtype=np.bool_)
    if floating and any(abs(fill) >= HUGE for fill in fills):
        missing |= np.abs(raw) >= HUGE
    for fill in fills:
        if floating:
            with np.errstate(over="ignore"):
                missing |= raw == raw.dtype.type(fill)
        elif float(fill).is_integer():
            missing |= raw == int(fill)
    return missing
