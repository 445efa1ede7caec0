"""What all figures share: size, colours, and the way to a file.

Figures are built on matplotlib's object interface with the Agg canvas, so that no display and no global state
of pyplot is touched.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Values = NDArray[np.float64]
DPI = 160
_BAND, _BAR = 0.35, 4.0
"""Opacity of a band, and width of a bar of one [points]."""
_IN_A_LOW_PANEL = 20
"""Letters of a label that fit next to a panel less than 2 inches high."""
_DECADE, _STEPS, _EVEN = 10.0, 5, (1, 2, 2.5, 5, 10)
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
)
"""To be distinguished with any colour vision. Okabe and Ito 2008, https://jfly.uni-koeln.de/color/."""


def panels(width: float, height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return an empty figure [inches] with panels side by side, row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(rows * columns)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plain(text: str) -> str:
    """Keep matplotlib from reading a name with dollar signs as a formula."""
    return text.replace("$", r"\$")


def with_unit(name: str, unit: str, *, low: bool = False) -> str:
    """Label an axis; a low panel has the unit of a long label on a line of its own."""
    between = "\n" if low and len(name) + len(unit) > _IN_A_LOW_PANEL else " "
    return plain(f"{name}{between}[{unit}]" if unit else name)


def band(axis: Axes, x: NDArray[Any], bounds: tuple[Values, Values], label: str) -> None:
    """Fill the room between bounds; a value with none next to it gets a bar, for a band has two ends.

    Args:
        axis: Where it is drawn.
        x: Ascending, shape [T].
        bounds: Lower and upper, shape [T]; NaN where the band ends.
        label: Of the legend.
    """
    low, high = bounds
    axis.fill_between(x, low, high, color=SKY, alpha=_BAND, linewidth=0, label=label)
    known = np.isfinite(low) & np.isfinite(high)
    alone = known & ~np.append(False, known[:-1]) & ~np.append(known[1:], False)
    if alone.any():
        axis.vlines(x[alone], low[alone], high[alone], color=SKY, alpha=_BAND, linewidth=_BAR)


def plain_log_ticks(axis: Axis) -> None:
    """Mark a logarithmic axis, whose ends are set, with numbers that are written out.

    1, 2 and 5 of each decade; of less than a decade, where these may all lie outside, even steps.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = axis.get_view_interval()
    is_wide = low > 0 and high >= _DECADE * low
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if is_wide else MaxNLocator(_STEPS, steps=_EVEN))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def png(figure: Figure, software: str | None = None) -> bytes:
    """Draw a figure; `software` is written into the file, where another one must be distinguished from it."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks shows boxes; the tables next to the figure spell it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        # Without metadata the same figure gives the same bytes.
        figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": software})
    return stream.getvalue()


def animation(frames: Sequence[bytes], milliseconds: int) -> bytes:
    """Put PNG pictures of one size into a GIF that repeats, each shown so long."""
    from PIL import Image

    pictures = [Image.open(io.BytesIO(frame)).convert("P", palette=Image.Palette.ADAPTIVE) for frame in frames]
    stream = io.BytesIO()
    pictures[0].save(
        stream, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, optimize=False
    )
    return stream.getvalue()
