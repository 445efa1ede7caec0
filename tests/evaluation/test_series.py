"""Series of places: each time once, with its interval, and sums that say what they leave out."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from geoml_cli.errors import SettingsError
from geoml_cli.evaluation.place_series import PlaceSeries, Summed, _longest, _once, _summed, place_sums, series_rows
from geoml_cli.evaluation.station_series import MOST_DRAWN, _drawn, figures_of_series, sum_rows, sums_table
from geoml_cli.figures.station_series import EXCERPT, StationSeries, _broken, series_excerpt, station_series

DAY = np.timedelta64(1, "D")


def series(stations: int = 2, times: int = 10, unit: str | None = "gC m-2") -> PlaceSeries:
    """Days of stations one after another; of the first station the third and fourth day are missing."""
    each = np.datetime64("2010-01-01", "m") + np.arange(times + 2) * DAY
    own = [np.delete(each, [2, 3]) if place == 0 else each[:times] for place in range(stations)]
    time = np.concatenate(own)
    error = np.repeat(np.arange(stations) + 1.0, times)
    observed = np.linspace(-3, 3, len(time))
    summed = Summed(unit, np.full(len(time), 1440.0), np.full(len(time), 1.0)) if unit else None
    return PlaceSeries(
        kind="station",
        names=[f"S/{place}" for place in range(stations)],
        first_S=np.arange(stations) * times,
        time_T=time,
        row_T=np.arange(len(time)),
        observed_T=observed,
        predicted_T={"network": observed + error, "smap": observed},
        bounds=(observed - 2, observed + 4),
        folds_T=np.ones(len(time), dtype=np.int64),
        summed=summed,
    )


def inputs(wanted: tuple[str, ...] = ()) -> SimpleNamespace:
    evaluate = SimpleNamespace(stations=wanted)
    task = SimpleNamespace(target=SimpleNamespace(name="NEE", unit="gC m-2 d-1"), unit="gC m-2 d-1")
    settings = SimpleNamespace(shared=SimpleNamespace(evaluate=evaluate))
    dataset = SimpleNamespace(has=lambda name: False)
    return SimpleNamespace(settings=settings, task=task, dataset=dataset, network=SimpleNamespace(bars=""))


def result(own: PlaceSeries) -> SimpleNamespace:
    intervals = SimpleNamespace(coverage=0.9, is_grouped=False, group="station", reason="there are 2, that takes 9")
    return SimpleNamespace(series=own, intervals=intervals, novelty_P=None)


def test_a_time_that_several_folds_test_is_there_once_and_from_the_fold_that_knows_least():
    place = np.array([1, 0, 0, 0, 1])
    minutes = np.array([5, 7, 7, 3, 5])
    is_new = np.array([False, True, False, False, False])
    kept, number = _once(place, minutes, is_new)
    assert kept.tolist() == [3, 1, 0, 4], "of two rows at 7 min the one of an unseen station; at 5 min both are known"
    assert number.tolist() == [0, 1, 2, 2]


def test_sums_leave_out_what_is_missing_and_say_how_much():
    own = series()
    first, second = place_sums(own)
    assert first.observed == pytest.approx(own.observed_T[:10].sum())
    assert first.predicted - first.observed == pytest.approx(10 * 1.0)
    assert (first.times, first.missing_days, first.longest_gap_days) == (10, 2.0, 2.0)
    assert (first.begin, first.end) == ("2010-01-01T00:00", "2010-01-13T00:00")
    assert second.missing_days == second.longest_gap_days == 0.0
    rows = list(sum_rows(own))
    assert rows[0][0] == "station" and rows[0][-2:] == ["difference", "unit"] and len(rows) == 3
    assert rows[1][-2:] == [pytest.approx(10.0), "gC m-2"]
    [shown] = sums_table(own)
    assert "no prediction interval" in shown.caption and shown.rows[0][4:6] == ["2", "2"]


def test_what_is_no_rate_per_time_has_no_sums():
    assert place_sums(series(unit=None)) == [] and sums_table(series(unit=None)) == [] and sums_table(None) == []


def test_a_record_lasts_a_step_or_its_month_even_before_a_gap():
    begin = np.array(["2010-01-01", "2010-02-01", "2011-01-01"], dtype="datetime64[m]")
    assert _longest(begin, 30).tolist() == [30.0] * 3
    assert (_longest(begin, 0) / 1440).tolist() == [31, 28, 31]
    assert (_longest(begin, -1) / 1440).tolist() == [365, 365 - 31, 365]


def test_the_file_holds_every_time_with_its_interval():
    rows = list(series_rows(series()))
    assert rows[0] == ["station", "time", "observed", "predicted", "lower", "upper", "smap", "folds"]
    assert len(rows) == 21 and [*rows[1]] == ["S/0", "2010-01-01T00:00:00", *("-3", "-2", "-5", "1", "-3"), 1]


def test_a_few_of_many_stations_are_drawn_and_it_is_said_which():
    places, choice = _drawn(inputs(), series(stations=40))
    assert places[0] == 0 and places[-1] == 39 and len(places) == MOST_DRAWN
    assert choice == "6 of 40 stations are drawn, evenly from the lowest RMSE to the highest"
    places, choice = _drawn(inputs(), series())
    assert places == [0, 1] and choice == "all stations with 5 times or more are drawn"
    assert _drawn(inputs(("S/1",)), series())[0] == [1]
    with pytest.raises(SettingsError, match=r"'S/7' is not a station of the evaluated rows.*Choices: S/0, S/1"):
        _drawn(inputs(("S/7",)), series())


def test_figures_say_what_is_drawn_and_what_the_sums_leave_out():
    own = series()
    found = dict(figures_of_series(inputs(), result(own)))
    assert list(found) == ["series.png", "station-S_0.png", "station-S_1.png"]
    caption = found["station-S_0.png"].caption
    assert "90 % prediction interval" in caption and "not valid for a new station: there are 2" in caption
    assert "2 days without one are in neither sum (the longest gap: 2 days)" in caption
    assert "in neither sum" not in found["station-S_1.png"].caption, "nothing is missing there"
    assert found["station-S_0.png"].text == "Series of 10 times at S/0, RMSE 1 gC m-2 d-1."


def test_names_that_differ_by_signs_only_have_a_figure_each():
    own = replace(series(), names=["S/0", "S#0"])
    assert len(dict(figures_of_series(inputs(), result(own)))) == 3


@pytest.mark.parametrize("times", [2, 4])
def test_too_few_times_draw_nothing(times):
    assert dict(figures_of_series(inputs(), result(series(times=times)))) == {}


def drawn(days: int, **more) -> StationSeries:
    time = np.datetime64("2001-01-01", "m") + np.arange(days) * DAY
    values = np.sin(np.arange(days) / 58.0)
    return StationSeries(time, values, {"network": values}, interval=("90 % interval", values - 1, values + 1), **more)


def test_long_series_take_several_panels_and_all_times_are_drawn():
    figure = station_series("A", drawn(3000, added=("gC m-2", np.ones(3000))), ("NEE", "gC m-2 d-1"))
    assert len(figure.axes) == 5, "four panels of the series, and one of the sums"
    assert sum(len(axis.lines[0].get_xdata()) for axis in figure.axes[:4]) >= 3000
    observed, predicted = figure.axes[-1].lines
    assert observed.get_ydata()[-1] == pytest.approx(np.sin(np.arange(3000) / 58.0).sum())
    assert predicted.get_linestyle() == "--" and figure.axes[-1].get_ylabel() == "Sum [gC m-2]"
    first, last = figure.axes[0].get_xlim()[0], figure.axes[3].get_xlim()[1]
    assert figure.axes[-1].get_xlim()[0] <= first and figure.axes[-1].get_xlim()[1] >= last


def test_lines_end_at_gaps_and_an_excerpt_is_where_times_are_closest():
    own = drawn(800)
    kept = np.r_[0:300:2, 300:800]
    own = own.part(kept)
    assert _broken(own.time).tolist() == [], "every second day is no gap"
    assert _broken(own.part(np.r_[0:100, 120:200]).time).tolist() == [100]
    figure = series_excerpt("A", own, ("NEE", ""))
    shown = figure.axes[0].lines[0].get_xdata()
    assert len(shown) == EXCERPT and shown[0] >= np.datetime64("2001-10-01")


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [0.0, np.inf]])
def test_one_time_equal_values_and_infinite_bounds_are_drawn(values):
    time = np.datetime64("2001-01-01", "m") + np.arange(len(values)) * DAY
    finite = np.nan_to_num(np.array(values), posinf=1.0)
    own = StationSeries(time, finite, {"network": finite}, interval=("90 % interval", finite - 1, np.array(values)))
    for figure in (station_series("A", own, ("x", "1")), series_excerpt("A", own, ("x", "1"))):
        figure.canvas.draw()
        assert all(np.isfinite(axis.get_ylim()).all() for axis in figure.axes)


def test_a_flux_of_half_hours_is_summed_in_grams_of_carbon():
    begin = np.arange(4) * 30
    arrays = {"time": begin, "station_first": np.array([0]), "index": np.arange(4), "step": np.array([30])}
    dataset = SimpleNamespace(
        has=arrays.__contains__, array=arrays.__getitem__, unit=lambda name: "minutes since 1970-01-01 00:00:00",
        manifest=SimpleNamespace(source="fluxnet"),
    )  # fmt: skip
    found = _summed(dataset, "umol CO2 m-2 s-1", np.array([0, 3]))
    assert found is not None and found.unit == "gC m-2" and found.minutes_T.tolist() == [30.0, 30.0]
    np.testing.assert_allclose(found.factor_T, 12.011e-6 * 1800)
    assert _summed(dataset, "cm", np.array([0])) is None


def test_of_more_times_than_can_be_seen_some_are_drawn_and_it_is_said(monkeypatch):
    monkeypatch.setattr("geoml_cli.evaluation.station_series.MOST_POINTS", 4)
    monkeypatch.setattr("geoml_cli.figures.station_series.MOST_POINTS", 4)
    own = series()
    found = dict(figures_of_series(inputs(), result(own)))
    assert "One of 3 times is drawn; series.csv holds all." in found["station-S_0.png"].caption
    figure = station_series("A", drawn(10, added=("gC m-2", np.ones(10))), ("NEE", "gC m-2 d-1"))
    assert len(figure.axes[0].lines[0].get_xdata()) == 4
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim(), "of one panel and its sums"
    assert figure.axes[-1].lines[0].get_ydata()[-1] == pytest.approx(np.sin(np.arange(10) / 58.0).sum())


def test_labels_of_low_panels_do_not_run_over_each_other_and_bars_are_as_wide_as_a_step():
    time = np.datetime64("2001-01-01", "m") + np.arange(2000) * np.timedelta64(30, "m")
    values = np.sin(np.arange(2000) / 58.0)
    own = StationSeries(time, values, {"network": values}, ("P_F", "mm", np.abs(values)), None, ("gC m-2", values))
    figure = station_series("US-AAA", own, ("NEE_VUT_REF", "umol CO2 m-2 s-1"))
    figure.canvas.draw()
    places = [axis.yaxis.label.get_window_extent() for axis in figure.axes]
    for k, label in enumerate(places):
        assert not any(label.overlaps(other) for other in places[k + 1 :])
        assert not label.overlaps(figure._suptitle.get_window_extent())
    [bars] = {round(bar.get_width() * 1440) for axis in figure.axes for bar in axis.patches}
    assert bars == 30
