"""Places of a column in another unit than the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.work.reporting import NullReporter

PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]
TEMPERATURES = {"dynamic": ("rf", "LST", "tmp")}


def rows() -> pd.DataFrame:
    """Make yearly rows of 120 cells from a desert to a forest, in thirty boxes."""
    random, cell = np.random.default_rng(8), np.arange(120)
    frame = pd.DataFrame({"lat": 30.125 + 5 * (cell // 40), "lon": -100.125 + 1.25 * (cell % 40), "DEM": 900, "LC": 10})
    frame["rf"] = 20.0 * 1.12 ** (cell % 40)
    frame = pd.concat([frame.assign(year=year) for year in range(2003, 2006)], ignore_index=True)
    frame["rf"] *= random.uniform(0.8, 1.2, len(frame))
    frame["LST"] = 273.15 + np.linspace(-12, 35, len(frame))
    frame["tmp"] = np.linspace(-120, 350, len(frame))  # 0.1 degrees Celsius
    return frame.assign(GWS=random.normal(size=len(frame)))


def notes(dataset: Dataset) -> list[str]:
    return [note for note in dataset.manifest.funnel.notes if re.search("another unit|kelvin", note)]


def test_a_desert_next_to_a_forest_is_one_unit(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows().to_csv(raw / "t.csv", index=False)
    assert notes(prepare_gwsa(raw, **TEMPERATURES)[0]) == []


def test_rain_of_the_east_in_metres_is_noted(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    frame = rows()
    east = frame["lon"] > -65
    frame.assign(rf=frame["rf"] * np.where(east, 1e-3, 1)).to_csv(raw / "t.csv", index=False)
    dataset, reporter = prepare_gwsa(raw, **TEMPERATURES)
    [note] = notes(dataset)
    assert re.match(
        r"rf is of 0\.\d+ to 1\.\d+ in 9 of 33 boxes of 5 degrees, such as near lat 32\.5, lon -62\.5", note
    )
    assert note in reporter.warned
    # One box without rain hides nothing, and who names a unit says that it is right.
    frame.loc[frame["lon"] < -98, "rf"] = 0
    frame.assign(rf=frame["rf"] * np.where(east, 1e-3, 1)).to_csv(raw / "t.csv", index=False)
    assert len(notes(prepare_gwsa(raw, **TEMPERATURES)[0])) == 1
    assert notes(prepare_gwsa(raw, units=("rf=mm yr-1",), **TEMPERATURES)[0]) == []


def test_terrain_of_coasts_and_mountains_is_one_unit(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    frame = rows()
    frame["DEM"] = np.where(frame["lon"] > -65, 1, 900)
    frame.to_csv(raw / "t.csv", index=False)
    assert notes(prepare_gwsa(raw, **TEMPERATURES)[0]) == []


def test_two_islands_far_apart_are_compared_too(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    frame = rows()
    frame = frame[(frame["lon"] < -90) | (frame["lon"] > -55)]
    frame["rf"] = np.where(frame["lon"] > -55, 1, 1000) * frame["rf"] ** 0.2
    frame.to_csv(raw / "t.csv", index=False)
    [note] = notes(prepare_gwsa(raw, **TEMPERATURES)[0])
    assert note.startswith("rf is of ")


@pytest.mark.parametrize(("across", "said"), [(3.0, 1), (8.0, 1), (1.0, 0)])
def test_a_small_region_is_compared_by_boxes_of_a_degree(
    raw: Path, prepare_gwsa: PrepareGwsa, across: float, said: int
) -> None:
    frame, north = small(across), 30 + across / 2
    frame.to_csv(raw / "t.csv", index=False)
    assert notes(prepare_gwsa(raw, dynamic=("rf",))[0]) == []
    frame["rf"] *= np.where(frame["lat"] > north, 1e-3, 1)
    frame[frame["lat"] > north].to_csv(raw / "north.csv", index=False)
    frame[frame["lat"] <= north].to_csv(raw / "t.csv", index=False)
    found = notes(prepare_gwsa(raw, dynamic=("rf",))[0])
    assert len(found) == said and all(
        re.match(r"rf is of .* boxes of 1 degree, such as near lat 3\d", f) for f in found
    )


def test_a_valley_in_a_desert_is_one_unit(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    """Evaporation of the Nile's banks and of the sand next to them."""
    frame = small(3.0)
    frame["E"] = np.where(frame["lon"] < 101, 400.0, 1.0) * (1 + np.abs(frame["GWS"]) / 100)
    frame.to_csv(raw / "t.csv", index=False)
    assert notes(prepare_gwsa(raw, dynamic=("rf", "E"))[0]) == []


