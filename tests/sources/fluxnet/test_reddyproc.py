"""Text files in REddyProc's layout: the same data set as from AmeriFlux BASE, and refusals with their line."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest
from reddyproc_case import DRIVERS, HEAD, NAME, UNITS, rows, write

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.reddyproc import site_of

GIVEN = {"dynamic": DRIVERS, "extra": ()}
RECORDS = 61 * 48
"""Half-hours to the first of March of the leap year 2012."""


def values() -> np.ndarray:
    random = np.random.default_rng(5)
    found = random.uniform(1, 9, (RECORDS, 7)).round(3)
    found[::7, 0] = -9999
    return found


def base(folder, found):
    """Write the same records as AmeriFlux BASE."""
    folder.mkdir(exist_ok=True)
    made.site_table(folder / "siteinfo.csv", made.TOWERS)
    start = np.datetime64("2012-01-01T00:00") + np.arange(len(found)) * np.timedelta64(30, "m")
    stamps = [
        [str(moment).translate({45: None, 58: None, 84: None}) for moment in loaded] for loaded in (start, start + 30)
    ]
    names = "TIMESTAMP_START,TIMESTAMP_END,NEE,LE,SW_IN,TA,RH,VPD,USTAR"
    cells = [",".join([*pair, *(f"{v:g}" for v in row)]) for *pair, row in zip(*stamps, found, strict=True)]
    (folder / "AMF_XA-Fir_BASE_HH_1-5.csv").write_text("\n".join([names, *cells]) + "\n")
    return folder


def test_the_records_are_those_of_the_same_file_of_ameriflux(prepared, tmp_path):
    expected = prepared(base(tmp_path / "base", values()), **GIVEN)
    wanted = {name: np.array(expected.array(name)) for name in ("time", "NEE_VUT_REF", "SW_IN_F", "TA_F", "VPD_F")}
    found = prepared(write(tmp_path / "text", rows(values())), **GIVEN)
    assert found.labels("station") == ["XA-Fir"] and found.manifest.funnel.kept == RECORDS
    for name, column in wanted.items():
        np.testing.assert_array_equal(np.array(found.array(name)), column)
    assert np.isnan(wanted["NEE_VUT_REF"]).sum() == len(range(0, RECORDS, 7))


def test_fluxes_of_places_are_named_as_choices(prepared, tmp_path):
    folder = base(tmp_path / "base", values())
    [path] = folder.glob("AMF*")
    path.write_text(path.read_text().replace(",NEE,LE,", ",FC_1_1_1,NEE_VUT_05,", 1))
    with pytest.raises(DataError, match=r"FC_1_1_1") as caught:
        prepared(folder, target="FC", **GIVEN)
    assert "NEE_VUT_05" not in caught.value.fix and "none" not in caught.value.fix


def test_a_missing_second_row_does_not_change_the_length_of_records(prepared, tmp_path):
    given = rows(values())
    whole, part = (prepared(write(tmp_path / name, lines), **GIVEN)
                   for name, lines in (("a", given), ("b", [given[0], *given[2:]])))  # fmt: skip
    np.testing.assert_array_equal(part.array("time"), whole.array("time"))
    hours = given[1::2]  # ends at 1, 2, 3 h
    for name, lines in (("c", hours), ("d", [hours[0], *hours[2:]])):
        found = prepared(write(tmp_path / name, lines), **GIVEN)
        assert found.array("step").tolist() == [60] and int(found.array("time")[0]) % 1440 == 0


def test_blanks_gzip_zip_and_line_ends_are_read(prepared, tmp_path):
    given = rows(values())
    blank = [row.replace("\t", "   ") for row in given]
    first = prepared(write(tmp_path / "a", blank, HEAD.replace("\t", " "), UNITS.replace("\t", " ")), **GIVEN)
    time = np.array(first.array("time"))
    folder = write(tmp_path / "b", given)
    text = (folder / NAME).read_bytes().replace(b"\n", b"\r\n")
    (folder / NAME).unlink()
    (folder / f"{NAME}.gz").write_bytes(gzip.compress(text))
    np.testing.assert_array_equal(prepared(folder, **GIVEN).array("time"), time)
    (folder / f"{NAME}.gz").unlink()
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr(f"inside/{NAME}", text)
    np.testing.assert_array_equal(prepared(folder, **GIVEN).array("time"), time)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: [*rows[:9], rows[9].replace("\t5\t", "\t5.25\t"), *rows[10:]], "line 12: TIMESTAMP_START"),
        (lambda rows: [*rows[:9], "2012\t1\t5", *rows[10:]], "line 12: 3 cells where the header has 9"),
        (lambda rows: [*rows[:9], f"{rows[9]}\t7", *rows[10:]], "line 12: 11 cells where the header has 9"),
        (lambda rows: [*rows[:9], rows[9].rpartition("\t")[0], *rows[10:]], "line 12: 10 cells"),
        (lambda rows: [*rows[:9], rows[9].replace("2012", "20x2"), *rows[10:]], "line 12"),
        (lambda rows: [*rows[:9], rows[9].replace("2012\t1\t", "2012\t400\t"), *rows[10:]], "line 12"),
        (lambda rows: [f"2012\t1\t0\t{rows[0].split(chr(9), 3)[3]}", *rows], "line 3: begins with hour 0"),
    ],
)
def test_damaged_rows_are_refused_with_their_line(change, told, prepared, tmp_path):
    with pytest.raises(DataError, match=told):
        prepared(write(tmp_path / "raw", change(rows(values()))), **GIVEN)


@pytest.mark.parametrize(("old", "new"), [("hPa", "kPa"), ("degC", "K"), ("umolm-2s-1", "gCm-2d-1")])
def test_other_units_are_refused(old, new, prepared, tmp_path):
    with pytest.raises(DataError, match=f"is in {new}, and is read in") as refused:
        prepared(write(tmp_path / "raw", rows(values())[:400], units=UNITS.replace(old, new)), **GIVEN)
    assert "line 2" in refused.value.where


def test_a_name_without_a_site_is_named(prepared, tmp_path):
    with pytest.raises(DataError, match=r"tower.txt holds no site code"):
        prepared(write(tmp_path / "raw", rows(values())[:400], name="tower.txt"), **GIVEN)


@pytest.mark.parametrize(
    ("name", "site"),
    [("Example_DETha98.txt", "DE-Tha"), ("DE-Tha.1998.txt", "DE-Tha"), ("ATNeu02.txt", "AT-Neu"), ("fluxes.txt", ""),
     ("DETharandt.txt", "")],
)  # fmt: skip
def test_sites_of_names(name, site):
    assert site_of(name) == site
