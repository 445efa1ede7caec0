"""Single raster bands, read in windows as physical float32 with NaN where there is no data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.samples.input import Grid

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

SUFFIXES = (".tif", ".tiff", ".img", ".vrt", ".asc", ".bil", ".sdat", ".jp2")
SIDECARS = (".aux.xml", ".ovr", ".msk")  # beside NAME.tif as NAME.tif.aux.xml
HUGE = 3.3e38  # no quantity is that large: fills near the limit of float32, whose tags often miss them
SUSPECTS = (-9999.0, -99999.0, -32768.0)  # fills that rasters carry without saying so
TILE = 256
_CACHE_BYTES = 64 << 20  # GDAL would keep 5 % of the machine's memory in blocks read before
_DAMAGED = "is damaged or not a raster"


@dataclass(frozen=True)
class Band:
    """One band of a raster file.

    Attributes:
        path: The file.
        name: What its values are called.
        index: Band number, from 1.
        nodata: Values that mean "no data" in addition to the file's own.
    """

    path: Path
    name: str
    index: int = 1
    nodata: tuple[float, ...] = ()


def keep_once(bands: dict[str, Band] | dict[int, Band], key: str | int, band: Band) -> None:
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
        self._file = _open(band.path)
        if band.index > self._file.count:
            raise DataError(
                f"there is no band {band.index}, only {self._file.count}",
                where=str(band.path),
                fix="Use the file that the data set was made from.",
            )
        self.grid = _grid(self._file, band.path)
        self.complete = np.issubdtype(np.dtype(self._file.dtypes[band.index - 1]), np.integer)
        self._scale = float(self._file.scales[band.index - 1])
        self._offset = float(self._file.offsets[band.index - 1])
        self._fills = _fills(self._file, band)
        self._masked = self._has_mask()

    @property
    def scaling(self) -> tuple[float, float] | None:
        """Scale and offset that the file asks to be applied; None where values stand as they are."""
        return (self._scale, self._offset) if (self._scale, self._offset) != (1.0, 0.0) else None

    @property
    def named_classes(self) -> bool:
        """Return whether the file itself says that its whole numbers are classes (names or colours)."""
        if not self.complete:
            return False
        tags = {key.upper() for key in self._file.tags(self.band.index)}
        colours = self._file.colorinterp[self.band.index - 1].name == "palette"
        return colours or bool(tags & {"CATEGORY_NAMES", "CLASS_NAMES", "LAYER_TYPE_THEMATIC"}) or self._thematic()

    def _thematic(self) -> bool:
        return str(self._file.tags(self.band.index).get("LAYER_TYPE", "")).lower() == "thematic"

    @property
    def pieces(self) -> tuple[int, int]:
        """Rows and columns of the pieces in which the file is stored, which are read whole."""
        height, width = self._file.block_shapes[self.band.index - 1]
        return int(height), int(width)

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

    def _cleaned(self, window: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.float32]:
        raw = self._raw(window)
        missing = _missing(raw, self._fills)
        if self._masked:
            missing |= self._mask(window) == 0
        physical = raw.astype(np.float64) * self._scale + self._offset if self.scaling else raw
        with np.errstate(over="ignore"):  # what float32 cannot hold is missing already
            return np.where(missing, np.float32(np.nan), physical.astype(np.float32))

    def _raw(self, window: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[Any]:
        from rasterio._err import CPLE_BaseError
        from rasterio.errors import RasterioError

        try:
            with _small_cache():
                return np.asarray(self._file.read(self.band.index, window=window))
        except (RasterioError, CPLE_BaseError, OSError, ValueError) as error:
            raise DataError(
                f"{_DAMAGED} (cannot read rows {window[0][0]} to {window[0][1]}: {error})",
                where=str(self.band.path),
                fix="Get the file again.",
            ) from error

    def _mask(self, window: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.uint8]:
        return np.asarray(self._file.read_masks(self.band.index, window=window), dtype=np.uint8)

    def _has_mask(self) -> bool:
        from rasterio.enums import MaskFlags

        return MaskFlags.per_dataset in self._file.mask_flag_enums[self.band.index - 1]

    def unmarked_fills(self, rows: slice, columns: slice) -> dict[float, int]:
        """Count values of a window that look like fills, though the file does not say so."""
        raw = self._raw(((rows.start, rows.stop), (columns.start, columns.stop)))
        counts = {value: int((raw == value).sum()) for value in SUSPECTS if value not in self._fills}
        if np.issubdtype(raw.dtype, np.floating):
            marked = _missing(raw, self._fills, huge=False)
            counts[-3.4e38] = int(((np.abs(raw) >= HUGE) & np.isfinite(raw) & ~marked).sum())
        return {value: count for value, count in counts.items() if count}

    def close(self) -> None:
        """Close the file."""
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


def tiles(grid: Grid, size: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Give windows that cover a grid, row by row."""
    for top in range(0, grid.height, size):
        for left in range(0, grid.width, size):
            yield slice(top, min(top + size, grid.height)), slice(left, min(left + size, grid.width))


