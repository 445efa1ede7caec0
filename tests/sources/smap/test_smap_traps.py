"""How exports and archives really look: each trap is read, counted and said, or refused by name."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from smap_case import DAYS, STATIONS, edit, head, radar, scene, stamp, table, write, write_exports

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.sources.smap.calendar import calendar_of, written_days
from geoml_cli.sources.smap.moisture_years import notes_on_years
from geoml_cli.sources.smap.scales import refuse_other_weather, refuse_weather


def note(dataset, text):
    return any(text in line for line in dataset.manifest.funnel.notes)


def values(dataset, name, station=0):
    first = [*dataset.array("station_first").tolist(), len(dataset.array("time"))]
    return np.asarray(dataset.array(name)[first[station] : first[station + 1]])


def table_columns(path):
    with path.open(encoding="utf-8") as stream:
        return next(csv.reader(stream))


def changed(column, change):
    """Return an edit that changes a column of every row."""

    def edited(rows):
        return [{**row, column: change(row[column])} for row in rows]

    return edited


def test_fill_values_count_as_missing_before_the_rule_of_twenty_percent(raw, prepared):
    def filled(rows):
        late = {stamp(date) for date in DAYS[-14:]}
        return [
            {**row, "VWC_5": "-9999" if row["ID"] == "Beta_2" and row["Date"] in late else row["VWC_5"]} for row in rows
        ]

    edit(raw / "in_situ.csv", filled)
    dataset = prepared(raw)
    assert dataset.labels("station") == ["Alpha-1", "Gamma.3"]
    assert dataset.manifest.funnel.dropped["station: 20 % or more of the ground truth is missing"] == 61
    assert dataset.manifest.funnel.per_station["Beta_2"]["kept"] == 0
    assert note(dataset, "14 rows of ground truth hold a fill value")
    assert prepared(raw, missing=0.5).labels("station") == list(STATIONS)


def test_names_with_and_without_the_prefix_dots_and_hyphens(raw, prepared):
    spelled = {"Alpha-1": "USDA_ARS_Alpha_1", "Beta_2": "Beta-2", "Gamma.3": "Gamma-3"}
    edit(raw / "gridmet_SSM_2019.csv", changed("ID", spelled.get))
    edit(raw / "in_situ.csv", changed("ID", spelled.get))
    dataset = prepared(raw)
    assert dataset.manifest.funnel.kept == 150
    assert note(dataset, "Beta-2 is Beta_2, Gamma-3 is Gamma.3, USDA_ARS_Alpha_1 is Alpha-1")


def test_a_station_without_rows_of_a_product_is_named(raw, prepared):
    for year in ("2019", "2020"):
        edit(raw / f"S1_SSM_{year}.csv", changed("ID", lambda name: "Elsewhere" if name == "Beta_2" else name))
    dataset = prepared(raw)
    assert dataset.manifest.funnel.dropped["station: no row of Sentinel-1"] == 61
    assert note(dataset, "No row of Sentinel-1 belongs to Beta_2.") and note(dataset, "not in the table of stations: E")


def test_two_scenes_a_day_the_first_in_time_or_their_mean(raw, prepared):
    content = [{key: value for key, value in row.items() if key != "year"} for row in radar() if row["year"] == "2019"]
    second = [
        {**row, "system:index": scene(DAYS[0], "235959", "0001"), "VV": -30.0}
        for row in content
        if stamp(DAYS[0]) in row["system:index"]
    ]
    write(raw / "S1_SSM_2019.csv", [*second, *content])  # ordered by the stamp of processing
    assert values(prepared(raw), "VV")[0] == -10.0
    dataset = prepared(raw, scenes="mean")
    assert values(dataset, "VV")[0] == -20.0
    assert note(dataset, "3 rows of Sentinel-1 are further ones of their station and day: their mean counts.")


def test_reflectances_scaled_by_ten_thousand_with_their_fill_value(raw, prepared):
    def dark_before_the_fill(rows):
        """A darker scene on the first day, and no value on the second scene's day."""
        red = {DAYS[0]: "0.2", DAYS[3]: "-0.9999"}
        return [
            {**row, "B4": next((v for d, v in red.items() if stamp(d) in row["system:index"]), row["B4"])}
            for row in rows
        ]

    def without_the_second(rows):
        return [row for row in rows if stamp(DAYS[3]) not in row["system:index"]]

    path = raw / "HLSL30_SSM_2019_1.csv"
    edit(path, dark_before_the_fill)
    with_fill = path.read_bytes()
    edit(path, without_the_second)
    expected = values(prepared(raw), "ndvi").copy()
    assert expected[0] < expected[3] < expected[6]  # interpolated over the scene that is not there
    path.write_bytes(with_fill)
    for year in ("2019", "2020"):
        edit(raw / f"HLSL30_SSM_{year}_1.csv", lambda rows: [scaled(row) for row in rows])
    assert b"-9999" in path.read_bytes()
    dataset = prepared(raw)
    assert not note(dataset, "reflectances of HLS outside 0..1")
    np.testing.assert_allclose(values(dataset, "ndvi"), expected, rtol=1e-5)
    assert note(dataset, "HLS reflectances are x 10,000; they were scaled to 0..1.")


def scaled(row):
    bands = {band: str(round(float(row[band]) * 10_000)) for band in ("B2", "B3", "B4", "B5", "B6", "B7")}
    return {**row, **bands}


def test_mixed_scales_are_refused(raw, prepared):
    edit(raw / "HLSL30_SSM_2020_1.csv", lambda rows: [scaled(row) for row in rows])
    with pytest.raises(DataError, match=r"files of HLS have different scales.*HLSL30_SSM_2019_1\.csv 0\.\.1"):
        prepared(raw)
    edit(raw / "HLSL30_SSM_2019_1.csv", lambda rows: [scaled(row) if k % 3 == 0 else row for k, row in enumerate(rows)])
    with pytest.raises(DataError, match=r"2019_1\.csv: most of its 180 values look like 0\.\.1, and 60 like another"):
        prepared(raw)


def test_temperatures_in_kelvin_become_the_products_numbers(raw, prepared):
    expected = values(prepared(raw), "LST").copy()
    edit(raw / "LST_MOD11A1_2020.csv", changed("mean", lambda cell: str(float(cell) * 0.02)))
    np.testing.assert_allclose(values(prepared(raw), "LST"), expected, rtol=1e-6)


def test_temperatures_of_two_scales_or_in_celsius_are_refused(raw, prepared):
    path = raw / "LST_MOD11A1_2020.csv"
    kelvin = changed("mean", lambda cell: str(float(cell) * 0.02))

    def every_other(rows):
        return [new if k % 3 else row for k, (row, new) in enumerate(zip(rows, kelvin(rows), strict=True))]

    edit(path, every_other)
    with pytest.raises(DataError, match=r"LST_MOD11A1_2020\.csv: of \d+ land-surface temperatures \d+ are the product"):
        prepared(raw)
    edit(path, changed("mean", lambda cell: "26.85"))
    with pytest.raises(DataError, match=r"0 kelvin, and \d+ neither"):
        prepared(raw)


