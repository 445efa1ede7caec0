"""A map, its page (PNG) and its style in QGIS (QML), side by side."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.variables import Variable
from geoml_cli.figures.decimated import DecimatedMap
from geoml_cli.figures.map_colours import ClassColours, ColourScale, class_colours, scale_of
from geoml_cli.figures.map_frame import MapFrame
from geoml_cli.figures.map_page import MapPage, MapPanel, map_page
from geoml_cli.figures.qgis_style import MARK, qgis_style
from geoml_cli.figures.style import png
from geoml_cli.inference.area import APPLICABLE
from geoml_cli.inference.load import TrainedRun
from geoml_cli.samples.requests import companions
from geoml_cli.version import __version__
from geoml_cli.work.numbers import format_share, unit_text
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import raster
from geoml_cli.writers.map import Map, Part

Values = NDArray[np.float64]
SHOWN = "shown"
"""Attribute that says which of several maps a page shows."""
_HEAD = 4096
"""Bytes at the beginning of a companion in which its mark stands."""


def fullest(times: Sequence[object], values: Iterable[NDArray[np.float32]]) -> tuple[int, str]:
    """Return the place of the map with the most values, the first of several, and a sentence about it."""
    counts = [int(np.isfinite(layer).sum()) for layer in values]
    place = int(np.argmax(counts))
    many = f"The file holds {len(times)} times; the page shows the one with the most predictions, {times[place]}."
    return place, many if len(times) > 1 else ""


@dataclass(frozen=True)
class MapFiles:
    """Writes maps of a run with what stands next to them.

    Attributes:
        trained: The run.
        read_from: What the map was made from, in words.
        borders: Lines on its page, each [N, 2] in the map's CRS.
        reporter: Receives files of others that stand in the way.
    """

    trained: TrainedRun
    read_from: str
    borders: Sequence[Values]
    reporter: Reporter

    def write(self, out: Path, content: Map, parts: Iterable[Part]) -> list[Path]:
        """Write a map, then its page and style; return the map first.

        Raises:
            SettingsError: The suffix is not that of a map, or a package is not installed.
            DiskError: A file could not be written.
        """
        if not self.trained.settings.shared.predict.page:
            raster.write(out, content, parts)
            return [out, *self._none(out)]
        drawn = _drawn(content.bands)
        small = DecimatedMap(content.grid, [content.bands[place] for place in drawn.values()])
        raster.write(out, content, _watched(parts, small, list(drawn.values())))
        return [out, *self._beside(out, content, drawn, small)]

    def draw(self, out: Path, content: Map, layers: NDArray[np.float32]) -> list[Path]:
        """Write the page of one of the maps of a file of several, all of its bands, [bands, H, W]; return the page."""
        if not self.trained.settings.shared.predict.page:
            return self._none(out)
        drawn = _drawn(content.bands)
        small = DecimatedMap(content.grid, [content.bands[place] for place in drawn.values()])
        small.add(slice(0, content.grid.height), slice(0, content.grid.width), layers[list(drawn.values())])
        return self._beside(out, content, drawn, small)

    def _none(self, out: Path) -> list[Path]:
        """Take away what stands next to an earlier map of this name."""
        for stale in filter(_is_ours, companions(out)):
            stale.unlink()
        return []

    def _beside(self, out: Path, content: Map, drawn: dict[str, int], small: DecimatedMap) -> list[Path]:
        layers = dict(zip(drawn, small.values(), strict=True))
        colours = _colours(content.bands[drawn["prediction"]], layers["prediction"])
        made = {
            ".png": lambda: png(map_page(self._page(content, small.step, layers, colours)), self._mark),
            ".qml": lambda: qgis_style(colours),
        }
        return [path for path in companions(out) if self._replaced(path, made[path.suffix]())]

    @property
    def _mark(self) -> str:
        return page_mark(self.trained.run.id).decode()

    def _replaced(self, path: Path, content: bytes) -> bool:
        """Write a companion, unless a file that geoml did not make has its name."""
        if os.path.lexists(path) and not _is_ours(path):
            self.reporter.warn(f"{path} is kept: geoml did not write it. Rename or delete it to get that of the map.")
            return False
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
        return True

    def _page(self, content: Map, step: int, layers: dict[str, Values], colours: ColourScale | ClassColours) -> MapPage:
        band, target = content.bands[0], self.trained.data.signature.target_name
        frame = MapFrame(content.grid, step, self.borders)
        label = f"{self._symbol or band.name}{self._unit(band)}" if not band.classes else band.label
        panels = [MapPanel("Prediction", label, layers["prediction"], colours)]
        panels += _uncertainty(self._unit(band), layers)
        if self.trained.applicability is not None:
            panels.append(_applicability(layers, self.trained.applicability.threshold))
        time = next((f", {content.attributes[name]}" for name in ("time", "year") if name in content.attributes), "")
        by = self.trained.predicts if self.trained.predicts != self.trained.run.model else "the network"
        about = f"predicted by {by} ({registry.card(self.trained.run.model).title})"
        return MapPage(
            f"{self._symbol or target}{self._unit(band)}{time}, {about}", panels, frame, self._notes(content, frame)
        )

    @property
    def _symbol(self) -> str:
        return self.trained.task(next(iter(self.trained.networks))).symbol

    def _unit(self, band: Variable) -> str:
        """Return the unit of a band as people read it, ` [% SOC]`; empty where it has none."""
        return f" [{unit_text(band.unit, self._symbol or band.name)}]" if band.unit != "1" else ""

    def _notes(self, content: Map, frame: MapFrame) -> list[str]:
        run, shared = self.trained.run, self.trained.settings.shared
        is_class = bool(content.bands[0].classes)
        expected = "most likely has" if is_class else "is expected to have"
        intervals = [f"{'Set' if is_class else 'Interval'}: {one.promise}." for one in self.trained.intervals.values()]
        area = self.trained.applicability
        inside = [f"Area of applicability: dissimilarity of {area.threshold:.3g} or less." if area else ""]
        folds = f", {shared.split.folds} folds" if shared.split.folds > 1 else ""
        missing = content.attributes.get("pixels_without_prediction", "")
        return [
            f"A pixel shows what a sample at its place {expected}: {content.bands[0].long_name}.",
            *intervals,
            *filter(None, inside),
            *filter(None, [content.attributes.get(SHOWN, "")]),
            f"Map: {content.grid.height} x {content.grid.width} pixels, {frame.crs_name}. "
            + (f"Pixels without a prediction: {missing}." if missing else ""),
            f"Source: {self.read_from}. Run {run.id}, {len(self.trained.members)} member(s), split: "
            f"{shared.split.kind}{folds}. {datetime.datetime.now().astimezone():%Y-%m-%d}, geoml {__version__}.",
        ]


def page_mark(run_id: str) -> bytes:
    """Return what stands at the beginning of the pages of a run's maps."""
    return f"{MARK}, run {run_id}.".encode("ascii", "replace")


