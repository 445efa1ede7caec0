"""Which station a row is of: names that look alike, networks, positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from smap_case import STATIONS, Rows, edit

from geoml_cli.errors import DataError
from geoml_cli.sources.smap.names import SEPARATOR, StationNames

HERE = Path("gridmet_SSM_2019.csv")
EXPORTS = ("gridmet_SSM_2019.csv", "gridmet_SSM_2020.csv")


def note(dataset, text):
    return any(text in line for line in dataset.manifest.funnel.notes)


def identities(*rows):
    return np.array([SEPARATOR.join((*row, *("",) * (4 - len(row)))) for row in rows])


def renamed(name, other):
    return lambda rows: [{**row, "ID": other if row["ID"] == name else row["ID"]} for row in rows]


def test_the_strictest_spelling_of_a_file_is_the_station():
    names = StationNames(["Fort-Cobb.1"])
    assert names.numbers(identities(["Fort_Cobb_1"], ["FortCobb1"]), HERE).tolist() == [0, -1]
    assert names.numbers(identities(["FortCobb1"]), HERE).tolist() == [0]  # alone, it is the station
    assert names.unknown == {"FortCobb1 (like Fort-Cobb.1, which stands there too)"}


def test_names_that_differ_in_their_signs_alone_are_two_stations_of_the_table():
    names = StationNames(["A-11", "A-1-1"])
    found = names.numbers(identities(["A_11"], ["A_1_1"], ["A11"]), HERE)
    assert found.tolist() == [0, 1, -1]


def test_two_names_at_one_level_are_refused():
    with pytest.raises(DataError, match=r"gridmet_SSM_2019\.csv: 'A 1' and 'a_1' could both be station 'A-1'"):
        StationNames(["A-1"]).numbers(identities(["a_1"], ["A 1"]), HERE)


def test_positions_decide_about_names_that_look_alike():
    names = StationNames(["A-1"], place=(np.array([36.0]), np.array([-97.5])))
    near, far = ["A_1", "", "36.02", "262.5"], ["A_1", "", "44", "-97.5"]  # 262.5 degrees east are 97.5 west
    assert names.numbers(identities(near), HERE).tolist() == [0]
    assert names.numbers(identities(far), HERE).tolist() == [-1]


def test_rows_of_another_network_are_not_read_and_said(raw, prepared):
    for file in EXPORTS:
        edit(raw / file, lambda rows: [*rows, *({**row, "Network": "USCRN", "pr": "77"} for row in rows)])
    dataset = prepared(raw)
    assert np.asarray(dataset.array("pr")).max() < 77
    assert note(dataset, "3 names are of another network than the table's; not read: Alpha-1 (USCRN)")


def test_a_station_that_lies_elsewhere_in_an_export_is_refused(raw, prepared):
    def exchanged(rows: Rows) -> Rows:
        return [{**row, "Latitude": row["Longitude"], "Longitude": row["Latitude"]} for row in rows]

    edit(raw / "S1_SSM_2019.csv", exchanged)
    with pytest.raises(DataError, match=r"S1_SSM_2019\.csv: station Alpha-1 lies at -97\.5, 36\.1 here, and at 36"):
        prepared(raw)


def test_a_table_of_stations_without_network_and_region(raw, prepared):
    keep = ("ID", "Latitude", "Longitude")
    edit(raw / "stations.csv", lambda rows: [{name: row[name] for name in keep} for row in rows])
    dataset = prepared(raw)
    assert dataset.labels("station") == list(STATIONS) and dataset.labels("region") == ["unknown"] * 3
    assert note(dataset, "stations.csv has no column Domain (the region): it is unknown.")


@pytest.mark.parametrize("name", ["NA", "", "-"])
def test_a_station_without_a_name_of_its_own_is_refused_with_a_remedy_that_works(raw, prepared, name):
    files = [path for path in raw.glob("*.csv") if "ID" in path.read_text(encoding="utf-8").splitlines()[0]]
    for path in files:
        edit(path, renamed("Beta_2", name))
    with pytest.raises(
        DataError, match=r"stations\.csv, row 3: the station has no ID, or one that stands for a missing"
    ):
        prepared(raw)
    for path in files:
        edit(path, renamed(name, "Namibia"))
    assert "Namibia" in prepared(raw).labels("station")


def test_a_part_that_is_missing_is_refused(raw, prepared):
    (raw / "HLSL30_SSM_2019_1.csv").rename(raw / "HLSL30_SSM_2019_2.csv")
    with pytest.raises(DataError, match=r"part 1 of the year is missing; there are HLSL30_SSM_2019_2\.csv"):
        prepared(raw)


def test_a_copy_of_another_years_file_is_refused(raw, prepared):
    (raw / "gridmet_SSM_2020.csv").write_bytes((raw / "gridmet_SSM_2019.csv").read_bytes())
    with pytest.raises(DataError, match=r"gridmet_SSM_2020\.csv: holds no day of 2020, but 2019-12-01 to "):
        prepared(raw)


def test_a_name_spelled_otherwise_in_one_file_is_said(raw, prepared):
    edit(raw / "S1_SSM_2019.csv", renamed("Beta_2", "beta 2"))
    dataset = prepared(raw)
    assert note(dataset, "1 names of stations are spelled otherwise: beta 2 is Beta_2.")
    assert dataset.labels("station") == list(STATIONS)


@pytest.mark.parametrize(
    ("written", "station"),
    [
        ("USDA_ARS_1.0", 0), ("usda_ars_10", 1),
        ("1.0", 0), ("1.", 0), ("10", 1), ("10.00", 1), ("-1", -1), ("0.1", -1), ("01", -1), ("1 0", -1),
        ("Станция 1", -1), ("畑-1", -1), ("#", -1), ("Site_1.1", -1),
        ("site 11", 2), ("Möller", -1), ("MULLER", 3), ("Mu\u0308ller", 3),
    ],
)  # fmt: skip
def test_numbers_with_decimals_and_letters_of_all_scripts(written, station):
    assert StationNames(["1", "10", "Site_11", "Müller", "###"]).numbers(identities([written]), HERE).tolist() == [
        station
    ]


def test_stations_that_are_numbers_with_decimals_are_found_in_the_truth(raw, prepared):
    before = np.asarray(prepared(raw).array("soil_moisture"))
    numbers = {name: str(number) for number, name in enumerate(STATIONS, 1)}
    for path in raw.glob("*.csv"):
        edit(path, lambda rows: [{**row, "ID": numbers.get(row.get("ID"), row.get("ID"))} for row in rows])
    edit(raw / "in_situ.csv", lambda rows: [{**row, "ID": f"{row['ID']}.0"} for row in rows])
    dataset = prepared(raw)
    np.testing.assert_array_equal(dataset.array("soil_moisture"), before)
    assert note(dataset, "3 names of stations are spelled otherwise: 1.0 is 1")