def test_soil_moisture_in_percent_is_refused(raw, prepared):
    def percent(rows):
        return [{k: str(float(v) * 100) if "sm_surface" in k and v else v for k, v in row.items()} for row in rows]

    edit(raw / "smap_ssm_2020.csv", percent)
    with pytest.raises(DataError, match=r"smap_ssm_2020\.csv: \d+ of \d+ values of soil moisture are above 1"):
        prepared(raw)


def test_a_second_row_of_a_station_wipes_out_nothing(raw, prepared):
    expected = values(prepared(raw), "SMAP").copy()

    def blank_again(rows):
        return [*rows, {k: "" if "sm_surface" in k else v for k, v in rows[0].items()}]

    edit(raw / "smap_ssm_2019.csv", blank_again)
    np.testing.assert_array_equal(values(prepared(raw), "SMAP"), expected)


def test_reflectances_outside_their_range_are_missing_and_counted(raw, prepared):
    edit(raw / "HLSL30_SSM_2019_1.csv", lambda rows: [{**rows[0], "B4": "1.31"}, *rows[1:]])
    dataset = prepared(raw)
    assert note(dataset, "1 reflectances of HLS outside 0..1 are missing.")


def test_linear_radar_is_turned_into_decibels(raw, prepared):
    for year in ("2019", "2020"):
        edit(raw / f"S1_SSM_{year}.csv", changed("VV", lambda cell: str(10 ** (float(cell) / 10))))
        edit(raw / f"S1_SSM_{year}.csv", changed("VH", lambda cell: str(10 ** (float(cell) / 10))))
    dataset = prepared(raw)
    assert values(dataset, "VV")[0] == pytest.approx(-10.0) and note(dataset, "Sentinel-1 is linear power, 0..1")


def test_renamed_columns_reducers_and_parts(raw, prepared):
    def first_reducer(rows):
        return [{("first_1" if key == "mean" else key): value for key, value in row.items()} for row in rows]

    edit(raw / "LST_MOD11A1_2019.csv", first_reducer)
    text = (raw / "HLSL30_SSM_2019_1.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (raw / "HLSL30_SSM_2019_1.csv").write_text("".join(text[:9]), encoding="utf-8")
    (raw / "HLSL30_SSM_2019_2.csv").write_text("".join([text[0], *text[9:]]), encoding="utf-8")
    assert prepared(raw).manifest.funnel.kept == 150


def test_array_cells_are_a_failed_export(raw, prepared):
    edit(raw / "LST_MOD11A1_2019.csv", changed("mean", lambda cell: "[]"))
    with pytest.raises(DataError, match=r"LST_MOD11A1_2019\.csv: a cell holds an array, '\[\]'.*mean or mode reducer"):
        prepared(raw)


def test_the_layout_of_appeears_is_refused_by_name(raw, prepared):
    table(raw / "site-MOD11A1-061-results.csv", [{"Category": "x", "ID": "a", "MODIS_Tile": "h10v05", "Date": "2019"}])
    with pytest.raises(DataError, match="is a point sample of AppEEARS, not an export of Earth Engine"):
        prepared(raw)


def test_footprints_are_named_and_never_mixed(raw, prepared, tmp_path):
    for name in ("0.1", "0.5"):
        write_exports(tmp_path / "many" / name)
        for file in ("stations.csv", "in_situ.csv"):
            (tmp_path / "many" / name / file).rename(tmp_path / "many" / file)
    with pytest.raises(DataError, match=r"several footprints lie here \(0\.1, 0\.5\).*--footprint 0\.5"):
        prepared(tmp_path / "many")
    assert prepared(tmp_path / "many", footprint="0.1").manifest.funnel.kept == 150
    with pytest.raises(DataError, match=r"no exports of footprint 1\. There are: 0\.1, 0\.5"):
        prepared(tmp_path / "many", footprint="1")


def test_land_cover_without_a_class_is_left_out_and_releases_are_named(raw, prepared):
    edit(raw / "LC_SSM_2019.csv", lambda rows: [{**rows[0], "mode": "11"}, *rows[1:]])
    dataset = prepared(raw)
    assert dataset.manifest.funnel.dropped["land cover of no class"] == 60  # of 61 days one has no row of gridMET
    assert dataset.labels("station") == ["Beta_2", "Gamma.3"] and note(
        dataset, "Land cover: 2019 takes 2019, 2020 takes 2019"
    )


@pytest.mark.parametrize(("year", "release"), [(2016, 2016), (2017, 2016), (2018, 2019), (2020, 2021), (2022, 2021)])
def test_the_release_nearest_in_time(year, release):
    from geoml_cli.sources.smap.deriving import release_of

    assert release_of(year, [2016, 2019, 2021], "nearest", "RAW") == release


@pytest.mark.parametrize(("year", "release"), [(2016, 2016), (2018, 2016), (2020, 2019), (2022, 2021)])
def test_the_previous_release_uses_no_later_image(year, release):
    from geoml_cli.sources.smap.deriving import release_of

    assert release_of(year, [2016, 2019, 2021], "previous", "RAW") == release


def test_a_year_without_a_previous_release_is_refused(raw, prepared):
    edit(raw / "LC_SSM_2019.csv", lambda rows: [{**row, "mode": "42"} for row in rows])
    (raw / "LC_SSM_2019.csv").rename(raw / "LC_SSM_2021.csv")
    assert note(prepared(raw), "Land cover: 2019 takes 2021, 2020 takes 2021")
    with pytest.raises(DataError, match=r"2019 has no release of land cover before it; the first is 2021.*--nlcd"):
        prepared(raw, nlcd="previous")
    (raw / "LC_SSM_2021.csv").rename(raw / "LC_SSM_2019.csv")
    assert note(prepared(raw, nlcd="previous"), "Land cover: 2019 takes 2019, 2020 takes 2019")


def test_a_stated_scale_of_reflectances_is_what_the_exports_must_have(raw, prepared):
    assert prepared(raw, hls_scale="1").manifest.funnel.kept == 150
    with pytest.raises(DataError, match=r"HLSL30_SSM_.*: the values of HLS look like 0\.\.1, not like x 10,000"):
        prepared(raw, hls_scale="10000")


def test_shares_of_valid_scenes(raw, prepared):
    with pytest.raises(DataError, match=r"no sample is left .*Sentinel-1 is valid on 60 % of the days or less"):
        prepared(raw, s1_share=0.6)


def test_stations_come_from_the_exports_where_there_is_no_table(raw, prepared):
    (raw / "stations.csv").unlink()
    dataset = prepared(raw)
    assert dataset.labels("region") == ["unknown"] * 3 and note(dataset, "no table of stations")


def test_columns_of_the_ground_truth_that_are_not_read_are_named(raw, prepared):
    path = raw / "in_situ.csv"
    head, *rows = path.read_text().splitlines()
    assert not note(prepared(raw), "is not read")
    path.write_text("\n".join([f"{head},Flag,Depth", *(f"{row},D01,0.05" for row in rows)]) + "\n")
    assert note(prepared(raw), "Flag, Depth of the ground truth is not read: every row counts.")


def test_a_ground_truth_in_other_letters_is_named(raw, prepared):
    path = raw / "in_situ.csv"
    text = path.read_text()
    path.write_text(text.replace("Date", "date", 1).replace("VWC_5", "vwc_5", 1))
    with pytest.raises(
        DataError, match=r"in_situ\.csv: its columns are spelt in other letters than ID, Date and VWC_5"
    ):
        prepared(raw)
    path.write_text(text)
    prepared(raw)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("S1_SSM_2020.csv", r"there is no S1_SSM_2020\.csv.*--years"),
        ("constant_SSM.csv", r"there is no constant_SSM\.csv"),
        ("LC_SSM_2019.csv", r"holds no export such as LC_SSM_2019\.csv"),
        ("in_situ.csv", "there is no ground truth.*--truth PATH"),
    ],
)
def test_a_missing_file_is_named(raw, prepared, file, message):
    (raw / file).unlink()
    with pytest.raises(DataError, match=message):
        prepared(raw)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("gridmet_SSM_2019.csv", changed("pr", lambda cell: "wet"), r"gridmet_SSM_2019\.csv.*wet"),
        ("gridmet_SSM_2019.csv", changed("system:index", lambda cell: "x_0"), "'x_0' begins with no date YYYYMMDD"),
        ("in_situ.csv", changed("Date", lambda cell: "20190230"), "'20190230' begins with no date"),
        (
            "in_situ.csv",
            changed("Date", lambda day: f"{day[:4]}-{day[4:6]}-{day[6:]}T20:00:00-05:00"),
            "T20:00:00-05:00' is",
        ),
        ("in_situ.csv", changed("VWC_5", lambda cell: str(float(cell) * 100)), "not soil moisture in m3 m-3.*percent"),
        ("stations.csv", changed("Latitude", lambda cell: "136"), "station Alpha-1 lies at 136"),
        ("stations.csv", changed("ID", lambda cell: "same"), "two stations are called 'same'"),
    ],
)
def test_wrong_cells_are_refused_with_their_place(raw, prepared, file, change, message):
    edit(raw / file, change)
    with pytest.raises(DataError, match=message):
        prepared(raw)


