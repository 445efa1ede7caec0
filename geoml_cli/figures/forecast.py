"""Figures of forecasts on a grid: truth, forecast and error; single frames; animations; events hit and missed.

Land is drawn in grey. Colour scales end at the 98th percentile, so that a few extreme cells do not leave the rest pale.

Legend: L lead times, Y rows, X columns.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.figures.style import BLUE, ORANGE, VERMILION, plain, with_unit
from geoml_cli.metrics.fields import at_or_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 98.0
"""Percentile at which colour scales end."""

FRAME_MS = 500
"""Of an animation: two frames a second."""

_LAND, _MISSING = "0.72", "0.92"
_PANEL_INCHES = 2.4
_TICKS = 4
_MOST_ASPECT = 2.5
_MOST_COLUMNS = 6
_NO_EVENT = "0.97"
Frames = NDArray[np.floating]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Field:
    """What is drawn, besides its numbers.

    Attributes:
        name: Of the quantity.
        unit: Its unit.
        axes: Positions of the cells.
        land: True on land, [Y, X].
        signed: Whether the sign matters, as of a flux: colours are then symmetric about zero.
    """

    name: str
    unit: str
    axes: GridAxes
    land: Mask
    signed: bool = False


def comparison(truth_LYX: Frames, forecast_LYX: Frames, field: Field, labels: Sequence[str]) -> Figure:
    """Draw truth, forecast and error: a triptych of one lead time, or a column for each of several.

    Args:
        truth_LYX: NaN where missing.
        forecast_LYX: NaN where missing.
        field: What is drawn.
        labels: Names of the lead times.
    """
    error_LYX = forecast_LYX - truth_LYX
    limits = limits_of(np.concatenate([truth_LYX, forecast_LYX]), field, field.signed)
    reach = limits_of(error_LYX, field, signed=True)
    rows: list[tuple[str, Frames, dict[str, Any]]] = [
        ("Truth", truth_LYX, _colours(limits, field.signed)),
        ("Forecast", forecast_LYX, _colours(limits, field.signed)),
        ("Forecast - truth", error_LYX, _colours(reach, signed=True)),
    ]
    single = len(labels) == 1
    figure, panels = _grid(field, (1, 3) if single else (3, len(labels)))
    drawn = []
    for row, (title, frames, colours) in enumerate(rows):
        for column, (label, frame) in enumerate(zip(labels, frames, strict=True)):
            panel = panels[0][row] if single else panels[row][column]
            drawn.append(_draw(panel, frame, field, colours))
            panel.set_title(plain(f"{title}, {label}"), fontsize="medium" if single else "small")
    values, errors = (panels[0][:2], panels[0][2:]) if single else ([*panels[0], *panels[1]], panels[2])
    figure.colorbar(drawn[0], ax=values, label=with_unit(field.name, field.unit), extend="both", shrink=0.85)
    figure.colorbar(drawn[-1], ax=errors, label=with_unit("Error", field.unit), extend="both", shrink=0.85)
    return figure


def lead_times(forecast_LYX: Frames, field: Field, labels: Sequence[str]) -> Figure:
    """Draw the frames of a forecast side by side, some in a row; arguments as for `comparison`."""
    columns = min(len(labels), _MOST_COLUMNS)
    figure, panels = _grid(field, (-(-len(labels) // columns), columns))
    colours = _colours(limits_of(forecast_LYX, field, field.signed), field.signed)
    flat = [panel for row in panels for panel in row]
    drawn = None
    for panel, label, frame in zip(flat, labels, forecast_LYX, strict=False):
        drawn = _draw(panel, frame, field, colours)
        panel.set_title(plain(label), fontsize="small")
    for panel in flat[len(labels) :]:
        panel.set_visible(False)
    assert drawn is not None, "at least one lead time"
    figure.colorbar(drawn, ax=flat, label=with_unit(field.name, field.unit), extend="both", shrink=0.85)
    return figure


def events(truth_YX: Frames, forecast_YX: Frames, field: Field, threshold: float) -> Figure:
    """Draw where an event (a value at or above a threshold) was hit, missed, or forecast in vain."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    outcome = contingency(truth_YX, forecast_YX, threshold)
    names = ("no event", "miss", "false alarm", "hit")
    colours = (_NO_EVENT, VERMILION, ORANGE, BLUE)
    figure, [[panel]] = _grid(field, (1, 1))
    scale = {"cmap": ListedColormap(list(colours)), "norm": BoundaryNorm(np.arange(-0.5, 4), 4)}
    _draw(panel, outcome, field, scale)
    counts = [int((outcome == number).sum()) for number in range(len(names))]
    patches = [
        Patch(facecolor=colour, edgecolor="0.5", label=f"{name} ({count})")
        for name, colour, count in zip(names, colours, counts, strict=True)
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=2, frameon=False)
    panel.set_title(plain(f"{field.name} at or above {threshold:g} {field.unit}".rstrip()), fontsize="medium")
    return figure


def contingency(truth: Frames, forecast: Frames, threshold: float) -> Frames:
    """Return 0 for no event, 1 for a miss, 2 for a false alarm, 3 for a hit; NaN where either is missing."""
    outcome = at_or_above(truth, threshold) * 1.0 + at_or_above(forecast, threshold) * 2.0
    return np.where(np.isnan(truth) | np.isnan(forecast), np.nan, outcome)