def small(across: float) -> pd.DataFrame:
    """Make monthly rows of a region that is so many degrees wide, in boxes of 5 degrees too few to be compared."""
    random, axis = np.random.default_rng(8), np.arange(0.125, across, 0.25)
    lat, lon = (part.ravel() for part in np.meshgrid(30 + axis, 100 + axis))
    frame = pd.DataFrame({"lat": lat, "lon": lon, "DEM": 100, "LC": 4})
    each = [frame.assign(time=f"2003_{month:02d}", rf=50 + 10 * np.sin(month)) for month in range(1, 13)]
    frame = pd.concat(each, ignore_index=True)
    frame["rf"] += random.normal(size=len(frame))
    return frame.assign(GWS=5 * random.normal(size=len(frame)))


@pytest.mark.parametrize(("factor", "unit"), [(0.01, "m"), (0.1, ""), (1.0, ""), (10.0, ""), (25.0, "mm")])
def test_a_target_in_metres_or_millimetres_is_asked_about(
    raw: Path, prepare_gwsa: PrepareGwsa, factor: float, unit: str
) -> None:
    small(2.0).assign(GWS=lambda frame: factor * frame["GWS"]).to_csv(raw / "t.csv", index=False)
    dataset, reporter = prepare_gwsa(raw, dynamic=("rf",))
    asked = [text for text in reporter.warned if "on the mean of its magnitudes" in text]
    assert [f"is it in {unit}? Then say --units GWS={unit}, else --units GWS=cm" in text for text in asked] == [
        True
    ] * (unit != "")
    for given in (unit, "cm") if unit else ():
        dataset, reporter = prepare_gwsa(raw, dynamic=("rf",), units=(f"GWS={given}",))
        assert dataset.unit("GWS") == given
        assert not any("on the mean of its magnitudes" in text for text in reporter.warned)


@pytest.mark.parametrize(("name", "scale"), [("LST", -1.0), ("tmp", 10.0)])
def test_kelvin_in_the_east_and_degrees_celsius_in_the_west_are_refused(
    raw: Path, prepare_gwsa: PrepareGwsa, name: str, scale: float
) -> None:
    frame = rows()
    east = frame["lon"] > -65
    frame.assign(**{name: frame[name] + np.where(east, scale * 273.15, 0)}).to_csv(raw / "t.csv", index=False)
    with pytest.raises(DataError, match=rf"{name} is in degrees Celsius at some places \(near lat 32\.5, lon .*kelvin"):
        prepare_gwsa(raw, **TEMPERATURES)