@pytest.mark.parametrize("clock", ["", "T00:00:00", "T12:00:00Z", " 06:30+00:00"])
def test_days_with_a_time_in_utc_are_days(raw, prepared, clock):
    edit(raw / "in_situ.csv", changed("Date", lambda day: f"{day[:4]}-{day[4:6]}-{day[6:]}{clock}"))
    assert prepared(raw).manifest.funnel.kept == 150


def test_several_values_of_a_station_and_day_are_refused_and_repeated_rows_counted(raw, prepared):
    edit(raw / "in_situ.csv", lambda rows: [*rows, *rows[:2]])
    assert note(prepared(raw), "2 rows of ground truth repeat a station and day with the same value.")
    edit(raw / "in_situ.csv", lambda rows: [*rows, {**rows[0], "VWC_5": "0.31"}])
    with pytest.raises(DataError, match=r"in_situ\.csv.*Alpha-1 has 0\.\d+ and 0\.31 on 2019-12-01 \(1 such day\)"):
        prepared(raw)


@pytest.mark.parametrize("ends", [b"\r\n", b"\r"])
def test_line_ends_and_a_byte_order_mark(raw, prepared, ends):
    path = raw / "gridmet_SSM_2019.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", ends))
    assert prepared(raw).manifest.funnel.kept == 150


def archive(folder, station, sensor, rows, depth="0.05 0.05"):
    path = folder / "SCAN" / station / f"SCAN_SCAN_{station}_sm_0.050000_0.050000_{sensor}_20191201_20200131.stm"
    path.parent.mkdir(parents=True, exist_ok=True)
    latitude, longitude = head(STATIONS[0])["Latitude"], head(STATIONS[0])["Longitude"]
    lines = [f"SCAN SCAN {station.replace('-', '_')} {latitude} {longitude} 300 {depth} {sensor}", *rows]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def hourly(value, days=DAYS, flag="G", clocks=(0, 12)):
    return [f"{str(day).replace('-', '/')} {hour:02d}:00 {value} {flag} M" for day in days for hour in clocks]


