"""What goes wrong with flux files: a message of three parts, exit code 3, nothing half-written."""

from __future__ import annotations

import gzip
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flux_case import columns, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError
from geoml_cli.sources.fluxnet import discovery
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.sources.fluxnet.units import of_one_measurement
from geoml_cli.stages.prepare import Raw
from geoml_cli.stages.prepare import prepare as prepare_source
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., Dataset]
FIRST = "FLX_XA-Fir_FLUXNET2015_SUBSET_DD_2010-2011_1-4.csv"


def fails(prepared: Prepare, raw: Path, message: str, **options: object) -> None:
    with pytest.raises(GeomlError, match=message) as caught:
        prepared(raw, **options)
    assert caught.value.exit_code == 3
    assert caught.value.what and caught.value.where and caught.value.fix
    assert not [path for path in raw.parent.glob("*prepared*") if not path.name.endswith(".lock")]


def cell(line: int, column: str, text: str) -> Callable[[str], str]:
    """Give a change of one cell; lines count from 1."""

    def change(content: str) -> str:
        lines = content.split("\n")
        cells = lines[line - 1].split(",")
        cells[lines[0].split(",").index(column)] = text
        lines[line - 1] = ",".join(cells)
        return "\n".join(lines)

    return change


def cut(line: int, cells: int) -> Callable[[str], str]:
    """Give a change that ends a file within a line."""

    def change(content: str) -> str:
        lines = content.split("\n")[:line]
        return "\n".join([*lines[:-1], ",".join(lines[-1].split(",")[:cells])])

    return change


