"""Figures of forecasts: what is drawn where, in which colours, and how fast it runs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.figures import forecast
from geoml_cli.figures.forecast import Field, animation_gif, comparison, contingency, events, frame_png
from geoml_cli.figures.style import png

LAT, LON = np.linspace(30, 24, 7), np.linspace(120, 129, 10)
LAND = np.zeros((7, 10), dtype=bool)
LAND[0, :3] = True
RANDOM = np.random.default_rng(0)
TRUTH = np.where(LAND, np.nan, RANDOM.normal(0, 1, (3, 7, 10)))
FORECAST = np.where(LAND, np.nan, TRUTH + RANDOM.normal(0, 0.1, (3, 7, 10)))


def field(*, signed=True, axes=None):
    return Field("flux", "mol m-2 yr-1", axes or GridAxes(LAT, LON), LAND, signed)


def images(figure):
    return [image for axis in figure.axes for image in axis.images if image.get_array().count() > LAND.sum()]


@pytest.mark.parametrize("leads", [1, 3])
def test_truth_forecast_and_error_are_drawn_in_this_order(leads):
    figure = comparison(TRUTH[:leads], FORECAST[:leads], field(), [f"month {k + 1}" for k in range(leads)])
    drawn = [np.ma.filled(image.get_array(), np.nan) for image in images(figure)]
    expected = [*TRUTH[:leads], *FORECAST[:leads], *(FORECAST - TRUTH)[:leads]]
    assert len(drawn) == 3 * leads
    for one, other in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(one, other)
    labels = {axis.get_ylabel() for axis in figure.axes} | {axis.get_title() for axis in figure.axes}
    assert {"flux [mol m-2 yr-1]", "Error [mol m-2 yr-1]"} <= labels
    assert "Truth, month 1" in labels and ("Forecast - truth, month 3" in labels) == (leads == 3)
    assert len(png(figure)) > 5000


def test_scales_end_at_the_98th_percentile_and_are_shared():
    truth = TRUTH.copy()
    truth[0, 5, 5] = 1e6
    truth_image, forecast_image, error_image = images(comparison(truth[:1], FORECAST[:1], field(), ["month 1"]))
    both = np.abs(np.concatenate([truth[:1], FORECAST[:1]]))
    assert truth_image.norm.vmax == pytest.approx(np.nanpercentile(both, 98)) and truth_image.norm.vmax < 100
    assert truth_image.norm.vmin == -truth_image.norm.vmax
    assert (forecast_image.norm.vmin, forecast_image.norm.vmax) == (truth_image.norm.vmin, truth_image.norm.vmax)
    assert error_image.norm.vmax == pytest.approx(np.nanpercentile(np.abs(FORECAST[:1] - truth[:1]), 98))
    plain = images(comparison(truth[:1], FORECAST[:1], field(signed=False), ["1"]))[0]
    np.testing.assert_allclose(
        [plain.norm.vmin, plain.norm.vmax], np.nanpercentile(np.concatenate([truth[:1], FORECAST[:1]]), [2, 98])
    )


def test_land_is_drawn_and_north_is_up():
    figure = comparison(TRUTH[:1], FORECAST[:1], field(), ["month 1"])
    land = figure.axes[0].images[0]
    np.testing.assert_array_equal(~np.ma.getmaskarray(land.get_array()), LAND)
    assert land.get_extent() == pytest.approx((119.5, 129.5, 23.5, 30.5))
    low, high = figure.axes[0].get_ylim()
    assert low < high


def test_rows_from_the_south_are_turned():
    turned = Field("flux", "1", GridAxes(LAT[::-1], LON), LAND[::-1], signed=True)
    one = frame_png(TRUTH[0], field(), (-2, 2))
    other = frame_png(TRUTH[0][::-1], turned, (-2, 2))
    assert one == other
    figure = comparison(TRUTH[:1, ::-1], FORECAST[:1, ::-1], turned, ["1"])
    assert figure.axes[0].images[0].get_extent() == pytest.approx((119.5, 129.5, 30.5, 23.5))
    assert figure.axes[0].get_ylim() == pytest.approx((23.5, 30.5))


def test_a_curvilinear_grid_is_drawn_at_its_places():
    axes = GridAxes(*np.meshgrid(LAT, LON, indexing="ij"))
    figure = comparison(TRUTH[:2], FORECAST[:2], field(axes=axes), ["1", "2"])
    assert len(png(figure)) > 5000 and figure.axes[0].get_xlim()[0] < 120 < figure.axes[0].get_xlim()[1]


def test_a_frame_has_a_pixel_a_cell():
    frame = TRUTH[0].copy()
    frame[3, 3] = np.nan
    image = np.asarray(Image.open(io.BytesIO(frame_png(frame, field(), (-1, 1)))))
    assert image.shape == (7, 10, 3)

    def grey(level):
        return [round(255 * part) for part in to_rgb(level)]

    assert image[0, 0].tolist() == grey("0.72") and image[3, 3].tolist() == grey("0.92")
    assert not (image[4:] == image[4:, :, :1]).all(axis=-1).any()


def test_an_animation_shows_two_frames_a_second():
    gif = Image.open(io.BytesIO(animation_gif(TRUTH, field())))
    assert gif.n_frames == 3 and gif.info["duration"] == 500 and gif.size == (10, 7)
    assert gif.info["loop"] == 0


def test_events_are_counted_by_hand():
    truth = np.array([[1.0, 1.0, 0.0, 0.0, np.nan]])
    predicted = np.array([[1.0, 0.0, 1.0, 0.0, 1.0]])
    np.testing.assert_array_equal(contingency(truth, predicted, 0.5), [[3, 1, 2, 0, np.nan]])
    np.testing.assert_array_equal(contingency(truth, predicted, 1.0), [[3, 1, 2, 0, np.nan]], "as scores count them")
    axes = GridAxes(np.array([25.0]), LON[:5])
    figure = events(truth, predicted, Field("flux", "1", axes, np.zeros((1, 5), bool)), 0.5)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["no event (1)", "miss (1)", "false alarm (1)", "hit (1)"]
    assert len(png(figure)) > 3000


def test_fields_without_a_value_and_of_one_value_are_drawn():
    empty = np.full((1, 7, 10), np.nan)
    for truth in (empty, np.zeros((1, 7, 10))):
        for signed in (True, False):
            assert len(png(comparison(truth, truth, field(signed=signed), ["1"]))) > 2000
    assert forecast.limits_of(empty, field(), signed=False) == (0, 1)