def test_an_archive_whose_station_lies_elsewhere_is_refused(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Beta_2", "Probe-A", hourly(0.2))
    path = next((raw / "ismn").rglob("*.stm"))
    path.write_text(path.read_text().replace(" 36.1 -97.5 ", " 34.25 -105.417 "), encoding="utf-8")
    with pytest.raises(DataError, match=r"Beta_2 lies at 34.25, -105.417 here, and at 36.105, -97.5 in the table"):
        prepared(raw)


@pytest.mark.parametrize("flags", [("D03",), ("X",)])
def test_flags_that_no_value_has_are_named_as_a_cause(raw, prepared, flags):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    with pytest.raises(DataError, match=r"no value belongs to a station.*--flags, --hours and the depth"):
        prepared(raw, flags=flags)


def test_a_sensor_without_a_reading_is_counted_and_left_out(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", [])
    archive(raw / "ismn", "Alpha-1", "Probe-B", hourly(0.3))
    dataset = prepared(raw, sensors="first")
    np.testing.assert_allclose(dataset.array("soil_moisture"), 0.3, rtol=1e-6)
    assert note(dataset, "1 files of the archive hold a header and no reading; they are left out.")


@pytest.mark.parametrize(("sensors", "expected"), [("mean", 0.25), ("first", 0.2), ("all", 0.25)])
def test_several_sensors_and_depths_of_an_archive(raw, prepared, sensors, expected):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    archive(raw / "ismn", "Alpha-1", "Probe-B", hourly(0.3), depth="0 0.05")
    archive(raw / "ismn", "Alpha-1", "Probe-C", hourly(0.9), depth="0.1 0.1")
    dataset = prepared(raw, sensors=sensors)
    assert dataset.labels("station") == ["Alpha-1"]
    np.testing.assert_allclose(dataset.array("soil_moisture"), expected, rtol=1e-6)
    assert note(dataset, "1 stations have several sensors between 0 and 0.0508 m")


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [("mean", [0.2, 0.25, 0.3, 0.5]), ("first", [0.2, 0.2, np.nan, np.nan]), ("all", [0.2, 0.22, 0.3, 0.5])],
)
def test_three_sensors_at_one_depth_each_with_a_period_of_its_own(raw, prepared, sensors, expected):
    (raw / "in_situ.csv").unlink()
    # A for the first half, B over its end and on, C at last; B measures once where A does four times.
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2, DAYS[:30]) + hourly(0.2, DAYS[:30], clocks=(6, 18)))
    archive(raw / "ismn", "Alpha-1", "Probe-B", hourly(0.3, DAYS[20:45], clocks=(6,)))
    archive(raw / "ismn", "Alpha-1", "Probe-C", hourly(0.5, DAYS[45:]))
    dataset = prepared(raw, sensors=sensors, missing=1.0)
    date = np.asarray(dataset.array("time"))[np.asarray(dataset.array("index"))] // 1440
    by_day = dict(zip(date.tolist(), np.asarray(dataset.array("soil_moisture")).tolist(), strict=True))
    found = [by_day.get(int(DAYS[day].astype(np.int64)), np.nan) for day in (15, 25, 40, 55)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def second_download(raw, rows, years="20200101_20200131"):
    """Write further rows of the only sensor into a file of its own, as another download holds them."""
    [path] = (raw / "ismn").rglob("*.stm")
    head_line = path.read_text(encoding="utf-8").splitlines()[0]
    other = path.with_name(path.name.replace("20191201_20200131", years))
    other.write_text("\n".join([head_line, *rows, ""]), encoding="utf-8")


@pytest.mark.parametrize("sensors", ["mean", "first", "all"])
def test_two_downloads_of_a_sensor_are_one_sensor(raw, prepared, sensors):
    (raw / "in_situ.csv").unlink()
    rows = [*hourly(0.2, DAYS[:30]), *hourly(0.3, DAYS[30:31], clocks=(0,)), *hourly(0.4, DAYS[30:31], clocks=(6, 12))]
    rows += hourly(0.5, DAYS[31:])
    archive(raw / "ismn", "Alpha-1", "Probe-A", rows)
    whole = prepared(raw, sensors=sensors, hours=2)
    expected = np.asarray(whole.array("soil_moisture"))
    # Cut within a day, with two hours in both files.
    archive(raw / "ismn", "Alpha-1", "Probe-A", rows[:62])
    second_download(raw, rows[60:])
    dataset = prepared(raw, sensors=sensors, hours=2)
    np.testing.assert_array_equal(dataset.array("soil_moisture"), expected)
    assert note(dataset, "2 hourly values stand a second time in the files of a sensor; the first counts.")
    assert not any("several sensors" in line for line in dataset.manifest.funnel.notes)


def test_an_hour_that_stands_twice_counts_once(raw, prepared):
    (raw / "in_situ.csv").unlink()
    fills = hourly("-9999.0000", clocks=(12,), flag="M")
    archive(raw / "ismn", "Alpha-1", "Probe-A", [*fills, *hourly(0.2), *hourly(0.9, clocks=(0,))])
    dataset = prepared(raw, hours=2)
    np.testing.assert_allclose(dataset.array("soil_moisture"), 0.2, rtol=1e-6)
    twice = f"{2 * len(DAYS)} hourly values stand a second time in the files of a sensor"
    assert note(dataset, f"{twice}, of which {len(DAYS)} are others; the first counts.")


@pytest.mark.parametrize("other", ["Alpha.1", "Alpha_1", "ALPHA-1"])
def test_of_an_archives_names_the_strictest_is_the_station(raw, prepared, other):
    (raw / "in_situ.csv").unlink()
    for name, value in (("Alpha-1", 0.2), (other, 0.9)):
        archive(raw / "ismn", name, f"Probe-{value}", hourly(value))
        [path] = (raw / "ismn" / "SCAN" / name).glob("*.stm")
        head_line, rest = path.read_text(encoding="utf-8").split("\n", 1)
        own = head_line.split()
        path.write_text("\n".join([" ".join([*own[:2], name, *own[3:]]), rest]), encoding="utf-8")
    np.testing.assert_allclose(prepared(raw).array("soil_moisture"), 0.2, rtol=1e-6)


def test_stations_of_one_name_in_two_networks_are_refused_where_the_table_names_none(raw, prepared):
    (raw / "in_situ.csv").unlink()
    for path in raw.glob("*.csv"):
        edit(path, lambda rows: [{name: cell for name, cell in row.items() if name != "Network"} for row in rows])
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    [path] = (raw / "ismn").rglob("*.stm")
    other = raw / "ismn" / "USCRN" / path.name
    other.parent.mkdir()
    other.write_text(path.read_text(encoding="utf-8").replace("SCAN SCAN", "USCRN USCRN", 1), encoding="utf-8")
    with pytest.raises(DataError, match=r"station Alpha_1 is one of SCAN and one of USCRN.*leave one of the two out"):
        prepared(raw)
    other.unlink()  # the remedy
    np.testing.assert_allclose(prepared(raw).array("soil_moisture"), 0.2, rtol=1e-6)


def test_columns_of_days_outside_of_the_calendar_are_no_repeats(raw, prepared):
    expected = np.asarray(prepared(raw).array("SMAP"))
    far = {f"2012010{day}_sm_surface": "0.9" for day in range(1, 8)}
    edit(raw / "smap_ssm_2019.csv", lambda rows: [{**row, **far} for row in rows])
    dataset = prepared(raw)
    np.testing.assert_array_equal(dataset.array("SMAP"), expected)
    assert not any("several columns of a day" in line for line in dataset.manifest.funnel.notes)


def test_of_two_columns_of_a_day_the_first_value_counts(raw, prepared):
    expected = np.asarray(prepared(raw).array("SMAP"))
    for number, value in (("1", "0.9"), ("1", "")):
        edit(raw / "smap_ssm_2019.csv", lambda rows, number=number, value=value: [
            {**row, **{f"{name}_{number}": value for name in row if name.endswith("_sm_surface")}} for row in rows
        ])  # fmt: skip
        dataset = prepared(raw)
        np.testing.assert_array_equal(dataset.array("SMAP"), expected)
        assert note(dataset, "1 file has several columns of a day (smap_ssm_2019.csv): the first value counts.")


def test_a_row_of_fills_hides_no_row_of_values(raw, prepared):
    expected = np.asarray(prepared(raw).array("SMAP"))
    edit(raw / "smap_ssm_2019.csv", lambda rows: [
        {name: "-9999" if name.endswith("_sm_surface") else cell for name, cell in rows[0].items()}, *rows
    ])  # fmt: skip
    np.testing.assert_array_equal(prepared(raw).array("SMAP"), expected)


def test_flags_and_fill_values_of_an_archive(raw, prepared):
    (raw / "in_situ.csv").unlink()
    bad = [*hourly("-9999.0000", DAYS[:3], "M"), *hourly(0.4, DAYS[3:5], "D01,D03"), *hourly(0.2, DAYS[5:], "G")]
    archive(raw / "ismn", "Alpha-1", "Probe-A", bad)
    dataset = prepared(raw)
    assert dataset.manifest.funnel.per_station["Alpha-1"]["no ground truth"] == 5
    assert note(dataset, "6 hourly values are fill values such as -9999 (flag M)")
    assert prepared(raw, flags=("G", "D01", "D03")).manifest.funnel.per_station["Alpha-1"]["no ground truth"] == 3
    before = {path: path.stat().st_mtime_ns for path in raw.rglob("*")}
    prepared(raw)
    assert before == {path: path.stat().st_mtime_ns for path in raw.rglob("*")}  # nothing is written into RAW


def test_missing_values_of_an_archive_count_before_the_rule_of_twenty_percent(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    archive(raw / "ismn", "Beta_2", "Probe-A", [*hourly("-9999.0000", DAYS[:14], "M"), *hourly(0.2, DAYS[14:])])
    dataset = prepared(raw)
    assert dataset.labels("station") == ["Alpha-1"]
    assert dataset.manifest.funnel.per_station["Beta_2"]["station: 20 % or more of the ground truth is missing"] == 61


def test_a_static_table_with_a_lone_quote_and_files_of_other_variables_do_no_harm(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    folder = raw / "ismn" / "SCAN" / "Alpha-1"
    lines = ["quantity_name;unit;value;resolution;", 'saturation;m^3*m^-3;0.46;30";', "clay fraction;% weight;12;;"]
    (folder / "SCAN_SCAN_Alpha-1_static_variables.csv").write_text("\r\n".join(lines), encoding="utf-8")
    (folder / "SCAN_SCAN_Alpha-1_ts_0.05_0.05_Probe_20191201_20200131.stm").write_text("no soil moisture")
    assert prepared(raw).manifest.funnel.kept == 50


def test_an_archive_in_a_zip_gives_what_its_folder_gives(raw, prepared):
    import shutil

    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    expected = prepared(raw).array("soil_moisture").copy()
    shutil.make_archive(str(raw / "Data_separate_files_header_20191201_20200131"), "zip", raw / "ismn")
    with pytest.raises(DataError, match="several could be the ground truth"):
        prepared(raw)
    shutil.rmtree(raw / "ismn")
    np.testing.assert_array_equal(prepared(raw).array("soil_moisture"), expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0.25),
        ({"sensors": "first"}, 0.2),
        ({"sensors": "all"}, 0.28),
        ({"hours": 4}, 0.3),
        ({"sensors": "all", "hours": 4}, 0.28),
    ],
)
def test_each_depth_in_a_file_of_ceop_is_a_sensor(raw, prepared, options, expected):
    (raw / "in_situ.csv").unlink()
    place = head(STATIONS[0])
    network = f"SCAN SCAN Alpha_1 {place['Latitude']} {place['Longitude']} 300"
    lines = []
    for depth, value, clocks in (("0.00", 0.2, (0,)), ("0.05", 0.3, (0, 6, 12, 18))):
        for row in hourly(value, clocks=clocks):
            date, clock, moisture, flag, _ = row.split()
            lines.append(f"{date} {clock} {date} {clock} {network} - {depth} 11.5 U {moisture} {flag}")
    path = raw / "ismn" / "SCAN" / "Alpha-1" / "SCAN_SCAN_Alpha_1_20191201_20200131.stm"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join([*sorted(lines), ""]), encoding="utf-8")
    dataset = prepared(raw, **options)
    np.testing.assert_allclose(dataset.array("soil_moisture"), expected, rtol=1e-6)
    assert note(dataset, "1 stations have several sensors between 0 and 0.0508 m")
    for sensors in ("all", "mean"):  # at midnight both measure: five values of four hours
        with pytest.raises(DataError, match="--hours"):
            prepared(raw, sensors=sensors, hours=5)