DAMAGED: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", f"{FIRST}: is empty. Get the file again, or take it away"),
    "blank": (lambda text: "\n\n \n", "1-4.csv: is empty"),
    "header only": (lambda text: text.split("\n")[0] + "\n", "1-4.csv: holds a header and no rows. Get the file again"),
    "no header": (lambda text: text.split("\n", 1)[1], "line 1: is not a FLUXNET file: it has no column TIMESTAMP"),
    "semicolons": (lambda text: text.replace(",", ";"), "line 1: cells are separated by ';', not by commas. Save it"),
    "tabs": (lambda text: text.replace(",", "\t"), r"line 1: cells are separated by '\\t', not by commas"),
    "cut off": (cut(20, 7), "line 20: 7 cells where the header has 31. The file is cut off or damaged"),
    "decimal comma": (cell(9, "TA_F", "3,5"), "line 9: 32 cells where the header has 31"),
    "no driver": (
        lambda text: text.replace("LW_IN_F,", "LW,"),
        r"line 1: has no column LW_IN_F \(it has TIMESTAMP, TA_F, .*\)\. Name the drivers .* with --dynamic",
    ),
    "no quality": (
        lambda text: text.replace("NEE_VUT_REF_QC", "QC"),
        "line 1: has no column NEE_VUT_REF_QC, which tells how good NEE_VUT_REF is. Name the column with --quality-col",
    ),
    "same name twice": (lambda text: text.replace("VPD_F,", "TA_F,"), "line 1: two columns are called 'TA_F'. Keep"),
    "text": (cell(5, "P_F", "trace"), "line 5: 'trace' in column P_F is no number. Correct the cell, or write -9999"),
    "stray quotes": (
        lambda text: cell(9, "TA_F", '1"')(cell(5, "TA_F", '"1')(text)).replace('"1', '"x'),
        "line 5: 'x' in column TA_F is no number",
    ),
    "infinite": (cell(7, "WS_F", "inf"), "line 7: WS_F is infinite. Write -9999 where there is no value"),
    "minus infinite": (cell(7, "WS_F", "-inf"), "line 7: WS_F is infinite"),
    "no such day": (cell(6, "TIMESTAMP", "20110231"), "line 6: TIMESTAMP 20110231 is not the start of a daily record"),
    "rounded time": (cell(6, "TIMESTAMP", "2.01E+07"), r"line 6: TIMESTAMP 20100000.0 is .* \(spreadsheets round"),
    "no time": (cell(6, "TIMESTAMP", ""), r"line 6: TIMESTAMP nan is not the start of a daily record \(YYYYMMDD\)"),
    "other time": (lambda text: text.replace("TIMESTAMP", "TIME"), "1-4.csv, line 1: is not a FLUXNET file: it has no"),
    "months": (
        lambda text: text.split("\n")[0] + "\n" + cell(2, "TIMESTAMP", "201012")(text).split("\n")[1] + "\n",
        "line 2: is of resolution MM by its times, DD by its name. Correct the name",
    ),
    "two values": (
        lambda text: text + cell(3, "TA_F", "99")(text).split("\n")[2] + "\n",
        r"line 64: 2010-12-02 stands in two rows with different TA_F \(.* in .*line 3, 99 here\)\. Keep one",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_with_its_line(raw: Path, prepared: Prepare, name: str) -> None:
    change, message = DAMAGED[name]
    path = raw / FIRST
    path.write_text(change(path.read_text()))
    fails(prepared, raw, message)


OTHER_UNITS = {
    "PA_F": (10, r"XA-Fir, from 2010-12-01: the median of PA_F at XA-Fir is 9\d\d.*, which is no air pressure in"),
    "VPD_F": (0.1, r"from 2010-12-01: VPD_F is 0\.0\d+ or less of saturation at TA_F in 99 of 100 .*Give it in hPa"),
}


@pytest.mark.parametrize("column", OTHER_UNITS)
def test_units_of_other_products_are_refused(raw: Path, prepared: Prepare, column: str) -> None:
    factor, message = OTHER_UNITS[column]
    content = (raw / FIRST).read_text()
    lines = [line.split(",") for line in content.strip().split("\n")]
    place = lines[0].index(column)
    for cells in lines[1:]:
        cells[place] = str(float(cells[place]) * factor)
    (raw / FIRST).write_text("\n".join(map(",".join, lines)))
    fails(prepared, raw, message)
    others = tuple(name for name in FluxnetOptions().dynamic if name != column)
    assert column not in prepared(raw, dynamic=others).manifest.variables, "the message advises to leave it out"


MEGAJOULES = r"SW_IN_F is 29\.\d+ or less in 99 of 100 records.*Give it in W m-2 \(1 MJ m-2 d-1"


def test_a_temperature_that_is_no_driver_and_in_kelvin_says_nothing_of_the_deficit(
    raw: Path, prepared: Prepare
) -> None:
    lines = [line.split(",") for line in (raw / FIRST).read_text().strip().split("\n")]
    place = lines[0].index("TA_F")
    for cells in lines[1:]:
        cells[place] = str(float(cells[place]) + 273.15)
    (raw / FIRST).write_text("\n".join(map(",".join, lines)))
    prepared(raw, dynamic=("VPD_F", "SW_IN_F"), extra=(), only=("XA-Fir",))


def one_site(raw: Path, days: int, **drivers: np.ndarray) -> Path:
    """Write a site of some days in a folder of its own, with other values of some drivers."""
    alone = raw.parent / "alone"
    alone.mkdir()
    (alone / "siteinfo.csv").write_bytes((raw / "siteinfo.csv").read_bytes())
    times = np.datetime64("2010-01-01") + np.arange(days)
    write(
        alone,
        made.TOWERS[0],
        columns(days=times) | drivers,
        times,
        "FLX_{site}_FLUXNET2015_SUBSET_DD_2010-2011_1-4.csv",
    )
    return alone


def test_some_rows_in_kelvin_are_refused(raw: Path, prepared: Prepare) -> None:
    warm = 12 + 8 * np.sin(np.arange(365) / 58)
    alone = one_site(raw, 365, TA_F=np.where(np.arange(365) < 100, warm + 273.15, warm))
    fails(prepared, alone, r"100 of 365 values of TA_F are above 60 \(up to 29\d.*which is no air temperature in degC")
    prepared(alone, dynamic=("SW_IN_F",), extra=())


def test_a_spike_of_a_sensor_is_no_other_unit(raw: Path, prepared: Prepare) -> None:
    warm = 12 + 8 * np.sin(np.arange(365) / 58)
    prepared(one_site(raw, 365, TA_F=np.where(np.arange(365) == 100, 99.0, warm)))


def test_soil_water_as_a_fraction_is_refused(raw: Path, prepared: Prepare) -> None:
    fraction = np.random.default_rng(0).uniform(0.03, 0.6, 365)
    alone = one_site(raw, 365, SWC_F_MDS_1=fraction)
    message = (
        r"SWC_F_MDS_1 is 0\.\d+ or less in 99 of 100 records, which is a fraction.*\(1 m3 m-3 is 100 %\), or leave it"
    )
    fails(prepared, alone, message, extra=("SWC_F_MDS_1",))
    prepared(alone, extra=())


@pytest.mark.parametrize(
    ("soil", "days"),
    [
        (np.where(np.arange(365) % 60 < 2, 3.0, 0.4), 365),  # a desert after rare rain
        (np.linspace(0.2, 0.9, 179), 179),  # its dry season
        (np.zeros(365), 365),  # a sensor in frozen soil
        (np.linspace(0.5, 60, 365), 365),
    ],
)
def test_dry_soils_are_no_fractions(raw: Path, prepared: Prepare, soil: np.ndarray, days: int) -> None:
    prepared(one_site(raw, days, SWC_F_MDS_1=soil), extra=("SWC_F_MDS_1",))


def test_rain_in_metres_is_refused(raw: Path, prepared: Prepare) -> None:
    rain = np.random.default_rng(0).gamma(0.3, 8, 365)
    alone = one_site(raw, 365, P_F=rain / 1000)
    message = (
        r"P_F sums up to 0\.\d+ in a year, which is no precipitation in mm d-1.*\(1 m is 1000 mm\), or leave it out"
    )
    fails(prepared, alone, message, extra=("P_F",))
    prepared(alone, dynamic=("TA_F", "SW_IN_F"), extra=())


@pytest.mark.parametrize(
    "rain",
    [
        np.where(np.arange(365) == 100, 5.0, 0),
        np.zeros(365),
        np.where(np.arange(365) % 120 == 0, 0.25, 0),
    ],
)
def test_hardly_any_rain_is_no_metres(raw: Path, prepared: Prepare, rain: np.ndarray) -> None:
    prepared(one_site(raw, 365, P_F=rain), extra=("P_F",))


@pytest.mark.parametrize("days", [179, 180])
def test_radiation_in_megajoules_is_refused(raw: Path, prepared: Prepare, tmp_path: Path, days: int) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    found = {name: np.resize(values, days) for name, values in columns().items()}
    found["SW_IN_F"] = np.linspace(1, 30, days)
    year = np.datetime64("2010-01-01") + np.arange(days)
    write(alone, made.TOWERS[0], found, year, "FLX_{site}_FLUXNET2015_SUBSET_DD_2010-2010_1-4.csv")
    if days < 180:  # the dark half of a year
        prepared(alone, sites=str(raw / "siteinfo.csv"), only=("XA-Fir",))
    else:
        fails(prepared, alone, MEGAJOULES, sites=str(raw / "siteinfo.csv"))


def test_what_is_no_flux_file(raw: Path, prepared: Prepare, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    fails(
        prepared, other, r"other: holds no file of FLUXNET or AmeriFlux BASE \(it holds nothing\)\. Give files such as"
    )
    (other / "fluxes.txt").write_bytes(b"Year\tDay\tHour\tNEE\r-\t-\t-\tumolm-2s-1\r1998\t1\t0.5\t-1.21\r")
    fails(prepared, other, r"\(it holds fluxes.txt\)")
    alone = other / "fluxes.txt"
    fails(prepared, alone, r"fluxes.txt, line 1: is not a FLUXNET file: it has no column TIMESTAMP .*'Year")
    (raw / FIRST).rename(other / "tower.csv")
    fails(
        prepared, other / "tower.csv", r"the name of tower.csv holds no site code, such as DE-Hai\. Name it as FLUXNET"
    )
    (raw / FIRST).mkdir()
    fails(prepared, raw, f"{FIRST}: is a folder, not a file. Give the CSV file itself")
    (other / "DE-Hai.csv").write_text("TIMESTAMP,TA_F\nnever,1\n")
    fails(prepared, other, "DE-Hai.csv: neither its name nor its times tell its resolution. Name it as FLUXNET does")


def test_binary_and_cut_gzip(raw: Path, prepared: Prepare) -> None:
    content = (raw / FIRST).read_bytes()
    (raw / FIRST).unlink()
    packed = raw / f"{FIRST}.gz"
    packed.write_bytes(gzip.compress(content)[:2000])
    fails(prepared, raw, "csv.gz: cannot be read to its end")
    packed.write_bytes(content[:300] + b"\x00\x01")
    fails(prepared, raw, "csv.gz: holds binary data, not text")


def test_archives_that_are_none(raw: Path, prepared: Prepare) -> None:
    content = (raw / FIRST).read_text()
    path = made.archive(raw / "FLX_XA-Fir.zip", {FIRST: content})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    fails(prepared, path, "FLX_XA-Fir.zip: cannot be read as a zip archive: it is damaged.* Get it again, or unpack it")
    spoiled = bytearray(whole)
    spoiled[200:300] = bytes(100)
    path.write_bytes(spoiled)
    fails(prepared, path, f"FLX_XA-Fir.zip, member {FIRST}: cannot be read as a zip archive")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"../{FIRST}", content)
    fails(prepared, path, r"holds a member that would lie outside \('\.\./FLX_.*do not use it")
    assert not (raw.parent / FIRST).exists()


def test_archives_that_would_fill_memory_or_take_for_ever(raw: Path, prepared: Prepare) -> None:
    path = raw / "FLX_XA-Fir.zip"
    line = b"20100101," + b"-9999," * 2000 + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FIRST, b"TIMESTAMP,TA_F\n" + line * 7000)
    fails(prepared, path, f"member {FIRST}: unpacks to more than 100 times its size of 0.. MB, which no table does")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(FIRST, b"TIMESTAMP,TA_F\n" + b"9" * (5 << 20))
    fails(prepared, path, f"member {FIRST}, line 2: the line is longer than 4 MB: this is no table")
    content = (raw / FIRST).read_text()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(FIRST, content)
        for number in range(3000):
            archive.writestr(f"x{number}.txt", b"")
    started = time.monotonic()
    assert "3000 files were left out" in " ".join(discovery.find(path, FluxnetOptions()).notes)
    assert time.monotonic() - started < 20


