"""A map on one page: prediction, width of its interval and area of applicability, under the same frame."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.map_colours import ClassColours, ColourScale
from geoml_cli.figures.map_frame import MapFrame
from geoml_cli.figures.style import VERMILION, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Values = NDArray[np.float64]
_WIDTH, _SMALL = 4.6, 7
_COLOURBAR, _LINE = 0.9, 0.13
"""Heights of a colour bar or legend and of a line of text [inches]."""
_LINE_SIGNS, _TITLE_SIGNS = 19, 9
"""Signs of small text and of the title to an inch."""
_TICKS = 5
"""Of a colour bar at most; more would run into each other where they have many decimals."""
_MISSING = "0.93"
_BELOW = 4.6
"""Room between a panel and its legend, for the coordinates [font sizes]."""


@dataclass(frozen=True)
class MapPanel:
    """A panel of a page.

    Attributes:
        title: What it shows.
        label: Of the colour bar, with the unit.
        values: Shape [H, W], NaN where missing.
        colours: Of a quantity or of classes.
        outside: Pixels outside the area of applicability, drawn over the values; None where they are not.
    """

    title: str
    label: str
    values: Values
    colours: ColourScale | ClassColours
    outside: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class MapPage:
    """What a page shows.

    Attributes:
        title: Quantity and unit.
        panels: Side by side.
        frame: Where on Earth the map lies.
        notes: What the numbers mean, source, run and date; a paragraph each.
    """

    title: str
    panels: Sequence[MapPanel]
    frame: MapFrame
    notes: Sequence[str]


def map_page(page: MapPage) -> Figure:
    """Draw a page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns, rows = (len(page.panels), 1) if page.frame.ratio < 2 else (1, len(page.panels))
    width = _WIDTH * max(columns, 1.6)
    notes = [textwrap.fill(plain(note), int(width * _LINE_SIGNS)) for note in page.notes]
    text = sum(note.count("\n") + 1 for note in notes) * _LINE
    panel = width / columns / page.frame.ratio if page.frame.ratio > 0 else _WIDTH
    height = rows * (float(np.clip(panel, 1.6, 8.0)) + _COLOURBAR) + text + 0.6
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    for place, shown in enumerate(page.panels):
        axis = figure.add_subplot(rows, columns, place + 1)
        _draw(axis, shown, page.frame)
        page.frame.decorate(axis, measured=place == 0)
    title = textwrap.fill(plain(page.title), int(width * _TITLE_SIGNS))
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel("\n".join(notes), fontsize=_SMALL, x=0.01, ha="left")
    return figure


def _draw(axis: Axes, panel: MapPanel, frame: MapFrame) -> None:
    axis.set_facecolor(_MISSING)
    axis.set_anchor("N")  # panels with a colour bar and with a legend stand at one height
    axis.set_title(plain(panel.title), fontsize=9, loc="left")
    if not np.isfinite(panel.values).any():
        axis.text(0.5, 0.5, "no pixel has a value", transform=axis.transAxes, ha="center", va="center")
    handles = _classes(axis, panel, frame) if isinstance(panel.colours, ClassColours) else _quantity(axis, panel, frame)
    if panel.outside is not None and panel.outside.any():
        handles += _outside(axis, panel.outside, frame)
    if np.isnan(panel.values).any():
        handles.append(_patch(_MISSING, "missing"))
    if handles:
        axis.legend(
            handles=handles, fontsize=_SMALL, frameon=False, ncols=3,
            loc="upper left", bbox_to_anchor=(0.0, 0.0), borderaxespad=_BELOW,
        )  # fmt: skip


def _quantity(axis: Axes, panel: MapPanel, frame: MapFrame) -> list[object]:
    colours = panel.colours
    assert isinstance(colours, ColourScale)
    image = axis.imshow(
        panel.values,
        cmap=colours.name,
        vmin=colours.low,
        vmax=colours.high,
        **frame.placed(axis),
    )
    known = panel.values[np.isfinite(panel.values)]
    beyond = (bool((known < colours.low).any()), bool((known > colours.high).any()))
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    bar = _colour_bar(axis, image, extend)
    bar.set_label(plain(panel.label) or " ", fontsize=8)
    bar.ax.locator_params(axis="x", nbins=_TICKS)
    bar.ax.ticklabel_format(useOffset=False, style="plain", axis="x")
    return []


def _colour_bar(axis: Axes, image: AxesImage, extend: str = "neither") -> Colorbar:
    figure = axis.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=axis, orientation="horizontal", extend=extend, shrink=0.9, aspect=30, pad=0.02)
    bar.ax.tick_params(labelsize=_SMALL)
    return bar


def _classes(axis: Axes, panel: MapPanel, frame: MapFrame) -> list[object]:
    from matplotlib.colors import to_rgba

    colours = panel.colours
    assert isinstance(colours, ClassColours)
    seen = [code for code in colours.colours if (panel.values == code).any()]
    pixels = np.zeros((*panel.values.shape, 4))
    for code in seen:
        pixels[panel.values == code] = to_rgba(colours.colours[code])
    image = axis.imshow(pixels, **frame.placed(axis))
    room = _colour_bar(axis, image)  # with nothing in it: panels of classes and of quantities stand at one height
    room.set_label(" ", fontsize=8)
    room.ax.tick_params(colors="none")
    room.outline.set_visible(False)
    if room.solids is not None:
        room.solids.set_visible(False)
    return [_patch(colours.colours[code], f"{code} {colours.names[code]}") for code in seen]


def _outside(axis: Axes, outside: NDArray[np.bool_], frame: MapFrame) -> list[object]:
    from matplotlib.colors import to_rgba

    pixels = np.zeros((*outside.shape, 4))
    pixels[outside] = to_rgba(VERMILION)
    axis.imshow(pixels, **frame.placed(axis))
    return [_patch(VERMILION, "outside the area of applicability")]


def _patch(colour: str, label: str) -> object:
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, edgecolor="0.4", linewidth=0.4, label=plain(label))
