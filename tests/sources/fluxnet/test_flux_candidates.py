"""Columns of AmeriFlux BASE that may stand for one of FLUXNET: an empty one hides no filled one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import candidates, dryness
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

TIMES = np.arange("2012-06-01", "2012-06-11", np.timedelta64(30, "m"), dtype="datetime64[m]")
NAME = "AMF_{site}_BASE_HH_2-5.csv"
DRIVERS = ("TA_F", "SW_IN_F", "PA_F", "P_F")
GIVEN = {"dynamic": DRIVERS, "extra": ()}


def weather(times: np.ndarray = TIMES) -> made.Columns:
    hours = np.arange(len(times)) / 2
    return {"TA_1_1_1": 15 + 5 * np.sin(hours / 4), "RH": 60 + 20 * np.cos(hours / 4),
            "SW_IN": np.clip(600 * np.sin(hours / 4), 0, None), "PA": 98 + np.sin(hours), "P": np.zeros(len(times)),
            "FC": 3 * np.cos(hours)}  # fmt: skip


def empty(count: int = len(TIMES)) -> np.ndarray:
    return np.full(count, np.nan)


def base(
    folder: Path, content: made.Columns, site: str = "XA-Fir", name: str = NAME, times: np.ndarray = TIMES
) -> Path:
    """Write a site's file and the table of sites; NaN becomes -9999."""
    folder.mkdir(exist_ok=True)
    made.site_table(folder / "siteinfo.csv", made.TOWERS)
    stamps = {"TIMESTAMP_START": made.stamp(times, 12),
              "TIMESTAMP_END": made.stamp(times + np.timedelta64(30, "m"), 12)}  # fmt: skip
    made.write(folder / name.format(site=site), stamps, content)
    return folder


def close(found, expected):
    np.testing.assert_allclose(np.array(found), expected, rtol=1e-4, atol=1e-4)


def notes(dataset) -> str:
    return "\n".join(dataset.manifest.funnel.notes)


def test_an_empty_target_hides_no_filled_one_and_is_told(prepared, tmp_path):
    content = weather()
    dataset = prepared(base(tmp_path / "raw", {"NEE_PI": empty(), "NEE": empty()} | content), **GIVEN)
    close(dataset.array("NEE_VUT_REF"), content["FC"])
    assert "FC as NEE_VUT_REF (NEE_PI has no value, NEE has no value)" in notes(dataset)
    assert "XA-Fir: NEE_VUT_REF is FC, the turbulent flux alone; storage is not in it" in notes(dataset)


def test_an_empty_bare_driver_hides_no_sensor_and_cells_may_be_blank(prepared, tmp_path):
    content = weather()
    raw = base(tmp_path / "raw", {"TA": empty()} | content)
    dataset = prepared(raw, **GIVEN)
    close(dataset.array("TA_F"), content["TA_1_1_1"])
    assert "TA_1_1_1 as TA_F (TA has no value), SW_IN as SW_IN_F" in notes(dataset)
    path = raw / NAME.format(site="XA-Fir")
    path.write_text(path.read_text().replace("-9999", ""))
    close(prepared(raw, **GIVEN).array("TA_F"), content["TA_1_1_1"])


def test_a_column_of_a_declared_fill_alone_is_empty(prepared, tmp_path):
    content = weather()
    raw = base(tmp_path / "raw", {"TA": np.full(len(TIMES), -777.0)} | content)
    dataset = prepared(raw, **GIVEN, nodata=("TA_F=-777",))
    close(dataset.array("TA_F"), content["TA_1_1_1"])
    assert "TA_1_1_1 as TA_F (TA has no value)" in notes(dataset)


def test_an_empty_humidity_gives_way_to_a_filled_one(prepared, tmp_path):
    content = weather()
    sensor = content.pop("RH")
    raw = base(tmp_path / "raw", {"RH": empty(), "RH_1_1_1": sensor} | content)
    dataset = prepared(raw, dynamic=(*DRIVERS, "VPD_F"), extra=())
    close(dataset.array("VPD_F"), dryness.deficit(content["TA_1_1_1"], sensor))
    assert "it is computed from TA_1_1_1 and RH_1_1_1 [hPa] (RH has no value)" in notes(dataset)


def test_a_deficit_without_a_value_gives_way_to_humidity(prepared, tmp_path):
    content = weather()
    asked = {"dynamic": (*DRIVERS, "VPD_F"), "extra": ()}
    dataset = prepared(base(tmp_path / "raw", {"VPD": empty(), "VPD_PI": empty()} | content), **asked)
    close(dataset.array("VPD_F"), dryness.deficit(content["TA_1_1_1"], content["RH"]))
    assert "has no value of VPD_F: it is computed from TA_1_1_1 and RH [hPa]" in notes(dataset)
    few = empty()
    few[3] = 4.5  # measured once, it is not computed
    close(prepared(base(tmp_path / "few", {"VPD": few} | content), **asked).array("VPD_F"), few)