def test_text_far_down_among_numbers_is_refused_with_its_line(raw: Path, prepared: Prepare) -> None:
    days = np.arange("1990-01-01", "2012-01-01", dtype="datetime64[D]")
    path = write(raw, made.TOWERS[0], columns(days=days), days)
    path.write_text(cell(8000, "TA_F", "x")(path.read_text()))
    assert path.stat().st_size > 1 << 20  # pandas reads it in several pieces
    fails(prepared, raw, "line 8000: 'x' in column TA_F is no number")


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8)


@FUZZ
@given(form=st.sampled_from(("csv", "csv.gz", "zip")), changes=DAMAGE, keep=st.floats(0.01, 1))
def test_damaged_bytes_only_raise_our_errors(
    raw: Path, prepared: Prepare, form: str, changes: list[tuple[float, int]], keep: float
) -> None:
    """Half of the damage goes to the header, where it does more."""
    whole = "\n".join(next(raw.glob("*XB-Oak*")).read_text().split("\n")[:12])
    packed = {"csv": whole.encode(), "csv.gz": gzip.compress(whole.encode(), mtime=0)}
    content = bytearray(packed.get(form) or made.archive(raw / "spare", {FIRST: whole}).read_bytes())
    for place, value in changes:
        content[int(place * len(content)) if value % 2 else int(place * min(300, len(content)))] = value
    for path in (*raw.glob("*XA-Fir*"), *raw.glob("spare")):
        path.unlink()
    (raw / FIRST.replace("csv", form)).write_bytes(content[: int(len(content) * keep) + 1])
    try:
        prepared(raw)
    except GeomlError as error:
        assert error.exit_code == 3 and error.where and error.fix
    assert not [path for path in raw.parent.glob(".prepared.*") if not path.name.endswith(".lock")]


