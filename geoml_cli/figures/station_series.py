"""A station in time: observations as dots, predictions as lines, the interval as a band, rain as bars from above.

Long series are drawn in several panels, one below the other. Lines end at gaps.

Legend: T times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, ORANGE, SKY, band, panels, plain, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EXCERPT = 365
"""Times that an excerpt shows at most."""
_ROOM = 3.0
"""Height of the axis of rain in largest rains: bars stay in its upper third."""
_A_PANEL, _MOST_PANELS = 800, 4
"""Times that a panel has room for, and panels; longer series are drawn denser."""
_FEW = 100
"""Up to here dots are large, and a single missing time ends a line."""
_GAP, _GAP_OF_FEW = 3.0, 1.5
"""Usual steps between two times from which a line ends."""
_SHOWN = (0.01, 0.99)
"""Quantiles of the bounds inside the axes: a few wide intervals would leave the rest flat."""
_MARGIN, _ASIDE = 0.05, 0.01
"""Shares of the range that are left above and below, and next to it."""
MOST_POINTS = 20_000
"""Times drawn at most; of more every n-th is."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class StationSeries:
    """What is drawn of a station; all [T], in the order of time.

    Attributes:
        time: Of the observations.
        observed: In the target's unit.
        predicted: By model; the first is the network and drawn as a line, the others dashed.
        bars: Name, unit and values of what hangs from above; None for nothing.
        interval: Label, lower and upper bounds of the network's prediction interval; None for none.
        added: Unit of a sum over time, and what values are multiplied by to be added to it; None where there is none.
    """

    time: NDArray[np.datetime64]
    observed: Values
    predicted: Mapping[str, Values]
    bars: tuple[str, str, Values] | None = None
    interval: tuple[str, Values, Values] | None = None
    added: tuple[str, Values] | None = None

    def part(self, chosen: slice | NDArray[np.int64]) -> StationSeries:
        """Return some of the times."""
        bars, interval, added = self.bars, self.interval, self.added
        return StationSeries(
            self.time[chosen],
            self.observed[chosen],
            {model: values[chosen] for model, values in self.predicted.items()},
            None if bars is None else (bars[0], bars[1], bars[2][chosen]),
            None if interval is None else (interval[0], interval[1][chosen], interval[2][chosen]),
            None if added is None else (added[0], added[1][chosen]),
        )