@pytest.mark.parametrize("layout", ["ceop-sep", "ceop"])
def test_the_layouts_of_ceop_give_what_header_and_values_give(raw, prepared, layout):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2, DAYS[:30]) + hourly(0.3, DAYS[30:]))
    expected = prepared(raw).array("soil_moisture").copy()
    [path] = (raw / "ismn").rglob("*.stm")
    place, *rows = path.read_text(encoding="utf-8").splitlines()
    network, cse, station, latitude, longitude, elevation, low, high, _ = place.split()
    lines = []
    for date, clock, value, flag, own in map(str.split, rows):
        when = f"{date} {clock} {date} {clock} {network} {cse} {station} {latitude} {longitude} {elevation}"
        if layout == "ceop-sep":
            lines.append(f"{when} {low} {high} {value} {flag} {own}")
        else:  # all depths of a station in one file; the deeper one is not asked for
            lines += [
                f"{when} - {depth} 11.5 U {moisture} {flag}" for depth, moisture in ((high, value), ("0.2", "0.9"))
            ]
    path.write_text("\r".join([*lines, ""]), encoding="utf-8", newline="")
    if layout == "ceop":
        path = path.rename(path.with_name("SCAN_SCAN_Alpha_1_20191201_20200131.stm"))
    np.testing.assert_array_equal(prepared(raw).array("soil_moisture"), expected)
    # Some rows once more, of another value: each depth of a time counts once.
    again = [line.replace(" 0.2 ", " 0.4 ") for line in lines[40:46]]
    path.write_text("\r".join([*lines, *again, ""]), encoding="utf-8", newline="")
    np.testing.assert_array_equal(prepared(raw).array("soil_moisture"), expected)