SITES = {
    "no position": (
        "SITE_ID,IGBP\nXA-Fir,ENF\n",
        "the table of sites has no column for lat, lon .*Call it LOCATION_LAT, ",
    ),
    "no number": ("SITE_ID,LAT,LON\nXA-Fir,north,10\n", "line 2: lat 'north' is no number"),
    "off Earth": ("SITE_ID,LAT,LON\nXA-Fir,151,10\n", "line 2: latitude 151, longitude 10 is no place on Earth"),
    "differ": ("SITE_ID,LAT,LON\nXA-Fir,51,10\nXA-Fir,52,10\n", "line 3: XA-Fir stands in two rows that differ. Keep"),
    "one missing": (
        "SITE_ID,LAT,LON\nXA-Fir,51,10\nXB-Oak,-9999,-9999\n",
        "tells the position of XB-Oak. Give a CSV table .* with --sites FILE, or other sites: --only XA-Fir",
    ),
    "empty": ("", "begins with no header"),
}


@pytest.mark.parametrize("name", SITES)
def test_tables_of_sites(raw: Path, prepared: Prepare, name: str) -> None:
    content, message = SITES[name]
    (raw / "siteinfo.csv").write_text(content)
    fails_anyway(prepared, raw, message, sites="siteinfo.csv")