def bands(path: Path) -> list[str]:
    """Name the bands of a file: by the file, and by their description or number where there are several.

    Raises:
        DataError: The file is damaged or no raster.
    """
    with _open(path) as file:
        texts = [(text or "").strip() for text in file.descriptions]
    if len(texts) == 1:
        return [path.stem]
    described = all(texts) and len(set(texts)) == len(texts)
    return [f"{path.stem}_{text if described else number}" for number, text in enumerate(texts, start=1)]


def sidecars(paths: Sequence[Path]) -> list[Path]:
    """Find files beside rasters that change how they are read."""
    named = [path.with_name(path.name + suffix) for path in paths for suffix in SIDECARS]
    worlds = [path.with_suffix(suffix) for path in paths for suffix in (".prj", ".tfw", ".wld", ".hdr")]
    return sorted({path for path in named + worlds if path.is_file()})


def _small_cache() -> AbstractContextManager[Any]:
    """Bound GDAL's cache of blocks, which takes effect at a process's first read; the user's own bound stands."""
    from rasterio import Env

    return nullcontext() if "GDAL_CACHEMAX" in os.environ else Env(GDAL_CACHEMAX=_CACHE_BYTES)


def _open(path: Path) -> DatasetReader:
    import rasterio
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if not path.is_file():
        kind = "is a folder, not a raster" if path.is_dir() else "there is no such raster"
        raise DataError(kind, where=str(path), fix="Give the file itself.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # becomes a DataError in _grid
            file = rasterio.open(path)
    except (RasterioError, CPLE_BaseError, OSError, ValueError) as error:
        raise DataError(f"{_DAMAGED} ({error})", where=str(path), fix="Get the file again.") from error
    if file.count == 0 or any(kind.startswith("complex") for kind in file.dtypes):
        file.close()
        raise DataError("has no band of real numbers", where=str(path), fix="Give one value a pixel.")
    return file


def _grid(file: DatasetReader, path: Path) -> Grid:
    from rasterio.errors import RasterioError

    fix = "Write its CRS into it, for example: gdal_edit.py -a_srs EPSG:4326 FILE."
    try:
        crs = file.crs.to_wkt() if file.crs else ""
    except (RasterioError, ValueError) as error:
        raise DataError(f"its CRS cannot be understood ({error})", where=str(path), fix=fix) from error
    if not crs:
        raise DataError("has no CRS, so its place on Earth is not known", where=str(path), fix=fix)
    affine = file.transform
    corner = (affine.a, affine.b, affine.c, affine.d, affine.e, affine.f)
    if affine.is_identity or not np.isfinite(corner).all() or affine.determinant == 0:
        raise DataError(
            "says nothing of the place and size of its pixels",
            where=str(path),
            fix="Georeference it (gdal_translate -a_ullr).",
        )
    return Grid(crs, corner, file.height, file.width)


def _fills(file: DatasetReader, band: Band) -> tuple[float, ...]:
    tag = file.nodatavals[band.index - 1]
    return tuple(dict.fromkeys([*([float(tag)] if tag is not None else []), *band.nodata]))


def _missing(raw: NDArray[Any], fills: tuple[float, ...], huge: bool = True) -> NDArray[np.bool_]:
    """Find missing values; a tag is rounded to the raster's own type first, as its values were."""
    floating = np.issubdtype(raw.dtype, np.floating)
    missing = ~np.isfinite(raw) if floating else np.zeros(raw.shape, dtype=np.bool_)
    if floating and huge:
        missing |= np.abs(raw) >= HUGE
    for fill in fills:
        if floating:
            with np.errstate(over="ignore"):
                missing |= raw == raw.dtype.type(fill)
        elif float(fill).is_integer():
            missing |= raw == int(fill)
    return missing