def test_a_file_of_ceop_whose_name_the_package_cannot_cut_is_told(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    [path] = (raw / "ismn").rglob("*.stm")
    place, *rows = path.read_text(encoding="utf-8").splitlines()
    network, cse, station, latitude, longitude, elevation, low, high, _ = place.split()
    head_ = f"{network} {cse} {station} {latitude} {longitude} {elevation} {low} {high}"
    lines = [f"{date} {clock} {date} {clock} {head_} {value} {flag} {own}" for date, clock, value, flag, own in
             map(str.split, rows)]  # fmt: skip
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    odd = path.rename(path.with_name(path.name.replace("Alpha-1", "Alpha_1")))
    with pytest.raises(DataError, match=r"holds more _ than .*Rename the file: write - for _ within names"):
        prepared(raw)
    odd.rename(path)  # the remedy
    np.testing.assert_allclose(prepared(raw).array("soil_moisture"), 0.2, rtol=1e-6)


def test_a_station_of_the_same_name_in_another_network_is_another(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    path = next((raw / "ismn").rglob("*.stm"))
    other = raw / "ismn" / "USCRN" / path.name
    other.parent.mkdir()
    text = path.read_text(encoding="utf-8").replace("SCAN SCAN", "USCRN USCRN", 1).replace(" 0.2 ", " 0.4 ")
    other.write_text(text, encoding="utf-8")
    dataset = prepared(raw)
    np.testing.assert_allclose(dataset.array("soil_moisture"), 0.2, rtol=1e-6)
    assert note(dataset, "1 names are of another network than the table's; not read: Alpha_1 (USCRN).")


def test_an_archive_of_another_network_is_named_with_a_remedy_that_works(raw, prepared):
    (raw / "in_situ.csv").unlink()
    archive(raw / "ismn", "Alpha-1", "Probe-A", hourly(0.2))
    stations = raw / "stations.csv"
    text = stations.read_text(encoding="utf-8")
    stations.write_text(text.replace("SCAN", "NETX"), encoding="utf-8")
    with pytest.raises(DataError, match=r"4 stations are of another network .*Alpha-1 \(SCAN\), .*Correct its Network"):
        prepared(raw)
    stations.write_text(text, encoding="utf-8")
    np.testing.assert_allclose(prepared(raw).array("soil_moisture"), 0.2, rtol=1e-6)


def test_years_must_follow_one_another(raw, prepared):
    for file in ("gridmet_SSM_{}.csv", "LST_MOD11A1_{}.csv", "S1_SSM_{}.csv", "HLSL30_SSM_{}_1.csv", "smap_ssm_{}.csv"):
        (raw / file.format(2019)).rename(raw / file.format(2017))
    with pytest.raises(DataError, match="the years 2017, 2020 do not follow one another"):
        prepared(raw)


def test_a_digit_that_is_no_number_in_a_date_is_refused(tmp_path):
    from geoml_cli.sources.smap.calendar import days_of

    (tmp_path / "LST_MOD11A1_2022.csv").write_text("ID,system:index\n1,20220501\n1,202²0502\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3, column system:index: '202²0502'"):
        days_of(np.array(["20220501", "202²0502"]), tmp_path / "LST_MOD11A1_2022.csv", "system:index")


def test_the_limit_of_the_temperatures_type_is_no_temperature(raw, prepared):
    """MOD11A1 allows 65535, which is 1,310 K."""
    [path] = sorted(raw.glob("LST*2019*.csv"))
    count = 0

    def filled(rows):
        nonlocal count
        rows = [{**row, "mean": "65535" if place % 9 == 0 else row["mean"]} for place, row in enumerate(rows)]
        count = sum(row["mean"] == "65535" for row in rows)
        return rows

    edit(path, filled)
    dataset = prepared(raw)
    assert count > 3 and np.nanmax(values(dataset, "LST")) <= 18000
    assert note(dataset, "values of land-surface temperature outside 7500 to 18000 (150 to 360 K) are missing")


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01 00:00:00+01",
        "2020-01-01T00:00+01:00",
        "2020-01-01 23:00:00 MST",
        "2020-01-01 23:00:00 America/Denver",
        "2020-01-01T23:00[America/Denver]",
    ],
)
def test_times_in_another_zone_are_refused(tmp_path, text):
    (tmp_path / "t.csv").write_text(f"ID,Date\n1,20200101\n1,{text}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3, column Date: .* is a time at a distance from UTC, which may be of"):
        written_days(np.array(["20200101", text]), tmp_path / "t.csv", "Date")
    for same in (
        "2020-01-01T00:00:00Z",
        "2020-01-01 12:00+00",
        "2020-01-01 12:00 UTC",
        "20200101",
        "2020-01-01 12:00:00 AM",
    ):
        day = written_days(np.array([same]), tmp_path / "t.csv", "Date")
        assert day.astype("datetime64[D]").astype(str).tolist() == ["2020-01-01"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("vpd", 20.0, "values is above 12 (up to 20), which is no vpd in kPa. gridMET is in kPa"),
        ("sph", 8.0, "which is no sph in kg kg-1"),
        ("vs", 50.0, "which is no vs in m s-1"),
        ("eto", 60.0, "which is no eto in mm d-1"),
    ],
)
def test_weather_in_another_unit_is_refused(raw, prepared, name, value, told):
    """hPa, g kg-1, tenths of m s-1 and of mm: the numbers are all that tells of a unit."""
    edit(raw / "gridmet_SSM_2019.csv", changed(name, lambda _: value))
    with pytest.raises(DataError, match=re.escape(told)):
        prepared(raw)


def test_radiation_in_megajoules_is_known_from_a_year():
    values = np.linspace(3, 31, 400)
    with pytest.raises(DataError, match=r"srad: 99 of a hundred of its values of 365 days are below 45, as in MJ m-2"):
        refuse_weather({"srad": values}, "gridmet.csv", 365)
    # Short winter days, however many pixels: a stack says nothing of the seasons.
    refuse_weather({"srad": values, "vpd": np.full(3, np.nan)}, "stack.nc")
    refuse_weather({"srad": values}, "gridmet.csv", 90)
    refuse_weather({"srad": values * 11.6}, "gridmet.csv", 365)
    rain = np.where(np.arange(365) % 4, 0.0, 12.0)
    refuse_weather({"pr": rain}, "gridmet.csv", 365)
    with pytest.raises(DataError, match=r"pr: the mean of its values of 365 days is 0.003, which is no pr in mm d-1"):
        refuse_weather({"pr": rain / 1000}, "gridmet.csv", 365)


def test_a_year_in_another_unit_than_the_others_is_refused():
    """A cool coast in hPa stays below what kPa may be."""
    years = {Path(f"gridmet_SSM_{year}.csv"): np.array([0.4, 1.2]) for year in (2018, 2019, 2020)}
    refuse_other_weather(years, ["vpd", "pr"])
    wet = years | {Path("gridmet_SSM_2021.csv"): np.array([0.5, 9.0])}
    refuse_other_weather(wet, ["vpd", "pr"])
    other = years | {Path("gridmet_SSM_2021.csv"): np.array([4.0, np.nan])}
    with pytest.raises(
        DataError, match=r"_2021.csv: the mean of its vpd is 4, that of most files 0.4.*Bring all files"
    ):
        refuse_other_weather(other, ["vpd", "pr"])


@pytest.mark.parametrize(("name", "factor"), [("vs", 3.6), ("pr", 10.0), ("pr", 0.1), ("eto", 0.25)])
def test_a_year_of_wind_in_km_and_of_rain_in_tenths_is_refused(name, factor):
    usual = {Path(f"gridmet_SSM_{year}.csv"): np.array([3.5 + (year - 2018) / 3]) for year in range(2018, 2022)}
    refuse_other_weather(usual, [name])
    with pytest.raises(DataError, match=rf"_2019.csv: the mean of its {name} is .*Bring all files"):
        refuse_other_weather(
            {path: mean * (factor if "2019" in path.name else 1) for path, mean in usual.items()}, [name]
        )