def fails_anyway(prepared: Prepare, raw: Path, message: str, **options: object) -> None:
    """The reader of tables gives two parts where there is nothing to add."""
    with pytest.raises(GeomlError, match=message) as caught:
        prepared(raw, **options)
    assert caught.value.exit_code == 3


def test_no_table_or_several_or_none_of_that_name(raw: Path, prepared: Prepare) -> None:
    made.site_table(raw / "more.csv", made.TOWERS)
    fails(prepared, raw, "there are several tables of sites: more.csv, siteinfo.csv. Choose one: --sites more.csv")
    prepared(raw, sites="more.csv")
    fails_anyway(prepared, raw, "there is no such file. Check --sites", sites="none.csv")
    fails_anyway(prepared, raw, "is a folder, not a file", sites=str(raw))
    for name in ("more.csv", "siteinfo.csv"):
        (raw / name).unlink()
    fails_anyway(prepared, raw, "no table of sites tells the position of XA-Fir, XB-Oak. Give a CSV table")


def test_the_quality_filter_says_what_it_left_out_and_what_to_relax(raw: Path, prepared: Prepare) -> None:
    for path in raw.glob("FLX*"):
        lines = [line.split(",") for line in path.read_text().strip().split("\n")]
        for number, cells in enumerate(lines[1:]):
            cells[lines[0].index("NEE_VUT_REF_QC")] = str(number % 4 / 6)
        path.write_text("\n".join(map(",".join, lines)))
    told = (
        "NEE_VUT_REF: the quality filter leaves no NEE_VUT_REF: 124 of 124 values were left out because NEE_VUT_REF_QC "
        r"is not fraction 0.75 or more \(the best fraction of good data among them is 0.5; 0 is the poorest\)\. "
        "They are gap-filled, not measured. Relax the filter with --quality 0.5, or"
    )
    fails(prepared, raw, told)
    dataset = prepared(raw, quality=0.5)
    assert np.isfinite(dataset.array("NEE_VUT_REF")).sum() == 2 * 15
    assert np.isfinite(prepared(raw, quality_column="none").array("NEE_VUT_REF")).all()


@pytest.mark.parametrize("few", [True, False])
def test_a_quality_of_another_kind_is_refused(
    raw: Path, prepared: Prepare, monkeypatch: pytest.MonkeyPatch, few: bool
) -> None:
    """Classes or percents in a column of fractions would be taken for good ones where they are 1 or 0."""
    path = next(raw.glob("FLX_XB*"))
    lines = [line.split(",") for line in path.read_text().strip().split("\n")]
    for number, cells in enumerate(lines[1:]):
        cells[lines[0].index("NEE_VUT_REF_QC")] = "1" if few and number else "2"
    path.write_text("\n".join(map(",".join, lines)))
    if few:
        monkeypatch.setattr("geoml_cli.sources.fluxnet.report._FEW_ODD", 0.02)
        assert "1 with a quality that is no fraction" in " ".join(prepared(raw).manifest.funnel.notes)
        return
    told = r"site XB-Oak: 62 of 62 values of NEE_VUT_REF_QC are no fraction of 0 to 1, as the quality is at daily"
    fails(prepared, raw, told)
    assert np.isfinite(prepared(raw, quality_column="none").array("NEE_VUT_REF")).all()


def test_an_empty_quality_column_is_named_with_the_remedy(raw: Path, prepared: Prepare) -> None:
    for path in raw.glob("FLX*"):
        lines = [line.split(",") for line in path.read_text().strip().split("\n")]
        for cells in lines[1:]:
            cells[lines[0].index("NEE_VUT_REF_QC")] = "-9999"
        path.write_text("\n".join(map(",".join, lines)))
    fails(prepared, raw, r"NEE_VUT_REF_QC has no value in any of its 124 records\. .* --quality-column none\.")
    assert np.isfinite(prepared(raw, quality_column="none").array("NEE_VUT_REF")).all()


