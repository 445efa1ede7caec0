"""Where a map lies: graticule, scale bar, north and borders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK
from geoml_cli.samples.input import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patheffects import AbstractPathEffect

Values = NDArray[np.float64]
_METRES_PER_DEGREE = 111_319.5
"""Of the equator, on WGS 84."""
_LONGEST_BAR = 0.3
"""Of the width of the map."""
_STEPS = (5, 2, 1)
_FAR = 20_000.0
"""Width of a map [m] from which its coordinates are labelled in km."""
_MESH = 33
"""Points to a side of the mesh on which meridians and parallels are found."""
_LINES: dict[str, Any] = {"color": "0.45", "linewidth": 0.3}
_UNNAMED = ("unknown", "unnamed", "undefined", "")
_LEAST_COSINE = 0.05
"""Of a latitude: at the poles degrees of longitude have no length."""


@dataclass(frozen=True)
class MapFrame:
    """Place of a map on Earth.

    Attributes:
        grid: Of the whole map.
        step: Pixels of the map to a pixel of what is drawn.
        borders: Lines, each [N, 2], in the map's CRS.
    """

    grid: Grid
    step: int = 1
    borders: Sequence[Values] = field(default_factory=tuple)

    @cached_property
    def _crs(self) -> Any:  # noqa: ANN401  pyproj.CRS
        import pyproj

        return pyproj.CRS.from_user_input(self.grid.crs)

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top, in the map's CRS."""
        a, b, c, d, e, f = self.grid.transform
        row, column = np.array([0, 0, self.grid.height, self.grid.height]), np.array([0, self.grid.width] * 2)
        x, y = a * column + b * row + c, d * column + e * row + f
        return float(x.min()), float(x.max()), float(y.min()), float(y.max())

    @property
    def crs_name(self) -> str:
        """Return the name of the CRS, such as `WGS 84 / UTM zone 34N`; of one without, the method of its projection."""
        name, projection = str(self._crs.name), self._crs.coordinate_operation
        if name.lower() not in _UNNAMED or projection is None:
            return name
        return f"{projection.method_name}, CRS without a name"

    @cached_property
    def _metres(self) -> tuple[float, float]:
        """Return the length of a unit of x and of y [m], in the middle of the map."""
        if self._crs.is_geographic:
            _, _, bottom, top = self.extent
            cosine = max(math.cos(math.radians((bottom + top) / 2)), _LEAST_COSINE)
            return _METRES_PER_DEGREE * cosine, _METRES_PER_DEGREE
        factor = float(self._crs.axis_info[0].unit_conversion_factor) if self._crs.axis_info else 1.0
        return factor, factor

    @property
    def ratio(self) -> float:
        """Return width over height, as lengths."""
        left, right, bottom, top = self.extent
        return (right - left) * self._metres[0] / ((top - bottom) * self._metres[1])

    def placed(self, axis: Axes) -> dict[str, Any]:
        """Return how an image of pixels is laid on an axis of the map's CRS, turned where the grid is."""
        from matplotlib.transforms import Affine2D

        a, b, c, d, e, f = self.grid.transform
        onto = Affine2D(np.array([[a * self.step, b * self.step, c], [d * self.step, e * self.step, f], [0, 0, 1]]))
        height, width = -(-self.grid.height // self.step), -(-self.grid.width // self.step)
        placed = {"extent": (0, width, height, 0), "transform": onto + axis.transData}
        return {**placed, "interpolation": "nearest", "aspect": "auto"}

    def decorate(self, axis: Axes, *, measured: bool) -> None:
        """Draw borders and graticule, and where it is `measured`, scale bar and north."""
        left, right, bottom, top = self.extent
        for line in self.borders:
            axis.plot(line[:, 0], line[:, 1], color=BLACK, linewidth=0.7)
        axis.set_xlim(left, right)
        axis.set_ylim(bottom, top)
        axis.set_aspect(self._metres[1] / self._metres[0])
        self._graticule(axis)
        if measured:
            self._scale_bar(axis)
            axis.annotate(
                "N", (0.95, 0.97), (0.95, 0.86), xycoords="axes fraction", ha="center", fontsize=8,
                arrowprops={"arrowstyle": "-|>", "color": BLACK}, zorder=5, path_effects=_halo(),
            )  # fmt: skip

    def _graticule(self, axis: Axes) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axis.tick_params(labelsize=6.5, length=2)
        if not self._crs.is_geographic and self._meridians(axis):
            return
        axis.grid(**_LINES)
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MaxNLocator(4))
        if self._crs.is_geographic:
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: degrees(_to_180(value), "EW")))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: degrees(value, "NS")))
            return
        left, right, _, _ = self.extent
        far = (right - left) * self._metres[0] > _FAR
        unit = "km" if far else str(self._crs.axis_info[0].unit_name if self._crs.axis_info else "m")
        scale = self._metres[0] / 1000 if far else 1.0
        for side, name in ((axis.xaxis, "Easting"), (axis.yaxis, "Northing")):
            side.set_major_formatter(FuncFormatter(lambda value, _: f"{value * scale:,.6g}"))
            side.set_label_text(f"{name} [{unit}]", fontsize=7)

    def _meridians(self, axis: Axes) -> bool:
        """Draw meridians and parallels of a projected map, labelled where they leave it below and to the left.

        Returns:
            Whether they do: around a pole, or where the projection is not defined, coordinates are drawn instead.
        """
        left, right, bottom, top = self.extent
        x, y = np.linspace(left, right, _MESH), np.linspace(bottom, top, _MESH)
        longitude, latitude = self._degrees(*np.meshgrid(x, y))
        sides = (longitude[0], latitude[:, 0])
        if not all(np.isfinite(side).all() and (np.diff(side) > 0).all() for side in sides):
            return False
        for field_, side, names in ((longitude, sides[0], "EW"), (latitude, sides[1], "NS")):
            levels = _levels(field_)
            if len(levels):
                axis.contour(x, y, field_, levels=levels, colors=_LINES["color"], linewidths=_LINES["linewidth"])
            shown = [level for level in levels if side[0] <= level <= side[-1]]
            places = np.interp(shown, side, x if names == "EW" else y)
            texts = [degrees(_to_180(level), names) for level in shown]
            (axis.set_xticks if names == "EW" else axis.set_yticks)(places, texts)
        return True

    def _degrees(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return longitude, without a step from 180 to -180, and latitude."""
        import pyproj

        there = pyproj.Transformer.from_crs(self._crs, self._crs.geodetic_crs, always_xy=True)
        longitude, latitude = there.transform(x, y)
        return np.unwrap(np.unwrap(longitude, axis=0, period=360.0), axis=1, period=360.0), np.asarray(latitude)

    def _scale_bar(self, axis: Axes) -> None:
        left, right, _, _ = self.extent
        metres = nice_length((right - left) * self._metres[0] * _LONGEST_BAR)
        part = metres / self._metres[0] / (right - left)
        axis.plot(
            (0.04, 0.04 + part), (0.04, 0.04), color=BLACK, linewidth=2.5, transform=axis.transAxes,
            solid_capstyle="butt", path_effects=_halo(5.0), zorder=5,
        )  # fmt: skip
        text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
        axis.text(
            0.04 + part / 2, 0.055, text, transform=axis.transAxes, ha="center", va="bottom", fontsize=8,
            path_effects=_halo(), zorder=5,
        )  # fmt: skip


def _halo(width: float = 2.5) -> list[AbstractPathEffect]:
    """Return what keeps signs legible on any colour."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="white")]


def nice_length(most: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is no longer than `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in _STEPS if step * power <= most * (1 + 1e-9))


def _levels(values: Values) -> Values:
    """Return round degrees between the least and the largest."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    found = np.round(MaxNLocator(4).tick_values(low, high), 9)
    return found[(found > low) & (found < high)]


def degrees(value: float, names: str) -> str:
    """Write a longitude (`EW`) or latitude (`NS`) with its hemisphere."""
    name = "" if not round(value, 9) else f" {names[0] if value > 0 else names[1]}"
    return f"{abs(value):.6g}\N{DEGREE SIGN}{name}"


def _to_180(longitude: float) -> float:
    return (longitude + 180) % 360 - 180
