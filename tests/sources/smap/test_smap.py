"""What `prepare smap` makes of exports: values, windows, gaps and the funnel."""

from __future__ import annotations

import numpy as np
import pytest
from smap_case import BANDS, DAYS, STATIONS, moisture

from geoml_cli import registry
from geoml_cli.config.load import load

GAP = "a gap in the weather of its own and the 10 {} before"


def dates(dataset):
    return np.datetime64("1970-01-01") + np.asarray(dataset.array("time")) // 1440


def series(dataset, name, station=0):
    """Return a station's series of a variable by date."""
    first = [*dataset.array("station_first").tolist(), len(dataset.array("time"))]
    part = slice(first[station], first[station + 1])
    return dict(zip(dates(dataset)[part].astype(str).tolist(), dataset.array(name)[part].tolist(), strict=True))


def balanced(funnel):
    return funnel.read == funnel.kept + sum(funnel.dropped.values())


def test_rows_step_over_the_missing_last_day_of_the_year(raw, prepared):
    dataset = prepared(raw)
    assert dataset.labels("station") == list(STATIONS)
    assert "2019-12-31" not in series(dataset, "pr")
    funnel = dataset.manifest.funnel
    # Ten rows at the beginning have no ten rows before them; 31 December has no row at all.
    assert funnel.dropped == {"no row of gridMET": 3, GAP.format("rows"): 30}
    assert balanced(funnel) and funnel.kept == 3 * (len(DAYS) - 11)
    assert funnel.per_station["Beta_2"] == {
        "read": 61,
        "no row of gridMET": 1,
        GAP.format("rows"): 10,
        "kept": 50,
    }


def test_days_demand_ten_calendar_days_and_the_funnel_says_what_new_year_costs(raw, prepared):
    dataset = prepared(raw, window="days")
    assert np.isnan(series(dataset, "pr")["2019-12-31"])
    # 31 December itself and the ten days after it.
    assert dataset.manifest.funnel.dropped == {GAP.format("days"): 3 * 21}
    assert balanced(dataset.manifest.funnel)


def test_a_window_is_the_rows_before_of_the_same_station(raw, prepared):
    dataset = prepared(raw)
    tables = load("mmnet", "onsite", None, {}).own
    samples = registry.spec("mmnet").networks(tables)[""].samples(dataset)
    index = np.asarray(dataset.array("index"))
    place = [str(date) for date in dates(dataset)[index]].index("2020-01-05")
    rain = samples.inputs["dynamic"].values[np.array([place])][0, :, samples.inputs["dynamic"].names.index("pr")]
    # Rows 24 to 29 are 25 to 30 December, 31 is the first of January: 30, the last of December, is stepped over.
    np.testing.assert_array_equal(rain, [24, 25, 26, 27, 28, 29, 31, 32, 33, 34, 35])
    assert samples.inputs["static"].values.shape[1:] == (28,) and len(samples.usable()) == len(samples)


def test_the_snapshot_has_the_papers_order_and_values(raw, prepared):
    dataset = prepared(raw)
    tables = load("mmnet", "onsite", None, {}).own
    item = registry.spec("mmnet").networks(tables)[""].samples(dataset).inputs["static"]
    row = dict(zip(item.names, item.values[0].astype(float), strict=True))
    blue, green, red, near, short_1, short_2 = BANDS.values()
    expected = {
        **dict.fromkeys(item.names[:8], 0.0),
        "land_cover=Grassland": 1.0,
        "DoY_normalized": np.cos(np.pi * (345 - 1) / 365),  # 11 December
        "lat": 36.1,
        "lon": -97.5,
        "elevation": 300.0,
        "slope": 2.0,
        "aspect_normalized": np.cos(np.pi * 90 / 360),
        "clay": 20.0,
        "bd": 140.0,
        "sand": 40.0,
        "SMAP": 0.21,
        "ndvi": (near - red) / (near + red),
        "evi": 2.5 * (near - red) / (near + 6 * red - 7.5 * blue + 1),
        "ndwi": (green - near) / (green + near),
        "lswi": (near - short_1) / (near + short_1),
        "nsdsi": (short_1 - short_2) / short_1,
        "cr": -11 / -17,
        "dpsvim": (121 + 289) / 32,
        "pol": -28 / 6,
        "rvim": -68 / -28,
        "vvvh": 6.0,
    }  # day 10: VV lies between scenes of day 8 (-10.8) and day 12 (-11.2)
    assert list(row) == list(expected)
    assert row == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert dataset.array("soil_moisture")[0] == pytest.approx(moisture(0, 10))