def test_a_year_far_from_all_others_is_refused_with_its_line(raw: Path, prepared: Prepare) -> None:
    path = raw / FIRST
    for year in ("2113", "2031"):
        lines = path.read_text().split("\n")
        kept = lines[9]
        lines[9] = year + kept[4:]
        path.write_text("\n".join(lines))
        fails(prepared, raw, f"{FIRST}, line 10: {year}-12-09 00:00 is far from the other rows' times")
        lines[9] = kept
        path.write_text("\n".join(lines))


@pytest.mark.parametrize("fill", ["999.99", "-9.99"])
def test_undeclared_fills_are_refused_with_both_remedies(raw: Path, prepared: Prepare, fill: str) -> None:
    path = raw / FIRST
    for line in (5, 6, 7):
        path.write_text(cell(line, "WS_F", fill)(path.read_text()))
    told = f"{FIRST}: WS_F: 3 cells are {fill}, which looks like no data .*--nodata WS_F={fill} where .* WS_F=none"
    fails(prepared, raw, told)
    kept = prepared(raw, nodata=(f"WS_F={fill}",)).manifest.funnel.kept
    assert prepared(raw, nodata=("WS_F=none",)).manifest.funnel.kept == kept + 3


def test_a_target_that_is_not_there(raw: Path, prepared: Prepare) -> None:
    told = (
        r"no file has the column GPP_DT_VUT_REF\. Give --target; there is LE_F_MDS, NEE_VUT_REF, RECO_NT_VUT_REF, GPP_N"
    )
    fails(prepared, raw, told, target="GPP_DT_VUT_REF")
    for path in raw.glob("FLX*"):
        path.write_text(path.read_text().replace("RECO_NT_VUT_REF", "H_F_MDS,H_F_MDS_QC").replace(",RECO", ""))
    for path in raw.glob("FLX*"):
        lines = [line.split(",") for line in path.read_text().strip().split("\n")]
        place = lines[0].index("H_F_MDS")
        lines[1:] = [[*cells[:place], "-9999", "1", *cells[place + 1 :]] for cells in lines[1:]]
        path.write_text("\n".join(map(",".join, lines)))
    fails(
        prepared, raw, r"no sample has a value of H_F_MDS \(124 missing, .* Name a flux .* --target", target="H_F_MDS"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"quality": 2}, "--quality 2 is no fraction. At daily resolution give the lowest fraction"),
        ({"target": "TA_F"}, "--target: TA_F would be predicted from itself"),
        ({"target": "NIGHT"}, "NIGHT is no column whose unit is known. Name one that begins with one of these: SW_IN"),
    ],
)
def test_wrong_options_end_with_exit_code_2(
    raw: Path, prepared: Prepare, options: dict[str, object], told: str
) -> None:
    with pytest.raises(GeomlError, match=told) as caught:
        prepared(raw, **options)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("target", "drivers", "same"),
    [
        ("GPP_NT_VUT_REF", ["TA_F", "NEE_VUT_REF", "RECO_NT_VUT_REF"], ["NEE_VUT_REF", "RECO_NT_VUT_REF"]),
        ("NEE_VUT_REF", ["TA_F", "LE_F_MDS", "CO2_F_MDS", "SW_IN_F"], []),
        ("LE_CORR", ["LE_F_MDS", "NETRAD", "TA_F"], ["LE_F_MDS", "NETRAD"]),
        ("LE_F_MDS", ["H_F_MDS", "NETRAD", "LE_CORR"], ["LE_CORR"]),
    ],
)
def test_drivers_that_the_target_is_computed_from_are_named(target: str, drivers: list[str], same: list[str]) -> None:
    assert of_one_measurement(target, drivers) == same


def test_a_driver_that_the_target_is_computed_from_is_warned_of(raw: Path, tmp_path: Path) -> None:
    reporter = NullReporter()
    for extra in ((), ("RECO_NT_VUT_REF",)):
        options = FluxnetOptions(dynamic=("TA_F",), extra=extra)
        prepare_source(Raw("fluxnet", raw, options), tmp_path / "data", reporter, force=True)
    [warned] = reporter.warned
    assert warned.startswith("RECO_NT_VUT_REF and the target NEE_VUT_REF are computed from the same measurements")