def frame_png(frame_YX: Frames, field: Field, limits: tuple[float, float] | None = None) -> bytes:
    """Return a frame as PNG, a pixel a cell, the northern or first row on top; without axes.

    Args:
        frame_YX: NaN where missing.
        field: What is drawn.
        limits: Of the colours; None takes the frame's own.
    """
    stream = io.BytesIO()
    _image(frame_YX, field, limits or limits_of(frame_YX, field, field.signed)).save(stream, format="PNG")
    return stream.getvalue()


def animation_gif(frames_LYX: Frames, field: Field) -> bytes:
    """Return frames as an animated GIF, two a second, with one colour scale for all."""
    limits = limits_of(frames_LYX, field, field.signed)
    images = [_image(frame, field, limits) for frame in frames_LYX]
    stream = io.BytesIO()
    images[0].save(stream, format="GIF", save_all=True, append_images=images[1:], duration=FRAME_MS, loop=0)
    return stream.getvalue()


def _image(frame_YX: Frames, field: Field, limits: tuple[float, float]) -> Any:  # noqa: ANN401  PIL.Image
    from matplotlib import colormaps
    from matplotlib.colors import Normalize, to_rgba_array
    from PIL import Image

    colours = colormaps["PuOr_r" if field.signed else "viridis"](Normalize(*limits, clip=True)(frame_YX))
    colours[np.isnan(frame_YX)] = to_rgba_array(_MISSING)
    colours[field.land] = to_rgba_array(_LAND)
    upward = field.axes.regular and field.axes.shape[0] > 1 and field.axes.lat[0] < field.axes.lat[-1]
    pixels = np.rint(255 * colours[..., :3]).astype(np.uint8)
    return Image.fromarray(pixels[::-1] if upward else pixels)


def limits_of(frames: Frames, field: Field, signed: bool) -> tuple[float, float]:
    """Return the ends of a colour scale from sea cells of frames [..., Y, X]; never an empty one."""
    values = frames[..., ~field.land]
    values = values[np.isfinite(values)]
    if not values.size:
        return (-1.0, 1.0) if signed else (0.0, 1.0)
    if signed:
        reach = float(np.percentile(np.abs(values), SHOWN)) or 1.0
        return -reach, reach
    low, high = (float(value) for value in np.percentile(values, [100 - SHOWN, SHOWN]))
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _colours(limits: tuple[float, float], signed: bool) -> dict[str, Any]:
    from matplotlib.colors import Normalize

    return {"cmap": "PuOr_r" if signed else "viridis", "norm": Normalize(*limits)}


def _grid(field: Field, shape: tuple[int, int]) -> tuple[Figure, list[list[Axes]]]:
    """Return an empty figure with panels of the grid's own proportions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, columns = field.axes.shape
    ratio = float(np.clip(rows / max(columns, 1), 1 / _MOST_ASPECT, _MOST_ASPECT))
    size = (_PANEL_INCHES * shape[1] + 1.6, _PANEL_INCHES * ratio * shape[0] + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True)
    return figure, [list(row) for row in axes]


def _draw(panel: Axes, frame_YX: Frames, field: Field, colours: dict[str, Any]) -> Any:  # noqa: ANN401  an artist
    """Draw a frame over grey land, with degrees along the axes."""
    panel.set_facecolor(_MISSING)
    over_land = np.where(field.land, 1.0, np.nan)
    shown = np.where(field.land, np.nan, frame_YX)
    grey: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1 / float(_LAND)}
    axes = field.axes
    if axes.regular:
        lat, lon = axes.lat, axes.lon
        half = [abs(float(values[-1] - values[0])) / max(len(values) - 1, 1) / 2 or 0.5 for values in (lat, lon)]
        west, east = (
            (lon[0] - half[1], lon[-1] + half[1]) if lon[0] <= lon[-1] else (lon[0] + half[1], lon[-1] - half[1])
        )
        top, bottom = (
            (lat[0] - half[0], lat[-1] + half[0]) if lat[0] <= lat[-1] else (lat[0] + half[0], lat[-1] - half[0])
        )
        placed: dict[str, Any] = {"extent": (west, east, bottom, top), "interpolation": "nearest", "origin": "upper"}
        panel.imshow(over_land, **placed, **grey)
        drawn: Any = panel.imshow(shown, **placed, **colours)
        panel.set_ylim(min(top, bottom), max(top, bottom))
    else:
        panel.pcolormesh(axes.lon, axes.lat, over_land, shading="nearest", **grey)
        drawn = panel.pcolormesh(axes.lon, axes.lat, shown, shading="nearest", **colours)
    panel.locator_params(nbins=_TICKS)
    rows, columns = axes.shape
    if 1 / _MOST_ASPECT <= rows / columns <= _MOST_ASPECT:
        # One kilometre is as long to the east as to the north, at the mean latitude.
        panel.set_aspect(1 / max(float(np.cos(np.radians(axes.lat.mean()))), 0.1))
    else:
        panel.set_aspect("auto")  # a strip, such as the tropics, would be a line
    return drawn