def test_files_of_other_stations_are_no_other_unit():
    humid = {Path(f"gridmet_SSM_{year}.csv"): np.array([mean]) for year, mean in
             ((2018, 0.0035), (2019, 0.009), (2020, 0.0098), (2021, 0.0099))}  # fmt: skip
    refuse_other_weather(humid, ["sph"])


@pytest.mark.parametrize(
    ("column", "name", "value", "range_"),
    [
        ("slope", "slope", "283.8", "0 to 90"),
        ("clay_5", "clay", "-3", "0 to 100"),
        ("sand_5", "sand", "255", "0 to 100"),
        ("bd_5", "bd", "1450", "2 to 300"),
        *[("elevation", "elevation", fill, "-500 to 9000") for fill in ("-32768", "-9999.9", "-10000", "1e+20")],
    ],
)
def test_what_no_place_has_is_refused_once_with_a_remedy_that_works(raw, prepared, column, name, value, range_):
    """A fill of one station does not occur twice, as undeclared fills do that are found by their number."""
    edit(raw / "constant_SSM.csv", lambda rows: [{**rows[0], column: value}, *rows[1:]])
    with pytest.raises(DataError) as caught:
        prepared(raw)
    said = str(caught.value)
    assert f"column {column}: {name} is {float(value):g}, outside {range_}" in said
    remedy = f"--nodata {name}={float(value):g}"
    assert remedy in said
    kept = prepared(raw, nodata=(remedy.split()[1],)).array(name)
    assert float(np.float32(value)) not in kept.tolist()


@pytest.mark.parametrize(
    ("columns", "factor", "message"),
    [
        (("clay_5", "sand_5"), 0.01, "clay and sand of 3 stations are .* as in shares of 1.*Give them in %"),
        (("aspect",), np.pi / 180, "aspect of 3 stations are .* as in radians.*Give them in degrees"),
        (("clay_5", "sand_5"), 2.4, "clay and sand are .* % together at Alpha-1.*Give both in %"),
    ],
)
def test_soil_as_a_share_and_aspects_in_radians_are_refused(raw, prepared, columns, factor, message):
    def other(rows):
        return [{**row, **{column: str(float(row[column]) * factor) for column in columns}} for row in rows]

    edit(raw / "constant_SSM.csv", other)
    with pytest.raises(DataError, match=message):
        prepared(raw)


def test_dunes_have_hardly_any_clay(raw, prepared):
    kept = prepared(raw).manifest.funnel.kept
    edit(raw / "constant_SSM.csv", lambda rows: [{**row, "clay_5": "0.8", "sand_5": "97"} for row in rows])
    assert prepared(raw).manifest.funnel.kept == kept


@pytest.mark.parametrize("factor", [50.0, 0.02, 0.01])
def test_a_year_of_soil_moisture_in_another_scale_is_refused(factor):
    calendar = calendar_of((2018, 2020))
    season = 0.2 + 0.1 * np.sin(calendar.day_of_year / 58)
    of_stations = season[:, None] * np.array([0.3, 1.0, 1.5])
    of_stations[::3, 1] = np.nan

    def notes(moisture):
        return notes_on_years(moisture, STATIONS, "SMAP", "raw", calendar)

    assert notes(of_stations) == []
    wet = of_stations * np.where(calendar.years == 2019, 5, 1)[:, None]
    notes(wet)  # as a desert after rain
    winter = np.where((calendar.years == 2019) & (calendar.day_of_year > 60), np.nan, 1)[:, None]
    notes(of_stations * winter)
    other = of_stations * np.where(calendar.years == 2019, factor, 1)[:, None]
    words = "50 times larger" if factor > 1 else r"\d+(\.\d)? times smaller"
    with pytest.raises(DataError, match=f"raw: SMAP of 2019 is about {words} than in other years"):
        notes(other)
    of_stations[:, 1] = other[:, 1]
    [found] = notes(of_stations)
    assert found.startswith(f"at {STATIONS[1]} SMAP of 2019 is about") and found.endswith("or a sensor that failed?")


def test_weather_below_zero_is_missing_and_told(raw, prepared):
    kept = prepared(raw).manifest.funnel.kept
    edit(raw / "gridmet_SSM_2019.csv", lambda rows: [{**rows[0], "pr": "-5"}, *rows[1:]])
    dataset = prepared(raw)
    assert note(dataset, "1 values of gridMET are below 0, which its quantities are not; they are missing.")
    assert np.nanmin(values(dataset, "pr")) >= 0 and dataset.manifest.funnel.kept <= kept


def test_a_station_s_year_in_percent_is_refused(raw, prepared):
    kept = prepared(raw).manifest.funnel.kept
    path = next(path for path in raw.iterdir() if "situ" in path.name or "truth" in path.name)
    [year] = {stamp(date)[:4] for date in DAYS[-20:]}

    def percent(rows):
        first = rows[0]["name"] if "name" in rows[0] else next(iter(rows[0].values()))
        return [
            {**row, "VWC_5": str(float(row["VWC_5"]) * 100)}
            if row["VWC_5"] and first in row.values() and year in row["Date"]
            else row
            for row in rows
        ]

    edit(path, percent)
    with pytest.raises(DataError, match=rf"\d+ of \d+ values of .* in {year} are above 1 \(up to"):
        prepared(raw)
    edit(path, lambda rows: [{**row, "VWC_5": str(float(row["VWC_5"]) / 100)} if row["VWC_5"] and
                             float(row["VWC_5"]) > 1 else row for row in rows])  # fmt: skip
    assert prepared(raw).manifest.funnel.kept == kept


def test_rows_of_a_station_with_another_soil_moisture_are_refused(raw, prepared):
    [path] = raw.glob("smap*2019*.csv")
    edit(path, lambda rows: [*rows, rows[0]])
    assert note(prepared(raw), f"1 rows of {path.name} are further ones of their station")
    name = next(column for column in table_columns(path) if column.endswith("_sm_surface"))
    edit(path, lambda rows: [*rows[:-1], {**rows[0], name: float(rows[0][name]) * 1.3}])
    with pytest.raises(DataError, match=rf"station Alpha-1 has .* and .* in {name}.* Give one row a station"):
        prepared(raw)