def station_series(name: str, series: StationSeries, quantity: tuple[str, str]) -> Figure:
    """Draw a station: its series in one panel or several, then cumulative sums where there are any.

    Args:
        name: Of the station.
        series: What is drawn.
        quantity: Name and unit of the target.
    """
    pieces = min(max(-(-len(series.time) // _A_PANEL), 1), _MOST_PANELS)
    rows = pieces + (series.added is not None)
    figure, axes = panels(8.0, 1.0 + 2.0 * rows, 1, rows)
    edges = np.linspace(0, 1, pieces + 1) * (series.time[-1] - series.time[0]).astype(float)
    thin = series.part(slice(None, None, -(-len(series.time) // MOST_POINTS)))
    passed = (thin.time - series.time[0]).astype(float)
    for axis, low, high in zip(axes, edges[:-1], edges[1:], strict=False):
        _draw(axis, thin.part(np.flatnonzero((passed >= low) & (passed <= high))), quantity)
        axis.set_ylim(*_limits(series))
        if high > low:
            axis.set_xlim(*_ends(series, float(low), float(high)))
    if series.added is not None:
        _sums(axes[-1], series, every=-(-len(series.time) // MOST_POINTS))
        if edges[-1] > 0:
            axes[-1].set_xlim(*_ends(series, 0.0, float(edges[-1])))
    _entitle(figure, axes[0], name)
    return figure


def _ends(series: StationSeries, low: float, high: float) -> NDArray[np.datetime64]:
    """Return where an axis of time begins and ends that shows the times from `low` to `high` after the first."""
    ends = np.array([low, high]) + np.array([-_ASIDE, _ASIDE]) * (high - low)
    return np.asarray(series.time[0] + ends.astype(series.time.dtype.str.replace("M8", "m8")))


def series_excerpt(name: str, series: StationSeries, quantity: tuple[str, str]) -> Figure:
    """Draw the times closest together, up to `EXCERPT`, in one panel; arguments as for `station_series`."""
    figure, [axis] = panels(5.4, 4.6)
    if len(series.time) > EXCERPT:
        first = int(np.argmin(series.time[EXCERPT - 1 :] - series.time[: 1 - EXCERPT]))
        series = series.part(slice(first, first + EXCERPT))
    _draw(axis, series, quantity)
    axis.set_ylim(*_limits(series))
    _entitle(figure, axis, name)
    return figure


def _entitle(figure: Figure, axis: Axes, name: str) -> None:
    figure.suptitle(plain(name), x=0.01, ha="left", fontsize=11)
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=4, frameon=False, fontsize=9)


def _draw(axis: Axes, series: StationSeries, quantity: tuple[str, str]) -> None:
    broken = _broken(series.time)
    time = _spread(series.time, broken)
    if series.interval is not None:
        label, lower, upper = series.interval
        low, high = (_spread(values, broken) for values in (lower, upper))
        band(axis, time, (low, high), label)
    size = 2.5 if len(series.time) > _FEW else 6.0
    axis.plot(series.time, series.observed, ".", color=BLACK, markersize=size, label="observed")
    for place, (model, values) in enumerate(series.predicted.items()):
        style, colour = ("-", BLUE) if place == 0 else ("--", ORANGE)
        values = _spread(values, broken)
        axis.plot(time, values, style, color=colour, linewidth=0.9, marker=".", markersize=size / 2, label=plain(model))
    axis.set_ylabel(with_unit(*quantity, low=True))
    _clock(axis)
    if series.bars is not None:
        label, unit, values = series.bars
        above = axis.twinx()
        above.bar(series.time, values, width=_step_days(series.time), color=SKY, alpha=0.7)
        above.set_ylim(_ROOM * max(float(np.nanmax(values, initial=0.0)), 1.0), 0.0)
        above.set_ylabel(with_unit(label, unit, low=True))


def _step_days(time: NDArray[np.datetime64]) -> float:
    """Return the width of a bar [days]: that of a day where there is one time."""
    return float(np.median(np.diff(time) / np.timedelta64(1, "D"))) if len(time) > 1 else 1.0


def _sums(axis: Axes, series: StationSeries, every: int) -> None:
    """Draw cumulative sums of observed and predicted values; lines end at gaps and go on at the same height."""
    assert series.added is not None, "there is a sum"
    unit, factor = series.added
    time = series.time[::every]
    broken = _broken(time)
    network = next(iter(series.predicted.values()))
    for values, colour, style in ((series.observed, BLACK, "-"), (network, BLUE, "--")):
        total = np.cumsum(values * factor)[::every]
        axis.plot(_spread(time, broken), _spread(total, broken), style, color=colour, linewidth=1.2)
    axis.set_ylabel(with_unit("Sum", unit))
    _clock(axis)


def _clock(axis: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _broken(time: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return before which times a line ends."""
    passed = np.diff(time).astype(float)
    if not len(passed):
        return np.empty(0, dtype=np.int64)
    gap = _GAP if len(time) > _FEW else _GAP_OF_FEW
    return np.flatnonzero(passed > gap * np.median(passed)) + 1


def _spread(values: NDArray[Any], broken: NDArray[np.int64]) -> NDArray[Any]:
    """Put a missing value before each time at which a line starts again."""
    missing = np.datetime64("NaT") if values.dtype.kind == "M" else np.nan
    return np.insert(values, broken, missing)


def _limits(series: StationSeries) -> tuple[float, float]:
    """Return where the axis of values ends: all observed and predicted values, and nearly all bounds."""
    network = next(iter(series.predicted.values()))
    values = [series.observed, network]
    if series.interval is not None:
        lower, upper = (bound[np.isfinite(bound)] for bound in series.interval[1:])
        ends = zip((lower, upper), _SHOWN, strict=True)
        values += [np.atleast_1d(np.quantile(bound, share)) for bound, share in ends if len(bound)]
    both = np.concatenate(values)
    margin = _MARGIN * float(both.max() - both.min()) or 1.0
    return float(both.min()) - margin, float(both.max()) + margin