def test_both_units_in_one_box_are_noted_and_a_fill_of_zero_can_be_named(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    frame = rows()
    frame.loc[[5, 125], "LST"] = 0
    frame.to_csv(raw / "t.csv", index=False)
    [note] = notes(prepare_gwsa(raw, **TEMPERATURES)[0])
    assert re.match(r"LST runs from 0 to 30\d", note) and note.endswith("(--nodata LST=NUMBER)?")
    dataset, _ = prepare_gwsa(raw, nodata=("LST=0",), **TEMPERATURES)
    assert notes(dataset) == [] and dataset.manifest.funnel.kept == len(frame) - 2


@pytest.mark.parametrize(
    ("scale", "shift", "north", "unit"),
    [(0.1, 273.15, 15.0, "K"), (0.1, 0.0, -10.0, "degC"), (1.0, 0.0, 15.0, ""), (1.0, 0.0, -10.0, "")],
)
def test_an_air_temperature_in_kelvin_or_degrees_is_asked_about(
    raw: Path, prepare_gwsa: PrepareGwsa, scale: float, shift: float, north: float, unit: str
) -> None:
    """The published tables have tenths of degrees; the colder the farther north."""
    frame = rows()
    frame["lat"] += north
    celsius = 45 - 0.9 * frame["lat"] if north else np.linspace(-5, 25, len(frame))
    frame["tmp"] = 10 * celsius * scale + shift
    frame["tmp"] = np.where(unit == "degC", np.linspace(8, 25, len(frame)), frame["tmp"])
    frame.to_csv(raw / "t.csv", index=False)
    asked = [note for note in prepare_gwsa(raw, **TEMPERATURES)[0].manifest.funnel.notes if "not in tenths" in note]
    assert len(asked) == bool(unit)
    if unit:
        assert asked[0].endswith(f"Then say --units tmp={unit}, else --units 'tmp=0.1 degC'")
        assert notes(prepare_gwsa(raw, units=("tmp=0.1 degC",), **TEMPERATURES)[0]) == []
        dataset, _ = prepare_gwsa(raw, units=(f"tmp={unit}",), **TEMPERATURES)
        assert dataset.unit("tmp") == unit and notes(dataset) == []


@pytest.mark.parametrize(
    ("surface", "tmp", "unit"),
    [
        # A cold highland of the tropics: the surface says that 50 tenths are 5 degrees, whatever the latitude.
        (np.linspace(13, 17, 120), 10 * np.linspace(3, 7, 120), ""),
        (np.linspace(22, 29, 120), np.linspace(22, 29, 120) + 271.15, "K"),  # as warm in tenths as the surface is
        (20 * np.cos(np.arange(120)), 19 * np.cos(np.arange(120)), "degC"),  # near 0 on the mean
        (20 * np.cos(np.arange(120)) + 15, 80 * np.cos(np.arange(120)) + 20, ""),  # a desert by day
    ],
)
def test_the_surface_says_which_unit_of_the_air_is_likely(
    raw: Path, prepare_gwsa: PrepareGwsa, surface: np.ndarray, tmp: np.ndarray, unit: str
) -> None:
    frame = rows()
    frame["lat"] -= 10
    surface, tmp = np.resize(surface, len(frame)), np.resize(tmp, len(frame))
    step = 1 if unit else 10
    frame = pd.concat(
        [frame.assign(month=month, LST=surface + 273.15 + month, tmp=tmp + step * month) for month in range(1, 13)]
    )
    frame.to_csv(raw / "t.csv", index=False)
    asked = [note for note in prepare_gwsa(raw, **TEMPERATURES)[0].manifest.funnel.notes if "not in tenths" in note]
    assert len(asked) == bool(unit) and f"--units tmp={unit}" * bool(unit) in "".join(asked)


@pytest.mark.parametrize(("scale", "shift", "unit"), [(0.1, 0.0, "degC"), (0.1, 273.15, "K"), (1.0, 0.0, "")])
def test_an_air_temperature_far_from_the_surfaces_is_asked_about(
    raw: Path, prepare_gwsa: PrepareGwsa, scale: float, shift: float, unit: str
) -> None:
    """Also of months, and of latitudes at which a mean of 2 degrees is none that cannot be."""
    frame = rows()
    frame = pd.concat([frame.assign(month=month) for month in (6, 7)])
    celsius = np.resize(np.linspace(12, 25, 120), len(frame))
    frame["LST"], frame["tmp"] = celsius + 275.15, 10 * celsius * scale + shift
    frame.to_csv(raw / "t.csv", index=False)
    asked = [note for note in prepare_gwsa(raw, **TEMPERATURES)[0].manifest.funnel.notes if "not in tenths" in note]
    assert len(asked) == bool(unit)
    if unit:
        assert "LST 14 to 26.9: is it in" in asked[0]
        dataset, _ = prepare_gwsa(raw, units=(f"tmp={unit}",), **TEMPERATURES)
        assert "not in tenths" not in str(notes(dataset))