def test_the_mlp_takes_the_days_weather_between_soil_and_smap(raw, prepared):
    dataset = prepared(raw)
    tables = load("mmnet", "onsite", None, {}, ["network.variant=mlp"]).own
    samples = registry.spec("mmnet").networks(tables)[""].samples(dataset)
    names = samples.inputs["static"].names
    weather = ("eto", "etr", "pr", "sph", "srad", "vpd", "vs", "LST")
    assert len(names) == 36 and "dynamic" not in samples.inputs
    assert names[14:26] == ("clay", "bd", "sand", *weather, "SMAP")
    assert samples.inputs["static"].values[0, names.index("pr")] == 10


@pytest.mark.parametrize(("fill", "inside", "end"), [("linear", 15001.0, 15060.0), ("previous", 15000.0, 15060.0)])
def test_gaps_are_filled_linearly_or_by_the_value_before(raw, prepared, fill, inside, end):
    lst = series(prepared(raw, fill=fill), "LST")
    assert lst["2019-12-02"] == inside and lst["2020-01-30"] == end


def test_land_surface_temperature_is_the_products_number_or_kelvin(raw, prepared):
    dataset = prepared(raw, lst="kelvin")
    assert dataset.unit("LST") == "K" and series(dataset, "LST")["2019-12-01"] == pytest.approx(300.0)
    assert prepared(raw).unit("LST") == "0.02 K"


def test_smap_is_filled_forwards_then_backwards(raw, prepared):
    from smap_case import edit

    def without_the_first_two(rows):
        for row in rows:
            row["20191201_sm_surface"] = row["20191202_sm_surface"] = row["20191205_sm_surface"] = ""
        return rows

    edit(raw / "smap_ssm_2019.csv", without_the_first_two)
    smap = series(prepared(raw), "SMAP")
    assert [smap[f"2019-12-0{day}"] for day in (1, 2, 5)] == pytest.approx([0.202, 0.202, 0.203])
    previous = series(prepared(raw, fill="previous"), "SMAP")
    assert np.isnan(previous["2019-12-01"]) and previous["2019-12-05"] == pytest.approx(0.203)


def test_stations_of_one_smap_cell_share_its_number_and_are_named(raw, prepared):
    dataset = prepared(raw)
    cell, station = np.asarray(dataset.array("smap_cell")), np.asarray(dataset.array("station_index"))
    assert len({cell[station == k][0] for k in range(3)}) == 2
    assert any("hold several stations: Alpha-1 and Beta_2" in note for note in dataset.manifest.funnel.notes)


def test_cells_are_those_of_ease_grid_2():
    pyproj = pytest.importorskip("pyproj")
    from geoml_cli.sources.smap.ease import cell

    generator = np.random.default_rng(0)
    latitude, longitude = generator.uniform(-80, 80, 500), generator.uniform(-179, 179, 500)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True).transform(longitude, latitude)
    column = np.floor((x + 17367530.4451615) / 9008.055210146)
    row = np.floor((7314540.8306386 - y) / 9008.055210146)
    np.testing.assert_array_equal(cell(latitude, longitude), row * 3856 + column)
    assert cell(np.array([89.0]), np.array([0.0]))[0] == -1


@pytest.mark.parametrize("variant", ["mmnet", "transformer", "mlp"])
@pytest.mark.parametrize("inputs", [(), ("network.land_cover=binary",), ("network.use_indices=false",)])
def test_the_data_have_the_names_that_an_imported_checkpoint_expects(raw, prepared, variant, inputs):
    from geoml_cli.models.mmnet.pretrained import read
    from geoml_cli.samples.samples import signature

    tables = load("mmnet", "onsite", None, {}, [f"network.variant={variant}", *inputs]).own
    network = registry.spec("mmnet").networks(tables)[""]
    expected = signature(network.samples(prepared(raw)))
    found = read(network.build(expected).state_dict())
    assert found.signature == expected and found.tables["network"]["variant"] == variant


def test_days_without_ground_truth_are_prepared_to_be_predicted(raw, prepared):
    (raw / "in_situ.csv").unlink()
    dataset = prepared(raw, truth="none")
    assert dataset.manifest.funnel.kept == 150 and not dataset.has("soil_moisture")
    tables = load("mmnet", "onsite", None, {}).own
    samples = registry.spec("mmnet").networks(tables)[""].samples(dataset)
    assert samples.target.values is None and samples.complete.all()
