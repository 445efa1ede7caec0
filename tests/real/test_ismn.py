"""Real ISMN files in their three layouts."""

from __future__ import annotations

import shutil
import zipfile

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers import ismn

SURFACE = (0.0, 0.0508)


def only(folder):
    [sensor] = ismn.find_sensors(folder)
    return sensor


def test_a_station_has_the_same_values_in_both_layouts_of_single_sensors(real_data):
    files = [only(real_data(f"ismn/{name}")) for name in ("format_header_values", "format_ceop_sep")]
    assert [file.layout for file in files] == ["header-values", "ceop-sep"]
    one, other = (ismn.read(file, SURFACE) for file in files)
    assert (files[0].station, files[0].latitude, files[0].depth) == ("Narbonne", 43.15, (0.05, 0.05))
    np.testing.assert_array_equal(one.time, other.time)
    np.testing.assert_array_equal(one.value, other.value)
    np.testing.assert_array_equal(one.flag, other.flag)
    assert len(one.time) > 700 and one.value[0] == 0.2140 and 0.9 < one.good("U").mean() < 1


def test_a_row_without_the_providers_flag_is_read_like_the_others(real_data):
    folder = real_data("ismn/format_header_values")
    rows = next(folder.rglob("*.stm")).read_text(encoding="utf-8").splitlines()[1:]
    [bare] = [place for place, row in enumerate(rows) if len(row.split()) == 4]
    readings = ismn.read(only(folder), SURFACE)
    date, clock, value, flag = rows[bare].split()
    assert str(readings.time[bare]) == f"{date.replace('/', '-')}T{clock}" and len(readings.time) == len(rows)
    assert (readings.value[bare], readings.flag[bare]) == (float(value), flag) and readings.good(("U",))[bare]


def test_ceop_gives_the_rows_of_the_depths_that_are_asked_for(real_data):
    sensor = only(real_data("ismn/format_ceop"))
    assert (sensor.layout, sensor.network, sensor.station) == ("ceop", "SMOSMANIA", "Narbonne")
    surface, all_depths = ismn.read(sensor, SURFACE), ismn.read(sensor, (0.0, 0.3))
    assert all_depths.value[:4].tolist() == [0.2913, 0.2462, 0.2841, 0.2252]  # 0.1, 0.2, 0.3 and, an hour later, 0.05 m
    assert surface.value[0] == 0.2252 and len(set(surface.time.tolist())) == len(surface.time)
    assert len(all_depths.value) > 3 * len(surface.value)
    assert np.nanmin(all_depths.value) >= 0  # -999.99 stands for a missing value


def test_bare_carriage_returns_flags_in_lists_and_a_hash_in_the_path(real_data):
    sensor = only(real_data("ismn/SCAN"))
    assert sensor.station == "Adams_Ranch_#1" and "AdamsRanch#1" in sensor.member
    readings = ismn.read(sensor, SURFACE)
    assert (str(readings.time[0]), readings.value[0], readings.flag[0]) == ("2007-01-01T00:00", 0.137, "D02")
    assert any("," in flag for flag in np.unique(readings.flag)) and len(readings.value) > 50_000
    good = readings.good(("G", "U"))
    assert 0.5 < good.mean() < 1 and not good[0]


def test_a_cosmic_ray_probe_reaches_below_the_surface(real_data):
    sensor = only(real_data("ismn/COSMOS"))
    assert not ismn.within(sensor, SURFACE) and ismn.within(sensor, (0.0, 0.2))
    assert len(ismn.read(sensor, SURFACE).value) > 6000


def test_the_zip_gives_what_the_folder_gives_and_nothing_is_written_into_it(real_data, tmp_path):
    folder, packed = tmp_path / "ismn", tmp_path / "download.zip"
    shutil.copytree(real_data("ismn/SCAN"), folder)
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.rglob("*.stm"):
            archive.write(file, file.relative_to(folder.parent))
    before = packed.read_bytes()
    one, other = (ismn.read(only(place), SURFACE) for place in (folder, packed))
    np.testing.assert_array_equal(one.value, other.value)
    assert packed.read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == [
        "download.zip",
        "ismn",
    ]
    assert all(path.suffix == ".stm" for path in folder.rglob("*") if path.is_file())


def test_a_malformed_file_is_refused_by_name(real_data, tmp_path):
    name = "SCAN_SCAN_X_sm_0.05_0.05_Probe_20200101_20201231.stm"
    shutil.copy(real_data("ismn/mal_formed_file.txt"), tmp_path / name)
    with pytest.raises(DataError, match=f"{name}: is in none of the layouts header\\+values"):
        ismn.find_sensors(tmp_path)
