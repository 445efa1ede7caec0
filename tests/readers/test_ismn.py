"""ISMN files of the kinds that trip readers up, written here in their formats."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers import ismn

SURFACE = (0.0, 0.0508)
NAME = "USCRN_USCRN_Denio-52.1-WSW_sm_0.050000_0.050000_Probe-A_20200101_20200102.stm"
HEAD = "USCRN USCRN Denio_52.1_WSW 41.85 -119.64 1981.0 0.05 0.05 Probe-A"


def written(folder, lines, name=NAME, ends="\n"):
    path = folder / "USCRN" / "Denio-52.1-WSW" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ends.join([*lines, ""]).encode())
    return ismn.find_sensors(folder)[0]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_fill_values_with_flag_m_are_missing_whatever_ends_a_line(tmp_path, ends):
    rows = ["2020/01/01 00:00 0.2100 G M", "2020/01/01 01:00 -9999.0000 M M", "2020/01/01 02:00 0.2300 D01,C03 M"]
    sensor = written(tmp_path, [HEAD, *rows], ends=ends)
    readings = ismn.read(sensor, SURFACE)
    np.testing.assert_array_equal(readings.value, [0.21, np.nan, 0.23])
    np.testing.assert_array_equal(readings.good(("G",)), [True, False, False])
    np.testing.assert_array_equal(readings.good(("G", "D01", "C03")), [True, False, True])
    assert sensor.station == "Denio_52.1_WSW"  # by position, not by the path, which has hyphens


def test_rows_without_the_providers_flag_are_read(tmp_path):
    sensor = written(tmp_path, [HEAD, "2020/01/01 00:00 0.21 G", "2020/01/01 01:00 0.22 G M"])
    assert ismn.read(sensor, SURFACE).good(("G",)).all()


def ceop_rows(station="Denio_52.1_WSW"):
    head = f"USCRN USCRN {station} 41.85000 -119.64000 1981.00"
    times = [f"2020/01/01 0{hour}:00" for hour in (1, 2)]
    depths = ((0.05, "0.21 G"), (0.1, "0.31 G"))
    return [f"{time} {time} {head} - {depth:.2f} 12.10 U {value}" for time in times for depth, value in depths]


@pytest.mark.parametrize("station", ["DWSW", "Denio_52.1_WSW"])
def test_files_of_ceop_are_found_by_their_two_dates_whatever_signs_the_station_has(tmp_path, station):
    sensor = written(tmp_path, ceop_rows(), f"USCRN_USCRN_{station}_20200101_20200102.stm")
    assert (sensor.layout, sensor.station) == ("ceop", "Denio_52.1_WSW")
    assert ismn.read(sensor, SURFACE).value.tolist() == [0.21, 0.21]
    assert ismn.read(sensor, (0.0, 0.1)).value.tolist() == [0.21, 0.31, 0.21, 0.31]


def test_other_variables_are_no_soil_moisture(tmp_path):
    sensor = written(tmp_path, [HEAD, "2020/01/01 00:00 0.21 G M"])
    written(tmp_path, [HEAD, "2020/01/01 00:00 12.1 G M"], NAME.replace("_sm_", "_ts_"))
    assert ismn.find_sensors(tmp_path) == [sensor]


@pytest.mark.parametrize(
    ("low", "high", "inside"), [(0.0, 0.05, True), (0.0508, 0.0508, True), (0, 0, True), (0.1, 0.1, False)]
)
def test_depths(tmp_path, low, high, inside):
    head = HEAD.replace("0.05 0.05", f"{low} {high}")
    assert ismn.within(written(tmp_path, [head, "2020/01/01 00:00 0.21 G M"]), SURFACE) is inside


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["nothing"], "is in none of the layouts"),
        ([HEAD, "2020/01/01 00:00 wet G M"], "a value is not a number"),
        ([HEAD, "2020/01/01 00:00 0.2 G M", "2020/13/41 00:00 0.2 G M"], "cannot be read"),
    ],
)
def test_damage_is_refused_by_name(tmp_path, lines, message):
    with pytest.raises(DataError, match=rf"Denio-52\.1-WSW_sm.*{message}"):
        ismn.read(written(tmp_path, lines), SURFACE)


def test_a_file_without_a_reading_is_known_as_that_and_an_archive_of_none_other_refused(tmp_path):
    with pytest.raises(DataError, match="its files of soil moisture hold headers and no reading"):
        written(tmp_path, [HEAD])
    written(tmp_path, [HEAD, "2020/01/01 00:00 0.21 G M"], NAME.replace("0.05", "0.10"))
    assert [sensor.has_rows for sensor in ismn.find_sensors(tmp_path)] == [False, True]


def test_a_header_of_other_letters_is_told_as_that(tmp_path):
    sensor = written(tmp_path, [HEAD, "2020/01/01 00:00 0.21 G M"])
    path = next(tmp_path.rglob("*.stm"))
    path.write_text(path.read_text(encoding="utf-8").replace(HEAD.split()[2], "Denió"), encoding="utf-8")
    with pytest.raises(DataError, match="its header holds letters that are not ASCII, which the package ismn does not"):
        ismn.read(sensor, SURFACE)


def test_a_damaged_zip_and_one_that_points_outside(tmp_path):
    broken, outside = tmp_path / "a.zip", tmp_path / "b.zip"
    broken.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(DataError, match="cannot be read as a zip archive"):
        ismn.find_sensors(broken)
    with zipfile.ZipFile(outside, "w") as archive:
        archive.writestr(f"../{NAME}", f"{HEAD}\n2020/01/01 00:00 0.21 G M\n")
    with pytest.raises(DataError, match="points outside of the archive"):
        ismn.find_sensors(outside)


def test_a_folder_without_soil_moisture_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no file of soil moisture \(\.stm\)"):
        ismn.find_sensors(tmp_path)
