from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread

from geoml_cli.figures.agreement import agreement
from geoml_cli.figures.distances import cumulative_distances
from geoml_cli.figures.importance import SHOWN, importance_bars
from geoml_cli.figures.learning import Curve, learning_curves
from geoml_cli.figures.residual_map import CELLS, MANY, residual_map
from geoml_cli.figures.station_maps import station_maps
from geoml_cli.figures.style import band, panels, png, with_unit

SOC = ("soc", "g kg-1")
RANDOM = np.random.default_rng(0)


def test_png_is_a_picture_and_the_same_every_time() -> None:
    def drawn() -> bytes:
        return png(agreement(np.arange(20.0), np.arange(20.0) + 1, SOC, "n = 20"))

    first = drawn()
    assert first == drawn()
    pixels = imread(io.BytesIO(first))
    assert pixels.shape[0] > 600 and pixels[..., :3].std() > 0.05, "not a blank page"


def test_no_pyplot_and_no_display_is_touched() -> None:
    code = (
        "import sys, numpy as np\n"
        "from geoml_cli.figures.agreement import agreement\n"
        "from geoml_cli.figures.style import png\n"
        "assert 'matplotlib' not in sys.modules\n"
        "png(agreement(np.arange(9.0), np.arange(9.0), ('soc', '%'), ''))\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("rows", [30, 3000])
def test_agreement_shows_every_sample_and_the_one_to_one_line(rows: int) -> None:
    observed = RANDOM.gamma(2, 10, rows)
    axis = agreement(observed, observed / 2 + 3, SOC, "RMSE 5 g kg-1").axes[0]
    [drawn] = axis.collections
    shown = len(drawn.get_offsets()) if rows == 30 else int(np.asarray(drawn.get_array()).sum())
    assert shown == rows
    [line] = axis.lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert axis.get_xlim() == axis.get_ylim()
    assert axis.get_xlim()[0] < observed.min() and axis.get_xlim()[1] > observed.max()
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("Observed soc [g kg-1]", "Predicted soc [g kg-1]")
    assert axis.texts[-1].get_text() == "RMSE 5 g kg-1"


@pytest.mark.parametrize("rows", [300, 3000])
def test_outliers_are_counted_instead_of_crushing_the_rest(rows: int) -> None:
    observed = RANDOM.uniform(0, 10, rows)
    observed[0], predicted = 500.0, observed / 2
    axis = agreement(observed, predicted, SOC, "n").axes[0]
    assert axis.get_xlim()[1] < 12
    assert axis.texts[-1].get_text() == "n\n1 beyond the axes"
    [drawn] = axis.collections
    shown = len(drawn.get_offsets()) if rows == 300 else int(np.asarray(drawn.get_array()).sum())
    assert shown == rows - 1


def test_equal_values_still_have_a_range() -> None:
    axis = agreement(np.full(3, 5.0), np.full(3, 5.0), SOC, "").axes[0]
    assert axis.get_xlim() == (4.0, 6.0)


def test_residual_colours_are_symmetric_and_the_largest_lie_on_top() -> None:
    place = np.stack([RANDOM.uniform(20, 23, 500), RANDOM.uniform(41, 42, 500)], axis=1)
    residual = RANDOM.normal(2, 5, 500)
    axis, bar = residual_map(place, residual, SOC).axes
    [dots] = axis.collections
    low, high = dots.get_clim()
    assert low == -high == -np.quantile(np.abs(residual), 0.98)
    drawn = np.asarray(dots.get_array())
    assert np.all(np.diff(np.abs(drawn)) >= 0)
    np.testing.assert_allclose(np.sort(drawn), np.sort(residual))
    match = np.abs(residual).argmax()
    np.testing.assert_allclose(np.asarray(dots.get_offsets())[-1], place[match])
    assert axis.get_aspect() == pytest.approx(1 / np.cos(np.radians(place[:, 1].mean())))
    assert bar.get_ylabel() == "Predicted - observed soc [g kg-1]"


def curve(name: str, epochs: int, best: int, every: int = 1) -> Curve:
    epoch = np.arange(epochs, dtype=np.float64)
    validation = np.where(epoch % every == 0, 1 + (epoch - best) ** 2, np.nan)
    return Curve(name, epoch, np.exp(-epoch / 5) + 0.1, validation)


def test_learning_curves_mark_the_best_epoch_of_each_member() -> None:
    figure = learning_curves([curve("fold-1", 30, 12, every=4), curve("fold-2", 30, 20, every=4)])
    left, right = figure.axes
    marks = [line.get_xydata()[0] for line in right.lines if line.get_marker() == "o"]  # type: ignore[index]
    np.testing.assert_allclose(marks, [(12, 1), (20, 1)])
    assert len(left.lines[0].get_xdata()) == 30 and len(right.lines[0].get_xdata()) == 8
    assert left.get_yscale() == "log" and left.get_ylim() == right.get_ylim()
    legend = right.get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["fold-1", "fold-2"]


@pytest.mark.parametrize(
    ("losses", "expected"),
    [((8.0, 2.0, 0.1), {"0.1", "0.2", "0.5", "1", "2", "5"}), ((0.43, 0.3, 0.21), {"0.2", "0.3", "0.4"})],
)
def test_logarithmic_axes_are_marked_in_plain_numbers(losses: tuple[float, ...], expected: set[str]) -> None:
    figure = learning_curves([Curve("fold-1", np.arange(3), np.array(losses), np.array(losses))])
    png(figure)
    axis = figure.axes[0]
    low, high = axis.get_ylim()
    shown = [label.get_text() for label in axis.get_yticklabels(which="both") if low <= label.get_position()[1] <= high]
    assert expected <= set(shown) and not [text for text in shown if "10^" in text]


def test_a_band_shows_values_that_stand_alone() -> None:
    _, [axis] = panels(4, 3)
    low = np.array([1.0, np.nan, 2.0, 3.0, np.nan, 4.0])
    band(axis, np.arange(6), (low, low + 1), "interval")
    bars = axis.collections[1].get_segments()
    np.testing.assert_array_equal(np.array(bars), [[[0, 1], [0, 2]], [[5, 4], [5, 5]]])


def test_many_members_are_grey_and_unnamed() -> None:
    _, right = learning_curves([curve(f"m{k}", 9, k) for k in range(9)]).axes
    assert right.get_legend() is None
    assert {to_hex(line.get_color()) for line in right.lines} == {to_hex("0.45")}


def test_curves_of_one_name_share_a_colour_and_a_line_in_the_legend() -> None:
    left, right = learning_curves([curve("a", 9, 1), curve("b", 9, 2), curve("a", 9, 3)]).axes
    colours = [line.get_color() for line in left.lines]
    assert colours[0] == colours[2] != colours[1]
    legend = right.get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    assert [line.get_color() for line in legend.get_lines()] == colours[:2]


def test_losses_below_zero_stay_on_a_linear_axis() -> None:
    sinking = Curve("all", np.arange(5.0), np.linspace(1, -2, 5), np.full(5, np.nan))
    left, _ = learning_curves([sinking]).axes
    assert left.get_yscale() == "linear" and left.get_ylim()[0] < -2 < 1 < left.get_ylim()[1]


def test_importance_ranks_covariates_and_shows_their_range() -> None:
    increase = {f"c{k}": np.array([k - 0.5, k + 1.0]) for k in range(SHOWN + 5)}
    [axis] = importance_bars(increase, "g kg-1").axes
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert labels == [f"c{k}" for k in range(SHOWN + 4, 4, -1)]
    assert [bar.get_width() for bar in axis.patches[:2]] == [SHOWN + 4.25, SHOWN + 3.25]  # type: ignore[attr-defined]
    assert axis.yaxis_inverted(), "the first stands on top"
    segments = axis.collections[0].get_segments()  # type: ignore[attr-defined]
    np.testing.assert_allclose(segments[0][:, 0], [SHOWN + 3.5, SHOWN + 5])


def test_time_steps_keep_their_order_however_important() -> None:
    steps = {f"t-{k}": np.array([float(k % 3)]) for k in range(SHOWN + 5, 0, -1)}
    [axis] = importance_bars(steps, "g kg-1", ranked=False).axes
    assert [text.get_text() for text in axis.get_yticklabels()] == list(steps)


def test_every_score_of_stations_has_a_map() -> None:
    place = np.array([[-100.0, 40.0], [-90.0, 35.0]])
    scores = {name: np.array([k, k + 1.0]) for k, name in enumerate(("RMSE", "R", "bias", "ubRMSE"))}
    figure = station_maps(place, scores, dict.fromkeys(scores, ""))
    drawn = [axis for axis in figure.axes if axis.get_visible() and axis.get_xlabel()]
    values = [axis.collections[-1].get_array().tolist() for axis in drawn]  # type: ignore[union-attr]
    assert values == [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    assert sum(not axis.get_visible() for axis in figure.axes) == 2, "two rows of three, two of them empty"


@pytest.mark.parametrize("name", ["cost $a$ $b", "\u571f\u58e4", "a_b^c \\alpha $", ""])
def test_any_name_can_be_drawn(name: str) -> None:
    figure: Figure = importance_bars({name: np.array([1.0, 2.0]), "other": np.array([0.0])}, "g kg-1")
    assert png(figure)[:4] == b"\x89PNG"


def test_a_quantity_without_unit_has_no_brackets() -> None:
    assert (with_unit("NDVI", ""), with_unit("soc", "%")) == ("NDVI", "soc [%]")


def test_distances_of_a_million_places_are_drawn_as_those_of_few() -> None:
    random = np.random.default_rng(1)
    many, few = random.gamma(2, 30, 1_000_000), random.gamma(2, 30, 300)
    lines = cumulative_distances({"many": many, "few": few}).axes[0].get_lines()
    x, share = (np.asarray(part, dtype=float) for part in lines[0].get_data())
    assert len(x) < 5000 and share[-1] == 1 and x[-2] == many.max()
    for distance in (1.0, 20.0, 60.0, 150.0):
        drawn = share[np.searchsorted(x, distance, side="right") - 1]
        assert drawn == pytest.approx((many <= distance).mean(), abs=1e-3)
    assert len(lines[1].get_xdata()) == len(few) + 2


def test_residuals_of_many_places_are_averaged_and_none_hides_the_others() -> None:
    """A twentieth of large residuals, drawn last, would have covered the map."""
    random = np.random.default_rng(2)
    place = random.uniform([75, 20], [130, 50], (60_000, 2))
    residual = np.where(random.random(60_000) < 0.05, 20.0, -1.0)
    [dots] = [found for found in residual_map(place, residual, SOC).axes[0].collections]
    drawn, values = np.asarray(dots.get_offsets()), np.asarray(dots.get_array())
    assert len(drawn) <= CELLS * CELLS and (drawn >= [75, 20]).all() and (drawn <= [130, 50]).all()
    assert np.median(values) == -1.0 and values.mean() == pytest.approx(residual.mean(), abs=0.3)
    few = residual_map(place[:MANY], residual[:MANY], SOC).axes[0].collections[0]
    assert len(few.get_offsets()) == MANY
