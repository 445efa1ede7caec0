"""Names, time stamps, units and quality."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import SettingsError
from geoml_cli.sources.fluxnet import file_names, quality, sites, times, units
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.sources.fluxnet.writing import valid_run_length

NAMES = {
    "FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv": ("DE-Hai", "SUBSET", "DD", False),
    "FLX_AU-Tum_FLUXNET2015_FULLSET_HR_2001-2014_2-4.csv.gz": ("AU-Tum", "FULLSET", "HR", False),
    "AMF_US-Ha1_FLUXNET_FULLSET_HH_1991-2020_3-5.csv": ("US-Ha1", "FULLSET", "HH", False),
    "AMF_US-CRT_BASE_HH_2-5.csv": ("US-CRT", "BASE", "HH", False),
    "exampledata_FLUXNET-FULLSET-HH-CSV-30MIN_FLX_CH-Cha_FLUXNET2015_FULLSET_DD_2005-2020_beta-3.csv": (
        "CH-Cha",
        "FULLSET",
        "DD",
        False,
    ),
    "FLX_BE-Vie_FLUXNET2015_ERAI_HH_1989-2014_1-3.csv": ("BE-Vie", "", "HH", True),
    "FLX_BE-Vie_FLUXNET2015_AUXMETEO_1996-2014_1-3.csv": ("BE-Vie", "", "", True),
    "FLX_BE-Vie_FLUXNET2015_AUXNEE_1996-2014_1-3.csv": ("BE-Vie", "", "", True),
    "EUF_DE-Hai_FLUXNET_FLUXMET_WW_2000-2023_v1.2_r1.csv": ("DE-Hai", "FLUXMET", "WW", False),
    "ICOSETC_DE-Hai_FLUXNET_HH_L2.csv": ("DE-Hai", "FLUXNET", "HH", False),
    "ICOSETC_DE-Hai_METEO_L2.csv": ("DE-Hai", "", "", False),
    "my tower DE-Hai (1).csv": ("DE-Hai", "", "", False),
    "Example_DETha98.txt": ("", "", "", False),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_tell_site_product_and_resolution(name):
    found = file_names.parse(name)
    assert (found.site, found.product, found.resolution, found.auxiliary) == NAMES[name]


def test_names_tell_the_years():
    assert file_names.parse("FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv").years == (2000, 2012)
    assert file_names.parse("AMF_US-CRT_BASE_HH_2-5.csv").years is None


STAMPS = {
    "HH": ([201112312330, 201201010000], ["2011-12-31T23:30", "2012-01-01T00:00"], [1 / 48, 1 / 48]),
    "HR": ([201112312300, 201201010000], ["2011-12-31T23:00", "2012-01-01T00:00"], [1 / 24, 1 / 24]),
    "DD": ([20120228, 20120229], ["2012-02-28T00:00", "2012-02-29T00:00"], [1, 1]),
    "WW": ([20121223, 20130101], ["2012-12-23T00:00", "2013-01-01T00:00"], [9, 7]),
    "MM": ([201202, 201203], ["2012-02-01T00:00", "2012-03-01T00:00"], [29, 31]),
    "YY": ([2012, 2013], ["2012-01-01T00:00", "2013-01-01T00:00"], [366, 365]),
}


@pytest.mark.parametrize("code", STAMPS)
def test_records_that_follow_one_another_have_places_that_do(code):
    given, begin, days = STAMPS[code]
    step = times.STEPS[code]
    found, right = times.places(np.array(given), step)
    assert right.all() and found[1] - found[0] == 1
    np.testing.assert_array_equal(times.starts(found, step).astype("datetime64[m]"), np.array(begin, "datetime64[m]"))
    np.testing.assert_allclose(times.lengths(found, step), days)
    assert times.years(found, step).tolist() == [int(text[:4]) for text in begin]


@pytest.mark.parametrize(
    ("code", "stamp"),
    [("HH", 201101010015), ("HR", 201101010030), ("DD", 20110229), ("WW", 20110102), ("MM", 201113), ("YY", 99),
     ("HH", 201101012400), ("DD", 20110100)],
)  # fmt: skip
def test_stamps_that_begin_no_record_are_told(code, stamp):
    assert times.places(np.array([stamp]), times.STEPS[code])[1].tolist() == [False]


@pytest.mark.parametrize(
    ("column", "code", "unit", "limit"),
    [
        ("NEE_VUT_REF", "HH", "umol CO2 m-2 s-1", 100),
        ("NEE_VUT_REF", "DD", "gC m-2 d-1", 100),
        ("GPP_NT_VUT_REF", "MM", "gC m-2 d-1", 200),
        ("NEE_CUT_REF", "YY", "gC m-2 yr-1", 36500),
        ("LE_F_MDS", "YY", "W m-2", 1000),
        ("P_F", "HH", "mm (30 min)-1", None),
        ("P_F", "HR", "mm h-1", None),
        ("P_F", "WW", "mm d-1", None),
        ("P_F", "YY", "mm yr-1", None),
        ("PA_F", "DD", "kPa", None),
        ("VPD_F", "HH", "hPa", None),
        ("SWC_F_MDS_1", "DD", "%", None),
        ("CO2_F_MDS", "DD", "umol mol-1", None),
    ],
)
def test_units_follow_the_resolution(column, code, unit, limit):
    assert (units.unit(column, times.STEPS[code]), units.limit(column, times.STEPS[code])) == (unit, limit)


@pytest.mark.parametrize(
    ("target", "given", "columns", "found"),
    [
        ("NEE_VUT_REF", None, ["NEE_VUT_REF_QC"], "NEE_VUT_REF_QC"),
        ("GPP_NT_VUT_REF", None, [], "NEE_VUT_REF_QC"),
        ("RECO_DT_CUT_25", None, [], "NEE_CUT_REF_QC"),
        ("LE_CORR", None, [], "LE_F_MDS_QC"),
        ("H_F_MDS", None, ["H_F_MDS_QC"], "H_F_MDS_QC"),
        ("NETRAD", None, [], None),
        ("NETRAD", None, ["NETRAD_QC"], "NETRAD_QC"),
        ("NEE_VUT_REF", "MINE", [], "MINE"),
        ("NEE_VUT_REF", "none", ["NEE_VUT_REF_QC"], None),
    ],
)
def test_every_flux_has_its_column_of_quality(target, given, columns, found):
    assert units.quality_column(target, given, columns) == found


def test_a_class_is_good_when_low_and_a_fraction_when_high():
    values = np.array([1.0, 2.0, 3.0, 4.0, np.nan, 150.0, 6.0])
    rows = np.ones(7, dtype=bool)
    hourly = quality.rule(FluxnetOptions(), times.STEPS["HH"])
    kept, loss = quality.sift(values, np.array([0, 1, 2, 7, 0, 0, np.nan]), rows, hourly)
    np.testing.assert_array_equal(np.isfinite(kept), [True, True, False, False, False, False, False])
    assert loss == quality.DropCounts(missing=1, poor=2, odd=1, implausible=1, kept=2, best=2.0)
    daily = quality.rule(FluxnetOptions(), times.STEPS["DD"])
    kept, loss = quality.sift(values, np.array([0, 0.75, 0.74, 3.0, 1, 1, 1]), rows, daily)
    np.testing.assert_array_equal(np.isfinite(kept), [False, True, False, False, False, False, True])
    assert loss == quality.DropCounts(missing=1, poor=2, odd=1, implausible=1, kept=2, best=0.74)


def test_a_quality_that_is_no_class_is_refused_half_hourly():
    with pytest.raises(SettingsError, match=r"--quality 0.75 is no class. At half-hourly resolution give the highest"):
        quality.rule(FluxnetOptions(quality=0.75), times.STEPS["HH"])


def test_classes_are_those_of_modis_and_one_for_the_unknown():
    assert len(sites.CODES) == 17 and len(sites.CLASSES) == 18
    known = {
        "ENF": "evergreen needleleaf forest",
        "WSA": "woody savanna",
        "CRO": "cropland",
        "wet": "permanent wetland",
    }
    known |= {"BSV": "barren", "Mixed Forest": "mixed forest", "NA": "unknown", "": "unknown", "XXX": "unknown"}
    assert {code: sites.CLASSES[sites.category(code)] for code in known} == known


def test_history_counts_complete_records_up_to_the_sample():
    rows = np.array([1, 1, 0, 1, 1, 1, 0, 0, 1], dtype=bool)
    assert valid_run_length(rows).tolist() == [1, 2, 0, 1, 2, 3, 0, 0, 1]