def test_different_weather_of_a_day_is_refused(raw, prepared):
    def again(rows):
        return [*rows, {**rows[0], "vpd": float(rows[0]["vpd"]) + 0.5}]

    content = raw / "gridmet_SSM_2019.csv"
    # What another export rounded otherwise is the same value.
    edit(content, lambda rows: [*rows, {**rows[0], "vpd": float(rows[0]["vpd"]) * 1.0000001}])
    assert note(prepared(raw), "1 rows of gridMET are further ones of their station and day")
    edit(content, again)
    with pytest.raises(
        DataError, match=r"gridMET: station Alpha-1 has .* and .* on 2019-12-01 \(1 such day\)"
    ) as caught:
        prepared(raw)
    assert "Give one row a station and day" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "column", "value", "message"),
    [
        (
            "constant_SSM.csv",
            "elevation",
            "9",
            r"constant_SSM\.csv, column elevation: station Alpha-1 has .* and 9\. Give",
        ),
        (
            "LC_SSM_2019.csv",
            "mode",
            "42",
            r"LC_SSM_2019\.csv, column mode: station Alpha-1 has \d+ and 42\. Give one row",
        ),
    ],
)
def test_other_terrain_or_land_cover_of_a_station_is_refused(raw, prepared, file, column, value, message):
    [path] = raw.glob(file)
    before = prepared(raw)
    edit(path, lambda rows: [*rows, *rows])  # repeated, they say the same
    np.testing.assert_array_equal(prepared(raw).array("elevation"), before.array("elevation"))
    edit(path, lambda rows: [*rows, {**rows[0], column: value}])
    with pytest.raises(DataError, match=message):
        prepared(raw)


def test_other_values_of_an_image_and_station_are_refused(raw, prepared):
    edit(raw / "S1_SSM_2019.csv", lambda rows: [*rows, dict(rows[0])])
    prepared(raw)
    edit(raw / "S1_SSM_2019.csv", lambda rows: [*rows, {**rows[0], "VV": "-3.5"}])
    with pytest.raises(DataError, match=r"Alpha-1 has -?[\d.]+ and -3\.5 on 2019.*Give one row a station and image"):
        prepared(raw)


def test_a_scene_that_was_processed_twice_is_two_and_fills_stand_between_nothing(raw, prepared):
    before = np.asarray(prepared(raw).array("VV"))
    again = {"system:index": "", "VV": "-3.5"}

    def with_second(rows):
        again["system:index"] = rows[0]["system:index"].rpartition("_")[0][:-4] + "77AB_1"
        return [*rows, {**rows[0], **again}]

    edit(raw / "S1_SSM_2019.csv", with_second)
    found = prepared(raw)
    np.testing.assert_array_equal(found.array("VV"), before)
    assert note(found, "1 rows of Sentinel-1 are further ones of their station and day: the first in time counts.")
    filled = {"VV": "-9999", "VH": "-9999"}
    edit(raw / "S1_SSM_2019.csv", lambda rows: [*rows[:-1], {**rows[0], **filled}, {**rows[0], "VV": "-4.5"}])
    with pytest.raises(DataError, match=r"Alpha-1 has -?[\d.]+ and -4\.5 on 2019"):
        prepared(raw)


def test_a_fill_is_no_other_land_cover(raw, prepared):
    before = np.asarray(prepared(raw).array("land_cover"))
    edit(raw / "LC_SSM_2019.csv", lambda rows: [*rows, {**rows[0], "mode": "-9999"}])
    np.testing.assert_array_equal(prepared(raw).array("land_cover"), before)


def test_text_columns_say_nothing_of_the_decimal_sign(tmp_path):
    (tmp_path / "t.csv").write_text("ID;VWC_5;remark\n1.0;0,25;3.5\n2.0;;4.5\n", encoding="utf-8")
    [block] = open_arrow(tmp_path / "t.csv").blocks(("ID", "remark"), ("VWC_5",))
    assert block["VWC_5"][0] == 0.25 and np.isnan(block["VWC_5"][1])
    (tmp_path / "t.csv").write_text("ID;VWC_5;remark\n1;0.25;3,5\n2;;4,5\n", encoding="utf-8")
    [block] = open_arrow(tmp_path / "t.csv").blocks(("ID",), ("VWC_5",))
    assert block["VWC_5"][0] == 0.25


@pytest.mark.parametrize("first", ["", "-9999", "0,3"])
def test_the_decimal_sign_may_come_late(tmp_path, first):
    lines = ["ID;VWC_5;remark", *[f"a;{first};3.5" for _ in range(1200 if first != "0,3" else 3)]]
    (tmp_path / "t.csv").write_text("\n".join([*lines, *["a;0,25;", "a;2,5E-01;"] * 1500, ""]), encoding="utf-8")
    found = np.concatenate([block["VWC_5"] for block in open_arrow(tmp_path / "t.csv").blocks(("ID",), ("VWC_5",))])
    assert found[-1] == 0.25 and found[-2] == 0.25 and len(found) == len(lines) - 1 + 3000


def rewritten(path, delimiter, decimal=".", more=()):
    """Write a table again with another delimiter and decimal sign, and rows of text after its own."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    cells = [[re.sub(r"^(-?\d+)\.(\d+)$", rf"\1{decimal}\2", cell) for cell in row] for row in rows]
    path.write_text("\n".join([*(delimiter.join(row) for row in cells), *more, ""]), encoding="utf-8")


def test_decimal_commas_where_no_comma_separates(raw, prepared):
    before = {
        name: np.asarray(prepared(raw).array(name)) for name in ("soil_moisture", "pr", "elevation", "lat", "lon")
    }
    for path in raw.glob("*.csv"):
        rewritten(path, ";", ",")
    for name, values in before.items():
        np.testing.assert_array_equal(prepared(raw).array(name), values, err_msg=name)
    edited = (raw / "in_situ.csv").read_text(encoding="utf-8").splitlines()
    (raw / "in_situ.csv").write_text("\n".join([*edited, edited[-1].replace(",", ".")]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"in_situ\.csv, row \d+: '0\.\d+' is not a number"):
        prepared(raw)


@pytest.mark.parametrize("place", [1, 5, None])
def test_rows_of_empty_cells_are_left_out(raw, prepared, place):
    before = np.asarray(prepared(raw).array("soil_moisture"))
    for path in (raw / "in_situ.csv", raw / "S1_SSM_2019.csv", raw / "stations.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        lines.insert(len(lines) if place is None else min(place, len(lines)), "," * lines[0].count(","))
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    np.testing.assert_array_equal(prepared(raw).array("soil_moisture"), before)


def test_a_wrong_day_is_told_with_its_line(raw, prepared):
    edit(raw / "in_situ.csv", lambda rows: [*rows[:3], {**rows[3], "Date": "2019-13-01"}, *rows[4:]])
    with pytest.raises(DataError, match=r"in_situ\.csv, line 5, column Date: '20191301' begins with no date"):
        prepared(raw)
    edit(raw / "in_situ.csv", lambda rows: [*rows[:3], {**rows[3], "Date": ""}, *rows[4:]])
    with pytest.raises(DataError, match=r"in_situ\.csv, line 5, column Date: '' begins with no date"):
        prepared(raw)


def test_stations_counted_to_360_degrees_east_are_the_same(raw, prepared):
    before = {name: np.asarray(prepared(raw).array(name)) for name in ("lon", "soil_moisture", "smap_cell")}
    edit(raw / "stations.csv", changed("Longitude", lambda text: f"{float(text) + 360:.6f}"))
    for name, expected in before.items():
        np.testing.assert_allclose(prepared(raw).array(name), expected, rtol=1e-6)
