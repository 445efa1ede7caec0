"""Tables of cells, long and wide: what is read, what is left out, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.gwsa.layout import month_of_date
from geoml_cli.work.reporting import NullReporter

PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]
NUMBERS = ("lat", "lon", "time", "year", "cell", "category", "rf", "E", "DEM", "GWS")


def arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    return {name: np.array(dataset.array(name)) for name in NUMBERS}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_a_long_table_is_written_as_it_stands(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    written = arrays(dataset)
    for name in ("lat", "lon", "year", "rf", "E", "DEM", "GWS"):
        np.testing.assert_allclose(written[name], long[name], rtol=1e-6)
    assert written["category"].tolist() == long["LC"].tolist()
    assert written["cell"].tolist() == [0, 0, 0, 1, 1, 1]
    assert written["time"].tolist() == [int(pd.Timestamp(f"{year}-01-01").timestamp()) // 60 for year in long["year"]]
    assert dataset.labels("dynamic") == ["rf", "E"] and dataset.labels("static") == ["DEM"]
    assert dataset.labels("target") == ["GWS"] and dataset.labels("category_name")[12] == "cropland"
    assert (dataset.unit("GWS"), dataset.unit("rf"), dataset.unit("DEM")) == ("cm", "mm yr-1", "m")
    assert dataset.manifest.facts["step"] == "year"


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".xlsx"])
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_all_forms_of_a_table_are_the_same(
    raw: Path, layout: str, suffix: str, prepare_gwsa: PrepareGwsa, request: pytest.FixtureRequest
) -> None:
    frame = request.getfixturevalue(layout)
    path = raw / f"t{suffix}"
    writer = {".parquet": frame.to_parquet, ".xlsx": frame.to_excel}.get(suffix, frame.to_csv)
    writer(path, index=False)
    written = arrays(prepare_gwsa(raw)[0])
    path.unlink()
    request.getfixturevalue("long").to_csv(raw / "t.csv", index=False)
    same(written, arrays(prepare_gwsa(raw)[0]))


@pytest.mark.parametrize(("separator", "decimal"), [(";", ","), ("\t", "."), ("|", ".")])
def test_delimiters_and_decimal_commas(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa, separator: str, decimal: str
) -> None:
    text = long.to_csv(index=False, sep=separator, decimal=decimal, lineterminator="\r\n")
    (raw / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    written = arrays(prepare_gwsa(raw)[0])
    np.testing.assert_allclose(written["GWS"], long["GWS"])
    np.testing.assert_allclose(written["lat"], long["lat"])


def test_parts_of_a_table_are_joined(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long[long["year"] < 2005].to_csv(raw / "1.csv", index=False)
    long[long["year"] == 2005][long.columns[::-1]].to_csv(raw / "2.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    order = np.lexsort((dataset.array("year"), dataset.array("cell")))
    np.testing.assert_allclose(dataset.array("rf")[order], long["rf"])
    assert dataset.array("cell")[order].tolist() == [0, 0, 0, 1, 1, 1]


def test_rows_with_fills_are_left_out_and_counted(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long = long.astype({"LC": float})
    long.loc[0, ["rf", "E"]] = -99999
    long.loc[1, "LC"] = -9999
    long.loc[2, "DEM"] = np.nan
    long.loc[3, "GWS"] = np.inf
    long.loc[4, "E"] = 1e30
    long.to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    funnel = dataset.manifest.funnel
    assert funnel.dropped == {"fill value (not above -9998)": 2, "no value": 1, "infinite value, or 9e18 and more": 2}
    assert (funnel.read, funnel.kept) == (6, 1)
    assert funnel.notes == ["rows left out, by column that lacks a value: E 2, rf 1, LC 1, DEM 1, GWS 1"]
    assert dataset.array("GWS").tolist() == [-6]


def test_a_fill_in_a_column_that_is_not_used_costs_nothing(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    long.assign(NDVI=-99999, remark="x, y").to_csv(raw / "t.csv", index=False)
    assert prepare_gwsa(raw)[0].manifest.funnel.kept == 6


def test_values_just_above_the_fills_are_kept(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.loc[0, "rf"], long.loc[1, "rf"] = -9998.0, -9997.9
    long.to_csv(raw / "t.csv", index=False)
    assert prepare_gwsa(raw)[0].array("year").tolist() == [2004, 2005, 2003, 2004, 2005]


def test_rounding_of_coordinates_splits_no_cell(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.loc[1, "lon"], long.loc[2, "lat"] = 100.12500049, 30.12499951
    long.loc[4, "lon"] = 100.375 - 2e-6
    long.to_csv(raw / "t.csv", index=False)
    assert prepare_gwsa(raw)[0].array("cell").tolist() == [0, 0, 0, 2, 1, 2]


def test_both_ways_to_count_longitudes_are_one(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long["lon"] = [260.125, 260.125, -99.875, 10, 10, 10]
    long.to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    assert dataset.array("lon").tolist() == [-99.875] * 3 + [10] * 3
    assert dataset.array("cell").tolist() == [0, 0, 0, 1, 1, 1]


def test_months(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long["year"] = ["2003_01", "2003_2", "2003-12"] * 2
    long.to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    days = np.array(dataset.array("time")).astype("datetime64[m]").astype("datetime64[D]").astype(str)
    assert days[:3].tolist() == ["2003-01-01", "2003-02-01", "2003-12-01"]
    assert dataset.array("year").tolist() == [2003] * 6
    assert dataset.unit("rf") == "mm month-1" and dataset.manifest.facts["step"] == "month"


@pytest.mark.parametrize("name", ["month", "Mon"])
def test_months_may_stand_beside_the_years(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa, name: str) -> None:
    """The same rows, with the time in one column and in two."""
    number = long["year"].astype(int) % 12 + 1
    apart = long.assign(**{name: number})
    apart.to_csv(raw / "gwsa.csv", index=False)
    found, _ = prepare_gwsa(raw)
    joined = long.assign(year=[f"{int(year)}_{month:02d}" for year, month in zip(long["year"], number, strict=True)])
    joined.to_csv(raw / "gwsa.csv", index=False)
    expected, _ = prepare_gwsa(raw)
    np.testing.assert_array_equal(found.array("time"), expected.array("time"))
    assert len(set(np.asarray(found.array("time")).tolist())) == long["year"].nunique()
    assert found.unit("rf") == expected.unit("rf") == "mm month-1"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_days_stand_for_their_months(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa, suffix: str) -> None:
    months = [7, 11, 7, 7, 7, 12][: len(long)]
    days = pd.to_datetime([f"{int(y)}-{m:02d}-16" for y, m in zip(long["year"], months, strict=True)])
    table = long.drop(columns="year").assign(date=days)
    (table.to_csv if suffix == ".csv" else table.to_parquet)(raw / f"gwsa{suffix}", index=False)
    expected = [f"{int(y)}-{m:02d}" for y, m in zip(long["year"], months, strict=True)]
    found, _ = prepare_gwsa(raw)
    assert found.manifest.facts["step"] == "month" and found.manifest.funnel.kept == len(long)
    months_found = np.array(found.array("time")).astype("datetime64[m]").astype("datetime64[M]").astype(str)
    assert sorted(months_found.tolist()) == sorted(expected)
    assert month_of_date("2003-07-16T12:00:00Z") == month_of_date("2003-07-16 00:00:00+00:00") == "2003-07"
    assert month_of_date("2003-07-16T12:00:00+08:00") == "2003-07-16T12:00:00+08:00", "no time of UTC"


def test_a_month_of_its_own_is_that_of_the_date(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    months = [8] + [7] * (len(long) - 1)
    days = [f"{int(year)}-{month:02d}-16" for year, month in zip(long["year"], months, strict=True)]
    for column in (months, [f"month {month}" for month in months]):
        long.assign(year=days, month=column).to_csv(raw / "gwsa.csv", index=False)
        found, _ = prepare_gwsa(raw)
        assert found.manifest.facts["step"] == "month" and found.manifest.funnel.kept == len(long)
    long.assign(year=days, month=7).to_csv(raw / "gwsa.csv", index=False)
    with pytest.raises(DataError, match="line 2, column month: month is 7, and year is of 2003-08; 1 rows are like"):
        prepare_gwsa(raw)
    long.assign(year=days).to_csv(raw / "gwsa.csv", index=False)
    assert prepare_gwsa(raw)[0].manifest.facts["step"] == "month"
    running = np.arange(4, 4 + len(long)) * 4  # no months: beyond 12
    long.assign(year=days, month=running).to_csv(raw / "gwsa.csv", index=False)
    assert prepare_gwsa(raw)[0].manifest.facts["step"] == "month"
    floats = long.assign(year=days, month=np.full(len(long), 7.0))
    floats.to_csv(raw / "gwsa.csv", index=False, sep=";", decimal=",")
    with pytest.raises(DataError, match="line 2, column month: month is 7, and year is of 2003-08"):
        prepare_gwsa(raw)


@pytest.mark.parametrize("month", [True, False])
def test_a_second_time_is_that_of_the_first(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa, month: bool
) -> None:
    years = long["year"].astype(int)
    dates = long.assign(date=[f"{year}-07-16" for year in years])
    dates = dates.assign(month=7) if month else dates
    dates.to_csv(raw / "gwsa.csv", index=False)
    assert prepare_gwsa(raw)[0].manifest.facts["step"] == ("month" if month else "year")
    dates.assign(year=years + 1).to_csv(raw / "gwsa.csv", index=False)
    with pytest.raises(DataError, match="line 2, column date: date is of 2003-07, and year of 2004"):
        prepare_gwsa(raw)
    if month:
        dates.assign(month=8).to_csv(raw / "gwsa.csv", index=False)
        with pytest.raises(DataError, match="column date: date is of 2003-07, and year of 2003-08"):
            prepare_gwsa(raw)
    dates.assign(date="2025-11-28").to_csv(raw / "gwsa.csv", index=False)  # of a download
    assert prepare_gwsa(raw)[0].manifest.funnel.kept == len(long)


def test_a_month_may_stand_beside_years_of_any_name(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.rename(columns={"year": "time"}).assign(month=7).to_csv(raw / "gwsa.csv", index=False)
    found, _ = prepare_gwsa(raw)
    assert found.manifest.facts["step"] == "month" and found.array("year").tolist() == [2003, 2004, 2005] * 2


def test_years_and_months_may_have_names_of_other_languages(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    months = pd.concat([long.assign(month=month, rf=month) for month in (1, 2)])
    months.to_csv(raw / "gwsa.csv", index=False)
    expected, _ = prepare_gwsa(raw)
    months.rename(columns={"year": "Jahr", "month": "Monat"}).to_csv(raw / "gwsa.csv", index=False)
    found, _ = prepare_gwsa(raw)
    assert found.manifest.facts["step"] == "month" and found.manifest.funnel.kept == len(months)
    np.testing.assert_array_equal(found.array("rf"), expected.array("rf"))


def test_a_date_next_to_the_year_is_named_where_rows_repeat(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    months = pd.concat([long.assign(date=f"2003-{month:02d}-01", year=2003, rf=month) for month in (1, 2)])
    months = months.drop_duplicates(["pointid", "date"])
    months.to_csv(raw / "gwsa.csv", index=False)
    with pytest.raises(DataError, match="If date tells the months, remove the column of the year"):
        prepare_gwsa(raw)
    months.drop(columns="year").to_csv(raw / "gwsa.csv", index=False)
    found, _ = prepare_gwsa(raw)
    assert found.manifest.facts["step"] == "month" and found.manifest.funnel.kept == 4


def test_rows_without_a_time_are_of_any_step(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    monthly = long.assign(year=["2003_01", "2003_02", "2003_03"] * 2)
    monthly.to_csv(raw / "a.csv", index=False)
    monthly.head(2).assign(year=None).to_csv(raw / "b.csv", index=False)
    monthly.head(2).assign(year=None, month=None).to_csv(raw / "c.csv", index=False)
    found, _ = prepare_gwsa(raw)
    assert found.manifest.facts["step"] == "month" and found.manifest.funnel.kept == 6


def test_a_wide_table_may_tell_when_it_was_made(raw: Path, wide: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    wide.to_csv(raw / "t.csv", index=False)
    expected, _ = prepare_gwsa(raw)
    wide.assign(date="2024-05-01").to_csv(raw / "t.csv", index=False)
    found, _ = prepare_gwsa(raw)
    assert found.array("rf").tolist() == expected.array("rf").tolist()


def test_a_month_that_is_none_is_refused_and_a_missing_one_leaves_the_row_out(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    months = np.full(len(long), 7.0)
    months[3] = 13
    long.assign(month=months).to_csv(raw / "gwsa.csv", index=False)
    with pytest.raises(DataError, match=r"13 is no month of a year\. Write 1 to 12"):
        prepare_gwsa(raw)
    months[3] = np.nan
    long.assign(month=months).to_csv(raw / "gwsa.csv", index=False)
    assert prepare_gwsa(raw)[0].manifest.funnel.kept == len(long) - 1


@pytest.mark.parametrize("written", ["{}_{}", "{}-{}", "{}{}", "{}-{}-15", "{}{}15", "{}_{}_01"])
def test_a_wide_table_of_months(raw: Path, wide: pd.DataFrame, prepare_gwsa: PrepareGwsa, written: str) -> None:
    months = {"2003": ("2003", "11"), "2004": ("2003", "12"), "2005": ("2004", "01")}
    stamps = {f"_{year}": "_" + written.format(*month) for year, month in months.items()}
    wide.columns = [f"{name[:-5]}{stamps[name[-5:]]}" if name[-5:] in stamps else name for name in wide.columns]
    wide.to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    assert dataset.array("rf").tolist() == [500, 510, 520, 600, 610, 620]
    assert dataset.array("year").tolist() == [2003, 2003, 2004] * 2
    assert dataset.manifest.facts["step"] == "month"


@pytest.mark.parametrize("written", ["2003{:02d}", "2003{:02d}15"])
def test_a_long_table_of_months_without_a_separator(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa, written: str
) -> None:
    months = long["year"] - 2000  # March to May
    long.assign(year=[f"2003-{month:02d}" for month in months]).to_csv(raw / "gwsa.csv", index=False)
    expected = arrays(prepare_gwsa(raw)[0])
    long.assign(year=[written.format(month) for month in months]).to_csv(raw / "gwsa.csv", index=False)
    same(arrays(prepare_gwsa(raw)[0]), expected)


def test_land_cover_of_years_is_that_of_their_months(raw: Path, wide: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    months = {"_2003": "_2003_11", "_2004": "_2003_12", "_2005": "_2004_1"}
    table = wide.drop(columns="LC_2005")
    table.columns = [f"{name[:-5]}{months[name[-5:]]}" if name[-5:] in months and not name.startswith("LC") else name
                     for name in table.columns]  # fmt: skip
    table.to_csv(raw / "t.csv", index=False)
    dataset, reporter = prepare_gwsa(raw)
    assert dataset.manifest.facts["step"] == "month" and not reporter.warned
    cover = wide.sort_values("pointid")[["LC_2003", "LC_2004"]].astype(int).to_numpy()
    assert dataset.array("category").tolist() == [code for first, last in cover for code in (first, first, last)]
    table.rename(columns={"LC_2003": "LC_1993", "LC_2004": "LC_1994"}).to_csv(raw / "t.csv", index=False)
    with pytest.raises(DataError, match="there are both years and months"):
        prepare_gwsa(raw)


def test_a_year_without_a_column_is_left_out_and_told(raw: Path, wide: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    wide.drop(columns="E_2004").to_csv(raw / "t.csv", index=False)
    dataset, reporter = prepare_gwsa(raw)
    assert dataset.array("year").tolist() == [2003, 2005] * 2
    assert dataset.manifest.funnel.dropped == {"no value": 2}
    assert reporter.warned == ["there is no column E_2004: rows of these times are left out"]


def test_a_table_without_the_target_is_prepared_for_prediction(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    long.drop(columns="GWS").to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    assert np.isnan(dataset.array("GWS")).all() and len(dataset.array("GWS")) == 6
    assert dataset.unit("GWS") == "cm"
    note = "there is no column {} (--target): the samples can be predicted, not trained on"
    assert note.format("GWS") in dataset.manifest.funnel.notes
    long.to_csv(raw / "t.csv", index=False)
    slip = note.format("GWSA") + ". Did you mean --target GWS?"
    assert slip in prepare_gwsa(raw, target="GWSA")[0].manifest.funnel.notes
    assert not any("--target" in note for note in prepare_gwsa(raw)[0].manifest.funnel.notes)


def test_a_target_with_its_unit_in_the_header_is_named(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    long.rename(columns={"GWS": "GWS [mm]"}).to_csv(raw / "t.csv", index=False)
    [note] = [note for note in prepare_gwsa(raw)[0].manifest.funnel.notes if "--target" in note]
    assert note.endswith(". Did you mean --target 'GWS [mm]'?")
    dataset, _ = prepare_gwsa(raw, target="GWS [mm]", units=("GWS [mm]=mm",))
    assert dataset.array("GWS [mm]")[:].tolist() == long["GWS"].tolist() and dataset.unit("GWS [mm]") == "mm"


def test_rows_that_repeat_others_are_counted(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    pd.concat([long, long.iloc[[1, 4, 1]]]).to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    assert dataset.manifest.funnel.dropped == {"repeats an earlier row": 3}
    assert dataset.array("rf").tolist() == long["rf"].tolist()


def test_memory_decides_only_how_much_is_read_at_once(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd.concat([long, long.iloc[[1, 4]]]).to_csv(raw / "t.csv", index=False)
    whole = arrays(prepare_gwsa(raw)[0])
    sizes = []

    def few(*given: object) -> int:
        sizes.append(given)
        return 2

    monkeypatch.setattr("geoml_cli.sources.gwsa.tables.rows_at_once", few)
    same(whole, arrays(prepare_gwsa(raw, memory="64MB")[0]))
    assert sizes and sizes[0][2] == 32 << 20


def test_units_can_be_given(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.rename(columns={"rf": "tp"}).to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw, dynamic=("tp", "E"), units=("tp=m", "E=kg m-2"))
    assert (dataset.unit("tp"), dataset.unit("E")) == ("m", "kg m-2")
    assert "not documented" in dataset.manifest.variables["tp"].long_name


def test_a_unit_that_is_not_documented_is_not_compared(
    raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    long.rename(columns={"rf": "tp"}).to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw, dynamic=("tp", "E"))
    assert dataset.unit("tp") == "1" and "tp" not in dataset.manifest.units()
    assert dataset.manifest.units()["E"] == "mm yr-1"
    dataset, _ = prepare_gwsa(raw, dynamic=("tp", "E"), units=("tp=1",))
    assert dataset.manifest.units()["tp"] == "1", "the user says so"


@pytest.mark.parametrize(("name", "factor"), [("GWS", 10.0), ("E", 0.04), ("rf", 1000.0)])
def test_files_of_other_years_in_another_unit_are_refused(
    raw: Path, prepare_gwsa: PrepareGwsa, name: str, factor: float
) -> None:
    random = np.random.default_rng(5)
    rows = pd.DataFrame({"lat": [30.125 + 0.25 * (n % 8) for n in range(80)], "lon": 100.125, "DEM": 900, "LC": 10})
    rows["year"] = [2003 + n // 8 for n in range(80)]
    rows = rows.assign(**{of: random.gamma(9, size / 9, 80) for of, size in (("rf", 700), ("E", 400), ("GWS", 3))})
    rows[rows["year"] < 2008].to_csv(raw / "a.csv", index=False)
    later = rows[rows["year"] >= 2008]
    later.to_csv(raw / "b.csv", index=False)
    plain = prepare_gwsa(raw)[0].array(name)[:]
    later.assign(**{name: later[name] * factor}).to_csv(raw / "b.csv", index=False)
    with pytest.raises(DataError, match=rf"b\.csv, line 2: {name} of 2008 to 2012 is about .*--units {name}=UNIT"):
        prepare_gwsa(raw)
    unit = {"GWS": "cm", "E": "mm yr-1", "rf": "mm yr-1"}[name]
    kept = prepare_gwsa(raw, units=(f"{name}={unit}",))[0].array(name)[:]
    assert len(kept) == len(plain) and not np.allclose(kept, plain)


def test_regions_of_other_years_are_no_other_unit(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    """A dry region in the first years and a wet one in the later; two years of one region in two units are."""
    random = np.random.default_rng(6)
    rows = pd.DataFrame({"lat": [30.125 + 0.25 * (n % 8) for n in range(64)], "DEM": 900, "LC": 10})
    rows["year"] = [2003 + n // 8 for n in range(64)]
    rows["lon"] = np.where(rows["year"] < 2007, 100.125, 120.125)
    size = np.where(rows["year"] < 2007, 1, 20)
    rows = rows.assign(rf=random.gamma(9, 10, 64) * size, E=random.gamma(9, 5, 64) * size, GWS=random.normal(size=64))
    rows.to_csv(raw / "t.csv", index=False)
    assert prepare_gwsa(raw)[0].manifest.funnel.kept == 64
    few = rows[rows["year"] < 2005]
    few.assign(GWS=few["GWS"] * np.where(few["year"] == 2004, 30, 1)).to_csv(raw / "t.csv", index=False)
    prepare_gwsa(raw)  # anomalies of two years
    few.assign(rf=few["rf"] * np.where(few["year"] == 2004, 0.1, 1)).to_csv(raw / "t.csv", index=False)
    with pytest.raises(DataError, match=r"rf of 2004 is about .* times smaller than in other years"):
        prepare_gwsa(raw)


def _basin(spread: float = 1.0) -> pd.DataFrame:
    """Make yearly rows of 16 cells, their anomalies of the years being far from alike."""
    random, anomaly = np.random.default_rng(7), np.array([-9.0, 8.0, -0.5, 11.0, -7.0, 3.0])
    rows = pd.DataFrame({"lat": [30.125 + spread * (n % 16) for n in range(96)], "lon": 100.125, "DEM": 900, "LC": 10})
    rows["year"] = [2003 + n // 16 for n in range(96)]
    rows["GWS"] = anomaly[rows["year"] - 2003] + random.normal(size=96)
    return rows.assign(rf=random.gamma(9, 80, 96), LST=290 + random.normal(size=96), E=random.gamma(9, 40, 96))


def test_a_year_in_degrees_celsius_among_kelvin_is_refused(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows = _basin(0.25)
    rows.to_csv(raw / "t.csv", index=False)
    given = {"dynamic": ("rf", "LST")}
    prepare_gwsa(raw, **given)
    rows.assign(LST=rows["LST"] - np.where(rows["year"] == 2006, 273.15, 0)).to_csv(raw / "t.csv", index=False)
    words = r"line 50: LST of 2006 is in degrees Celsius, and that of other years in kelvin\. Bring all years of LST"
    with pytest.raises(DataError, match=words):
        prepare_gwsa(raw, **given)


def test_rain_that_differs_by_273_mm_is_no_temperature(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows = _basin(0.25)
    wet = rows["year"] != 2006
    rows.assign(rf=20 + np.where(wet, 273.15, 0) + rows["LST"] - 290).to_csv(raw / "t.csv", index=False)
    prepare_gwsa(raw)


def test_cells_that_lie_far_apart_are_compared_too(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows = _basin(3.5)
    rows.to_csv(raw / "t.csv", index=False)
    prepare_gwsa(raw)
    rows.assign(rf=rows["rf"] * np.where(rows["year"] == 2006, 1e-3, 1)).to_csv(raw / "t.csv", index=False)
    with pytest.raises(DataError, match=r"rf of 2006 is about .* times smaller"):
        prepare_gwsa(raw)


def test_anomalies_that_scatter_as_in_another_unit_are_noted(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows = _basin(0.25)
    rows.to_csv(raw / "t.csv", index=False)
    assert not [note for note in prepare_gwsa(raw)[0].manifest.funnel.notes if "another unit" in note]
    rows.assign(GWS=rows["GWS"] * np.where(rows["year"] == 2005, 10, 1)).to_csv(raw / "t.csv", index=False)
    [told] = [note for note in prepare_gwsa(raw)[0].manifest.funnel.notes if "another unit" in note]
    assert re.fullmatch(
        r"values of GWS of 2005 lie \d+(\.\d+)? times as far apart as in other years: another unit\?", told
    )


def test_values_that_do_not_fit_their_unit_are_told(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.assign(LST=[10.5, 11, 12, 13, 14, 35]).to_csv(raw / "t.csv", index=False)
    dataset, reporter = prepare_gwsa(raw, dynamic=("rf", "LST"))
    told = "LST runs from 10.5 to 35, which is not likely in K: give --units LST=UNIT"
    assert reporter.warned == [told] and told in dataset.manifest.funnel.notes
    assert prepare_gwsa(raw, dynamic=("rf", "LST"), units=("LST=degC",))[1].warned == []


def test_a_fill_does_not_count_as_a_value(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.loc[0, "DEM"] = -9999
    long.to_csv(raw / "t.csv", index=False)
    assert prepare_gwsa(raw)[1].warned == []


def test_a_single_file_is_a_table(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.to_csv(raw / "t.csv", index=False)
    (raw / "other.csv").write_text("no table of cells\n")
    assert prepare_gwsa(raw / "t.csv")[0].manifest.funnel.kept == 6


def test_other_files_can_be_left_out(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.to_csv(raw / "gwsa_1.csv", index=False)
    (raw / "README.txt").write_text("Groundwater, made up\n")
    assert prepare_gwsa(raw, tables="gwsa*")[0].manifest.funnel.kept == 6
    assert [file.name for file in prepare_gwsa(raw, tables="*.csv")[0].manifest.files] == ["gwsa_1.csv"]
    (raw / "gwsa_1.csv").rename(raw / ".gwsa_1.csv")
    assert prepare_gwsa(raw, tables=".gwsa*")[0].manifest.funnel.kept == 6


@pytest.mark.parametrize("first", [False, True])
def test_of_wide_columns_that_differ_in_case_the_exact_one_is_read(
    raw: Path, wide: pd.DataFrame, prepare_gwsa: PrepareGwsa, first: bool
) -> None:
    wide.to_csv(raw / "t.csv", index=False)
    expected = arrays(prepare_gwsa(raw)[0])
    others = pd.DataFrame({f"RF_{year}": [1.0, 2.0] for year in (2003, 2004, 2005)})
    pd.concat([others, wide] if first else [wide, others], axis=1).to_csv(raw / "t.csv", index=False)
    same(arrays(prepare_gwsa(raw)[0]), expected)
    # Another variable's years do not fill those that the exact name lacks.
    pd.concat([others, wide.drop(columns="rf_2004")], axis=1).to_csv(raw / "t.csv", index=False)
    dataset, reporter = prepare_gwsa(raw)
    assert set(dataset.array("year")) == {2003, 2005} and "there is no column rf_2004" in reporter.warned[-1]
    renamed = wide.rename(columns={f"rf_{year}": f"Rf_{year}" for year in (2003, 2004, 2005)})
    pd.concat([others, renamed], axis=1).to_csv(raw / "t.csv", index=False)
    with pytest.raises(DataError, match=r"RF_2003 and Rf_2003 could both be rf of 2003\. Keep one of them"):
        prepare_gwsa(raw)


def test_months_with_and_without_a_zero_are_one(raw: Path, wide: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    spelled = {"2003": "2003_01", "2004": "2003_02", "2005": "2003_03"}
    for year, month in spelled.items():
        wide.columns = [name.replace(f"_{year}", f"_{month}") for name in wide.columns]
    wide.to_csv(raw / "t.csv", index=False)
    expected = arrays(prepare_gwsa(raw)[0])
    wide.columns = [name.replace("_0", "_") if name.startswith(("rf", "GWS")) else name for name in wide.columns]
    wide.to_csv(raw / "t.csv", index=False)
    same(arrays(prepare_gwsa(raw)[0]), expected)
    wide.assign(rf_2003_01=1.0).to_csv(raw / "t.csv", index=False)
    with pytest.raises(DataError, match="rf_2003_1 and rf_2003_01 could both be rf of 2003_1"):
        prepare_gwsa(raw)


def test_columns_that_differ_in_case_are_told(
    raw: Path, wide: pd.DataFrame, long: pd.DataFrame, prepare_gwsa: PrepareGwsa
) -> None:
    for table, expected in ((wide, "rf from RF_2003, DEM from dem"), (long, "rf from RF, DEM from dem")):
        renamed = table.rename(columns=lambda name: name.replace("rf", "RF").replace("DEM", "dem"))
        renamed.to_csv(raw / "t.csv", index=False)
        told = [text for text in prepare_gwsa(raw)[0].manifest.funnel.notes if "differ in case" in text]
        assert len(told) == 1 and sorted(told[0].split(": ")[1].split(", ")) == sorted(expected.split(", "))
        table.to_csv(raw / "t.csv", index=False)
        assert not [text for text in prepare_gwsa(raw)[0].manifest.funnel.notes if "differ in case" in text]
