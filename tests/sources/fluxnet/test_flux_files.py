"""Folders, archives and single files: which are read, and how they are put together."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from flux_case import DAYS, balanced, columns, write

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import synthetic as made

Prepare = Callable[..., Dataset]
FIRST = "FLX_XA-Fir_FLUXNET2015_SUBSET_DD_2010-2011_1-4.csv"
HALF_HOURS = np.arange("2011-01-01", "2011-01-03", np.timedelta64(30, "m"), dtype="datetime64[m]")


def arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    records = dataset.manifest.variables.items()
    return {name: np.array(dataset.array(name)) for name, record in records if record.unit}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def half_hours(folder: Path, site: str, seed: int = 0, minutes: int = 30, code: str = "HH") -> Path:
    times = HALF_HOURS[:: minutes // 30]
    found = made.half_hourly(times, np.random.default_rng(seed))
    stamps = {"TIMESTAMP_START": times, "TIMESTAMP_END": times + np.timedelta64(minutes, "m")}
    path = folder / f"FLX_{site}_FLUXNET2015_FULLSET_{code}_2011-2011_1-4.csv"
    return made.write(path, {name: made.stamp(when, 12) for name, when in stamps.items()}, found)


def rewritten(raw: Path, change: Callable[[str], bytes], name: str = FIRST) -> None:
    content = (raw / FIRST).read_text()
    (raw / FIRST).unlink()
    (raw / name).write_bytes(change(content))


FORMS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "CR LF and BOM": (lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), FIRST),
    "bare CR": (lambda text: text.replace("\n", "\r").encode(), FIRST),
    "no last line end": (lambda text: text.rstrip("\n").encode(), FIRST),
    "blank lines": (lambda text: text.replace("\n2011", "\n\n2011", 1).encode(), FIRST),
    "quoted names": (lambda text: text.replace("TIMESTAMP,TA_F", '"TIMESTAMP","TA_F"').encode(), FIRST),
    "times with decimals": (lambda text: re.sub(r"\n(\d{8}),", r"\n\1.0,", text).encode(), FIRST),
    "times with decimals, bare name": (lambda text: re.sub(r"\n(\d{8}),", r"\n\1.0,", text).encode(), "XA-Fir.csv"),
    "quoted times": (lambda text: re.sub(r"\n(\d{8}),", r'\n"\1",', text).encode(), FIRST),
    "other fill": (lambda text: text.replace("-9999", "-9999.0").encode(), FIRST),
    "gzip": (lambda text: gzip.compress(text.encode()), f"{FIRST}.gz"),
    "words before": (lambda text: text.encode(), f"my ü data_{FIRST}"),
    "bare name": (lambda text: text.encode(), "XA-Fir.csv"),
    "newest first": (
        lambda text: "\n".join([text.split("\n")[0], *reversed(text.strip().split("\n")[1:])]).encode(),
        FIRST,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_values_in_another_form_give_the_same_data_set(raw: Path, prepared: Prepare, form: str) -> None:
    expected = arrays(prepared(raw))
    rewritten(raw, *FORMS[form])
    same(arrays(prepared(raw)), expected)


def test_archives_are_read_in_place(raw: Path, prepared: Prepare, tmp_path: Path) -> None:
    expected = prepared(raw)
    content = (raw / FIRST).read_text()
    (raw / FIRST).unlink()
    found = {f"folder é/{FIRST}": content, FIRST.replace("SUBSET", "ERAI"): "no\n", "__MACOSX/._" + FIRST: "no\n"}
    made.archive(raw / "FLX_XA-Fir_FLUXNET2015_SUBSET_2010-2011_1-4.zip", found)
    before = sorted(raw.rglob("*"))
    dataset = prepared(raw)
    same(arrays(dataset), arrays(expected))
    assert sorted(raw.rglob("*")) == before
    assert [file.name for file in dataset.manifest.files] == sorted(path.name for path in before)
    both = {FIRST: content, FIRST.replace("XA-Fir", "XB-Oak"): next(raw.glob("*XB-Oak*")).read_text()}
    alone = made.archive(tmp_path / "all.zip", both)
    same(arrays(prepared(alone, sites=str(raw / "siteinfo.csv"))), arrays(expected))


def test_a_single_file_finds_the_table_beside_it(raw: Path, prepared: Prepare) -> None:
    dataset = prepared(raw / FIRST)
    assert dataset.labels("station") == ["XA-Fir"] and float(dataset.array("lat")[0]) == made.TOWERS[0].lat
    assert {file.name for file in dataset.manifest.files} == {FIRST, "siteinfo.csv"}


def test_spans_of_a_site_are_joined_and_the_gap_between_them_is_nan(raw: Path, prepared: Prepare) -> None:
    found = columns()
    (raw / FIRST).unlink()
    early, late = np.arange(62) < 25, np.arange(62) >= 30
    for rows, span in ((early, "2010-2010"), (late, "2011-2011")):
        name = f"FLX_{{site}}_FLUXNET2015_SUBSET_DD_{span}_1-4.csv"
        write(raw, made.TOWERS[0], {key: values[rows] for key, values in found.items()}, DAYS[rows], name)
    dataset = prepared(raw)
    time, history = dataset.array("time")[:62], dataset.array("history")[:57]
    np.testing.assert_array_equal(np.diff(time), 1440)
    np.testing.assert_allclose(dataset.array("TA_F")[:62][~early & ~late], np.nan)
    assert history.tolist() == [*range(1, 26), *range(1, 33)]
    assert dataset.array("index")[:57].tolist() == [*range(25), *range(30, 62)]
    assert dataset.manifest.funnel.read == 57 + 62 and balanced(dataset.manifest.funnel)


def test_a_file_that_ends_before_its_name_does_is_told(raw: Path, prepared: Prepare) -> None:
    told = f"{FIRST} ends before 2011 does (its last record is of 2011-01-31): it may be cut off"
    assert told in prepared(raw).manifest.funnel.notes
    days = np.arange("2010-12-01", "2012-01-01", dtype="datetime64[D]")
    write(raw, made.TOWERS[0], columns(days=days), days)
    assert told not in (notes := prepared(raw).manifest.funnel.notes) and told.replace("A-Fir", "B-Oak") in notes


def test_rows_that_stand_twice_are_taken_once(raw: Path, prepared: Prepare) -> None:
    expected = arrays(prepared(raw))
    lines = (raw / FIRST).read_text().split("\n")
    (raw / FIRST).write_text("\n".join([*lines[:5], *lines[3:]]))
    dataset = prepared(raw)
    same(arrays(dataset), expected)
    assert dataset.manifest.funnel.dropped == {"a second row of the same time": 2} and balanced(dataset.manifest.funnel)


def test_the_resolution_that_most_sites_have_is_read_and_the_rest_named(raw: Path, prepared: Prepare) -> None:
    half_hours(raw, "XC-Gra")
    dataset = prepared(raw)
    assert dataset.labels("station") == ["XA-Fir", "XB-Oak"]
    note = (
        "daily files (DD) were read; 1 of other resolutions were left out (FLX_XC-Gra_FLUXNET2015_FULLSET_HH_2011-2011"
    )
    assert dataset.manifest.funnel.notes[0].startswith(note)
    assert dataset.manifest.funnel.notes[0].endswith("read them with --resolution HH")
    half_hours(raw, "XD-Cro")
    with pytest.raises(DataError, match=r"several resolutions lie here \(DD at 2, HH at 2 sites\).*--resolution DD"):
        prepared(raw)
    chosen = prepared(raw, resolution="HH")
    assert chosen.labels("station") == ["XC-Gra", "XD-Cro"]
    with pytest.raises(
        DataError, match=r"there are no monthly files \(there are DD at 2, HH at 2 sites\).*--resolution DD"
    ):
        prepared(raw, resolution="MM")


def test_half_hours_and_hours_are_not_mixed_unasked(raw: Path, prepared: Prepare, tmp_path: Path) -> None:
    for number, tower in enumerate(made.TOWERS[:4]):
        half_hours(tmp_path / "mixed", tower.site, number)
    half_hours(tmp_path / "mixed", "XE-Sav", 9, 60, "HR")
    table = str(raw / "siteinfo.csv")
    with pytest.raises(DataError, match=r"several resolutions lie here \(HH at 4, HR at 1 sites\), whose units differ"):
        prepared(tmp_path / "mixed", sites=table)
    dataset = prepared(tmp_path / "mixed", sites=table, resolution="HR")
    assert dataset.array("step")[0] == 60 and dataset.unit("P_F") == "mm h-1"
    half_hours(tmp_path / "named", "XE-Sav", 9, 60, "HH")
    with pytest.raises(DataError, match="line 2: is of resolution HR by its times, HH by its name"):
        prepared(tmp_path / "named", sites=table)


def test_one_product_a_site_is_read(raw: Path, prepared: Prepare) -> None:
    expected = arrays(prepared(raw))
    spoiled = columns() | {"TA_F": np.full(62, 3.0)}
    write(raw, made.TOWERS[0], spoiled, name="AMF_{site}_BASE_DD_1-1.csv")
    dataset = prepared(raw)
    same(arrays(dataset), expected)
    assert (
        f"AMF_XA-Fir_BASE_DD_1-1.csv was left out, with the years that it alone may hold: XA-Fir has {FIRST}, and "
        in str(dataset.manifest.funnel.notes)
    )


def test_base_is_read_under_fluxnet_names(raw: Path, prepared: Prepare, tmp_path: Path) -> None:
    path = made.base(tmp_path / "AMF_XD-Cro_BASE_HH_2-5.csv", "XD-Cro", HALF_HOURS, np.random.default_rng(4))
    found = made.half_hourly(HALF_HOURS, np.random.default_rng(4))
    dataset = prepared(path, sites=str(raw / "siteinfo.csv"))
    for name in ("TA_F", "VPD_F", "TS_F_MDS_1"):
        np.testing.assert_allclose(dataset.array(name), found[name], rtol=1e-5)
    target = dataset.array("NEE_VUT_REF")
    assert np.isnan(target[::7]).all()
    np.testing.assert_allclose(np.delete(target, np.s_[::7]), np.delete(found["NEE_VUT_REF"], np.s_[::7]), rtol=1e-5)
    notes = "\n".join(dataset.manifest.funnel.notes)
    assert (
        "the columns of AmeriFlux BASE, whose gaps are not filled: TA as TA_F" in notes
        and "NEE_PI as NEE_VUT_REF" in notes
    )
    assert "no quality column was applied at XD-Cro" in notes and "storage" not in notes
    path.write_text(path.read_text().replace("NEE_PI", "CH4"))
    dataset = prepared(path, sites=str(raw / "siteinfo.csv"))
    np.testing.assert_allclose(dataset.array("NEE_VUT_REF"), found["NEE_VUT_REF"] - 0.2, rtol=1e-4, atol=1e-5)
    assert "XD-Cro: NEE_VUT_REF is FC, the turbulent flux alone; storage is not in it" in dataset.manifest.funnel.notes


COARSE = {
    "WW": (["20110101", "20110108", "20110115"], ["20110107", "20110114", "20110121"], 10080, "gC m-2 d-1", "mm d-1"),
    "MM": (["201101", "201102", "201103"], None, 0, "gC m-2 d-1", "mm d-1"),
    "YY": (["2010", "2011", "2012"], None, -1, "gC m-2 yr-1", "mm yr-1"),
}


@pytest.mark.parametrize("code", COARSE)
def test_weeks_months_and_years(raw: Path, prepared: Prepare, tmp_path: Path, code: str) -> None:
    begin, end, minutes, carbon, water = COARSE[code]
    stamps = {"TIMESTAMP": np.array(begin)}
    if end:
        stamps = {"TIMESTAMP_START": np.array(begin), "TIMESTAMP_END": np.array(end)}
    found = {name: values[:3] for name, values in columns().items()}
    found["P_F"], found["NEE_VUT_REF"] = np.array([730.0, 365.0, 0.0]), np.array([-90.0, -300.0, 5.0])
    found["SW_IN_F"] = np.array([140.0, 150.0, 145.0])  # of a year as of a summer's week
    made.write(tmp_path / f"FLX_XA-Fir_FLUXNET2015_SUBSET_{code}_2010-2012_1-4.csv", stamps, found)
    dataset = prepared(tmp_path, sites=str(raw / "siteinfo.csv"), only=("XA-Fir",), resolution=code)
    plain = arrays(dataset)
    [path] = tmp_path.glob("FLX_XA-Fir*")
    whole = path.read_text()  # pandas writes times with decimals where some were missing before
    path.write_text(
        re.sub(r"(?m)^(\d{4,8})(,\d{8})?(?=,)", lambda m: m[1] + ".0" + (m[2] + ".0" if m[2] else ""), whole)
    )
    assert path.read_text().splitlines()[1].startswith(f"{begin[0]}.0,")
    same(arrays(prepared(tmp_path, sites=str(raw / "siteinfo.csv"), only=("XA-Fir",), resolution=code)), plain)
    assert (dataset.unit("NEE_VUT_REF"), dataset.unit("P_F")) == (carbon, water)
    assert dataset.manifest.step == {"WW": "week", "MM": "month", "YY": "year"}[code]
    assert dataset.array("step").tolist() == [minutes] and dataset.array("history").tolist() == [1, 2, 3]
    finite = [True, code == "YY", True]  # 300 is no flux of a day
    assert np.isfinite(dataset.array("NEE_VUT_REF")).tolist() == finite
    per_year = {"WW": 365 * 365.25, "MM": (730 * 31 + 365 * 28) / 90 * 365.25, "YY": 1095 / 1096 * 365.25}
    np.testing.assert_allclose(dataset.array("mean_precipitation"), per_year[code], rtol=1e-6)


def test_other_products_of_an_archive_are_left_out_with_a_note(raw: Path, prepared: Prepare) -> None:
    for path in [path for path in raw.glob("FLX*") if path.name != FIRST]:
        path.unlink()
    wanted = raw / "ICOSETC_XA-Fir_FLUXNET_DD_L2.csv"
    (raw / FIRST).rename(wanted)
    alone = arrays(prepared(raw))
    members = {wanted.name: wanted.read_text()}
    members |= {f"ICOSETC_XA-Fir_{name}_L2.csv": "TIMESTAMP,TA\n20110101,5\n20110102,5\n"
                for name in ("METEO", "FLUXES", "METEOSENS")}  # fmt: skip
    members["ICOSETC_XA-Fir_VARINFO_FLUXNET_DD_L2.csv"] = "GROUP_ID,VARIABLE,DATAVALUE\n1,VAR,TA\n"
    wanted.unlink()
    made.archive(raw / "ICOSETC_XA-Fir_ARCHIVE_L2.zip", members)
    dataset = prepared(raw)
    same(arrays(dataset), alone)
    notes = " ".join(dataset.manifest.funnel.notes)
    for name in members:
        assert (f"{name} was left out" in notes or f"left out: {name}" in notes) == (name != wanted.name), name


HEADER = "SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE"


@pytest.mark.parametrize(
    "name", ["ICOSETC_XA-Fir_VARINFO_FLUXNET_DD_L2.csv", "ICOSETC_XA-Fir_VARINFO_FLUXNET_HH_L2.csv",
             "AMF_XA-Fir_FLUXNET_BIFVARINFO_DD_2011-2013_3-5.csv", "AMF_XA-Fir_FLUXNET_BIFVARINFO_MM_2011-2013_3.csv"],
)  # fmt: skip
def test_particulars_of_variables_are_no_fluxes(raw: Path, prepared: Prepare, name: str) -> None:
    alone = arrays(prepared(raw))
    (raw / name).write_text(f"{HEADER}\nXA-Fir,1,GRP_VAR_INFO,VAR_INFO_VARNAME,TA_F\n")
    dataset = prepared(raw)
    same(arrays(dataset), alone)
    assert f"1 auxiliary files were left out: {name}" in dataset.manifest.funnel.notes


@pytest.mark.parametrize("name", ["FLX_AA-Flx_BIF_DD_20200501.csv", "FLX_AA-Flx_BIF_ALL_20200501.csv"])
def test_badm_of_all_sites_tells_positions(raw: Path, prepared: Prepare, name: str) -> None:
    plain = prepared(raw)
    (raw / "siteinfo.csv").unlink()
    rows = [
        f"{tower.site},1,GRP_LOCATION,{variable},{value}"
        for tower in made.TOWERS
        for variable, value in (("LOCATION_LAT", tower.lat), ("LOCATION_LONG", tower.lon),
                                ("LOCATION_ELEV", tower.elevation), ("IGBP", tower.igbp))
    ]  # fmt: skip
    (raw / name).write_text("\n".join([HEADER, *rows]) + "\n")
    same(arrays(prepared(raw)), arrays(plain))


def test_positions_of_badm_are_those_of_the_table(raw: Path, prepared: Prepare) -> None:
    """As ICOS gives them with each tower: a row a variable, other groups in between, the last of a value counts."""
    plain = prepared(raw)
    (raw / "siteinfo.csv").unlink()
    for tower in made.TOWERS[:2]:
        rows = ["SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE", f"{tower.site},1,GRP_HEADER,SITE_NAME,Somewhere"]
        place = {"LOCATION_LAT": tower.lat + 0.002, "LOCATION_LONG": tower.lon, "LOCATION_ELEV": tower.elevation}
        rows += [f"{tower.site},2,GRP_LOCATION,{name},{value}" for name, value in place.items()]
        rows += [f"{tower.site},3,GRP_LOCATION,LOCATION_LAT,{tower.lat}", f"{tower.site},4,GRP_IGBP,IGBP,{tower.igbp}"]
        (raw / f"ICOSETC_{tower.site}_SITEINFO_L2.csv").write_text("\n".join(rows) + "\n")
    badm = prepared(raw)
    for name in ("lat", "lon", "elevation", "category"):
        np.testing.assert_array_equal(badm.array(name), plain.array(name))
    made.site_table(raw / "siteinfo.csv", made.TOWERS[:1])
    text = next(raw.glob("*XA-Fir_SITEINFO_L2.csv"))
    text.write_text(text.read_text().replace(f"LOCATION_LAT,{made.TOWERS[0].lat}\n", "LOCATION_LAT,10\n"))
    both = prepared(raw)
    np.testing.assert_array_equal(both.array("lat"), plain.array("lat"), "a table counts, BADM for sites it lacks")
    (raw / "siteinfo.csv").unlink()
    with pytest.raises(DataError, match=r"XA-Fir has lat 51\.202 and 10\. Keep the row of the place"):
        prepared(raw)


def test_half_hours_say_whether_they_are_stamped_at_their_begin_or_end(
    raw: Path, prepared: Prepare, tmp_path: Path
) -> None:
    half_hours(tmp_path / "plain", "XC-Gra", 3)
    table = str(raw / "siteinfo.csv")
    [path] = (tmp_path / "plain").iterdir()
    plain = arrays(prepared(path, sites=table))
    frame = pd.read_csv(path, dtype=str)
    ends, name = frame.rename(columns={"TIMESTAMP_END": "TIMESTAMP"}).drop(columns="TIMESTAMP_START"), path.name
    ends.to_csv(tmp_path / name, index=False)
    remedy = (
        "TIMESTAMP alone, which may be of their first or their last moment. Call it TIMESTAMP_START or TIMESTAMP_END"
    )
    with pytest.raises(DataError, match=remedy):
        prepared(tmp_path / name, sites=table)
    ends.rename(columns={"TIMESTAMP": "TIMESTAMP_END"}).to_csv(tmp_path / name, index=False)
    same(arrays(prepared(tmp_path / name, sites=table)), plain)
    begins = frame.drop(columns="TIMESTAMP_END")
    begins.to_csv(tmp_path / name, index=False)
    same(arrays(prepared(tmp_path / name, sites=table)), plain)
    days = pd.read_csv(raw / FIRST, dtype=str).rename(columns={"TIMESTAMP": "TIMESTAMP_END"})
    days.to_csv(tmp_path / FIRST, index=False)
    with pytest.raises(DataError, match=r"daily records have TIMESTAMP_END alone.*Give their begin, TIMESTAMP_START"):
        prepared(tmp_path / FIRST, sites=table)


def badm(tower: made.Tower) -> str:
    rows = ["SITE_ID,GROUP_ID,VARIABLE_GROUP,VARIABLE,DATAVALUE"]
    place = {"LOCATION_LAT": tower.lat, "LOCATION_LONG": tower.lon, "LOCATION_ELEV": tower.elevation}
    rows += [f"{tower.site},2,GRP_LOCATION,{name},{value}" for name, value in (place | {"IGBP": tower.igbp}).items()]
    return "\n".join(rows) + "\n"


def test_positions_are_taken_from_the_archive_of_a_tower(raw: Path, prepared: Prepare, tmp_path: Path) -> None:
    """As ICOS packs them, and AmeriFlux in a workbook; next to a single file as well."""
    expected, content = arrays(prepared(raw / FIRST)), (raw / FIRST).read_text()
    names = ("ICOSETC_XA-Fir_FLUXNET_DD_L2.csv", "ICOSETC_XA-Fir_SITEINFO_L2.csv")
    packed = made.archive(
        tmp_path / "ICOSETC_XA-Fir_ARCHIVE_L2.zip", dict(zip(names, (content, badm(made.TOWERS[0])), strict=True))
    )
    same(arrays(prepared(packed)), expected)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / names[0]).write_text(content)
    with pytest.raises(DataError, match="no table of sites tells the position of XA-Fir"):
        prepared(alone / names[0])
    (alone / names[1]).write_text(badm(made.TOWERS[0]))
    same(arrays(prepared(alone / names[0])), expected)
    frame = pd.read_csv(alone / names[1])
    frame.to_excel(alone / "AMF_XA-Fir_BIF_20200101.xlsx", index=False)
    (alone / names[1]).unlink()
    same(arrays(prepared(alone)), expected)
    with zipfile.ZipFile(alone / "AMF_XA-Fir_BASE-BADM_1-5.zip", "w") as archive:
        for path in (alone / names[0], alone / "AMF_XA-Fir_BIF_20200101.xlsx"):
            archive.write(path, path.name)
            path.unlink()
    dataset = prepared(alone)
    same(arrays(dataset), expected)
    assert [file.name for file in dataset.manifest.files] == ["AMF_XA-Fir_BASE-BADM_1-5.zip"]


def test_an_archive_of_archives_is_refused_and_read_once_unpacked(raw: Path, prepared: Prepare, tmp_path: Path) -> None:
    expected = arrays(prepared(raw / FIRST))
    (tmp_path / "in").mkdir()
    inner = made.archive(tmp_path / "in" / FIRST.replace(".csv", ".zip"), {FIRST: (raw / FIRST).read_text()})
    with zipfile.ZipFile(tmp_path / "My data cart.zip", "w") as archive:
        archive.write(inner, inner.name)
    with pytest.raises(DataError, match=r"holds 1 further archives \(FLX_XA.*Unpack it, and give the folder"):
        prepared(tmp_path / "My data cart.zip", sites=str(raw / "siteinfo.csv"))
    same(arrays(prepared(tmp_path / "in", sites=str(raw / "siteinfo.csv"))), expected)
    with zipfile.ZipFile(inner, "a") as archive:
        archive.writestr("docs.zip", b"PK")  # of a report
    same(arrays(prepared(tmp_path / "in", sites=str(raw / "siteinfo.csv"))), expected)