def test_one_value_is_enough_for_the_first_and_the_file_is_read_once(prepared, tmp_path, monkeypatch):
    content, few = weather(), empty()
    few[-1] = 2.5
    read, whole = [], candidates.read
    monkeypatch.setattr(candidates, "read", lambda *given: read.append(dict(given[1])) or whole(*given))
    dataset = prepared(base(tmp_path / "raw", {"NEE_PI": few} | content), **GIVEN)
    assert [columns["NEE_VUT_REF"] for columns in read] == ["NEE_PI"]
    close(dataset.array("NEE_VUT_REF"), few)
    assert "NEE_PI as NEE_VUT_REF" in notes(dataset) and "has no value" not in notes(dataset)


def test_only_what_was_empty_is_read_again(prepared, tmp_path, monkeypatch):
    read, whole = [], candidates.read
    monkeypatch.setattr(candidates, "read", lambda *given: read.append(dict(given[1])) or whole(*given))
    content = {"NEE_PI": empty(), "TA": empty(), "TA_1": empty()} | weather()
    prepared(base(tmp_path / "raw", content), **GIVEN)
    assert read[1:] == [{"TA_F": "TA_1_1_1", "NEE_VUT_REF": "FC"}]


def test_where_none_has_a_value_the_first_is_taken(prepared, tmp_path):
    content = weather() | {"FC": empty()}
    filled, without = weather(), {"NEE_PI": empty()} | content
    raw = base(tmp_path / "raw", without)
    with pytest.raises(DataError, match="no sample has a value of NEE_VUT_REF"):
        prepared(raw, **GIVEN)
    dataset = prepared(base(raw, filled, "XB-Oak"), **GIVEN)
    assert dataset.manifest.funnel.kept == 2 * len(TIMES) and "has no value" not in notes(dataset)
    assert "XA-Fir has the columns of AmeriFlux BASE, whose gaps are not filled: " in notes(dataset)
    assert "NEE_PI as NEE_VUT_REF" in notes(dataset)


def test_a_site_among_others_keeps_its_targets(prepared, tmp_path):
    content = weather()
    raw = base(tmp_path / "raw", {"NEE_PI": content["FC"] + 0.5} | content)
    dataset = prepared(base(raw, {"NEE_PI": empty()} | content, "XB-Oak"), **GIVEN)
    close(dataset.array("NEE_VUT_REF"), np.concatenate([content["FC"] + 0.5, content["FC"]]))


def test_files_of_a_site_that_take_different_columns_are_told(prepared, tmp_path):
    content, half = weather(), len(TIMES) // 2
    first, second = ({name: column[part] for name, column in content.items()} for part in (np.s_[:half], np.s_[half:]))
    raw = base(tmp_path / "raw", {"NEE_PI": first["FC"] + 0.5} | first, times=TIMES[:half])
    late = {"NEE_PI": empty(len(second["FC"]))} | second
    dataset = prepared(base(raw, late, name="AMF_{site}_BASE_HH_3-5.csv", times=TIMES[half:]), **GIVEN)
    close(dataset.array("NEE_VUT_REF"), np.concatenate([first["FC"] + 0.5, second["FC"]]))
    assert "NEE_PI and FC as NEE_VUT_REF (NEE_PI has no value in some files)" in notes(dataset)
    assert "storage is not in it" in notes(dataset)


def test_the_uncertainty_of_an_empty_target_is_not_that_of_the_flux_in_its_place(prepared, tmp_path):
    content = weather() | {"NEE_VUT_REF": empty(), "NEE_VUT_REF_RANDUNC": np.ones(len(TIMES))}
    dataset = prepared(base(tmp_path / "raw", content), **GIVEN)
    close(dataset.array("NEE_VUT_REF"), content["FC"])
    assert "FC as NEE_VUT_REF (NEE_VUT_REF has no value)" in notes(dataset) and "uncertainty" not in notes(dataset)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("NEE_vut_ref", r" \(XA-Fir has NEE_vut_ref: another name of it\?\)"),
     ("NEE_CUT_REF", r" \(XA-Fir has NEE_CUT_REF: another name of it\?\)"), ("carbon", "")],
)  # fmt: skip
def test_a_tower_without_the_target_is_warned_of_and_a_close_name_said(raw: Path, tmp_path: Path, name, hint) -> None:
    path = sorted(raw.glob("*XA-Fir*.csv"))[0]
    pd.read_csv(path).rename(columns={"NEE_VUT_REF": name}).to_csv(path, index=False)
    reporter = NullReporter()
    done = prepare(Raw("fluxnet", raw, FluxnetOptions()), tmp_path / "data", reporter)
    [warned] = [text for text in reporter.warned if "no column" in text]
    assert re.fullmatch(rf"XA-Fir has no column NEE_VUT_REF: the samples there have no target{hint}", warned)
    assert warned in done.manifest.funnel.notes
