"""What a prediction is asked for; light to import, so that commands answer at once."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoml_cli.dataset.store import Dataset

NETWORK = "network"
"""What fills gaps where nothing else is asked for."""
MAPS = (".tif", ".tiff", ".zarr")
"""Suffixes that only a map has."""
_PATHS = ("table", "rasters", "stack", "mask", "border")
"""What names files that are read."""


def companions(out: Path) -> list[Path]:
    """Return what stands next to a map: its page, and of a GeoTIFF its style in QGIS."""
    styled = out.suffix.lower() in (".tif", ".tiff")
    return [out.with_suffix(".png"), *([out.with_suffix(".qml")] if styled else [])]


@dataclass(frozen=True)
class PredictionRequest:
    """Which input is predicted; without any, the samples of the data set.

    Attributes:
        table: A user's table of points or samples.
        crs: CRS of its points.
        rasters: Folder of covariate rasters; None for those of the data set.
        nodata: What is said of their fills.
        mapped: A map is wanted.
        sums: Period over which gap-filled series are summed: day, month or year.
        fill: What fills the gaps: the network, or a baseline of its own such as mds.
        strict: A fill without skill is a failure.
        times: UTC, in order, of maps without rasters.
        mlat: Magnetic latitude of these maps [degrees].
        forecast: The maps that follow in time are wanted.
        dates: First step of each forecast; none begins after the series.
        steps: Maps of each forecast; None for as many as the network was trained for.
        stack: Pixels by day.
        days: First and last day of their maps, YYYY-MM-DD; None for those of the stack.
        mask: Polygons outside of which pixels are missing.
        border: Lines or polygons that the page of a map shows.
    """

    table: Path | None = None
    crs: str | None = None
    rasters: Path | None = None
    nodata: tuple[str, ...] = ()
    mapped: bool = False
    sums: str | None = None
    fill: str = NETWORK
    strict: bool = False
    times: tuple[datetime.datetime, ...] = ()
    mlat: float = 0.0
    forecast: bool = False
    dates: tuple[str, ...] = ()
    steps: int | None = None
    stack: Path | None = None
    days: tuple[str | None, str | None] = (None, None)
    mask: Path | None = None
    border: Path | None = None

    def refuse_inputs(self, out: Path, dataset: Dataset) -> None:
        """Refuse a file that is an input of this prediction or one that its data set was prepared from, or among them.

        Raises:
            SettingsError: It is one; with which.
        """
        from geoml_cli.dataset.manifest import NAME
        from geoml_cli.errors import SettingsError

        place = out.absolute().resolve()
        raw = Path(dataset.manifest.raw)
        known = [raw / file.name for file in dataset.manifest.files] + [raw] * raw.is_file()
        for read in (*self.files, *known, dataset.folder):
            own = read.absolute().resolve()
            if place == own or (own.is_dir() and own in place.parents):
                raise SettingsError(
                    f"{out} would be written over or among what is read ({read}).",
                    where="--out",
                    fix="Name a file in another folder.",
                )
        # What else lies there may be raw data as well, of another data set; what was made since is a prediction.
        is_old = place.exists() and place.stat().st_mtime < (dataset.folder / NAME).stat().st_mtime
        if is_old and raw.absolute().resolve() in place.parents:
            raise SettingsError(
                f"{out} stood in the folder of raw files ({raw}) before these were prepared.",
                where="--out",
                fix="Name a file in another folder.",
            )

    @property
    def files(self) -> list[Path]:
        """Return the files and folders that are read, in addition to run and data set."""
        return [path for name in _PATHS if (path := getattr(self, name)) is not None]

    def absolute(self) -> PredictionRequest:
        """Return it with paths that hold in any folder."""
        found = {name: path.absolute() for name in _PATHS if (path := getattr(self, name)) is not None}
        return replace(self, **found)

    def default_name(self, dataset: Dataset) -> str:
        """Name the file where the user does not."""
        if self.forecast:
            ends = sorted({min(self.dates), max(self.dates)}) if self.dates else []
            return "-".join(["forecast", *ends]) + ".nc"
        if self.times:
            first_last = sorted({self.times[0], self.times[-1]})
            return "map-" + "-".join(f"{time:%Y%m%dT%H%M}" for time in first_last) + ".nc"
        if self.stack is not None:
            return "daily-maps.nc"
        if self.mapped:
            return "map.nc" if dataset.has("cell") else "map.tif"
        return "table.csv" if self.table else f"{self._sums_name()}.csv" if self.sums else "samples.csv"

    def _sums_name(self) -> str:
        return f"sums-{self.sums}" if self.fill == NETWORK else f"sums-{self.sums}-{self.fill}"

    def written(self, out: Path, *, page: bool) -> list[Path]:
        """Return the file and what stands next to it: figures, and styles of QGIS.

        Args:
            out: The file; of a GeoTIFF per day the day stands as YYYY-MM-DD.
            page: Whether maps are drawn.
        """
        if self.forecast:
            return [out, *((out.with_suffix(".png"), out.with_suffix(".gif")) if page else ())]
        if self.times:
            return [out, *([out.with_suffix(".png" if len(self.times) == 1 else ".gif")] if page else ())]
        daily = self.stack is not None and out.suffix.lower() in MAPS
        if daily and (self.days[0] is None or self.days[0] != self.days[1]):
            out = out.with_stem(f"{out.stem}-YYYY-MM-DD")
        is_paged = page and (self.mapped or self.stack is not None)
        return [out, *(companions(out) if is_paged else ())]