def _is_ours(path: Path) -> bool:
    """Return whether geoml wrote a companion; of none that is there it did not."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as stream:
        return MARK.encode() in stream.read(_HEAD)


def _watched(parts: Iterable[Part], small: DecimatedMap, bands: list[int]) -> Iterator[Part]:
    for rows, columns, values in parts:
        small.add(rows, columns, values[bands])
        yield rows, columns, values


def _drawn(bands: Sequence[Variable]) -> dict[str, int]:
    """Return the places of the bands that a page needs, by their role."""
    names, first = [band.name for band in bands], bands[0].name
    roles = {
        "prediction": first,
        "lower": f"{first}_lower",
        "upper": f"{first}_upper",
        "set size": f"{first}_set_size",
        "deviation": f"{first}_ensemble_std",
        "confidence": "confidence",
        "dissimilarity": "dissimilarity",
        "applicable": APPLICABLE,
    }
    return {role: names.index(name) for role, name in roles.items() if name in names}


def _colours(band: Variable, values: Values) -> ColourScale | ClassColours:
    return class_colours(band.classes) if band.classes else scale_of(values, "viridis")


def _uncertainty(unit: str, layers: dict[str, Values]) -> list[MapPanel]:
    """Draw the width of the interval, or what there is in its place; the unit is empty or stands in brackets."""
    if "lower" in layers and "upper" in layers:
        title, label, values = "Interval width", f"upper - lower{unit}", layers["upper"] - layers["lower"]
    elif "set size" in layers:
        title, label, values = "Classes that cannot be excluded", "number of classes", layers["set size"]
    elif "deviation" in layers:
        title, label, values = "Disagreement of members (no interval)", f"standard deviation{unit}", layers["deviation"]
    elif "confidence" in layers:
        title, label, values = "Confidence", "probability of the class", layers["confidence"]
    else:
        return []
    return [MapPanel(title, label, values, scale_of(values, "plasma"))]


def _applicability(layers: dict[str, Values], threshold: float) -> MapPanel:
    """Draw the dissimilarity up to the threshold, and what lies beyond it in one colour."""
    values, outside = layers["dissimilarity"], layers[APPLICABLE] == 0
    known = np.isfinite(layers[APPLICABLE])
    share = f", {format_share(float((known & ~outside).sum() / known.sum()))} inside" if known.any() else ""
    colours = ColourScale("cividis", 0.0, threshold or 1.0)
    return MapPanel(f"Area of applicability{share}", "dissimilarity of the inputs", values, colours, outside)
