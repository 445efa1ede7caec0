"""Units of soil samples and of their rasters: asked for, kept, compared, never assumed in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.soc.log import PrepareLog
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.sources.soc.units import chosen_unit, is_unit, most_carbon
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]
Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)
ROWS = [(10, 10, 1), (15, 15, 2)]


@pytest.mark.parametrize(
    "unit", ["g kg-1", "g/kg", "%", "mg g-1", "t ha-1", "Mg C ha-1", "kg m-2", "dg kg-1", "gC m-2"]
)
def test_units_of_contents_and_stocks_are_known(unit: str) -> None:
    assert is_unit(unit)
    assert SocOptions(unit=unit).unit == unit


@pytest.mark.parametrize("unit", ["foo", "", "gram", "g kg-9", "g of kg"])
def test_an_unknown_unit_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match="is not a known unit; write it such as g kg-1, %"):
        SocOptions(unit=unit)


@pytest.mark.parametrize(
    ("column", "unit", "origin"),
    [
        ("soc", "g kg-1", "by default: its name tells none that is known"),
        ("SOC_percent", "%", "as the column SOC_percent says"),
        ("soc_gkg", "g kg-1", "as the column soc_gkg says"),
    ],
)
def test_a_unit_that_is_not_given_is_said(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path, column: str, unit: str, origin: str
) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", ROWS, header=f"id,lon,lat,{column}")
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.unit("soc") == unit
    assert f"the unit of {column} is taken as {unit}, {origin}; --unit names another." in reporter.said
    given, reporter = prepared(tmp_path / "raw", unit="kg m-2")
    assert given.unit("soc") == "kg m-2"
    assert not any("is taken as" in text for text in reporter.said)


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("SOC stock (Mg/ha)", "t ha-1"), ("SOC (t C ha-1)", "t ha-1"), ("OCS_t_ha", "t ha-1"), ("soc_tCha", "t ha-1"),
        ("SOC kg/m2", "kg m-2"), ("soc_kg_m_2", "kg m-2"), ("SOC g m-2", "g m-2"), ("SOC density kg m-3", "kg m-3"),
        ("OC_gdm3", "kg m-3"), ("SOC (g L-1)", "kg m-3"), ("SOC [‰]", "g kg-1"), ("C_org_promille", "g kg-1"),
        ("SOC_mg_per_g", "g kg-1"), ("OC (g/100 g)", "%"), ("SOCgkg", "g kg-1"), ("soc_0_30cm", ""), ("SOC", ""),
        ("soc_habitat", ""), ("SOC g cm-2", ""), ("soc_g_cm2", ""), ("SOC_kg_cm-3", ""), ("SOC_KG_CM2", ""),
        ("SOC (kg C m-2)", "kg m-2"), ("soc_gCm2", "g m-2"), ("SOC_tons_per_hectare", "t ha-1"),
        ("soc_t_hm2", "t ha-1"),
        ("SOC t ha-1 yr-1", ""), ("soc_change_t_ha_year", ""), ("SOC_%o", "g kg-1"), ("SOC_g_per_100g", "%"),
        ("SOC [g (100 g)-1]", "%"), ("kohlenstoff_Prozent", "%"), ("teneur_pour_cent", "%"), ("TOC_mg_C_g", "g kg-1"),
        ("soc_g_C_kg", "g kg-1"), ("soc_promil", "g kg-1"), ("catalog_soc", ""), ("SOC_kg_kg", "kg kg-1"),
        ("SOC (Mg·ha⁻¹)", "t ha-1"), ("SOC (kg m\u22122)", "kg m-2"), ("soc [kg*m-2]", "kg m-2"),
        ("SOC (kg C m⁻²)", "kg m-2"),
        ("SOC (mg·kg⁻¹)", "mg kg-1"), ("logger_soc", ""),
    ],
)  # fmt: skip
def test_units_that_names_of_columns_tell(column: str, unit: str) -> None:
    funnel = Funnel()
    assert chosen_unit(None, column, PrepareLog(NullReporter(), funnel)) == (unit or "g kg-1")
    assert ("by default" in funnel.notes[0]) == (not unit)


@pytest.mark.parametrize(
    ("column", "warned"),
    [("SOC g cm-2", True), ("SOC [foo]", True), ("SOC (t/acre)", True), ("SOC", False), ("soc_0_30cm", False),
     ("SOC (0-30 cm)", False), ("SOC (%)", False)],
)  # fmt: skip
def test_a_unit_that_is_not_understood_is_a_warning(column: str, warned: bool) -> None:
    reporter, said = NullReporter(), list[str]()
    reporter.warn = said.append  # type: ignore[method-assign]
    chosen_unit(None, column, PrepareLog(reporter, Funnel()))
    assert bool(said) == warned


@pytest.mark.parametrize(
    "column",
    [
        "log10_SOC",
        "SOC_log",
        "ln_soc_g_kg",
        "soc (log1p)",
        "LOG SOC",
        "log_SOC_t_ha",
        "logSOC",
        "lnSOC",
        "SOClog",
        "log10TOC",
        "lnCorg",
    ],
)
def test_logarithms_are_refused(column: str) -> None:
    with pytest.raises(DataError, match="is a logarithm by the name of its column"):
        chosen_unit("g kg-1", column, PrepareLog(NullReporter(), Funnel()))


@pytest.mark.parametrize(
    ("column", "given"), [("OC (g/100 g)", "g/100g"), ("soc_mg_g", "mg/g"), ("SOC stock (Mg/ha)", "t/ha")]
)
def test_another_spelling_of_the_unit_in_the_name_is_no_contradiction(column: str, given: str) -> None:
    said: list[str] = []
    reporter = NullReporter()
    reporter.warn = said.append  # type: ignore[method-assign]
    assert chosen_unit(given, column, PrepareLog(reporter, Funnel())) == given and not said
    chosen_unit("kg m-3", column, PrepareLog(reporter, Funnel()))
    assert len(said) == 1 and "names the unit" in said[0]


def test_a_declared_fill_that_no_pixel_has_is_told(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    """Values are compared as they are stored, while ranges are printed as they are meant."""
    path = raster(tmp_path / "raw/t.tif", RAMP.astype(np.int16))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (-20.0,)
    raster(tmp_path / "raw/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", ROWS)
    stored = int(RAMP[0, 0])
    meant = stored * 0.5 - 20 + 1e4
    dataset, reporter = prepared(tmp_path / "raw", nodata=(f"t={meant:g}", f"dem={stored}"))
    text = f"--nodata t={meant:g}: no pixel of t has this value; values are compared as they are stored, {meant:g} as "
    assert [warning for warning in reporter.warned if warning.startswith(text + f"{(meant + 20) * 2:g}.")]
    assert [note for note in dataset.manifest.funnel.notes if note.startswith(text)]
    assert not [warning for warning in reporter.warned if "dem=" in warning]


def with_unit(path: Path, unit: str) -> Path:
    with rasterio.open(path, "r+") as file:
        file.units = (unit,)
    return path


def test_a_map_of_rasters_in_another_unit_is_refused(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    with_unit(raster(tmp_path / "raw/temperature.tif", RAMP / 100), "degC")
    table(tmp_path / "raw/p.csv", ROWS)
    dataset, _ = prepared(tmp_path / "raw")
    new = with_unit(raster(tmp_path / "new/temperature.tif", RAMP / 100 + 273), "K")
    with pytest.raises(DataError, match="temperature is in K, and the data set's in degC"):
        SOURCE.stack(tmp_path / "new", dataset.manifest, ())
    with_unit(new, "Celsius")
    assert SOURCE.stack(tmp_path / "new", dataset.manifest, ()).grid.height == 20


def test_a_data_set_keeps_the_units_of_its_rasters(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    with_unit(raster(tmp_path / "raw/rain.tif", RAMP), "cm")
    raster(tmp_path / "raw/slope.tif", RAMP)
    for year, unit in ((2019, ""), (2020, "K")):
        with_unit(raster(tmp_path / f"raw/lst_{year}.tif", RAMP), unit)
    table(tmp_path / "raw/p.csv", ROWS)
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.manifest.file_units() == {"rain": "cm", "lst": "K"}
    assert "static" not in dataset.manifest.units() and dataset.manifest.units()["soc"] == "g kg-1"
    with netCDF4.Dataset(dataset.folder / "dataset.nc") as file:
        assert (file["static"].units, file["static"].units_by_name) == ("1", "rain: cm")
        assert file["series"].units_by_name == "lst: K"


def test_years_in_different_units_are_refused(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    for year, unit in ((2019, "K"), (2020, "degC")):
        with_unit(raster(tmp_path / f"raw/lst_{year}.tif", RAMP), unit)
    table(tmp_path / "raw/p.csv", ROWS)
    with pytest.raises(DataError, match=r"lst_2020 is in degC, and the data set's in K"):
        prepared(tmp_path / "raw")


def test_years_in_different_scales_are_refused(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    for year in (2010, 2011, 2012):
        raster(tmp_path / f"raw/evi_{year}.tif", (RAMP + 100) / 2500)
    whole = ((RAMP + 100) * 4).astype("int16")
    raster(tmp_path / "raw/evi_2012.tif", whole)
    table(tmp_path / "raw/p.csv", ROWS)
    with pytest.raises(
        DataError,
        match=r"evi_2012\.tif: the median magnitude of evi is 4.*the scale and offset that it was packed with",
    ):
        prepared(tmp_path / "raw")
    dataset, _ = prepared(tmp_path / "raw", any_scale=("evi",))  # as the message says
    assert np.nanmax(dataset.array("series")) > 1000
    raster(tmp_path / "raw/evi_2012.tif", whole, scale=0.0001)
    dataset, _ = prepared(tmp_path / "raw")
    assert np.nanmax(dataset.array("series")) < 1


def test_classes_are_proposed_where_values_look_like_codes(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    table(tmp_path / "raw/p.csv", ROWS)
    raster(tmp_path / "raw/cover.tif", (RAMP % 4 * 10).astype("uint8"))
    raster(tmp_path / "raw/use.tif", (RAMP % 3 + 1).astype("uint8"))
    raster(tmp_path / "raw/temperature.tif", (RAMP // 200 + 9).astype("int16"))
    raster(tmp_path / "raw/balance.tif", (RAMP // 200 - 3).astype("int16"))
    _, reporter = prepared(tmp_path / "raw")
    (told,) = [text for text in reporter.warned if "whole numbers" in text]
    assert "stand in: cover (4), use (3)." in told


def test_bands_without_names_are_told(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    table(tmp_path / "raw/p.csv", ROWS)
    raster(tmp_path / "raw/stack.tif", np.stack([RAMP, RAMP + 0.5]))
    _, reporter = prepared(tmp_path / "raw")
    assert any("bands of stack.tif have no names of their own" in text for text in reporter.warned)
    raster(tmp_path / "raw/stack.tif", np.stack([RAMP, RAMP + 0.5]), names=["a", "b"])
    _, reporter = prepared(tmp_path / "raw")
    assert not any("have no names" in text for text in reporter.warned)


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("SOC (mg/kg)", "mg kg-1"),
        ("oc_ppm", "mg kg-1"),
        ("soc_dg_kg", "dg kg-1"),
        ("oc (g/100g)", "%"),
        ("SOC_dag_kg", "%"),
        ("carbon mg/g", "g kg-1"),
        ("OC g/kg", "g kg-1"),
        ("SOCgkg", "g kg-1"),
        ("SOC_g_per_kg", "g kg-1"),
        ("SOC (gC/kg)", "g kg-1"),
        ("SOCmgkg", "mg kg-1"),
        ("soccgkg", "cg kg-1"),
    ],
)
def test_units_that_laboratories_write_into_names(column: str, unit: str) -> None:
    log = PrepareLog(NullReporter(), Funnel())
    assert chosen_unit(None, column, log) == unit
    assert is_unit(unit) and most_carbon(unit) is not None
    assert f"the unit of {column} is taken as {unit}, as the column {column} says" in log.funnel.notes
    chosen_unit("t ha-1", column, log)
    assert f"the column {column} names the unit {unit}, and --unit t ha-1 is taken." in log.reporter.warned  # type: ignore[attr-defined]


def test_a_map_of_rasters_on_several_grids_is_refused_with_a_remedy_of_prediction(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    for name in ("dem", "rain"):
        raster(tmp_path / f"raw/{name}.tif", RAMP)
        raster(tmp_path / f"new/{name}.tif", RAMP)
    table(tmp_path / "raw/p.csv", ROWS)
    dataset, _ = prepared(tmp_path / "raw")
    SOURCE.stack(tmp_path / "new", dataset.manifest, ())
    raster(tmp_path / "new/rain.tif", RAMP[:-2])
    with pytest.raises(DataError, match=r"the rasters lie on 2 grids .* Bring all onto the grid of dem") as refused:
        SOURCE.stack(tmp_path / "new", dataset.manifest, ())
    assert "--reference" not in str(refused.value)
